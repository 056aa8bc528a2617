//! Lists of resources.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio_stream::StreamExt;

use super::kit::{Client, Kit, Thing, bare, no_spaces};
use crate::{
    Context, Diagnostic, ListResource, Listed, Model, Type, Wanted, pb,
    testing::host::{Host, Told, Typed, content, message, told},
};

pub(super) struct Search;

/// A search for things.
#[derive(Model)]
pub(super) struct Query {
    /// What is looked for.
    #[tf(check = no_spaces)]
    like: Option<String>,
}

#[async_trait]
impl ListResource<Client> for Search {
    type Model = Query;
    type Resource = Thing;
    const NAME: &'static str = "thing";

    async fn list(
        &self,
        cx: &mut Context<Client>,
        config: Query,
        wanted: Wanted,
    ) -> Result<Vec<Listed<Thing>>, Diagnostic> {
        let like = config.like.unwrap_or_default();
        let careful = || Diagnostic::warning("Careful", "");
        match &*like {
            "fail" => return Err(Diagnostic::error("It failed", "")),
            "panic" => panic!("asked to panic"),
            "warn" => cx.warn(careful()),
            "nothing" => {
                cx.warn(careful());
                return Ok(Vec::new());
            }
            "none" => {
                return Ok(vec![Listed::identity(
                    "x",
                    [("name", Option::<&str>::None.into())],
                )]);
            }
            "small" => assert_eq!(wanted.limit, None),
            _ => {}
        }
        let names = ["a", "b", "c"]
            .into_iter()
            .map(|name| format!("{like}{name}"));
        Ok(names
            .map(|name| match &*name {
                "warnb" => Listed::resource(name.as_str(), bare(&name)).with(careful()),
                "smalla" => Listed::identity(name.as_str(), [("name", name.as_str().into())]),
                _ => Listed::resource(name.as_str(), bare(&name)),
            })
            .collect())
    }
}

#[derive(Debug, PartialEq)]
struct Found {
    name: String,
    identity: Json,
    resource: Json,
    told: Vec<Told>,
}

async fn list(host: &mut Host, like: &str, limit: i64, resource: bool) -> Vec<Found> {
    let request = pb::list_resource::Request {
        type_name: "kit_thing".to_owned(),
        config: message(&Query::ty(), &json!({ "like": like })),
        include_resource_object: resource,
        limit,
    };
    let events = host.provider.list_resource(request).await.unwrap();
    let identity = Type::Object([("name".to_owned(), Type::String)].into());
    let found = |event: pb::list_resource::Event| {
        let data = event.identity.and_then(|identity| identity.identity_data);
        Found {
            name: event.display_name,
            identity: content(&identity, data.as_ref()),
            resource: content(&Thing::ty(), event.resource_object.as_ref()),
            told: told(&event.diagnostic),
        }
    };
    let events: Vec<_> = events.into_inner().collect().await;
    events
        .into_iter()
        .map(|event| found(event.unwrap()))
        .collect()
}

fn names(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| &*found.name).collect()
}

#[tokio::test]
async fn a_list_is_what_was_found_and_no_more_than_was_asked_for() {
    let mut host = Host::configured(Kit::default()).await;
    let expected = |name: &str, resource| Found {
        name: name.to_owned(),
        identity: json!({ "name": name }),
        resource,
        told: Told::nothing(),
    };
    let found = list(&mut host, "x", 2, false).await;
    assert_eq!(
        found,
        [expected("xa", Json::Null), expected("xb", Json::Null)]
    );
    let found = list(&mut host, "x", 1, true).await;
    // What a careless resource says of its secret is not sent.
    assert_eq!(
        found,
        [expected("xa", json!({ "id": "id-xa", "name": "xa" }))]
    );
    assert_eq!(names(&list(&mut host, "small", 0, false).await).len(), 3);
}

#[tokio::test]
async fn an_identity_without_its_resource_is_a_warning_only_if_the_resource_is_wanted() {
    let mut host = Host::configured(Kit::default()).await;
    for (resource, expected) in [(false, &[][..]), (true, &["warning: Incomplete list"])] {
        let found = list(&mut host, "small", 0, resource).await;
        assert_eq!(found[0].identity, json!({ "name": "smalla" }));
        assert_eq!(found[0].resource, Json::Null);
        assert_eq!(found[0].told, expected);
    }
}

#[tokio::test]
async fn warnings_go_with_what_was_found_and_errors_are_the_end() {
    let mut host = Host::configured(Kit::default()).await;
    let found = list(&mut host, "warn", 9, false).await;
    assert_eq!(names(&found), ["warna", "warnb", "warnc"]);
    let warnings = found.iter().map(|found| found.told.len());
    assert_eq!(warnings.collect::<Vec<_>>(), [1, 1, 0]);
    for (like, expected) in [
        ("nothing", "warning: Careful"),
        ("fail", "error: It failed"),
        ("panic", "error: The provider panicked"),
        ("none", "error: Incomplete list"),
    ] {
        let found = list(&mut host, like, 9, false).await;
        assert_eq!(names(&found), [""]);
        assert_eq!(found[0].told, [expected]);
    }
    // The process lives.
    assert_eq!(list(&mut host, "x", 1, false).await.len(), 1);
}

#[tokio::test]
async fn the_configuration_of_a_list_is_validated() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::validate_list_resource_config::Request {
        type_name: "kit_thing".to_owned(),
        config: message(&Query::ty(), &json!({ "like": "a b" })),
        include_resource_object: message(&Type::Bool, &json!(true)),
        limit: message(&Type::Number, &json!(3)),
    };
    let found = host.provider.validate_list_resource_config(request).await;
    let found = told(&found.unwrap().into_inner().diagnostics);
    assert_eq!(found, ["error at like: Invalid value for like"]);
}
