//! Headers and sizes of source files.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Generated code has no rooms to tidy.
            if !matches!(name.as_str(), "target" | "gen") && !name.starts_with('.') {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn every_source(check: impl Fn(&str) -> Option<String>) {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    assert!(
        files.len() > 50,
        "only {} source files were found",
        files.len()
    );
    let complaint = |path: &PathBuf| {
        let complaint = check(&fs::read_to_string(path).unwrap())?;
        Some(format!(
            "{}: {complaint}",
            path.strip_prefix(root()).unwrap().display()
        ))
    };
    let complaints: Vec<_> = files.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_source_file_says_what_it_is_in_its_first_line() {
    every_source(|text| {
        (!text.starts_with("//! ")).then(|| "the first line is not a //! sentence".to_owned())
    });
}

#[test]
fn every_source_file_is_one_room() {
    every_source(|text| {
        let lines = text.lines().count();
        (lines > MOST_LINES).then(|| format!("{lines} lines, at most {MOST_LINES}"))
    });
}

#[test]
fn no_test_is_ignored_and_nothing_is_left_to_do() {
    // Spelled apart, so that this file does not find itself.
    let banned = [
        ["#[ign", "ore"].concat(),
        ["tod", "o!("].concat(),
        ["unimpl", "emented!("].concat(),
    ];
    every_source(|text| {
        banned
            .iter()
            .find(|word| text.contains(word.as_str()))
            .map(|word| format!("has {word}"))
    });
}
