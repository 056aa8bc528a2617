//! Whichever request of a server's life goes wrong, and however: the next apply brings it about, no
//! server is reset twice, no account is locked and no session is left.

mod site;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use rack::Fault;
use tokio::{sync::Semaphore, task::JoinSet};

use self::site::{Lane, Site};

/// What goes wrong with every request. A stall is longer than the provider waits for a reply.
const FAULTS: [Fault; 7] = [
    Fault::LoseResponse,
    Fault::Reset,
    refused(500, None),
    refused(503, Some(1)),
    refused(429, Some(1)),
    Fault::StallRequest(STALL),
    Fault::StallReply(STALL),
];
/// How a reply is no document: the replies to requests get one of these each, in turn.
const SPOILED: [Fault; 4] = [
    Fault::Truncate,
    Fault::HalfJson,
    Fault::Garbage,
    Fault::Html,
];

const STALL: Duration = Duration::from_secs(10);
/// How many servers live at once. They wait most of the time.
const LANES: usize = 48;

const fn refused(status: u16, retry_after: Option<u16>) -> Fault {
    Fault::Refuse {
        status,
        retry_after,
    }
}

/// A part of a server's life: one run of Terraform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Create,
    Update,
    Destroy,
}

/// What goes wrong with which request of which part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) part: Part,
    pub(crate) number: u64,
    pub(crate) fault: Fault,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {:?}", self.part, self.number, self.fault)
    }
}

/// The cases of one part that makes so many requests; only those that begin so, if `FAULTS` says how,
/// such as `Update 17`.
fn cases(part: Part, requests: u64) -> Vec<Case> {
    let only = std::env::var("FAULTS").unwrap_or_default();
    let all = (1..=requests)
        .zip(SPOILED.into_iter().cycle())
        .flat_map(|(number, spoiled)| {
            let faults = FAULTS.into_iter().chain([spoiled]);
            faults.map(move |fault| Case {
                part,
                number,
                fault,
            })
        });
    all.filter(|case| case.to_string().starts_with(&only))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_request_goes_wrong_the_next_apply_brings_it_about_and_nothing_happens_twice() {
    let began = Instant::now();
    let probe = Arc::new(Site::start("well", 1).await);
    let mut lane = Lane::start(&probe, 0).await;
    let [create, update, destroy] = lane.undisturbed().await;
    let part = |part, requests: u64| cases(part, requests).into_iter();
    let mut creates = part(Part::Create, create);
    let mut updates = part(Part::Update, update);
    let mut destroys = part(Part::Destroy, destroy);
    let lanes = creates.len().max(destroys.len()).max(updates.len() / 2);
    let each = updates.len().div_ceil(lanes);
    let count = creates.len() + updates.len() + destroys.len();
    println!("requests {create} + {update} + {destroy}, {count} cases");

    let site = Arc::new(Site::start("spoiled", u16::try_from(lanes).unwrap()).await);
    let at_once = Arc::new(Semaphore::new(LANES));
    let mut running = JoinSet::new();
    for index in 0..lanes {
        let life = creates
            .next()
            .into_iter()
            .chain(updates.by_ref().take(each));
        let life: Vec<Case> = life.chain(destroys.next()).collect();
        let (site, at_once) = (Arc::clone(&site), Arc::clone(&at_once));
        running.spawn(async move {
            let _turn = at_once.acquire_owned().await.unwrap();
            let mut lane = Lane::start(&site, index).await;
            lane.live(life).await
        });
    }
    let mut failed = Vec::new();
    while let Some(lane) = running.join_next().await {
        for failure in lane.unwrap() {
            // At once, for whoever watches.
            println!("{failure}\n");
            failed.push(failure);
        }
    }
    println!("{:?}", began.elapsed());
    assert!(
        failed.is_empty(),
        "{} of {count} cases:\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}
