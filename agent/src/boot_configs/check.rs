//! What makes a boot config one that can boot something.
//!
//! All of it is checked when it is published, because a server that finds out does so at night.

use model::{Asset, BootConfigSpec, ignition};

use crate::{
    boot_configs::assets,
    digest,
    template::{self, Variables},
};

/// What is wrong with a boot config. No payload is part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// There is nothing to boot.
    #[error("there is nothing to boot; set kernel, or ipxe_script")]
    Nothing,
    /// RAM disks without a kernel.
    #[error("there are initrds, but no kernel that could use them; set kernel")]
    NoKernel,
    /// An image's address cannot be fetched from.
    #[error("{url:?} is no URL to fetch an image from; it must start with http:// or https://")]
    Url {
        /// The address.
        url: String,
    },
    /// A digest is none.
    #[error(
        "{sha256:?} of {url} is no SHA-256, which is 64 lower-case hexadecimal digits, as sha256sum \
         prints"
    )]
    Digest {
        /// The digest.
        sha256: String,
        /// The image.
        url: String,
    },
    /// The script would be refused by iPXE.
    #[error("ipxe_script does not start with #!ipxe, so iPXE would refuse it")]
    NotAScript,
    /// A template does not work.
    #[error("{field}: {error}")]
    Template {
        /// Where it is.
        field: &'static str,
        /// What is wrong.
        error: template::Error,
    },
    /// The Ignition config would be refused.
    #[error("{0}")]
    Ignition(ignition::Error),
    /// A kernel argument cannot be put on a line.
    #[error("kernel_args: {0}")]
    KernelArgs(netboot::ipxe::Error),
}

pub(super) fn check(spec: &BootConfigSpec) -> Result<(), Invalid> {
    if spec.kernel.is_none() && spec.ipxe_script.is_none() {
        return Err(Invalid::Nothing);
    }
    if spec.kernel.is_none() && !spec.initrds.is_empty() {
        return Err(Invalid::NoKernel);
    }
    assets(spec).try_for_each(asset)?;
    if let Some(script) = &spec.ipxe_script {
        let rendered = sample("ipxe_script", script)?;
        if !rendered.starts_with("#!ipxe") {
            return Err(Invalid::NotAScript);
        }
    }
    kernel_args(&spec.kernel_args)?;
    if let Some(payload) = &spec.ignition {
        let rendered = sample("ignition", payload.content.expose())?;
        ignition::parse(&rendered).map_err(Invalid::Ignition)?;
    }
    if let Some(payload) = &spec.user_data {
        sample("user_data", payload.content.expose())?;
    }
    Ok(())
}

/// Whether a server that boots it can know where to report: the URL is different at every boot.
pub(super) fn can_report(spec: &BootConfigSpec) -> bool {
    let names_it = |text: &str| text.contains("report_url");
    let payloads = spec.ignition.iter().chain(&spec.user_data);
    let payloads = payloads.map(|payload| payload.content.expose());
    (spec.report_boot && spec.ignition.is_some())
        || spec.ipxe_script.as_deref().is_some_and(names_it)
        || spec.kernel_args.iter().any(|arg| names_it(arg))
        || payloads.into_iter().any(names_it)
}

/// Checks that an image can be fetched.
pub(crate) fn asset(asset: &Asset) -> Result<(), Invalid> {
    let url = reqwest::Url::parse(&asset.url);
    if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Err(Invalid::Url {
            url: asset.url.clone(),
        });
    }
    if !digest::is_sha256(&asset.sha256) {
        return Err(Invalid::Digest {
            sha256: asset.sha256.clone(),
            url: asset.url.clone(),
        });
    }
    Ok(())
}

fn kernel_args(args: &[String]) -> Result<(), Invalid> {
    let rendered: Vec<_> = args
        .iter()
        .map(|arg| sample("kernel_args", arg))
        .collect::<Result<_, _>>()?;
    netboot::ipxe::boot(&[], "http://192.0.2.1/kernel", &[], &rendered)
        .map_err(Invalid::KernelArgs)?;
    Ok(())
}

fn sample(field: &'static str, text: &str) -> Result<String, Invalid> {
    template::render(text, &Variables::sample()).map_err(|error| Invalid::Template { field, error })
}
