//! What is known of a BMC, and whether a row is about it.

use serde::Deserialize;

use crate::{lenient::Doc, service_root::ServiceRoot, system::System};

/// What rows are matched against, all in lower case.
#[derive(Debug, Default)]
pub(super) struct About {
    vendor: Option<&'static str>,
    /// Every name of a maker that was found, for makers that are not known here.
    names: Vec<String>,
    product: String,
    model: String,
    firmware: String,
}

impl About {
    pub(super) fn of(root: &ServiceRoot, system: Option<&System>) -> Self {
        let oem = Doc::new(&root.raw).get("Oem");
        let manufacturer = system.and_then(|system| system.manufacturer.as_deref());
        let named = [root.vendor.as_deref(), manufacturer];
        let names: Vec<&str> = named.into_iter().flatten().chain(oem.names()).collect();
        let vendor = if oem
            .names()
            .iter()
            .any(|name| name.eq_ignore_ascii_case("Ami"))
        {
            // Some makers sell servers with this firmware under their own name.
            Some("AMI")
        } else {
            names.iter().find_map(|name| vendor_of(name))
        };
        let lower = |text: Option<&String>| text.map(|text| text.to_ascii_lowercase());
        let mut firmware = Vec::new();
        versions(oem, 0, &mut firmware);
        Self {
            vendor,
            names: names.iter().map(|name| name.to_ascii_lowercase()).collect(),
            product: lower(root.product.as_ref()).unwrap_or_default(),
            model: lower(system.and_then(|system| system.model.as_ref())).unwrap_or_default(),
            firmware: firmware.join("\n").to_ascii_lowercase(),
        }
    }
}

/// What a service root tells of the BMC's firmware, below `Oem`, wherever a maker has it.
fn versions(doc: Doc<'_>, depth: usize, found: &mut Vec<String>) {
    for name in doc.names() {
        match doc.word(name) {
            Some(word) if name.ends_with("Version") || name == "ManagerType" => {
                found.push(word.to_owned());
            }
            Some(_) => {}
            None if depth < DEEPEST && found.len() < MOST => {
                for item in doc.items(name).into_iter().take(MOST) {
                    versions(item, depth + 1, found);
                }
            }
            None => {}
        }
    }
}

/// One set of conditions: all that are given have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    pub(super) vendor: Option<String>,
    pub(super) product: Option<String>,
    pub(super) model: Option<String>,
    pub(super) firmware: Option<String>,
    pub(super) except_firmware: Option<String>,
}

impl Match {
    /// What is wrong with the conditions themselves.
    pub(super) fn fault(&self) -> Option<String> {
        let all = self.all();
        if let Some((name, _)) = all.iter().find(|(_, text)| text.trim().is_empty()) {
            return Some(format!("its match has an empty {name}, expected a text"));
        }
        if all.iter().all(|(name, _)| *name == "except_firmware") {
            return Some(
                "its match names nothing, expected at least one of vendor, product, model and \
                 firmware"
                    .to_owned(),
            );
        }
        None
    }

    pub(super) fn holds(&self, about: &About) -> bool {
        let within = |wanted: &Option<String>, text: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| text.contains(&wanted.to_ascii_lowercase()))
        };
        let excepted = self.except_firmware.as_ref();
        self.vendor.as_ref().is_none_or(|vendor| is(vendor, about))
            && within(&self.product, &about.product)
            && (within(&self.model, &about.model) || within(&self.model, &about.product))
            && within(&self.firmware, &about.firmware)
            && !excepted.is_some_and(|text| about.firmware.contains(&text.to_ascii_lowercase()))
    }

    /// The conditions that are given.
    pub(super) fn all(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("vendor", &self.vendor),
            ("product", &self.product),
            ("model", &self.model),
            ("firmware", &self.firmware),
            ("except_firmware", &self.except_firmware),
        ];
        let given = all.into_iter();
        given
            .filter_map(|(name, text)| Some((name, text.as_deref()?)))
            .collect()
    }
}

/// A maker that is known here is one, whatever it calls itself; another one is its name's beginning.
fn is(vendor: &str, about: &About) -> bool {
    if vendor.eq_ignore_ascii_case(ANY) {
        return true;
    }
    let known = VENDORS
        .iter()
        .find(|(_, known)| vendor.eq_ignore_ascii_case(known));
    match known {
        Some((_, known)) => about.vendor == Some(known),
        None => {
            let vendor = vendor.to_ascii_lowercase();
            about.names.iter().any(|name| name.starts_with(&vendor))
        }
    }
}

fn vendor_of(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let known = VENDORS.iter().find(|(start, _)| name.starts_with(start));
    known.map(|&(_, vendor)| vendor)
}

/// For a row about every BMC.
const ANY: &str = "any";

/// How names of makers begin, in lower case, and whose they are.
const VENDORS: [(&str, &str); 18] = [
    ("american megatrends", "AMI"),
    ("ami", "AMI"),
    ("cisco", "Cisco"),
    ("dell", "Dell"),
    ("fsas", "Fujitsu"),
    ("fujitsu", "Fujitsu"),
    ("ts_fujitsu", "Fujitsu"),
    ("hewlett", "HPE"),
    ("hp", "HPE"),
    ("huawei", "Huawei"),
    ("ibm", "IBM"),
    ("lenovo", "Lenovo"),
    ("https://www.mellanox.com", "NVIDIA"),
    ("mellanox", "NVIDIA"),
    ("nvidia", "NVIDIA"),
    ("openbmc", "OpenBMC"),
    ("super micro", "Supermicro"),
    ("supermicro", "Supermicro"),
];

/// The makers that are known whatever they call themselves.
pub(super) fn vendors() -> Vec<&'static str> {
    let mut vendors: Vec<_> = VENDORS.iter().map(|&(_, vendor)| vendor).collect();
    vendors.dedup();
    vendors
}

const DEEPEST: usize = 3;
const MOST: usize = 16;
