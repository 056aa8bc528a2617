//! A Terraform working directory, and what a run in it came to.

mod kit;

pub use kit::Host;

use std::{
    fs,
    os::unix::{fs::symlink, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    program,
    release::{MIRRORED, VERSION, platform},
    root,
};

/// A working directory with a configuration, a provider mirror and an environment of its own.
pub struct Workspace {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code.
    pub code: i32,
    /// Everything it printed.
    pub text: String,
}

impl Outcome {
    /// The same, if it succeeded.
    ///
    /// # Panics
    ///
    /// If it did not.
    #[track_caller]
    pub fn success(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.text);
        self
    }

    /// The same, if it failed and its errors hold every one of `parts`. Terraform wraps lines, so
    /// white space and its box drawing are folded before they are compared.
    ///
    /// # Panics
    ///
    /// If it succeeded or a part is missing.
    #[track_caller]
    pub fn failure(self, parts: &[&str]) -> Self {
        assert_ne!(self.code, 0, "{}", self.text);
        let folded = fold(&self.text);
        for part in parts {
            assert!(
                folded.contains(&fold(part)),
                "{part:?} is missing from\n{}",
                self.text
            );
        }
        self
    }
}

fn fold(text: &str) -> String {
    text.replace(['│', '╷', '╵'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

impl Workspace {
    /// A directory whose configuration is a copy of `examples/terraform/<example>`.
    pub fn example(example: &str, environment: Vec<(String, String)>) -> Self {
        let workspace = Self::empty(environment);
        let examples = root().join("examples/terraform");
        // Beside each other, as in the tree: an example may use another as a module.
        for entry in fs::read_dir(&examples).expect("the examples") {
            let from = entry.expect("an example").path();
            let to = workspace
                .directory
                .path()
                .join(from.file_name().expect("its name"));
            fs::create_dir_all(&to).expect("a directory");
            for file in fs::read_dir(&from).expect("the example's files") {
                let file = file.expect("a file").path();
                if file.extension().is_some_and(|extension| extension == "tf") {
                    fs::copy(&file, to.join(file.file_name().expect("its name"))).expect("a copy");
                }
            }
        }
        workspace.adopt(&workspace.directory.path().join(example));
        workspace
    }

    /// A directory with this configuration, which needs no `terraform` block.
    pub fn with(configuration: &str, environment: Vec<(String, String)>) -> Self {
        let workspace = Self::empty(environment);
        let main = workspace.directory.path().join("main");
        fs::create_dir_all(&main).expect("a directory");
        fs::write(main.join("versions.tf"), VERSIONS).expect("the configuration");
        workspace.adopt(&main);
        workspace.write("main.tf", configuration);
        workspace
    }

    fn empty(environment: Vec<(String, String)>) -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let mirror = directory.path().join("mirror");
        for provider in MIRRORED {
            let package = mirror.join(provider).join(VERSION).join(platform());
            fs::create_dir_all(&package).expect("the mirror");
            let program = program("terraform-provider-baremetal");
            let name = format!("terraform-provider-baremetal_v{VERSION}");
            symlink(program, package.join(name)).expect("the provider in the mirror");
        }
        let workspace = Self {
            directory,
            environment,
        };
        workspace.use_mirror(&mirror);
        workspace
    }

    /// Installs providers from this mirror, and from nowhere else.
    pub fn use_mirror(&self, mirror: &Path) {
        let rc = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n"
        );
        let path = self.directory.path().join("terraform.rc");
        fs::write(path, rc).expect("the CLI configuration");
    }

    fn adopt(&self, main: &Path) {
        symlink(main, self.directory.path().join("current")).expect("the working directory");
    }

    /// Where the configuration is.
    pub fn path(&self) -> PathBuf {
        self.directory
            .path()
            .join("current")
            .canonicalize()
            .expect("the working directory")
    }

    /// Writes a file beside the configuration.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a file of the configuration");
    }

    /// Gives the configuration its variables.
    pub fn variables(&self, variables: &Value) {
        self.write("terraform.tfvars.json", &variables.to_string());
    }

    /// Sets a variable of the environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Runs `terraform` with these arguments, to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(&self.command(arguments).output().expect("terraform starts"))
    }

    /// Starts `terraform` in a process group of its own.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("terraform starts")
    }

    /// Sends a signal to everything that [`start`](Self::start) started, as a terminal does.
    ///
    /// # Panics
    ///
    /// If there is nobody to send it to.
    pub fn signal(child: &Child, signal: &str) {
        let group = format!("-{}", child.id());
        let sent = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .status();
        assert!(sent.expect("kill starts").success());
    }

    /// Waits for what [`start`](Self::start) started.
    pub fn finish(child: Child) -> Outcome {
        outcome(&child.wait_with_output().expect("terraform's output"))
    }

    /// `init`, `validate` and `apply`.
    #[track_caller]
    pub fn apply(&self) -> Outcome {
        self.run(&["init", "-input=false"]).success();
        self.run(&["validate"]).success();
        self.run(&["apply", "-auto-approve", "-input=false"])
    }

    /// Asserts that the plan is empty.
    #[track_caller]
    pub fn assert_clean(&self) {
        let plan = self.run(&["plan", "-detailed-exitcode", "-input=false"]);
        assert_eq!(plan.code, 0, "the plan is not empty\n{}", plan.text);
    }

    /// `destroy`.
    #[track_caller]
    pub fn destroy(&self) {
        self.run(&["destroy", "-auto-approve", "-input=false"])
            .success();
    }

    /// The state, as `terraform show -json` has it.
    pub fn state(&self) -> Value {
        let output = self
            .command(&["show", "-json"])
            .output()
            .expect("terraform starts");
        serde_json::from_slice(&output.stdout).expect("the state as JSON")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let terraform = std::env::var("BAREMETAL_TERRAFORM")
            .ok()
            .filter(|path| !path.is_empty());
        let mut command = Command::new(terraform.unwrap_or_else(|| "terraform".to_owned()));
        command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env(
                "TF_CLI_CONFIG_FILE",
                self.directory.path().join("terraform.rc"),
            )
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_CLI_ARGS", "-no-color")
            .envs(self.environment.iter().cloned());
        command
    }
}

fn outcome(output: &Output) -> Outcome {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

const VERSIONS: &str = r#"
terraform {
  required_providers {
    baremetal = {
      source = "terraform-baremetal/baremetal"
    }
  }
}
"#;
