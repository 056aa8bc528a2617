//! What makes a configuration one that can work.

use std::{fmt::Display, net::SocketAddr};

use super::{Config, DhcpMode, Error};

pub(super) fn validate(config: &Config) -> Result<(), Error> {
    if config.state_dir.as_os_str().is_empty() {
        let reason = "name a directory, such as \"/var/lib/baremetal-agent\"";
        return Err(invalid("state_dir", "\"\"", reason));
    }
    control(config)?;
    boot(config)?;
    clashes(config)?;
    loaders(config)?;
    if config.images.max_bytes == 0 {
        return Err(invalid(
            "images.max_bytes",
            0,
            "no image is that small; leave it out",
        ));
    }
    for (index, subnet) in config.subnets.iter().enumerate() {
        subnet
            .check()
            .map_err(|fault| invalid(&key(index, fault.field), fault.value, fault.reason))?;
        for other in &config.subnets[..index] {
            if subnet.overlaps(other) {
                let reason = format!(
                    "overlaps the subnet {}; each address needs one subnet",
                    other.subnet
                );
                return Err(invalid(&key(index, "subnet"), subnet.subnet, reason));
            }
        }
    }
    dhcp(config)
}

fn invalid(key: &str, value: impl Display, reason: impl Into<String>) -> Error {
    Error::Invalid {
        key: key.to_owned(),
        value: value.to_string(),
        reason: reason.into(),
    }
}

fn control(config: &Config) -> Result<(), Error> {
    let control = &config.control;
    let shown = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map_or_else(
            || "(unset)".to_owned(),
            |path| format!("{:?}", path.display().to_string()),
        )
    };
    match (&control.tls_cert, &control.tls_key) {
        (Some(_), Some(_)) => Ok(()),
        (None, None) if control.listen.ip().is_loopback() => Ok(()),
        (None, None) => Err(invalid(
            "control.listen",
            control.listen,
            "the API token would cross the network in clear; set control.tls_cert and \
             control.tls_key, or listen on a loopback address",
        )),
        (Some(_), None) => Err(invalid(
            "control.tls_cert",
            shown(&control.tls_cert),
            "a certificate needs its private key; set control.tls_key too",
        )),
        (None, Some(_)) => Err(invalid(
            "control.tls_key",
            shown(&control.tls_key),
            "a private key needs its certificate; set control.tls_cert too",
        )),
    }
}

fn boot(config: &Config) -> Result<(), Error> {
    let Some(text) = &config.boot.url else {
        if config.boot.listen.ip().is_unspecified() {
            return Err(invalid(
                "boot.listen",
                config.boot.listen,
                "this is every address and servers need to be told one; set boot.url, such as \
                 \"http://10.0.0.2:8080\", or listen on one address",
            ));
        }
        return Ok(());
    };
    let refuse = |reason: &str| Err(invalid("boot.url", format!("{text:?}"), reason));
    let Ok(url) = reqwest::Url::parse(text) else {
        return refuse("this is no URL; write it as \"http://10.0.0.2:8080\"");
    };
    if url.scheme() != "http" {
        return refuse("firmware and iPXE trust no certificate of ours; use http");
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return refuse("paths are appended to it; leave only scheme, host, port and path");
    }
    Ok(())
}

/// Two services on one port: the second could not be bound.
fn clashes(config: &Config) -> Result<(), Error> {
    let clash = |a: SocketAddr, b: SocketAddr| {
        let every = a.ip().is_unspecified() || b.ip().is_unspecified();
        a.port() != 0 && a.port() == b.port() && (every || a.ip() == b.ip())
    };
    let refuse = |key: &str, listen: SocketAddr, other: &str| {
        let reason = format!("{other} has that port; give each a port or an address of its own");
        Err(invalid(key, listen, reason))
    };
    let (control, boot) = (config.control.listen, config.boot.listen);
    if clash(control, boot) {
        return refuse("boot.listen", boot, "control.listen");
    }
    let (dhcp, tftp) = (SocketAddr::V4(config.dhcp.listen), config.tftp.listen);
    if config.dhcp.enabled && config.tftp.enabled && clash(dhcp, tftp) {
        return refuse("tftp.listen", tftp, "dhcp.listen");
    }
    let pxe = SocketAddr::V4(config.dhcp.pxe_listen);
    if config.dhcp.enabled && config.dhcp.mode == DhcpMode::Proxy {
        if clash(dhcp, pxe) {
            return refuse("dhcp.pxe_listen", pxe, "dhcp.listen");
        }
        if config.tftp.enabled && clash(pxe, tftp) {
            return refuse("tftp.listen", tftp, "dhcp.pxe_listen");
        }
    }
    Ok(())
}

fn loaders(config: &Config) -> Result<(), Error> {
    for (architecture, file) in &config.tftp.loaders {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if file.is_empty() || file.starts_with('.') || !file.chars().all(plain) {
            return Err(invalid(
                &format!("tftp.loaders.{architecture}"),
                format!("{file:?}"),
                "a loader is a file name in tftp.loader_dir, of letters, digits, dots, dashes and \
                 underscores",
            ));
        }
    }
    Ok(())
}

fn dhcp(config: &Config) -> Result<(), Error> {
    if !config.dhcp.enabled {
        return Ok(());
    }
    if let Some(interface) = &config.dhcp.interface
        && (interface.is_empty() || interface.len() > IFNAME_MAX || interface.contains(['/', ' ']))
    {
        return Err(invalid(
            "dhcp.interface",
            format!("{interface:?}"),
            "an interface has a name of 1 to 15 bytes without slash and space, as `ip link` shows",
        ));
    }
    if config.dhcp.mode == DhcpMode::Proxy
        && let Some(subnet) = config.subnets.first()
    {
        return Err(invalid(
            &key(0, "subnet"),
            subnet.subnet,
            "another DHCP server leases the addresses when dhcp.mode is \"proxy\"; remove the \
             subnets, or set dhcp.mode = \"server\"",
        ));
    }
    if config.server_address().is_none() {
        return Err(invalid(
            "dhcp.listen",
            config.dhcp.listen,
            "servers must know the DHCP server by one address; set dhcp.server_address",
        ));
    }
    Ok(())
}

fn key(index: usize, name: &str) -> String {
    format!("subnets[{index}].{name}")
}

/// `IFNAMSIZ` of Linux without the final zero.
const IFNAME_MAX: usize = 15;
