//! A working directory for the example provider of `tfplugin`, and what the host knows of the
//! protocol.

use std::{fs, os::unix::fs::symlink, process::Output};

use serde_json::Value;

use super::Workspace;
use crate::program;

/// The program that runs the journeys, which may be Terraform or OpenTofu of any version since
/// 1.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    tofu: bool,
    minor: u32,
}

impl Host {
    /// It has ephemeral resources and write-only attributes.
    pub fn has_ephemeral(self) -> bool {
        self.minor >= 11
    }

    /// It can import by identity.
    pub fn has_identity(self) -> bool {
        !self.tofu && self.minor >= 12
    }

    /// It has lists of resources, actions, and configurations that the provider generates.
    pub fn has_actions(self) -> bool {
        !self.tofu && self.minor >= 14
    }
}

impl Workspace {
    /// A directory with this configuration for the provider `kit`, which needs no `terraform` block
    /// and no `init`.
    pub fn kit(configuration: &str) -> Self {
        let workspace = Self {
            directory: tempfile::tempdir().expect("a scratch directory"),
            environment: Vec::new(),
        };
        let programs = workspace.directory.path().join("programs");
        fs::create_dir_all(&programs).expect("a directory");
        let provider = program("examples/kit");
        symlink(provider, programs.join("terraform-provider-kit")).expect("the provider");
        let rc = format!(
            "provider_installation {{\n  dev_overrides {{\n    \
             \"example.com/acme/kit\" = {programs:?}\n  }}\n}}\n"
        );
        fs::write(workspace.directory.path().join("terraform.rc"), rc).expect("the CLI's file");
        let main = workspace.directory.path().join("main");
        fs::create_dir_all(&main).expect("a directory");
        fs::write(main.join("versions.tf"), VERSIONS).expect("the configuration");
        workspace.adopt(&main);
        workspace.write("main.tf", configuration);
        workspace
    }

    /// What runs here.
    ///
    /// # Panics
    ///
    /// If it does not say so.
    pub fn host(&self) -> Host {
        let text = |output: Output| String::from_utf8_lossy(&output.stdout).into_owned();
        let version = self.command(&["version", "-json"]).output();
        let version: Value = serde_json::from_str(&text(version.expect("terraform starts")))
            .expect("the version as JSON");
        let version = version["terraform_version"].as_str().expect("a version");
        let minor = version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse().ok());
        let name = self
            .command(&["version"])
            .output()
            .expect("terraform starts");
        Host {
            tofu: text(name).starts_with("OpenTofu"),
            minor: minor.unwrap_or_else(|| panic!("{version} is no version")),
        }
    }
}

const VERSIONS: &str = r#"
terraform {
  required_providers {
    kit = {
      source = "example.com/acme/kit"
    }
  }
}
"#;
