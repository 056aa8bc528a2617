//! What machines send: DHCP through the rack's relay, TFTP, HTTP.

pub(crate) mod bmc_dhcp;
pub(crate) mod dhcp;
pub(crate) mod http;
pub(crate) mod pxe_menu;
pub(crate) mod relay;
pub(crate) mod tftp;
pub(crate) mod url;
