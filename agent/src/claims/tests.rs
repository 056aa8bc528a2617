//! Tests of claims.

mod arming;

use std::collections::BTreeMap;

use model::{
    ClaimPhase, Selector,
    api::{Arm, ClaimRequest, ClaimUpdate, Settle},
};

use super::*;
use crate::{
    boot_configs, config, fixture,
    fixture::{at, holder, server_id, uuid},
    images::Images,
    servers,
};

/// Server `number` (or whatever the selector of rack r1 gives), as holder `a` in run 1.
pub(crate) fn request(uid: u128, server: Option<ServerId>) -> ClaimRequest {
    let labels = BTreeMap::from([("rack".to_owned(), "r1".to_owned())]);
    let selector = Selector {
        match_labels: labels,
        ..Selector::default()
    };
    ClaimRequest {
        uid: uuid(uid),
        server_id: server,
        selector: server.is_none().then_some(selector),
        holder: holder("a"),
        run: uuid(1),
        boot_config_id: None,
        hostname: None,
        trigger: None,
        as_is: false,
    }
}

pub(super) fn done(uid: u128) -> Settle {
    Settle {
        uid: uuid(uid),
        boot_pending: false,
    }
}

fn named(uid: u128) -> ClaimRequest {
    request(uid, Some(server_id(1)))
}

fn registered(numbers: &[u8]) -> (tempfile::TempDir, Store) {
    let (dir, store) = fixture::store();
    for number in numbers {
        servers::put(&store, server_id(*number), fixture::spec(&[*number]), at(0)).unwrap();
    }
    (dir, store)
}

#[track_caller]
fn refuse(store: &Store, request: &ClaimRequest, expected: &str) {
    let error = claim(store, request, at(9)).unwrap_err().to_string();
    assert_eq!(error, expected);
}

#[test]
fn a_claim_is_one_holders_until_it_is_released() {
    let (_dir, store) = registered(&[1]);
    let made = claim(&store, &named(1), at(0)).unwrap();
    assert_eq!(made.phase, ClaimPhase::Reserved);
    assert_eq!(find(&store, server_id(1)).unwrap(), made);

    let other = ClaimRequest {
        holder: holder("b"),
        ..named(2)
    };
    let held = format!(
        "server {} is held by \"a\" (workspace \"default\")",
        server_id(1)
    );
    refuse(&store, &other, &held);
    let workspace = model::Holder {
        workspace: "prod".to_owned(),
        ..holder("a")
    };
    refuse(
        &store,
        &ClaimRequest {
            holder: workspace,
            ..named(2)
        },
        &held,
    );
    assert_eq!(
        servers::find(&store, server_id(1)).unwrap().holder,
        Some(holder("a"))
    );

    release(&store, server_id(1), uuid(1)).unwrap();
    claim(&store, &other, at(1)).unwrap();
}

