//! The parts of a provider without their model types, so that many kinds fit in one map.

mod action;
mod ephemeral;
mod function;
mod list_resource;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;

pub(crate) use crate::erased::{
    action::AnyAction,
    ephemeral::AnyEphemeral,
    function::{Callable, Signature},
    list_resource::AnyListResource,
};
use crate::{
    Attribute, AttributeType, Context, DataSource, Diagnostic, Failed, ImportBy, Model, MoveSource,
    Path, Plan, Resource, Rule, Type, Value, schema,
};

/// What Terraform is told about a part, and the type of its values.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) version: i64,
    pub(crate) doc: &'static str,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) ty: Type,
    /// Which attributes may be set together.
    pub(crate) rules: Vec<Rule>,
    /// The version of the identity; of a resource only.
    pub(crate) identity_version: i64,
}

impl Schema {
    pub(crate) fn of<M: Model>(rules: Vec<Rule>) -> Self {
        let attributes = M::attributes();
        let ty = schema::object(&attributes);
        Self {
            version: 0,
            doc: M::DOC,
            attributes,
            ty,
            rules,
            identity_version: 0,
        }
    }
}

/// A part with its schema, which is made once.
pub(crate) struct Offer<T: ?Sized> {
    pub(crate) schema: Schema,
    /// Shared, because an action goes on after its call was answered.
    pub(crate) part: Arc<T>,
}

/// What a create or an update came to.
pub(crate) struct Outcome {
    pub(crate) state: Option<Value>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

#[async_trait]
pub(crate) trait AnyResource<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Vec<Diagnostic>;
    fn plan(&self, plan: &mut Plan<'_>);
    /// Whether the value can be read as the model.
    fn accepts(&self, state: &Value) -> bool;
    async fn create(&self, cx: &mut Context<C>, plan: Value) -> Outcome;
    async fn read(&self, cx: &mut Context<C>, state: Value) -> Result<Option<Value>, Diagnostic>;
    async fn update(&self, cx: &mut Context<C>, prior: Value, plan: Value) -> Outcome;
    async fn delete(&self, cx: &mut Context<C>, state: Value) -> Result<(), Diagnostic>;
    async fn import(&self, cx: &mut Context<C>, by: ImportBy) -> Result<Value, Diagnostic>;
    fn upgrade(&self, from: i64, state: Json) -> Result<Json, Diagnostic>;
    fn upgrade_identity(&self, from: i64, identity: Json) -> Result<Json, Diagnostic>;
    fn generate(&self, state: &Value, config: &mut Value);
    fn move_from(&self, source: &MoveSource) -> Option<Result<Value, Diagnostic>>;
}

#[async_trait]
pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Vec<Diagnostic>;
    async fn read(&self, cx: &mut Context<C>, config: Value) -> Result<Value, Diagnostic>;
}

/// A part whose type is forgotten.
pub(crate) struct Erased<T>(pub(crate) T);

#[async_trait]
impl<C: Send + Sync + 'static, R: Resource<C>> AnyResource<C> for Erased<R> {
    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        self.0.validate(config)
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        self.0.plan(plan);
    }

    fn accepts(&self, state: &Value) -> bool {
        decode::<R::Model>(state.clone()).is_ok()
    }

    async fn create(&self, cx: &mut Context<C>, plan: Value) -> Outcome {
        match decode(plan) {
            Ok(plan) => self.0.create(cx, plan).await.into(),
            Err(diagnostic) => diagnostic.into(),
        }
    }

    async fn read(&self, cx: &mut Context<C>, state: Value) -> Result<Option<Value>, Diagnostic> {
        let state = self.0.read(cx, decode(state)?).await?;
        Ok(state.map(AttributeType::encode))
    }

    async fn update(&self, cx: &mut Context<C>, prior: Value, plan: Value) -> Outcome {
        match (decode(prior), decode(plan)) {
            (Ok(prior), Ok(plan)) => self.0.update(cx, prior, plan).await.into(),
            (Err(diagnostic), _) | (_, Err(diagnostic)) => diagnostic.into(),
        }
    }

    async fn delete(&self, cx: &mut Context<C>, state: Value) -> Result<(), Diagnostic> {
        self.0.delete(cx, decode(state)?).await
    }

    async fn import(&self, cx: &mut Context<C>, by: ImportBy) -> Result<Value, Diagnostic> {
        self.0.import(cx, by).await.map(AttributeType::encode)
    }

    fn upgrade(&self, from: i64, state: Json) -> Result<Json, Diagnostic> {
        self.0.upgrade(from, state)
    }

    fn upgrade_identity(&self, from: i64, identity: Json) -> Result<Json, Diagnostic> {
        self.0.upgrade_identity(from, identity)
    }

    fn generate(&self, state: &Value, config: &mut Value) {
        self.0.generate(state, config);
    }

    fn move_from(&self, source: &MoveSource) -> Option<Result<Value, Diagnostic>> {
        let moved = self.0.move_from(source)?;
        Some(moved.map(AttributeType::encode))
    }
}

#[async_trait]
impl<C: Send + Sync + 'static, D: DataSource<C>> AnyDataSource<C> for Erased<D> {
    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        self.0.validate(config)
    }

    async fn read(&self, cx: &mut Context<C>, config: Value) -> Result<Value, Diagnostic> {
        self.0
            .read(cx, decode(config)?)
            .await
            .map(AttributeType::encode)
    }
}

pub(crate) fn decode<M: AttributeType>(value: Value) -> Result<M, Diagnostic> {
    Ok(M::decode(value, &Path::default())?)
}

impl<M: Model> From<Result<M, Failed<M>>> for Outcome {
    fn from(result: Result<M, Failed<M>>) -> Self {
        match result {
            Ok(state) => Self {
                state: Some(state.encode()),
                diagnostics: Vec::new(),
            },
            Err(Failed { diagnostics, state }) => Self {
                state: state.map(M::encode),
                diagnostics,
            },
        }
    }
}

impl From<Diagnostic> for Outcome {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            state: None,
            diagnostics: vec![diagnostic],
        }
    }
}
