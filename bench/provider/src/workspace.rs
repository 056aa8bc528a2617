//! A Terraform working directory for one of the two providers.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    Arguments, PASSWORD, Result, Shape, Trust, USERNAME,
    bmcs::{Bmcs, PER_SUBNET, PORT},
    watch::{self, Run},
};

/// What is measured, and with what.
pub(crate) struct Programs {
    pub(crate) terraform: PathBuf,
    pub(crate) provider: PathBuf,
    pub(crate) floor: PathBuf,
}

impl Programs {
    pub(crate) fn find(terraform: &Path) -> Result<Self> {
        let own = std::env::current_exe()?;
        let provider = own.with_file_name("terraform-provider-baremetal");
        if !provider.exists() {
            return Err(format!("{} is not built: run `make bench`", provider.display()).into());
        }
        Ok(Self {
            terraform: terraform.to_owned(),
            provider,
            floor: own,
        })
    }
}

/// Which provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Floor,
    Provider,
}

impl Which {
    const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Provider => "baremetal",
        }
    }
}

/// A directory with a configuration of so many servers.
pub(crate) struct Workspace {
    directory: TempDir,
    terraform: PathBuf,
}

impl Workspace {
    /// A directory that is ready to plan; `bmcs` are those of the servers, if there are any.
    pub(crate) fn new(
        which: Which,
        arguments: &Arguments,
        programs: &Programs,
        bmcs: Option<&Bmcs>,
    ) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let root = directory.path();
        let name = which.name();
        let binary = format!("terraform-provider-{name}_v0.1.0");
        for host in ["registry.terraform.io", "registry.opentofu.org"] {
            let package = format!(
                "mirror/{host}/terraform-baremetal/{name}/0.1.0/{}",
                platform()
            );
            fs::create_dir_all(root.join(&package))?;
            let from = match which {
                Which::Floor => &programs.floor,
                Which::Provider => &programs.provider,
            };
            symlink(from, root.join(package).join(&binary))?;
        }
        let mirror = root.join("mirror");
        fs::write(
            root.join("terraform.rc"),
            format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n"
            ),
        )?;
        fs::write(
            root.join("main.tf"),
            configuration(which, arguments, bmcs.is_some()),
        )?;
        let variables = json!({
            "ca_pem": bmcs.map(|bmcs| &bmcs.ca_pem),
            "pins": bmcs.map(|bmcs| &bmcs.pins),
        });
        fs::write(root.join("terraform.tfvars.json"), variables.to_string())?;
        let workspace = Self {
            directory,
            terraform: programs.terraform.clone(),
        };
        workspace.attempt(&["init", "-input=false"], &[])?;
        Ok(workspace)
    }

    /// Runs Terraform, which must not warn: a BMC that did not answer would make the run faster.
    pub(crate) fn run(&self, arguments: &[&str], variables: &[(&str, String)]) -> Result<Run> {
        let run = self.attempt(arguments, variables)?;
        if run.text.contains("Warning:") {
            return Err(format!("terraform {} warns: {}", arguments[0], end_of(&run)).into());
        }
        Ok(run)
    }

    fn attempt(&self, arguments: &[&str], variables: &[(&str, String)]) -> Result<Run> {
        let mut command = Command::new(&self.terraform);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env(
                "TF_CLI_CONFIG_FILE",
                self.directory.path().join("terraform.rc"),
            )
            .env("TF_CLI_ARGS", "-no-color")
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("BAREMETAL_CREDENTIALS_DEFAULT_USERNAME", USERNAME)
            .env("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", PASSWORD);
        for (name, value) in variables {
            command.env(format!("TF_VAR_{name}"), value);
        }
        let run = watch::run(&mut command)?;
        if run.code != 0 {
            return Err(format!("terraform {} failed: {}", arguments[0], end_of(&run)).into());
        }
        Ok(run)
    }
}

fn end_of(run: &Run) -> &str {
    let end = run.text.len().saturating_sub(4000);
    &run.text[run.text.ceil_char_boundary(end)..]
}

fn settings(which: Which, arguments: &Arguments) -> String {
    match which {
        Which::Floor => {
            format!(
                "latency_ms = {}\n  work_port  = var.work_port",
                arguments.latency_ms
            )
        }
        Which::Provider => match arguments.trust {
            Trust::Authority => {
                "redfish = { authentication = var.authentication, ca_pem = var.ca_pem }".to_owned()
            }
            Trust::Pin => "redfish = { authentication = var.authentication }".to_owned(),
        },
    }
}

fn configuration(which: Which, arguments: &Arguments, with_servers: bool) -> String {
    let name = which.name();
    let provider = settings(which, arguments);
    let (servers, latest) = (arguments.servers, arguments.servers.div_ceil(1000));
    let (meta, index) = match arguments.shape {
        Shape::Count => (format!("count = {servers}"), "count.index"),
        // Terraform refuses a range of more than 1 024.
        Shape::ForEach => (
            format!(
                "for_each = {{ for i in flatten([for k in range({latest}) : [for j in range(1000) \
                 : k * 1000 + j]]) : tostring(i) => i if i < {servers} }}"
            ),
            "each.value",
        ),
    };
    let pin = match arguments.trust {
        Trust::Authority => String::new(),
        Trust::Pin => format!("fingerprint_sha256 = var.pins[{index}]"),
    };
    let resource = if with_servers {
        format!(
            r#"
resource "{name}_server" "node" {{
  {meta}
  bmc = {{
    endpoint    = "https://127.77.${{floor({index} / {PER_SUBNET})}}.${{{index} % {PER_SUBNET} + 1}}:{PORT}"
    credentials = "default"
    {pin}
  }}
}}
"#
        )
    } else {
        String::new()
    };
    format!(
        r#"
terraform {{
  required_providers {{
    {name} = {{ source = "terraform-baremetal/{name}" }}
  }}
}}

variable "authentication" {{ default = null }}
variable "work_port" {{ default = null }}
variable "ca_pem" {{ default = null }}
variable "pins" {{ default = null }}

provider "{name}" {{
  {provider}
}}
{resource}"#
    )
}

const fn platform() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "linux_arm64"
    } else {
        "linux_amd64"
    }
}
