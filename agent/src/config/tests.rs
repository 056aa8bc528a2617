//! Tests of the configuration.

use super::*;

const SUBNET: &str = "[[subnets]]\nsubnet = \"10.0.0.0/24\"\npools = [\"10.0.0.100-10.0.0.200\"]\n";

/// What is wrong with `text`, after a subnet and a boot URL that are right.
#[track_caller]
fn refuse(text: &str, expected: &str) {
    let config = Config::parse(text).unwrap();
    assert_eq!(config.validate().unwrap_err().to_string(), expected);
}

fn with(section: &str) -> String {
    format!("boot.url = \"http://10.0.0.2:8080\"\n{section}\n{SUBNET}")
}

fn with_subnet(section: &str) -> String {
    format!("boot.url = \"http://10.0.0.2:8080\"\n{SUBNET}{section}\n")
}

#[test]
fn a_small_file_is_enough() {
    let config = Config::parse(&with("")).unwrap();
    config.validate().unwrap();
    assert_eq!(config.control.listen.to_string(), "127.0.0.1:7470");
    assert_eq!(config.dhcp.listen.to_string(), "0.0.0.0:67");
    assert_eq!(
        config.token_file().to_str(),
        Some("/var/lib/baremetal-agent/token")
    );
    assert_eq!(
        config.seal_key_file().to_str(),
        Some("/var/lib/baremetal-agent/seal.key")
    );
    assert_eq!(config.server_address(), Some(Ipv4Addr::new(10, 0, 0, 2)));
    assert_eq!(config.tftp_address(), Some(Ipv4Addr::new(10, 0, 0, 2)));
    let subnet = &config.subnets[0];
    assert_eq!(
        (subnet.lease_seconds, subnet.pools[0].addresses().count()),
        (600, 101)
    );
}

#[test]
fn every_port_may_be_any_port() {
    let text = with(
        "control.listen = \"127.0.0.1:0\"\nboot.listen = \"127.0.0.1:0\"\n\
         dhcp.listen = \"127.0.0.1:0\"\ntftp.listen = \"127.0.0.1:0\"",
    );
    Config::parse(&text).unwrap().validate().unwrap();
}

#[test]
fn the_control_api_is_not_in_clear_on_a_network() {
    refuse(
        &with("control.listen = \"10.0.0.2:7470\""),
        "control.listen = 10.0.0.2:7470: the API token would cross the network in clear; set \
         control.tls_cert and control.tls_key, or listen on a loopback address",
    );
    refuse(
        &with("control.tls_cert = \"/a.pem\""),
        "control.tls_cert = \"/a.pem\": a certificate needs its private key; set control.tls_key \
         too",
    );
    refuse(
        &with("control.tls_key = \"/a.pem\""),
        "control.tls_key = \"/a.pem\": a private key needs its certificate; set control.tls_cert \
         too",
    );
}

#[test]
fn a_boot_url_is_one_that_servers_can_use() {
    refuse(
        SUBNET,
        "boot.listen = 0.0.0.0:8080: this is every address and servers need to be told one; set \
         boot.url, such as \"http://10.0.0.2:8080\", or listen on one address",
    );
    for (url, reason) in [
        (
            "10.0.0.2",
            "this is no URL; write it as \"http://10.0.0.2:8080\"",
        ),
        (
            "https://a",
            "firmware and iPXE trust no certificate of ours; use http",
        ),
        (
            "http://a/?b",
            "paths are appended to it; leave only scheme, host, port and path",
        ),
    ] {
        refuse(
            &format!("boot.url = {url:?}\n{SUBNET}"),
            &format!("boot.url = {url:?}: {reason}"),
        );
    }
}

#[test]
fn dhcp_needs_an_interface_that_can_exist_and_an_address_of_its_own() {
    // Subnets can come over the API.
    let none = Config::parse("boot.url = \"http://10.0.0.2:8080\"").unwrap();
    none.validate().unwrap();
    refuse(
        &with("dhcp.interface = \"a-name-too-long-for-linux\""),
        "dhcp.interface = \"a-name-too-long-for-linux\": an interface has a name of 1 to 15 bytes \
         without slash and space, as `ip link` shows",
    );
    refuse(
        &format!("boot.url = \"http://boot.example.com\"\n{SUBNET}"),
        "dhcp.listen = 0.0.0.0:67: servers must know the DHCP server by one address; set \
         dhcp.server_address",
    );
    let off = "dhcp.enabled = false\nboot.url = \"http://boot.example.com\"";
    Config::parse(off).unwrap().validate().unwrap();
}

#[test]
fn a_proxy_leases_nothing_and_has_a_second_port() {
    let proxy = "dhcp.mode = \"proxy\"\nboot.url = \"http://10.0.0.2:8080\"";
    Config::parse(proxy).unwrap().validate().unwrap();
    refuse(
        &with("dhcp.mode = \"proxy\""),
        "subnets[0].subnet = 10.0.0.0/24: another DHCP server leases the addresses when dhcp.mode \
         is \"proxy\"; remove the subnets, or set dhcp.mode = \"server\"",
    );
    refuse(
        &format!("{proxy}\ndhcp.pxe_listen = \"0.0.0.0:67\""),
        "dhcp.pxe_listen = 0.0.0.0:67: dhcp.listen has that port; give each a port or an address \
         of its own",
    );
    refuse(
        &format!("{proxy}\ntftp.listen = \"0.0.0.0:4011\""),
        "tftp.listen = 0.0.0.0:4011: dhcp.pxe_listen has that port; give each a port or an \
         address of its own",
    );
}

