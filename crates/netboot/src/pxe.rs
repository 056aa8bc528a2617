//! Network boot clients: what firmware and iPXE tell of themselves in DHCP.

use model::{Architecture, ServerId};

use crate::dhcp::{
    Message,
    options::{ARCHITECTURE, IPXE, MACHINE_ID, USER_CLASS, VENDOR_CLASS, user_classes},
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The server's firmware, or its network card's. It needs a loader.
    Firmware,
    /// iPXE. It needs a script.
    Ipxe,
}

/// A network boot client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it runs on; `None` for what we cannot boot, or if it does not say.
    pub architecture: Option<Architecture>,
    /// How far it is.
    pub stage: Stage,
    /// Whether it is UEFI HTTP boot: it wants `HTTPClient` back and a URL for its loader.
    pub http: bool,
    /// Its system UUID. Compare it with [`ServerId::matches`]: firmware copies the bytes from SMBIOS
    /// in one order and iPXE sends them in the other.
    pub uuid: Option<ServerId>,
}

impl Client {
    /// The network boot client that sent `message`, or `None` if it is another DHCP client, such as
    /// an operating system.
    pub fn of(message: &Message) -> Option<Self> {
        let options = &message.options;
        let vendor = options.get(VENDOR_CLASS).unwrap_or_default();
        let codes = options.get(ARCHITECTURE).unwrap_or_default();
        let pxe = vendor.starts_with(PXE_CLIENT);
        let http = vendor.starts_with(HTTP_CLIENT);
        let own = options.get(IPXE);
        let ipxe = own.is_some()
            || options
                .raw(USER_CLASS.number())
                .is_some_and(|classes| user_classes(classes).contains(&b"iPXE".as_slice()));
        if !pxe && !http && !ipxe {
            return None;
        }
        // A network card's own iPXE may be one that cannot fetch what a script names. Its version
        // tells nothing, its features do, and it starts a loader like any other firmware. One that
        // lists none of them is taken at its name.
        let fit = own.is_none_or(|own| match features(&own) {
            features if features.is_empty() => true,
            features => features.contains(&HTTP_FEATURE),
        });
        // The list is in the client's order of preference. Clients without option 93 name one in
        // their vendor class (PXE 2.1 section 3.1.1).
        let architecture = codes
            .into_iter()
            .chain(vendor_class_code(&vendor))
            .find_map(Architecture::from_code);
        Some(Self {
            architecture,
            stage: if ipxe && fit {
                Stage::Ipxe
            } else {
                Stage::Firmware
            },
            // A client is answered in its own words, so its vendor class decides and not what
            // its architecture can do.
            http,
            uuid: options.get(MACHINE_ID).as_deref().and_then(uuid),
        })
    }
}

/// The features that iPXE lists in its option (175): one-byte sub-options with a value other than 0
/// and numbers from 16 to 47, `DHCP_EB_FEATURE_*` in iPXE's own words.
fn features(own: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    let mut rest = own;
    while let [number, length, tail @ ..] = rest {
        let Some((value, tail)) = tail.split_at_checked(usize::from(*length)) else {
            break;
        };
        if (16..48).contains(number) && matches!(value, [value] if *value != 0) {
            found.push(*number);
        }
        rest = tail;
    }
    found
}

/// The code in `PXEClient:Arch:00007:UNDI:003016`.
fn vendor_class_code(vendor: &str) -> Option<u16> {
    let (_, rest) = vendor.split_once(":Arch:")?;
    rest.split(':').next()?.parse().ok()
}

/// The UUID of option 97: type 0 and 16 bytes. All zeros or all ones are no UUID.
fn uuid(bytes: &[u8]) -> Option<ServerId> {
    let [0, uuid @ ..] = bytes else {
        return None;
    };
    let number = u128::from_be_bytes(uuid.try_into().ok()?);
    let as_sent: ServerId = format!("{number:032x}").parse().ok()?;
    Some(as_sent.swapped())
}

/// How the vendor class of a PXE client starts.
pub const PXE_CLIENT: &str = "PXEClient";

/// How the vendor class of a UEFI HTTP boot client starts.
pub const HTTP_CLIENT: &str = "HTTPClient";

/// The vendor-specific information (option 43) that makes a PXE client take the boot file of the
/// DHCP reply without asking any further: discovery control with bit 3 set, then the end mark (PXE
/// 2.1 table 2-3). EDK2 takes an offer with `PXEClient` but without it for one of a BINL server,
/// and asks port 4011 for the boot file (`PxeBcParseDhcp4Packet`).
pub const TAKE_BOOT_FILE: [u8; 4] = [6, 1, 8, 255];

/// The vendor-specific information (option 43) that makes a PXE client leave at once for the next
/// boot device: a boot menu (9) whose first entry is type 0, local boot, and a prompt (10) that
/// takes the first entry without waiting (PXE 2.1 section 2.2.3). EDK2 asks again for a minute when
/// it is offered no boot file at all.
pub const BOOT_LOCALLY: &[u8] = b"\x09\x0d\x00\x00\x0aLocal disk\x0a\x0b\x00Local disk\xff";

/// The iPXE option (175) that makes iPXE take the first offer: `no-pxedhcp`. Without it, iPXE waits
/// some seconds for a proxyDHCP server.
pub const NO_PROXY: [u8; 3] = [176, 1, 1];

/// The feature of an iPXE that speaks HTTP.
const HTTP_FEATURE: u8 = 0x13;

