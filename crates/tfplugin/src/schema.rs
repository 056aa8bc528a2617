//! What a model says about its attributes.

use std::collections::BTreeMap;

use crate::{Diagnostic, Path, Type, Value, diagnostic::sentence};

/// Decides whether a known, set value is acceptable; the error says what would be.
pub type Check = fn(&Value) -> Result<(), String>;

/// Decides whether two known, set values mean the same.
pub type Same = fn(&Value, &Value) -> bool;

/// One attribute of a resource, a data source, a provider block or a nested object.
///
/// Made by `#[derive(Model)]`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name in the configuration.
    pub name: &'static str,
    /// The description, Markdown.
    pub doc: &'static str,
    /// The type, or the attributes of a nested object.
    pub shape: Shape,
    /// The user has to set it.
    pub required: bool,
    /// The user may set it.
    pub optional: bool,
    /// The provider may set it.
    pub computed: bool,
    /// Terraform shows it nowhere.
    pub sensitive: bool,
    /// Never stored: it exists in the configuration only.
    pub write_only: bool,
    /// A change of it replaces the resource.
    pub replace: bool,
    /// Decides, with the prior and the planned value, whether a change replaces the resource.
    pub replace_if: Option<Same>,
    /// Once known, it stays as it is when the resource changes.
    pub keep: bool,
    /// Part of what identifies the resource for good.
    pub identity: bool,
    /// A function is called although this argument is not known yet.
    pub later: bool,
    /// What it is when the user does not set it.
    pub default: Option<Value>,
    /// What its value has to satisfy.
    pub checks: Vec<Check>,
    /// What each element of a list, set or map has to satisfy.
    pub element_checks: Vec<Check>,
    /// When another spelling is no change.
    pub same: Option<Same>,
    /// When another spelling of an element of a list, set or map is no change.
    pub same_elements: Option<Same>,
}

/// What an attribute holds.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A value of a type.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Vec<Attribute>),
}

/// How many nested objects an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One.
    Single,
    /// Any number, in an order.
    List,
    /// Any number, all different, without an order.
    Set,
    /// Any number, by name.
    Map,
}

impl Attribute {
    /// An attribute with a name, a description and a shape, and no properties yet.
    pub fn new(name: &'static str, doc: &'static str, shape: Shape) -> Self {
        Self {
            name,
            doc,
            shape,
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            replace: false,
            replace_if: None,
            keep: false,
            identity: false,
            later: false,
            default: None,
            checks: Vec::new(),
            element_checks: Vec::new(),
            same: None,
            same_elements: None,
        }
    }

    /// The type of the attribute's values.
    pub(crate) fn ty(&self) -> Type {
        match &self.shape {
            Shape::Plain(ty) => ty.clone(),
            Shape::Nested(Nesting::Single, inner) => object(inner),
            Shape::Nested(Nesting::List, inner) => Type::List(object(inner).into()),
            Shape::Nested(Nesting::Set, inner) => Type::Set(object(inner).into()),
            Shape::Nested(Nesting::Map, inner) => Type::Map(object(inner).into()),
        }
    }

    /// What is inside an attribute that only the provider sets, only the provider sets too.
    #[doc(hidden)]
    #[must_use]
    pub fn settled(mut self) -> Self {
        if self.computed
            && !self.optional
            && let Shape::Nested(_, inner) = &mut self.shape
        {
            for attribute in std::mem::take(inner) {
                let (required, optional, computed) = (false, false, true);
                inner.push(
                    Self {
                        required,
                        optional,
                        computed,
                        ..attribute
                    }
                    .settled(),
                );
            }
        }
        self
    }

    /// Whether the two values of this attribute mean the same; equal values do.
    pub(crate) fn is_same(&self, old: &Value, new: &Value) -> bool {
        if old == new {
            return true;
        }
        if !old.is_known() || !new.is_known() || old.is_null() || new.is_null() {
            return false;
        }
        if self.same.is_some_and(|same| same(old, new)) {
            return true;
        }
        let Some(same) = self.same_elements else {
            return false;
        };
        let is_set = matches!(self.ty(), Type::Set(_));
        match (old, new) {
            (Value::List(old), Value::List(new)) if is_set => {
                let covers = |a: &[Value], b: &[Value]| {
                    a.iter().all(|a| b.iter().any(|b| a == b || same(a, b)))
                };
                covers(old, new) && covers(new, old)
            }
            (Value::List(old), Value::List(new)) => {
                old.len() == new.len()
                    && old
                        .iter()
                        .zip(new)
                        .all(|(old, new)| old == new || same(old, new))
            }
            (Value::Map(old), Value::Map(new)) => {
                let pairs = old.iter().zip(new);
                old.len() == new.len()
                    && pairs
                        .into_iter()
                        .all(|(old, new)| old.0 == new.0 && (old.1 == new.1 || same(old.1, new.1)))
            }
            _ => false,
        }
    }
}

/// The type of an object with these attributes.
pub(crate) fn object(attributes: &[Attribute]) -> Type {
    let types = attributes
        .iter()
        .map(|attribute| (attribute.name.to_owned(), attribute.ty()));
    Type::Object(types.collect())
}

