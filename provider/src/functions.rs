//! The functions: what the provider knows without a server, a BMC or an agent.

mod ignition_merge;
mod ipxe_lint;
mod normalize;

pub(crate) use ignition_merge::IgnitionMerge;
pub(crate) use ipxe_lint::IpxeLint;
pub(crate) use normalize::{NormalizeMac, NormalizeUuid};
