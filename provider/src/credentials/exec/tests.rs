//! Tests with programs that behave, and programs that do not.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::*;

fn exec(script: &str, timeout: &str) -> Exec {
    let config = ExecConfig {
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        timeout: timeout.to_owned(),
    };
    Exec::new(config, CancellationToken::new()).unwrap()
}

async fn failure(script: &str, timeout: &str) -> String {
    let found = exec(script, timeout).find("rack1").await;
    found.err().expect("a failure").detail
}

const CANARY: &str = "canary-exec-5d1e";

#[tokio::test]
async fn the_name_is_the_last_argument_and_in_the_environment() {
    // With sh -c the argument behind the script is $0.
    let script = r#"printf '{"username": "%s", "password": "%s", "lease": 1}' "$0" "$BAREMETAL_CREDENTIALS_NAME""#;
    let found = exec(script, "20s")
        .find("ams/rack-1")
        .await
        .ok()
        .unwrap()
        .unwrap();
    assert_eq!(found.username, "ams/rack-1");
    assert_eq!(found.password.expose(), "ams/rack-1");
}

#[tokio::test]
async fn a_program_is_asked_once_for_each_name_even_by_many_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("asked");
    let script = format!(
        r#"echo "$0" >> {}; echo '{{"username": "u", "password": "p"}}'"#,
        log.display()
    );
    let exec = exec(&script, "20s");
    let (a, b, c) = tokio::join!(exec.find("r1"), exec.find("r1"), exec.find("r2"));
    assert!(a.is_ok() && b.is_ok() && c.is_ok() && exec.find("r1").await.is_ok());
    let asked = fs::read_to_string(log).unwrap();
    let mut asked: Vec<_> = asked.lines().collect();
    asked.sort_unstable();
    assert_eq!(asked, ["r1", "r2"]);
}

#[tokio::test]
async fn every_failure_is_told_without_what_the_program_printed() {
    let cases = [
        (
            format!("echo {CANARY} >&2; exit 7"),
            "ended with exit status: 7",
        ),
        (format!("echo {CANARY}"), "is not JSON: line 1, column 1"),
        (
            format!(r#"echo '"{CANARY}"'"#),
            "neither null nor an object",
        ),
        (
            format!(r#"echo '{{"username": "u", "password": ["{CANARY}"]}}'"#),
            "neither null nor an object",
        ),
        (
            format!(r#"echo '{{"username": "", "password": "{CANARY}"}}'"#),
            "is empty",
        ),
        (
            "head -c 70000 /dev/zero".to_owned(),
            "printed more than 65536 bytes",
        ),
        ("kill -9 $$".to_owned(), "ended with signal: 9 (SIGKILL)"),
    ];
    for (script, expected) in cases {
        let detail = failure(&script, "20s").await;
        assert!(detail.contains(expected), "{script}: {detail}");
        assert!(!detail.contains(CANARY), "{detail}");
        assert!(detail.contains("run it by hand"), "{detail}");
    }
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let config = ExecConfig {
        command: vec!["/nonexistent/helper".to_owned()],
        timeout: "20s".to_owned(),
    };
    let exec = Exec::new(config, CancellationToken::new()).unwrap();
    let error = exec.find("r1").await.err().unwrap();
    assert!(
        error.detail.starts_with("/nonexistent/helper was asked"),
        "{}",
        error.detail
    );
    assert!(error.detail.contains("No such file"), "{}", error.detail);
}

#[tokio::test]
async fn a_name_that_a_program_could_take_for_something_else_is_not_given_to_it() {
    let exec = exec(r#"echo '{"username": "u", "password": "p"}'"#, "20s");
    for good in ["r1", "a/b-c_d.e", "0"] {
        assert!(exec.find(good).await.is_ok(), "{good}");
    }
    let long = "a".repeat(129);
    for bad in [
        "", "-x", "--all", "../r2", "a/../b", "a//b", "/etc", "a b", "a;b", &long,
    ] {
        assert!(exec.find(bad).await.is_err(), "{bad}");
    }
}

/// A script that notes its own child, and then waits longer than any test.
fn lingering() -> (tempfile::TempDir, PathBuf, String) {
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("child");
    let script = format!("sleep 600 & echo $! > {}; wait", note.display());
    (directory, note, script)
}

async fn assert_ended(note: &PathBuf) {
    let child = fs::read_to_string(note).unwrap();
    let status = PathBuf::from(format!("/proc/{}/stat", child.trim()));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        // Whoever inherits it may be slow to note that it is dead.
        let stat = fs::read_to_string(&status).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return;
        }
        assert!(Instant::now() < deadline, "it still runs: {stat}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_what_it_started() {
    let (_directory, note, script) = lingering();
    let detail = failure(&script, "1s").await;
    assert!(detail.contains("did not end within 1s"), "{detail}");
    assert_ended(&note).await;
}

#[tokio::test]
async fn an_interrupted_run_kills_the_program() {
    let (_directory, note, script) = lingering();
    let exec = exec(&script, "10m");
    let interrupt = async {
        while !fs::read_to_string(&note).is_ok_and(|text| text.ends_with('\n')) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        exec.stop.cancel();
    };
    let (found, ()) = tokio::join!(exec.find("r1"), interrupt);
    assert_eq!(found.err().unwrap().summary, "Interrupted");
    assert_ended(&note).await;
}