/// Calls `visit` for every attribute of the object and of the objects nested in it.
///
/// The path of what is inside a set is the path of the set: its elements have none.
pub(crate) fn walk(
    attributes: &[Attribute],
    value: &Value,
    path: &Path,
    visit: &mut dyn FnMut(&Attribute, &Value, &Path),
) {
    if !matches!(value, Value::Map(_)) {
        return;
    }
    for attribute in attributes {
        let (value, path) = (value.get(attribute.name), path.attribute(attribute.name));
        visit(attribute, value, &path);
        let Shape::Nested(nesting, inner) = &attribute.shape else {
            continue;
        };
        match (nesting, value) {
            (Nesting::Single, value) => walk(inner, value, &path, visit),
            (Nesting::Set, Value::List(elements)) => {
                for element in elements {
                    walk(inner, element, &path, visit);
                }
            }
            (_, Value::List(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    walk(inner, element, &path.index(index), visit);
                }
            }
            (_, Value::Map(map)) => {
                for (key, element) in map {
                    walk(inner, element, &path.key(key), visit);
                }
            }
            _ => {}
        }
    }
}

/// What the attributes' checks have to say about a configuration.
pub(crate) fn validate(attributes: &[Attribute], config: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    walk(
        attributes,
        config,
        &Path::default(),
        &mut |attribute, value, path| {
            apply(&attribute.checks, value, path, &mut found);
            for (element, path) in elements(attribute, value, path) {
                if element.is_null() {
                    found.push(null_element(attribute, &path));
                } else {
                    apply(&attribute.element_checks, element, &path, &mut found);
                }
            }
        },
    );
    found
}

/// The elements of a list, set or map and where they are: those of a set are where it is.
fn elements<'a>(attribute: &Attribute, value: &'a Value, path: &Path) -> Vec<(&'a Value, Path)> {
    match (attribute.ty(), value) {
        (Type::Set(_), Value::List(all)) => all.iter().map(|one| (one, path.clone())).collect(),
        (Type::List(_), Value::List(all)) => {
            let all = all.iter().enumerate();
            all.map(|(index, one)| (one, path.index(index))).collect()
        }
        (Type::Map(_), Value::Map(all)) => {
            let all = all.iter();
            all.map(|(key, one)| (one, path.key(key))).collect()
        }
        _ => Vec::new(),
    }
}

/// No model has an element that may be null: it would be found at apply only, when half is done.
fn null_element(attribute: &Attribute, path: &Path) -> Diagnostic {
    let name = attribute.name;
    let detail = format!(
        "An element of {name} is null. Leave it out, for example with compact([...]) for a list of \
         texts or with an if in a for expression."
    );
    Diagnostic::error(format!("Invalid value for {path}"), detail).at(path.clone())
}

fn apply(checks: &[Check], value: &Value, path: &Path, found: &mut Vec<Diagnostic>) {
    if value.is_null() || value.is_unknown() {
        return;
    }
    for check in checks {
        if let Err(problem) = check(value) {
            let summary = format!("Invalid value for {path}");
            found.push(Diagnostic::error(summary, sentence(&problem)).at(path.clone()));
        }
    }
}

/// Errors for write-only attributes that the host would store.
pub(crate) fn refuse_write_only(attributes: &[Attribute], config: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    walk(
        attributes,
        config,
        &Path::default(),
        &mut |attribute, value, path| {
            if attribute.write_only && !value.is_null() {
                let detail = "Write-only attributes need Terraform 1.11 or OpenTofu 1.11.";
                let summary = format!("{path} is write-only");
                found.push(Diagnostic::error(summary, detail).at(path.clone()));
            }
        },
    );
    found
}

/// The object with null for every write-only attribute.
pub(crate) fn without_write_only(attributes: &[Attribute], value: Value) -> Value {
    let Value::Map(mut map) = value else {
        return value;
    };
    for attribute in attributes {
        let Some(value) = map.get_mut(attribute.name) else {
            continue;
        };
        if attribute.write_only {
            *value = Value::Null;
        } else if let Shape::Nested(nesting, inner) = &attribute.shape {
            let strip = |value| without_write_only(inner, value);
            *value = each(*nesting, std::mem::take(value), strip);
        }
    }
    Value::Map(map)
}

/// The value of a nested attribute with every object in it changed.
pub(crate) fn each(nesting: Nesting, value: Value, change: impl Fn(Value) -> Value) -> Value {
    match (nesting, value) {
        (Nesting::Single, value) => change(value),
        (Nesting::Set, Value::List(all)) => Value::set(all.into_iter().map(change).collect()),
        (_, Value::List(all)) => Value::List(all.into_iter().map(change).collect()),
        (_, Value::Map(all)) => {
            let changed: BTreeMap<_, _> = all
                .into_iter()
                .map(|(key, value)| (key, change(value)))
                .collect();
            Value::Map(changed)
        }
        (_, other) => other,
    }
}
