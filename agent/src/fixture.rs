//! What tests start from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    BmcConnection, BmcTls, BootConfigSpec, Hardware, Holder, MacAddr, Payload, Secret, ServerId,
    ServerSpec,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{seal::Sealer, store::Store};

/// An empty store, and the directory that it is gone with.
pub(crate) fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    (dir, store)
}

/// A sealer for `store`, with a key in `dir`.
pub(crate) fn sealer(dir: &TempDir, store: &Store) -> Sealer {
    Sealer::load(&dir.path().join("seal.key"), store).unwrap()
}

pub(crate) fn server_id(number: u8) -> ServerId {
    format!("4c4c4544-0000-0000-0000-0000000000{number:02x}")
        .parse()
        .unwrap()
}

pub(crate) fn mac(number: u8) -> MacAddr {
    MacAddr::new([0x52, 0x54, 0, 0, 0, number])
}

pub(crate) fn spec(macs: &[u8]) -> ServerSpec {
    ServerSpec {
        bmc: BmcConnection {
            endpoint: "https://192.0.2.5".to_owned(),
            credentials: "rack1".to_owned(),
            tls: BmcTls::default(),
        },
        system_uri: "/redfish/v1/Systems/1".to_owned(),
        boot_mac_addresses: macs.iter().copied().map(mac).collect(),
        labels: BTreeMap::from([("rack".to_owned(), "r1".to_owned())]),
        hardware: Hardware::default(),
        unclaimable: false,
        registrar: None,
    }
}

pub(crate) fn holder(name: &str) -> Holder {
    Holder {
        name: name.to_owned(),
        workspace: "default".to_owned(),
    }
}

pub(crate) fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// An Ignition config that says `canary`.
pub(crate) fn ignition(canary: &str) -> Payload {
    let content = format!(
        r#"{{"ignition":{{"version":"3.4.0"}},"passwd":{{"users":[{{"name":"{canary}"}}]}}}}"#
    );
    Payload {
        content: Secret::new(content),
        write_only: true,
    }
}

/// A boot config that needs no image.
pub(crate) fn script() -> BootConfigSpec {
    serde_json::from_value(serde_json::json!({ "ipxe_script": "#!ipxe\nshell\n" })).unwrap()
}

/// 2026-01-01 and `seconds`.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_767_225_600 + seconds, 0).unwrap()
}
