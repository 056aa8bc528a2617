//! Every kind of part that a provider can have, on whichever host runs the journeys: each asks for
//! the host's version and asserts what that version has.

use acceptance::Workspace;
use serde_json::json;

fn apply(workspace: &Workspace) -> acceptance::Outcome {
    workspace.run(&["apply", "-auto-approve", "-input=false"])
}

fn resource(workspace: &Workspace) -> serde_json::Value {
    workspace.state()["values"]["root_module"]["resources"][0].clone()
}

#[test]
fn an_ephemeral_token_reaches_a_write_only_attribute_and_no_state() {
    let mut workspace = Workspace::kit(
        r#"
        ephemeral "kit_token" "a" {
          name    = "a"
          seconds = 1
        }
        resource "kit_widget" "a" {
          name                = "a"
          delay               = 3
          password_wo         = ephemeral.kit_token.a.token
          password_wo_version = 1
        }
        "#,
    );
    if !workspace.host().has_ephemeral() {
        let configuration = "resource \"kit_widget\" \"a\" {\n  name = \"a\"\n  \
                             password_wo = \"x\"\n}\n";
        workspace.write("main.tf", configuration);
        apply(&workspace).failure(&["password_wo is write-only"]);
        return;
    }
    workspace.set("TF_LOG_PROVIDER", "INFO");
    let outcome = apply(&workspace).success();
    for seen in ["token opened", "token renewed", "token closed"] {
        assert!(outcome.text.contains(seen), "{seen}: {}", outcome.text);
    }
    assert!(!outcome.text.contains("token-of-a"));
    assert_eq!(resource(&workspace)["values"]["secured"], true);
    let stored = std::fs::read_to_string(workspace.path().join("terraform.tfstate"));
    assert!(!stored.expect("the state").contains("token-of-a"));
    workspace.assert_clean();
}

#[test]
fn a_function_answers_and_says_which_argument_is_wrong() {
    let workspace = Workspace::kit(
        r#"
        resource "kit_widget" "a" {
          name = "a"
        }
        output "known" {
          value = provider::kit::widget_id("a", "x", "y")
        }
        output "later" {
          value = provider::kit::widget_id(kit_widget.a.id)
        }
        "#,
    );
    apply(&workspace).success();
    let outputs = &workspace.state()["values"]["outputs"];
    assert_eq!(outputs["known"]["value"], "widget-a-x-y");
    assert_eq!(outputs["later"]["value"], "widget-widget-a");
    for (call, wrong) in [
        (
            "\"a b\"",
            "Invalid value for \"name\" parameter: A name has no spaces.",
        ),
        (
            "\"a\", \"\"",
            "Invalid value for \"words\" parameter: An empty word: Leave it out.",
        ),
    ] {
        let output = format!("output \"a\" {{ value = provider::kit::widget_id({call}) }}");
        workspace.write("main.tf", &output);
        workspace.run(&["plan", "-input=false"]).failure(&[wrong]);
    }
}

#[test]
fn attributes_that_conflict_are_refused_at_the_one_too_many() {
    let workspace = Workspace::kit(
        r#"
        resource "kit_widget" "a" {
          name      = "a"
          ports     = { web = { number = 80 } }
          main_port = { number = 80 }
        }
        "#,
    );
    let expected = [
        "Conflicting attributes",
        "5: main_port",
        "At most one of `ports`, `main_port`",
    ];
    workspace.run(&["validate"]).failure(&expected);
}

#[test]
fn a_panic_is_an_error_of_one_resource_and_the_others_are_made() {
    let workspace = Workspace::kit(
        r#"
        resource "kit_widget" "a" {
          name = "a"
          fail = "panic"
        }
        resource "kit_widget" "b" {
          name  = "b"
          delay = 1
        }
        "#,
    );
    apply(&workspace).failure(&["The provider panicked"]);
    let state = workspace.run(&["state", "list"]).success();
    assert!(state.text.contains("kit_widget.b"), "{}", state.text);
}

#[test]
fn a_state_of_an_older_version_is_upgraded() {
    let workspace = Workspace::kit("resource \"kit_widget\" \"a\" {\n  name = \"a\"\n}\n");
    apply(&workspace).success();
    let path = workspace.path().join("terraform.tfstate");
    let stored = std::fs::read(&path).expect("the state");
    let mut stored: serde_json::Value = serde_json::from_slice(&stored).expect("JSON");
    let instance = &mut stored["resources"][0]["instances"][0];
    instance["schema_version"] = json!(0);
    let attributes = instance["attributes"].as_object_mut().expect("attributes");
    attributes.remove("power");
    attributes.insert("gone".to_owned(), json!("of an old schema"));
    if workspace.host().has_identity() {
        instance["identity_schema_version"] = json!(0);
        instance["identity"] = json!({ "title": "a" });
    }
    std::fs::write(&path, stored.to_string()).expect("the state");
    workspace.assert_clean();
    workspace
        .run(&["apply", "-refresh-only", "-auto-approve", "-input=false"])
        .success();
    assert_eq!(resource(&workspace)["values"]["power"], "Off");
    if workspace.host().has_identity() {
        assert_eq!(resource(&workspace)["identity"], json!({ "name": "a" }));
    }
}

