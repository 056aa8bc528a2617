//! Fetching one image.

use std::{path::Path, sync::Arc, time::Duration};

use model::Asset;
use reqwest::{Client, StatusCode};
use ring::digest::{Context, SHA256};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{fs::File, io::AsyncWriteExt as _};

use crate::{config, digest};

/// Why an image was not fetched. Its address is not part of it: whoever asks has it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is no connection, or it broke.
    #[error("it cannot be fetched")]
    Transfer(#[source] reqwest::Error),
    /// The other side does not have it.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// It is another file.
    #[error("its SHA-256 is {found}, not {expected}; correct sha256, or fetch the right file")]
    Digest { found: String, expected: String },
    /// It is too large.
    #[error("it is larger than {max_bytes} bytes; raise images.max_bytes of the agent")]
    TooLarge { max_bytes: u64 },
    /// It cannot be kept.
    #[error("it cannot be written")]
    Write(#[from] std::io::Error),
}

/// Why nothing can be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// `images.ca_pem` holds no certificates.
    #[error("images.ca_pem holds a certificate that cannot be read")]
    Pem(#[source] pem::Error),
    /// A certificate cannot be trusted.
    #[error("images.ca_pem cannot be used")]
    Tls(#[source] rustls::Error),
    /// The HTTP client does not start.
    #[error("the HTTP client does not start")]
    Http(#[source] reqwest::Error),
}

pub(super) struct Fetcher {
    client: Client,
    max_bytes: u64,
}

impl Fetcher {
    pub(super) fn new(config: &config::Images) -> Result<Self, ClientError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls(config.ca_pem.as_deref())?)
            .user_agent(concat!("baremetal-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(ClientError::Http)?;
        Ok(Self {
            client,
            max_bytes: config.max_bytes,
        })
    }

    /// Fetches `asset` into `dir` and returns its size. The file appears only if it is right.
    pub(super) async fn fetch(&self, asset: &Asset, dir: &Path) -> Result<u64, Error> {
        let part = dir.join(format!("{}.{UNFINISHED}", asset.sha256));
        let fetched = self.fetch_to(asset, &part).await;
        match fetched {
            Ok(bytes) => {
                tokio::fs::rename(&part, dir.join(&asset.sha256)).await?;
                // The name is on stable storage when its directory is.
                File::open(dir).await?.sync_all().await?;
                Ok(bytes)
            }
            Err(error) => {
                // It is removed at the next start if it cannot be now.
                let _left = tokio::fs::remove_file(&part).await;
                Err(error)
            }
        }
    }

    async fn fetch_to(&self, asset: &Asset, part: &Path) -> Result<u64, Error> {
        let transfer = |error: reqwest::Error| Error::Transfer(error.without_url());
        let too_large = || Error::TooLarge {
            max_bytes: self.max_bytes,
        };
        let mut response = self.client.get(&asset.url).send().await.map_err(transfer)?;
        if response.status() != StatusCode::OK {
            return Err(Error::Status(response.status()));
        }
        if response
            .content_length()
            .is_some_and(|bytes| bytes > self.max_bytes)
        {
            return Err(too_large());
        }
        let mut file = File::create(part).await?;
        let mut sha256 = Context::new(&SHA256);
        let mut bytes: u64 = 0;
        while let Some(chunk) = response.chunk().await.map_err(transfer)? {
            bytes = bytes.saturating_add(chunk.len().try_into().unwrap_or(u64::MAX));
            if bytes > self.max_bytes {
                return Err(too_large());
            }
            sha256.update(&chunk);
            file.write_all(&chunk).await?;
        }
        file.sync_all().await?;
        let found = digest::hex(sha256.finish().as_ref());
        if found != asset.sha256 {
            return Err(Error::Digest {
                found,
                expected: asset.sha256.clone(),
            });
        }
        Ok(bytes)
    }
}

/// Trusts the certificates of `ca_pem`, or else what the system trusts.
pub(crate) fn tls(ca_pem: Option<&str>) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)?;
    let Some(ca_pem) = ca_pem else {
        // A machine without any root certificate can still fetch over http.
        let config = builder.clone().with_platform_verifier().map_or_else(
            |_no_roots| {
                builder
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth()
            },
            |builder| builder.with_no_client_auth(),
        );
        return Ok(config);
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots
            .add(certificate.map_err(ClientError::Pem)?)
            .map_err(ClientError::Tls)?;
    }
    if roots.is_empty() {
        return Err(ClientError::Pem(pem::Error::NoItemsFound));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The extension of a file that is not whole.
pub(super) const UNFINISHED: &str = "part";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the other side may be silent. A transfer itself may take as long as it takes.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
