//! What can be made to go wrong with one machine, at any time.

use serde::{Deserialize, Serialize};

/// The faults of one machine and its BMC. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// The BMC breaks every connection, old and new.
    pub bmc_down: bool,
    /// The BMC answers 503 to everything.
    pub bmc_busy: bool,
    /// The BMC refuses every login, the right one included, and counts it as failed.
    pub wrong_credentials: bool,
    /// The BMC says that it has no session left.
    pub sessions_full: bool,
    /// The BMC refuses a PATCH without `If-Match` (428), as AMI's and Fujitsu's do.
    pub require_if_match: bool,
    /// The BMC refuses to change the boot order.
    pub boot_order_read_only: bool,
    /// So many of the next changes are made, but the connection breaks before the response.
    pub lose_responses: u32,
    /// The BMC accepts resets and does nothing.
    pub ignore_reset: bool,
    /// The BMC accepts a boot override and the firmware does not look at it.
    pub ignore_override: bool,
    /// Milliseconds that every BMC response and every step of a boot take longer.
    pub slow_ms: u64,
    /// Milliseconds to power on or off, in place of the rack's `power_delay`.
    pub power_delay_ms: Option<u64>,
    /// The network cable is out.
    pub no_dhcp: bool,
    /// The loader starts and hangs.
    pub stop_after_loader: bool,
    /// The loader's script is fetched and hangs before its first command.
    pub stop_after_script: bool,
    /// The kernel runs, but never asks for its config.
    pub kernel_without_config: bool,
    /// The system is installed and runs, but never reports its boot.
    pub no_report: bool,
    /// The system does not power off when it is asked to.
    pub ignore_shutdown: bool,
}
