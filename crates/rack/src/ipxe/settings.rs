//! Settings: what `${…}` stands for.

use std::{collections::BTreeMap, net::Ipv4Addr};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use uuid::Uuid;

/// How a setting is written and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    UriString,
    Hex,
    HexHyp,
    HexRaw,
    Base64,
    Ipv4,
    Uuid,
    /// A number of so many bytes.
    Int(usize),
}

/// A setting: bytes and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    bytes: Vec<u8>,
    kind: Kind,
}

/// All settings, by name. The ones of the only network device stand beside its short names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(BTreeMap<String, Setting>);

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "uristring" => Self::UriString,
            "hex" => Self::Hex,
            "hexhyp" => Self::HexHyp,
            "hexraw" => Self::HexRaw,
            "base64" => Self::Base64,
            "ipv4" | "ip" => Self::Ipv4,
            "uuid" => Self::Uuid,
            "int8" | "uint8" => Self::Int(1),
            "int16" | "uint16" => Self::Int(2),
            "int32" | "uint32" => Self::Int(4),
            _ => return None,
        })
    }

    fn write(self, bytes: &[u8]) -> String {
        let joined = |separator: &str| {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.join(separator)
        };
        match self {
            Self::String => String::from_utf8_lossy(bytes).into_owned(),
            Self::UriString => uri_encode(bytes),
            Self::Hex => joined(":"),
            Self::HexHyp => joined("-"),
            Self::HexRaw => joined(""),
            Self::Base64 => BASE64.encode(bytes),
            Self::Ipv4 => match <[u8; 4]>::try_from(bytes) {
                Ok(octets) => Ipv4Addr::from(octets).to_string(),
                Err(_wrong_length) => String::new(),
            },
            Self::Uuid => Uuid::from_slice(bytes).map_or_else(|_| String::new(), |u| u.to_string()),
            Self::Int(_) => number(bytes).to_string(),
        }
    }

    fn read(self, text: &str) -> Option<Vec<u8>> {
        let hex = |separator: char| -> Option<Vec<u8>> {
            text.split(separator)
                .map(|digits| u8::from_str_radix(digits, 16).ok())
                .collect()
        };
        match self {
            Self::String => Some(text.as_bytes().to_vec()),
            Self::UriString => Some(uri_decode(text)),
            Self::Hex => hex(':'),
            Self::HexHyp => hex('-'),
            Self::HexRaw => text
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
                .collect(),
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Ipv4 => text
                .parse::<Ipv4Addr>()
                .ok()
                .map(|address| address.octets().to_vec()),
            Self::Uuid => Uuid::try_parse(text)
                .ok()
                .map(|uuid| uuid.as_bytes().to_vec()),
            Self::Int(size) => {
                let number = parse_number(text)?.to_be_bytes();
                number.get(number.len() - size..).map(<[u8]>::to_vec)
            }
        }
    }
}

impl Settings {
    /// Sets `name[:type]` from text. Returns whether the text has that type. A setting that has no
    /// type of its own keeps the one it had.
    pub(super) fn set(&mut self, name: &str, text: &str) -> bool {
        let (name, kind) = split_type(name);
        let kind = match kind.map(Kind::parse) {
            Some(Some(kind)) => kind,
            Some(None) => return false,
            None => self
                .0
                .get(name)
                .map_or(Kind::String, |setting| setting.kind),
        };
        let Some(mut bytes) = kind.read(text) else {
            return false;
        };
        bytes.truncate(MAX_LENGTH);
        self.0.insert(name.to_owned(), Setting { bytes, kind });
        true
    }

    pub(super) fn clear(&mut self, name: &str) {
        self.0.remove(split_type(name).0);
    }

    /// Adds to a number. A setting that is not there is zero.
    pub(super) fn increase(&mut self, name: &str, by: u64) -> bool {
        let value = self.get(name).unwrap_or_default();
        let value = parse_number(&value).unwrap_or(0);
        self.set(name, &value.wrapping_add(by).to_string())
    }

    pub(crate) fn put_text(&mut self, name: &str, text: &str) {
        self.put(name, text.as_bytes().to_vec(), Kind::String);
    }

    pub(crate) fn put_address(&mut self, name: &str, address: Ipv4Addr) {
        self.put(name, address.octets().to_vec(), Kind::Ipv4);
    }

    pub(crate) fn put_mac(&mut self, name: &str, octets: [u8; 6]) {
        self.put(name, octets.to_vec(), Kind::Hex);
    }

    pub(crate) fn put_uuid(&mut self, name: &str, uuid: Uuid) {
        self.put(name, uuid.as_bytes().to_vec(), Kind::Uuid);
    }

