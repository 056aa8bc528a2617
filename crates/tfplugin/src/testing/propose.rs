//! What a host does around a plan: it proposes a new state and judges the answer.

use super::rules;
use crate::{
    Attribute, Diagnostic, Model, Nesting, Path, Plan, Resource, Shape, Value, plan::engine, schema,
};

/// What a resource plans, as the host sees it.
#[derive(Debug)]
pub struct Planned {
    /// The planned state.
    pub value: Value,
    /// The attributes whose change needs a new resource. If there are any, the host plans once
    /// more, with null as the prior state.
    pub replace: Vec<Path>,
    /// What the user is told.
    pub diagnostics: Vec<Diagnostic>,
    /// The rules that the plan breaks; none of a good resource.
    pub problems: Vec<String>,
}

/// Plans a create (with null as the prior state) or an update, with all that the schema and the
/// resource say.
///
/// The prior state has to be one that the resource returned, and the configuration one that its
/// checks accept.
pub fn plan<C: Send + Sync + 'static, R: Resource<C>>(
    resource: &R,
    prior: &Value,
    config: &Value,
) -> Planned {
    let attributes = R::Model::attributes();
    let proposed = propose(&attributes, prior, config);
    let (mut value, mut replace) = engine::plan(&attributes, config, prior, proposed);
    let mut diagnostics = Vec::new();
    resource.plan(&mut Plan {
        config,
        prior,
        planned: &mut value,
        replace: &mut replace,
        diagnostics: &mut diagnostics,
    });
    let value = schema::without_write_only(&attributes, value);
    let problems = rules::plan_problems(&attributes, prior, config, &value);
    Planned {
        value,
        replace,
        diagnostics,
        problems,
    }
}

/// The state that a host proposes: the configuration, and before what the provider computed where
/// there is none.
pub fn propose(attributes: &[Attribute], prior: &Value, config: &Value) -> Value {
    let Value::Map(_) = config else {
        return config.clone();
    };
    let proposed = attributes.iter().map(|attribute| {
        let (prior, config) = (prior.get(attribute.name), config.get(attribute.name));
        let value = propose_one(attribute, prior, config);
        (attribute.name.to_owned(), value)
    });
    Value::Map(proposed.collect())
}

fn propose_one(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    match &attribute.shape {
        Shape::Nested(_, inner) if attribute.computed && config.is_null() => {
            // What is not computed in it can only have come from a configuration that is gone.
            if attribute.optional && was_configured(inner, prior) {
                Value::Null
            } else {
                prior.clone()
            }
        }
        Shape::Plain(_) if attribute.computed && config.is_null() => prior.clone(),
        Shape::Nested(nesting, inner) => propose_nested(*nesting, inner, prior, config),
        Shape::Plain(_) => config.clone(),
    }
}

fn propose_nested(nesting: Nesting, inner: &[Attribute], prior: &Value, config: &Value) -> Value {
    match (nesting, config) {
        (Nesting::Single, Value::Map(_)) => propose(inner, prior, config),
        (Nesting::List, Value::List(elements)) => {
            let priors = prior
                .elements()
                .iter()
                .chain(std::iter::repeat(&Value::Null));
            let elements = elements.iter().zip(priors);
            Value::List(
                elements
                    .map(|(config, prior)| propose(inner, prior, config))
                    .collect(),
            )
        }
        (Nesting::Map, Value::Map(elements)) => Value::Map(
            elements
                .iter()
                .map(|(key, config)| (key.clone(), propose(inner, prior.get(key), config)))
                .collect(),
        ),
        (Nesting::Set, Value::List(elements)) => {
            let mut left: Vec<_> = prior.elements().iter().collect();
            let elements = elements.iter().map(|config| {
                let fits = |prior: &&Value| could_be(inner, prior, config);
                let prior = left.iter().position(fits);
                let prior = prior.map(|position| left.remove(position));
                propose(inner, prior.unwrap_or(&Value::Null), config)
            });
            Value::set(elements.collect())
        }
        _ => config.clone(),
    }
}

/// Whether an element of a set may have come of this configuration.
fn could_be(inner: &[Attribute], prior: &Value, config: &Value) -> bool {
    inner.iter().all(|attribute| {
        let (prior, config) = (prior.get(attribute.name), config.get(attribute.name));
        (attribute.computed && config.is_null()) || attribute.write_only || prior == config
    })
}

fn was_configured(inner: &[Attribute], value: &Value) -> bool {
    let object = |object: &Value| {
        let mut found = false;
        schema::walk(
            inner,
            object,
            &Path::default(),
            &mut |attribute, value, _| {
                found |= !attribute.computed && !value.is_null();
            },
        );
        found
    };
    match value {
        Value::List(elements) => elements.iter().any(object),
        Value::Map(map) => object(value) || map.values().any(object),
        _ => false,
    }
}