/// What a second request of the same holder gets.
#[track_caller]
fn second(uid: u128, run: u128, settled: bool, expected: Result<(u128, u128), Asker>) {
    let (_dir, store) = registered(&[1]);
    claim(&store, &named(1), at(0)).unwrap();
    if settled {
        settle(&store, server_id(1), done(1)).unwrap();
    }
    let again = ClaimRequest {
        run: uuid(run),
        hostname: Some("n2".to_owned()),
        ..named(uid)
    };
    let outcome = match claim(&store, &again, at(5)) {
        Ok(claim) => {
            assert_eq!(claim.claimed_at, at(0));
            Ok((claim.uid, claim.run))
        }
        Err(Error::AlreadyClaimed { asker, .. }) => Err(asker),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(outcome, expected.map(|(uid, run)| (uuid(uid), uuid(run))));
}

#[test]
fn a_holder_that_asks_again_resumes_what_was_not_settled_in_an_earlier_run() {
    second(1, 1, false, Ok((1, 1)));
    second(1, 1, true, Ok((1, 1)));
    second(1, 2, false, Ok((1, 1)));
    second(2, 2, false, Ok((1, 2)));
    second(2, 1, false, Err(Asker::SameRun));
    second(2, 1, true, Err(Asker::SameRun));
    second(2, 2, true, Err(Asker::Holder));
}

/// Whether a later run of the holder may take up what `first` made, after `between`.
#[track_caller]
fn resumes(first: &ClaimRequest, between: fn(&Store), later: ClaimRequest, expected: bool) {
    let (_dir, store) = registered(&[1, 2]);
    let made = claim(&store, first, at(0)).unwrap();
    between(&store);
    let later = ClaimRequest {
        run: uuid(2),
        ..later
    };
    let outcome = claim(&store, &later, at(5)).map(|claim| claim.uid);
    assert_eq!(outcome.ok() == Some(made.uid), expected, "{later:?}");
}

#[test]
fn a_claim_is_resumed_only_by_what_asks_alike_and_only_until_it_is_recorded() {
    let nothing = |_: &Store| {};
    let recorded = |store: &Store| {
        record(store, server_id(1), uuid(1)).unwrap();
    };
    let updated = |store: &Store| {
        let change = ClaimUpdate {
            uid: uuid(1),
            boot_config_id: None,
            hostname: None,
            trigger: None,
        };
        update(store, server_id(1), &change).unwrap();
    };
    let host = |uid: u128, name: &str| ClaimRequest {
        hostname: Some(name.to_owned()),
        ..request(uid, None)
    };
    let elsewhere = ClaimRequest {
        selector: Some(Selector {
            min_cores: Some(0),
            ..Selector::default()
        }),
        ..request(2, None)
    };
    resumes(&named(1), nothing, named(2), true);
    resumes(&named(1), recorded, named(2), false);
    resumes(&named(1), updated, named(2), false);
    resumes(&named(1), nothing, request(2, None), false);
    resumes(&request(1, None), nothing, request(2, None), true);
    resumes(&request(1, None), recorded, request(2, None), false);
    resumes(&request(1, None), nothing, named(2), false);
    resumes(&request(1, None), nothing, elsewhere, false);
    resumes(&host(1, "a"), nothing, host(2, "b"), false);
    resumes(&host(1, "a"), nothing, host(2, "a"), true);
}

#[test]
fn a_claim_that_the_agent_lost_is_there_again_as_it_was() {
    let (_dir, store) = registered(&[1]);
    let lost = ClaimRequest {
        trigger: Some("t".to_owned()),
        as_is: true,
        ..named(1)
    };
    let made = claim(&store, &lost, at(0)).unwrap();
    assert_eq!(made.phase, ClaimPhase::Settled);
    assert!(made.recorded && !made.boot_pending);
    assert_eq!(made.trigger.as_deref(), Some("t"));
}

#[test]
fn a_request_names_one_server_or_selects_among_some() {
    let (_dir, store) = registered(&[1]);
    let both = ClaimRequest {
        server_id: Some(server_id(1)),
        ..request(1, None)
    };
    refuse(
        &store,
        &both,
        "a claim needs server_id or selector, and not both",
    );
    let neither = ClaimRequest {
        selector: None,
        ..request(1, None)
    };
    refuse(
        &store,
        &neither,
        "a claim needs server_id or selector, and not both",
    );
    let any = ClaimRequest {
        selector: Some(Selector::default()),
        ..request(1, None)
    };
    refuse(
        &store,
        &any,
        "the selector asks for nothing, and any server is no default",
    );
    let unknown = request(1, Some(server_id(7)));
    refuse(
        &store,
        &unknown,
        &format!("server {} is not registered", server_id(7)),
    );
    let config = ClaimRequest {
        boot_config_id: Some(uuid(5)),
        ..named(1)
    };
    refuse(
        &store,
        &config,
        &format!("boot config {} does not exist", uuid(5)),
    );
    let hostname = ClaimRequest {
        hostname: Some("a b".to_owned()),
        ..named(1)
    };
    refuse(
        &store,
        &hostname,
        "\"a b\" is no host name: labels of letters, digits and inner dashes, 253 in all",
    );
    let nobody = ClaimRequest {
        holder: holder(""),
        ..named(1)
    };
    refuse(&store, &nobody, "the holder has no name");
}

#[test]
fn a_cordoned_server_cannot_be_claimed_and_keeps_the_claim_it_has() {
    let (_dir, store) = registered(&[1, 2]);
    let mut cordoned = fixture::spec(&[1]);
    cordoned.unclaimable = true;
    claim(&store, &named(1), at(0)).unwrap();
    servers::put(&store, server_id(1), cordoned, at(1)).unwrap();
    claim(&store, &named(1), at(2)).unwrap();
    assert_eq!(
        claim(&store, &request(2, None), at(2)).unwrap().server_id,
        server_id(2)
    );
    release(&store, server_id(1), uuid(1)).unwrap();
    refuse(
        &store,
        &named(3),
        &format!("server {} is unclaimable", server_id(1)),
    );
    refuse(
        &store,
        &request(3, None),
        "no free server matches: 2 registered, 2 of them match, 1 of those are claimed and 1 \
         unclaimable",
    );
}

#[test]
fn a_selector_takes_the_lowest_free_server_that_matches() {
    let (_dir, store) = registered(&[3, 1, 2]);
    let mut elsewhere = fixture::spec(&[1]);
    elsewhere.labels.insert("rack".to_owned(), "r2".to_owned());
    servers::put(&store, server_id(1), elsewhere, at(0)).unwrap();
    let first = claim(&store, &request(1, None), at(0)).unwrap();
    assert_eq!(first.server_id, server_id(2));
    assert_eq!(
        claim(&store, &request(1, None), at(1)).unwrap(),
        first,
        "the same request"
    );
    assert_eq!(
        claim(&store, &request(2, None), at(0)).unwrap().server_id,
        server_id(3)
    );
    refuse(
        &store,
        &request(3, None),
        "no free server matches: 3 registered, 2 of them match, 2 of those are claimed and 0 \
         unclaimable",
    );
    // The next run of the same holder takes up what the last one left.
    let later = ClaimRequest {
        run: uuid(2),
        ..request(4, None)
    };
    let resumed = claim(&store, &later, at(9)).unwrap();
    assert_eq!((resumed.uid, resumed.run), (uuid(1), uuid(2)));
}

#[test]
fn of_many_that_claim_at_once_each_server_goes_to_one() {
    let (_dir, store) = registered(&[1, 2]);
    let ask = |number: u128| {
        let holder = holder(&number.to_string());
        let by_name = ClaimRequest {
            holder: holder.clone(),
            ..named(number)
        };
        let by_selector = ClaimRequest {
            holder,
            ..request(100 + number, None)
        };
        [by_name, by_selector].map(|request| claim(&store, &request, at(0)).ok())
    };
    let mut won: Vec<ServerId> = std::thread::scope(|scope| {
        let ask = &ask;
        let threads: Vec<_> = (0..6)
            .map(|number| scope.spawn(move || ask(number)))
            .collect();
        let outcomes = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        outcomes.flatten().map(|claim| claim.server_id).collect()
    });
    won.sort();
    assert_eq!(won, [server_id(1), server_id(2)]);
}

#[test]
fn a_server_that_is_claimed_is_not_removed() {
    let (_dir, store) = registered(&[1]);
    claim(&store, &named(1), at(0)).unwrap();
    let error = servers::delete(&store, server_id(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "server {} is claimed by \"a\" (workspace \"default\")",
            server_id(1)
        )
    );
    release(&store, server_id(1), uuid(1)).unwrap();
    servers::delete(&store, server_id(1)).unwrap();
}

#[test]
fn everything_is_there_after_a_restart() {
    let (dir, store) = registered(&[1]);
    let made = claim(&store, &named(1), at(0)).unwrap();
    drop(store);
    let store = Store::open(&dir.path().join("store")).unwrap();
    assert_eq!(find(&store, server_id(1)).unwrap(), made);
    assert_eq!(claim(&store, &named(1), at(1)).unwrap(), made);
    let planned = crate::boot::planned(&store, fixture::mac(1)).unwrap();
    assert_eq!(planned, None, "claimed, and not armed");
}