#[test]
fn services_do_not_share_a_port_and_the_link_is_in_a_subnet() {
    refuse(
        &with("boot.listen = \"0.0.0.0:7470\""),
        "boot.listen = 0.0.0.0:7470: control.listen has that port; give each a port or an address \
         of its own",
    );
    refuse(
        &with("tftp.listen = \"10.0.0.2:67\""),
        "tftp.listen = 10.0.0.2:67: dhcp.listen has that port; give each a port or an address of \
         its own",
    );
    refuse(
        &with("state_dir = \"\""),
        "state_dir = \"\": name a directory, such as \"/var/lib/baremetal-agent\"",
    );
    let apart = with("boot.listen = \"10.0.0.2:7470\"\ndhcp.link = \"10.0.0.9\"");
    Config::parse(&apart).unwrap().validate().unwrap();
}

#[test]
fn a_subnet_and_its_pools_fit_together() {
    let subnet = |subnet: &str, pools: &str| {
        format!(
            "boot.url = \"http://10.0.0.2\"\n[[subnets]]\nsubnet = {subnet:?}\npools = {pools}\n"
        )
    };
    refuse(
        &subnet("10.0.0.1/24", "[]"),
        "subnets[0].subnet = 10.0.0.1/24: this is an address in a network; write the network, \
         10.0.0.0/24",
    );
    for (pools, reason) in [
        (
            "[\"10.0.1.1-10.0.1.2\"]",
            "10.0.1.1-10.0.1.2: it is not inside of 10.0.0.0/24",
        ),
        (
            "[\"10.0.0.0-10.0.0.9\"]",
            "10.0.0.0-10.0.0.9: it contains 10.0.0.0, which is the network's own; split it",
        ),
        (
            "[\"10.0.0.1-10.0.0.9\", \"10.0.0.9-10.0.0.20\"]",
            "10.0.0.9-10.0.0.20: it overlaps the pool 10.0.0.1-10.0.0.9",
        ),
    ] {
        let expected = format!("subnets[0].pools = {reason}");
        refuse(&subnet("10.0.0.0/24", pools), &expected);
    }
    for (line, reason) in [
        (
            "router = \"10.1.0.1\"",
            "router = 10.1.0.1: it is outside of 10.0.0.0/24, so no server could reach it",
        ),
        (
            "router = \"10.0.0.150\"",
            "pools = 10.0.0.100-10.0.0.200: it contains 10.0.0.150, which is the network's own; \
             split it",
        ),
        (
            "lease_seconds = 5",
            "lease_seconds = 5: a lease lasts 60 to 7200 seconds",
        ),
        (
            "domain = \"a b\"",
            "domain = \"a b\": this is no domain name: labels of letters, digits and dashes",
        ),
    ] {
        refuse(&with_subnet(line), &format!("subnets[0].{reason}"));
    }
    refuse(
        &with_subnet("[[subnets]]\nsubnet = \"10.0.0.128/25\"\npools = []"),
        "subnets[1].subnet = 10.0.0.128/25: overlaps the subnet 10.0.0.0/24; each address needs \
         one subnet",
    );
}

#[test]
fn a_loader_is_a_file_name() {
    for file in ["../etc/passwd", "a/b", "", ".hidden", "a b"] {
        refuse(
            &with(&format!("[tftp.loaders]\nx86_bios = {file:?}")),
            &format!(
                "tftp.loaders.x86_bios = {file:?}: a loader is a file name in tftp.loader_dir, of \
                 letters, digits, dots, dashes and underscores"
            ),
        );
    }
    let config = Config::parse(&with("[tftp.loaders]\nx64_uefi = \"ipxe.efi\"")).unwrap();
    config.validate().unwrap();
}

#[test]
fn a_key_or_a_value_that_does_not_exist_is_named() {
    for (text, expected) in [
        (
            "stat_dir = \"/a\"",
            "unknown field `stat_dir`, expected one of `state_dir`",
        ),
        ("[tftp]\nport = 1", "unknown field `port`"),
        (
            "[[subnets]]\nsubnet = \"10.0.0.0/24\"\npools = [\"10.0.0.1\"]",
            "\"10.0.0.1\" is not a pool, expected two addresses such as 10.0.0.100-10.0.0.200",
        ),
        (
            "[[subnets]]\nsubnet = \"10.0.0.0/24\"\npools = [\"10.0.0.9-10.0.0.1\"]",
            "the pool 10.0.0.9-10.0.0.1 ends before it starts; swap its addresses",
        ),
        ("control.listen = \"localhost\"", "invalid socket address"),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Config::load(Path::new("/nowhere/a.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to read the configuration /nowhere/a.toml"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-z_\\[\\]=\"0-9./\n -]{0,80}") {
        if let Ok(config) = Config::parse(&text) {
            let _result = config.validate();
        }
        let _result = text.parse::<Pool>();
    }
}
