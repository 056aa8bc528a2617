//! DHCP, PXE and iPXE as pure values.
//!
//! Bytes come in and bytes go out: [`dhcp::Message`] is a datagram, [`dhcp::destination`] says
//! where a reply to one goes, [`pxe::Client`] is what a network boot client tells of itself, and
//! [`ipxe`] renders the scripts it boots. Both sides of the wire use it, the agent that answers and
//! the simulated rack that asks.
//!
//! **Invariant:** nothing here reads a clock, a socket or a file, and no input panics.

pub mod dhcp;
pub mod ipxe;
pub mod pxe;

#[cfg(test)]
mod tests;
