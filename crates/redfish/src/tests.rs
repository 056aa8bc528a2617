//! The client against scripted BMCs over loopback. Their JSON is written here, after the documented
//! behaviour of firmware; none of it is recorded.

mod accounts;
mod boot;
mod boot_places;
mod economy;
mod errors;
mod fake_bmc;
mod first;
mod fuzz;
mod hostile;
mod if_match;
mod inventory;
mod left;
mod logout;
mod manager_reset;
mod offered_once;
mod power;
mod reading;
mod secrets;
mod session;
mod tls;
