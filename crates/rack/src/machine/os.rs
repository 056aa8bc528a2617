//! The kernel and what it starts: a system that fetches its config, installs it and reports.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::{
    Machine,
    boot::Ended,
    state::{Installed, Phase},
};
use crate::{
    ipxe::Boot,
    net::http::{self, Keep},
    sha256,
};

/// Boots what is installed on the disk, if anything is.
pub(super) async fn boot_disk(machine: &Machine) -> Ended {
    let Some(sha256) = machine.read(|state| state.disk.as_ref().map(|disk| disk.sha256.clone()))
    else {
        machine.note("Disk: no operating system");
        return Ended::Next;
    };
    machine.note(format!("Disk: booting the system of config {sha256}"));
    machine.enter(Phase::Kernel);
    machine.step().await;
    run(machine);
    Ended::Here
}

/// Boots a kernel that iPXE fetched.
pub(super) async fn boot_kernel(
    machine: &Machine,
    boot: &Boot,
    address: Ipv4Addr,
    bios: bool,
) -> Ended {
    let args = boot.kernel.args.clone();
    machine.note(format!(
        "Linux: {} bytes, sha256 {}, arguments {args:?}",
        boot.kernel.length, boot.kernel.sha256
    ));
    if !bios && let Some(missing) = missing_initrd(boot, &args) {
        machine.note(format!("EFI stub: ERROR: failed to open file {missing}"));
        machine.enter(Phase::Stopped);
        return Ended::Here;
    }
    machine.change(|state| {
        state.phase = Phase::Kernel;
        state.netboots += 1;
        state.kernel_sha256 = Some(boot.kernel.sha256.clone());
        state.initrd_sha256 = boot
            .initrds
            .iter()
            .map(|initrd| initrd.sha256.clone())
            .collect();
        state.kernel_args = Some(args.clone());
    });
    machine.step().await;
    if machine.read(|state| state.faults.kernel_without_config) {
        machine.note("the system hangs before it asks for its config");
        machine.enter(Phase::Stopped);
        return Ended::Here;
    }
    let client = http::Client {
        local: address,
        agent: "rack-os/1.0",
        timeout: machine.surroundings.timing.http_timeout,
    };
    let source = Source::of(&args);
    match source.fetch(machine, client).await {
        Ok(None) => {
            machine.note("the system runs from memory; nothing told it where its config is");
            run(machine);
        }
        Ok(Some(config)) => {
            let report = source.report_url(&config);
            install(machine, config);
            run(machine);
            if let Some(url) = report {
                send_report(machine, client, &url).await;
            }
        }
        Err(reason) => {
            machine.note(reason);
            machine.note("the system stops in its emergency shell");
            machine.enter(Phase::Stopped);
        }
    }
    Ended::Here
}

/// The first `initrd=` that names no image. Under EFI the kernel opens those files itself; a BIOS
/// loader puts them into memory and the names mean nothing.
fn missing_initrd<'a>(boot: &Boot, args: &'a str) -> Option<&'a str> {
    args.split_whitespace()
        .filter_map(|argument| argument.strip_prefix("initrd="))
        .flat_map(|names| names.split(','))
        .find(|name| !boot.initrds.iter().any(|initrd| initrd.name == *name))
}

/// Where a system gets its config, by its kernel's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// Ignition (FCOS, Flatcar).
    Ignition(String),
    /// cloud-init's NoCloud, a URL that ends in a slash.
    NoCloud(String),
    /// Whatever reads the agent's raw user data.
    Raw(String),
    None,
}

impl Source {
    fn of(args: &str) -> Self {
        let value = |key: &str| {
            args.split_whitespace()
                .find_map(|argument| argument.strip_prefix(key))
                .map(str::to_owned)
        };
        // Ignition runs in the first boot only, and the kernel says that this is it.
        let first_boot = args
            .split_whitespace()
            .any(|argument| matches!(argument, "ignition.firstboot" | "ignition.firstboot=1"));
        if first_boot && let Some(url) = value("ignition.config.url=") {
            return Self::Ignition(url);
        }
        let seed = ["ds=nocloud;", "ds=nocloud-net;"]
            .into_iter()
            .find_map(value)
            .and_then(|parts| {
                parts
                    .split(';')
                    .find_map(|part| {
                        part.strip_prefix("s=")
                            .or_else(|| part.strip_prefix("seedfrom="))
                    })
                    .map(str::to_owned)
            });
        if let Some(url) = seed {
            return Self::NoCloud(url);
        }
        value("baremetal.config_url=").map_or(Self::None, Self::Raw)
    }

