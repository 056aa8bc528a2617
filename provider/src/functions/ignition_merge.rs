//! `ignition_merge`: layers of Ignition configs, merged before a machine sees them.

use model::ignition::{self, MergeError};
use tfplugin::{Diagnostic, Function, Model, Path};

use crate::diagnostics;

/// Merges Ignition configs (JSON, spec 3.0 to 3.5), later ones over earlier ones, by the rules that
/// Ignition applies to `ignition.config.merge`: objects member by member, scalars replaced, and the
/// entries of a list told apart by a key. Files, directories and links have their `path` (a path
/// that becomes a link is no longer a file), users, groups, units, drop-ins, RAIDs and LUKS volumes
/// their `name`, disks and filesystems their `device`, partitions their number or else their label,
/// resources their `source`, HTTP headers their `name` (one without a value takes the earlier one
/// away), and texts themselves. Mount, filesystem, RAID and LUKS options and what is appended to a
/// file are put behind one another. The result has the highest version of the configs.
///
/// So a base, a role and a host can be layers of their own, and no machine has to fetch them. The
/// configs may be templates as long as they are JSON before they are rendered.
#[derive(Model)]
pub(crate) struct Configs {
    /// The configs, each as JSON. There must be at least one.
    pub configs: Vec<String>,
}

/// The function `ignition_merge`.
pub(crate) struct IgnitionMerge;

impl Function for IgnitionMerge {
    type Arguments = Configs;
    type Output = String;
    const NAME: &'static str = "ignition_merge";
    const SUMMARY: &'static str = "One Ignition config out of several";

    fn call(&self, Configs { configs }: Configs) -> Result<String, Diagnostic> {
        let merged = ignition::merge(&configs).map_err(|error| {
            let path = Path::root("configs");
            let path = match &error {
                MergeError::Nothing => path,
                MergeError::Config { index, .. } | MergeError::Shape { index, .. } => {
                    path.index(*index)
                }
            };
            let detail = format!("{}.", diagnostics::sentence(&error.to_string()));
            Diagnostic::error("The Ignition configs cannot be merged", detail).at(path)
        })?;
        Ok(serde_json::Value::Object(merged).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_become_one_config_and_a_fault_names_its_layer_and_no_value() {
        let base =
            r#"{"ignition":{"version":"3.2.0"},"systemd":{"units":[{"name":"a","enabled":true}]}}"#;
        let host =
            r#"{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"name":"a","mask":true}]}}"#;
        let call = |configs: &[&str]| {
            let configs = configs.iter().map(|&config| config.to_owned()).collect();
            IgnitionMerge.call(Configs { configs })
        };
        assert_eq!(
            call(&[base, host]).as_deref(),
            Ok(
                r#"{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"enabled":true,"mask":true,"name":"a"}]}}"#
            )
        );
        let error = call(&[base, r#"{"canary":"#]).unwrap_err();
        assert_eq!(
            error.detail,
            "Config 1 of the list: the Ignition config is not JSON: line 1, column 10."
        );
        assert_eq!(error.path, Some(Path::root("configs").index(1)));
    }
}
