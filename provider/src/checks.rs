//! Validators and semantic equality of attributes. A validator sees only known values.

mod network;

use std::{net::Ipv4Addr, str::FromStr};

use model::{MacAddr, ServerId};
use reqwest::Url;
use tfplugin::Value;

pub(crate) use self::network::{
    any_uuid, lease_time, mac, network, pool, same_any_uuid, same_mac, same_network, same_pool,
};

fn text(value: &Value, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    value.as_str().map_or(Ok(()), check)
}

fn elements(value: &Value, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::List(list) => list.iter().try_for_each(|element| text(element, &check)),
        _ => Ok(()),
    }
}

fn parses<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>()
        .map(|_value| ())
        .map_err(|error| format!("{error}."))
}

/// A list of MAC addresses.
pub(crate) fn macs(value: &Value) -> Result<(), String> {
    elements(value, parses::<MacAddr>)
}

/// A system UUID.
pub(crate) fn uuid(value: &Value) -> Result<(), String> {
    text(value, parses::<ServerId>)
}

/// An IPv4 address.
pub(crate) fn ipv4(value: &Value) -> Result<(), String> {
    text(value, |text| {
        let parsed = text.parse::<Ipv4Addr>();
        parsed
            .map(|_address| ())
            .map_err(|_says_less| format!("{text:?} is not an IPv4 address."))
    })
}

/// A BMC's address: a host name, an IPv4 address or an IPv6 address, without scheme or port.
pub(crate) fn host(value: &Value) -> Result<(), String> {
    text(value, |text| {
        let bracketed = if text.contains(':') {
            format!("[{text}]")
        } else {
            text.to_owned()
        };
        let url = Url::parse(&format!("https://{bracketed}/"));
        let plain = !text.contains(['/', '@', '?', '#', '[', ' ']) && !text.is_empty();
        if plain && url.is_ok_and(|url| url.port().is_none() && url.path() == "/") {
            return Ok(());
        }
        Err(format!(
            "{text:?} is not a host name or an IP address. Give the address alone; scheme and \
             port have attributes of their own."
        ))
    })
}

/// A TCP or UDP port.
pub(crate) fn port(value: &Value) -> Result<(), String> {
    match value.as_i64() {
        Some(port) if !(1..=65_535).contains(&port) => {
            Err(format!("{port} is not a port; ports are 1 to 65535."))
        }
        _ => Ok(()),
    }
}

/// A program and its arguments.
pub(crate) fn program(value: &Value) -> Result<(), String> {
    match value {
        Value::List(list)
            if list
                .first()
                .is_none_or(|program| program.as_str() == Some("")) =>
        {
            Err("It is empty. Give a program and its arguments, such as \
                 [\"/usr/local/bin/bmc-credentials\"]."
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// The name of an account on a BMC.
pub(crate) fn account_name(value: &Value) -> Result<(), String> {
    text(value, |name| {
        if name.is_empty() || name.contains(['/', ':']) || name.contains(char::is_control) {
            return Err(format!(
                "{name:?} is no user name: give one without slashes and colons."
            ));
        }
        Ok(())
    })
}

/// `redfish.max_retries`.
pub(crate) fn retries(value: &Value) -> Result<(), String> {
    match value.as_i64() {
        Some(retries) if !(0..=20).contains(&retries) => {
            Err(format!("{retries} is out of range; give 0 to 20."))
        }
        _ => Ok(()),
    }
}

fn is_http_url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}."))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!("{text:?} is not an http or https URL."));
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err("The URL carries credentials; they would end up in the state.".to_owned());
    }
    Ok(())
}

/// An http or https URL without credentials.
pub(crate) fn http_url(value: &Value) -> Result<(), String> {
    text(value, is_http_url)
}

/// A list of http or https URLs without credentials.
pub(crate) fn http_urls(value: &Value) -> Result<(), String> {
    elements(value, is_http_url)
}

/// A SHA-256 digest as hexadecimal digits; colons and upper case are taken too.
pub(crate) fn sha256(value: &Value) -> Result<(), String> {
    text(value, |text| {
        let digits = hex_digits(text);
        if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(());
        }
        Err(format!(
            "{text:?} is not a SHA-256 digest, which is 64 hexadecimal digits; `sha256sum FILE` \
             prints one."
        ))
    })
}

