//! Tests of mutual TLS with a peer like go-plugin's: a self-signed P-521 certificate that is a CA.
//!
//! `testdata/{host,stranger}.pem` were made with OpenSSL 3 for these tests and are used nowhere
//! else; the `.key` files are the private scalars in hex.

use std::sync::Arc;

use p521::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme,
    SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    sign::{CertifiedKey, Signer, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;

use crate::plugin::tls;

const HOST: (&str, &str) = (
    include_str!("../../../testdata/host.pem"),
    include_str!("../../../testdata/host.key"),
);
const STRANGER: (&str, &str) = (
    include_str!("../../../testdata/stranger.pem"),
    include_str!("../../../testdata/stranger.key"),
);

/// What ring lacks: signing with P-521.
struct Key(SigningKey);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl rustls::sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SignatureScheme::ECDSA_NISTP521_SHA512;
        offered
            .contains(&scheme)
            .then(|| Box::new(Self(self.0.clone())) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}

/// The host knows our certificate from the handshake line.
#[derive(Debug)]
struct Expects(Vec<u8>);

impl ServerCertVerifier for Expects {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(certificate.as_ref(), self.0);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The peer of one connection.
#[derive(Clone, Copy)]
struct Peer {
    certificate: Option<&'static str>,
    key: &'static str,
    version: &'static SupportedProtocolVersion,
}

fn client(peer: Peer, server: Vec<u8>) -> TlsConnector {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[peer.version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Expects(server)));
    let mut config = match peer.certificate {
        None => config.with_no_client_auth(),
        Some(pem) => {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            let scalar: Vec<u8> = peer.key.trim().as_bytes().chunks(2).map(byte).collect();
            let key = Key(SigningKey::from_slice(&scalar).unwrap());
            let certified = CertifiedKey::new(vec![certificate], Arc::new(key));
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn byte(digits: &[u8]) -> u8 {
    u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()
}

/// Whether the peer gets through to us.
async fn is_accepted(peer: Peer) -> bool {
    let (acceptor, certificate) = tls::acceptor(HOST.0).unwrap();
    let connector = client(peer, certificate);
    let (near, far) = duplex(1 << 16);
    let talk = async {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, far).await?;
        stream.write_all(b"hello").await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    let serve = async {
        let mut stream = acceptor.accept(near).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await?;
        stream.write_u8(1).await?;
        stream.flush().await
    };
    let (talked, served) = tokio::join!(talk, serve);
    assert_eq!(talked.is_ok(), served.is_ok());
    served.is_ok()
}

#[tokio::test]
async fn only_the_host_that_started_us_is_accepted() {
    for version in [&TLS12, &TLS13] {
        let peer = |certificate, key| Peer {
            certificate,
            key,
            version,
        };
        assert!(is_accepted(peer(Some(HOST.0), HOST.1)).await);
        assert!(!is_accepted(peer(Some(STRANGER.0), STRANGER.1)).await);
        assert!(!is_accepted(peer(None, "")).await);
        // The certificate is no secret; the key is.
        assert!(!is_accepted(peer(Some(HOST.0), STRANGER.1)).await);
    }
}

#[test]
fn what_is_no_certificate_is_an_error() {
    let error = tls::acceptor("nonsense").map(drop).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("PLUGIN_CLIENT_CERT is no certificate"),
        "{error}"
    );
}
