//! What the pool gives out, and with which password.

use std::collections::BTreeMap;

use model::BmcTls;
use tfplugin::CancellationToken;

use super::*;
use crate::config::CredentialsConfig;

fn pool() -> BmcPool {
    let account = |password: &str| CredentialsConfig {
        username: "admin".to_owned(),
        password: password.to_owned(),
    };
    let block = BTreeMap::from([
        ("rack1".to_owned(), account("factory")),
        ("same-user".to_owned(), account("factory")),
    ]);
    let stop = CancellationToken::new();
    let credentials = CredentialStore::new(Some(block), None, stop).unwrap();
    BmcPool::new(credentials, redfish::Config::default(), None, true)
}

fn connection(endpoint: &str, insecure: bool) -> BmcConnection {
    BmcConnection {
        endpoint: endpoint.to_owned(),
        credentials: "rack1".to_owned(),
        tls: BmcTls {
            insecure,
            ..BmcTls::default()
        },
    }
}

#[tokio::test]
async fn no_password_goes_over_plain_http_unless_the_connection_itself_says_so() {
    let pool = pool();
    let allowed = connection("http://10.0.0.5", true);
    assert!(pool.bmc(&allowed).await.is_ok() && pool.lend(&allowed).await.is_ok());
    for endpoint in ["http://10.0.0.5", "HTTP://10.0.0.5:80"] {
        let plain = connection(endpoint, false);
        for refused in [pool.bmc(&plain).await.err(), pool.lend(&plain).await.err()] {
            let told = refused.unwrap().detail;
            assert!(told.contains("redfish.insecure is not enough"), "{told}");
        }
    }
    assert!(
        pool.bmc(&connection("https://10.0.0.5", false))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_new_password_is_known_under_every_name_of_its_bmc_and_its_user() {
    let pool = pool();
    let spelled = [
        "https://bmc.example.com",
        "https://bmc.example.com:443",
        "HTTPS://BMC.example.com/",
    ];
    let new = Secret::new("new");
    let elsewhere = connection("https://bmc.example.com:8443", false);
    let mut by_other_name = connection(spelled[1], false);
    by_other_name.credentials = "same-user".to_owned();
    for known in [&elsewhere, &by_other_name] {
        assert!(!pool.bmc(known).await.unwrap().logs_in_with(&new));
    }
    pool.rotated(&connection(spelled[0], false), "admin", new.clone());
    for endpoint in spelled {
        let bmc = pool.bmc(&connection(endpoint, false)).await.unwrap();
        assert_eq!(bmc.endpoint(), "https://bmc.example.com:443", "{endpoint}");
        assert!(bmc.logs_in_with(&new), "{endpoint}");
    }
    assert!(pool.bmc(&by_other_name).await.unwrap().logs_in_with(&new));
    let (_, lent) = pool.lend(&by_other_name).await.unwrap();
    assert!(lent.logs_in_with(&new));
    assert!(!pool.bmc(&elsewhere).await.unwrap().logs_in_with(&new));
}
