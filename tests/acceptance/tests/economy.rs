//! A plan costs each BMC as little as it can: one read, and a login only where one is wanted.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::collections::BTreeMap;

use acceptance::{PASSWORD, Site, Workspace};
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
  type    = string
  default = null
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

/// A number of each BMC.
fn each(site: &Site, number: impl Fn(&BmcCounters) -> u64) -> Vec<u64> {
    counters(site).iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_one_read_of_each_server_and_leaves_no_session() {
    let site = Site::start("economy", SERVERS).await;
    let mut workspace = Workspace::with(&configuration(&site), site.environment());
    workspace.write("ca.pem", site.rack.ca_pem());
    workspace.set("TF_VAR_authentication", "session");
    workspace.apply().success();
    // The agent knows them, and is asked too.
    let state = workspace.state().to_string();
    let registered = state.matches("\"state\":\"available\"").count();
    assert_eq!(registered, usize::from(SERVERS));

    let one_read = BTreeMap::from([("/redfish/v1/Systems/1".to_owned(), 1)]);
    // A login, the read and a logout.
    let a_session_each = vec![(3, one_read.clone()); usize::from(SERVERS)];
    assert_eq!(plan(&site, &workspace), a_session_each);
    let live = |counters: &BmcCounters| counters.sessions_live as u64;
    assert_eq!(each(&site, live), [0; SERVERS as usize]);
    // Nobody has asked whether Basic is taken.
    workspace.set("TF_VAR_authentication", "auto");
    assert_eq!(plan(&site, &workspace), a_session_each);

    workspace.set("TF_VAR_authentication", "basic");
    let opened = |counters: &BmcCounters| counters.sessions_opened;
    let before = each(&site, opened);
    let one_request = vec![(1, one_read); usize::from(SERVERS)];
    assert_eq!(plan(&site, &workspace), one_request);
    assert_eq!(each(&site, opened), before);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_one_request_in_all_where_the_bmc_says_that_it_takes_basic() {
    let site = Site::start("lone", SERVERS).await;
    let mut workspace = Workspace::with(&configuration(&site), site.environment());
    workspace.write("ca.pem", site.rack.ca_pem());
    workspace.apply().success();
    let opened = |counters: &BmcCounters| counters.sessions_opened;
    let failures = |counters: &BmcCounters| counters.login_failures;
    let before = each(&site, opened);
    assert_eq!(
        before, [1; SERVERS as usize],
        "many requests share one session"
    );
    let one_read = BTreeMap::from([("/redfish/v1/Systems/1".to_owned(), 1)]);
    let one_request = vec![(1, one_read); usize::from(SERVERS)];
    assert_eq!(plan(&site, &workspace), one_request);
    assert_eq!(each(&site, opened), before);
    assert_eq!(each(&site, failures), [0; SERVERS as usize]);

    // A password that was changed meanwhile is offered to each BMC once.
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", "another");
    let plan = ["plan", "-input=false"];
    workspace.run(&plan).failure(&["rejects the login of user"]);
    assert_eq!(each(&site, failures), [1; SERVERS as usize]);
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", PASSWORD);
    workspace.destroy();
}
