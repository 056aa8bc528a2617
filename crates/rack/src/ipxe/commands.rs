//! The commands of a script.

use std::time::Duration;

use super::{
    FAILED, Ipxe, NO_FILE, OK, Outcome, Step, Use, Waiting,
    options::{Parsed, Spec, flag, parse, value},
};
use crate::net::url::{file_name, resolve};

impl Ipxe {
    /// Runs one command; its words are not expanded yet.
    pub(super) fn run(&mut self, words: &[String]) -> Outcome {
        let words: Vec<String> = words
            .iter()
            .map(|word| self.settings.expand(word))
            .collect();
        let [command, arguments @ ..] = words.as_slice() else {
            return OK;
        };
        let outcome = match command.as_str() {
            "echo" => self.echo(arguments),
            "set" => self.set(arguments),
            "clear" => self.clear(arguments),
            "inc" => self.inc(arguments),
            "isset" => only::<1>(arguments).map(|[value]| truth(!value.is_empty())),
            "iseq" => only::<2>(arguments).map(|[one, other]| truth(one == other)),
            "show" => self.show(arguments),
            "goto" => self.go_to(arguments),
            "exit" => exit(arguments),
            "sleep" => sleep(arguments),
            "kernel" | "imgselect" | "imgload" => self.image(arguments, Use::Select),
            "initrd" | "imgfetch" | "module" => self.image(arguments, Use::Keep),
            "imgargs" => self.image_arguments(arguments),
            "imgfree" => self.free(arguments),
            "imgstat" => self.list_images(),
            "chain" | "boot" | "imgexec" => self.execute_command(arguments),
            "dhcp" | "ifconf" | "autoboot" => self.configure(arguments),
            "ifopen" | "ifclose" | "iflinkwait" | "ifstat" | "route" | "colour" | "cpair"
            | "console" => Ok(OK),
            "shell" | "login" | "read" | "prompt" => Ok(Outcome::Over(Step::Prompt)),
            "reboot" => Ok(Outcome::Over(Step::Reboot)),
            "poweroff" => Ok(Outcome::Over(Step::PowerOff)),
            unknown => Err(format!("{unknown}: command not found")),
        };
        outcome.unwrap_or_else(|message| {
            self.print(message);
            FAILED
        })
    }

    fn echo(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let parsed = parse(arguments, &[flag("n", 'n')])?;
        self.print(parsed.rest.join(" "));
        Ok(OK)
    }

    fn set(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let parsed = parse(arguments, &[])?;
        let [name, value @ ..] = parsed.rest else {
            return Err("Usage: set <setting> [<value>]".to_owned());
        };
        if value.is_empty() {
            self.settings.clear(name);
            return Ok(OK);
        }
        if self.settings.set(name, &value.join(" ")) {
            Ok(OK)
        } else {
            Err(format!("Could not set \"{name}\": Invalid argument"))
        }
    }

    fn clear(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let [name] = only(arguments)?;
        self.settings.clear(name);
        Ok(OK)
    }

    fn inc(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let (name, by) = match arguments {
            [name] => (name, 1),
            [name, by] => (name, integer(by)?.into()),
            _ => return Err("Usage: inc <setting> [<increment>]".to_owned()),
        };
        if self.settings.increase(name, by) {
            Ok(OK)
        } else {
            Err(format!("Could not set \"{name}\": Invalid argument"))
        }
    }

    fn show(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let [name] = only(arguments)?;
        match self.settings.get(name) {
            Some(value) => {
                self.print(format!("{name} = {value}"));
                Ok(OK)
            }
            None => Err(format!("Could not find \"{name}\": {NO_FILE}")),
        }
    }

    fn go_to(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let [label] = only(arguments)?;
        let script = self
            .frames
            .last_mut()
            .and_then(|frame| frame.script.as_mut());
        if script.is_some_and(|script| script.go_to(label)) {
            Ok(Outcome::Jumped)
        } else {
            Err(format!("goto {label}: {NO_FILE}"))
        }
    }

    /// `kernel`, `initrd` and their kin: an image that is there already, or one to fetch.
    fn image(&mut self, arguments: &[String], then: Use) -> Result<Outcome, String> {
        let parsed = parse(arguments, &IMAGE_OPTIONS)?;
        self.acquire(&parsed, then)
    }

