//! A small iPXE: it runs scripts, and asks its owner for everything that needs the world.
//!
//! [`Ipxe::next`] runs until something is needed or happens, and says what: a [`Step`]. Whoever
//! drives it does that and says how it went ([`Ipxe::fetched`], [`Ipxe::configured`]). Nothing here
//! waits, and a script that runs in circles is stopped.

mod commands;
mod image;
mod options;
mod script;
mod settings;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

pub(crate) use self::{image::Image, settings::Settings};
use self::{
    image::ImageKind,
    script::{Command, Script, Then},
};

/// An iPXE that runs.
#[derive(Debug)]
pub(crate) struct Ipxe {
    pub(crate) settings: Settings,
    /// Every image by name, and the order in which they came.
    images: BTreeMap<String, (u32, Image)>,
    fetched: u32,
    /// The image that `boot` boots.
    selected: Option<String>,
    /// What runs: the autoboot, the script it runs, the script that one called, and so on.
    frames: Vec<Frame>,
    output: VecDeque<String>,
    ready: Option<Step>,
    waiting: Option<Waiting>,
    commands_run: u32,
    exit_code: u32,
}

/// What an iPXE wants or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A line for the console.
    Print(String),
    /// Fetch this, and call [`Ipxe::fetched`].
    Fetch(String),
    /// Ask for an address, and call [`Ipxe::configured`].
    Configure,
    /// Wait, and go on.
    Sleep(Duration),
    /// A kernel is started; iPXE is gone.
    Boot(Boot),
    /// iPXE is left with this code; the firmware goes on.
    Exit(u32),
    /// The machine restarts.
    Reboot,
    /// The machine powers off.
    PowerOff,
    /// It waits for somebody at the keyboard.
    Prompt,
}

/// What a kernel is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    pub(crate) kernel: Image,
    pub(crate) initrds: Vec<Image>,
}

/// A script that runs, or the autoboot, which has one line and no script.
#[derive(Debug)]
struct Frame {
    script: Option<Script>,
    /// What is left of the line that runs.
    line: VecDeque<Command>,
    /// What follows the command that runs.
    then: Then,
    /// The image of the script. It is out of sight while it runs, so that `boot` does not find it,
    /// and comes back afterwards.
    image: Option<(u32, Image)>,
}

/// What a command waits for.
#[derive(Clone, Debug)]
enum Waiting {
    /// An image, what it is called, its arguments, what happens to it.
    Image {
        url: String,
        name: String,
        args: String,
        then: Use,
    },
    Address,
}

/// What happens to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Keep,
    Select,
    Execute {
        /// Whether the script that says so is over with it.
        replace: bool,
        free: bool,
    },
}

/// How a command ended.
#[derive(Clone, Debug)]
enum Outcome {
    /// With this code; zero is success.
    Ended(u32),
    /// Not yet: its owner has to do something first.
    Pending(Step),
    /// Not yet: it called a script.
    Called,
    /// The line is over, whatever stands on it: `goto`.
    Jumped,
    /// The script is over: `exit`.
    Left(u32),
    /// iPXE is over.
    Over(Step),
}

const OK: Outcome = Outcome::Ended(0);
const FAILED: Outcome = Outcome::Ended(1);

impl Ipxe {
    /// An iPXE that boots `url`, the file that DHCP named.
    pub(crate) fn autoboot(settings: Settings, url: &str) -> Self {
        let words = vec!["chain".to_owned(), url.to_owned()];
        let then = Then::End;
        let autoboot = Frame {
            script: None,
            line: VecDeque::from([Command { words, then }]),
            then,
            image: None,
        };
        Self {
            settings,
            images: BTreeMap::new(),
            fetched: 0,
            selected: None,
            frames: vec![autoboot],
            output: VecDeque::new(),
            ready: None,
            waiting: None,
            commands_run: 0,
            exit_code: 0,
        }
    }

    /// Runs until something is to be done or to be told.
    pub(crate) fn next(&mut self) -> Step {
        loop {
            if let Some(line) = self.output.pop_front() {
                return Step::Print(line);
            }
            if let Some(step) = self.ready.take() {
                // A sleep cannot fail, so nobody has to say how it went.
                if let Step::Sleep(_) = step {
                    self.conclude(0);
                }
                return step;
            }
            let Some(frame) = self.frames.last_mut() else {
                return Step::Exit(self.exit_code);
            };
            self.commands_run += 1;
            if self.commands_run > MAX_COMMANDS {
                self.print("Too many commands: the script runs in circles");
                self.frames.clear();
                self.exit_code = 1;
            } else if let Some(command) = frame.line.pop_front() {
                frame.then = command.then;
                let outcome = self.run(&command.words);
                self.follow(outcome);
            } else if let Some(line) = frame.script.as_mut().and_then(Script::next_line) {
                frame.line = script::commands(line).into();
            } else {
                self.leave(0);
            }
        }
    }

