//! Whom the client trusts.

use std::sync::Arc;

use model::BmcTls;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio_rustls::TlsAcceptor;

use super::fake_bmc::{FakeBmc, PASSWORD, SYSTEM};
use crate::Error;

/// A certificate for `name`, and the authority that signed it.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    authority_pem: String,
}

fn identity(name: &str, organization: &str) -> Identity {
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority
        .distinguished_name
        .push(rcgen::DnType::OrganizationName, organization);
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    Identity {
        certificate: leaf.der().clone(),
        key: key.serialize_der(),
        authority_pem: authority.pem(),
    }
}

async fn start(identity: &Identity, host: &str) -> FakeBmc {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(identity.key.clone().into());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], key)
        .unwrap();
    FakeBmc::start_tls(TlsAcceptor::from(Arc::new(config)), host).await
}

fn tls_error(result: Result<crate::System, Error>) -> (String, String) {
    match result {
        Err(Error::Tls {
            cause, fingerprint, ..
        }) => (cause, fingerprint.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_shows_the_fingerprint_to_pin_and_the_pin_works() {
    let fake = start(&identity("127.0.0.1", "Contoso"), "127.0.0.1").await;
    let unknown = identity("127.0.0.1", "Fabrikam");
    let tls = BmcTls {
        ca_pem: Some(unknown.authority_pem),
        ..BmcTls::default()
    };
    let error = fake
        .bmc_with(PASSWORD, tls)
        .unwrap()
        .system(SYSTEM)
        .await
        .unwrap_err();
    assert!(!error.is_unreachable());
    let text = format!("{error}\n{}", error.advice());
    let (cause, fingerprint) = tls_error(Err(error));
    assert_eq!(cause, "its certificate is signed by nobody who is trusted");
    assert_eq!(fingerprint.len(), 64);
    assert_eq!(text.matches(&fingerprint).count(), 2, "{text}");
    assert!(fake.with(|machine| machine.received.is_empty()));

    let tls = BmcTls {
        fingerprint_sha256: Some(fingerprint),
        ..BmcTls::default()
    };
    fake.bmc_with(PASSWORD, tls)
        .unwrap()
        .system(SYSTEM)
        .await
        .unwrap();
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused() {
    let fake = start(&identity("127.0.0.1", "Contoso"), "127.0.0.1").await;
    let pin = "ab".repeat(32);
    let tls = BmcTls {
        fingerprint_sha256: Some(pin.clone()),
        // A pin counts even beside this.
        insecure: true,
        ..BmcTls::default()
    };
    let bmc = fake.bmc_with(PASSWORD, tls).unwrap();
    let (cause, fingerprint) = tls_error(bmc.system(SYSTEM).await);
    assert!(cause.contains(&pin), "{cause}");
    assert_ne!(fingerprint, pin);
}

#[tokio::test]
async fn an_authority_vouches_for_the_name() {
    let good = identity("127.0.0.1", "Contoso");
    let fake = start(&good, "127.0.0.1").await;
    let tls = BmcTls {
        ca_pem: Some(good.authority_pem.clone()),
        ..BmcTls::default()
    };
    fake.bmc_with(PASSWORD, tls)
        .unwrap()
        .system(SYSTEM)
        .await
        .unwrap();

    let other = identity("bmc.example", "Contoso");
    let fake = start(&other, "127.0.0.1").await;
    let tls = BmcTls {
        ca_pem: Some(other.authority_pem.clone()),
        ..BmcTls::default()
    };
    let (cause, _) = tls_error(fake.bmc_with(PASSWORD, tls).unwrap().system(SYSTEM).await);
    assert_eq!(cause, "its certificate is for another name or address");
}

#[tokio::test]
async fn the_system_does_not_vouch_for_a_bmc_and_insecure_asks_nobody() {
    let fake = start(&identity("127.0.0.1", "Contoso"), "127.0.0.1").await;
    let bmc = fake.bmc_with(PASSWORD, BmcTls::default()).unwrap();
    let (_, fingerprint) = tls_error(bmc.system(SYSTEM).await);
    assert_eq!(fingerprint.len(), 64);
    let insecure = BmcTls {
        insecure: true,
        ..BmcTls::default()
    };
    fake.bmc_with(PASSWORD, insecure)
        .unwrap()
        .system(SYSTEM)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_port_without_tls_is_told_apart() {
    let fake = FakeBmc::start().await;
    let mut connection = fake.connection(BmcTls {
        insecure: true,
        ..BmcTls::default()
    });
    connection.endpoint = connection.endpoint.replace("http:", "https:");
    let credentials = super::fake_bmc::credentials(PASSWORD);
    let config = crate::Config::default();
    let timing = super::fake_bmc::FAST;
    let bmc = crate::Bmc::with_timing(&connection, credentials, &config, timing).unwrap();
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Tls {
                fingerprint: None,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.advice().contains("does not speak TLS"),
        "{}",
        error.advice()
    );
}
