//! Looking for a secret wherever it must not be.

use std::{fs, path::Path};

/// Every file below `directory` that holds `canary`.
///
/// # Panics
///
/// If the directory cannot be read: what was not looked at is not clean.
pub fn files_holding(directory: &Path, canary: &str) -> Vec<String> {
    let mut found = Vec::new();
    search(directory, canary, &mut found);
    found
}

fn search(directory: &Path, canary: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("a directory to search") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            search(&path, canary, found);
        } else if let Ok(bytes) = fs::read(&path)
            && bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
}
