//! HTTP: the control API for Terraform, and what booting servers fetch.
//!
//! Both are routers over one [`Site`]. They never share a listener: the control API belongs on the
//! management network, the boot service on the provisioning network.

pub(crate) mod api;
mod auth;
pub(crate) mod boot;
mod documents;
mod download;
mod error;
mod files;
mod report;
mod script;
mod secrets;
pub(crate) mod serve;

use std::{path::PathBuf, sync::Arc};

pub(crate) use self::auth::ApiToken;
use crate::{endpoints::Endpoints, images::Images, seal::Sealer, store::Store, subnets::Subnets};

/// What every request is answered from.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) images: Images,
    /// Where booting servers find this agent, without a final slash.
    pub(crate) boot_url: String,
    pub(crate) subnets: Subnets,
    pub(crate) endpoints: Endpoints,
    /// What the agent does.
    pub(crate) features: Vec<String>,
    pub(crate) loader_dir: PathBuf,
    pub(crate) token: ApiToken,
}
