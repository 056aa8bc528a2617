//! Importing a BMC, by a text or by its identity.

use tfplugin::{Diagnostic, ImportBy};

use super::model::BmcModel;
use crate::resources::connection::{self, Tls};

/// The BMC that is to be imported.
pub(super) fn imported(by: &ImportBy) -> Result<BmcModel, Diagnostic> {
    let identity = match by {
        ImportBy::Id(id) => {
            return parse_import(id).ok_or_else(|| import_error(&format!("{id:?}")));
        }
        ImportBy::Identity(identity) => identity,
    };
    let text = |name: &str| identity.get(name).as_str().unwrap_or_default();
    let (credentials, address) = (text("credentials"), text("address"));
    let port = identity.get("port").as_i64().unwrap_or_default();
    let origin = connection::endpoint("https", address, port);
    let origin = origin.trim_start_matches("https://");
    parse_import(&format!("{credentials}@{origin}"))
        .ok_or_else(|| import_error(&format!("{credentials:?}, {address:?} and port {port}")))
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a BMC cannot be read",
        format!(
            "Expected CREDENTIALS@ADDRESS or CREDENTIALS@ADDRESS:PORT, such as rack1@10.0.0.5, \
             where CREDENTIALS is a name in the provider's credentials; found {found}. A pinned \
             certificate goes behind it: rack1@10.0.0.5?fingerprint_sha256=DIGEST. A BMC without \
             verification ends in ?insecure=true."
        ),
    )
}

pub(super) fn parse_import(id: &str) -> Option<BmcModel> {
    let (credentials, rest) = id.split_once('@')?;
    let url = reqwest::Url::parse(&format!("https://{rest}")).ok()?;
    let mut tls = Tls::default();
    let mut scheme = "https".to_owned();
    for (key, value) in url.query_pairs() {
        match &*key {
            "fingerprint_sha256" => tls.fingerprint_sha256 = Some(value.into_owned()),
            "insecure" => tls.insecure = Some(value.parse().ok()?),
            "scheme" => scheme = value.into_owned(),
            _ => return None,
        }
    }
    let trusts = tls.fingerprint_sha256.is_some() || tls.insecure.is_some();
    let address = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let model = BmcModel {
        id: None,
        address,
        port: url.port_or_known_default().map_or(443, i64::from),
        scheme,
        credentials: credentials.to_owned(),
        tls: trusts.then_some(tls),
        timeouts: None,
        connection: None,
        uuid: None,
        manufacturer: None,
        model: None,
        firmware_version: None,
        redfish_version: None,
        systems: None,
    };
    (!credentials.is_empty() && matches!(&*model.scheme, "http" | "https")).then_some(model)
}

#[cfg(test)]
mod tests {
    use tfplugin::{Model as _, Value};

    use super::*;

    #[test]
    fn an_identity_names_credentials_address_and_port() {
        let text = |text: &str| Value::String(text.to_owned());
        let identity = |address: &str| {
            let parts = [
                ("address", text(address)),
                ("port", Value::from(4430_i64)),
                ("credentials", text("rack1")),
            ];
            let parts = parts.map(|(name, value)| (name.to_owned(), value));
            imported(&ImportBy::Identity(Value::Map(parts.into())))
        };
        for (address, origin) in [
            ("10.0.0.5", "https://10.0.0.5:4430"),
            ("fe80::1", "https://[fe80::1]:4430"),
        ] {
            let bmc = identity(address).unwrap();
            assert_eq!(bmc.connection().endpoint, origin);
            assert_eq!(bmc.credentials, "rack1");
        }
        assert!(identity("").is_err());
        let attributes = BmcModel::attributes();
        let identity = attributes.iter().filter(|attribute| attribute.identity);
        let identity: Vec<_> = identity.map(|attribute| attribute.name).collect();
        assert_eq!(identity, ["address", "port", "credentials"]);
    }

    #[test]
    fn an_import_id_names_credentials_address_port_and_pin() {
        let bmc = parse_import("rack1@10.0.0.5").unwrap();
        assert_eq!(bmc.connection().endpoint, "https://10.0.0.5:443");
        assert_eq!(bmc.credentials, "rack1");
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
