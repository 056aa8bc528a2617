//! Creating servers, planning them again and again, and what the BMCs see of it.

use std::time::Duration;

use crate::{
    Arguments, Result,
    bmcs::{Bmcs, Counted},
    table::{Limit, Table},
    watch::Run,
    workspace::{Programs, Which, Workspace},
};

/// How the provider logs in, in the order of the table's columns.
const AUTHENTICATIONS: [&str; 2] = ["basic", "session"];

/// A run, and what the BMCs counted during it.
#[derive(Default)]
struct Measured {
    run: Run,
    bmcs: Counted,
    /// The most and the fewest GETs that one BMC got.
    gets: (u64, u64),
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
            "basic",
        )
    };
    let created = [create(&floor)?, create(&provider)?].map(|run| seconds(run.wall));
    table.row(
        &format!("create, parallelism {most}, s"),
        created[0],
        &[created[1]],
        Limit::None,
    );
    for &parallelism in &arguments.parallelism {
        let mut best: [Option<Measured>; 3] = Default::default();
        for _ in 0..arguments.repeat.max(1) {
            // In turn, so that whatever else runs here slows all.
            let idle = AUTHENTICATIONS[0];
            keep(&mut best[0], plan(&floor, parallelism, idle, &mut bmcs)?);
            for (index, authentication) in AUTHENTICATIONS.into_iter().enumerate() {
                let measured = plan(&provider, parallelism, authentication, &mut bmcs)?;
                keep(&mut best[index + 1], measured);
            }
        }
        let [floor, basic, session] = best.map(Option::unwrap_or_default);
        report(table, arguments, parallelism, &floor, [&basic, &session]);
    }
    Ok(())
}

/// One plan, which must be empty.
fn plan(
    workspace: &Workspace,
    parallelism: u16,
    authentication: &str,
    bmcs: &mut Bmcs,
) -> Result<Measured> {
    let before = bmcs.counted()?;
    let parallelism = format!("-parallelism={parallelism}");
    let arguments = ["plan", "-detailed-exitcode", "-input=false", &parallelism];
    let run = workspace.run(&arguments, authentication)?;
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
        },
    })
}

fn keep(best: &mut Option<Measured>, measured: Measured) {
    // A session that is left behind is not made good by a plan that leaves none.
    let left = measured.bmcs.sessions_live;
    let left = left.max(best.as_ref().map_or(0, |best| best.bmcs.sessions_live));
    let is_better = best
        .as_ref()
        .is_none_or(|best| measured.run.wall < best.run.wall);
    if is_better {
        *best = Some(measured);
    }
    if let Some(best) = best {
        best.bmcs.sessions_live = left;
    }
}

fn report(
    table: &mut Table,
    arguments: &Arguments,
    parallelism: u16,
    floor: &Measured,
    ways: [&Measured; 2],
) {
    let servers = f64::from(arguments.servers);
    let mut row = |name: &str, of: &dyn Fn(&Measured) -> f64, limit: Limit| {
        let name = format!("plan, parallelism {parallelism}: {name}");
        table.row(&name, of(floor), &ways.map(of), limit);
    };
    row("wall, s", &|m| seconds(m.run.wall), Limit::Ratio(1.15));
    row("plugin CPU, s", &|m| m.run.plugin.cpu_seconds, Limit::None);
    row(
        "terraform CPU, s",
        &|m| m.run.terraform.cpu_seconds,
        Limit::None,
    );
    row("BMCs' CPU, s", &|m| m.bmcs.cpu_seconds, Limit::None);
    row(
        "plugin peak, MiB",
        &|m| m.run.plugin.peak_mib,
        Limit::Most(40.0),
    );
    row(
        "requests per server",
        &|m| count(m.bmcs.requests) / servers,
        Limit::None,
    );
    row(
        "GETs per server, most",
        &|m| count(m.gets.0),
        Limit::Most(1.0),
    );
    row("GETs per server, fewest", &|m| count(m.gets.1), Limit::None);
    row(
        "sessions left behind",
        &|m| count(m.bmcs.sessions_live),
        Limit::Most(0.0),
    );
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
