//! Mutual TLS with exactly one peer: the host that started this process.

use std::sync::Arc;

use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        AlgorithmIdentifier, CertificateDer, InvalidSignature, PrivateKeyDer,
        SignatureVerificationAlgorithm, UnixTime, alg_id, pem::PemObject,
    },
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use tokio_rustls::TlsAcceptor;

/// Why no TLS could be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("PLUGIN_CLIENT_CERT is no certificate: {0}")]
    ClientCertificate(rustls::pki_types::pem::Error),
    #[error("failed to make a certificate: {0}")]
    OwnCertificate(#[from] rcgen::Error),
    #[error("failed to read back the own key: {0}")]
    OwnKey(&'static str),
    #[error("failed to configure: {0}")]
    Config(#[from] rustls::Error),
}

/// Accepts connections of the peer with this certificate only; returns our own certificate too.
pub(super) fn acceptor(client_pem: &str) -> Result<(TlsAcceptor, Vec<u8>), Error> {
    let client =
        CertificateDer::from_pem_slice(client_pem.as_bytes()).map_err(Error::ClientCertificate)?;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    // go-plugin looks for this name.
    let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
    let own_key = PrivateKeyDer::try_from(key.serialize_der()).map_err(Error::OwnKey)?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(Pinned(client)))
        .with_single_cert(vec![own.der().clone()], own_key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), own.der().to_vec()))
}

/// The host's certificate is self-signed and a CA: no chain of trust leads to it. It is the one
/// peer there may be, so it is compared byte for byte.
#[derive(Debug)]
struct Pinned(CertificateDer<'static>);

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if certificate.as_ref() == self.0.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

/// ECDSA on P-521, the curve of go-plugin's certificates, which ring does not have.
#[derive(Debug)]
struct P521;

impl SignatureVerificationAlgorithm for P521 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        use p521::ecdsa::{Signature, VerifyingKey, signature::Verifier};
        let valid = VerifyingKey::from_sec1_bytes(public_key)
            .and_then(|key| key.verify(message, &Signature::from_der(signature)?));
        valid.ok().ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}

static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&P521],
    mapping: &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[&P521])],
};
