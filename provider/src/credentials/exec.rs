//! Credentials from a program.
//!
//! It is run without a shell, in a process group of its own, and its whole group is killed when it
//! takes too long or the run is stopped. Nothing it prints reaches a log or an error: a secret store's
//! client is as likely to put a secret there as a reason.

use std::{
    collections::HashMap,
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::Secret;
use redfish::Credentials;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tfplugin::{CancellationToken, Diagnostic, Path};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
    sync::OnceCell,
};

use crate::{
    config::{self, ExecConfig},
    diagnostics,
};

/// A program that knows credentials.
pub(super) struct Exec {
    program: String,
    arguments: Vec<String>,
    timeout: Duration,
    stop: CancellationToken,
    answers: Mutex<HashMap<String, Answer>>,
}

/// What the program said to one name. A failure is kept too: a second try would take as long again,
/// and may count against an account.
type Answer = Arc<OnceCell<Result<Option<Credentials>, Error>>>;

/// Why a program gave no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Error {
    #[error("it cannot be started: {0}")]
    Start(String),
    #[error("{0}")]
    Ended(String),
    #[error("it did not end within {}s and was killed", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("it printed more than {MOST_BYTES} bytes")]
    TooLong,
    #[error("what it printed cannot be read: {0}")]
    Pipe(String),
    #[error("what it printed is not JSON: line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error(
        "what it printed is JSON, but neither null nor an object with the texts username and password"
    )]
    NotCredentials,
    #[error("the username or the password it printed is empty")]
    Empty,
}

/// What a program prints. Other members are its own affair.
#[derive(Deserialize)]
struct Printed {
    username: String,
    password: Secret,
}

impl Exec {
    /// The program of the provider block. That there is one was checked when it was validated.
    pub(super) fn new(config: ExecConfig, stop: CancellationToken) -> Result<Self, Diagnostic> {
        let mut arguments = config.command.into_iter();
        Ok(Self {
            program: arguments.next().unwrap_or_default(),
            arguments: arguments.collect(),
            timeout: config::duration(&config.timeout, "credentials_exec.timeout")?,
            stop,
            answers: Mutex::default(),
        })
    }

    /// The program's name, without its arguments.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// What the program has for `name`. It is asked once for each name.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Credentials>, Diagnostic> {
        // A name can come from the record of a server that somebody else has registered.
        if !is_plain(name) {
            return Err(self.failed(
                name,
                "such a name is not given to a program: it may hold letters, digits and ._-/ alone, \
                 has no part that starts with a dot or a dash, and is at most 128 long",
            ));
        }
        let answer = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry(name.to_owned()).or_default())
        };
        let answer = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                return Err(diagnostics::stopped("waiting for credentials_exec"));
            }
            answer = answer.get_or_init(|| self.ask(name)) => answer,
        };
        answer
            .clone()
            .map_err(|error| self.failed(name, &error.to_string()))
    }

    async fn ask(&self, name: &str) -> Result<Option<Credentials>, Error> {
        tracing::debug!(program = self.program, name, "asking for credentials");
        let mut group = Group::start(&self.program, &self.arguments, name)?;
        let outcome = tokio::time::timeout(self.timeout, group.finish()).await;
        let (status, printed) = outcome.map_err(|_elapsed| Error::TimedOut(self.timeout))??;
        if !status.success() {
            return Err(Error::Ended(format!("it ended with {status}")));
        }
        decode(&printed)
    }

    fn failed(&self, name: &str, cause: &str) -> Diagnostic {
        Diagnostic::error(
            "No credentials from credentials_exec",
            format!(
                "{} was asked for {name:?}, and {cause}. What it prints is not shown, because it \
                 may hold secrets: run it by hand with {name:?} as its last argument to see.",
                self.program
            ),
        )
        .at(Path::root("credentials"))
    }
}

fn is_plain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.len() <= 128 && name.split('/').all(part)
}

fn decode(printed: &[u8]) -> Result<Option<Credentials>, Error> {
    // The decoder's own words may quote the value it stumbled over.
    let printed: Option<Printed> = serde_json::from_slice(printed).map_err(|error| {
        if error.is_data() {
            Error::NotCredentials
        } else {
            Error::NotJson {
                line: error.line(),
                column: error.column(),
            }
        }
    })?;
    let Some(Printed { username, password }) = printed else {
        return Ok(None);
    };
    if username.is_empty() || password.expose().is_empty() {
        return Err(Error::Empty);
    }
    Ok(Some(Credentials { username, password }))
}

/// A running program and all that it has started. They are killed with the value.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn start(program: &str, arguments: &[String], name: &str) -> Result<Self, Error> {
        let child = Command::new(program)
            .args(arguments)
            .arg(name)
            .env("BAREMETAL_CREDENTIALS_NAME", name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error: io::Error| Error::Start(error.to_string()))?;
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { child, id })
    }

    /// What it ended with, and what it printed.
    async fn finish(&mut self) -> Result<(ExitStatus, Vec<u8>), Error> {
        let unreadable = |error: io::Error| Error::Pipe(error.to_string());
        let mut printed = Vec::new();
        if let Some(stdout) = self.child.stdout.take() {
            let mut bounded = stdout.take(MOST_BYTES + 1);
            bounded
                .read_to_end(&mut printed)
                .await
                .map_err(unreadable)?;
        }
        if printed.len() as u64 > MOST_BYTES {
            return Err(Error::TooLong);
        }
        let status = self.child.wait().await.map_err(unreadable)?;
        // It has ended by itself, and its number may be somebody else's by now.
        self.id = None;
        Ok((status, printed))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // Gone already is what was wanted.
            let _gone = kill_process_group(id, Signal::KILL);
        }
    }
}

/// The most that credentials are.
const MOST_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
