//! What a boot that did not come through tells: the last stage that was seen, and what usually
//! stands between it and the next.

use std::time::Duration;

use model::{BootConfig, Claim, Stage};
use tfplugin::{Diagnostic, Path};

/// The server was taken from under this claim.
pub(super) fn taken(claim: &Claim) -> Diagnostic {
    Diagnostic::error(
        "The claim was lost while the server booted",
        format!(
            "Server {} is now held by {}, since {}. Somebody released this claim by hand.",
            claim.server_id, claim.holder, claim.claimed_at
        ),
    )
}

/// A stage that this boot config can never reach.
pub(super) fn unreachable_stage(boot_config: &BootConfig, stage: Stage) -> Diagnostic {
    let (lack, way_out) = match stage {
        Stage::Booted => (
            "never tells a server where to report: it has no ignition with report_boot, and \
             {{ report_url }} stands nowhere in it",
            "Give it a report (see the guide to booting), or set wait_for to config_served or \
             script_served",
        ),
        _ => (
            "has neither ignition nor user_data to serve",
            "Set wait_for to script_served",
        ),
    };
    Diagnostic::error(
        "What is waited for cannot happen",
        format!(
            "The claim waits for stage {stage}, and boot config {} {lack}. {way_out}.",
            boot_config.id
        ),
    )
    .at(Path::root("wait_for"))
}

/// The server did not reach `awaited` in time.
pub(super) fn timeout(
    claim: &Claim,
    awaited: Stage,
    waited: Duration,
    power: Option<String>,
) -> Diagnostic {
    let boot = claim.boot.as_ref();
    let last = boot.map_or(Stage::Armed, model::Boot::furthest);
    let seen = boot.map_or_else(String::new, |boot| {
        let line = |seen: &model::StageTime| format!("\n  {:<7} {}", seen.stage, seen.at);
        boot.stages.iter().map(line).collect()
    });
    let power = power.unwrap_or_else(|| "not known".to_owned());
    Diagnostic::error(
        format!("The server did not get past stage {last}"),
        format!(
            "{} s after it was powered on, when the time in timeouts was up, server {} had not \
             reached {awaited}. Its power is {power}. Seen so far:{seen}\n\n{} If the boot merely \
             takes longer, raise timeouts.",
            waited.as_secs(),
            claim.server_id,
            cause(last)
        ),
    )
}

/// What usually stops a boot after `last`.
fn cause(last: Stage) -> &'static str {
    match last {
        Stage::Armed => {
            "The agent saw no DHCP request from any of its boot_mac_addresses. Usually the \
             firmware booted something else (the boot override was ignored), the interface that \
             boots is not among boot_mac_addresses, or no relay or VLAN brings its requests to \
             the agent."
        }
        Stage::Dhcp => {
            "It has an address and never fetched a loader. Usually the agent has no loader for \
             its architecture, or a firewall drops TFTP (UDP 69 and the ports above 1023)."
        }
        Stage::Loader => {
            "It fetched iPXE, which never asked for its script. Usually iPXE has no driver for \
             the interface, or it cannot reach the agent's HTTP port."
        }
        Stage::Script => {
            "It fetched its script and no kernel. Usually the script ends before it gets there; \
             the server's console says where."
        }
        Stage::Kernel => {
            "It fetched its kernel and never its configuration. Usually the initial RAM disk \
             brings no network up (no driver, no ip= argument), or the kernel arguments are not \
             those of this operating system."
        }
        Stage::Config => {
            "It fetched its configuration and never reported. Usually the installation failed, or \
             nothing in the configuration reports: set report_boot, or report to {{ report_url }}."
        }
        Stage::Booted => "It reported that it is up.",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{Boot, BootPolicy, ClaimPhase, Holder};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_timeout_names_the_last_stage_and_what_usually_causes_it() {
        let mut boot = Boot {
            id: Uuid::nil(),
            generation: 1,
            boot_config_id: Uuid::nil(),
            revision: "r".to_owned(),
            boot_policy: BootPolicy::Once,
            stages: Vec::new(),
            address: None,
        };
        boot.reach(Stage::Armed, Timestamp::UNIX_EPOCH);
        boot.reach(Stage::Dhcp, Timestamp::UNIX_EPOCH);
        let claim = Claim {
            uid: Uuid::nil(),
            server_id: "4c4c4544-0042-3510-8057-b7c04f4b4d32".parse().unwrap(),
            holder: Holder {
                name: "a".to_owned(),
                workspace: "default".to_owned(),
            },
            run: Uuid::nil(),
            claimed_at: Timestamp::UNIX_EPOCH,
            phase: ClaimPhase::Reserved,
            boot_config_id: None,
            hostname: None,
            boot: Some(boot),
            selector: None,
            trigger: None,
            boot_pending: false,
            recorded: false,
        };
        let found = timeout(
            &claim,
            Stage::Booted,
            Duration::from_secs(9),
            Some("On".to_owned()),
        );
        assert_eq!(found.summary, "The server did not get past stage dhcp");
        assert_eq!(
            found.detail,
            "9 s after it was powered on, when the time in timeouts was up, server \
             4c4c4544-0042-3510-8057-b7c04f4b4d32 had not reached booted. Its power is On. Seen so \
             far:\n  armed   1970-01-01T00:00:00Z\n  dhcp    \
             1970-01-01T00:00:00Z\n\nIt has an address and never fetched a loader. Usually the \
             agent has no loader for its architecture, or a firewall drops TFTP (UDP 69 and the \
             ports above 1023). If the boot merely takes longer, raise timeouts."
        );
    }
}
