//! A Redfish client for the BMCs that exist.
//!
//! [`Bmc`] is the handle: it logs in once, sends at most two requests at a time and never a wrong
//! password twice. What it reads it reads leniently; what it changes it reads before and after.
//! Makers are named in `quirks` alone.

mod account;
mod bmc;
mod boot;
mod collection;
mod connections;
mod error;
mod ethernet;
mod inventory;
mod lane;
mod lenient;
mod manager;
mod manager_reset;
mod messages;
mod order;
mod origin;
mod patch;
mod power;
mod quirks;
mod reply;
mod reset_once;
mod retry;
mod service_root;
mod session;
mod shown;
mod system;
mod task;
mod tls;
mod wire;

pub use account::{Account, AccountChange, Creation, NewAccount};
pub use bmc::{Authentication, Bmc, Config, Credentials};
pub use boot::{Boot, BootEnabled, BootMode, BootOverride, BootTarget};
pub use connections::Connections;
pub use error::Error;
pub use ethernet::{Neighbour, Nic};
pub use inventory::{Drive, Inventory, StorageController};
pub use lenient::resource_key;
pub use manager::Manager;
pub use manager_reset::ManagerReset;
pub use messages::{Message, Messages};
pub use model::PowerState;
pub use order::Ordered;
pub use power::{Power, Restart};
pub use quirks::{Handled, Quirks, QuirksError, Row, quirks_page};
pub use reset_once::{RESETS, RunMark, Sent};
pub use service_root::ServiceRoot;
pub use session::{OpenSession, SessionJournal};
pub use system::{IndicatorLed, System};

#[cfg(test)]
mod tests;
