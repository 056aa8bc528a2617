//! What bounds the memory and the stack that a template takes, whoever wrote it.
//!
//! Fuel bounds how long a template runs, and nothing else: one `a ~ a` after the other doubles a
//! text until the process is out of memory, and a hundred thousand `not` in a row overflow the
//! stack of the compiler. So whatever could grow from one step to the next is left out of the
//! language, one tag has a bounded number of parts, and what is written has a bounded length.

use std::{borrow::Cow, io};

use minijinja::{
    Environment, ErrorKind, Value,
    machinery::{Span, Token, tokenize},
    syntax::SyntaxConfig,
};

use super::{Error, failed};

/// Refuses a text that the compiler or the renderer might not survive.
pub(super) fn check(text: &str, syntax: SyntaxConfig) -> Result<(), Error> {
    let mut nesting = Nesting::default();
    let mut tag = Tag::default();
    for token in tokenize(text, false, syntax) {
        let (token, span) = token.map_err(failed)?;
        let checked = match token {
            Token::TemplateData(_) => Ok(()),
            Token::VariableStart | Token::BlockStart => {
                tag = Tag::opened(matches!(token, Token::BlockStart), span);
                Ok(())
            }
            token => tag.part(&token, span, &mut nesting),
        };
        checked.map_err(|reason| Error::Failed {
            line: usize::from(span.start_line),
            reason,
        })?;
    }
    Ok(())
}

/// `{{ … }}` or `{% … %}`.
#[derive(Default)]
struct Tag {
    statement: bool,
    start: u32,
    parts: usize,
    /// Whether it is a `for`, whose variable the tags inside of it build on.
    binds: bool,
    brackets: usize,
}

impl Tag {
    fn opened(statement: bool, span: Span) -> Self {
        Self {
            statement,
            start: span.start_offset,
            ..Self::default()
        }
    }

