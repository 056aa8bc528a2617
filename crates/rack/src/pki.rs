//! The rack's certificate authority and the certificates of its BMCs.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use ring::digest;
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::hex;

/// One authority for the whole rack, made when it starts and gone when it stops.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a BMC needs to answer over TLS, and what its clients pin.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// SHA-256 of the certificate, lower case.
    pub(crate) fingerprint: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("failed to make the certificate of {subject}")]
    Make {
        /// Whose it is.
        subject: String,
        /// Why.
        source: rcgen::Error,
    },
    /// TLS does not take it.
    #[error("failed to set up TLS for {subject}")]
    Tls {
        /// Whose it is.
        subject: String,
        /// Why.
        source: rustls::Error,
    },
}

impl Authority {
    pub(crate) fn new(rack: &str) -> Result<Self, CertificateError> {
        let subject = format!("rack {rack} CA");
        let make = |source| CertificateError::Make {
            subject: subject.clone(),
            source,
        };
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, subject.as_str());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(make)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(make)?;
        Ok(Self { issuer })
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for the BMC of `machine` at `address`.
    ///
    /// It is no CA: webpki refuses a CA certificate as a server's, which is why a plain
    /// self-signed one does not do.
    pub(crate) fn issue(
        &self,
        machine: &str,
        address: IpAddr,
    ) -> Result<Identity, CertificateError> {
        let subject = format!("bmc {machine}");
        let make = |source| CertificateError::Make {
            subject: subject.clone(),
            source,
        };
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(make)?;
        params
            .distinguished_name
            .push(DnType::CommonName, subject.as_str());
        params
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::from([127, 0, 0, 1])));
        if address != IpAddr::from([127, 0, 0, 1]) {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(make)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(make)?;
        let fingerprint = hex(digest::digest(&digest::SHA256, certificate.der()).as_ref());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = |source| CertificateError::Tls {
            subject: subject.clone(),
            source,
        };
        let chain = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(tls)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            fingerprint,
        })
    }
}
