//! Rows about power.

use std::time::{Duration, Instant};

use redfish::{BootTarget, Error, Power, PowerState, Restart, RunMark};
use serde_json::json;

use super::{Case, always, effect, tags::asset_tag};
use crate::bench::{Bench, Failure, Outcome, SYSTEM, ensure};

const GRACEFUL: Power = Power::Graceful {
    timeout: Duration::from_secs(5),
};

pub(super) const CASES: &[Case] = &[
    always!(
        "conflict-when-already-there",
        [ConflictWhenAlreadyThere],
        |bench| {
            let text = bench.reset("ForceOff").await?.text;
            let makers_own = text.contains("IDRAC");
            ensure(
                !makers_own,
                &format!("a message of the maker's own: {text}"),
            )?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::ForceOff).await?;
            bench.power(&bmc, Power::On).await?;
            bench.power(&bmc, Power::On).await?;
            ensure(bench.resets("ForceOff") == 0, "it was switched off")?;
            ensure(bench.resets("On") == 1, "it was switched on twice")?;
        }
    ),
    always!(
        "invalid-for-state-after-power",
        [InvalidForStateAfterPower],
        |bench| {
            bench.reset("On").await?.strict()?;
            settled(&bench, "On").await?;
            bench.reset("ForceOff").await?.strict()?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::On).await?;
            bench.power(&bmc, Power::ForceOff).await?;
        }
    ),
    always!(
        "busy-after-job",
        [BusyAfterJob],
        |bench| {
            let boot = json!({"Boot": {"BootSourceOverrideEnabled": "Once",
                "BootSourceOverrideTarget": "Pxe"}});
            bench.change(SYSTEM, &boot).await?;
            bench.change(SYSTEM, &asset_tag()).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.arms(&bmc, BootTarget::Pxe).await?;
            bench.tag(&bmc).await?;
        }
    ),
    always!(
        "reset-type-off",
        [ResetTypeOff],
        |bench| {
            bench.reset("On").await?.strict()?;
            settled(&bench, "On").await?;
            bench.reset("GracefulShutdown").await?.strict()?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::On).await?;
            bench.power(&bmc, GRACEFUL).await?;
        }
    ),
    always!(
        "allowables-in-action-info",
        [AllowablesInActionInfo, NoForceRestart],
        |bench| {
            let system = bench.get(SYSTEM).await?;
            let action = &system["Actions"]["#ComputerSystem.Reset"];
            let listed = &action["ResetType@Redfish.AllowableValues"];
            ensure(listed.is_array(), &format!("the action is {action}"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::On).await?;
            restart(&bench).await?;
            // What is not listed there is not sent, so nothing was refused.
            ensure(bench.resets("ForceRestart") == 0, "it was not read")?;
        }
    ),
    always!(
        "transitional-power-states",
        [TransitionalPowerStates],
        |bench| {
            on_after_half_a_second(&bench).await?;
        },
        |bench| {
            bench.power(&bench.bmc(), Power::On).await?;
            ensure(bench.resets("On") == 1, "it was reset twice")?;
        }
    ),
    always!(
        "slow-power",
        [SlowPower],
        |bench| {
            on_after_half_a_second(&bench).await?;
        },
        |bench| {
            bench.power(&bench.bmc(), Power::On).await?;
            ensure(bench.resets("On") == 1, "it was reset twice")?;
        }
    ),
    effect!(
        "force-restart-hangs",
        LenovoXcc,
        [ForceRestartHangs],
        |bench| {
            bench.power(&bench.bmc(), Power::On).await?;
            restart(&bench).await?;
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let mark = RunMark::of(&system);
            let asked = bmc.reset_once(&system.uri, "ForceRestart", &mark).await;
            let refused = matches!(asked, Err(Error::NotSupported { .. }));
            ensure(refused, "it is sent when it is asked for")?;
            let hung = bench.resets("ForceRestart");
            ensure(hung == 0, "it hangs after ForceRestart")?;
        }
    ),
    always!(
        "no-force-restart",
        [NoForceRestart],
        |bench| {
            bench.reset("On").await?.strict()?;
            settled(&bench, "On").await?;
            bench.reset("ForceRestart").await?.strict()?;
        },
        |bench| {
            bench.power(&bench.bmc(), Power::On).await?;
            restart(&bench).await?;
        }
    ),
    always!(
        "no-graceful",
        [NoGraceful],
        |bench| {
            bench.reset("On").await?.strict()?;
            settled(&bench, "On").await?;
            bench.reset("GracefulShutdown").await?.strict()?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::On).await?;
            bench.power(&bmc, GRACEFUL).await?;
            ensure(
                bench.resets("ForceOff") == 1,
                "it was not switched off once",
            )?;
        }
    ),
    always!(
        "no-push-button",
        [NoPushButton],
        |bench| {
            bench.reset("PushPowerButton").await?.strict()?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::On).await?;
            bench.power(&bmc, Power::ForceOff).await?;
        }
    ),
];

/// Waits as somebody would who knows that it works.
async fn settled(bench: &Bench, state: &str) -> Result<(), Failure> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        if bench.get(SYSTEM).await?["PowerState"] == state {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("it is not {state}").into())
}

/// Looks once, when it should be on by then, as a client does that knows no states in between.
async fn on_after_half_a_second(bench: &Bench) -> Outcome {
    bench.reset("On").await?.strict()?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let state = &bench.get(SYSTEM).await?["PowerState"];
    ensure(state == "On", &format!("it is {state}"))
}

async fn restart(bench: &Bench) -> Outcome {
    let bmc = bench.bmc();
    let system = bench.system(&bmc).await?;
    let deadline = Instant::now() + Duration::from_secs(50);
    let state = bmc.restart(&system.uri, Restart::Force, deadline).await?;
    ensure(state == PowerState::On, "it is not on")
}
