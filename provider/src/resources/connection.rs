//! How a server's BMC is reached, as it travels from `baremetal_bmc` to `baremetal_server`.

use model::{BmcConnection, BmcTls};
use reqwest::Url;
use tfplugin::{Diagnostic, Model, Value};

use crate::checks;

/// How a BMC is reached. It carries the name of the credentials, never a secret.
#[derive(Clone, Debug, Model)]
pub(crate) struct ConnectionInput {
    /// The BMC's origin, such as `https://10.0.0.5:443`.
    #[tf(check = checks::http_url, same = checks::same_url)]
    pub endpoint: String,
    /// The name of its credentials in the provider's `credentials`.
    pub credentials: String,
    /// Certificates to trust, PEM.
    #[tf(check = checks::certificate_pem)]
    pub ca_pem: Option<String>,
    /// SHA-256 of the one certificate to accept.
    #[tf(check = checks::sha256, same = checks::same_sha256)]
    pub fingerprint_sha256: Option<String>,
    /// Accept any certificate, and plain `http`: whoever is on the path can read the password.
    pub insecure: Option<bool>,
}

/// How the BMC is reached: what `baremetal_server` takes as its `bmc`.
#[derive(Clone, Debug, Model)]
pub(crate) struct ConnectionOutput {
    /// The BMC's origin, such as `https://10.0.0.5:443`.
    #[tf(computed)]
    pub endpoint: Option<String>,
    /// The name of its credentials in the provider's `credentials`.
    #[tf(computed)]
    pub credentials: Option<String>,
    /// Certificates to trust, PEM.
    #[tf(computed)]
    pub ca_pem: Option<String>,
    /// SHA-256 of the one certificate to accept.
    #[tf(computed)]
    pub fingerprint_sha256: Option<String>,
    /// Accept any certificate.
    #[tf(computed)]
    pub insecure: Option<bool>,
}

/// How to verify a BMC's certificate. With nothing set, the provider's `redfish` settings and then
/// the system's roots do.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Tls {
    /// Certificates to trust, PEM.
    #[tf(check = checks::certificate_pem)]
    pub ca_pem: Option<String>,
    /// SHA-256 of the one certificate to accept, as `openssl x509 -fingerprint -sha256` prints it.
    #[tf(check = checks::sha256, same = checks::same_sha256)]
    pub fingerprint_sha256: Option<String>,
    /// Accept any certificate, and plain `http`: whoever is on the path can read the password.
    pub insecure: Option<bool>,
}

impl ConnectionInput {
    /// The connection as the Redfish client and the agent take it.
    pub(crate) fn to_model(&self) -> BmcConnection {
        BmcConnection {
            endpoint: canonical(&self.endpoint),
            credentials: self.credentials.clone(),
            tls: BmcTls {
                ca_pem: self.ca_pem.clone(),
                fingerprint_sha256: self.fingerprint_sha256.as_deref().map(checks::hex_digits),
                insecure: self.insecure.unwrap_or(false),
            },
        }
    }

    /// The attribute value for a connection that the agent has on record.
    pub(crate) fn from_model(connection: &BmcConnection) -> Self {
        Self {
            endpoint: connection.endpoint.clone(),
            credentials: connection.credentials.clone(),
            ca_pem: connection.tls.ca_pem.clone(),
            fingerprint_sha256: connection.tls.fingerprint_sha256.clone(),
            insecure: Some(connection.tls.insecure),
        }
    }
}

impl From<BmcConnection> for ConnectionOutput {
    fn from(connection: BmcConnection) -> Self {
        Self {
            endpoint: Some(connection.endpoint),
            credentials: Some(connection.credentials),
            ca_pem: connection.tls.ca_pem,
            fingerprint_sha256: connection.tls.fingerprint_sha256,
            insecure: Some(connection.tls.insecure),
        }
    }
}

/// An origin as [`endpoint`] writes it, from any spelling. What is no origin stays as it is.
pub(crate) fn canonical(text: &str) -> String {
    let parts = Url::parse(text).ok().filter(|url| url.path() == "/");
    let parts = parts.as_ref().and_then(|url| {
        let plain = url.query().is_none() && url.username().is_empty();
        let host = url.host_str().filter(|_| plain)?;
        Some((url.scheme(), host, url.port_or_known_default()?))
    });
    match parts {
        Some((scheme, host, port)) => format!("{scheme}://{host}:{port}"),
        None => text.trim_end_matches('/').to_owned(),
    }
}

