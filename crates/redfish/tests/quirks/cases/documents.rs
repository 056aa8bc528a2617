//! Rows about connections and the form of documents.

use redfish::{Error, Power};
use reqwest::Method;
use serde_json::json;

use super::{Case, always, effect, tags::asset_tag};
use crate::bench::{NICS, ROOT, SYSTEM, SYSTEMS, ensure};

pub(super) const CASES: &[Case] = &[
    effect!(
        "drops-used-connections",
        HpeIlo5,
        [DropsUsedConnections],
        |bench| {
            let mut bench = bench;
            // A lost request is not repeated, so that it shows.
            bench.config.max_retries = 0;
            let bmc = bench.bmc();
            bmc.service_root().await?;
            bench.power(&bmc, Power::On).await?;
        }
    ),
    always!(
        "identity-encoding-refused",
        [IdentityEncodingRefused],
        |bench| {
            let identity = [("Accept-Encoding", "identity")];
            bench
                .send(Method::GET, SYSTEM, None, &identity)
                .await?
                .strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "html-error-body",
        [HtmlErrorBody],
        |bench| {
            let body = json!({"AssetTag": 7});
            let reply = bench.send(Method::PATCH, SYSTEM, Some(&body), &[]).await?;
            let body: serde_json::Value = serde_json::from_str(&reply.text)?;
            ensure(body["error"].is_object(), "it is no error")?;
        },
        |bench| {
            let bmc = bench.bmc();
            let missing = bmc.system("/redfish/v1/Systems/none").await;
            ensure(
                matches!(missing, Err(Error::NotFound { .. })),
                "it is there",
            )?;
            let long = "x".repeat(300);
            let error = bmc.set_asset_tag(SYSTEM, &long).await.err();
            let text = error.ok_or("it was taken")?.to_string();
            ensure(text.contains("The request failed."), &text)?;
        }
    ),
    always!(
        "text-body-as-json",
        [TextBodyAsJson],
        |bench| {
            bench.change(SYSTEM, &asset_tag()).await?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "messages-without-text",
        [MessagesWithoutText],
        |bench| {
            let body = json!({"AssetTag": "x".repeat(300)});
            let reply = bench.send(Method::PATCH, SYSTEM, Some(&body), &[]).await?;
            let body: serde_json::Value = serde_json::from_str(&reply.text)?;
            let message = &body["error"]["@Message.ExtendedInfo"][0]["Message"];
            ensure(message.is_string(), &format!("no text: {body}"))?;
        },
        |bench| {
            let long = "x".repeat(300);
            let error = bench.bmc().set_asset_tag(SYSTEM, &long).await.err();
            let text = error.ok_or("it was taken")?.to_string();
            ensure(
                text.contains("PropertyValue") && text.contains("AssetTag"),
                &text,
            )?;
        }
    ),
    always!(
        "success-as-error-body",
        [SuccessAsErrorBody],
        |bench| {
            let body = bench.change(SYSTEM, &asset_tag()).await?;
            ensure(body.get("error").is_none(), &format!("{body}"))?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "none-as-text",
        [NoneAsText],
        |bench| {
            let uri = &bench.get(SYSTEM).await?["Boot"]["HttpBootUri"];
            let url = uri.is_null() || uri.as_str().is_some_and(|uri| uri.contains("://"));
            ensure(url, &format!("it boots {uri}"))?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            let uri = system.boot.http_boot_uri;
            ensure(uri.is_none(), &format!("it boots {uri:?}"))?;
        }
    ),
    always!(
        "placeholder-identity",
        [PlaceholderIdentity],
        |bench| {
            let system = bench.get(SYSTEM).await?;
            let serial = system["SerialNumber"].as_str().unwrap_or_default();
            ensure(
                serial == bench.machine.serial(),
                &format!("it is {serial:?}"),
            )?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            let identity = (system.serial_number, system.sku);
            ensure(identity == (None, None), &format!("{identity:?}"))?;
            ensure(system.uuid == Some(bench.machine.uuid()), "another UUID")?;
        }
    ),
    always!(
        "odd-scalars",
        [OddScalars],
        |bench| {
            let count = &bench.get(SYSTEM).await?["ProcessorSummary"]["LogicalProcessorCount"];
            ensure(count.is_u64(), &format!("it has {count} processors"))?;
        },
        |bench| {
            let system = bench.system(&bench.bmc()).await?;
            let known = system.memory_mib.is_some() && system.processor_cores.is_some();
            ensure(
                known && system.serial_number.is_some(),
                "something was lost",
            )?;
            ensure(system.is_host(), "it is no host")?;
        }
    ),
    always!(
        "scalar-for-array",
        [ScalarForArray],
        |bench| {
            let managers = &bench.get(SYSTEM).await?["Links"]["ManagedBy"];
            ensure(managers.is_array(), &format!("it is {managers}"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let manager = bmc.manager(Some(&system)).await?;
            ensure(manager.is_some(), "it has no manager")?;
        }
    ),
    always!(
        "null-members",
        [NullMembers],
        |bench| {
            let members = &bench.get(NICS).await?["Members"];
            ensure(members.is_array(), &format!("it is {members}"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            bmc.mac_addresses(&system).await?;
        }
    ),
    always!(
        "sparse-documents",
        [SparseDocuments],
        |bench| {
            let system = bench.get(SYSTEM).await?;
            ensure(system["Boot"].is_object(), "it has no Boot")?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            bmc.manager(Some(&system)).await?;
            bmc.mac_addresses(&system).await?;
            bench.power(&bmc, Power::On).await?;
        }
    ),
    always!(
        "root-links-missing",
        [RootLinksMissing],
        |bench| {
            let root = bench.get(ROOT).await?;
            let systems = &root["Systems"]["@odata.id"];
            ensure(systems.is_string(), "it has no systems")?;
        },
        |bench| {
            let bmc = bench.bmc();
            bmc.service_root().await?;
            bench.tag(&bmc).await?;
            ensure(bmc.manager(None).await?.is_some(), "it has no manager")?;
        }
    ),
    always!(
        "broken-subresources",
        [BrokenSubresources],
        |bench| {
            let system = bench.get(SYSTEM).await?;
            let storage = &system["Storage"]["@odata.id"];
            bench.get(storage.as_str().unwrap_or(SYSTEM)).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let nics = bmc.mac_addresses(&system).await?;
            ensure(!nics.is_empty(), "it has no interfaces")?;
            bench.tag(&bmc).await?;
        }
    ),
    always!(
        "expand-unsupported",
        [ExpandUnsupported],
        |bench| {
            bench
                .get(&format!("{SYSTEMS}?$expand=.($levels=1)"))
                .await?;
        },
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let nics = bmc.mac_addresses(&system).await?;
            ensure(!nics.is_empty(), "it has no interfaces")?;
        }
    ),
    effect!(
        "expand-drops-properties",
        AmiDgx,
        [ExpandDropsProperties],
        |bench| {
            let bmc = bench.bmc();
            let system = bench.system(&bmc).await?;
            let nics = bmc.mac_addresses(&system).await?;
            let mut own = nics.iter().filter(|nic| nic.mac == bench.machine.mac());
            let linked = own.any(|nic| nic.speed_mbps.is_some());
            ensure(linked, &format!("its interfaces are {nics:?}"))?;
        }
    ),
    // What the badge stands for takes its own tags, what the firmware is does not.
    Case {
        profile: rack::Profile::LenovoAmi,
        ..always!(
            "badge-of-another-maker",
            [BadgeOfAnotherMaker, RefusesOwnTag],
            |bench| {
                let systems = bench.get(SYSTEMS).await?;
                let system = systems["Members"][0]["@odata.id"].as_str();
                let system = system.ok_or("it has no system")?;
                bench.patch(system, &asset_tag()).await?.strict()?;
            },
            |bench| {
                let bmc = bench.bmc();
                let system = bench.system(&bmc).await?;
                let before = bench.machine.bmc_counters().requests;
                bmc.set_asset_tag(&system.uri, "quirk-7").await?;
                let requests = bench.machine.bmc_counters().requests - before;
                ensure(requests <= 3, &format!("it took {requests} requests"))?;
            }
        )
    },
];
