//! Validators and semantic equality of networks, pools, MAC addresses and ids.

use ipnet::Ipv4Net;
use model::{LEASE_MAX, LEASE_MIN, MacAddr, Pool};
use tfplugin::Value;
use uuid::Uuid;

use super::{parses, same, text};

/// An IPv4 network, without host bits.
pub(crate) fn network(value: &Value) -> Result<(), String> {
    text(value, |text| match text.trim().parse::<Ipv4Net>() {
        Ok(net) if net.trunc() == net => Ok(()),
        Ok(net) => Err(format!(
            "{text} is an address in a network. Write the network, {}.",
            net.trunc()
        )),
        Err(_says_less) => Err(format!("{text:?} is not a network, such as 10.0.0.0/24.")),
    })
}

/// Whether two texts are one network.
pub(crate) fn same_network(a: &Value, b: &Value) -> bool {
    same(a, b, |text| text.trim().parse::<Ipv4Net>().ok())
}

/// A pool of addresses.
pub(crate) fn pool(value: &Value) -> Result<(), String> {
    text(value, parses::<Pool>)
}

/// Whether two texts are one pool.
pub(crate) fn same_pool(a: &Value, b: &Value) -> bool {
    same(a, b, |text| text.parse::<Pool>().ok())
}

/// How long a lease lasts.
pub(crate) fn lease_time(value: &Value) -> Result<(), String> {
    let (least, most) = (i64::from(LEASE_MIN), i64::from(LEASE_MAX));
    match value.as_i64() {
        Some(seconds) if !(least..=most).contains(&seconds) => Err(format!(
            "{seconds} is no lease time; a lease lasts {least} to {most} seconds."
        )),
        _ => Ok(()),
    }
}

/// A MAC address of one interface.
pub(crate) fn mac(value: &Value) -> Result<(), String> {
    text(value, |text| {
        let mac: MacAddr = text.parse().map_err(|error| format!("{error}."))?;
        if mac.is_unicast() {
            return Ok(());
        }
        Err(format!("{mac} is no address of one network interface."))
    })
}

/// Whether two texts are one MAC address.
pub(crate) fn same_mac(a: &Value, b: &Value) -> bool {
    same(a, b, |text| text.parse::<MacAddr>().ok())
}

/// The id of a thing that the agent keeps.
pub(crate) fn any_uuid(value: &Value) -> Result<(), String> {
    text(value, |text| {
        Uuid::try_parse(text)
            .map(|_id| ())
            .map_err(|_says_less| format!("{text:?} is not an id, which is a UUID."))
    })
}

/// Whether two texts are one id.
pub(crate) fn same_any_uuid(a: &Value, b: &Value) -> bool {
    same(a, b, |text| Uuid::try_parse(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&Value) -> Result<(), String>;
    type Same = fn(&Value, &Value) -> bool;

    fn string(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn a_validator_takes_what_is_right_and_says_what_is_wrong() {
        let cases: [(Check, &str, &str); 4] = [
            (network, "10.0.0.0/24", "10.0.0.5/24"),
            (pool, "10.0.0.1 - 10.0.0.9", "10.0.0.9-10.0.0.1"),
            (mac, "5254.0012.3456", "ff:ff:ff:ff:ff:ff"),
            (any_uuid, "4C4C4544-0042-3510-8057-B7C04F4B4D32", "rack-1"),
        ];
        for (check, good, bad) in cases {
            assert_eq!(check(&string(good)), Ok(()), "{good}");
            let message = check(&string(bad)).unwrap_err();
            assert!(message.ends_with('.'), "{message}");
        }
        let lease_time = |seconds: i64| lease_time(&Value::from(seconds));
        assert_eq!((lease_time(60), lease_time(7200)), (Ok(()), Ok(())));
        assert!(lease_time(59).is_err() && lease_time(7201).is_err());
    }

    #[test]
    fn another_spelling_is_the_same_value() {
        let cases: [(Same, &str, &str, &str); 4] = [
            (same_network, " 10.0.0.0/24", "10.0.0.0/24", "10.0.0.0/25"),
            (
                same_pool,
                "10.0.0.1 - 10.0.0.9",
                "10.0.0.1-10.0.0.9",
                "10.0.0.1-10.0.0.8",
            ),
            (
                same_mac,
                "AA-BB-CC-00-11-22",
                "aabb.cc00.1122",
                "aabb.cc00.1123",
            ),
            (
                same_any_uuid,
                "4C4C4544-0042-3510-8057-B7C04F4B4D32",
                "4c4c4544004235108057b7c04f4b4d32",
                "4c4c4544004235108057b7c04f4b4d33",
            ),
        ];
        for (same, a, b, other) in cases {
            assert!(same(&string(a), &string(b)), "{a}");
            assert!(!same(&string(a), &string(other)), "{other}");
        }
    }
}
