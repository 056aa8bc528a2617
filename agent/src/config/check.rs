//! What makes a configuration one that can work.

use std::{fmt::Display, net::Ipv4Addr};

use super::{Config, Error, Pool, Subnet};

pub(super) fn validate(config: &Config) -> Result<(), Error> {
    control(config)?;
    boot(config)?;
    loaders(config)?;
    if config.images.max_bytes == 0 {
        return Err(invalid(
            "images.max_bytes",
            0,
            "no image is that small; leave it out",
        ));
    }
    for (index, subnet) in config.subnets.iter().enumerate() {
        check_subnet(index, subnet)?;
        for other in &config.subnets[..index] {
            if overlap(&subnet.subnet, &other.subnet) {
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
    if config.subnets.is_empty() {
        return Err(invalid(
            "dhcp.enabled",
            true,
            "there is no subnet to lease addresses in; add [[subnets]], or set it to false",
        ));
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

fn overlap(a: &ipnet::Ipv4Net, b: &ipnet::Ipv4Net) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

fn check_subnet(index: usize, subnet: &Subnet) -> Result<(), Error> {
    let net = subnet.subnet;
    if net.trunc() != net {
        let reason = format!(
            "this is an address in a network; write the network, {}",
            net.trunc()
        );
        return Err(invalid(&key(index, "subnet"), net, reason));
    }
    if let Some(router) = subnet.router
        && !net.contains(&router)
    {
        let reason = format!("it is outside of {net}, so no server could reach it");
        return Err(invalid(&key(index, "router"), router, reason));
    }
    if !(LEASE_MIN..=LEASE_MAX).contains(&subnet.lease_seconds) {
        let reason = format!("a lease lasts {LEASE_MIN} to {LEASE_MAX} seconds");
        return Err(invalid(
            &key(index, "lease_seconds"),
            subnet.lease_seconds,
            reason,
        ));
    }
    if let Some(domain) = &subnet.domain
        && !model::is_hostname(domain)
    {
        let reason = "this is no domain name: labels of letters, digits and dashes";
        return Err(invalid(
            &key(index, "domain"),
            format!("{domain:?}"),
            reason,
        ));
    }
    for (at, pool) in subnet.pools.iter().enumerate() {
        check_pool(index, subnet, *pool, &subnet.pools[..at])?;
    }
    Ok(())
}

fn check_pool(index: usize, subnet: &Subnet, pool: Pool, others: &[Pool]) -> Result<(), Error> {
    let net = subnet.subnet;
    let refuse = |reason: String| Err(invalid(&key(index, "pools"), pool, reason));
    if !net.contains(&pool.first()) || !net.contains(&pool.last()) {
        return refuse(format!("it is not inside of {net}"));
    }
    // A network of one or two addresses has neither (RFC 3021).
    let reserved: &[Ipv4Addr] = if net.prefix_len() >= 31 {
        &[]
    } else {
        &[net.network(), net.broadcast()]
    };
    for address in reserved.iter().chain(&subnet.router) {
        if pool.contains(*address) {
            return refuse(format!(
                "it contains {address}, which is the network's own; split it"
            ));
        }
    }
    for other in others {
        if pool.contains(other.first()) || other.contains(pool.first()) {
            return refuse(format!("it overlaps the pool {other}"));
        }
    }
    Ok(())
}

const LEASE_MIN: u32 = 60;
const LEASE_MAX: u32 = 7200;

/// `IFNAMSIZ` of Linux without the final zero.
const IFNAME_MAX: usize = 15;
