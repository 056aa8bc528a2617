//! `terraform-provider-baremetal docs [DIR]`: the Registry's pages, made from the schemas and from
//! `examples/`. Run it in the root of the source tree.

use std::{fs, io, path::Path, process::ExitCode};

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
    let pages = tfplugin::docs::pages(&Baremetal, Path::new("examples"))
        .map_err(|error| io::Error::other(error.to_string()))?;
    for (path, text) in &pages {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(pages.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_in_docs_are_what_the_schemas_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let pages = tfplugin::docs::pages(&Baremetal, &root.join("examples")).unwrap();
        for (path, expected) in pages {
            let path = root.join("docs").join(path);
            let found = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(
                found,
                expected,
                "{} is stale: run `make docs`",
                path.display()
            );
        }
    }
}
