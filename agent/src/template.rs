//! Templates in what a user writes: strict, bounded, and with nothing to reach out to.

mod bounds;

use std::collections::BTreeSet;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

/// The variables of every template.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Variables {
    /// The server's id.
    pub server_id: String,
    /// The address of the interface it boots from.
    pub mac: String,
    /// The host name of its claim, or nothing.
    pub hostname: String,
    /// The address it was leased.
    pub address: String,
    /// Where the agent's boot service is.
    pub boot_url: String,
    /// Where it fetches its Ignition config, or nothing.
    pub ignition_url: String,
    /// Where it fetches its user data, or nothing.
    pub user_data_url: String,
    /// Where it reports that it booted.
    pub report_url: String,
    /// Where it fetches its kernel, or nothing.
    pub kernel_url: String,
    /// Where it fetches its initial RAM disks.
    pub initrd_urls: Vec<String>,
    /// The kernel arguments of its boot config.
    pub kernel_args: String,
    /// The revision of its boot config.
    pub revision: String,
}

impl Variables {
    /// Their names.
    pub(crate) const NAMES: [&str; 12] = [
        "server_id",
        "mac",
        "hostname",
        "address",
        "boot_url",
        "ignition_url",
        "user_data_url",
        "report_url",
        "kernel_url",
        "initrd_urls",
        "kernel_args",
        "revision",
    ];

    /// Values of the right shape, to see whether a template works before a server needs it.
    pub(crate) fn sample() -> Self {
        let url = |path: &str| format!("http://192.0.2.1/{path}");
        Self {
            server_id: "4c4c4544-0042-3510-8057-b7c04f4b4d32".to_owned(),
            mac: "52:54:00:12:34:56".to_owned(),
            hostname: "sample".to_owned(),
            address: "192.0.2.10".to_owned(),
            boot_url: "http://192.0.2.1".to_owned(),
            ignition_url: url("ignition/sample"),
            user_data_url: url("config/sample"),
            report_url: url("bootstate/sample"),
            kernel_url: url("images/sample"),
            initrd_urls: vec![url("images/sample")],
            kernel_args: "quiet".to_owned(),
            revision: "0123456789ab".to_owned(),
        }
    }
}

/// What is wrong with a template. It never holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It names a variable that does not exist.
    #[error(
        "line {line} of the template names {name:?}, which is no variable; there are {}",
        Variables::NAMES.join(", ")
    )]
    Unknown {
        /// The name.
        name: String,
        /// The line where it is first named.
        line: usize,
    },
    /// It is no template, or it cannot be rendered.
    #[error("line {line} of the template cannot be rendered: {reason}")]
    Failed {
        /// The line.
        line: usize,
        /// Why.
        reason: String,
    },
}

/// Whether `text` is a template at all. One without markers is left as it is.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The variables that `text` names.
pub(crate) fn names(text: &str) -> Result<BTreeSet<String>, Error> {
    if !is_template(text) {
        return Ok(BTreeSet::new());
    }
    bounds::check(text, syntax())?;
    let environment = environment();
    let template = environment.template_from_str(text).map_err(failed)?;
    let known = |name: &String| environment.globals().any(|(global, _)| global == name);
    let names: BTreeSet<_> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !known(name))
        .collect();
    for name in &names {
        if !Variables::NAMES.contains(&name.as_str()) {
            return Err(Error::Unknown {
                name: name.clone(),
                line: line_of(text, name),
            });
        }
    }
    Ok(names)
}

/// `text` with `variables` put in, if it is a template.
pub(crate) fn render(text: &str, variables: &Variables) -> Result<String, Error> {
    if !is_template(text) {
        return Ok(text.to_owned());
    }
    names(text)?;
    let environment = environment();
    let template = environment.template_from_str(text).map_err(failed)?;
    let mut output = bounds::Output::default();
    template
        .render_captured_to(Serde(variables), &mut output)
        .map_err(failed)?;
    Ok(output.into_text())
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax());
    environment.set_fuel(Some(FUEL));
    bounds::limit(&mut environment);
    environment
}

fn syntax() -> SyntaxConfig {
    // A script and a PEM block end with the newline that their author gave them.
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    syntax.unwrap_or_default()
}

fn failed(error: minijinja::Error) -> Error {
    // The detail of other errors may quote a value.
    let detail = match error.kind() {
        ErrorKind::SyntaxError
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction => error.detail(),
        _ => None,
    };
    let reason = match detail {
        // Nothing but our own bounds makes writing fail.
        None if error.kind() == ErrorKind::WriteFailure || bounds::is_too_large(&error) => {
            "it makes too much text".to_owned()
        }
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    Error::Failed {
        line: error.line().unwrap_or(1),
        reason,
    }
}

/// The first line that has `name` as a word of its own.
fn line_of(text: &str, name: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let named = |line: &str| line.split(|c| !word(c)).any(|part| part == name);
    text.lines().position(named).map_or(1, |index| index + 1)
}

/// How many instructions one template may run.
const FUEL: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        let error = render(text, &Variables::sample()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_text_without_markers_is_left_as_it_is() {
        let text = "kernel ${net0/mac} { } %} }}\n";
        assert_eq!(render(text, &Variables::default()).unwrap(), text);
    }

    #[test]
    fn every_variable_renders() {
        let values = serde_json::to_value(Variables::sample()).unwrap();
        let names: BTreeSet<_> = values
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(names, BTreeSet::from(Variables::NAMES));
        let text = "{{ server_id }} {% for url in initrd_urls %}{{ url }}{% endfor %}\n";
        assert_eq!(
            render(text, &Variables::sample()).unwrap(),
            "4c4c4544-0042-3510-8057-b7c04f4b4d32 http://192.0.2.1/images/sample\n"
        );
    }

    #[test]
    fn what_cannot_be_rendered_is_refused_with_its_line() {
        refuse(
            "a\n{{ hostnam }}",
            "line 2 of the template names \"hostnam\", which is no variable",
        );
        refuse(
            "a\n{{ hostname",
            "line 2 of the template cannot be rendered: syntax error: ",
        );
        refuse(
            "{{ mac|nothing }}",
            "line 1 of the template cannot be rendered: unknown filter: ",
        );
        refuse(
            "{{ mac.octets }}",
            "line 1 of the template cannot be rendered: undefined value",
        );
        refuse(
            "{% include 'x' %}",
            "line 1 of the template cannot be rendered: ",
        );
        refuse(
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}",
            "line 1 of the template cannot be rendered: engine ran out of fuel",
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z{}%|. \n]{0,40}") {
            let _result = render(&text, &Variables::sample());
        }
    }
}
