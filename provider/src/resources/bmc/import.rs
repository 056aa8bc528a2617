//! Importing a BMC, by a text or by its identity.

use model::{BmcConnection, MacAddr};
use tfplugin::{Diagnostic, ImportBy};

use super::model::{BmcModel, HTTPS, PORT};
use crate::resources::connection::Tls;

/// The BMC that is to be imported. Nothing about a BMC stays the same for ever and leads to it, so it
/// has no identity but this text.
pub(super) fn imported(by: &ImportBy) -> Result<BmcModel, Diagnostic> {
    let ImportBy::Id(id) = by else {
        return Err(import_error("an identity"));
    };
    parse_import(id).ok_or_else(|| import_error(&format!("{id:?}")))
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a BMC cannot be read",
        format!(
            "Expected CREDENTIALS@ADDRESS or CREDENTIALS@ADDRESS:PORT, such as rack1@10.0.0.5, or \
             CREDENTIALS@MAC, such as rack1@52:54:00:12:34:56, where CREDENTIALS is a name in the provider's credentials; found {found}. A pinned \
             certificate goes behind it: rack1@10.0.0.5?fingerprint_sha256=DIGEST. A BMC without \
             verification ends in ?insecure=true."
        ),
    )
}

pub(super) fn parse_import(id: &str) -> Option<BmcModel> {
    let (credentials, rest) = id.split_once('@')?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mac = place.parse::<MacAddr>().ok();
    let host = if mac.is_some() { "mac" } else { place };
    let url = reqwest::Url::parse(&format!("https://{host}?{query}")).ok()?;
    let mut tls = Tls::default();
    let mut scheme = None;
    for (key, value) in url.query_pairs() {
        match &*key {
            "fingerprint_sha256" => tls.fingerprint_sha256 = Some(value.into_owned()),
            "insecure" => tls.insecure = Some(value.parse().ok()?),
            "scheme" => scheme = Some(value.into_owned()),
            _ => return None,
        }
    }
    let trusts = tls.fingerprint_sha256.is_some() || tls.insecure.is_some();
    let model = BmcModel {
        credentials: Some(credentials.to_owned()),
        tls: trusts.then_some(tls),
        ..BmcModel::empty()
    };
    let model = match mac {
        // Where it is, and how it is spoken to, is found out.
        Some(mac) => BmcModel {
            mac_address: Some(mac.to_string()),
            scheme,
            ..model
        },
        None => BmcModel {
            address: Some(url.host_str()?.trim_matches(['[', ']']).to_owned()),
            port: Some(url.port_or_known_default().map_or(PORT, i64::from)),
            scheme: Some(scheme.unwrap_or_else(|| HTTPS.to_owned())),
            ..model
        },
    };
    let known = matches!(model.scheme.as_deref(), None | Some("http" | "https"));
    (!credentials.is_empty() && known).then_some(model)
}

/// What imports a BMC that is reached so.
pub(crate) fn import_id(connection: &BmcConnection) -> String {
    let (scheme, place) = connection
        .endpoint
        .split_once("://")
        .unwrap_or(("https", &connection.endpoint));
    let mut query = Vec::new();
    if let Some(fingerprint) = &connection.tls.fingerprint_sha256 {
        query.push(format!("fingerprint_sha256={fingerprint}"));
    }
    if connection.tls.insecure {
        query.push("insecure=true".to_owned());
    }
    if scheme == "http" {
        query.push("scheme=http".to_owned());
    }
    let query = match query.as_slice() {
        [] => String::new(),
        parts => format!("?{}", parts.join("&")),
    };
    format!("{}@{place}{query}", connection.credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_id_names_credentials_address_port_and_pin() {
        let bmc = parse_import("rack1@10.0.0.5").unwrap();
        assert_eq!(bmc.connection().endpoint, "https://10.0.0.5:443");
        assert_eq!(bmc.credentials.as_deref(), Some("rack1"));
        let bmc = parse_import("rack1@52-54-00-12-34-56?insecure=true").unwrap();
        assert_eq!(bmc.mac_address.as_deref(), Some("52:54:00:12:34:56"));
        assert_eq!((bmc.address, bmc.port, bmc.scheme), (None, None, None));
        let bmc = parse_import("r@[fe80::1]:4430").unwrap();
        assert_eq!(bmc.connection().endpoint, "https://[fe80::1]:4430");
        let bmc = parse_import("r@127.0.0.1:4430?fingerprint_sha256=ab").unwrap();
        assert_eq!(bmc.connection().endpoint, "https://127.0.0.1:4430");
        assert_eq!(bmc.tls.unwrap().fingerprint_sha256.as_deref(), Some("ab"));
        for bad in [
            "",
            "10.0.0.5",
            "@10.0.0.5",
            "r@",
            "r@h?password=x",
            "r@h?scheme=ftp",
        ] {
            assert!(parse_import(bad).is_none(), "{bad}");
        }
    }
}
