//! The documents that boot tokens open, with everything put in.

use axum::http::Method;
use jiff::Timestamp;
use model::{BootConfigSpec, Secret};

use super::{
    Site,
    boot::Refusal,
    secrets::{Armed, Asked},
};
use crate::{
    boot_configs::{self, Payloads},
    render::{self, Links},
    store::Store,
    template,
    tokens::{self, Presented, Purpose},
};

/// The document that `asked` asks for.
pub(super) fn document(
    site: &Site,
    store: &Store,
    asked: &Asked,
    presented: &Presented,
) -> Result<String, Refusal> {
    let armed = Armed::of(store, presented)?;
    let (id, revision) = (armed.boot.boot_config_id, &armed.boot.revision);
    let gone = || Refusal::Missing("boot config");
    let spec = boot_configs::outline(store, id, revision)?.ok_or_else(gone)?;
    let payloads = boot_configs::payloads(store, id, revision)?.ok_or_else(gone)?;
    let content = match asked.purpose {
        Purpose::Ignition => payloads.ignition(&site.sealer, id)?,
        Purpose::UserData => payloads.user_data(&site.sealer, id)?,
        Purpose::Report => None,
    };
    let content = content.ok_or(Refusal::Missing("document"))?;
    let links = links(
        site,
        store,
        asked,
        &Named {
            presented,
            spec: &spec,
            payloads: &payloads,
            content: &content,
        },
    )?;
    let variables = render::variables(armed.subject(presented, &site.boot_url), &spec, &links)?;
    Ok(match asked.purpose {
        Purpose::Ignition => render::ignition(content.expose(), &spec, &variables)?,
        Purpose::UserData | Purpose::Report => {
            template::render(content.expose(), &variables).map_err(render::Error::from)?
        }
    })
}

/// A document, and what decides which links it needs.
struct Named<'a> {
    presented: &'a Presented,
    spec: &'a BootConfigSpec,
    payloads: &'a Payloads,
    content: &'a Secret,
}

/// The links that a document names. A link to the document itself is the one it is fetched by;
/// others need tokens of their own, because the texts of earlier ones are not kept.
fn links(site: &Site, store: &Store, asked: &Asked, named: &Named<'_>) -> Result<Links, Refusal> {
    let names = template::names(named.content.expose()).map_err(render::Error::from)?;
    let reports = asked.purpose == Purpose::Ignition && named.spec.report_boot;
    let link = |path: &str, purpose, wanted: bool| {
        if !wanted {
            return Ok(String::new());
        }
        let token = if purpose == asked.purpose {
            asked.token.clone()
        } else if asked.method == Method::GET {
            let grant = named.presented.token.grant;
            let minted = tokens::mint(store, grant, purpose, Timestamp::now())?;
            minted.expose().to_owned()
        } else {
            "0".repeat(tokens::TEXT_LENGTH)
        };
        Ok::<_, Refusal>(format!("{}/{path}/{token}", site.boot_url))
    };
    let (ignition, user_data) = (
        named.payloads.has_ignition(),
        named.payloads.has_user_data(),
    );
    let (ignition_named, user_data_named) = (
        names.contains("ignition_url"),
        names.contains("user_data_url"),
    );
    let report_named = names.contains("report_url");
    Ok(Links {
        ignition: link("ignition", Purpose::Ignition, ignition && ignition_named)?,
        user_data: link("config", Purpose::UserData, user_data && user_data_named)?,
        report: link("bootstate", Purpose::Report, reports || report_named)?,
    })
}
