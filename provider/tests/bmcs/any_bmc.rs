//! Whatever a configuration says and a BMC sends: the provider never panics and never breaks a rule
//! of Terraform's. What Terraform calls a bug in the provider is searched for here.

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    fake_bmc::{self, FakeBmc, SYSTEM, UUID, documents, served},
    host::{Answer, Host, provider_block, rules},
    strategies::{self, Damage},
};

/// Terraform's way with one resource, from nothing to nothing. `then` is what the BMC is like
/// after the resource was created.
async fn journey(
    host: &mut Host,
    name: &str,
    config: &Value,
    bmc: &FakeBmc,
    then: fake_bmc::Documents,
) -> Result<(), String> {
    let attributes = host.attributes(name).to_vec();
    let config = rules::completed(&attributes, config);
    if !sound("validate", host.validate(name, &config).await)?
        .errors
        .is_empty()
    {
        return Ok(());
    }
    let Some(state) = change(host, name, &Value::Null, &config).await? else {
        return Ok(());
    };
    let read = sound("read", host.read(name, &state).await)?;
    none("read", rules::unknown("", &read.value))?;
    if read.errors.is_empty() && !read.value.is_null() {
        let (plan, _) = host.plan(name, &read.value, &config).await;
        let plan = sound("second plan", plan)?;
        none("second plan", plan.errors)?;
        let problems = rules::broken_by_apply("", &read.value, &plan.value);
        none("the second plan is not empty", problems)?;
    }
    bmc.set(then);
    let read = sound("read of another", host.read(name, &state).await)?;
    none("read of another", rules::unknown("", &read.value))?;
    let state = if read.errors.is_empty() {
        read.value
    } else {
        state
    };
    let state = change(host, name, &state, &config).await?.unwrap_or(state);
    let gone = sound(
        "destroy",
        host.apply(name, &state, &Value::Null, &Value::Null).await,
    )?;
    none("destroy", gone.errors)
}

/// A plan and its apply; `None` if one of them was refused.
async fn change(
    host: &mut Host,
    name: &str,
    prior: &Value,
    config: &Value,
) -> Result<Option<Value>, String> {
    let attributes = host.attributes(name).to_vec();
    let (mut plan, replaced) = host.plan(name, prior, config).await;
    let prior = if replaced && !prior.is_null() {
        plan = host.plan(name, &Value::Null, config).await.0;
        &Value::Null
    } else {
        prior
    };
    let plan = sound("plan", plan)?;
    if !plan.errors.is_empty() {
        return Ok(None);
    }
    none(
        "plan",
        rules::broken_by_plan(&attributes, prior, config, &plan.value),
    )?;
    let applied = sound("apply", host.apply(name, prior, &plan.value, config).await)?;
    none("apply", rules::unknown("", &applied.value))?;
    if !applied.errors.is_empty() {
        return Ok(None);
    }
    none(
        "apply",
        rules::broken_by_apply("", &plan.value, &applied.value),
    )?;
    Ok(Some(applied.value))
}

fn sound(step: &str, answer: Answer) -> Result<Answer, String> {
    let told = answer.errors.iter().chain(&answer.warnings);
    for text in told {
        if text.contains("panicked") || text.contains("mistake in the provider") {
            return Err(format!("{step}: {text}"));
        }
    }
    Ok(answer)
}

fn none(step: &str, problems: Vec<String>) -> Result<(), String> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{step}: {}", problems.join("\n")))
}

/// Runs so many random cases of one resource. A failure prints the smallest case; `PROPTEST_RNG_SEED`
/// gives the same cases again.
fn search(name: &str, cases: u32, config: impl Fn(u16, Value) -> Value, any: BoxedStrategy<Value>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut host = Some(runtime.block_on(Host::start(&provider_block())));
    let seed = std::env::var("PROPTEST_RNG_SEED");
    let seed = seed.map_or_else(
        |_unset| std::process::id().into(),
        |seed| seed.parse().unwrap(),
    );
    println!("PROPTEST_RNG_SEED={seed}");
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let host = std::cell::RefCell::new(&mut host);
    let case = (any, strategies::damage(), strategies::damage());
    let result = runner.run(&case, |(settings, now, then): (Value, Damage, Damage)| {
        let bmc = FakeBmc::start(now.done_to(&documents()));
        let config = config(bmc.port, settings);
        let mut host = host.borrow_mut();
        let host = host.as_mut().unwrap();
        let then = then.done_to(&documents());
        let outcome = runtime.block_on(journey(host, name, &config, &bmc, then));
        outcome.map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
}

fn server(port: u16, mut settings: Value) -> Value {
    settings["bmc"] = json!({"endpoint": format!("http://127.0.0.1:{port}"),
        "credentials": "default", "insecure": true});
    settings
}

fn bmc(port: u16, mut settings: Value) -> Value {
    settings["port"] = json!(port);
    settings
}

#[test]
fn no_server_breaks_a_rule_whatever_its_configuration_and_its_bmc() {
    search(
        "baremetal_server",
        160,
        server,
        strategies::server().boxed(),
    );
}

#[test]
fn no_bmc_breaks_a_rule_whatever_its_configuration_and_its_answers() {
    search("baremetal_bmc", 120, bmc, strategies::bmc().boxed());
}

/// One case that was found once: the settings of a server, and a change of its system.
#[track_caller]
fn check(settings: Value, damage: impl Fn(&mut Value)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut host = runtime.block_on(Host::start(&provider_block()));
    let mut all = documents();
    damage(all.get_mut(SYSTEM).unwrap());
    let fake = FakeBmc::start(served(&all));
    let config = server(fake.port, settings);
    let journey = journey(&mut host, "baremetal_server", &config, &fake, served(&all));
    runtime.block_on(journey).unwrap();
}

#[test]
fn a_server_with_every_setting_is_created_and_then_nothing_is_left_to_do() {
    let settings = json!({"system_uuid": UUID.to_uppercase(), "system_uri": SYSTEM,
        "asset_tag": "new", "indicator_led": "Lit", "power": "On", "labels": {"a": "b"},
        "boot_mac_addresses": ["70-B5-E8-00-00-01"]});
    check(settings, |_| {});
}

#[test]
fn a_slash_at_the_end_of_a_system_is_no_other_system() {
    check(json!({"system_uri": format!("{SYSTEM}/")}), |_| {});
    check(
        json!({"system_uri": format!("{SYSTEM}/"), "system_uuid": UUID}),
        |_| {},
    );
}

#[test]
fn an_asset_tag_may_be_a_placeholder_or_nothing_or_have_blanks_around_it() {
    for tag in ["None", "N/A", "", " padded "] {
        check(json!({"asset_tag": tag}), |_| {});
        check(json!({"asset_tag": tag}), |system| {
            system["AssetTag"] = Value::Null
        });
    }
}

#[test]
fn a_light_that_blinks_is_not_told_from_one_that_is_lit_by_every_bmc() {
    for led in ["Lit", "Blinking", "Off"] {
        check(json!({"indicator_led": led}), |_| {});
        check(json!({"indicator_led": led}), |system| {
            system
                .as_object_mut()
                .unwrap()
                .remove("LocationIndicatorActive");
        });
    }
}
