//! The boot order: what a server boots when nothing overrides it.

use serde_json::json;

use crate::{
    bmc::Bmc, boot::Boot, error::Error, lane::Lane, lenient::Doc, patch, quirks::Hints,
    system::System,
};

/// What became of a boot order that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// The BMC shows it.
    Shown,
    /// The BMC has it for the next start, and shows the old one until then.
    Pending,
}

impl Bmc {
    /// Sets the boot order by the names of its entries, first the one that is tried first. Entries
    /// that are not named come after them. It is read back: a BMC that accepts it and keeps the old
    /// one is an error.
    pub async fn set_boot_order(&self, uri: &str, order: &[String]) -> Result<Ordered, Error> {
        let lane = self.inner.exclusive().await?;
        let system = System::read(uri, lane.get(uri).await?);
        if is_order(&system.boot.boot_order, order) {
            return Ok(Ordered::Shown);
        }
        let unsupported = |what: String| Error::NotSupported {
            endpoint: self.endpoint().to_owned(),
            what,
        };
        let known = &system.boot.boot_order;
        if known.is_empty() {
            return Err(unsupported(format!("a boot order for {uri}")));
        }
        let stranger = order.iter().find(|entry| !known.contains(entry));
        if let Some(stranger) = stranger {
            return Err(unsupported(format!(
                "booting {stranger}; {uri} has {}",
                known.join(", ")
            )));
        }
        if let Some(settings) = system.settings_uri()
            && is_order(&pending(&lane, &settings).await?, order)
        {
            return Ok(Ordered::Pending);
        }
        // Some firmware insists on all of them.
        let rest = known.iter().filter(|entry| !order.contains(entry));
        let whole: Vec<&String> = order.iter().chain(rest).collect();
        send(&lane, &system, &whole).await?;
        let seen = System::read(uri, lane.get(uri).await?);
        if is_order(&seen.boot.boot_order, order) {
            return Ok(Ordered::Shown);
        }
        if let Some(settings) = seen.settings_uri()
            && is_order(&pending(&lane, &settings).await?, order)
        {
            return Ok(Ordered::Pending);
        }
        Err(unsupported(format!(
            "changing the boot order of {uri}: it took {} and still shows {}",
            order.join(", "),
            seen.boot.boot_order.join(", "),
        )))
    }
}

/// Whether a boot order begins with these entries.
pub(crate) fn is_order(seen: &[String], order: &[String]) -> bool {
    seen.starts_with(order)
}

/// Sends it to the system, and to what holds its settings for the next start if only that takes it.
async fn send(lane: &Lane<'_>, system: &System, order: &[&String]) -> Result<(), Error> {
    let body = json!({"Boot": {"BootOrder": order}});
    let root = lane.root().await?;
    let hints = Hints::of(&root, Some(system));
    let target = patch::Target {
        path: &system.uri,
        etag: system.etag.clone(),
        hints: &hints,
    };
    let settings = system.settings_uri();
    let refused = match patch::send(lane, target, &body).await {
        // What the BMC shows decides.
        Ok(_done) => return Ok(()),
        Err(error) if error.is_outcome_unknown() => return Ok(()),
        Err(error) => error,
    };
    let elsewhere = matches!(
        refused,
        Error::Rejected {
            status: 400 | 403 | 405,
            ..
        } | Error::NotSupported { .. }
    );
    let Some(settings) = settings.filter(|_| elsewhere) else {
        return Err(refused);
    };
    let etag = lane.get(&settings).await?.etag;
    let target = patch::Target {
        path: &settings,
        etag,
        hints: &hints,
    };
    match patch::send(lane, target, &body).await {
        Ok(_done) => Ok(()),
        Err(error) if error.is_outcome_unknown() => Ok(()),
        // What the system itself said is nearer to the point.
        Err(Error::Rejected { .. } | Error::NotSupported { .. }) => Err(refused),
        Err(error) => Err(error),
    }
}

/// The boot order that waits for the next start.
async fn pending(lane: &Lane<'_>, settings: &str) -> Result<Vec<String>, Error> {
    match lane.get(settings).await {
        Ok(document) => Ok(order_of(document.doc())),
        Err(Error::NotFound { .. } | Error::Decode { .. } | Error::Rejected { .. }) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn order_of(doc: Doc<'_>) -> Vec<String> {
    Boot::read(doc.get("Boot")).boot_order
}
