//! The connections that the BMCs of a process share.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::BmcTls;
use reqwest::{Client, redirect, retry};

use crate::{bmc::Authentication, error::Error, tls, wire::failure};

/// The HTTP clients of a process, one for each way to trust: a site has thousands of BMCs, and a
/// client for each of them would cost a TLS configuration and a pool each. Clones share them.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<Trust, Client>>>);

/// What clients differ in.
#[derive(PartialEq, Eq, Hash)]
struct Trust {
    ca_pem: Option<String>,
    fingerprint_sha256: Option<String>,
    insecure: bool,
    connect_timeout: Duration,
    idle: Duration,
}

impl Connections {
    /// The clients that trust so: for requests in general, and for a lone one.
    pub(crate) fn clients(
        &self,
        tls: &BmcTls,
        connect_timeout: Duration,
        authentication: Authentication,
    ) -> Result<[Client; 2], Error> {
        let client = |idle| self.client(tls, connect_timeout, idle);
        Ok(match authentication {
            Authentication::Session => {
                let client = client(POOL_IDLE)?;
                [client.clone(), client]
            }
            Authentication::Basic => {
                let client = client(POOL_IDLE_BASIC)?;
                [client.clone(), client]
            }
            Authentication::Auto => [client(POOL_IDLE)?, client(POOL_IDLE_BASIC)?],
        })
    }

    /// The client that trusts so and uses no connection twice.
    pub(crate) fn unpooled(
        &self,
        tls: &BmcTls,
        connect_timeout: Duration,
    ) -> Result<Client, Error> {
        self.client(tls, connect_timeout, Duration::ZERO)
    }

    fn client(
        &self,
        tls: &BmcTls,
        connect_timeout: Duration,
        idle: Duration,
    ) -> Result<Client, Error> {
        let trust = Trust {
            ca_pem: tls.ca_pem.clone(),
            fingerprint_sha256: tls.fingerprint_sha256.clone(),
            insecure: tls.insecure,
            connect_timeout,
            idle,
        };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&trust) {
            return Ok(client.clone());
        }
        let client = build(tls, connect_timeout, idle)?;
        clients.insert(trust, client.clone());
        Ok(client)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Connections")
            .field("clients", &clients)
            .finish()
    }
}

fn build(tls: &BmcTls, connect_timeout: Duration, idle: Duration) -> Result<Client, Error> {
    Client::builder()
        .tls_backend_preconfigured(tls::client_config(tls)?)
        .http1_only()
        .no_proxy()
        .referer(false)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(idle)
        .pool_max_idle_per_host(if idle.is_zero() { 0 } else { 2 })
        .build()
        .map_err(|error| Error::InvalidConfig {
            what: failure::root_cause(&error),
        })
}

/// Longer than a session may be idle, so that ending one needs no new connection.
const POOL_IDLE: Duration = Duration::from_secs(10);
/// Nothing is left to be ended, and thousands of connections that wait for nothing are memory.
const POOL_IDLE_BASIC: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_serves_every_bmc_that_is_trusted_alike() {
        let connections = Connections::default();
        let pinned = |digit: &str| BmcTls {
            fingerprint_sha256: Some(digit.repeat(64)),
            ..BmcTls::default()
        };
        let soon = Duration::from_secs(1);
        for pin in ["a", "a", "b", "a"] {
            connections
                .clients(&pinned(pin), soon, Authentication::Session)
                .unwrap();
        }
        assert_eq!(format!("{connections:?}"), "Connections { clients: 2 }");
    }
}
