//! What is wrong with an iPXE script, as far as it shows without running it.
//!
//! Lines, words and operators are told apart as iPXE does it (`src/image/script.c` and
//! `src/core/exec.c`). A script may be a template still: what stands in `{{ }}`, `{% %}` and `{# #}`
//! is not judged, nor is any word that iPXE makes up while it runs.

use std::{collections::BTreeMap, fmt};

/// Something wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line it is on, from 1.
    pub line: usize,
    /// What it is.
    pub fault: Fault,
}

/// What is wrong with a line. Of a line's words none is shown but commands, labels and operators:
/// arguments may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The script does not start as one.
    #[error("a script starts with a line `#!ipxe`")]
    NoMagic,
    /// iPXE has no such command.
    #[error("{0:?} is no command of iPXE")]
    UnknownCommand(String),
    /// A command has too few arguments.
    #[error("{command} needs {least} argument(s), and has {found}")]
    TooFewArguments {
        /// The command.
        command: String,
        /// How many it needs.
        least: usize,
        /// How many it has.
        found: usize,
    },
    /// There is nowhere to go.
    #[error("there is no label :{0}")]
    UnknownLabel(String),
    /// There are two places to go.
    #[error("the label :{label} is on line {first} already, where every goto ends up")]
    SecondLabel {
        /// The label.
        label: String,
        /// Where it is first.
        first: usize,
    },
    /// An operator is not a word of its own.
    #[error("{0} is part of a word; iPXE takes it for an operator only with white space around it")]
    GluedOperator(&'static str),
    /// A setting has no end.
    #[error("`${{` has no `}}` in the same word, so iPXE does not expand it")]
    OpenSetting,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

/// Everything that is wrong with a script, by line.
pub fn lint(script: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let magic = script.strip_prefix("#!ipxe");
    if !magic.is_some_and(|rest| rest.starts_with(is_space)) {
        let fault = Fault::NoMagic;
        problems.push(Problem { line: 1, fault });
    }
    let script = without_templates(script);
    let lines = lines(&script);
    let mut labels = BTreeMap::new();
    for line in &lines {
        let Some(label) = line.label else { continue };
        if let Some(first) = labels.get(label) {
            let (label, first) = (shown(label), *first);
            problems.push(line.problem(Fault::SecondLabel { label, first }));
        } else {
            labels.insert(label, line.number);
        }
    }
    for line in &lines {
        let mut faults = Vec::new();
        for command in line.commands(&mut faults) {
            judge(&command, &labels, &mut faults);
        }
        problems.extend(faults.into_iter().map(|fault| line.problem(fault)));
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// A line with what was continued from it.
struct Line<'a> {
    number: usize,
    label: Option<&'a str>,
    words: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn problem(&self, fault: Fault) -> Problem {
        Problem {
            line: self.number,
            fault,
        }
    }

    /// The words of each command.
    fn commands(&self, faults: &mut Vec<Fault>) -> Vec<Vec<&'a str>> {
        let mut commands = vec![Vec::new()];
        for word in &self.words {
            if word.starts_with('#') {
                break;
            }
            if ["||", "&&", ";"].contains(word) {
                commands.push(Vec::new());
                continue;
            }
            let glued =
                |operator: &&&str| word.starts_with(**operator) || word.ends_with(**operator);
            if let Some(operator) = ["||", "&&"].iter().find(glued) {
                faults.push(Fault::GluedOperator(operator));
            }
            let open = word.rfind("${").is_some_and(|at| !word[at..].contains('}'));
            if open {
                faults.push(Fault::OpenSetting);
            }
            if let Some(command) = commands.last_mut() {
                command.push(*word);
            }
        }
        commands
    }
}

fn judge(words: &[&str], labels: &BTreeMap<&str, usize>, faults: &mut Vec<Fault>) {
    let Some((command, arguments)) = words.split_first() else {
        return;
    };
    if is_made_up(command) {
        return;
    }
    let Ok(place) = COMMANDS.binary_search_by_key(command, |(name, _)| name) else {
        faults.push(Fault::UnknownCommand(shown(command)));
        return;
    };
    let (command, least) = COMMANDS[place];
    // A word of a template can become several.
    let made_up = arguments.iter().any(|word| word.contains(TEMPLATE));
    let found = arguments
        .iter()
        .filter(|word| !word.starts_with("--"))
        .count();
    if found < least && !made_up {
        faults.push(Fault::TooFewArguments {
            command: command.to_owned(),
            least,
            found,
        });
    }
    if let ("goto", [label]) = (command, arguments)
        && !is_made_up(label)
        && !labels.contains_key(label)
        && !labels.keys().any(|label| is_made_up(label))
    {
        faults.push(Fault::UnknownLabel(shown(label)));
    }
}

fn is_made_up(word: &str) -> bool {
    word.contains("${") || word.contains(TEMPLATE)
}

/// A name as it may be shown in a message.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

fn lines(script: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut continued: Option<Line<'_>> = None;
    for (index, text) in script.split('\n').enumerate() {
        let text = text.strip_suffix('\r').unwrap_or(text);
        let (text, goes_on) = match text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut words = text.split(is_space).filter(|word| !word.is_empty());
        let mut line = continued.take().unwrap_or_else(|| {
            let mut rest = words.clone();
            let label = rest.next().and_then(|word| word.strip_prefix(':'));
            if label.is_some() {
                words = rest;
            }
            let (number, words) = (index + 1, Vec::new());
            Line {
                number,
                label,
                words,
            }
        });
        line.words.extend(words);
        if goes_on {
            continued = Some(line);
        } else {
            lines.push(line);
        }
    }
    lines.extend(continued);
    lines
}

/// The script with a mark for every value of a template, and without its statements and comments.
/// Lines stay where they are.
fn without_templates(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = match from.as_bytes() {
            // What iPXE expands is not the template's.
            _ if before.ends_with('$') => None,
            [b'{', b'{', ..] => from.find("}}"),
            [b'{', b'%', ..] => from.find("%}"),
            [b'{', b'#', ..] => from.find("#}"),
            _ => None,
        };
        let Some(end) = end else {
            out.push('{');
            rest = &from[1..];
            continue;
        };
        let (tag, after) = from.split_at(end + 2);
        if tag.starts_with("{{") {
            out.push(TEMPLATE);
        }
        out.extend(tag.matches('\n'));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Stands for a value of a template. No text has it: it is no character of any script.
const TEMPLATE: char = '\u{fdd0}';

/// What C's `isspace` takes for white space.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// Every command of iPXE (August 2026), with how many arguments it needs at least. Which ones a
/// loader has is decided when it is built.
const COMMANDS: &[(&str, usize)] = &[
    ("autoboot", 0),
    ("boot", 0),
    ("certfree", 0),
    ("certstat", 0),
    ("certstore", 0),
    ("chain", 1),
    ("choose", 1),
    ("clear", 1),
    ("colour", 1),
    ("config", 0),
    ("console", 0),
    ("cpair", 1),
    ("cpuid", 1),
    ("dhcp", 0),
    ("echo", 0),
    ("exit", 0),
    ("fcels", 1),
    ("fcstat", 0),
    ("fdt", 0),
    ("form", 0),
    ("gdbstub", 1),
    ("goto", 1),
    ("help", 0),
    ("ibstat", 0),
    ("ifclose", 0),
    ("ifconf", 0),
    ("iflinkwait", 0),
    ("ifopen", 0),
    ("ifstat", 0),
    ("imgargs", 1),
    ("imgdecrypt", 2),
    ("imgexec", 0),
    ("imgextract", 1),
    ("imgfetch", 1),
    ("imgfree", 0),
    ("imgload", 1),
    ("imgmem", 2),
    ("imgselect", 1),
    ("imgset", 2),
    ("imgstat", 0),
    ("imgtrust", 0),
    ("imgverify", 2),
    ("inc", 1),
    ("initrd", 1),
    ("ipstat", 0),
    ("iseq", 2),
    ("isset", 1),
    ("item", 0),
    ("iwlist", 0),
    ("iwstat", 0),
    ("kernel", 1),
    ("login", 0),
    ("lotest", 2),
    ("md4sum", 1),
    ("md5sum", 1),
    ("menu", 0),
    ("module", 1),
    ("nslookup", 2),
    ("nstat", 0),
    ("ntp", 1),
    ("param", 1),
    ("params", 0),
    ("pciscan", 1),
    ("ping", 1),
    ("poweroff", 0),
    ("present", 0),
    ("profstat", 0),
    ("prompt", 0),
    ("pxebs", 2),
    ("read", 1),
    ("reboot", 0),
    ("route", 0),
    ("sanboot", 0),
    ("sanhook", 1),
    ("sanunhook", 0),
    ("set", 1),
    ("sha1sum", 1),
    ("sha224sum", 1),
    ("sha256sum", 1),
    ("sha384sum", 1),
    ("sha512sum", 1),
    ("shell", 0),
    ("shim", 0),
    ("show", 1),
    ("sleep", 1),
    ("startpxe", 0),
    ("stoppxe", 0),
    ("sync", 0),
    ("time", 1),
    ("usbscan", 1),
    ("vcreate", 1),
    ("vdestroy", 1),
];

#[cfg(test)]
mod tests;
