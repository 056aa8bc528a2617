//! `terraform-provider-baremetal docs [DIR]`: the Registry's pages, made from the schemas and from
//! `examples/`. Run it in the root of the source tree.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::provider::Baremetal;

/// Writes every page below `directory`, or below `docs`.
pub(crate) fn main(directory: Option<String>) -> ExitCode {
    let directory = directory.unwrap_or_else(|| "docs".to_owned());
    match write(Path::new(&directory)) {
        Ok(pages) => {
            println!("{pages} pages written below {directory}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path) -> io::Result<usize> {
    let mut pages = tfplugin::docs::pages(&Baremetal, Path::new("examples"))
        .map_err(|error| io::Error::other(error.to_string()))?;
    pages.insert(PathBuf::from(QUIRKS), redfish::quirks_page());
    for (path, text) in &pages {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    for page in surplus(directory, |page| pages.contains_key(page))? {
        fs::remove_file(directory.join(page))?;
    }
    Ok(pages.len())
}

/// The pages below `directory` that are about nothing: neither made nor a guide.
fn surplus(directory: &Path, made: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut surplus = Vec::new();
    for kind in GENERATED {
        let Ok(entries) = fs::read_dir(directory.join(kind)) else {
            continue;
        };
        for entry in entries {
            let page = Path::new(kind).join(entry?.file_name());
            if !made(&page) {
                surplus.push(page);
            }
        }
    }
    Ok(surplus)
}

/// What is known of BMCs, made from the client's table.
const QUIRKS: &str = "quirks.md";

/// The Registry's directories, without `guides`, which are written by hand.
const GENERATED: [&str; 6] = [
    "actions",
    "data-sources",
    "ephemeral-resources",
    "functions",
    "list-resources",
    "resources",
];

#[cfg(test)]
mod tests;
