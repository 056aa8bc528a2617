//! Rows about what is where, and what can be changed.

use redfish::{Error, IndicatorLed};
use serde_json::json;

use super::{Case, always, tags::asset_tag};
use crate::bench::{Bench, Failure, NICS, Outcome, SYSTEM, SYSTEMS, ensure};

pub(super) const CASES: &[Case] = &[
    always!(
        "extra-systems",
        [ExtraSystems],
        |bench| {
            let systems = bench.get(SYSTEMS).await?;
            let first = systems["Members"][0]["@odata.id"].as_str();
            let system = bench.get(first.ok_or("it has no system")?).await?;
            let reset = &system["Actions"]["#ComputerSystem.Reset"];
            ensure(reset.is_object(), &format!("{} has no reset", system["Id"]))?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            ensure(system.is_host() && system.uri == SYSTEM, &system.uri)?;
            let manager = bmc.manager(None).await?.ok_or("it has no manager")?;
            ensure(manager.manager_type.as_deref() == Some("BMC"), &manager.uri)?;
        }
    ),
    always!(
        "sku-is-service-tag",
        [SkuIsServiceTag],
        |bench| {
            let serial = &bench.get(SYSTEM).await?["SerialNumber"];
            ensure(serial == bench.machine.serial(), &format!("it is {serial}"))?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            let sku = system.sku.as_deref();
            ensure(sku == Some(bench.machine.serial()), &format!("{sku:?}"))?;
            ensure(system.serial_number.is_some(), "no serial number")?;
        }
    ),
    always!(
        "serial-on-chassis",
        [SerialOnChassis],
        |bench| {
            let serial = &bench.get(SYSTEM).await?["SerialNumber"];
            ensure(serial.is_string(), "it has no serial number")?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            ensure(system.uuid == Some(bench.machine.uuid()), "another UUID")?;
            ensure(system.is_host(), "it is no host")?;
        }
    ),
    always!(
        "uuid-byte-order",
        [UuidByteOrder],
        |bench| {
            let uuid = bench.get(SYSTEM).await?["UUID"].clone();
            let own = bench.machine.uuid().to_string();
            let same = uuid
                .as_str()
                .is_some_and(|uuid| uuid.eq_ignore_ascii_case(&own));
            ensure(same, &format!("it is {uuid} and not {own}"))?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            let own = bench.machine.uuid();
            let uuid = system.uuid.ok_or("it has no UUID")?;
            ensure(uuid.matches(own), "another UUID")?;
        }
    ),
    always!(
        "empty-macs",
        [EmptyMacs],
        |bench| {
            let first = member(&bench, NICS).await?;
            let mac = &bench.get(&first).await?["MACAddress"];
            let valid = mac.as_str().is_some_and(|mac| mac.len() == 17);
            ensure(valid, &format!("its address is {mac}"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let nics = bmc.mac_addresses(&system).await?;
            let unicast = nics.iter().all(|nic| nic.mac.is_unicast());
            ensure(unicast, &format!("{nics:?}"))?;
        }
    ),
    always!(
        "macs-on-ports-only",
        [MacsOnPortsOnly],
        |bench| {
            member(&bench, NICS).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let nics = bmc.mac_addresses(&system).await?;
            let own = nics.iter().any(|nic| nic.mac == bench.machine.mac());
            ensure(own, &format!("{nics:?}"))?;
        }
    ),
    always!(
        "no-system-nics",
        [NoSystemNics],
        |bench| {
            let nics = &bench.get(SYSTEM).await?["EthernetInterfaces"];
            ensure(nics.is_object(), "it has no interfaces")?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            bmc.mac_addresses(&system).await?;
            bench.tag(&bmc).await?;
        }
    ),
    always!(
        "managed-by-missing",
        [ManagedByMissing],
        |bench| {
            managed_by(&bench).await?;
        },
        |bench| {
            finds_its_manager(&bench).await?;
        }
    ),
    always!(
        "links-managers",
        [LinksManagers],
        |bench| {
            managed_by(&bench).await?;
        },
        |bench| {
            finds_its_manager(&bench).await?;
        }
    ),
    always!(
        "manager-without-power-state",
        [ManagerWithoutPowerState],
        |bench| {
            let manager = bench.get("/redfish/v1/Managers/1").await?;
            ensure(manager["PowerState"] == "On", "it is not on")?;
        },
        |bench| {
            finds_its_manager(&bench).await?;
        }
    ),
    always!(
        "indicator-led-only",
        [IndicatorLedOnly],
        |bench| {
            let light = json!({"LocationIndicatorActive": true});
            bench.change(SYSTEM, &light).await?;
        },
        |bench| {
            switches_the_light(&bench).await?;
        }
    ),
    always!(
        "location-indicator-only",
        [LocationIndicatorOnly],
        |bench| {
            bench
                .change(SYSTEM, &json!({"IndicatorLED": "Lit"}))
                .await?;
        },
        |bench| {
            switches_the_light(&bench).await?;
        }
    ),
    always!(
        "lit-is-not-identify",
        [LitIsNotIdentify],
        |bench| {
            let light = &bench.get(SYSTEM).await?["IndicatorLED"];
            ensure(light == "Off", &format!("it is {light}"))?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            let light = system.indicator_led.ok_or("it has no light")?;
            ensure(!light.is_on(), "it is lit")?;
            switches_the_light(&bench).await?;
        }
    ),
    always!(
        "asset-tag-read-only",
        [AssetTagReadOnly],
        |bench| {
            bench.change(SYSTEM, &asset_tag()).await?;
        },
        |bench| {
            let error = bench.bmc().set_asset_tag(SYSTEM, "quirk-7").await.err();
            let error = error.ok_or("it was taken")?;
            let told = matches!(error, Error::NotSupported { .. });
            let text = error.to_string();
            ensure(told && text.contains("AssetTag"), &text)?;
        }
    ),
];

/// The first member of a collection.
async fn member(bench: &Bench, path: &str) -> Result<String, Failure> {
    let collection = bench.get(path).await?;
    let first = collection["Members"][0]["@odata.id"].as_str();
    Ok(first.ok_or("it has no members")?.to_owned())
}

async fn managed_by(bench: &Bench) -> Outcome {
    let managers = &bench.get(SYSTEM).await?["Links"]["ManagedBy"];
    ensure(managers[0]["@odata.id"].is_string(), "nobody manages it")
}

async fn finds_its_manager(bench: &Bench) -> Outcome {
    let bmc = bench.bmc();
    let system = bench.system(&bmc).await?;
    let manager = bmc.manager(Some(&system)).await?;
    ensure(manager.is_some(), "it has no manager")
}

async fn switches_the_light(bench: &Bench) -> Outcome {
    let bmc = bench.bmc();
    for led in [IndicatorLed::Blinking, IndicatorLed::Off, IndicatorLed::Lit] {
        bmc.set_indicator_led(SYSTEM, led.clone()).await?;
        let seen = bmc.system(SYSTEM).await?.indicator_led;
        let seen = seen.ok_or("it has no light")?;
        ensure(seen.is_on() == led.is_on(), &format!("{led} reads {seen}"))?;
    }
    Ok(())
}
