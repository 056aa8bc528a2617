//! The machine-readable descriptions of the configuration file and of the control API.
//!
//! Both come from the types that are really parsed, so they cannot say something else.

mod objects;

use model::{
    BootConfig, BootConfigSpec, Claim, Server, ServerSpec,
    api::{AgentInfo, Arm, ClaimRef, ClaimRequest, ClaimUpdate, Problem, Settle},
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::config::Config;

/// The JSON Schema of the configuration file.
pub fn config_schema() -> String {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Config>();
    pretty(&schema.to_value())
}

/// The OpenAPI 3.1 description of the control API.
pub fn api_schema() -> String {
    // OpenAPI 3.1 takes JSON Schema as it is, but keeps what is referred to elsewhere.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let paths = paths(&mut generator);
    let problem = schema::<Problem>(&mut generator);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "baremetal-agent control API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:7470" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The text in the file that the agent names control.token_file.",
                },
            },
            "responses": {
                "Problem": {
                    "description": "The request was not done; the code says why.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "schemas": generator.take_definitions(true),
        },
    });
    pretty(&document)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// One operation of the API.
struct Operation {
    /// Its method and its path.
    request: &'static str,
    id: &'static str,
    summary: &'static str,
    body: Option<SchemaOf>,
    answer: Option<SchemaOf>,
}

fn paths(generator: &mut SchemaGenerator) -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS.iter().chain(&objects::OPERATIONS) {
        let (method, path) = operation.request.split_once(' ').unwrap_or_default();
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method] = describe(operation, generator);
    }
    Value::Object(paths)
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let success = match operation.answer.map(|schema| schema(generator)) {
        Some(schema) => (
            "200",
            json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } }),
        ),
        None => ("204", json!({ "description": "Done." })),
    };
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": {
            success.0: success.1,
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    if let Some(schema) = operation.body.map(|schema| schema(generator)) {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let uuid = |place: &str, name: &str| {
        json!({
            "in": place, "name": name, "required": true,
            "schema": { "type": "string", "format": "uuid" },
        })
    };
    let mut parameters = Vec::new();
    for name in ["id", "server"] {
        if operation.request.contains(&format!("{{{name}}}")) {
            parameters.push(uuid("path", name));
        }
    }
    if operation.id == "release" {
        parameters.push(uuid("query", "uid"));
    }
    parameters.extend(objects::queries(operation.id));
    parameters
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

type SchemaOf = fn(&mut SchemaGenerator) -> Value;

const fn operation(
    request: &'static str,
    id: &'static str,
    summary: &'static str,
    body: Option<SchemaOf>,
    answer: Option<SchemaOf>,
) -> Operation {
    Operation {
        request,
        id,
        summary,
        body,
        answer,
    }
}

const OPERATIONS: [Operation; 16] = [
    operation(
        "get /v1/agent",
        "agent",
        "What the agent says of itself",
        None,
        Some(schema::<AgentInfo>),
    ),
    operation(
        "get /v1/servers",
        "servers",
        "Every registered server",
        None,
        Some(schema::<Vec<Server>>),
    ),
    operation(
        "get /v1/servers/{id}",
        "server",
        "A server",
        None,
        Some(schema::<Server>),
    ),
    operation(
        "put /v1/servers/{id}",
        "put_server",
        "Register a server",
        Some(schema::<ServerSpec>),
        Some(schema::<Server>),
    ),
    operation(
        "delete /v1/servers/{id}",
        "delete_server",
        "Remove a server that is not claimed",
        None,
        None,
    ),
    operation(
        "get /v1/boot-configs/{id}",
        "boot_config",
        "A boot config, and whether it is ready",
        None,
        Some(schema::<BootConfig>),
    ),
    operation(
        "put /v1/boot-configs/{id}",
        "put_boot_config",
        "Publish a boot config",
        Some(schema::<BootConfigSpec>),
        Some(schema::<BootConfig>),
    ),
    operation(
        "delete /v1/boot-configs/{id}",
        "delete_boot_config",
        "Remove a boot config that no claim boots",
        None,
        None,
    ),
    operation(
        "post /v1/claims",
        "claim",
        "Claim a server by id or selector",
        Some(schema::<ClaimRequest>),
        Some(schema::<Claim>),
    ),
    operation(
        "get /v1/claims/{server}",
        "claim_of",
        "The claim of a server",
        None,
        Some(schema::<Claim>),
    ),
    operation(
        "patch /v1/claims/{server}",
        "update_claim",
        "Change what the server boots from now on",
        Some(schema::<ClaimUpdate>),
        Some(schema::<Claim>),
    ),
    operation(
        "delete /v1/claims/{server}",
        "release",
        "Release the server",
        None,
        None,
    ),
    operation(
        "post /v1/claims/{server}/arm",
        "arm",
        "Arm a boot",
        Some(schema::<Arm>),
        Some(schema::<Claim>),
    ),
    operation(
        "post /v1/claims/{server}/disarm",
        "disarm",
        "Disarm the boot",
        Some(schema::<ClaimRef>),
        Some(schema::<Claim>),
    ),
    operation(
        "post /v1/claims/{server}/settle",
        "settle",
        "Say that all that was asked for was seen to happen",
        Some(schema::<Settle>),
        Some(schema::<Claim>),
    ),
    operation(
        "post /v1/claims/{server}/record",
        "record",
        "Note that the holder remembers the claim",
        Some(schema::<ClaimRef>),
        Some(schema::<Claim>),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The file is what is published; `UPDATE=1` writes it anew.
    #[track_caller]
    fn current(file: &str, text: &str) {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == text,
            "{file} is not current; run the tests with UPDATE=1"
        );
    }

    #[test]
    fn the_published_descriptions_are_current() {
        current("openapi.json", &api_schema());
        current("config.schema.json", &config_schema());
    }

    #[test]
    fn whatever_is_referred_to_is_defined() {
        let document: Value = serde_json::from_str(&api_schema()).unwrap();
        let text = document.to_string();
        let references: std::collections::BTreeSet<_> = text
            .split("\"$ref\":\"#")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or_default())
            .collect();
        assert!(references.len() > 10, "{references:?}");
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
