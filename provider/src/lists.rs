//! What `terraform query` can list, one file each.

mod servers;

pub(crate) use servers::Servers;
