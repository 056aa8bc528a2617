//! The "Schema" section of a page.

use std::fmt::Write;

use crate::{Attribute, Nesting, Number, Shape, Type, Value};

/// The attributes in three groups, then the nested ones, each with an anchor.
pub(super) fn render(attributes: &[Attribute]) -> String {
    let mut out = String::new();
    let mut nested = Vec::new();
    for (group, members) in groups(attributes) {
        list(
            &mut out,
            &format!("### {group}"),
            &members,
            &[],
            &mut nested,
        );
    }
    for (path, attributes) in nested {
        render_nested(&mut out, &path, attributes);
    }
    let length = out.trim_end().len();
    out.truncate(length);
    out.push('\n');
    out
}

type NestedSchemas<'a> = Vec<(Vec<&'static str>, &'a [Attribute])>;

fn render_nested(out: &mut String, path: &[&'static str], attributes: &[Attribute]) {
    let heading = path.join(".");
    put(out, format_args!("<a id=\"{}\"></a>\n", anchor(path)));
    put(out, format_args!("### Nested Schema for `{heading}`\n\n"));
    let mut nested = Vec::new();
    for (group, members) in groups(attributes) {
        list(out, &format!("{group}:"), &members, path, &mut nested);
    }
    out.push('\n');
    for (path, attributes) in nested {
        render_nested(out, &path, attributes);
    }
}

fn groups(attributes: &[Attribute]) -> impl Iterator<Item = (&'static str, Vec<&Attribute>)> {
    let group = |belongs: fn(&Attribute) -> bool| {
        let mut members: Vec<_> = attributes.iter().filter(|member| belongs(member)).collect();
        members.sort_by_key(|member| member.name);
        members
    };
    let required = group(|member| member.required);
    let optional = group(|member| member.optional);
    let read_only = group(|member| !member.required && !member.optional);
    [
        ("Required", required),
        ("Optional", optional),
        ("Read-Only", read_only),
    ]
    .into_iter()
    .filter(|(_, members)| !members.is_empty())
}

fn list<'a>(
    out: &mut String,
    heading: &str,
    members: &[&'a Attribute],
    path: &[&'static str],
    nested: &mut NestedSchemas<'a>,
) {
    put(out, format_args!("{heading}\n\n"));
    if members.iter().any(|member| member.write_only) {
        put(
            out,
            format_args!(
                "> **NOTE**: [Write-only arguments]({WRITE_ONLY}) are supported in Terraform 1.11 \
                 and later.\n\n"
            ),
        );
    }
    for member in members {
        let mut traits = vec![kind(&member.shape)];
        if member.sensitive {
            traits.push("Sensitive".to_owned());
        }
        if member.write_only {
            traits.push(format!("[Write-only]({WRITE_ONLY})"));
        }
        put(
            out,
            format_args!("- `{}` ({})", member.name, traits.join(", ")),
        );
        // Further lines belong to the same list item.
        let doc = member.doc.replace('\n', "\n  ").replace("\n  \n", "\n\n");
        if !doc.is_empty() {
            put(out, format_args!(" {doc}"));
        }
        if let Some(default) = member.default.as_ref().and_then(literal) {
            put(out, format_args!(" Defaults to `{default}`."));
        }
        if let Shape::Nested(_, inner) = &member.shape {
            let path: Vec<_> = path.iter().copied().chain([member.name]).collect();
            put(
                out,
                format_args!(" (see [below for nested schema](#{}))", anchor(&path)),
            );
            nested.push((path, inner));
        }
        out.push('\n');
    }
    out.push('\n');
}

fn anchor(path: &[&str]) -> String {
    format!("nestedatt--{}", path.join("--"))
}

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Plain(ty) => type_name(ty),
        Shape::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Shape::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        Shape::Nested(Nesting::Set, _) => "Attributes Set".to_owned(),
        Shape::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    }
}

pub(super) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Object(_) => "Object".to_owned(),
        Type::Tuple(_) => "Tuple".to_owned(),
    }
}

/// A default as the user would write it, if it is a single value.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(Number::Int(number)) => Some(number.to_string()),
        Value::Number(Number::Float(number)) => Some(number.to_string()),
        Value::Number(Number::Big(digits)) => Some(digits.clone()),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Unknown(_) | Value::List(_) | Value::Map(_) | Value::Dynamic(..) => {
            None
        }
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing to a string does not fail");
}

const WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";
