//! The data sources, one file each.

mod servers;

pub(crate) use servers::Servers;
