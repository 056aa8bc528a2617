//! Scripts: lines, labels, words.

/// A script that is being run.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// Where it came from: relative URLs in it mean this.
    pub(super) url: String,
    lines: Vec<String>,
    next: usize,
}

/// What follows a command on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The line ends.
    End,
    /// `&&`: the next command, if this one succeeded.
    OnSuccess,
    /// `||`: the next command, if this one failed.
    OnFailure,
    /// `;`: the next command.
    Always,
}

/// The words of one command, not expanded yet, and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<String>,
    pub(super) then: Then,
}

impl Script {
    /// A script, if `text` is one: its first line says so.
    pub(super) fn parse(url: &str, text: &str) -> Option<Self> {
        let rest = ["#!ipxe", "#!gpxe"]
            .iter()
            .find_map(|magic| text.strip_prefix(magic))?;
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        // A backslash at the end of a line goes on with the next one.
        let text = text.replace("\\\r\n", "").replace("\\\n", "");
        Some(Self {
            url: url.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            next: 0,
        })
    }

    /// The next line that has commands on it.
    pub(super) fn next_line(&mut self) -> Option<&str> {
        while let Some(line) = self.lines.get(self.next) {
            self.next += 1;
            if !line.starts_with(':') {
                return Some(line);
            }
        }
        None
    }

    /// Goes on after the first line with this label. Returns whether there is one.
    pub(super) fn go_to(&mut self, label: &str) -> bool {
        let found = self.lines.iter().position(|line| {
            line.strip_prefix(':')
                .and_then(|rest| rest.split_whitespace().next())
                == Some(label)
        });
        if let Some(found) = found {
            self.next = found + 1;
        }
        found.is_some()
    }
}

/// The commands of a line. iPXE knows no quotes: words end at white space, and a word that begins
/// with `#` begins a comment.
pub(super) fn commands(line: &str) -> Vec<Command> {
    let (mut commands, mut words) = (Vec::new(), Vec::new());
    for word in line.split_whitespace() {
        if word.starts_with('#') {
            break;
        }
        let then = match word {
            "&&" => Then::OnSuccess,
            "||" => Then::OnFailure,
            ";" => Then::Always,
            word => {
                words.push(word.to_owned());
                continue;
            }
        };
        let words = std::mem::take(&mut words);
        commands.push(Command { words, then });
    }
    let then = Then::End;
    commands.push(Command { words, then });
    commands
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, Then)]) {
        let found: Vec<(String, Then)> = commands(line)
            .into_iter()
            .map(|command| (command.words.join("|"), command.then))
            .collect();
        let expected: Vec<(String, Then)> = expected
            .iter()
            .map(|(words, then)| ((*words).to_owned(), *then))
            .collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn a_line_is_split_at_white_space_and_at_words_that_join_commands() {
        check("", &[("", Then::End)]);
        check("# all comment", &[("", Then::End)]);
        check("\techo a  b # c", &[("echo|a|b", Then::End)]);
        check("echo a#b", &[("echo|a#b", Then::End)]);
        check("echo \"a b\"", &[("echo|\"a|b\"", Then::End)]);
        check(
            "isset ${x} && goto y || echo no ; exit",
            &[
                ("isset|${x}", Then::OnSuccess),
                ("goto|y", Then::OnFailure),
                ("echo|no", Then::Always),
                ("exit", Then::End),
            ],
        );
        check("a||b", &[("a||b", Then::End)]);
    }

    #[test]
    fn a_text_is_a_script_only_with_the_magic_word_alone_on_its_first_line() {
        let is = |text| Script::parse("", text).is_some();
        assert!(is("#!ipxe\necho"));
        assert!(is("#!gpxe"));
        assert!(is("#!ipxe \r\n"));
        assert!(!is("#!ipxex\n"));
        assert!(!is("\n#!ipxe\n"));
        assert!(!is(""));
    }

    #[test]
    fn labels_are_found_from_the_start_and_never_run() {
        let mut script = Script::parse("", "#!ipxe\n:a\none\n:b x\ntwo \\\nmore\n:a\n").unwrap();
        assert_eq!(script.next_line(), Some("#!ipxe"));
        assert_eq!(script.next_line(), Some("one"));
        assert_eq!(script.next_line(), Some("two more"));
        assert_eq!(script.next_line(), None);
        assert!(script.go_to("b"));
        assert_eq!(script.next_line(), Some("two more"));
        assert!(script.go_to("a"));
        assert_eq!(script.next_line(), Some("one"));
        assert!(!script.go_to("c"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            if let Some(mut script) = Script::parse("", &format!("#!ipxe\n{text}")) {
                while let Some(line) = script.next_line() {
                    let _commands = commands(line);
                }
            }
        }
    }
}
