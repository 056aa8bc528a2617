//! Rows about boot overrides.

use redfish::{BootEnabled, BootMode, BootOverride, BootTarget, Error};
use serde_json::{Value, json};

use super::{Case, always, effect};
use crate::bench::{Bench, Failure, Outcome, SYSTEM, ensure, once};

pub(super) const CASES: &[Case] = &[
    effect!("mode-always", SupermicroX13, [ModeAlways], |bench| {
        bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
    }),
    always!(
        "mode-rewrite-queues-a-job",
        [ModeRewriteQueuesAJob],
        |bench| {
            with_mode(&bench).await?;
            let jobs = bench.machine.bmc_counters().jobs;
            ensure(jobs == 0, &format!("{jobs} jobs were queued"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            let wanted = BootOverride {
                mode: Some(BootMode::Uefi),
                ..once(BootTarget::Pxe)
            };
            let warnings = bmc.set_boot_override(SYSTEM, wanted).await?;
            ensure(warnings.is_empty(), &format!("{warnings:?}"))?;
            let jobs = bench.machine.bmc_counters().jobs;
            ensure(jobs == 0, &format!("{jobs} jobs were queued"))?;
        }
    ),
    always!(
        "no-mode-property",
        [NoModeProperty],
        |bench| {
            with_mode(&bench).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.arms(&bmc, BootTarget::Pxe).await?;
            let wanted = BootOverride {
                mode: Some(BootMode::Uefi),
                ..once(BootTarget::Hdd)
            };
            let warnings = bmc.set_boot_override(SYSTEM, wanted).await?;
            let told = warnings.iter().any(|text| text.contains("was not sent"));
            ensure(told, &format!("{warnings:?}"))?;
        }
    ),
    always!(
        "mode-rejected-when-not-reported",
        [ModeRejectedWhenNotReported],
        |bench| {
            with_mode(&bench).await?;
        },
        |bench| {
            let mut bench = bench;
            // Even where the mode has to be sent as a rule.
            let rule = "[[quirk]]\nid = \"own\"\nmatch = [{ vendor = \"any\" }]\n\
                        effects = { send_mode = \"always\" }";
            bench.config.quirks = redfish::Quirks::extended("test", rule)?;
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "override-only-on-system",
        [OverrideOnlyOnSystem],
        |bench| {
            in_settings(&bench).await?;
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "settings-without-boot",
        [SettingsWithoutBoot],
        |bench| {
            in_settings(&bench).await?;
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "override-only-in-settings",
        [OverrideOnlyInSettings],
        |bench| {
            bench.change(SYSTEM, &pxe()).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.arms(&bmc, BootTarget::Pxe).await?;
            let warnings = bmc.clear_boot_override(SYSTEM).await?;
            ensure(warnings.is_empty(), &format!("{warnings:?}"))?;
        }
    ),
    always!(
        "allowables-in-settings",
        [AllowablesInSettings],
        |bench| {
            let boot = &bench.get(SYSTEM).await?["Boot"];
            let listed = &boot["BootSourceOverrideTarget@Redfish.AllowableValues"];
            ensure(listed.is_array(), "it lists no targets")?;
        },
        |bench| {
            let bmc = bench.bmc();
            let support = bmc.boot_support(SYSTEM).await?;
            let pxe = support.allowed_targets.iter().any(|target| target == "Pxe");
            ensure(pxe, &format!("{:?}", support.allowed_targets))?;
            let before = bench.machine.bmc_counters().requests;
            let refused = bmc
                .set_boot_override(SYSTEM, once(BootTarget::from("SDCard")))
                .await;
            ensure(
                matches!(refused, Err(Error::NotSupported { .. })),
                "it was sent",
            )?;
            let asked = bench.machine.bmc_counters().requests - before;
            ensure(asked <= 3, &format!("{asked} requests"))?;
            bench.arms(&bmc, BootTarget::Pxe).await?;
        }
    ),
    always!(
        "override-refused-but-applied",
        [OverrideRefusedButApplied],
        |bench| {
            bench.change(SYSTEM, &pxe()).await?;
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "override-accepted-but-ignored",
        [OverrideAcceptedButIgnored],
        |bench| {
            bench.change(SYSTEM, &pxe()).await?;
            let target = &bench.get(SYSTEM).await?["Boot"]["BootSourceOverrideTarget"];
            ensure(target == "Pxe", &format!("it boots {target} after all"))?;
        },
        |bench| {
            let warnings = bench.arm(&bench.bmc(), BootTarget::Pxe).await?;
            let told = warnings.iter().any(|text| text.contains("and reports"));
            ensure(told, &format!("{warnings:?}"))?;
        }
    ),
    effect!(
        "reads-as-uefi-boot-next",
        SupermicroX13,
        [ReadsAsUefiBootNext],
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "always-continuous",
        [AlwaysContinuous],
        |bench| {
            bench.change(SYSTEM, &pxe()).await?;
            let enabled = &bench.get(SYSTEM).await?["Boot"]["BootSourceOverrideEnabled"];
            ensure(enabled == "Once", &format!("it reads {enabled}"))?;
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "no-continuous",
        [NoContinuous],
        |bench| {
            let mut body = pxe();
            body["Boot"]["BootSourceOverrideEnabled"] = json!("Continuous");
            bench.change(SYSTEM, &body).await?;
        },
        |bench| {
            let forever = BootOverride {
                enabled: BootEnabled::Continuous,
                ..once(BootTarget::Pxe)
            };
            let bmc = bench.bmc();
            let error = bmc.set_boot_override(SYSTEM, forever).await.err();
            let text = error.ok_or("it was taken")?.to_string();
            let told = text.contains("does not support Continuous for a boot override");
            ensure(told && text.contains("Once"), &text)?;
            bench.arms(&bmc, BootTarget::Pxe).await?;
        }
    ),
    always!(
        "no-http-boot-uri",
        [NoHttpBootUri],
        |bench| {
            bench.change(SYSTEM, &http()).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            ensure(
                !bmc.boot_support(SYSTEM).await?.has_http_boot_uri,
                "it has one",
            )?;
            let wanted = BootOverride {
                http_boot_uri: Some("http://10.0.0.1/boot.efi".to_owned()),
                ..once(BootTarget::UefiHttp)
            };
            let error = bmc.set_boot_override(SYSTEM, wanted).await.err();
            let text = error.ok_or("it was taken")?.to_string();
            ensure(text.contains("the URL has to come from DHCP"), &text)?;
            bench.arms(&bmc, BootTarget::UefiHttp).await?;
        }
    ),
    effect!("usb-cd", SupermicroX13, [UsbCd], |bench| {
        bench.arm(&bench.bmc(), BootTarget::Cd).await?;
    }),
    always!(
        "disable-without-target",
        [DisableWithoutTarget],
        |bench| {
            bench.change(SYSTEM, &pxe()).await?;
            let body = json!({"Boot": {
                "BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None",
            }});
            bench.change(SYSTEM, &body).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.arms(&bmc, BootTarget::Pxe).await?;
            let warnings = bmc.clear_boot_override(SYSTEM).await?;
            ensure(warnings.is_empty(), &format!("{warnings:?}"))?;
        }
    ),
    always!(
        "busy-during-post",
        [BusyDuringPost],
        |bench| {
            bench.change(SYSTEM, &pxe()).await?;
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "boot-order-stale",
        [BootOrderStale],
        |bench| {
            let mut order = bench.get(SYSTEM).await?["Boot"]["BootOrder"].clone();
            order
                .as_array_mut()
                .ok_or("it has no boot order")?
                .reverse();
            bench
                .change(SYSTEM, &json!({"Boot": {"BootOrder": order}}))
                .await?;
            let seen = &bench.get(SYSTEM).await?["Boot"]["BootOrder"];
            ensure(*seen == order, &format!("it reads {seen}"))?;
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
];

fn pxe() -> Value {
    json!({"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}})
}

fn http() -> Value {
    json!({"Boot": {
        "BootSourceOverrideEnabled": "Once",
        "BootSourceOverrideTarget": "UefiHttp",
        "HttpBootUri": "http://10.0.0.1/boot.efi",
    }})
}

async fn with_mode(bench: &Bench) -> Outcome {
    let mut body = pxe();
    body["Boot"]["BootSourceOverrideMode"] = json!("UEFI");
    bench.change(SYSTEM, &body).await?;
    Ok(())
}

/// Writes where changes wait for the next start, if there is such a place.
async fn in_settings(bench: &Bench) -> Result<(), Failure> {
    let system = bench.get(SYSTEM).await?;
    let settings = &system["@Redfish.Settings"]["SettingsObject"]["@odata.id"];
    let place = settings.as_str().unwrap_or(SYSTEM);
    bench.change(place, &pxe()).await?;
    Ok(())
}
