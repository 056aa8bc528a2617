//! Every row of the table of quirks against the simulated BMC that misbehaves so.
//!
//! A row with effects: the same operation fails, or does harm that can be counted, without the row,
//! and succeeds with it. Any other row: what a client would do that keeps to the letter of the
//! standard succeeds on a BMC that does too and fails on this one, where ours succeeds.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

mod bench;
mod cases;

use std::{collections::BTreeSet, sync::Arc};

use rack::{MachineConfig, Quirk};
use redfish::{Handled, Quirks};
use tokio::{sync::Semaphore, task::JoinSet};

use bench::{Bench, Outcome, Room};
use cases::{Case, Check, Kind};

/// One run of a case against a machine of its own.
struct Run {
    id: &'static str,
    what: &'static str,
    check: Check,
    quirks: Quirks,
    succeeds: bool,
}

#[test]
fn every_row_has_a_case_and_every_case_a_row() {
    let table = Quirks::default();
    let pure = table.rows().iter().filter(|row| row.pure.is_none());
    let rows: BTreeSet<_> = pure.map(|row| row.id.as_str()).collect();
    let cases = cases::all();
    let ids: BTreeSet<_> = cases.iter().map(|case| case.id).collect();
    assert_eq!(ids.len(), cases.len(), "two cases are about one row");
    assert_eq!(rows, ids);
    for case in &cases {
        let row = table.rows().iter().find(|row| row.id == case.id).unwrap();
        let expected = match case.kind {
            Kind::Effect { .. } => Handled::Effect,
            Kind::Always { .. } => Handled::Always,
        };
        assert_eq!(row.handled, expected, "{}", case.id);
    }
}

#[test]
fn the_simulated_bmc_can_do_all_that_the_table_tells_of() {
    let simulated: BTreeSet<_> = Quirk::ALL.iter().map(|quirk| quirk.as_str()).collect();
    let table = Quirks::default();
    let rows: BTreeSet<_> = table.rows().iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows, simulated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_makes_the_difference() {
    let only = std::env::var("QUIRK").ok();
    let cases = cases::all().into_iter();
    let cases = cases.filter(|case| only.as_deref().is_none_or(|only| only == case.id));
    let mut machines = Vec::new();
    let mut runs = Vec::new();
    for case in cases {
        for (run, quirks) in runs_of(&case) {
            let slot = u16::try_from(machines.len() + 1).unwrap();
            let mut machine = MachineConfig::generate("quirks", slot).with_profile(case.profile);
            machine.quirks = quirks.into_iter().collect();
            machines.push(machine);
            runs.push(run);
        }
    }
    let room = Arc::new(Room::open(machines).await);
    let places = Arc::new(Semaphore::new(CONCURRENT));
    let mut tasks = JoinSet::new();
    for (slot, run) in runs.into_iter().enumerate() {
        let (room, places) = (Arc::clone(&room), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let bench = Bench::new(&room, slot, run.quirks.clone());
            let outcome = (run.check)(bench).await;
            complaint(&run, outcome)
        });
    }
    let complaints: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The runs of a case, each with what its BMC misbehaves in.
fn runs_of(case: &Case) -> Vec<(Run, Vec<Quirk>)> {
    let run = |what, check, quirks, succeeds| Run {
        id: case.id,
        what,
        check,
        quirks,
        succeeds,
    };
    let own = || case.quirks.to_vec();
    let table = Quirks::default();
    match case.kind {
        Kind::Effect { operation } => {
            let text = format!("disable = [{:?}]", case.id);
            let without = Quirks::extended("test", &text).unwrap();
            vec![
                (run("with the row", operation, table, true), own()),
                (run("without the row", operation, without, false), own()),
            ]
        }
        Kind::Always { naive, client } => vec![
            (
                run(
                    "the letter, on a BMC that keeps to it",
                    naive,
                    table.clone(),
                    true,
                ),
                Vec::new(),
            ),
            (
                run("the letter, on this BMC", naive, table.clone(), false),
                own(),
            ),
            (run("our client, on this BMC", client, table, true), own()),
        ],
    }
}

fn complaint(run: &Run, outcome: Outcome) -> Option<String> {
    let (id, what) = (run.id, run.what);
    match (outcome, run.succeeds) {
        (Ok(()), true) => None,
        (Err(trouble), false) => {
            println!("{id}: {what}: {trouble}");
            None
        }
        (Err(trouble), true) => Some(format!("{id}: {what} failed: {trouble}")),
        (Ok(()), false) => Some(format!("{id}: {what} succeeded")),
    }
}

/// Most of the time of a case is waiting.
const CONCURRENT: usize = 48;
