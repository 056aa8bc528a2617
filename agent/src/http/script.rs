//! iPXE scripts.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::Method,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use model::{MacAddr, ServerId, Stage};
use netboot::ipxe;
use serde::Deserialize;

use super::{
    Site,
    boot::{Refusal, Source, text},
};
use crate::{
    boot::{self, Planned, Reached},
    boot_configs, leases,
    render::{self, Links, Subject},
    store::Store,
    tokens::{self, Grant, Purpose},
};

#[derive(Deserialize)]
pub(super) struct AnyQuery {
    mac: Option<String>,
    uuid: Option<String>,
}

/// `GET /ipxe`: the script of the server that says who it is, or else one that sends it on to say
/// so.
pub(super) async fn any(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    query: Result<Query<AnyQuery>, QueryRejection>,
    method: Method,
) -> Result<Response, Refusal> {
    let (mac, uuid) = query.map_or((None, None), |Query(query)| (query.mac, query.uuid));
    if let Some(mac) = mac {
        return answer(site, mac, address, method).await;
    }
    if let Some(Ok(uuid)) = uuid.map(|uuid| uuid.parse::<ServerId>()) {
        let now = Timestamp::now();
        let lease = site
            .store
            .run(move |store| leases::server_at(store, address, now))
            .await?;
        if let Some(lease) = lease.filter(|lease| lease.server_id.matches(uuid)) {
            return answer(site, lease.mac.to_string(), address, method).await;
        }
    }
    let script = ipxe::chain(&site.boot_url).map_err(render::Error::from)?;
    Ok(text(script).into_response())
}

/// `GET /ipxe/{mac}`: the script of a planned server.
pub(super) async fn of_mac(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    method: Method,
) -> Result<Response, Refusal> {
    let Path(mac) = path?;
    answer(site, mac, address, method).await
}

async fn answer(
    site: Arc<Site>,
    mac: String,
    address: Ipv4Addr,
    method: Method,
) -> Result<Response, Refusal> {
    let mac = mac
        .parse()
        .map_err(|_none| Refusal::Bad("this is no MAC address"))?;
    let store = site.store.clone();
    let script = store
        .run(move |store| {
            let asked = Asked {
                mac,
                address,
                now: Timestamp::now(),
                method,
            };
            asked.script(&site, store)
        })
        .await?;
    Ok(text(script).into_response())
}

struct Asked {
    mac: MacAddr,
    address: Ipv4Addr,
    now: Timestamp,
    method: Method,
}

impl Asked {
    fn script(&self, site: &Site, store: &Store) -> Result<String, Refusal> {
        let planned = boot::planned(store, self.mac)?.ok_or(Refusal::Missing("planned server"))?;
        let lease = leases::server_at(store, self.address, self.now)?;
        if lease.is_none_or(|lease| lease.server_id != planned.server_id) {
            return Err(Refusal::Forbidden);
        }
        if planned.boot.is_installed() {
            return Ok(ipxe::local_disk().to_owned());
        }
        let script = self.planned_script(site, store, &planned)?;
        // HEAD asks what GET would answer, and nothing happens.
        if self.method == Method::GET {
            boot::reach(
                store,
                &Reached {
                    server_id: planned.server_id,
                    boot: planned.boot.id,
                    stage: Stage::Script,
                    at: self.now,
                    address: Some(self.address),
                },
            )?;
        }
        Ok(script)
    }

    fn planned_script(
        &self,
        site: &Site,
        store: &Store,
        planned: &Planned,
    ) -> Result<String, Refusal> {
        let (id, revision) = (planned.boot.boot_config_id, &planned.boot.revision);
        let gone = || Refusal::Missing("boot config");
        let spec = boot_configs::outline(store, id, revision)?.ok_or_else(gone)?;
        let payloads = boot_configs::payloads(store, id, revision)?.ok_or_else(gone)?;
        let grant = Grant {
            server_id: planned.server_id,
            boot: planned.boot.id,
            mac: planned.mac,
            address: self.address,
        };
        let link = |path: &str, purpose, wanted: bool| {
            if !wanted {
                return Ok(String::new());
            }
            let token = self.token(store, grant, purpose)?;
            Ok::<_, Refusal>(format!("{}/{path}/{token}", site.boot_url))
        };
        let own = payloads.ipxe_script(&site.sealer, id)?;
        // Only a script of the user's own can name it; the Ignition config mints its own.
        let names_report = own
            .as_ref()
            .is_some_and(|own| own.expose().contains("report_url"))
            || spec
                .kernel_args
                .iter()
                .any(|arg| arg.contains("report_url"));
        let links = Links {
            ignition: link("ignition", Purpose::Ignition, payloads.has_ignition())?,
            user_data: link("config", Purpose::UserData, payloads.has_user_data())?,
            report: link("bootstate", Purpose::Report, names_report)?,
        };
        let subject = Subject {
            grant: &grant,
            hostname: planned.hostname.as_deref(),
            revision,
            boot_url: &site.boot_url,
        };
        let variables = render::variables(subject, &spec, &links)?;
        let own = own.as_ref().map(model::Secret::expose);
        Ok(render::script(&spec, own, &variables)?)
    }

    /// The text of a new token. For HEAD, text of the same length that opens nothing.
    fn token(&self, store: &Store, grant: Grant, purpose: Purpose) -> Result<String, Refusal> {
        if self.method != Method::GET {
            return Ok("0".repeat(tokens::TEXT_LENGTH));
        }
        Ok(tokens::mint(store, grant, purpose, self.now)?
            .expose()
            .to_owned())
    }
}