#[cfg(test)]
mod tests {
    use model::MacAddr;

    use super::*;
    use crate::dhcp::MessageType;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Message), expected: Option<(Option<u16>, Stage, bool)>) {
        let mac = MacAddr::new([0x52, 0x54, 0, 0, 0, 1]);
        let mut message = Message::request(MessageType::Discover, 1, mac);
        change(&mut message);
        let client = Client::of(&message).map(|client| {
            let code = client.architecture.map(Architecture::code);
            (code, client.stage, client.http)
        });
        assert_eq!(client, expected);
    }

    #[test]
    fn an_operating_system_is_no_boot_client() {
        check(|_| {}, None);
        check(|m| m.options.set(VENDOR_CLASS, "MSFT 5.0"), None);
        check(|m| m.options.set(USER_CLASS, b"abc".to_vec()), None);
    }

    #[test]
    fn firmware_is_known_by_its_vendor_class() {
        check(
            |m| {
                m.options
                    .set(VENDOR_CLASS, "PXEClient:Arch:00007:UNDI:003016");
                m.options.set(ARCHITECTURE, vec![7]);
            },
            Some((Some(7), Stage::Firmware, false)),
        );
        check(
            |m| {
                m.options
                    .set(VENDOR_CLASS, "HTTPClient:Arch:00016:UNDI:003001");
                m.options.set(ARCHITECTURE, vec![16]);
            },
            Some((Some(16), Stage::Firmware, true)),
        );
    }

    #[test]
    fn the_first_architecture_that_boots_counts_and_the_vendor_class_is_the_last_resort() {
        let pxe = |vendor: &'static str, codes: Vec<u16>| {
            move |m: &mut Message| {
                m.options.set(VENDOR_CLASS, vendor);
                if !codes.is_empty() {
                    m.options.set(ARCHITECTURE, codes);
                }
            }
        };
        let known = |code| Some((code, Stage::Firmware, false));
        check(pxe("PXEClient", vec![2, 11, 7]), known(Some(11)));
        check(pxe("PXEClient:Arch:00009:UNDI:1", vec![]), known(Some(7)));
        check(pxe("PXEClient:Arch:00000", vec![7]), known(Some(7)));
        check(pxe("PXEClient:Arch:99999", vec![]), known(None));
        check(pxe("PXEClient", vec![]), known(None));
    }

    #[test]
    fn ipxe_is_known_by_its_user_class_or_its_own_option() {
        let ipxe = Some((None, Stage::Ipxe, false));
        check(|m| m.options.set(USER_CLASS, b"iPXE".to_vec()), ipxe);
        check(|m| m.options.set(USER_CLASS, b"\x04iPXE".to_vec()), ipxe);
        check(|m| m.options.set(IPXE, vec![0x13, 1, 1]), ipxe);
    }

    #[test]
    fn an_ipxe_that_cannot_fetch_over_http_needs_a_loader_like_any_firmware() {
        let with = |own: &'static [u8]| {
            move |m: &mut Message| {
                m.options.set(USER_CLASS, b"iPXE".to_vec());
                m.options.set(ARCHITECTURE, vec![0]);
                m.options.set(IPXE, own.to_vec());
            }
        };
        let is = |stage| Some((Some(0), stage, false));
        // The priority and the version, then bzImage, PXE and menu, without and with HTTP.
        let version = b"\xeb\x03\x01\x00\x00";
        let without = b"\x01\x01\x00\xeb\x03\x01\x00\x00\x18\x01\x01\x21\x01\x01\x27\x01\x01";
        let http = b"\x01\x01\x00\xeb\x03\x01\x00\x00\x18\x01\x01\x13\x01\x01\x27\x01\x01";
        check(with(without), is(Stage::Firmware));
        check(with(http), is(Stage::Ipxe));
        check(with(b"\x18\x01\x01\x13\x01\x00"), is(Stage::Firmware));
        check(with(version), is(Stage::Ipxe));
        check(with(b"\x18\x01\x01\x13\x09"), is(Stage::Firmware));
        check(with(b""), is(Stage::Ipxe));
    }

    #[test]
    fn the_uuid_matches_the_servers_in_either_byte_order_and_a_placeholder_is_none() {
        let server: ServerId = "4c4c4544-0042-3510-8057-b7c04f4b4d32".parse().unwrap();
        let mac = MacAddr::new([0x52, 0x54, 0, 0, 0, 1]);
        let read = |id: &[u8]| {
            let mut message = Message::request(MessageType::Discover, 1, mac);
            message.options.set(VENDOR_CLASS, "PXEClient");
            message.options.set(MACHINE_ID, id);
            Client::of(&message).and_then(|client| client.uuid)
        };
        let canonical = b"\x00\x4c\x4c\x45\x44\x00\x42\x35\x10\x80\x57\xb7\xc0\x4f\x4b\x4d\x32";
        let swapped = b"\x00\x44\x45\x4c\x4c\x42\x00\x10\x35\x80\x57\xb7\xc0\x4f\x4b\x4d\x32";
        assert!(read(canonical).unwrap().matches(server));
        assert_eq!(read(swapped), Some(server));
        assert_eq!(read(&[0; 17]), None);
        assert_eq!(read(&[1; 17]), None);
        assert_eq!(read(b"\x00\x4c"), None);
        assert_eq!(read(b""), None);
    }
}
