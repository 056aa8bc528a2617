//! Options of commands.

/// An option that a command takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) long: &'static str,
    pub(super) short: char,
    pub(super) value: bool,
}

/// The options of one command and what stands behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    options: Vec<(&'static str, Option<&'a str>)>,
    pub(super) rest: &'a [String],
}

impl<'a> Parsed<'a> {
    pub(super) fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == long)
    }

    pub(super) fn value(&self, long: &str) -> Option<&'a str> {
        self.options
            .iter()
            .find(|(name, _)| *name == long)
            .and_then(|(_, value)| *value)
    }
}

pub(super) const fn flag(long: &'static str, short: char) -> Spec {
    Spec {
        long,
        short,
        value: false,
    }
}

pub(super) const fn value(long: &'static str, short: char) -> Spec {
    Spec {
        long,
        short,
        value: true,
    }
}

/// Reads the options at the beginning of `words`. The first word that is none ends them: what
/// stands behind a URL is the kernel's.
pub(super) fn parse<'a>(words: &'a [String], specs: &[Spec]) -> Result<Parsed<'a>, String> {
    let mut parsed = Parsed {
        options: Vec::new(),
        rest: words,
    };
    while let [word, rest @ ..] = parsed.rest {
        let (spec, mut given) = if word == "--" {
            parsed.rest = rest;
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            let (long, given) = match long.split_once('=') {
                Some((long, given)) => (long, Some(given)),
                None => (long, None),
            };
            (specs.iter().find(|spec| spec.long == long), given)
        } else if let Some(short) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            let mut letters = short.chars();
            let letter = letters.next();
            let given = Some(letters.as_str()).filter(|given| !given.is_empty());
            (specs.iter().find(|spec| Some(spec.short) == letter), given)
        } else {
            break;
        };
        let Some(spec) = spec else {
            return Err(format!("Unrecognised option {word:?}"));
        };
        parsed.rest = rest;
        if spec.value && given.is_none() {
            let [next, rest @ ..] = rest else {
                return Err(format!("Option {word:?} requires an argument"));
            };
            given = Some(next);
            parsed.rest = rest;
        }
        parsed.options.push((spec.long, given));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [Spec; 2] = [value("name", 'n'), flag("replace", 'r')];

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(line: &str, name: Option<&str>, replace: bool, rest: &str) {
        let words_of_line = words(line);
        let parsed = parse(&words_of_line, &SPECS).unwrap();
        assert_eq!(parsed.value("name"), name, "{line}");
        assert_eq!(parsed.has("replace"), replace, "{line}");
        assert_eq!(parsed.rest.join(" "), rest, "{line}");
    }

    #[test]
    fn options_stand_before_the_first_word_that_is_none() {
        check("", None, false, "");
        check(
            "--name a http://x --name b",
            Some("a"),
            false,
            "http://x --name b",
        );
        check("-n a -r x", Some("a"), true, "x");
        check("-na x", Some("a"), false, "x");
        check("--name=a --replace x", Some("a"), true, "x");
        check("-- --name x", None, false, "--name x");
        check("- x", None, false, "- x");
        assert!(parse(&words("--nothing x"), &SPECS).is_err());
        assert!(parse(&words("--name"), &SPECS).is_err());
    }
}