    fn execute_command(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let parsed = parse(arguments, &IMAGE_OPTIONS)?;
        let (replace, free) = (parsed.has("replace"), parsed.has("autofree"));
        let then = Use::Execute { replace, free };
        if !parsed.rest.is_empty() {
            return self.acquire(&parsed, then);
        }
        match self.selected.clone() {
            Some(name) => Ok(self.use_image(&name, then)),
            None => Err("No image selected".to_owned()),
        }
    }

    fn acquire(&mut self, parsed: &Parsed<'_>, then: Use) -> Result<Outcome, String> {
        let [reference, args @ ..] = parsed.rest else {
            return Err("Usage: <command> [--name <name>] <uri|image> [<arguments>...]".to_owned());
        };
        let args = args.join(" ");
        if let Some((_, image)) = self.images.get_mut(reference) {
            if !args.is_empty() {
                image.args = args;
            }
            return Ok(self.use_image(reference, then));
        }
        if self.images.len() >= MAX_IMAGES {
            return Err(format!("{reference}: Out of memory"));
        }
        let script = self.frames.last().and_then(|frame| frame.script.as_ref());
        let base = script.map_or("", |script| script.url.as_str());
        let url = resolve(base, reference);
        let name = parsed.value("name").unwrap_or_else(|| file_name(&url));
        self.waiting = Some(Waiting::Image {
            name: name.to_owned(),
            url: url.clone(),
            args,
            then,
        });
        Ok(Outcome::Pending(Step::Fetch(url)))
    }

    fn image_arguments(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let [name, args @ ..] = arguments else {
            return Err("Usage: imgargs <uri|image> [<arguments>...]".to_owned());
        };
        let Some((_, image)) = self.images.get_mut(name) else {
            return Err(format!("{name}: {NO_FILE}"));
        };
        image.args = args.join(" ");
        Ok(OK)
    }

    fn free(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        if arguments.is_empty() {
            self.images.clear();
            self.selected = None;
        }
        for name in arguments {
            if self.images.remove(name).is_none() {
                return Err(format!("{name}: {NO_FILE}"));
            }
        }
        let images = &self.images;
        self.selected
            .take_if(|selected| !images.contains_key(selected.as_str()));
        Ok(OK)
    }

    fn list_images(&mut self) -> Result<Outcome, String> {
        let lines: Vec<String> = self
            .images
            .values()
            .map(|(_, image)| format!("{} : {} bytes", image.name, image.length))
            .collect();
        lines.into_iter().for_each(|line| self.print(line));
        Ok(OK)
    }

    fn configure(&mut self, arguments: &[String]) -> Result<Outcome, String> {
        let parsed = parse(arguments, &CONFIGURE_OPTIONS)?;
        for device in parsed.rest {
            if !matches!(device.as_str(), "net0" | "netX") {
                return Err(format!("{device}: no such interface"));
            }
        }
        self.waiting = Some(Waiting::Address);
        Ok(Outcome::Pending(Step::Configure))
    }
}

/// A code of an exit: nothing is success.
fn exit(arguments: &[String]) -> Result<Outcome, String> {
    let code = match arguments {
        [] => 0,
        [code] => integer(code)?,
        _ => return Err("Usage: exit [<status>]".to_owned()),
    };
    Ok(Outcome::Left(code))
}

fn sleep(arguments: &[String]) -> Result<Outcome, String> {
    let [seconds] = only(arguments)?;
    let wait = integer(seconds)?;
    Ok(Outcome::Pending(Step::Sleep(Duration::from_secs(
        wait.into(),
    ))))
}

/// Exactly so many arguments.
fn only<const N: usize>(arguments: &[String]) -> Result<&[String; N], String> {
    arguments.try_into().map_err(|_is_the_count| {
        let found = arguments.len();
        format!("Invalid number of arguments: {found}, expected {N}")
    })
}

fn truth(holds: bool) -> Outcome {
    if holds { OK } else { FAILED }
}

/// A number as `strtoul` reads it, so nothing is zero.
fn integer(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.is_empty() => Some(0),
        None => text.parse().ok(),
    };
    number.ok_or_else(|| format!("\"{text}\": invalid integer value"))
}

const IMAGE_OPTIONS: [Spec; 4] = [
    value("name", 'n'),
    value("timeout", 't'),
    flag("replace", 'r'),
    flag("autofree", 'a'),
];
const CONFIGURE_OPTIONS: [Spec; 2] = [value("timeout", 't'), value("configurator", 'c')];
const MAX_IMAGES: usize = 64;
