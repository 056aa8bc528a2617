//! Functions, and how their errors are placed.

use serde_json::{Value as Json, json};

use super::kit::{Kit, no_spaces};
use crate::{
    Diagnostic, Function, Later, Model, Path, Type, pb,
    testing::host::{Host, content, message},
};

pub(super) struct Join;

/// Joins texts.
#[derive(Model)]
pub(super) struct Joined {
    /// Between them.
    #[tf(check = no_spaces)]
    separator: Option<String>,
    /// The texts.
    #[tf(check_each = no_spaces)]
    texts: Vec<String>,
}

impl Function for Join {
    type Arguments = Joined;
    type Output = String;
    const NAME: &'static str = "join";
    const SUMMARY: &'static str = "Joins texts";
    const VARIADIC: bool = true;

    fn call(&self, arguments: Joined) -> Result<String, Diagnostic> {
        let wrong = |index| Diagnostic::error("No such text", "").at(index);
        if let Some(index) = arguments.texts.iter().position(|text| text == "wrong") {
            return Err(wrong(Path::root("texts").index(index)));
        }
        assert!(!arguments.texts.iter().any(|text| text == "panic"), "asked");
        let separator = arguments.separator.unwrap_or_default();
        Ok(arguments.texts.join(&separator))
    }
}

pub(super) struct Known;

/// Whether something is known.
#[derive(Model)]
pub(super) struct Asked {
    /// The thing.
    thing: Option<Later<String>>,
    /// The answer while it is not.
    otherwise: Later<bool>,
}

impl Function for Known {
    type Arguments = Asked;
    type Output = Later<bool>;
    const NAME: &'static str = "known";
    const SUMMARY: &'static str = "Asks";

    fn call(&self, arguments: Asked) -> Result<Later<bool>, Diagnostic> {
        match arguments.thing {
            Some(Later::Unknown) => Ok(arguments.otherwise),
            Some(Later::Known(_)) | None => Ok(Later::Known(true)),
        }
    }
}

async fn call(name: &str, result: Type, arguments: &[(Type, Json)]) -> Result<Json, String> {
    let mut host = Host::configured(Kit::default()).await;
    let arguments = arguments.iter().filter_map(|(ty, json)| message(ty, json));
    let request = pb::call_function::Request {
        name: name.to_owned(),
        arguments: arguments.collect(),
    };
    let response = host.provider.call_function(request).await.unwrap();
    let response = response.into_inner();
    match response.error {
        Some(error) => {
            assert!(response.result.is_none());
            let at = error.function_argument;
            Err(format!(
                "{}{}",
                at.map(|at| format!("{at}: ")).unwrap_or_default(),
                error.text
            ))
        }
        None => Ok(content(&result, response.result.as_ref())),
    }
}

async fn join(arguments: &[Json]) -> Result<Json, String> {
    let arguments: Vec<_> = arguments
        .iter()
        .map(|json| (Type::String, json.clone()))
        .collect();
    call("join", Type::String, &arguments).await
}

#[tokio::test]
async fn a_function_takes_null_where_it_says_so_and_as_many_arguments_as_there_are() {
    assert_eq!(join(&[json!("-")]).await, Ok(json!("")));
    assert_eq!(
        join(&["-", "a", "b"].map(Json::from)).await,
        Ok(json!("a-b"))
    );
    let without = [Json::Null, json!("a"), json!("b")];
    assert_eq!(join(&without).await, Ok(json!("ab")));
}

#[tokio::test]
async fn an_error_is_placed_on_the_argument_it_is_about() {
    for (arguments, expected) in [
        (&["a b"][..], "0: There are no spaces in it"),
        (&["-", "a", "b c"], "2: There are no spaces in it"),
        (&["-", "a", "b", "wrong"], "3: No such text"),
        (
            &[],
            "Wrong number of arguments: The function takes 1 arguments, found 0",
        ),
    ] {
        let arguments: Vec<_> = arguments.iter().copied().map(Json::from).collect();
        assert_eq!(join(&arguments).await, Err(expected.to_owned()));
    }
    let panicked = join(&[json!("-"), json!("panic")]).await.unwrap_err();
    assert!(
        panicked.starts_with("The provider panicked: "),
        "{panicked}"
    );
    let wrong = call("join", Type::String, &[(Type::Bool, json!(true))]).await;
    assert!(wrong.unwrap_err().starts_with("0: Expected a string"));
    let unknown = call("split", Type::String, &[]).await.unwrap_err();
    assert!(unknown.starts_with("Unknown function type: "), "{unknown}");
}

#[tokio::test]
async fn an_argument_that_is_not_known_yet_makes_the_result_so_unless_the_function_takes_it() {
    assert_eq!(join(&["-", "?"].map(Json::from)).await, Ok(json!("?")));
    for (thing, otherwise, expected) in [
        (json!("?"), json!(false), json!(false)),
        (json!("?"), json!("?"), json!("?")),
        (json!("a"), json!("?"), json!(true)),
        (Json::Null, json!("?"), json!(true)),
    ] {
        let arguments = [(Type::String, thing), (Type::Bool, otherwise)];
        assert_eq!(call("known", Type::Bool, &arguments).await, Ok(expected));
    }
}

#[tokio::test]
async fn the_host_is_told_the_signature() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::get_functions::Request {};
    let functions = host.provider.get_functions(request).await.unwrap();
    let functions = functions.into_inner().functions;
    let request = pb::get_provider_schema::Request {};
    let schemas = host.provider.get_provider_schema(request).await.unwrap();
    assert_eq!(schemas.into_inner().functions, functions);

    let join = &functions["join"];
    assert_eq!(
        (&*join.summary, &*join.description),
        ("Joins texts", "Joins texts.")
    );
    assert_eq!(join.r#return.as_ref().unwrap().r#type, b"\"string\"");
    let [separator] = &join.parameters[..] else {
        panic!("one parameter expected")
    };
    assert!(separator.allow_null_value && !separator.allow_unknown_values);
    let texts = join.variadic_parameter.as_ref().unwrap();
    assert_eq!(
        (&*texts.name, &texts.r#type[..]),
        ("texts", &b"\"string\""[..])
    );
    assert!(!texts.allow_null_value && !texts.allow_unknown_values);
    let known = &functions["known"].parameters;
    assert!(known[0].allow_null_value && known[0].allow_unknown_values);
    assert!(!known[1].allow_null_value && known[1].allow_unknown_values);
}