    /// The config, if the system was told of one.
    async fn fetch(
        &self,
        machine: &Machine,
        client: http::Client,
    ) -> Result<Option<Vec<u8>>, String> {
        let get = async |what: &str, url: &str| {
            machine.step().await;
            match client.get(url, Keep::All).await {
                Ok(fetched) => Ok(fetched.kept.to_vec()),
                Err(error) => Err(format!("{what}: {error}")),
            }
        };
        let config = match self {
            Self::None => return Ok(None),
            Self::Ignition(url) => {
                let config = get("Ignition: failed to fetch config", url).await?;
                let text = String::from_utf8_lossy(&config);
                model::ignition::parse(&text).map_err(|error| format!("Ignition: {error}"))?;
                config
            }
            // The order is cloud-init's, and so is that only vendor data may be missing.
            Self::NoCloud(seed) => {
                get("cloud-init: no meta-data", &format!("{seed}meta-data")).await?;
                let config = get("cloud-init: no user-data", &format!("{seed}user-data")).await?;
                let vendor = format!("{seed}vendor-data");
                if let Err(reason) = get("cloud-init: no vendor-data", &vendor).await {
                    machine.note(reason);
                }
                config
            }
            Self::Raw(url) => get("installer: no config", url).await?,
        };
        Ok(Some(config))
    }

    /// Where the installed system reports that it is up, if its config says so.
    fn report_url(&self, config: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(config).ok()?;
        match self {
            Self::Ignition(_) => ignition_report(text),
            Self::NoCloud(_) | Self::Raw(_) => user_data_report(text),
            Self::None => None,
        }
    }
}

/// The URL that the report unit's `curl` is given: the last word of its `ExecStart`.
fn ignition_report(text: &str) -> Option<String> {
    let config: Value = serde_json::from_str(text).ok()?;
    let units = config.pointer("/systemd/units")?.as_array()?;
    let unit = units.iter().find(|unit| {
        unit["name"] == model::ignition::REPORT_UNIT && unit["enabled"].as_bool() == Some(true)
    })?;
    let start = unit["contents"]
        .as_str()?
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))?;
    start.split_whitespace().next_back().map(str::to_owned)
}

/// The first URL of a report in a text that may be a shell script, YAML or anything else.
fn user_data_report(text: &str) -> Option<String> {
    let at = text.find("/bootstate/")?;
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')');
    let start = text[..at].rfind("http://")?;
    let url = &text[start..];
    let end = url.find(is_end).unwrap_or(url.len());
    (at < start + end).then(|| url[..end].to_owned())
}

fn install(machine: &Machine, config: Vec<u8>) {
    let sha256 = sha256(&config);
    machine.note(format!(
        "installed a config of {} bytes, sha256 {sha256}",
        config.len()
    ));
    machine.change(|state| {
        state.installs += 1;
        state.disk = Some(Installed { config, sha256 });
    });
}

fn run(machine: &Machine) {
    machine.note("the system is up");
    machine.enter(Phase::Running);
}

/// Reports until the report is accepted, as the unit's `curl --retry` does.
async fn send_report(machine: &Machine, client: http::Client, url: &str) {
    if machine.read(|state| state.faults.no_report) {
        return machine.note("the system does not report its boot");
    }
    for _ in 0..REPORTS {
        let reason = match client.post(url).await {
            Ok(status) if status.is_success() => {
                machine.change(|state| state.reports += 1);
                return machine.note("the boot was reported");
            }
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        machine.note(format!("the report failed: {reason}"));
        tokio::time::sleep(machine.surroundings.timing.report_retry).await;
    }
}

const REPORTS: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_arguments_say_where_the_config_is() {
        let check = |args: &str, expected: Source| assert_eq!(Source::of(args), expected, "{args}");
        let url = || "http://a/x".to_owned();
        check(
            "quiet ignition.firstboot ignition.config.url=http://a/x initrd=i",
            Source::Ignition(url()),
        );
        check("ignition.config.url=http://a/x", Source::None);
        check("ds=nocloud;s=http://a/x", Source::NoCloud(url()));
        check("ds=nocloud-net;h=n;s=http://a/x", Source::NoCloud(url()));
        check("baremetal.config_url=http://a/x", Source::Raw(url()));
        check("", Source::None);
    }

    #[test]
    fn a_report_goes_where_the_unit_says() {
        let mut config = model::ignition::parse(r#"{"ignition":{"version":"3.4.0"}}"#).unwrap();
        let bare = serde_json::to_string(&config).unwrap();
        assert_eq!(ignition_report(&bare), None);
        model::ignition::add_report(&mut config, "http://a/bootstate/t");
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            ignition_report(&text).as_deref(),
            Some("http://a/bootstate/t")
        );
        assert_eq!(ignition_report("{"), None);
    }

    #[test]
    fn a_report_url_is_found_in_any_user_data() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(user_data_report(text).as_deref(), expected, "{text}");
        };
        let url = Some("http://127.0.0.1:8080/bootstate/abc");
        check(
            "#cloud-config\nruncmd:\n - [curl, -XPOST, \"http://127.0.0.1:8080/bootstate/abc\"]",
            url,
        );
        check("curl -X POST http://127.0.0.1:8080/bootstate/abc\n", url);
        check("http://other http://127.0.0.1:8080/bootstate/abc", url);
        check("no report", None);
        check("/bootstate/abc", None);
        check("http://x /bootstate/abc", None);
    }
}
