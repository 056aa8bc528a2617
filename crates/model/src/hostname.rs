//! Host names.
//!
//! A host name goes into DHCP, kernel arguments, scripts and documents. That it is made of letters,
//! digits, dashes and dots alone is what keeps it from meaning anything else there.

/// Whether `name` is a host name or a domain name: labels of 1 to 63 letters, digits and inner
/// dashes, 253 characters in all (RFC 1123 section 2.1).
pub fn is_hostname(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_can_mean_nothing_else_where_it_is_inserted() {
        for good in ["a", "node-1", "7", "rack1-u07.ams.example.com"] {
            assert!(is_hostname(good), "{good}");
        }
        for bad in [
            "", "-a", "a-", "a b", "a\nb", "a..b", "a.", "ä", "a_b", "${x}", "a\"b",
        ] {
            assert!(!is_hostname(bad), "{bad}");
        }
        assert!(!is_hostname(&"a".repeat(64)));
        assert!(!is_hostname(&["a"; 128].join(".")));
    }
}
