//! A command and what it and its plugin used, as `/proc` has it.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::Result;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    parent: u32,
    is_plugin: bool,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
    pub(crate) resident_mib: f64,
}

impl Process {
    /// The most of both: a process that has just ended has no memory any more.
    fn or_more(self, other: Self) -> Self {
        Self {
            parent: other.parent,
            is_plugin: other.is_plugin,
            cpu_seconds: self.cpu_seconds.max(other.cpu_seconds),
            peak_mib: self.peak_mib.max(other.peak_mib),
            resident_mib: other.resident_mib,
        }
    }
}

/// What a run of Terraform came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) wall: Duration,
    /// Terraform itself.
    pub(crate) terraform: Process,
    /// Its plugin, the one that used most.
    pub(crate) plugin: Process,
}

/// Runs the command to its end and watches it and its children meanwhile.
pub(crate) fn run(command: &mut Command) -> Result<Run> {
    let began = Instant::now();
    let (output, input) = std::io::pipe()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(input.try_clone()?)
        .stderr(input)
        .spawn()?;
    // The command holds the writing ends; the reader would wait for them for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let reader = std::thread::spawn(move || std::io::read_to_string(output));
    let mut run = Run::default();
    let status = loop {
        if let Some(process) = look(child.id()) {
            run.terraform = process;
        }
        for plugin in children(child.id()) {
            run.plugin = run.plugin.or_more(plugin);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(PAUSE);
    };
    run.wall = began.elapsed();
    run.code = status.code().unwrap_or(-1);
    run.text = reader.join().map_err(|_panic| "the reader panicked")??;
    Ok(run)
}

/// The process with this id, if there is one.
pub(crate) fn look(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (name, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let mib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024.0)
    };
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        // The kernel keeps 15 letters of it.
        is_plugin: name.ends_with("(terraform-provi"),
        cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
        peak_mib: mib("VmHWM:").unwrap_or_default(),
        resident_mib: mib("VmRSS:").unwrap_or_default(),
    })
}

fn children(of: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(look)
        // Between fork and exec a child still is its parent.
        .filter(|process| process.parent == of && process.is_plugin)
        .collect()
}

const PAUSE: Duration = Duration::from_millis(10);
/// What the kernel tells user space, whatever it uses itself.
const TICKS_PER_SECOND: f64 = 100.0;
