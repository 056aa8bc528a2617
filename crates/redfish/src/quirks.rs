//! What differs between makers. This is the only file that names them.
//!
//! A hint only says what to try first: whatever a BMC refuses is found out by its answer, and
//! remembered for the rest of the run.

use crate::{lenient::Doc, service_root::ServiceRoot, system::System};

/// Whose Redfish this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    Ami,
    Dell,
    Fujitsu,
    Hpe,
    Lenovo,
    Nvidia,
    Supermicro,
}

/// When to send the boot mode with a boot override. It is never sent to a BMC that reports none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SendMode {
    /// Only if it changes.
    #[default]
    IfDifferent,
    /// With each override.
    Always,
}

/// Which `If-Match` to try first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FirstTag {
    /// The tag that was read, if there is one.
    #[default]
    IfKnown,
    /// `*`.
    Star,
}

/// What to try first with a BMC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    pub(crate) send_mode: SendMode,
    pub(crate) first_tag: FirstTag,
    /// `If-Match: *` is refused.
    pub(crate) never_star: bool,
    /// Collections lose properties when they are expanded.
    pub(crate) no_expand: bool,
    /// A connection that was used once is dropped without notice.
    pub(crate) close_connections: bool,
    /// Resets that are listed and do harm.
    pub(crate) bad_resets: Vec<&'static str>,
    /// Boot targets that read back as another word.
    pub(crate) reads_as: Vec<(&'static str, &'static str)>,
    /// Boot targets with a name of the maker's own, used where the BMC lists that name.
    pub(crate) aliases: Vec<(&'static str, &'static str)>,
}

impl Hints {
    /// The hints for a BMC, or for one of its systems.
    pub(crate) fn of(root: &ServiceRoot, system: Option<&System>) -> Self {
        let about = About::of(root, system);
        let mut hints = Self::default();
        for rule in RULES.iter().filter(|rule| rule.applies(&about)) {
            match rule.quirk {
                Quirk::SendModeAlways => hints.send_mode = SendMode::Always,
                Quirk::StarFirst => hints.first_tag = FirstTag::Star,
                Quirk::NeverStar => hints.never_star = true,
                Quirk::NoExpand => hints.no_expand = true,
                Quirk::CloseConnections => hints.close_connections = true,
                Quirk::BadReset(reset) => hints.bad_resets.push(reset),
                Quirk::ReadsAs(asked, read) => hints.reads_as.push((asked, read)),
                Quirk::Alias(word, own) => hints.aliases.push((word, own)),
            }
        }
        hints
    }
}

/// What rules are matched against.
struct About {
    vendor: Option<Vendor>,
    model: String,
    firmware: String,
}

impl About {
    fn of(root: &ServiceRoot, system: Option<&System>) -> Self {
        let doc = Doc::new(&root.raw);
        let oem = doc.get("Oem").names();
        let manufacturer = system.and_then(|system| system.manufacturer.as_deref());
        let named = [root.vendor.as_deref(), manufacturer];
        let vendor = if oem.iter().any(|name| name.eq_ignore_ascii_case("Ami")) {
            // Some makers sell servers with this firmware under their own name.
            Some(Vendor::Ami)
        } else {
            named.into_iter().flatten().chain(oem).find_map(vendor)
        };
        let of_system = system.and_then(|system| system.model.clone());
        let manager = doc.get("Oem").get("Hpe").items("Manager");
        let firmware = manager
            .first()
            .and_then(|manager| manager.text("ManagerType"));
        let model = [root.product.clone(), of_system].into_iter().flatten();
        Self {
            vendor,
            model: model.collect::<Vec<_>>().join("\n"),
            firmware: firmware.unwrap_or_default(),
        }
    }
}

fn vendor(name: &str) -> Option<Vendor> {
    let name = name.to_ascii_lowercase();
    let known = VENDORS.iter().find(|(known, _)| name.starts_with(known));
    known.map(|&(_, vendor)| vendor)
}

const VENDORS: [(&str, Vendor); 14] = [
    ("american megatrends", Vendor::Ami),
    ("ami", Vendor::Ami),
    ("dell", Vendor::Dell),
    ("fsas", Vendor::Fujitsu),
    ("fujitsu", Vendor::Fujitsu),
    ("ts_fujitsu", Vendor::Fujitsu),
    ("hewlett", Vendor::Hpe),
    ("hp", Vendor::Hpe),
    ("lenovo", Vendor::Lenovo),
    ("https://www.mellanox.com", Vendor::Nvidia),
    ("mellanox", Vendor::Nvidia),
    ("nvidia", Vendor::Nvidia),
    ("super micro", Vendor::Supermicro),
    ("supermicro", Vendor::Supermicro),
];

