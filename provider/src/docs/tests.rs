//! What is in `docs/` is what the schemas say, and what the Registry takes.

use std::collections::BTreeMap;

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn made() -> BTreeMap<PathBuf, String> {
    tfplugin::docs::pages(&Baremetal, &root().join("examples")).unwrap()
}

/// Every file below `docs/`, by its path there.
fn found() -> BTreeMap<PathBuf, String> {
    let docs = root().join("docs");
    let mut found = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(docs.join(&directory)).unwrap() {
            let path = directory.join(entry.unwrap().file_name());
            if docs.join(&path).is_dir() {
                directories.push(path);
            } else {
                let text = fs::read_to_string(docs.join(&path)).unwrap();
                found.insert(path, text);
            }
        }
    }
    found
}

#[test]
fn the_pages_in_docs_are_what_the_schemas_say() {
    let found = found();
    for (path, expected) in made() {
        let text = found.get(&path).map_or("", String::as_str);
        let same = |(a, b): &(&str, &str)| a == b;
        let line = text.lines().zip(expected.lines()).take_while(same).count() + 1;
        assert!(
            text == expected,
            "docs/{} is stale from line {line} on: run `make docs`",
            path.display()
        );
    }
}

#[test]
fn the_page_about_quirks_is_what_the_table_says() {
    let found = found();
    let page = found.get(Path::new(QUIRKS));
    assert!(
        page.is_some_and(|page| *page == redfish::quirks_page()),
        "docs/{QUIRKS} is stale: run `make docs`"
    );
}

#[test]
fn no_page_is_about_nothing() {
    let made = made();
    let surplus = surplus(&root().join("docs"), |page| made.contains_key(page)).unwrap();
    assert!(
        surplus.is_empty(),
        "no schema has {surplus:?}: run `make docs`"
    );
    for page in found().keys() {
        let guide = page.parent() == Some(Path::new("guides")) || page == Path::new(QUIRKS);
        assert!(
            guide || made.contains_key(page),
            "the Registry has no place for docs/{}",
            page.display()
        );
    }
}

#[test]
fn every_page_has_the_front_matter_that_the_registry_reads() {
    for (page, text) in found() {
        let page = page.display();
        assert!(page.to_string().ends_with(".md"), "{page}");
        assert!(text.len() < 500_000, "{page}");
        let matter = text
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"));
        let (matter, body) = matter.unwrap_or_else(|| panic!("{page} has no front matter"));
        let keys: Vec<_> = matter
            .lines()
            .filter(|line| !line.starts_with([' ', '#']))
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(keys, ["page_title", "subcategory", "description"], "{page}");
        let described = matter.split("description: |-\n  ").nth(1);
        assert!(described.is_some_and(|text| text.len() > 20), "{page}");
        assert!(body.trim_start().starts_with("# "), "{page} has no heading");
    }
}

#[test]
fn every_generated_page_has_an_example_and_every_resource_its_import() {
    for (page, text) in made() {
        let has = |part: &str| assert!(text.contains(part), "{} has no {part}", page.display());
        has("## Example Usage\n\n```terraform\n");
        if page.starts_with("resources") {
            has("## Import\n");
            has("terraform import baremetal_");
        }
    }
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    for (page, text) in found() {
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let directory = root().join("docs").join(&page);
            let path = directory.parent().unwrap().join(target);
            assert!(path.exists(), "{} links to {target}", page.display());
        }
    }
}

#[test]
fn a_page_about_nothing_is_found_and_a_guide_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let stale = directory.path().join("resources/gone.md");
    let guide = directory.path().join("guides/kept.md");
    for path in [&stale, &guide] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let made = made();
    let surplus = surplus(directory.path(), |page| made.contains_key(page)).unwrap();
    assert_eq!(surplus, [PathBuf::from("resources/gone.md")]);
}
