//! The ephemeral resources, one file each.

mod session;

pub(crate) use session::Session;
