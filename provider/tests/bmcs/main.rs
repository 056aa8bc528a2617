//! The provider as a process that Terraform speaks to, before BMCs of every kind.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "the functions that tests share are tests too"
)]

mod any_bmc;
mod fake_bmc;
mod faults;
mod host;
mod strategies;
