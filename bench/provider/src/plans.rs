//! Creating servers, planning them again and again, and what the BMCs see of it.

use std::time::Duration;

use crate::{
    Arguments, Result,
    bmcs::{Bmcs, Counted},
    table::{Limit, Table},
    watch::Run,
    workspace::{Programs, Which, Workspace},
};

/// How the provider logs in, in the order of the table's columns. The first is the default.
const AUTHENTICATIONS: [&str; 3] = ["auto", "basic", "session"];

/// A run, and what the BMCs counted during it.
#[derive(Clone, Default)]
struct Measured {
    run: Run,
    bmcs: Counted,
    /// The most and the fewest GETs that one BMC got.
    gets: (u64, u64),
}

/// The runs of one parallelism.
#[derive(Default)]
struct Runs {
    floor: Vec<Measured>,
    /// The floor beside BMCs that work as for the provider.
    busy: Vec<Measured>,
    ways: [Vec<Measured>; AUTHENTICATIONS.len()],
}

/// Creates the servers once, then plans them at every parallelism.
pub(crate) fn measure(arguments: &Arguments, programs: &Programs, table: &mut Table) -> Result<()> {
    let mut bmcs = Bmcs::start(arguments.servers, arguments.latency_ms)?;
    let floor = Workspace::new(Which::Floor, arguments, programs, Some(&bmcs))?;
    let provider = Workspace::new(Which::Provider, arguments, programs, Some(&bmcs))?;
    let most = arguments.parallelism.iter().max().copied().unwrap_or(10);
    let create = |workspace: &Workspace| {
        let parallelism = format!("-parallelism={most}");
        workspace.run(
            &["apply", "-auto-approve", "-input=false", &parallelism],
            &[],
        )
    };
    let created = [create(&floor)?, create(&provider)?].map(|run| seconds(run.wall));
    table.row(
        &format!("create, parallelism {most}, s"),
        created[0],
        &[created[1]],
        Limit::None,
    );
    let port = bmcs.counted()?.work_port;
    for &parallelism in &arguments.parallelism {
        let mut runs = Runs::default();
        for _ in 0..arguments.repeat.max(1) {
            // In turn, so that whatever else runs here slows all.
            runs.floor.push(plan(&floor, parallelism, &[], &mut bmcs)?);
            for (runs, authentication) in runs.ways.iter_mut().zip(AUTHENTICATIONS) {
                let variables = [("authentication", authentication.to_owned())];
                runs.push(plan(&provider, parallelism, &variables, &mut bmcs)?);
            }
            let busy = median(&runs.ways[0], |m| m.bmcs.cpu_seconds);
            let each = busy / f64::from(arguments.servers.max(1));
            bmcs.work(Duration::from_secs_f64(each))?;
            let variables = [("work_port", port.to_string())];
            runs.busy
                .push(plan(&floor, parallelism, &variables, &mut bmcs)?);
        }
        report(table, arguments, parallelism, &runs);
    }
    Ok(())
}

/// One plan, which must be empty.
fn plan(
    workspace: &Workspace,
    parallelism: u16,
    variables: &[(&str, String)],
    bmcs: &mut Bmcs,
) -> Result<Measured> {
    let before = bmcs.counted()?;
    let parallelism = format!("-parallelism={parallelism}");
    let arguments = ["plan", "-detailed-exitcode", "-input=false", &parallelism];
    let run = workspace.run(&arguments, variables)?;
    let after = bmcs.counted()?;
    let each = before.gets_of_each.iter().zip(&after.gets_of_each);
    let gets: Vec<u64> = each.map(|(before, after)| after - before).collect();
    Ok(Measured {
        run,
        gets: (
            gets.iter().max().copied().unwrap_or_default(),
            gets.iter().min().copied().unwrap_or_default(),
        ),
        bmcs: Counted {
            requests: after.requests - before.requests,
            sessions_opened: after.sessions_opened - before.sessions_opened,
            sessions_live: after.sessions_live,
            cpu_seconds: after.cpu_seconds - before.cpu_seconds,
            gets_of_each: Vec::new(),
            work_port: after.work_port,
        },
    })
}

fn report(table: &mut Table, arguments: &Arguments, parallelism: u16, runs: &Runs) {
    let servers = f64::from(arguments.servers);
    let mut row = |name: &str, floor: &[Measured], of: &dyn Fn(&Measured) -> f64, limit: Limit| {
        let name = format!("plan, parallelism {parallelism}: {name}");
        let ways = runs.ways.each_ref().map(|way| median(way, of));
        table.row(&name, median(floor, of), &ways, limit);
    };
    let (floor, busy) = (runs.floor.as_slice(), runs.busy.as_slice());
    let wall = |m: &Measured| seconds(m.run.wall);
    let bmcs = |m: &Measured| m.bmcs.cpu_seconds;
    row("wall, s", floor, &wall, Limit::Ratio(1.15));
    row("beside busy BMCs, s", busy, &wall, Limit::Ratio(1.15));
    row("BMCs' CPU, s", floor, &bmcs, Limit::None);
    row("busy BMCs' CPU, s", busy, &bmcs, Limit::None);
    let plugin = |m: &Measured| m.run.plugin.cpu_seconds;
    row("plugin CPU, s", floor, &plugin, Limit::None);
    let terraform = |m: &Measured| m.run.terraform.cpu_seconds;
    row("terraform CPU, s", floor, &terraform, Limit::None);
    let peak = |m: &Measured| m.run.plugin.peak_mib;
    row("plugin peak, MiB", floor, &peak, Limit::Most(40.0));
    let requests = |m: &Measured| count(m.bmcs.requests) / servers;
    row("requests per server", floor, &requests, Limit::None);
    row(
        "GETs per server, most",
        floor,
        &|m| count(m.gets.0),
        Limit::Most(1.0),
    );
    row(
        "GETs per server, fewest",
        floor,
        &|m| count(m.gets.1),
        Limit::None,
    );
    // One that is left behind is not made good by a plan that leaves none.
    let left = |runs: &[Measured]| runs.iter().map(|m| m.bmcs.sessions_live).max();
    let left = |runs: &[Measured]| count(left(runs).unwrap_or_default());
    let name = format!("plan, parallelism {parallelism}: sessions left behind");
    let ways = runs.ways.each_ref().map(|way| left(way));
    table.row(&name, left(floor), &ways, Limit::Most(0.0));
}

/// The middle one of several numbers.
fn median(runs: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let mut numbers: Vec<f64> = runs.iter().map(of).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