/// One row of the table. An empty text matches everything.
struct Rule {
    vendor: Vendor,
    model: &'static str,
    firmware: &'static str,
    except_firmware: &'static str,
    quirk: Quirk,
}

#[derive(Clone, Copy)]
enum Quirk {
    SendModeAlways,
    StarFirst,
    NeverStar,
    NoExpand,
    CloseConnections,
    BadReset(&'static str),
    ReadsAs(&'static str, &'static str),
    Alias(&'static str, &'static str),
}

impl Rule {
    const fn new(vendor: Vendor, quirk: Quirk) -> Self {
        Self {
            vendor,
            model: "",
            firmware: "",
            except_firmware: "",
            quirk,
        }
    }

    fn applies(&self, about: &About) -> bool {
        about.vendor == Some(self.vendor)
            && about.model.contains(self.model)
            && about.firmware.contains(self.firmware)
            && (self.except_firmware.is_empty() || !about.firmware.contains(self.except_firmware))
    }
}

const RULES: &[Rule] = &[
    // DMTF/Redfishtool#106: without the mode, an override is taken and does nothing.
    Rule::new(Vendor::Supermicro, Quirk::SendModeAlways),
    Rule::new(Vendor::Supermicro, Quirk::ReadsAs("Pxe", "UefiBootNext")),
    Rule::new(Vendor::Supermicro, Quirk::Alias("Cd", "UsbCd")),
    // The firmware refuses the tags it gave and takes any.
    Rule::new(Vendor::Ami, Quirk::StarFirst),
    Rule {
        model: "DGX",
        ..Rule::new(Vendor::Ami, Quirk::NoExpand)
    },
    Rule {
        model: "GB BMC",
        ..Rule::new(Vendor::Nvidia, Quirk::NoExpand)
    },
    Rule::new(Vendor::Hpe, Quirk::NeverStar),
    // Generations before iLO 7 reset connections that they have answered on.
    Rule {
        except_firmware: "iLO 7",
        ..Rule::new(Vendor::Hpe, Quirk::CloseConnections)
    },
    // It needs a tag that was read just before, and every change reads first; `*` is refused.
    Rule::new(Vendor::Fujitsu, Quirk::NeverStar),
    // It hangs some models, and cuts the power of smart adapters in others.
    Rule::new(Vendor::Lenovo, Quirk::BadReset("ForceRestart")),
];

/// Message keys of makers' own, beside those of the standard registries in `messages`.
pub(crate) const BENIGN: &[&str] = &["SystemResetRequired", "OperationTransitionedToJob"];
pub(crate) const READ_ONLY: &[&str] = &["OperationSupportedInFutureStateURI"];
pub(crate) const BUSY: &[&str] = &[
    "UnableToModifyDuringSystemPOST",
    "InvalidOperationForSystemState",
    "SYS518",
];
pub(crate) const SESSION_LIMIT: &[&str] = &["RAC0218"];
pub(crate) const BAD_LOGIN: &[&str] = &["UnauthorizedLoginAttempt"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reply::Document;

    fn hints(root: Value, system: Value) -> Hints {
        let document = |value| Document { value, etag: None };
        let system = System::read("/s", document(system));
        Hints::of(&ServiceRoot::read(document(root)), Some(&system))
    }

    #[test]
    fn a_maker_is_told_by_its_name_its_oem_key_or_its_system() {
        let always = |root, system| hints(root, system).send_mode == SendMode::Always;
        assert!(always(json!({"Vendor": "Supermicro"}), json!({})));
        assert!(always(json!({"Oem": {"Supermicro": {}}}), json!({})));
        assert!(always(
            json!({"Oem": {}}),
            json!({"Manufacturer": "Supermicro"})
        ));
        assert!(!always(json!({"Vendor": "Dell"}), json!({})));
        assert!(!always(json!({}), json!({})));
    }

    #[test]
    fn firmware_counts_and_not_the_badge() {
        let found = hints(json!({"Vendor": "Lenovo", "Oem": {"Ami": {}}}), json!({}));
        assert_eq!(found.first_tag, FirstTag::Star);
        assert!(found.bad_resets.is_empty());
        let found = hints(
            json!({"Vendor": "Lenovo", "Oem": {"Lenovo": {}}}),
            json!({}),
        );
        assert_eq!(found.bad_resets, ["ForceRestart"]);
    }

    #[test]
    fn only_older_firmware_drops_its_connections() {
        let closes = |kind: &str| {
            let oem = json!({"Hpe": {"Manager": [{"ManagerType": kind}]}});
            hints(json!({"Vendor": "HPE", "Oem": oem}), json!({})).close_connections
        };
        assert!(closes("iLO 5"));
        assert!(closes("iLO 6"));
        assert!(!closes("iLO 7"));
    }
}