/// Refuses a connection in a configuration that would show the password.
pub(crate) fn not_readable(value: &Value) -> Result<(), String> {
    let insecure = value.get("insecure");
    match value.get("endpoint").as_str() {
        Some(endpoint)
            if is_plain(endpoint) && insecure.is_known() && insecure.as_bool() != Some(true) =>
        {
            Err(readable(endpoint))
        }
        _ => Ok(()),
    }
}

/// Refuses to tell a BMC its password where whoever is on the path could read it. What the provider
/// says for all BMCs allows certificates that are not verified, and never plain http.
pub(crate) fn refuse_readable(connection: &BmcConnection) -> Result<(), Diagnostic> {
    if is_plain(&connection.endpoint) && !connection.tls.insecure {
        return Err(Diagnostic::error(
            "Plain http would show the password",
            readable(&connection.endpoint),
        ));
    }
    Ok(())
}

fn is_plain(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| url.scheme() == "http")
}

fn readable(endpoint: &str) -> String {
    format!(
        "The BMC at {endpoint} is spoken to over plain http: the login, and every new password of \
         an account, would travel readable. Use https, or say insecure = true in this connection \
         (tls = {{ insecure = true }} in its baremetal_bmc, insecure=true in an import id) if the \
         network between is trusted; redfish.insecure is not enough."
    )
}

/// The connection of a BMC's configuration, or of its plan, when all of it is known.
pub(crate) fn known(config: &Value) -> Option<BmcConnection> {
    let tls = config.get("tls");
    let parts = ["address", "port", "scheme", "credentials"];
    if parts.iter().any(|part| config.get(part).is_unknown()) || !tls.is_known() {
        return None;
    }
    let scheme = config.get("scheme").as_str().unwrap_or("https");
    let port = config.get("port").as_i64().unwrap_or(443);
    let fingerprint = tls.get("fingerprint_sha256").as_str();
    Some(BmcConnection {
        endpoint: endpoint(scheme, config.get("address").as_str()?, port),
        credentials: config.get("credentials").as_str()?.to_owned(),
        tls: BmcTls {
            ca_pem: tls.get("ca_pem").as_str().map(str::to_owned),
            fingerprint_sha256: fingerprint.map(checks::hex_digits),
            insecure: tls.get("insecure").as_bool().unwrap_or(false),
        },
    })
}

/// The canonical origin of a BMC: the port is always there.
pub(crate) fn endpoint(scheme: &str, address: &str, port: i64) -> String {
    let address = address.to_ascii_lowercase();
    if address.contains(':') {
        format!("{scheme}://[{address}]:{port}")
    } else {
        format!("{scheme}://{address}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_always_has_its_port_and_brackets_ipv6() {
        assert_eq!(
            endpoint("https", "BMC-1.example.com", 443),
            "https://bmc-1.example.com:443"
        );
        assert_eq!(endpoint("http", "fe80::1", 8000), "http://[fe80::1]:8000");
    }

    #[test]
    fn every_spelling_of_an_origin_has_one_canonical_form() {
        for (spelled, expected) in [
            ("https://h", "https://h:443"),
            ("HTTPS://H:443/", "https://h:443"),
            ("http://h", "http://h:80"),
            ("https://[FE80::1]:8443", "https://[fe80::1]:8443"),
            ("https://h/prefix/", "https://h/prefix"),
            ("no url", "no url"),
        ] {
            assert_eq!(canonical(spelled), expected);
            assert_eq!(canonical(expected), expected);
        }
    }

    #[test]
    fn plain_http_needs_the_connections_own_word() {
        let object = |endpoint: &str, insecure: Value| {
            let endpoint = ("endpoint".to_owned(), Value::from(endpoint));
            Value::Map([endpoint, ("insecure".to_owned(), insecure)].into())
        };
        let plain = ["http://10.0.0.5", "HTTP://bmc:8000/"];
        for endpoint in plain {
            for insecure in [Value::Null, Value::Bool(false)] {
                let told = not_readable(&object(endpoint, insecure)).unwrap_err();
                assert!(told.contains("insecure = true"), "{told}");
            }
            for insecure in [Value::UNKNOWN, Value::Bool(true)] {
                assert_eq!(not_readable(&object(endpoint, insecure)), Ok(()));
            }
        }
        assert_eq!(not_readable(&object("https://bmc", Value::Null)), Ok(()));
        assert_eq!(not_readable(&Value::UNKNOWN), Ok(()));
    }
}
