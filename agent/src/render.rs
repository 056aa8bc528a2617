//! What a booting server is given to read: its script, its Ignition config, its user data.
//!
//! Pure: everything that goes into a document is passed in.

use model::{BootConfigSpec, UserDataFormat, ignition};
use netboot::ipxe::{self, Initrd};

use crate::{
    template::{self, Variables},
    tokens::Grant,
};

/// Why a document cannot be made. No payload is part of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A template does not work with the values of this server.
    #[error(transparent)]
    Template(#[from] template::Error),
    /// The result is no Ignition config.
    #[error(transparent)]
    Ignition(#[from] ignition::Error),
    /// The result is no script.
    #[error(transparent)]
    Script(#[from] ipxe::Error),
    /// There is neither a kernel nor a script.
    #[error("the boot config has neither a kernel nor a script")]
    Nothing,
}

/// Where a server fetches its documents. What it has not is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Its Ignition config.
    pub ignition: String,
    /// Its user data.
    pub user_data: String,
    /// Its report.
    pub report: String,
}

/// Whose documents are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The server, its boot and its addresses.
    pub grant: &'a Grant,
    /// Its host name, if it has one.
    pub hostname: Option<&'a str>,
    /// The revision it boots.
    pub revision: &'a str,
    /// Where the boot service is.
    pub boot_url: &'a str,
}

/// The variables of the templates of one server.
pub(crate) fn variables(
    subject: Subject<'_>,
    spec: &BootConfigSpec,
    links: &Links,
) -> Result<Variables, Error> {
    let Subject {
        grant,
        hostname,
        revision,
        boot_url,
    } = subject;
    let image = |sha256: &str| format!("{boot_url}/images/{sha256}?boot={}", grant.boot);
    let mut variables = Variables {
        server_id: grant.server_id.to_string(),
        mac: grant.mac.to_string(),
        hostname: hostname.unwrap_or_default().to_owned(),
        address: grant.address.to_string(),
        boot_url: boot_url.to_owned(),
        ignition_url: links.ignition.clone(),
        user_data_url: links.user_data.clone(),
        report_url: links.report.clone(),
        kernel_url: spec
            .kernel
            .as_ref()
            .map(|kernel| image(&kernel.sha256))
            .unwrap_or_default(),
        initrd_urls: spec
            .initrds
            .iter()
            .map(|initrd| image(&initrd.sha256))
            .collect(),
        kernel_args: String::new(),
        revision: revision.to_owned(),
    };
    variables.kernel_args = kernel_args(spec, &variables)?.join(" ");
    Ok(variables)
}

fn kernel_args(spec: &BootConfigSpec, variables: &Variables) -> Result<Vec<String>, Error> {
    let mut args = Vec::new();
    let mut bytes = 0;
    for arg in &spec.kernel_args {
        let arg = template::render(arg, variables)?;
        bytes += arg.len();
        // They become a variable themselves, and what templates are bounded by takes variables to
        // be small.
        if bytes > ipxe::KERNEL_ARGS {
            return Err(ipxe::Error::TooLong { bytes }.into());
        }
        args.push(arg);
    }
    if !variables.ignition_url.is_empty() {
        args.push("ignition.firstboot".to_owned());
        args.push("ignition.platform.id=metal".to_owned());
        args.push(format!("ignition.config.url={}", variables.ignition_url));
    }
    if !variables.user_data_url.is_empty() {
        args.push(match spec.user_data_format {
            UserDataFormat::CloudInit => format!("ds=nocloud;s={}/", variables.user_data_url),
            UserDataFormat::Raw => format!("baremetal.config_url={}", variables.user_data_url),
        });
    }
    Ok(args)
}

/// The script that boots `spec`: the user's own, or the one made from its kernel.
pub(crate) fn script(
    spec: &BootConfigSpec,
    own: Option<&str>,
    variables: &Variables,
) -> Result<String, Error> {
    if let Some(own) = own {
        return Ok(template::render(own, variables)?);
    }
    if spec.kernel.is_none() {
        return Err(Error::Nothing);
    }
    let names: Vec<_> = (0..variables.initrd_urls.len())
        .map(|at| format!("initrd{at}"))
        .collect();
    let initrds: Vec<_> = names
        .iter()
        .zip(&variables.initrd_urls)
        .map(|(name, url)| Initrd { name, url })
        .collect();
    let comments = [
        format!("server {}", variables.server_id),
        format!("boot config revision {}", variables.revision),
    ];
    let comments = comments.each_ref().map(String::as_str);
    let args: &[&str] = match variables.kernel_args.as_str() {
        "" => &[],
        args => &[args],
    };
    Ok(ipxe::boot(
        &comments,
        &variables.kernel_url,
        &initrds,
        args,
    )?)
}

/// The Ignition config: `text` with the variables put in and, if that was asked for, the unit that
/// reports the boot.
pub(crate) fn ignition(
    text: &str,
    spec: &BootConfigSpec,
    variables: &Variables,
) -> Result<String, Error> {
    let rendered = template::render(text, variables)?;
    if !spec.report_boot {
        return Ok(rendered);
    }
    let mut config = ignition::parse(&rendered)?;
    ignition::add_report(&mut config, &variables.report_url);
    Ok(serde_json::Value::Object(config).to_string())
}

/// The meta-data that cloud-init asks for beside user data. JSON is YAML.
pub(crate) fn meta_data(subject: Subject<'_>) -> String {
    let mut meta_data = serde_json::Map::new();
    // cloud-init runs again what it runs once per instance when this changes: with every boot that
    // is armed anew.
    meta_data.insert(
        "instance-id".to_owned(),
        subject.grant.boot.to_string().into(),
    );
    if let Some(hostname) = subject.hostname {
        meta_data.insert("local-hostname".to_owned(), hostname.into());
    }
    format!("{}\n", serde_json::Value::Object(meta_data))
}

#[cfg(test)]
mod tests;
