//! The provider's pages for the Terraform Registry, from its schema and its examples.
//!
//! The layout is the one the Registry knows and its users know: `index.md`, and a directory for each
//! kind of part, such as `resources/*.md`; each page has front matter, an example and the schema. A
//! program that writes the pages and a test that compares them are both a few lines over [`pages`].

mod function;
mod schema;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    Attribute, Parts, Provider, Shape,
    erased::{Callable, Offer, Schema},
    provider::Offers,
};

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
/// `resources/<type>/{resource.tf,import.sh}`, `data-sources/<type>/data-source.tf`,
/// `ephemeral-resources/<type>/ephemeral-resource.tf`, `actions/<type>/action.tf`,
/// `list-resources/<type>/list-resource.tfquery.hcl` and `functions/<name>/function.tf`.
///
/// # Errors
/// If an example or the description of an attribute is missing.
pub fn pages<P: Provider>(
    provider: &P,
    examples: &Path,
) -> Result<BTreeMap<PathBuf, String>, Error> {
    let parts = Parts::of(provider);
    let mut book = Book {
        prefix: P::NAME,
        program: format!("terraform-provider-{}", P::NAME),
        examples,
        pages: BTreeMap::new(),
    };
    book.index(&Schema::of::<P::Config>(Vec::new()))?;
    book.chapter(&RESOURCES, &parts.resources)?;
    book.chapter(&DATA_SOURCES, &parts.data_sources)?;
    book.chapter(&EPHEMERALS, &parts.ephemerals)?;
    book.chapter(&LISTS, &parts.lists)?;
    book.chapter(&ACTIONS, &parts.actions)?;
    for (name, Callable { signature, .. }) in &parts.functions {
        described(name, "", &signature.parameters)?;
        let directory = examples.join("functions").join(name);
        let example = read(&directory.join("function.tf"))?;
        let page = function::render(name, signature, &book.program, &example);
        let path = Path::new("functions").join(format!("{name}.md"));
        book.pages.insert(path, page);
    }
    Ok(book.pages)
}

/// The parts of one kind.
struct Chapter {
    /// What one of them is called.
    title: &'static str,
    /// The directory of their pages, and of their examples.
    directory: &'static str,
    /// The file of each example.
    example: &'static str,
    /// Whether there is an example of an import.
    imports: bool,
}

const RESOURCES: Chapter = Chapter {
    title: "Resource",
    directory: "resources",
    example: "resource.tf",
    imports: true,
};
const DATA_SOURCES: Chapter = Chapter {
    title: "Data Source",
    directory: "data-sources",
    example: "data-source.tf",
    imports: false,
};
const EPHEMERALS: Chapter = Chapter {
    title: "Ephemeral Resource",
    directory: "ephemeral-resources",
    example: "ephemeral-resource.tf",
    imports: false,
};
const LISTS: Chapter = Chapter {
    title: "List Resource",
    directory: "list-resources",
    example: "list-resource.tfquery.hcl",
    imports: false,
};
const ACTIONS: Chapter = Chapter {
    title: "Action",
    directory: "actions",
    example: "action.tf",
    imports: false,
};

struct Book<'a> {
    prefix: &'static str,
    program: String,
    examples: &'a Path,
    pages: BTreeMap<PathBuf, String>,
}

impl Book<'_> {
    fn index(&mut self, schema: &Schema) -> Result<(), Error> {
        described(self.prefix, "", &schema.attributes)?;
        let example = read(&self.examples.join("provider/provider.tf"))?;
        let page = Page {
            title: format!("{} Provider", self.prefix),
            of: "",
            schema,
        };
        let page = page.render(&self.program, &example, None);
        self.pages.insert(PathBuf::from("index.md"), page);
        Ok(())
    }

    fn chapter<T: ?Sized>(&mut self, chapter: &Chapter, parts: &Offers<T>) -> Result<(), Error> {
        for (name, Offer { schema, .. }) in parts {
            described(name, "", &schema.attributes)?;
            let directory = self.examples.join(chapter.directory).join(name);
            let example = read(&directory.join(chapter.example))?;
            let import = match chapter.imports {
                true => Some(read(&directory.join("import.sh"))?),
                false => None,
            };
            let page = Page {
                title: name.clone(),
                of: chapter.title,
                schema,
            };
            let page = page.render(&self.program, &example, import.as_deref());
            let path = page_path(chapter.directory, self.prefix, name);
            self.pages.insert(path, page);
        }
        Ok(())
    }
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
    /// What it is, such as "Data Source"; nothing for the provider.
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
        let front = front(program, &page_title, &summary);
        let mut page = format!(
            "{front}\
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

/// What a page begins with.
fn front(program: &str, title: &str, summary: &str) -> String {
    format!(
        "---\n\
         # generated by {program}\n\
         page_title: \"{title}\"\n\
         subcategory: \"\"\n\
         description: |-\n  {summary}\n\
         ---\n\n"
    )
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
