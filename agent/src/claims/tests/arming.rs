//! Tests of what the holder of a claim does with it.

use super::*;

#[test]
fn only_whoever_knows_the_claim_changes_it() {
    let (dir, store) = registered(&[1]);
    let images = Images::open(&dir.path().join("images"), &config::Images::default()).unwrap();
    claim(&store, &named(1), at(0)).unwrap();
    let (server, other) = (server_id(1), uuid(2));
    let change = ClaimUpdate {
        uid: other,
        boot_config_id: None,
        hostname: None,
        trigger: None,
    };
    let outcomes = [
        update(&store, server, &change).map(drop),
        arm(
            &store,
            &images,
            server,
            &Arm {
                uid: other,
                generation: 1,
                trigger: None,
            },
            at(1),
        )
        .map(drop),
        disarm(&store, server, other).map(drop),
        settle(&store, server, done(2)).map(drop),
        record(&store, server, other).map(drop),
        release(&store, server, other),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(Error::NotHolder(_))), "{outcome:?}");
    }
    let missing = settle(&store, server_id(9), done(1)).unwrap_err();
    assert_eq!(
        missing.to_string(),
        format!("server {} is not claimed", server_id(9))
    );
}

#[test]
fn arming_is_a_new_boot_once_per_generation_and_disarming_ends_it() {
    let (dir, store) = registered(&[1]);
    let images = Images::open(&dir.path().join("images"), &config::Images::default()).unwrap();
    let sealer = fixture::sealer(&dir, &store);
    boot_configs::put(&store, &sealer, uuid(7), &fixture::script()).unwrap();
    claim(&store, &named(1), at(0)).unwrap();
    let arm = |generation| {
        arm(
            &store,
            &images,
            server_id(1),
            &Arm {
                uid: uuid(1),
                generation,
                trigger: Some(format!("t{generation}")),
            },
            at(5),
        )
    };
    assert_eq!(
        arm(1).unwrap_err().to_string(),
        format!("the claim of server {} has no boot config", server_id(1))
    );
    let change = ClaimUpdate {
        uid: uuid(1),
        boot_config_id: Some(uuid(7)),
        hostname: Some("n".into()),
        trigger: None,
    };
    update(&store, server_id(1), &change).unwrap();

    let first = arm(1).unwrap().boot.unwrap();
    assert_eq!(first.reached(model::Stage::Armed), Some(at(5)));
    assert_eq!(arm(1).unwrap().boot.unwrap(), first);
    let armed = arm(2).unwrap();
    assert_eq!(armed.trigger.as_deref(), Some("t2"));
    let second = armed.boot.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(
        arm(1).unwrap().boot.unwrap(),
        second,
        "an older request changes nothing"
    );
    assert_eq!(disarm(&store, server_id(1), uuid(1)).unwrap().boot, None);
    assert_eq!(disarm(&store, server_id(1), uuid(1)).unwrap().boot, None);
    assert!(arm(2).unwrap().boot.is_some());
}

#[test]
fn what_is_not_ready_is_not_armed_and_says_what_is_missing() {
    let (dir, store) = registered(&[1]);
    let images = Images::open(&dir.path().join("images"), &config::Images::default()).unwrap();
    let sealer = fixture::sealer(&dir, &store);
    let sha256 = "0".repeat(64);
    let spec = serde_json::json!({ "kernel": { "url": "http://a/k", "sha256": sha256 } });
    let spec = serde_json::from_value(spec).unwrap();
    boot_configs::put(&store, &sealer, uuid(7), &spec).unwrap();
    let request = ClaimRequest {
        boot_config_id: Some(uuid(7)),
        ..named(1)
    };
    claim(&store, &request, at(0)).unwrap();
    let arming = Arm {
        uid: uuid(1),
        generation: 1,
        trigger: None,
    };
    let error = arm(&store, &images, server_id(1), &arming, at(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "boot config {} is not ready: http://a/k is being fetched",
            uuid(7)
        )
    );
    std::fs::write(dir.path().join("images").join(sha256), b"k").unwrap();
    arm(&store, &images, server_id(1), &arming, at(1)).unwrap();
}
