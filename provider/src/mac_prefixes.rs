//! `mac_prefixes`: what is known of a BMC from the first digits of its MAC address.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::MacAddr;
use tfplugin::{Diagnostic, Model, Path, Value};

use crate::checks;

/// What a MAC prefix tells of the BMCs that have it.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct MacPrefix {
    /// Who made them.
    pub manufacturer: Option<String>,
    /// What they speak: `Redfish`.
    #[tf(check = checks::bmc_protocol)]
    pub protocol: Option<String>,
    /// `https`, or `http`.
    #[tf(check = checks::scheme)]
    pub scheme: Option<String>,
    /// Their TCP port.
    #[tf(check = checks::port)]
    pub port: Option<i64>,
    /// The name of their credentials in `credentials`.
    pub credentials: Option<String>,
    /// How their serial console is reached.
    pub console: Option<Console>,
}

/// How a serial console is reached.
#[derive(Clone, Debug, Model)]
pub(crate) struct Console {
    /// Its protocol, such as `SSH` or `IPMI`.
    pub protocol: String,
    /// Its port.
    #[tf(check = checks::port)]
    pub port: Option<i64>,
}

/// Every prefix, as its hexadecimal digits alone.
#[derive(Debug, Default)]
pub(crate) struct MacPrefixes {
    prefixes: BTreeMap<String, MacPrefix>,
    /// Who refused which default credentials in this run.
    refused: Mutex<BTreeSet<(MacAddr, String)>>,
}

impl MacPrefixes {
    /// The prefixes of a provider block that was validated.
    pub(crate) fn new(block: Option<BTreeMap<String, MacPrefix>>) -> Self {
        let entry = |(prefix, entry): (String, MacPrefix)| Some((digits(&prefix)?, entry));
        Self {
            prefixes: block.into_iter().flatten().filter_map(entry).collect(),
            refused: Mutex::default(),
        }
    }

    /// The longest prefix that a MAC address has, and what it tells.
    pub(crate) fn find(&self, mac: MacAddr) -> Option<(&str, &MacPrefix)> {
        let text = digits(&mac.to_string())?;
        (1..=text.len()).rev().find_map(|length| {
            let found = self.prefixes.get_key_value(text.get(..length)?)?;
            Some((found.0.as_str(), found.1))
        })
    }

    /// Notes that a BMC refused default credentials: its password was changed, and every further try
    /// would bring its account nearer to a lock.
    pub(crate) fn refuse(&self, mac: MacAddr, credentials: &str) {
        self.refused().insert((mac, credentials.to_owned()));
    }

    /// Whether a BMC refused these default credentials before, wherever it was then.
    pub(crate) fn was_refused(&self, mac: MacAddr, credentials: &str) -> bool {
        self.refused().contains(&(mac, credentials.to_owned()))
    }

    fn refused(&self) -> MutexGuard<'_, BTreeSet<(MacAddr, String)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with the keys of `mac_prefixes`.
pub(crate) fn validate(config: &Value) -> Vec<Diagnostic> {
    let Value::Map(block) = config.get(ATTRIBUTE) else {
        return Vec::new();
    };
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for prefix in block.keys() {
        let at = Path::root(ATTRIBUTE).key(prefix);
        let Some(digits) = digits(prefix) else {
            let detail = format!(
                "{prefix:?} is not the beginning of a MAC address, such as 52:54:00: 1 to 12 \
                 hexadecimal digits."
            );
            found.push(Diagnostic::error("Not a MAC prefix", detail).at(at));
            continue;
        };
        if let Some(other) = known.insert(digits, prefix) {
            let detail = format!(
                "{other:?} and {prefix:?} are two spellings of one prefix. Keep one of them."
            );
            found.push(Diagnostic::error("The same MAC prefix twice", detail).at(at));
        }
    }
    found
}

/// The digits of a prefix, lower case, if that is what it is.
fn digits(prefix: &str) -> Option<String> {
    let digits: String = prefix
        .trim()
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | '.'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let right = (1..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    right.then_some(digits)
}

const ATTRIBUTE: &str = "mac_prefixes";

#[cfg(test)]
mod tests {
    use super::*;

    fn block(prefixes: &[&str]) -> BTreeMap<String, MacPrefix> {
        let entry = |prefix: &&str| {
            let entry = MacPrefix {
                manufacturer: Some((*prefix).to_owned()),
                ..MacPrefix::default()
            };
            ((*prefix).to_owned(), entry)
        };
        prefixes.iter().map(entry).collect()
    }

    #[test]
    fn the_longest_prefix_wins_in_any_spelling() {
        let prefixes = MacPrefixes::new(Some(block(&["52", "52-54-00", "5254.00AB", "5254000"])));
        let find = |mac: &str| {
            let found = prefixes.find(mac.parse().unwrap());
            found.map(|(prefix, entry)| (prefix.to_owned(), entry.manufacturer.clone().unwrap()))
        };
        let expect = |prefix: &str, name: &str| Some((prefix.to_owned(), name.to_owned()));
        assert_eq!(find("52:54:00:ab:00:01"), expect("525400ab", "5254.00AB"));
        assert_eq!(find("52:54:00:0b:00:01"), expect("5254000", "5254000"));
        assert_eq!(find("52:54:00:1b:00:01"), expect("525400", "52-54-00"));
        assert_eq!(find("52:00:00:00:00:01"), expect("52", "52"));
        assert_eq!(find("00:00:00:00:00:01"), None);
    }

    #[test]
    fn one_prefix_in_two_spellings_and_what_is_no_prefix_are_refused() {
        let config = |prefixes: &[&str]| {
            let keys = prefixes
                .iter()
                .map(|prefix| ((*prefix).to_owned(), Value::Null));
            let block = Value::Map(keys.collect());
            Value::Map(BTreeMap::from([(ATTRIBUTE.to_owned(), block)]))
        };
        let summaries = |prefixes: &[&str]| -> Vec<String> {
            let found = validate(&config(prefixes)).into_iter();
            found.map(|diagnostic| diagnostic.summary).collect()
        };
        assert_eq!(summaries(&["52:54:00", "52:54"]), [""; 0]);
        assert_eq!(
            summaries(&["52:54:00", "52-54-00"]),
            ["The same MAC prefix twice"]
        );
        assert_eq!(
            summaries(&["", "vendor", "52:54:00:00:00:00:00"]),
            ["Not a MAC prefix"; 3]
        );
        assert_eq!(validate(&Value::Null), []);
    }
}