    /// What was asked for with [`Step::Fetch`] is here, or why it is not.
    pub(crate) fn fetched(&mut self, result: Result<Image, String>) {
        let Some(Waiting::Image {
            url,
            name,
            args,
            then,
        }) = self.waiting.take()
        else {
            return;
        };
        let outcome = match result {
            Ok(image) => {
                self.print(format!("{url}... ok"));
                self.fetched += 1;
                let image = Image {
                    name: name.clone(),
                    args,
                    ..image
                };
                self.images.insert(name.clone(), (self.fetched, image));
                self.use_image(&name, then)
            }
            Err(reason) => {
                self.print(format!("{url}... {reason}"));
                FAILED
            }
        };
        self.follow(outcome);
    }

    /// The address that was asked for with [`Step::Configure`] is in the settings, or there is none.
    pub(crate) fn configured(&mut self, result: Result<(), String>) {
        if let Some(Waiting::Address) = self.waiting.take() {
            let ok = result.is_ok();
            self.print(match result {
                Ok(()) => "Configuring (net0)... ok".to_owned(),
                Err(reason) => format!("Configuring (net0)... {reason}"),
            });
            self.follow(if ok { OK } else { FAILED });
        }
    }

    /// Does what the end of a command means for its line and its script.
    fn follow(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ended(code) => self.conclude(code),
            Outcome::Pending(step) => self.ready = Some(step),
            Outcome::Called => {}
            Outcome::Jumped => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.line.clear();
                }
            }
            Outcome::Left(code) => self.leave(code),
            Outcome::Over(step) => {
                self.frames.clear();
                self.ready = Some(step);
            }
        }
    }

    /// A command ended: goes on with its line, or with the next one, or ends the script. A line
    /// that failed ends its script.
    fn conclude(&mut self, code: u32) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let go_on = match frame.then {
            Then::End => false,
            Then::Always => true,
            Then::OnSuccess => code == 0,
            Then::OnFailure => code != 0,
        };
        if !go_on {
            frame.line.clear();
            if code != 0 {
                self.leave(code);
            }
        }
    }

    /// The script that runs is over; its code is that of the command that called it.
    fn leave(&mut self, code: u32) {
        if let Some((order, image)) = self.frames.pop().and_then(|frame| frame.image) {
            self.images.insert(image.name.clone(), (order, image));
        }
        self.exit_code = code;
        // At most as deep as scripts call each other, see `execute`.
        self.conclude(code);
    }

    fn use_image(&mut self, name: &str, then: Use) -> Outcome {
        match then {
            Use::Keep => OK,
            Use::Select => self.select(name),
            Use::Execute { replace, free } => self.execute(name, replace, free),
        }
    }

    fn select(&mut self, name: &str) -> Outcome {
        match self.images.get(name) {
            Some((_, image)) if image.kind != ImageKind::Other => {
                self.selected = Some(name.to_owned());
                OK
            }
            _ => {
                self.print(format!("Could not select: {EXEC_FORMAT}"));
                FAILED
            }
        }
    }

    fn execute(&mut self, name: &str, replace: bool, free: bool) -> Outcome {
        let Some((order, image)) = self.images.remove(name) else {
            self.print(format!("{name}: {NO_FILE}"));
            return FAILED;
        };
        let script = match &image.kind {
            ImageKind::Kernel => return Outcome::Over(Step::Boot(self.boot(image))),
            ImageKind::Script(text) => Script::parse(&image.url, text),
            ImageKind::Other => None,
        };
        let Some(script) = script else {
            self.print(format!("Could not boot image: {EXEC_FORMAT}"));
            if !free {
                self.images.insert(name.to_owned(), (order, image));
            }
            return FAILED;
        };
        if replace {
            self.frames.pop();
        }
        if self.frames.len() >= MAX_DEPTH {
            self.print("Could not boot image: too many scripts call each other");
            return FAILED;
        }
        self.frames.push(Frame {
            script: Some(script),
            line: VecDeque::new(),
            then: Then::End,
            image: (!free).then_some((order, image)),
        });
        Outcome::Called
    }

    /// A kernel and everything else that was fetched, in the order in which it came.
    fn boot(&self, kernel: Image) -> Boot {
        let mut others: Vec<&(u32, Image)> = self
            .images
            .values()
            .filter(|(_, image)| !matches!(image.kind, ImageKind::Script(_)))
            .collect();
        others.sort_by_key(|(order, _)| *order);
        let initrds = others.into_iter().map(|(_, image)| image.clone()).collect();
        Boot { kernel, initrds }
    }

    fn print(&mut self, line: impl Into<String>) {
        // A script can print faster than anybody reads; what it does counts, not every line.
        if self.output.len() < MAX_OUTPUT {
            self.output.push_back(line.into());
        }
    }
}

const NO_FILE: &str = "No such file or directory (http://ipxe.org/2d0c618e)";
const EXEC_FORMAT: &str = "Exec format error (http://ipxe.org/2e008081)";
const MAX_COMMANDS: u32 = 100_000;
const MAX_DEPTH: usize = 16;
const MAX_OUTPUT: usize = 1000;

#[cfg(test)]
mod tests;