    fn put(&mut self, name: &str, bytes: Vec<u8>, kind: Kind) {
        let setting = Setting { bytes, kind };
        self.0.insert(name.to_owned(), setting);
    }

    /// The value of `name[:type]`, written out.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let (name, kind) = split_type(name);
        let setting = self.0.get(name).or_else(|| {
            // `netX` is the device that was used last, and there is only one.
            let (device, rest) = name.split_once(['/', '.'])?;
            let alias = match device {
                "net0" | "netX" => rest.to_owned(),
                _ => return None,
            };
            self.0
                .get(&format!("net0/{alias}"))
                .or_else(|| self.0.get(&alias))
        })?;
        let kind = match kind {
            Some(kind) => Kind::parse(kind)?,
            None => setting.kind,
        };
        Some(kind.write(&setting.bytes))
    }

    /// `text` with every `${…}` replaced, the innermost first. What is not set is empty.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // A value may hold a reference again; the limit is for one that makes itself.
        for _ in 0..MAX_EXPANSIONS {
            let Some(end) = text
                .match_indices('}')
                .map(|(end, _)| end)
                .find(|end| text[..*end].contains("${"))
            else {
                return text;
            };
            let Some(start) = text[..end].rfind("${") else {
                return text;
            };
            let value = self.get(&text[start + 2..end]).unwrap_or_default();
            text.replace_range(start..=end, &value);
            if text.len() > MAX_LENGTH {
                let cut = text.floor_char_boundary(MAX_LENGTH);
                text.truncate(cut);
            }
        }
        text
    }
}

fn split_type(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (name, None),
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn parse_number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn uri_encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

fn uri_decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

const MAX_EXPANSIONS: usize = 256;
const MAX_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.put_mac("net0/mac", [0x52, 0x54, 0, 0x12, 0xab, 0x56]);
        settings.put_mac("mac", [0x52, 0x54, 0, 0x12, 0xab, 0x56]);
        settings.put_address("net0/ip", Ipv4Addr::new(127, 80, 0, 10));
        settings.put_address("next-server", Ipv4Addr::new(127, 80, 0, 1));
        settings.put_text("serial", "RK 1/2");
        settings.put_text("name", "serial");
        settings
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(settings().expand(text), expected, "{text}");
    }

    #[test]
    fn references_are_replaced_innermost_first_and_unset_ones_are_empty() {
        check("none", "none");
        check("${net0/mac}", "52:54:00:12:ab:56");
        check("${net0/mac:hexhyp}", "52-54-00-12-ab-56");
        check("${netX/mac:hexraw}", "52540012ab56");
        check("${mac}", "52:54:00:12:ab:56");
        check(
            "http://${next-server}/${net0/ip}",
            "http://127.80.0.1/127.80.0.10",
        );
        check("${serial:uristring}", "RK%201%2F2");
        check("${${name}}", "RK 1/2");
        check("a${unset}b", "ab");
        check("${unset:what}", "");
        check("$x {y} ${", "$x {y} ${");
        check("} ${name}", "} serial");
        check("${netX/next-server}", "127.80.0.1");
    }

    #[test]
    fn a_value_has_a_type_and_keeps_it() {
        let mut settings = Settings::default();
        assert!(settings.set("n:int32", "7"));
        assert!(settings.increase("n", 3));
        assert_eq!(settings.get("n").as_deref(), Some("10"));
        assert_eq!(settings.get("n:hex").as_deref(), Some("00:00:00:0a"));
        assert!(!settings.set("n", "ten"));
        assert!(!settings.set("x:nothing", "1"));
        assert!(settings.set("esc:hex", "1b"));
        assert_eq!(settings.get("esc:string").as_deref(), Some("\u{1b}"));
        assert!(settings.set("u:uristring", "a%20b%"));
        assert_eq!(settings.get("u:string").as_deref(), Some("a b%"));
        settings.clear("n");
        assert_eq!(settings.get("n"), None);
        assert!(settings.increase("n", 1));
        assert_eq!(settings.get("n").as_deref(), Some("1"));
    }

    proptest! {
        #[test]
        fn no_text_panics(name in "[a-z$:{}]{0,8}", value in ".{0,20}", text in "[a-z$:{}é]{0,40}") {
            let mut settings = settings();
            let _set = settings.set(&name, &value);
            let _set = settings.set("a", &text);
            let _text = settings.expand(&text);
            let _text = settings.expand(&format!("${{{name}}}${{a}}"));
        }
    }
}