/// A host name by RFC 1123 section 2.1: one label, or several with dots.
pub(crate) fn hostname(value: &Value) -> Result<(), String> {
    text(value, |text| {
        if model::is_hostname(text) {
            return Ok(());
        }
        Err(format!(
            "{text:?} is not a host name: letters, digits and dashes, 63 a label."
        ))
    })
}

macro_rules! one_of {
    ($(#[$doc:meta])* $name:ident: $($literal:literal),+) => {
        $(#[$doc])*
        pub(crate) fn $name(value: &Value) -> Result<(), String> {
            text(value, |text| match text {
                $($literal)|+ => Ok(()),
                _ => Err(format!("{text:?} is none of {}.", [$($literal),+].join(", "))),
            })
        }
    };
}

one_of!(/** A BMC's scheme. */ scheme: "https", "http");
one_of!(/** How to log in to a BMC. */ authentication: "auto", "session", "basic");
one_of!(/** What a BMC speaks. */ bmc_protocol: "Redfish");
one_of!(/** A power state to hold. */ power: "On", "Off");
one_of!(/** A one-shot reset of a server. */ reset: "On", "ForceOff", "GracefulShutdown",
    "GracefulRestart", "ForceRestart", "PowerCycle", "Nmi", "PushPowerButton");
one_of!(/** A one-shot reset of a server, or a restart of its BMC. */ reset_or_restart: "On",
    "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle", "Nmi",
    "PushPowerButton", "BmcGracefulRestart", "BmcForceRestart");
one_of!(/** An indicator LED, in Redfish's words. */ indicator_led: "Lit", "Blinking", "Off");
one_of!(/** How a server's inventory is read. */ inspection: "redfish");
one_of!(/** How a server's firmware boots. */ boot_method: "ipxe", "uefi_http");
one_of!(/** Where a registered server is in its life. */ server_state: "available", "reserved");
one_of!(/** What follows a boot. */ boot_policy: "once", "always");
one_of!(/** What user data is. */ user_data_format: "cloud_init", "raw");
one_of!(
    /** What a claim waits for. */
    wait_for: "reserved", "script_served", "config_served", "booted"
);
one_of!(/** How a server is powered off. */ power_off: "graceful_then_force", "force", "none");

/// The certificates in a PEM text, of which there is at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<reqwest::Certificate>, String> {
    let found = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
        .map_err(|error| format!("It holds no certificate that can be read: {error}."))?;
    if found.is_empty() {
        return Err(
            "It holds no certificate. Give PEM text, which begins with -----BEGIN \
             CERTIFICATE-----; file(\"ca.pem\") reads it from a file."
                .to_owned(),
        );
    }
    Ok(found)
}

/// A boot order.
pub(crate) fn boot_order(value: &Value) -> Result<(), String> {
    let Value::List(order) = value else {
        return Ok(());
    };
    if order.is_empty() {
        return Err(
            "It is empty. Name the boot options to try first, or remove it to leave the order as \
             it is."
                .to_owned(),
        );
    }
    let twice = order.iter().enumerate().find(|(index, entry)| {
        entry.as_str().is_some() && order.iter().take(*index).any(|before| before == *entry)
    });
    match twice {
        Some((_, entry)) => Err(format!(
            "{} is in it twice.",
            entry.as_str().unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// Certificates, PEM.
pub(crate) fn certificate_pem(value: &Value) -> Result<(), String> {
    value
        .as_str()
        .map_or(Ok(()), |pem| certificates(pem).map(drop))
}

/// `text` without what people put between hexadecimal digits, in lower case.
pub(crate) fn hex_digits(text: &str) -> String {
    text.chars()
        .filter(|c| *c != ':')
        .collect::<String>()
        .to_ascii_lowercase()
}

fn same<T: PartialEq>(a: &Value, b: &Value, parse: impl Fn(&str) -> Option<T>) -> bool {
    match (a.as_str().and_then(&parse), b.as_str().and_then(&parse)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// Whether two texts are one UUID.
pub(crate) fn same_uuid(a: &Value, b: &Value) -> bool {
    same(a, b, |text| text.parse::<ServerId>().ok())
}

/// Whether two texts are one digest.
pub(crate) fn same_sha256(a: &Value, b: &Value) -> bool {
    same(a, b, |text| Some(hex_digits(text)))
}

/// Whether two texts are one URL.
pub(crate) fn same_url(a: &Value, b: &Value) -> bool {
    same(a, b, |text| Url::parse(text).ok())
}

/// Whether two texts differ only in the blanks around them, which BMCs do not keep.
pub(crate) fn same_trimmed(a: &Value, b: &Value) -> bool {
    same(a, b, |text| Some(text.trim().to_owned()))
}

/// Whether two texts name one resource of a BMC.
pub(crate) fn same_uri(a: &Value, b: &Value) -> bool {
    same(a, b, |text| Some(redfish::resource_key(text)))
}

/// Whether two lists are the same MAC addresses, in any order and spelling.
pub(crate) fn same_macs(a: &Value, b: &Value) -> bool {
    let set = |value: &Value| match value {
        Value::List(list) => list
            .iter()
            .map(|element| element.as_str()?.parse::<MacAddr>().ok())
            .collect::<Option<std::collections::BTreeSet<_>>>(),
        _ => None,
    };
    matches!((set(a), set(b)), (Some(a), Some(b)) if a == b)
}

/// Whether two texts are the same JSON document.
pub(crate) fn same_json(a: &Value, b: &Value) -> bool {
    same(a, b, |text| {
        serde_json::from_str::<serde_json::Value>(text).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[track_caller]
    fn check(check: fn(&Value) -> Result<(), String>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(check(&string(text)), Ok(()), "{text}");
        }
        for text in bad {
            let message = check(&string(text)).unwrap_err();
            assert!(message.ends_with('.'), "{message}");
        }
    }

    #[test]
    fn a_validator_takes_what_is_right_and_says_what_is_wrong() {
        check(
            host,
            &["10.0.0.5", "bmc-1.example.com", "fe80::1"],
            &["", "https://10.0.0.5", "10.0.0.5:443", "a b", "a/b"],
        );
        check(
            http_url,
            &["http://a/b", "https://10.0.0.1:8080/k?x=1"],
            &["", "ftp://a/b", "a/b", "http://u:p@a/b"],
        );
        check(
            sha256,
            &[&"ab".repeat(32), &"AB:".repeat(32)],
            &["", "ab", &"zz".repeat(32)],
        );
        check(
            uuid,
            &["4C4C4544-0042-3510-8057-B7C04F4B4D32"],
            &["", "server-1"],
        );
        check(
            hostname,
            &["node-1", "a.example.com"],
            &["", "-a", "a_b", &"a".repeat(64)],
        );
        check(power, &["On", "Off"], &["on", ""]);
        check(ipv4, &["10.0.0.1"], &["10.0.0", "::1"]);
        check(certificate_pem, &[], &["", "/etc/ssl/ca.pem"]);
    }

    #[test]
    fn another_spelling_is_the_same_value() {
        let list = |texts: &[&str]| Value::List(texts.iter().map(|text| string(text)).collect());
        let a = list(&["52:54:00:00:00:01", "52-54-00-00-00-02"]);
        assert!(same_macs(&a, &list(&["525400000002", "5254.0000.0001"])));
        assert!(!same_macs(&a, &list(&["52:54:00:00:00:01"])));
        assert!(same_url(
            &string("HTTP://Host:80/a"),
            &string("http://host/a")
        ));
        assert!(same_json(
            &string(r#"{"a": 1, "b": 2}"#),
            &string(r#"{"b":2,"a":1}"#)
        ));
        assert!(!same_json(&string("{"), &string("{")));
    }
}
