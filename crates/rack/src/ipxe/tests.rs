//! Scripts and what comes of them, line by line.

use std::{collections::BTreeMap, net::Ipv4Addr};

use bytes::Bytes;
use model::Architecture;
use proptest::prelude::*;

use super::*;
use crate::net::http::Fetched;

/// A world in which these URLs exist.
struct World(BTreeMap<&'static str, Vec<u8>>);

impl World {
    fn new() -> Self {
        let mut kernel = vec![0; 0x400];
        kernel[..2].copy_from_slice(b"MZ");
        kernel[0x202..0x206].copy_from_slice(b"HdrS");
        Self(BTreeMap::from([
            ("http://s/k", kernel.clone()),
            ("http://s/vmlinuz?boot=1", kernel),
            ("http://s/i", b"initrd".to_vec()),
            ("http://s/i2", b"second".to_vec()),
        ]))
    }

    fn with(mut self, url: &'static str, text: &str) -> Self {
        self.0.insert(url, text.as_bytes().to_vec());
        self
    }

    fn fetch(&self, url: &str) -> Result<Image, String> {
        let body = self.0.get(url).ok_or("not there")?;
        let fetched = Fetched {
            announced: None,
            length: body.len() as u64,
            sha256: crate::sha256(body),
            kept: Bytes::from(body.clone()),
        };
        Ok(Image::new("", url, &fetched, Architecture::X64Uefi))
    }

    /// Runs `text` as the script at `http://s/dir/script`: everything that is printed and done.
    fn run(self, text: &str) -> Vec<String> {
        let world = self.with("http://s/dir/script", text);
        let mut settings = Settings::default();
        settings.put_mac("net0/mac", [2, 0, 0, 0, 0, 1]);
        settings.put_address("ip", Ipv4Addr::new(127, 80, 0, 10));
        let mut ipxe = Ipxe::autoboot(settings, "http://s/dir/script");
        let mut done = Vec::new();
        for _ in 0..200_000 {
            match ipxe.next() {
                Step::Print(line) => done.push(line),
                Step::Fetch(url) => ipxe.fetched(world.fetch(&url)),
                Step::Configure => ipxe.configured(Ok(())),
                Step::Sleep(wait) => done.push(format!("[sleep {}]", wait.as_secs())),
                Step::Boot(boot) => {
                    let initrds: Vec<_> = boot.initrds.iter().map(|i| i.name.as_str()).collect();
                    let (name, args) = (&boot.kernel.name, &boot.kernel.args);
                    done.push(format!("[boot {name} {args:?} {}]", initrds.join(",")));
                    return done;
                }
                other @ (Step::Exit(_) | Step::Reboot | Step::PowerOff | Step::Prompt) => {
                    done.push(format!("[{other:?}]"));
                    return done;
                }
            }
        }
        panic!("the script does not end: {:?}", &done[..10]);
    }
}

/// `script` without its magic line, and all that it does but the fetching of itself.
#[track_caller]
fn check(script: &str, expected: &[&str]) {
    check_in(World::new(), script, expected);
}

#[track_caller]
fn check_in(world: World, script: &str, expected: &[&str]) {
    let done = world.run(&format!("#!ipxe\n{script}\n"));
    assert_eq!(done[0], "http://s/dir/script... ok");
    assert_eq!(done[1..], *expected, "{script}");
}

const NOT_FOUND: &str = "No such file or directory (http://ipxe.org/2d0c618e)";

#[test]
fn the_agents_script_boots_its_kernel_with_its_initrd() {
    check(
        "# a comment\n\
         kernel http://s/vmlinuz?boot=1 console=ttyS0 ds=nocloud;s=http://s/ initrd=i\n\
         initrd --name i http://s/i?\n\
         boot",
        &[
            "http://s/vmlinuz?boot=1... ok",
            "http://s/i?... not there",
            "[Exit(1)]",
        ],
    );
    check(
        "kernel http://s/vmlinuz?boot=1 console=ttyS0 ds=nocloud;s=http://s/ initrd=i\n\
         initrd --name i http://s/i2\n\
         initrd http://s/i\n\
         boot",
        &[
            "http://s/vmlinuz?boot=1... ok",
            "http://s/i2... ok",
            "http://s/i... ok",
            "[boot vmlinuz \"console=ttyS0 ds=nocloud;s=http://s/ initrd=i\" i]",
        ],
    );
}

#[test]
fn a_line_that_fails_ends_the_script_and_a_line_that_is_caught_does_not() {
    check("echo a\nisset ${x}\necho b", &["a", "[Exit(1)]"]);
    check(
        "isset ${x} || echo caught\necho b",
        &["caught", "b", "[Exit(0)]"],
    );
    check(
        "isset ${x} && echo no || echo never\necho b",
        &["[Exit(1)]"],
    );
    check("isset ${x} ; echo then", &["then", "[Exit(0)]"]);
    check("isset ${ip} && echo yes", &["yes", "[Exit(0)]"]);
    check(
        "iseq a a && iseq a b || echo differ",
        &["differ", "[Exit(0)]"],
    );
    check(
        "iseq a",
        &["Invalid number of arguments: 1, expected 2", "[Exit(1)]"],
    );
    check(
        "frobnicate now",
        &["frobnicate: command not found", "[Exit(1)]"],
    );
    check(
        "params || echo no params",
        &["params: command not found", "no params", "[Exit(0)]"],
    );
}

#[test]
fn settings_are_set_shown_counted_and_cleared() {
    check(
        "set name the  rack\necho ${name} ${net0/mac:hexhyp} ${ip}",
        &["the rack 02-00-00-00-00-01 127.80.0.10", "[Exit(0)]"],
    );
    check(
        "set n:int32 1\ninc n\ninc n 40\necho ${n}\nset n\nisset ${n} || echo gone",
        &["42", "gone", "[Exit(0)]"],
    );
    check(
        "show ip\nclear ip\nshow ip || exit 3",
        &[
            "ip = 127.80.0.10",
            &format!("Could not find \"ip\": {NOT_FOUND}"),
            "[Exit(3)]",
        ],
    );
    check(
        "set a:nothing 1",
        &["Could not set \"a:nothing\": Invalid argument", "[Exit(1)]"],
    );
}

#[test]
fn goto_jumps_and_loops_end() {
    check("goto end\necho no\n:end\necho end", &["end", "[Exit(0)]"]);
    check(
        "set n:int32 0\n:loop\ninc n\niseq ${n} 3 || goto loop\necho ${n}",
        &["3", "[Exit(0)]"],
    );
    check(
        "goto nowhere || echo stayed",
        &[&format!("goto nowhere: {NOT_FOUND}"), "stayed", "[Exit(0)]"],
    );
    check(
        ":loop\ngoto loop",
        &["Too many commands: the script runs in circles", "[Exit(1)]"],
    );
}

#[test]
fn leaving_says_with_which_code() {
    check("exit", &["[Exit(0)]"]);
    check("exit 1\necho no", &["[Exit(1)]"]);
    check("exit one", &["\"one\": invalid integer value", "[Exit(1)]"]);
    check("echo only this", &["only this", "[Exit(0)]"]);
    check("sleep 2\nreboot", &["[sleep 2]", "[Reboot]"]);
    check("poweroff", &["[PowerOff]"]);
    check("shell", &["[Prompt]"]);
    check(
        "dhcp net0 && ifopen net0 && exit 7",
        &["Configuring (net0)... ok", "[Exit(7)]"],
    );
    check("dhcp net1", &["net1: no such interface", "[Exit(1)]"]);
}

#[test]
fn a_script_calls_another_and_goes_on_when_it_ends() {
    let world = || World::new().with("http://s/dir/two", "#!ipxe\necho two ${x}\nexit ${code}");
    let ok = "http://s/dir/two... ok";
    check_in(
        world(),
        "set x 1\nchain two\necho back",
        &[ok, "two 1", "back", "[Exit(0)]"],
    );
    check_in(
        world(),
        "set code 5\nchain two || echo failed",
        &[ok, "two ", "failed", "[Exit(0)]"],
    );
    check_in(
        world(),
        "chain --replace two\necho never",
        &[ok, "two ", "[Exit(0)]"],
    );
    check_in(
        world(),
        "chain --replace --autofree /dir/two\necho never",
        &[ok, "two ", "[Exit(0)]"],
    );
    check_in(
        world(),
        "imgfetch two\nchain two && chain two",
        &[ok, "two ", "two ", "[Exit(0)]"],
    );
    check(
        "chain nothing || echo caught",
        &["http://s/dir/nothing... not there", "caught", "[Exit(0)]"],
    );
    let circle = World::new().run("#!ipxe\nchain script\n");
    assert_eq!(circle.last().map(String::as_str), Some("[Exit(1)]"));
}

#[test]
fn images_are_kept_by_name_and_freed() {
    check(
        "kernel --name k http://s/k a\nimgargs k b c\nimgstat\nboot",
        &["http://s/k... ok", "k : 1024 bytes", "[boot k \"b c\" ]"],
    );
    check(
        "imgfetch http://s/k\nboot k d",
        &["http://s/k... ok", "[boot k \"d\" ]"],
    );
    check(
        "chain http://s/k e",
        &["http://s/k... ok", "[boot k \"e\" ]"],
    );
    check(
        "initrd http://s/i\nimgfree\nkernel http://s/k\nboot",
        &["http://s/i... ok", "http://s/k... ok", "[boot k \"\" ]"],
    );
    check(
        "kernel http://s/k\nimgfree k\nboot",
        &["http://s/k... ok", "No image selected", "[Exit(1)]"],
    );
    check("imgfree x", &[&format!("x: {NOT_FOUND}"), "[Exit(1)]"]);
    check(
        "kernel http://s/i",
        &[
            "http://s/i... ok",
            "Could not select: Exec format error (http://ipxe.org/2e008081)",
            "[Exit(1)]",
        ],
    );
    check(
        "kernel --what http://s/k",
        &["Unrecognised option \"--what\"", "[Exit(1)]"],
    );
}

#[test]
fn a_file_that_is_no_script_and_no_kernel_does_not_boot() {
    let done = World::new().run("hello");
    assert_eq!(
        done,
        [
            "http://s/dir/script... ok",
            "Could not boot image: Exec format error (http://ipxe.org/2e008081)",
            "[Exit(1)]",
        ]
    );
}

fn line() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "echo",
        "set",
        "x",
        "${x}",
        "${${x}}",
        "||",
        "&&",
        ";",
        "goto",
        "a",
        ":a",
        ":b",
        "b",
        "#",
        "isset",
        "iseq",
        "kernel",
        "initrd",
        "--name",
        "http://s/k",
        "http://s/i",
        "boot",
        "chain",
        "script",
        "imgfree",
        "inc",
        "x:int32",
        "1",
        "exit",
        "sleep",
        "dhcp",
        "imgargs",
        "\\",
        "--replace",
        "clear",
        "show",
    ]);
    prop_oneof![
        3 => prop::collection::vec(words, 0..7).prop_map(|words| words.join(" ")),
        1 => ".{0,12}",
    ]
}

proptest! {
    #[test]
    fn no_script_panics_or_runs_for_ever(lines in prop::collection::vec(line(), 0..12)) {
        let _done = World::new().run(&format!("#!ipxe\n{}", lines.join("\n")));
    }
}
