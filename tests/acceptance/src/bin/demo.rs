//! `make demo`: a rack of eight simulated servers, from bare to booted, with the real Terraform.
//!
//! Everything happens on loopback, needs no privilege and is gone at the end.

use std::{
    collections::HashSet,
    process::{Child, ExitCode},
    time::{Duration, Instant},
};

use acceptance::{Site, Workspace};
use model::{Claim, PowerState, Server, Stage};
use serde_json::json;

const HOSTS: u16 = 8;
const APPLY: [&str; 3] = ["apply", "-auto-approve", "-input=false"];

#[tokio::main]
async fn main() -> ExitCode {
    let _first = rustls::crypto::ring::default_provider().install_default();
    step(&format!(
        "Starting a boot agent and a rack of {HOSTS} servers on loopback"
    ));
    let site = Site::start("r1", HOSTS).await;
    let workspace = Workspace::example("rack", site.environment());
    let mut variables = site.variables();
    variables["rack"] = json!("r1");
    workspace.variables(&variables);
    println!(
        "   agent {}   images {}",
        site.agent.endpoint,
        site.rack.images_url()
    );
    for machine in site.rack.machines() {
        println!(
            "   {}  BMC {}  {}",
            machine.name(),
            machine.bmc_endpoint(),
            machine.mac()
        );
    }

    apply(&site, &workspace).await;
    drift(&site, &workspace);
    destroy(&site, &workspace);
    step("Done. Nothing is left behind.");
    ExitCode::SUCCESS
}

async fn apply(site: &Site, workspace: &Workspace) {
    step("terraform init");
    workspace.run(&["init", "-input=false"]).success();
    step("terraform apply: claim, publish, override, power on, watch");
    let began = Instant::now();
    let apply = workspace.start(&APPLY);
    let outcome = watch(site, apply).await.success();
    summary(&outcome.text);
    println!("   took {:.1} s", began.elapsed().as_secs_f64());
    for machine in site.rack.machines() {
        assert_eq!(
            machine.installs(),
            1,
            "{} was installed once",
            machine.name()
        );
    }
}

fn drift(site: &Site, workspace: &Workspace) {
    step("terraform plan: nothing to do");
    workspace.assert_clean();
    println!("   exit code 0");

    let victim = site.machine(2);
    step(&format!("Somebody pulls the plug of {}", victim.name()));
    victim.force_power_off();
    step("terraform plan: sees it");
    let plan = workspace.run(&["plan", "-detailed-exitcode", "-input=false"]);
    assert_eq!(plan.code, 2, "{}", plan.text);
    for line in plan
        .text
        .lines()
        .filter(|line| line.contains(" will be ") || line.contains("~ "))
    {
        println!("   {}", line.trim_end());
    }
    println!("   exit code 2");

    step("terraform apply: powers it on, installs nothing");
    summary(&workspace.run(&APPLY).success().text);
    workspace.assert_clean();
    assert_eq!(victim.power_state(), PowerState::On);
    assert_eq!(
        victim.installs(),
        1,
        "a server that lost power is not installed again"
    );
    println!(
        "   {} is on, and was installed {} time",
        victim.name(),
        victim.installs()
    );
}

fn destroy(site: &Site, workspace: &Workspace) {
    step("terraform destroy: powers every server off and gives it back");
    workspace.destroy();
    for machine in site.rack.machines() {
        assert_eq!(machine.power_state(), PowerState::Off, "{}", machine.name());
        assert_eq!(
            machine.bmc_counters().sessions_live,
            0,
            "{} has no session left",
            machine.name()
        );
    }
    println!("   all {HOSTS} are off, and no BMC has a session left");
}

fn step(text: &str) {
    println!("\n== {text}");
}

fn summary(text: &str) {
    for line in text
        .lines()
        .filter(|line| line.starts_with("Apply complete"))
    {
        println!("   {line}");
    }
}

/// Prints every stage of every boot as the agent sees it, until `apply` ends.
async fn watch(site: &Site, apply: Child) -> acceptance::Outcome {
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let apply = tokio::task::spawn_blocking(|| Workspace::finish(apply));
    let mut told = HashSet::new();
    let mut boots = Vec::new();
    while !apply.is_finished() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        boots = claims(site, &http).await;
        for (name, claim) in &boots {
            for seen in claim.boot.iter().flat_map(|boot| &boot.stages) {
                if told.insert((name.clone(), seen.stage)) {
                    println!(
                        "   {}  {name:<8} {}",
                        seen.at.strftime("%H:%M:%S%.3f"),
                        seen.stage
                    );
                }
            }
        }
    }
    let outcome = apply.await.expect("terraform's end");
    boots.sort_by(|(a, _), (b, _)| a.cmp(b));
    println!("\n   seconds from armed to each stage, by the agent's clock");
    for (name, claim) in &boots {
        println!("   {name:<8} {}", line(claim));
    }
    outcome
}

fn line(claim: &Claim) -> String {
    let Some(boot) = &claim.boot else {
        return String::new();
    };
    let armed = boot.reached(Stage::Armed);
    let part = |seen: &model::StageTime| {
        let since = armed.map_or(0.0, |armed| {
            (seen.at - armed).total(jiff::Unit::Second).unwrap_or(0.0)
        });
        format!("{} {since:.2}", seen.stage)
    };
    boot.stages.iter().map(part).collect::<Vec<_>>().join("  ")
}

async fn claims(site: &Site, http: &reqwest::Client) -> Vec<(String, Claim)> {
    let get = |path: String| {
        http.get(format!("{}{path}", site.agent.endpoint))
            .bearer_auth(&site.agent.token)
            .send()
    };
    let Ok(answer) = get("/v1/servers".to_owned()).await else {
        return Vec::new();
    };
    let servers: Vec<Server> = answer.json().await.unwrap_or_default();
    let mut found = Vec::new();
    for server in servers {
        let machine = site
            .rack
            .machines()
            .iter()
            .find(|machine| machine.uuid() == server.id);
        let name = machine.map_or_else(|| server.id.to_string(), |m| m.name().to_owned());
        // A server that is not claimed yet has no claim to show.
        if let Ok(answer) = get(format!("/v1/claims/{}", server.id)).await
            && let Ok(claim) = answer.json::<Claim>().await
        {
            found.push((name, claim));
        }
    }
    found
}
