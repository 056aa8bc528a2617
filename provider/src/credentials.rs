//! BMC credentials by name: from the provider block, from a program, from the environment.
//!
//! The order is that of how deliberate they are. The first source that has the name wins; one that
//! fails is an error, because going on to the next could log in as somebody else.

mod exec;

use std::collections::BTreeMap;

use model::Secret;
use redfish::Credentials;
use tfplugin::{CancellationToken, Diagnostic, Path};

use crate::config::{CredentialsConfig, ExecConfig, variable};
use exec::Exec;

/// Every source of credentials.
pub(crate) struct CredentialStore {
    block: BTreeMap<String, Credentials>,
    exec: Option<Exec>,
}

impl CredentialStore {
    /// The sources that the provider block names. A cancelled `stop` ends a program that is asked.
    pub(crate) fn new(
        block: Option<BTreeMap<String, CredentialsConfig>>,
        exec: Option<ExecConfig>,
        stop: CancellationToken,
    ) -> Result<Self, Diagnostic> {
        let entry = |(name, entry): (String, CredentialsConfig)| {
            let password = Secret::new(entry.password);
            let username = entry.username;
            (name, Credentials { username, password })
        };
        Ok(Self {
            block: block.unwrap_or_default().into_iter().map(entry).collect(),
            exec: exec.map(|config| Exec::new(config, stop)).transpose()?,
        })
    }

    /// The credentials with this name.
    pub(crate) async fn find(&self, name: &str) -> Result<Credentials, Diagnostic> {
        if let Some(found) = self.block.get(name) {
            return Ok(found.clone());
        }
        if let Some(exec) = &self.exec
            && let Some(found) = exec.find(name).await?
        {
            return Ok(found);
        }
        from_environment(name, variable).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let names: Vec<_> = self.block.keys().map(String::as_str).collect();
        let block = if names.is_empty() {
            "which has none".to_owned()
        } else {
            format!("which has {}", names.join(", "))
        };
        let exec = match &self.exec {
            Some(exec) => format!(
                "credentials_exec, where {} does not know it",
                exec.program()
            ),
            None => "credentials_exec, which is not set".to_owned(),
        };
        let [username, password] = variables(name);
        Diagnostic::error(
            "Unknown BMC credentials",
            format!(
                "There are no credentials named {name:?}. Looked at: credentials in the provider \
                 block, {block}; {exec}; the environment, where {username} and {password} are not \
                 both set. Add them to one of the three."
            ),
        )
        .at(Path::root("credentials"))
    }
}

/// The credentials that the environment has under `name`.
fn from_environment(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    let [username, password] = variables(name);
    Some(Credentials {
        username: variable(&username)?,
        password: Secret::new(variable(&password)?),
    })
}

/// The environment variables that hold the credentials called `name`.
fn variables(name: &str) -> [String; 2] {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(letter).collect();
    ["USERNAME", "PASSWORD"].map(|part| format!("BAREMETAL_CREDENTIALS_{name}_{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(exec: Option<&str>) -> CredentialStore {
        let entry = CredentialsConfig {
            username: "from-block".to_owned(),
            password: "block-password".to_owned(),
        };
        let exec = exec.map(|script| ExecConfig {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            timeout: "20s".to_owned(),
        });
        let block = BTreeMap::from([("rack1".to_owned(), entry)]);
        CredentialStore::new(Some(block), exec, CancellationToken::new()).unwrap()
    }

    #[test]
    fn a_name_becomes_two_environment_variables() {
        assert_eq!(
            variables("rack-1.ams"),
            [
                "BAREMETAL_CREDENTIALS_RACK_1_AMS_USERNAME",
                "BAREMETAL_CREDENTIALS_RACK_1_AMS_PASSWORD"
            ]
        );
    }

    #[test]
    fn the_environment_has_credentials_only_if_it_has_both_parts() {
        let both = |name: &str| Some(name.to_owned());
        let found = from_environment("r1", both).unwrap();
        assert_eq!(found.username, "BAREMETAL_CREDENTIALS_R1_USERNAME");
        let one = |name: &str| name.ends_with("USERNAME").then(|| name.to_owned());
        assert!(from_environment("r1", one).is_none());
    }

    #[tokio::test]
    async fn the_block_comes_before_the_program() {
        let store = store(Some(r#"echo '{"username": "from-exec", "password": "p"}'"#));
        assert_eq!(
            store.find("rack1").await.ok().unwrap().username,
            "from-block"
        );
        assert_eq!(
            store.find("rack2").await.ok().unwrap().username,
            "from-exec"
        );
    }

    #[tokio::test]
    async fn an_unknown_name_is_told_with_every_source_that_was_looked_at() {
        let error = store(Some("echo null")).find("rack-9").await.err().unwrap();
        assert_eq!(
            error.detail,
            "There are no credentials named \"rack-9\". Looked at: credentials in the provider \
             block, which has rack1; credentials_exec, where sh does not know it; the environment, \
             where BAREMETAL_CREDENTIALS_RACK_9_USERNAME and BAREMETAL_CREDENTIALS_RACK_9_PASSWORD \
             are not both set. Add them to one of the three."
        );
        let error = store(None).find("rack-9").await.err().unwrap();
        assert!(error.detail.contains("credentials_exec, which is not set"));
        assert!(!error.detail.contains("block-password"));
    }

    #[tokio::test]
    async fn a_program_that_fails_is_an_error_and_not_a_reason_to_look_further() {
        let error = store(Some("exit 3")).find("rack2").await.err().unwrap();
        assert_eq!(error.summary, "No credentials from credentials_exec");
    }
}
