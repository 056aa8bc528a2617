//! A plan costs each BMC as little as it can: one read, and a login only where one is wanted.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::collections::BTreeMap;

use acceptance::{Site, Workspace};
use rack::BmcCounters;

const SERVERS: u16 = 20;

/// A provider that logs in as the variable says, and a server for each machine, by its BMC alone.
fn configuration(site: &Site) -> String {
    let server = |(index, machine): (usize, &rack::MachineHandle)| {
        let endpoint = machine.bmc_endpoint();
        format!(
            r#"
resource "baremetal_server" "node{index}" {{
  bmc = {{ endpoint = "{endpoint}", credentials = "default" }}
}}
"#
        )
    };
    let servers: String = site
        .rack
        .machines()
        .iter()
        .enumerate()
        .map(server)
        .collect();
    format!(
        r#"
variable "authentication" {{
  type = string
}}

provider "baremetal" {{
  redfish = {{
    authentication = var.authentication
    ca_pem         = file("ca.pem")
  }}
}}
{servers}"#
    )
}

fn counters(site: &Site) -> Vec<BmcCounters> {
    let machines = site.rack.machines().iter();
    machines.map(rack::MachineHandle::bmc_counters).collect()
}

/// What each BMC got during an empty plan: requests, and GETs by path.
fn plan(site: &Site, workspace: &Workspace) -> Vec<(u64, BTreeMap<String, u64>)> {
    let before = counters(site);
    workspace.assert_clean();
    let during = |(before, after): (&BmcCounters, BmcCounters)| {
        let mut gets = after.gets;
        for (path, count) in &before.gets {
            *gets.get_mut(path).unwrap() -= count;
        }
        gets.retain(|_, count| *count > 0);
        (after.requests - before.requests, gets)
    };
    before.iter().zip(counters(site)).map(during).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_one_read_of_each_server_and_leaves_no_session() {
    let site = Site::start("economy", SERVERS).await;
    let mut workspace = Workspace::with(&configuration(&site), site.environment());
    workspace.write("ca.pem", site.rack.ca_pem());
    workspace.set("TF_VAR_authentication", "session");
    workspace.apply().success();

    let one_read = BTreeMap::from([("/redfish/v1/Systems/1".to_owned(), 1)]);
    // A login, the read and a logout.
    let expected = vec![(3, one_read.clone()); usize::from(SERVERS)];
    assert_eq!(plan(&site, &workspace), expected);
    let live = |counters: &BmcCounters| counters.sessions_live;
    assert!(counters(&site).iter().map(live).all(|live| live == 0));

    workspace.set("TF_VAR_authentication", "basic");
    let opened = |counters: BmcCounters| counters.sessions_opened;
    let before: Vec<u64> = counters(&site).into_iter().map(opened).collect();
    let expected = vec![(1, one_read); usize::from(SERVERS)];
    assert_eq!(plan(&site, &workspace), expected);
    let after: Vec<u64> = counters(&site).into_iter().map(opened).collect();
    assert_eq!(before, after);
    workspace.destroy();
}