    fn part(&mut self, token: &Token<'_>, span: Span, nesting: &mut Nesting) -> Result<(), String> {
        self.parts += 1;
        if self.parts > PARTS || span.end_offset - self.start > TAG {
            return Err(format!(
                "the tag is too long, it may have {PARTS} parts and {TAG} bytes"
            ));
        }
        if let Token::Ident(keyword) = token
            && self.statement
            && self.parts == 1
        {
            self.binds = *keyword == "for";
            return nesting.statement(keyword);
        }
        match token {
            Token::Mul | Token::Pow => return Err("there is no multiplication".to_owned()),
            Token::BracketOpen | Token::BraceOpen | Token::ParenOpen => self.brackets += 1,
            Token::BracketClose | Token::BraceClose | Token::ParenClose => {
                self.brackets = self.brackets.saturating_sub(1);
            }
            _ => {}
        }
        let grows = matches!(
            token,
            Token::Tilde | Token::Plus | Token::Ident("recursive")
        );
        if self.binds && (grows || self.brackets > 1) {
            return Err(
                "a for loop goes over a variable, a range or a plain list, and is not recursive"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// The statements that are open. The compiler goes one level deeper for each, `elif` included.
#[derive(Default)]
struct Nesting {
    open: Vec<usize>,
    depth: usize,
}

impl Nesting {
    fn statement(&mut self, keyword: &str) -> Result<(), String> {
        match keyword {
            "if" | "for" => self.open.push(1),
            "elif" => {
                if let Some(last) = self.open.last_mut() {
                    *last += 1;
                }
            }
            "endif" | "endfor" => {
                self.depth -= self.open.pop().unwrap_or(0);
                return Ok(());
            }
            "else" => return Ok(()),
            _ => return Err(format!("{keyword:?} is none of the statements: if and for")),
        }
        if !self.open.is_empty() {
            self.depth += 1;
        }
        if self.depth > DEPTH {
            return Err(format!("more than {DEPTH} statements are open at once"));
        }
        Ok(())
    }
}

/// Takes out of `environment` what makes much of little, or puts a bounded one in its place.
pub(super) fn limit(environment: &mut Environment<'_>) {
    for filter in [
        "batch", "chain", "format", "groupby", "indent", "map", "pprint", "slice", "sum", "zip",
    ] {
        environment.remove_filter(filter);
    }
    for global in ["debug", "dict", "namespace"] {
        environment.remove_global(global);
    }
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
}

fn replace(
    text: Cow<'_, str>,
    from: Cow<'_, str>,
    to: Cow<'_, str>,
) -> Result<String, minijinja::Error> {
    let added = text.matches(&*from).count().saturating_mul(to.len());
    if added.saturating_add(text.len()) > VALUE {
        return Err(too_large());
    }
    Ok(text.replace(&*from, &to))
}

fn join(items: Value, between: Option<Cow<'_, str>>) -> Result<String, minijinja::Error> {
    let mut joined = String::new();
    for (at, item) in items.try_iter()?.enumerate() {
        if at > 0 {
            joined.push_str(between.as_deref().unwrap_or_default());
        }
        joined.push_str(&item.to_string());
        if joined.len() > VALUE {
            return Err(too_large());
        }
    }
    Ok(joined)
}

/// A value is larger than [`VALUE`].
#[derive(Debug, thiserror::Error)]
#[error("the value is too large")]
struct TooLarge;

fn too_large() -> minijinja::Error {
    minijinja::Error::from(ErrorKind::InvalidOperation).with_source(TooLarge)
}

/// Whether `error` is about such a value.
pub(super) fn is_too_large(error: &minijinja::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<TooLarge>())
}

/// What a template writes, up to a bound.
#[derive(Default)]
pub(super) struct Output(Vec<u8>);

impl Output {
    pub(super) fn into_text(self) -> String {
        // Templates are text, and so is what they write.
        String::from_utf8(self.0).unwrap_or_default()
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many parts one tag may have, names, texts and signs. The compiler may go one level deeper
/// for each.
const PARTS: usize = 96;

/// How many bytes one tag may have.
const TAG: u32 = 4096;

/// How many statements may be open at once.
const DEPTH: usize = 120;

/// How large a filter may make a text, in bytes.
const VALUE: usize = 1 << 20;

/// How much one template may write, in bytes: what the control API takes, twice.
const OUTPUT: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    #[track_caller]
    fn refuse(text: &str, reason: &str) {
        let error = render(text, &Variables::sample()).unwrap_err().to_string();
        let expected = format!("line 1 of the template cannot be rendered: {reason}");
        assert!(error.starts_with(&expected), "{error}");
    }

    #[test]
    fn a_template_cannot_make_a_text_grow_and_grow() {
        let set = "\"set\" is none of the statements";
        refuse(
            &format!("{}{{{{ a }}}}", "{% set a = mac ~ mac %}".repeat(40)),
            set,
        );
        refuse(
            "{%- set n = namespace(a=mac) %}{% for i in range(40) %}{% set n.a = n.a ~ n.a %}\
             {% endfor %}",
            set,
        );
        refuse("{% with a = mac ~ mac %}{% endwith %}", "\"with\" is none");
        refuse("{% filter upper %}{% endfilter %}", "\"filter\" is none");
        refuse("{{ 'a' * 99999999 }}", "there is no multiplication");
        refuse("{{ mac|indent(10000000000) }}", "unknown filter");
        refuse("{{ '%9999999999d'|format(1) }}", "unknown filter");
        let thousand = "a".repeat(1000);
        refuse(
            &format!("{{{{ '{thousand}'|replace('a', '{thousand}')|replace('a', 'bb') }}}}"),
            "it makes too much text",
        );
        refuse(
            &format!("{{{{ range(99999)|join('{thousand}') }}}}"),
            "it makes too much text",
        );
        let plain = "a for loop goes over a variable, a range or a plain list";
        refuse("{% for a in [mac ~ mac] %}{{ a }}{% endfor %}", plain);
        refuse("{% for a in [[mac, mac]] %}{{ a }}{% endfor %}", plain);
        refuse(
            "{% for a in [mac] recursive %}{{ loop([a]) }}{% endfor %}",
            plain,
        );
        let text = format!("{{% for i in range(99999) %}}{thousand}{{% endfor %}}");
        refuse(&text, "it makes too much text");
    }

    #[test]
    fn a_template_cannot_overflow_the_stack() {
        let long = "the tag is too long";
        for part in [
            "not ",
            "-",
            "mac ~ ",
            "mac or ",
            "(",
            "[",
            "mac.",
            "mac if mac else ",
        ] {
            refuse(&format!("{{{{ {}mac }}}}", part.repeat(100_000)), long);
        }
        refuse(&format!("{{{{ mac{} }}}}", "|upper".repeat(100_000)), long);
        let deep = "more than 120 statements are open at once";
        let ifs = "{% if mac %}".repeat(100_000);
        refuse(&ifs, deep);
        refuse(
            &format!("{{% if mac %}}{}", "{% elif mac %}".repeat(100_000)),
            deep,
        );
    }

    #[test]
    fn everything_below_the_bounds_renders() {
        let check = |text: &str, expected: &str| {
            assert_eq!(render(text, &Variables::sample()).unwrap(), expected);
        };
        check(
            "{% if hostname == 'a' %}1{% elif hostname == 'sample' %}2{% else %}3{% endif %}",
            "2",
        );
        check("{{ mac|replace(':', '-') }}", "52-54-00-12-34-56");
        let lines = "\n".repeat(100_000);
        let text = format!("{lines}{{{{ mac }}}}");
        check(&text, &format!("{lines}52:54:00:12:34:56"));
        check(
            "{{ initrd_urls|join(' ') }}",
            "http://192.0.2.1/images/sample",
        );
        check("{% for i in range(3) %}{{ i + 1 }}{% endfor %}", "123");
        check(
            "{% raw %}{% set a = b ~ b %}{% endraw %}",
            "{% set a = b ~ b %}",
        );
        let chain = "{% elif mac == 'a' %}".repeat(DEPTH - 1);
        check(
            &format!("{{% if mac == 'b' %}}{chain}{{% else %}}c{{% endif %}}"),
            "c",
        );
        let open = "{% if mac %}".repeat(DEPTH);
        check(&format!("{open}a{}", "{% endif %}".repeat(DEPTH)), "a");
        let longest = "mac ~ ".repeat(PARTS / 2 - 1);
        assert!(render(&format!("{{{{ {longest}mac }}}}"), &Variables::sample()).is_ok());
    }
}
