//! Rows about tags, and about tasks.

use redfish::{BootTarget, Power};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Case, always, effect};
use crate::bench::{Bench, Failure, RESET, SYSTEM, SYSTEMS, ensure};

pub(super) const CASES: &[Case] = &[
    always!(
        "no-if-match-on-actions",
        [NoIfMatchOnActions],
        |bench| {
            let body = json!({"ResetType": "On"});
            let any = [("If-Match", "*")];
            let reply = bench.send(Method::POST, RESET, Some(&body), &any).await?;
            reply.strict()?;
        },
        |bench| {
            bench.power(&bench.bmc(), Power::On).await?;
        }
    ),
    always!(
        "needs-if-match",
        [NeedsIfMatch],
        |bench| {
            bench.change(SYSTEM, &asset_tag()).await?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    // The tag in the body is what the client finds after `*`, so it is tried where it is not known
    // to be refused.
    effect!("refuses-star", HpeIlo5, [RefusesStar, TagInBody], |bench| {
        let requests = requests_of_a_change(&bench).await?;
        ensure(requests <= 5, &format!("it took {requests} requests"))?;
    }),
    effect!("refuses-own-tag", AmiMegarac, [RefusesOwnTag], |bench| {
        let requests = requests_of_a_change(&bench).await?;
        ensure(requests <= 3, &format!("it took {requests} requests"))?;
    }),
    always!(
        "members-without-etag",
        [MembersWithoutEtag],
        |bench| {
            let systems = bench
                .get(&format!("{SYSTEMS}?$expand=.($levels=1)"))
                .await?;
            let tag = systems["Members"][0]["@odata.etag"].as_str();
            ensure(tag.is_some(), "the member has no tag")?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "weak-etag",
        [WeakEtag],
        |bench| {
            bench.patch(SYSTEM, &asset_tag()).await?.strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "gzip-etag",
        [GzipEtag],
        |bench| {
            bench.patch(SYSTEM, &asset_tag()).await?.strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "empty-etag",
        [EmptyEtag],
        |bench| {
            bench.patch(SYSTEM, &asset_tag()).await?.strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "double-quoted-etag",
        [DoubleQuotedEtag],
        |bench| {
            bench.patch(SYSTEM, &asset_tag()).await?.strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "tag-in-body",
        [TagInBody],
        |bench| {
            bench.patch(SYSTEM, &asset_tag()).await?.strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "job-not-found-at-first",
        [JobNotFoundAtFirst, TaskInLocation],
        |bench| {
            let reply = bench.patch(SYSTEM, &asset_tag()).await?;
            if reply.status == 202 {
                bench.get(&reply.header("location")?).await?;
            }
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "accepted-without-task",
        [AcceptedWithoutTask],
        |bench| {
            let reply = bench.patch(SYSTEM, &asset_tag()).await?;
            if reply.status == 202 {
                reply.header("location")?;
            }
        },
        |bench| {
            bench.arms(&bench.bmc(), BootTarget::Pxe).await?;
        }
    ),
    always!(
        "task-in-location",
        [TaskInLocation],
        |bench| {
            changed_at_once(&bench).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.tag(&bmc).await?;
            bench.arms(&bmc, BootTarget::Pxe).await?;
        }
    ),
    always!(
        "task-in-body",
        [TaskInBody],
        |bench| {
            let reply = bench.patch(SYSTEM, &asset_tag()).await?;
            if reply.status == 202 {
                reply.header("location")?;
            }
        },
        |bench| {
            let bmc = bench.bmc();
            bench.tag(&bmc).await?;
            bench.arms(&bmc, BootTarget::Pxe).await?;
        }
    ),
    always!(
        "task-with-retry-after",
        [TaskWithRetryAfter],
        |bench| {
            changed_at_once(&bench).await?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.tag(&bmc).await?;
            bench.arms(&bmc, BootTarget::Pxe).await?;
        }
    ),
];

pub(super) fn asset_tag() -> Value {
    json!({"AssetTag": "quirk-7"})
}

async fn changed_at_once(bench: &Bench) -> Result<(), Failure> {
    bench.patch(SYSTEM, &asset_tag()).await?.strict()?;
    let seen = &bench.get(SYSTEM).await?["AssetTag"];
    ensure(seen == "quirk-7", &format!("the asset tag is {seen}"))
}

/// How many requests one change costs that starts with nothing but a login and the service root.
async fn requests_of_a_change(bench: &Bench) -> Result<u64, Failure> {
    let bmc = bench.bmc();
    let system = bench.system(&bmc).await?;
    let before = bench.machine.bmc_counters().requests;
    bmc.set_asset_tag(&system.uri, "quirk-7").await?;
    Ok(bench.machine.bmc_counters().requests - before)
}
