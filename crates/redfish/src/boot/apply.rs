//! Setting and clearing a boot override on a real BMC.

use serde_json::Value;

use super::{
    Boot, BootEnabled, BootOverride,
    change::{Change, disabled},
};
use crate::{
    bmc::Bmc,
    error::Error,
    lane::Lane,
    lenient::Doc,
    patch,
    quirks::{FirstPlace, Hints},
    system::System,
};

/// Where an override can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    System,
    /// The settings resource: some firmware takes an override only there, most only not there.
    Settings,
}

/// A system's boot, wherever it is reported.
struct Observed {
    system: System,
    settings: Option<Settings>,
    hints: Hints,
}

struct Settings {
    uri: String,
    boot: Boot,
    etag: Option<String>,
}

impl Bmc {
    /// Sets what a system boots next, and looks whether it arrived. What the caller should know
    /// besides comes back as warnings.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] before anything is sent, if the BMC lists what it takes and this is
    /// not among it.
    pub async fn set_boot_override(
        &self,
        uri: &str,
        wanted: BootOverride,
    ) -> Result<Vec<String>, Error> {
        if wanted.enabled == BootEnabled::Disabled {
            return self.clear_boot_override(uri).await;
        }
        let lane = self.inner.exclusive().await?;
        let observed = Observed::read(&lane, uri).await?;
        let settings = observed.settings.as_ref().map(|settings| &settings.boot);
        let change = Change::plan(wanted, &observed.system.boot, settings, &observed.hints);
        let change = change.map_err(|what| Error::NotSupported {
            endpoint: self.endpoint().to_owned(),
            what: format!("{what} ({uri})"),
        })?;
        if change.is_done(&observed.system.boot, &observed.hints) {
            return Ok(change.warnings);
        }
        arm(&lane, observed, change).await
    }

    /// What a system takes for a boot override, and what it shows of one: its own lists and those of
    /// its settings resource together. [`Boot::has_http_boot_uri`] tells whether a URL for HTTP
    /// boot can be set at all; where it cannot, [`BootTarget::UefiHttp`](crate::BootTarget) boots
    /// the URL that comes by DHCP.
    pub async fn boot_support(&self, uri: &str) -> Result<Boot, Error> {
        let observed = Observed::read(&self.inner.shared(), uri).await?;
        let mut boot = observed.system.boot;
        if let Some(settings) = observed.settings {
            boot.allow(settings.boot);
        }
        Ok(boot)
    }

    /// Ends a pending override. If none is pending, nothing is sent.
    pub async fn clear_boot_override(&self, uri: &str) -> Result<Vec<String>, Error> {
        let lane = self.inner.exclusive().await?;
        let observed = Observed::read(&lane, uri).await?;
        let mut warnings = Vec::new();
        for place in observed.places(&lane) {
            let boot = observed.boot(place);
            if !boot.is_overridden() {
                continue;
            }
            let mut result = observed.send(&lane, place, &disabled(None)).await;
            if let (Err(Error::Rejected { status: 400, .. }), Some(mode)) = (&result, &boot.mode) {
                // Some firmware insists on the mode.
                result = observed.send(&lane, place, &disabled(Some(mode))).await;
            }
            match result {
                Ok(()) => {}
                // Where it cannot be written it was not written by anyone: it mirrors the other.
                Err(Error::NotSupported { .. }) => {}
                Err(error) if error.is_outcome_unknown() => {}
                Err(error) => return Err(error),
            }
        }
        let after = Observed::read(&lane, uri).await?;
        for place in after.places(&lane) {
            let boot = after.boot(place);
            if boot.is_overridden() {
                warnings.push(format!(
                    "the BMC still reports the boot override {} {} at {}",
                    word(boot.target.as_ref().map(|target| target.as_str())),
                    word(boot.enabled.as_ref().map(|enabled| enabled.as_str())),
                    after.path(place)
                ));
            }
        }
        Ok(warnings)
    }
}

/// Writes an override where this BMC takes it.
async fn arm(
    lane: &Lane<'_>,
    mut observed: Observed,
    change: Change,
) -> Result<Vec<String>, Error> {
    let uri = observed.system.uri.clone();
    let mut refusal = None;
    let mut conflicts = 0;
    let mut lost = 0;
    let mut taken = None;
    let mut places = observed.places_for(lane, &change).into_iter();
    let mut place = places.next();
    while let Some(at) = place {
        let body = change.body(observed.boot(at), &observed.hints);
        match observed.send(lane, at, &body).await {
            Ok(()) => taken = Some(at),
            Err(error) if observed.may_belong_elsewhere(&error) || is_refused(&error) => {
                let elsewhere = observed.may_belong_elsewhere(&error);
                if is_refused(&error) && arrived_anyway(lane, &observed, &change).await? {
                    return Ok(change.warnings);
                }
                refusal.get_or_insert(error);
                place = places.next().filter(|_| elsewhere);
                continue;
            }
            Err(error) if error.is_outcome_unknown() && lost < MAX_LOST => {
                tracing::debug!(bmc = observed.endpoint(lane), %error, "looking whether it arrived");
                lost += 1;
            }
            Err(Error::Conflict { .. }) if conflicts < MAX_CONFLICTS => {
                conflicts += 1;
                lane.pause(lane.inner.timing.first_delay.saturating_mul(1 << conflicts))
                    .await?;
            }
            Err(error) => return Err(error),
        }
        observed = verify(lane, &uri, &change, taken.is_some()).await?;
        if observed.shows(&change) {
            learn(lane, &uri, at);
            return Ok(change.warnings);
        }
        if taken == Some(at) {
            // Some firmware says yes and means the other resource.
            place = places
                .next()
                .filter(|&next| observed.boot(next).target.is_some());
        }
    }
    match (taken, refusal) {
        (Some(_), _) => Ok(with_mismatch(change, &observed)),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(observed.no_override(lane)),
    }
}

const fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Rejected { status: 400, .. })
}

/// Whether the override shows that was refused. Some firmware says no and does it.
async fn arrived_anyway(
    lane: &Lane<'_>,
    before: &Observed,
    change: &Change,
) -> Result<bool, Error> {
    if before.shows(change) {
        return Ok(false);
    }
    let after = Observed::read(lane, &before.system.uri).await?;
    Ok(after.shows(change))
}

/// Reads until the override shows, or a few times.
async fn verify(
    lane: &Lane<'_>,
    uri: &str,
    change: &Change,
    taken: bool,
) -> Result<Observed, Error> {
    let mut looks = 1;
    loop {
        let observed = Observed::read(lane, uri).await?;
        if !taken || observed.shows(change) || looks == MAX_LOOKS {
            return Ok(observed);
        }
        looks += 1;
        lane.pause(lane.inner.timing.verify_pause).await?;
    }
}

fn learn(lane: &Lane<'_>, uri: &str, place: Place) {
    lane.inner.learned(|learned| {
        learned
            .override_in_settings
            .insert(uri.to_owned(), place == Place::Settings)
    });
}

fn with_mismatch(change: Change, observed: &Observed) -> Vec<String> {
    let boot = &observed.system.boot;
    let mut warnings = change.warnings;
    warnings.push(format!(
        "the BMC took the boot override {} {} and reports {} {}",
        change.wanted.target,
        change.wanted.enabled,
        word(boot.target.as_ref().map(|target| target.as_str())),
        word(boot.enabled.as_ref().map(|enabled| enabled.as_str())),
    ));
    warnings
}

fn word(word: Option<&str>) -> &str {
    word.unwrap_or("nothing")
}

impl Observed {
    async fn read(lane: &Lane<'_>, uri: &str) -> Result<Self, Error> {
        let system = System::read(uri, lane.get(uri).await?);
        let settings = match system.settings_uri() {
            None => None,
            Some(uri) => match lane.get(&uri).await {
                Ok(document) => {
                    let boot = Boot::read(Doc::new(&document.value).get("Boot"));
                    Some(Settings {
                        uri,
                        boot,
                        etag: document.etag,
                    })
                }
                // It is optional, and on some firmware it is a dead link.
                Err(
                    Error::NotFound { .. }
                    | Error::NotSupported { .. }
                    | Error::Rejected { .. }
                    | Error::Decode { .. },
                ) => None,
                Err(error) => return Err(error),
            },
        };
        let hints = Hints::of(&*lane.root().await?, Some(&system));
        Ok(Self {
            system,
            settings,
            hints,
        })
    }

    /// Where to write, best first.
    fn places(&self, lane: &Lane<'_>) -> Vec<Place> {
        if self.settings.is_none() {
            return vec![Place::System];
        }
        let uri = &self.system.uri;
        let learned = lane
            .inner
            .learned(|learned| learned.override_in_settings.get(uri).copied());
        let settings = match learned {
            Some(settings) => settings,
            None => self.hints.first_place == FirstPlace::Settings,
        };
        if settings {
            vec![Place::Settings, Place::System]
        } else {
            vec![Place::System, Place::Settings]
        }
    }

    /// Where to write this override. One with a URL goes where there is a property for it, and
    /// nowhere else: without its URL it would be another one.
    fn places_for(&self, lane: &Lane<'_>, change: &Change) -> Vec<Place> {
        let mut places = self.places(lane);
        if change.wanted.http_boot_uri.is_some() {
            places.retain(|&place| self.boot(place).has_http_boot_uri);
        }
        places
    }

    fn boot(&self, place: Place) -> &Boot {
        match (&self.settings, place) {
            (Some(settings), Place::Settings) => &settings.boot,
            _ => &self.system.boot,
        }
    }

    fn path(&self, place: Place) -> &str {
        match (&self.settings, place) {
            (Some(settings), Place::Settings) => &settings.uri,
            _ => &self.system.uri,
        }
    }

    async fn send(&self, lane: &Lane<'_>, place: Place, body: &Value) -> Result<(), Error> {
        let etag = match (&self.settings, place) {
            (Some(settings), Place::Settings) => settings.etag.clone(),
            _ => self.system.etag.clone(),
        };
        let target = patch::Target {
            path: self.path(place),
            etag,
            hints: &self.hints,
        };
        patch::send(lane, target, body).await.map(|_done| ())
    }

    /// Whether a refusal may only mean that the override is to be written at the other place.
    fn may_belong_elsewhere(&self, error: &Error) -> bool {
        match error {
            Error::NotSupported { .. } | Error::Precondition { .. } => true,
            Error::Rejected {
                status: 400 | 403, ..
            } => self.settings.as_ref().is_some_and(|settings| {
                settings.boot.target.is_some() || !settings.boot.allowed_targets.is_empty()
            }),
            _ => false,
        }
    }

    fn shows(&self, change: &Change) -> bool {
        [Place::System, Place::Settings]
            .into_iter()
            .any(|place| change.shows_in(self.boot(place), &self.hints))
    }

    fn endpoint<'a>(&self, lane: &'a Lane<'_>) -> &'a str {
        lane.inner.wire.origin.as_str()
    }

    fn no_override(&self, lane: &Lane<'_>) -> Error {
        Error::NotSupported {
            endpoint: lane.inner.wire.endpoint(),
            what: format!("boot overrides for {}", self.system.uri),
        }
    }
}

/// How often a change is sent again after its reply was lost, or another change was in the way.
const MAX_LOST: u32 = 2;
const MAX_CONFLICTS: u32 = 3;
const MAX_LOOKS: u32 = 3;
