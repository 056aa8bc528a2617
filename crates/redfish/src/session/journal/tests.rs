//! What is found again, and by whom.

use std::{fs, path::PathBuf};

use super::{files, *};

/// A directory that ends with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("journal-{name}-{}", std::process::id()));
        let _left_by_another_run = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        Self(directory)
    }

    fn entries(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn record(number: u32) -> Record {
    Record {
        endpoint: "https://10.0.0.5".to_owned(),
        username: "operator".to_owned(),
        uri: format!("/redfish/v1/SessionService/Sessions/{number}"),
        created: Some("2026-01-02T03:04:05Z".to_owned()),
    }
}

fn left(journal: &SessionJournal) -> Vec<Record> {
    let left = journal.take_left("https://10.0.0.5", "operator");
    left.into_iter().map(|(record, _)| record).collect()
}

#[test]
fn what_a_dead_process_left_is_found_and_what_a_living_one_has_is_not() {
    let scratch = Scratch::new("dead");
    let dead = SessionJournal::at(&scratch.0);
    dead.note(&record(1)).unwrap();
    let ended = dead.note(&record(2)).unwrap();
    ended.erase();
    let living = SessionJournal::at(&scratch.0);
    living.note(&record(3)).unwrap();
    assert_eq!(left(&SessionJournal::at(&scratch.0)), []);
    // As the kernel does for a process that is killed.
    drop(dead);
    let next = SessionJournal::at(&scratch.0);
    assert!(next.has_left("https://10.0.0.5", "operator"));
    assert!(!next.has_left("https://10.0.0.5", "another"));
    assert!(!next.has_left("https://10.0.0.6", "operator"));
    assert_eq!(left(&next), [record(1)]);
    assert_eq!(left(&next), []);
    assert!(next.is_in_use(&record(3)) && !next.is_in_use(&record(1)));
}

#[test]
fn a_process_that_ends_its_sessions_leaves_nothing_and_one_that_does_not_leaves_them() {
    let scratch = Scratch::new("close");
    let journal = SessionJournal::at(&scratch.0);
    journal.close();
    let note = journal.note(&record(1)).unwrap();
    note.erase();
    journal.close();
    assert_eq!(scratch.entries(), 0);
    let open = journal.note(&record(2)).unwrap();
    journal.close();
    let next = SessionJournal::at(&scratch.0);
    assert_eq!(left(&next), [record(2)]);
    open.erase();
    // Whoever looks next sweeps the empty directory.
    assert_eq!(left(&SessionJournal::at(&scratch.0)), []);
    assert_eq!(scratch.entries(), 0);
}

#[test]
fn a_note_that_is_not_as_it_was_written_is_passed_over() {
    let scratch = Scratch::new("corrupt");
    let journal = SessionJournal::at(&scratch.0);
    let (owner, lock) = files::new_owner(&scratch.0).unwrap();
    drop(lock);
    let note = |uri: &str| {
        format!(r#"{{"endpoint": "https://10.0.0.5", "username": "operator", "uri": "{uri}"}}"#)
    };
    let corrupt = [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        r#"{"endpoint": 1}"#.to_owned(),
        note("/redfish/v1/Systems/1"),
        note("https://elsewhere.example/redfish/v1/SessionService/Sessions/1"),
        note("/redfish/v1/SessionService/Sessions/../../Systems/1"),
        note("/redfish/v1/SessionService/Sessions/%2e%2e/x"),
        note(&format!(
            "/redfish/v1/SessionService/Sessions/{}",
            "1".repeat(9000)
        )),
    ];
    for (number, text) in corrupt.iter().enumerate() {
        fs::write(owner.join(format!("{number}.session")), text).unwrap();
    }
    fs::write(
        owner.join("right.session"),
        note("/redfish/v1/SessionService/Sessions/7"),
    )
    .unwrap();
    std::os::unix::fs::symlink(owner.join("right.session"), owner.join("link.session")).unwrap();
    fs::create_dir(owner.join("directory.session")).unwrap();
    fs::write(scratch.0.join("process-file"), "").unwrap();
    let found = left(&journal);
    let expected = Record {
        created: None,
        ..record(7)
    };
    assert_eq!(found, [expected]);
}

#[test]
fn what_is_too_old_to_be_open_is_forgotten() {
    let scratch = Scratch::new("old");
    let undated = Record {
        created: None,
        ..record(1)
    };
    for (record, hours, kept) in [
        (record(2), 1, true),
        (undated, 1, false),
        (record(3), 25, false),
    ] {
        let dead = SessionJournal::at(&scratch.0);
        let note = dead.note(&record).unwrap();
        let written = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        let file = File::options().write(true).open(&note.0).unwrap();
        file.set_modified(written).unwrap();
        drop((dead, file));
        let found = left(&SessionJournal::at(&scratch.0));
        assert_eq!(found, if kept { vec![record] } else { Vec::new() });
        note.erase();
    }
}

#[test]
fn a_place_that_cannot_be_written_to_costs_nothing_but_the_note() {
    let journal = SessionJournal::at(Path::new("/proc/nowhere"));
    assert!(journal.note(&record(1)).is_none());
    assert!(!journal.has_left("https://10.0.0.5", "operator"));
    journal.close();
    assert!(SessionJournal::default().note(&record(1)).is_none());
}
