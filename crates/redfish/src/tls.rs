//! Whether the one who answers is the BMC: by a certificate authority, by a pinned certificate, or
//! not at all.
//!
//! Every refusal carries the fingerprint of the certificate that was presented, so that an operator
//! can pin it: hardly any BMC has a certificate that a public authority signed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use model::BmcTls;
use ring::digest;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use crate::error::Error;

/// The TLS settings for a BMC. A pin is stricter than everything else, so it wins.
pub(crate) fn client_config(tls: &BmcTls) -> Result<ClientConfig, Error> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider()));
    let provider = Arc::clone(provider);
    let trust = if let Some(text) = &tls.fingerprint_sha256 {
        Trust::Pin(parse_fingerprint(text)?)
    } else if tls.insecure {
        Trust::Anyone
    } else if let Some(pem) = &tls.ca_pem {
        Trust::Authorities(authorities(pem, &provider)?)
    } else {
        system_authorities(&provider)
    };
    let verifier = Arc::new(Verifier {
        trust,
        provider: Arc::clone(&provider),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A run connects to a BMC once as a rule; tickets of thousands would be kept for nothing.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Why a certificate was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// SHA-256 of the certificate.
    pub(crate) fingerprint: String,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

#[derive(Debug)]
enum Trust {
    Authorities(Arc<dyn ServerCertVerifier>),
    Pin([u8; 32]),
    Anyone,
    /// This system has no authorities, for this reason. Its operator can still learn the
    /// fingerprint to pin.
    Nobody(String),
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = match &self.trust {
            Trust::Anyone => Ok(()),
            Trust::Pin(pin) if fingerprint(leaf) == *pin => Ok(()),
            Trust::Pin(pin) => Err(format!(
                "its certificate is not the pinned one, whose fingerprint is {}",
                hex(pin)
            )),
            Trust::Nobody(cause) => Err(format!(
                "its certificate cannot be verified, as this system trusts no authority: {cause}"
            )),
            Trust::Authorities(verifier) => verifier
                .verify_server_cert(leaf, chain, name, ocsp, now)
                .map(|_verified| ())
                .map_err(|error| reason(&error)),
        };
        verdict.map_err(|reason| refused(leaf, reason))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, leaf, signature, algorithms)
            .map_err(|error| signature_error(leaf, &error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, leaf, signature, algorithms)
            .map_err(|error| signature_error(leaf, &error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Even with a pin the BMC has to prove that it holds the certificate's key; an odd certificate can
/// stand in the way of that.
fn signature_error(leaf: &CertificateDer<'_>, error: &rustls::Error) -> rustls::Error {
    refused(leaf, reason(error))
}

fn refused(leaf: &CertificateDer<'_>, reason: String) -> rustls::Error {
    let refusal = Refusal {
        fingerprint: hex(&fingerprint(leaf)),
        reason,
    };
    CertificateError::Other(OtherError(Arc::new(refusal))).into()
}

fn reason(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return error.to_string();
    };
    // The enumerations behind these two are not exported; their names are stable.
    let detail = format!("{certificate:?}");
    if detail.contains("CaUsedAsEndEntity") {
        return "its certificate is that of an authority, not of a server".to_owned();
    }
    if detail.contains("UnsupportedCertVersion") {
        return "its certificate is of X.509 version 1, which is not supported".to_owned();
    }
    match certificate {
        CertificateError::UnknownIssuer => {
            "its certificate is signed by nobody who is trusted".to_owned()
        }
        CertificateError::BadSignature => {
            "its certificate, or its proof that it holds that one's key, has a wrong signature"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name or address".to_owned()
        }
        other => format!("its certificate is not valid: {other}"),
    }
}

fn authorities(
    pem: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate
            .map_err(|error| invalid(format!("ca_pem of the BMC is not PEM: {error}")))?;
        roots.add(certificate).map_err(|error| {
            invalid(format!(
                "ca_pem of the BMC has a certificate that cannot be read: {error}"
            ))
        })?;
    }
    if roots.is_empty() {
        return Err(invalid("ca_pem of the BMC holds no certificate".to_owned()));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider))
        .build()
        .map_err(|error| invalid(format!("ca_pem of the BMC cannot be used: {error}")))?;
    Ok(verifier)
}

/// The system's roots, read once: a site has thousands of BMCs.
fn system_authorities(provider: &Arc<CryptoProvider>) -> Trust {
    static SYSTEM: OnceLock<Result<Arc<rustls_platform_verifier::Verifier>, String>> =
        OnceLock::new();
    let verifier = SYSTEM.get_or_init(|| {
        rustls_platform_verifier::Verifier::new(Arc::clone(provider))
            .map(Arc::new)
            .map_err(|error| error.to_string())
    });
    match verifier {
        Ok(verifier) => Trust::Authorities(verifier.clone()),
        Err(cause) => Trust::Nobody(cause.clone()),
    }
}

fn parse_fingerprint(text: &str) -> Result<[u8; 32], Error> {
    let wrong = || {
        invalid(format!(
            "fingerprint_sha256 {text:?} of the BMC is not 64 hexadecimal digits"
        ))
    };
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut fingerprint = [0; 32];
    for (index, byte) in fingerprint.iter_mut().enumerate() {
        let pair = &digits[index * 2..index * 2 + 2];
        *byte = u8::from_str_radix(pair, 16).map_err(|_not_reached| wrong())?;
    }
    Ok(fingerprint)
}

fn fingerprint(leaf: &CertificateDer<'_>) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, leaf).as_ref());
    fingerprint
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn invalid(what: String) -> Error {
    Error::InvalidConfig { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_has_64_digits_with_or_without_colons() {
        let plain = "ab".repeat(32);
        let colons = ["AB"; 32].join(":");
        assert_eq!(parse_fingerprint(&plain).unwrap(), [0xab; 32]);
        assert_eq!(parse_fingerprint(&colons).unwrap(), [0xab; 32]);
        for bad in ["", "ab", &"ag".repeat(32), &"é".repeat(32)] {
            assert!(parse_fingerprint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn authorities_that_are_none_are_an_error() {
        let tls = |pem: &str| BmcTls {
            ca_pem: Some(pem.to_owned()),
            ..BmcTls::default()
        };
        for pem in [
            "",
            "x",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let error = client_config(&tls(pem)).unwrap_err();
            assert!(
                matches!(error, Error::InvalidConfig { .. }),
                "{pem:?}: {error}"
            );
        }
    }
}
