//! iPXE scripts as text.
//!
//! iPXE has no quoting: it expands `${…}`, splits a line at white space, takes `||`, `&&` and `;` as
//! ends of a command and `#` as the start of a comment. What would be read as anything else than
//! the word it is meant to be is refused.

mod lint;

pub use lint::{Fault, Problem, lint};

/// One initial RAM disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initrd<'a> {
    /// What the kernel calls it.
    pub name: &'a str,
    /// Where it is.
    pub url: &'a str,
}

/// Why a text cannot be part of a script. The text is not shown: arguments may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It holds a line break or another control character.
    #[error("the {part} has a control character")]
    Control {
        /// Which part of the script.
        part: &'static str,
    },
    /// It is empty or holds white space where one word is expected.
    #[error("the {part} is not one word")]
    NotAWord {
        /// Which part of the script.
        part: &'static str,
    },
    /// iPXE would expand it.
    #[error("the {part} has `${{`, which iPXE would replace by a setting of its own")]
    Setting {
        /// Which part of the script.
        part: &'static str,
    },
    /// There are more kernel arguments than any kernel takes.
    #[error("the kernel arguments are {bytes} bytes, no kernel takes more than {KERNEL_ARGS}")]
    TooLong {
        /// Their length.
        bytes: usize,
    },
    /// iPXE would end the command there.
    #[error(
        "the {part} has a word that starts with `#` or is `||`, `&&` or `;`, where iPXE would end the command"
    )]
    Command {
        /// Which part of the script.
        part: &'static str,
    },
}

/// The script that boots a kernel. Each of `comments` becomes a line of its own; `args` may hold
/// several words each.
///
/// # Errors
///
/// If a part cannot be written so that iPXE reads it as it is meant.
pub fn boot(
    comments: &[&str],
    kernel_url: &str,
    initrds: &[Initrd<'_>],
    args: &[impl AsRef<str>],
) -> Result<String, Error> {
    let mut script = String::from("#!ipxe\n");
    for comment in comments {
        line("comment", comment)?;
        script.push_str("# ");
        script.push_str(comment);
        script.push('\n');
    }
    let bytes = args.iter().map(|arg| arg.as_ref().len()).sum();
    if bytes > KERNEL_ARGS {
        return Err(Error::TooLong { bytes });
    }
    script.push_str("kernel ");
    script.push_str(word("kernel URL", kernel_url)?);
    for arg in args {
        script.push(' ');
        script.push_str(words("kernel arguments", arg.as_ref())?);
    }
    // A kernel that was started by EFI finds its RAM disks by these arguments alone.
    for initrd in initrds {
        script.push_str(" initrd=");
        script.push_str(word("initrd name", initrd.name)?);
    }
    script.push('\n');
    for initrd in initrds {
        script.push_str("initrd --name ");
        script.push_str(initrd.name);
        script.push(' ');
        script.push_str(word("initrd URL", initrd.url)?);
        script.push('\n');
    }
    script.push_str("boot\n");
    Ok(script)
}

/// The script that leaves iPXE so that the firmware goes on to its next boot device.
///
/// It leaves with an error: UEFI firmware that is told all went well stops at its boot menu instead
/// (UEFI 2.10 section 3.1.1).
pub const fn local_disk() -> &'static str {
    "#!ipxe\nexit 1\n"
}

/// The script that sends a server on to its own script, by the address of its first interface.
///
/// # Errors
///
/// If `boot_url` is not one word.
pub fn chain(boot_url: &str) -> Result<String, Error> {
    let boot_url = word("boot URL", boot_url)?;
    Ok(format!(
        "#!ipxe\nchain {boot_url}/ipxe/${{net0/mac:hexhyp}}\n"
    ))
}

/// Text that may hold anything but a line break.
fn line<'a>(part: &'static str, text: &'a str) -> Result<&'a str, Error> {
    if text.contains(char::is_control) {
        return Err(Error::Control { part });
    }
    if text.contains("${") {
        return Err(Error::Setting { part });
    }
    Ok(text)
}

