//! Machines of a rack boot from a small site that the tests script: DHCP, TFTP and HTTP on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that cannot be set up fails its test there"
)]

mod site {
    mod boot;
    mod faults;
    mod fixture;
    mod habits;
    mod redfish;
}
