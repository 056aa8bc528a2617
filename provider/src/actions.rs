//! The actions: what is done when it is triggered, and leaves nothing in the state.

mod bmc_reset;
mod server_power;

pub(crate) use bmc_reset::BmcReset;
pub(crate) use server_power::ServerPower;