/// Text that is read as words and nothing else.
fn words<'a>(part: &'static str, text: &'a str) -> Result<&'a str, Error> {
    line(part, text)?;
    let ends_the_command = |word: &str| word.starts_with('#') || ["||", "&&", ";"].contains(&word);
    if text.split_whitespace().any(ends_the_command) {
        return Err(Error::Command { part });
    }
    Ok(text)
}

/// Text that is read as one word.
fn word<'a>(part: &'static str, text: &'a str) -> Result<&'a str, Error> {
    words(part, text)?;
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(Error::NotAWord { part });
    }
    Ok(text)
}

/// How long the kernel arguments may be, in bytes. Linux takes 2 to 4 KiB (`COMMAND_LINE_SIZE`), and
/// some more from its loaders.
pub const KERNEL_ARGS: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_boot_script_names_each_initrd_twice() {
        let initrds = [
            Initrd {
                name: "initrd0",
                url: "http://10.0.0.1:8080/images/aa?boot=b",
            },
            Initrd {
                name: "initrd1",
                url: "http://10.0.0.1:8080/images/bb?boot=b",
            },
        ];
        let script = boot(
            &["server 4c4c4544", "revision 1f2e"],
            "http://10.0.0.1:8080/images/cc?boot=b",
            &initrds,
            &["console=ttyS0 quiet", "ds=nocloud;s=http://10.0.0.1/"],
        );
        assert_eq!(
            script.unwrap(),
            "#!ipxe
# server 4c4c4544
# revision 1f2e
kernel http://10.0.0.1:8080/images/cc?boot=b console=ttyS0 quiet ds=nocloud;s=http://10.0.0.1/ \
             initrd=initrd0 initrd=initrd1
initrd --name initrd0 http://10.0.0.1:8080/images/aa?boot=b
initrd --name initrd1 http://10.0.0.1:8080/images/bb?boot=b
boot
"
        );
    }

    #[test]
    fn a_chain_script_lets_ipxe_fill_in_its_address() {
        assert_eq!(
            chain("http://10.0.0.1:8080").unwrap(),
            "#!ipxe\nchain http://10.0.0.1:8080/ipxe/${net0/mac:hexhyp}\n"
        );
        assert_eq!(
            chain("http://10.0.0.1 ||"),
            Err(Error::Command { part: "boot URL" })
        );
    }

    #[track_caller]
    fn refused(args: &str, expected: &Error) {
        let script = boot(&[], "http://a/k", &[], &[args]);
        assert_eq!(script.as_ref(), Err(expected), "{args:?}");
    }

    #[test]
    fn what_ipxe_would_read_as_something_else_is_refused() {
        let part = "kernel arguments";
        let long = "a".repeat(KERNEL_ARGS + 1);
        refused(&long, &Error::TooLong { bytes: long.len() });
        refused("quiet\nshell", &Error::Control { part });
        refused("quiet\r", &Error::Control { part });
        refused("name=${net0/mac}", &Error::Setting { part });
        refused("quiet || shell", &Error::Command { part });
        refused("quiet && shell", &Error::Command { part });
        refused("quiet ; shell", &Error::Command { part });
        refused("quiet #no", &Error::Command { part });
        let part = "kernel URL";
        for url in ["", "http://a/k b"] {
            let none: [&str; 0] = [];
            assert_eq!(boot(&[], url, &[], &none), Err(Error::NotAWord { part }));
        }
    }

    proptest! {
        #[test]
        fn a_boot_script_has_one_line_for_each_command(
            comment: String, url: String, name: String, args: Vec<String>,
        ) {
            let initrds = [Initrd { name: &name, url: &url }];
            if let Ok(script) = boot(&[&comment], &url, &initrds, &args) {
                let lines: Vec<&str> = script.split('\n').collect();
                prop_assert_eq!(lines.len(), 6);
                prop_assert!(lines[2].starts_with("kernel "));
                prop_assert_eq!(lines[4], "boot");
                let expands = script.contains("${");
                prop_assert!(!expands);
            }
        }
    }
}