#[test]
fn a_resource_of_another_type_moves_in() {
    let workspace = Workspace::kit("resource \"terraform_data\" \"a\" {\n}\n");
    apply(&workspace).success();
    let id = resource(&workspace)["values"]["id"].clone();
    let configuration = format!(
        "resource \"kit_widget\" \"a\" {{\n  name = {id}\n}}\n\
         moved {{\n  from = terraform_data.a\n  to   = kit_widget.a\n}}\n"
    );
    workspace.write("main.tf", &configuration);
    let outcome = apply(&workspace).success();
    assert!(
        outcome.text.contains("0 added, 0 changed, 0 destroyed"),
        "{}",
        outcome.text
    );
    assert_eq!(resource(&workspace)["values"]["name"], id);
}

#[test]
fn what_exists_is_imported_with_a_configuration_that_was_generated() {
    let workspace = Workspace::kit("");
    let mut ways = vec!["id = \"widget-a\""];
    if workspace.host().has_identity() {
        ways.push("identity = { name = \"a\" }");
    }
    for way in ways {
        let import = format!("import {{\n  to = kit_widget.a\n  {way}\n}}\n");
        let workspace = Workspace::kit(&import);
        let generated = workspace.path().join("generated.tf");
        workspace
            .run(&["plan", "-input=false", "-generate-config-out=generated.tf"])
            .success();
        let text = std::fs::read_to_string(&generated).expect("the configuration");
        assert!(text.contains("= \"a\""), "{text}");
        assert!(!text.contains("secured"), "{text}");
        if workspace.host().has_actions() {
            assert!(!text.contains("power"), "its default: {text}");
        }
        let outcome = apply(&workspace).success();
        assert!(
            outcome.text.contains("1 imported, 0 added, 0 changed"),
            "{}",
            outcome.text
        );
        workspace.assert_clean();
        if workspace.host().has_identity() {
            let stored = std::fs::read_to_string(workspace.path().join("terraform.tfstate"));
            let stored: serde_json::Value =
                serde_json::from_str(&stored.expect("the state")).expect("JSON");
            let identity = &stored["resources"][0]["instances"][0]["identity"];
            assert_eq!(*identity, json!({ "name": "a" }));
        }
    }
}

#[test]
fn a_query_lists_what_could_be_managed() {
    let workspace = Workspace::kit("");
    let query = "list \"kit_widget\" \"all\" {\n  provider = kit\n  limit = 2\n  \
                 include_resource = true\n  config {\n    prefix = \"x\"\n  }\n}\n";
    workspace.write("all.tfquery.hcl", query);
    let outcome = workspace.run(&["query", "-generate-config-out=generated.tf"]);
    if !workspace.host().has_actions() {
        assert_ne!(outcome.code, 0, "{}", outcome.text);
        // The file of a newer host is no harm to an older one.
        apply(&workspace).success();
        return;
    }
    let outcome = outcome.success();
    for (name, listed) in [("xa", true), ("xb", true), ("xc", false)] {
        let shown = format!("Widget {name}");
        assert_eq!(outcome.text.contains(&shown), listed, "{}", outcome.text);
    }
    let outcome = apply(&workspace).success();
    assert!(
        outcome.text.contains("2 imported, 0 added, 0 changed"),
        "{}",
        outcome.text
    );
    workspace.assert_clean();
}

#[test]
fn an_action_is_done_when_it_is_triggered_and_tells_its_progress() {
    let widget = "resource \"kit_widget\" \"a\" {\n  name = \"a\"\n";
    let workspace = Workspace::kit(&format!("{widget}}}\n"));
    if !workspace.host().has_actions() {
        apply(&workspace).success();
        return;
    }
    let actions = "action \"kit_poke\" \"a\" {\n  config {\n    name = \"a\"\n    \
                   times = 2\n  }\n}\n\
                   action \"kit_poke\" \"stuck\" {\n  config {\n    name = \"stuck\"\n  }\n}\n";
    let trigger = "  lifecycle {\n    action_trigger {\n      events = [after_create]\n      \
                   actions = [action.kit_poke.a]\n    }\n  }\n}\n";
    workspace.write("main.tf", &format!("{widget}{trigger}{actions}"));
    let outcome = apply(&workspace).success();
    for told in ["poked a 1 times", "poked a 2 times", "Actions: 1 invoked"] {
        assert!(outcome.text.contains(told), "{}", outcome.text);
    }
    let invoke = [
        "apply",
        "-auto-approve",
        "-input=false",
        "-invoke=action.kit_poke.stuck",
    ];
    workspace.run(&invoke).failure(&[
        "poked stuck 1 times",
        "It does not move",
        "The widget is stuck",
    ]);
    workspace.write(
        "main.tf",
        &format!("{widget}{trigger}{}", actions.replace('2', "0")),
    );
    workspace
        .run(&["plan", "-input=false", "-replace=kit_widget.a"])
        .failure(&["Nothing to do", "Poke it at least once"]);
}
