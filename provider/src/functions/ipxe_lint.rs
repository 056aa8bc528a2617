//! `ipxe_lint`: a script that is wrong stops the plan, not a machine.

use netboot::ipxe;
use tfplugin::{Diagnostic, Function, Model, Path};

/// Returns an iPXE script unchanged, or fails with everything that is wrong with it, by line: a
/// first line that is not `#!ipxe`, an unknown command, too few arguments, a `goto` to nowhere, a
/// label that is there twice, an operator (`||`, `&&`) that is stuck to a word, a `${` that is not
/// closed. Put it around the script where it is used, so that a script that cannot work stops the
/// plan.
///
/// The script may be a template for `ipxe_script`: what stands in `{{ }}` and `{% %}` is not judged,
/// and neither is what iPXE itself fills in. That a script has no such problem does not mean that
/// it boots.
#[derive(Model)]
pub(crate) struct Script {
    /// The script.
    pub script: String,
}

/// The function `ipxe_lint`.
pub(crate) struct IpxeLint;

impl Function for IpxeLint {
    type Arguments = Script;
    type Output = String;
    const NAME: &'static str = "ipxe_lint";
    const SUMMARY: &'static str = "An iPXE script, if nothing is wrong with it";

    fn call(&self, Script { script }: Script) -> Result<String, Diagnostic> {
        let problems = ipxe::lint(&script);
        if problems.is_empty() {
            return Ok(script);
        }
        let count = problems.len();
        let mut lines: Vec<_> = problems
            .iter()
            .take(MOST)
            .map(|problem| format!("  {problem}"))
            .collect();
        if count > MOST {
            lines.push(format!("  and {} more", count - MOST));
        }
        let noun = if count == 1 { "problem" } else { "problems" };
        let summary = format!("The iPXE script has {count} {noun}");
        Err(Diagnostic::error(summary, format!("\n{}", lines.join("\n"))).at(Path::root("script")))
    }
}

/// How many problems are listed.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn lint(script: &str) -> Result<String, Diagnostic> {
        let script = script.to_owned();
        IpxeLint.call(Script { script })
    }

    #[test]
    fn a_good_script_is_returned_and_a_bad_one_is_told_with_all_its_lines() {
        let good = "#!ipxe\nchain {{ kernel_url }}\n";
        assert_eq!(lint(good).as_deref(), Ok(good));
        let error = lint("#!ipxe\nkernal a\ngoto b\n").unwrap_err();
        assert_eq!(error.summary, "The iPXE script has 2 problems");
        assert_eq!(
            error.detail,
            "\n  line 2: \"kernal\" is no command of iPXE\n  line 3: there is no label :b"
        );
        let error = lint(&format!("#!ipxe\n{}", "x\n".repeat(50))).unwrap_err();
        assert!(error.detail.ends_with("  and 30 more"), "{}", error.detail);
    }
}
