//! Every piece of configuration in the README, the guides and the examples is valid.
//!
//! The blocks of one section are one configuration. What they refer to and do not declare is taken
//! from the examples of the resources, so that a snippet can show what it is about alone.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use acceptance::{Workspace, root};

/// The paths in a directory, in order.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The top-level blocks of a configuration: their first lines, and themselves.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(first) = lines.next() {
        if first.starts_with([' ', '#', '}']) || !first.ends_with('{') {
            continue;
        }
        let mut block = format!("{first}\n");
        for line in lines.by_ref() {
            block.push_str(line);
            block.push('\n');
            if line == "}" {
                break;
            }
        }
        blocks.push((first.to_owned(), block));
    }
    blocks
}

/// What the examples of the resources declare.
fn declared() -> Vec<(String, String)> {
    let resources = entries(&root().join("examples/resources"));
    let text = |directory: &PathBuf| fs::read_to_string(directory.join("resource.tf")).unwrap();
    resources
        .iter()
        .flat_map(|directory| blocks(&text(directory)))
        .collect()
}

/// The fenced blocks in `language` of each section of a page, under its heading.
fn sections(page: &str, language: &str) -> Vec<(String, String)> {
    let fence = format!("```{language}");
    let mut sections = vec![(String::new(), String::new())];
    let mut inside = None;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = match inside {
                None => Some(line.trim() == fence),
                Some(_) => None,
            };
        } else if inside == Some(true) {
            let section = sections.last_mut().unwrap();
            section.1.push_str(line);
            section.1.push('\n');
        } else if inside.is_none() && line.starts_with("## ") {
            sections.push((line.to_owned(), String::new()));
        }
    }
    sections.retain(|(_, text)| !text.is_empty());
    sections
}

/// A working directory with the files and modules that snippets name, and its `versions.tf`.
fn workspace() -> (Workspace, String) {
    let workspace = Workspace::with("", Vec::new());
    workspace.write("worker.ign", r#"{"ignition":{"version":"3.4.0"}}"#);
    workspace.write("agent-ca.pem", &acceptance::certificate("the agent").0);
    let module = workspace.path().join("modules/rack");
    fs::create_dir_all(&module).unwrap();
    for file in entries(&root().join("examples/terraform/rack")) {
        fs::copy(&file, module.join(file.file_name().unwrap())).unwrap();
    }
    let versions = fs::read_to_string(workspace.path().join("versions.tf")).unwrap();
    (workspace, versions)
}

/// Validates a configuration together with what it does not declare itself.
#[track_caller]
fn validate(workspace: &Workspace, versions: &str, name: &str, text: &str) {
    let own: Vec<_> = blocks(text).into_iter().map(|(first, _)| first).collect();
    let missing = |(first, _): &(String, String)| !own.contains(first);
    let rest: String = declared()
        .into_iter()
        .filter(missing)
        .map(|(_, block)| block)
        .collect();
    workspace.write("main.tf", text);
    workspace.write("rest.tf", &rest);
    let has_versions = own.iter().any(|first| first == "terraform {");
    workspace.write("versions.tf", if has_versions { "" } else { versions });
    for arguments in [&["init", "-input=false"][..], &["validate"]] {
        let outcome = workspace.run(arguments);
        assert_eq!(outcome.code, 0, "{name}\n{text}\n{}", outcome.text);
    }
}

/// The README and every guide.
fn pages() -> Vec<PathBuf> {
    let mut pages = entries(&root().join("docs/guides"));
    pages.push(root().join("README.md"));
    pages
}

#[test]
fn every_configuration_in_the_guides_is_valid() {
    let (workspace, versions) = workspace();
    let mut validated = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for (section, text) in sections(&text, "terraform") {
            let name = format!("{} {section}", page.display());
            validate(&workspace, &versions, &name, &text);
            validated += 1;
        }
    }
    assert!(validated >= 10, "only {validated} were found");
}

#[test]
fn every_example_of_the_reference_is_valid() {
    let (workspace, versions) = workspace();
    let examples = root().join("examples");
    let kinds = [
        "provider",
        "resources",
        "data-sources",
        "functions",
        "ephemeral-resources",
    ];
    let mut validated = 0;
    for kind in kinds {
        let mut directories = entries(&examples.join(kind));
        directories.push(examples.join(kind));
        for file in directories
            .iter()
            .filter(|path| path.is_dir())
            .flat_map(|path| entries(path))
        {
            if file.extension().is_some_and(|extension| extension == "tf") {
                let text = fs::read_to_string(&file).unwrap();
                validate(&workspace, &versions, &file.display().to_string(), &text);
                validated += 1;
            }
        }
    }
    assert!(validated >= 10, "only {validated} were found");
}

#[test]
fn every_cli_configuration_in_the_guides_is_taken() {
    let mut workspace = Workspace::with("", Vec::new());
    let mut read = 0;
    for page in pages() {
        for (section, text) in sections(&fs::read_to_string(&page).unwrap(), "hcl") {
            workspace.write("cli.tfrc", &text);
            let file = workspace.path().join("cli.tfrc").display().to_string();
            workspace.set("TF_CLI_CONFIG_FILE", &file);
            let version = workspace.run(&["version"]).success();
            let fine = !version.text.contains("CLI configuration");
            assert!(fine, "{} {section}\n{}", page.display(), version.text);
            read += 1;
        }
    }
    assert!(read >= 1, "none was found");
}
