//! The provider's pages for the Terraform Registry, from its schema and its examples.
//!
//! The layout is the one the Registry knows and its users know: `index.md`, `resources/*.md` and
//! `data-sources/*.md`, each with front matter, an example and the schema. A program that writes
//! the pages and a test that compares them are both a few lines over [`pages`].

mod schema;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Attribute, Parts, Provider, Shape, erased::Schema};

/// Why the pages could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Every part needs an example, and every resource one for its import.
    #[error("failed to read the example {path}")]
    Example {
        /// The file that should be there.
        path: PathBuf,
        /// What happened instead.
        source: io::Error,
    },
    /// An attribute has no doc comment.
    #[error("{part} does not describe its attribute {attribute}")]
    Description {
        /// The resource, data source or provider.
        part: String,
        /// The attribute; of a nested one, the way to it.
        attribute: String,
    },
}

/// The text of every page by its path below `docs/`.
///
/// `examples` is the directory with `provider/provider.tf`,
/// `resources/<type>/{resource.tf,import.sh}` and `data-sources/<type>/data-source.tf`.
///
/// # Errors
/// If an example or the description of an attribute is missing.
pub fn pages<P: Provider>(
    provider: &P,
    examples: &Path,
) -> Result<BTreeMap<PathBuf, String>, Error> {
    let parts = Parts::of(provider);
    let program = format!("terraform-provider-{}", P::NAME);
    let mut pages = BTreeMap::new();

    let schema = Schema::of::<P::Config>(0);
    described(P::NAME, "", &schema.attributes)?;
    let example = read(&examples.join("provider/provider.tf"))?;
    let page = Page {
        title: format!("{} Provider", P::NAME),
        of: "",
        schema: &schema,
    };
    pages.insert(
        PathBuf::from("index.md"),
        page.render(&program, &example, None),
    );

    for (name, offer) in &parts.resources {
        described(name, "", &offer.schema.attributes)?;
        let directory = examples.join("resources").join(name);
        let example = read(&directory.join("resource.tf"))?;
        let import = read(&directory.join("import.sh"))?;
        let page = Page {
            title: name.clone(),
            of: "Resource",
            schema: &offer.schema,
        };
        let path = page_path("resources", P::NAME, name);
        pages.insert(path, page.render(&program, &example, Some(&import)));
    }
    for (name, offer) in &parts.data_sources {
        described(name, "", &offer.schema.attributes)?;
        let directory = examples.join("data-sources").join(name);
        let example = read(&directory.join("data-source.tf"))?;
        let page = Page {
            title: name.clone(),
            of: "Data Source",
            schema: &offer.schema,
        };
        let path = page_path("data-sources", P::NAME, name);
        pages.insert(path, page.render(&program, &example, None));
    }
    Ok(pages)
}

/// `resources/server.md` for `baremetal_server`.
fn page_path(directory: &str, prefix: &str, name: &str) -> PathBuf {
    let short = name
        .strip_prefix(prefix)
        .and_then(|name| name.strip_prefix('_'));
    Path::new(directory).join(format!("{}.md", short.unwrap_or(name)))
}

fn described(part: &str, prefix: &str, attributes: &[Attribute]) -> Result<(), Error> {
    for attribute in attributes {
        let path = format!("{prefix}{}", attribute.name);
        if attribute.doc.is_empty() {
            return Err(Error::Description {
                part: part.to_owned(),
                attribute: path,
            });
        }
        if let Shape::Nested(_, inner) = &attribute.shape {
            described(part, &format!("{path}."), inner)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(source) => Err(Error::Example {
            path: path.to_owned(),
            source,
        }),
    }
}

struct Page<'a> {
    title: String,
    /// "Resource", "Data Source"; nothing for the provider.
    of: &'static str,
    schema: &'a Schema,
}

impl Page<'_> {
    fn render(&self, program: &str, example: &str, import: Option<&str>) -> String {
        let Self { title, of, schema } = self;
        let (page_title, heading) = if of.is_empty() {
            (title.clone(), title.clone())
        } else {
            (
                format!("{title} {of} - {program}"),
                format!("{title} ({of})"),
            )
        };
        let doc = schema.doc;
        let summary = summary(doc);
        let body = schema::render(&schema.attributes);
        let mut page = format!(
            "---\n\
             # generated by {program}\n\
             page_title: \"{page_title}\"\n\
             subcategory: \"\"\n\
             description: |-\n  {summary}\n\
             ---\n\n\
             # {heading}\n\n\
             {doc}\n\n\
             ## Example Usage\n\n\
             ```terraform\n{example}\n```\n\n\
             <!-- schema generated by {program} -->\n\
             ## Schema\n\n\
             {body}"
        );
        if let Some(import) = import {
            page.push_str(&format!(
                "\n## Import\n\n\
                 Import is supported using the following syntax:\n\n\
                 The [`terraform import` command]({IMPORT_COMMAND}) can be used, for example:\n\n\
                 ```shell\n{import}\n```\n"
            ));
        }
        page
    }
}

/// The first paragraph on one line.
fn summary(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default();
    paragraph
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
}

const IMPORT_COMMAND: &str = "https://developer.hashicorp.com/terraform/cli/commands/import";
