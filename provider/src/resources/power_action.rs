//! `baremetal_power_action`: a reset that is done once for each value of its triggers.

mod model;

use std::{path::Path as FilePath, time::Duration};

use redfish::{RunMark, Sent};
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Plan, Resource, Rule, Timeouts, async_trait,
    exactly_one_of,
};

use self::model::PowerActionModel;
use crate::{
    action_notes::{self, Note, Notes},
    client::Client,
    diagnostics,
    power_verb::{self, Target, Verb},
};

/// The resource `baremetal_power_action`.
pub(crate) struct PowerAction;

/// How long it may take: a restart of a BMC takes minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

type Outcome = Result<PowerActionModel, Failed<PowerActionModel>>;

#[async_trait]
impl Resource<Client> for PowerAction {
    type Model = PowerActionModel;
    const NAME: &'static str = "power_action";

    fn rules(&self) -> Vec<Rule> {
        vec![exactly_one_of(["server_id", "bmc"])]
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        let action = plan.planned.get("action").as_str().unwrap_or_default();
        if (plan.is_create() || !plan.replace.is_empty()) && !action.is_empty() {
            let detail = format!(
                "This apply sends {action} once. The next one does not, unless triggers change."
            );
            plan.warn(diagnostics::at(
                "action",
                "A server or its BMC will be reset",
                detail,
            ));
        }
    }

    async fn create(&self, cx: &mut Context<Client>, plan: PowerActionModel) -> Outcome {
        let limit = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        let done = tokio::time::timeout(limit, once(cx, plan, limit)).await;
        done.unwrap_or_else(
            |_elapsed| Err(diagnostics::too_late("The BMC", "create", limit).into()),
        )
    }

    /// What was done stays done. That Terraform asks shows that it knows.
    async fn read(
        &self,
        _: &mut Context<Client>,
        state: PowerActionModel,
    ) -> Result<Option<PowerActionModel>, Diagnostic> {
        Notes::here().forget(state.id.as_deref().unwrap_or_default());
        Ok(Some(state))
    }

    /// Nothing that can change without a replacement does anything.
    async fn update(
        &self,
        _: &mut Context<Client>,
        prior: PowerActionModel,
        plan: PowerActionModel,
    ) -> Outcome {
        Ok(PowerActionModel {
            id: prior.id,
            ..plan
        })
    }

    async fn delete(
        &self,
        _: &mut Context<Client>,
        state: PowerActionModel,
    ) -> Result<(), Diagnostic> {
        Notes::here().forget(state.id.as_deref().unwrap_or_default());
        Ok(())
    }

    async fn import(
        &self,
        _: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<PowerActionModel, Diagnostic> {
        let ImportBy::Id(id) = &by else {
            return Err(import_error("an identity"));
        };
        PowerActionModel::imported(id).ok_or_else(|| import_error(&format!("{id:?}")))
    }
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a power action cannot be read",
        format!(
            "Expected SERVER_ID/ACTION with the triggers behind it, such as \
             4c4c4544-0042-3510-8057-b7c04f4b4d32/ForceRestart?reason=firmware, or the BMC in the \
             place of the server, such as rack1@10.0.0.5/BmcForceRestart, where rack1 is a name in \
             the provider's credentials; found {found}. Nothing is sent: the action counts as done."
        ),
    )
}

/// Does it, unless an earlier run that was cut short has.
async fn once(cx: &mut Context<Client>, mut plan: PowerActionModel, limit: Duration) -> Outcome {
    let Some(verb) = Verb::parse(&plan.action) else {
        return Err(diagnostics::at("action", "Unknown action", plan.action.clone()).into());
    };
    let target = power_verb::find(&cx.client, &plan.named(), verb).await?;
    // What keeps the BMC from being asked at all comes out before anything is noted.
    if matches!(verb, Verb::Restart(_)) {
        let reached = target.bmc.manager(None).await;
        reached.map_err(|error| power_verb::failed(&target, &error))?;
    }
    let run = cx.client.run;
    let (path, left) = Notes::here().open(&plan.key(&target), run);
    let now = target.mark();
    let mut before = now.clone();
    if let Some(left) = left {
        match judge(&left, verb, &now) {
            Judgement::Done => {
                cx.warn(was_done(&target, &plan.action));
                plan.id.get_or_insert_with(|| left.id.to_string());
                note(&path, &left.finished())?;
                return Ok(plan);
            }
            Judgement::Unknown => return Err(not_known(&target, verb, &plan, &path).into()),
            Judgement::NotDone => before = left.before(),
        }
        before = if verb.is_repeatable() { now } else { before };
    }
    let noted = Note::new(run, &before);
    note(&path, &noted)?;
    let deadline = std::time::Instant::now() + limit;
    match power_verb::perform(&target, verb, &before, deadline).await {
        Ok(Sent::Done) => {}
        Ok(Sent::Unknown) => return Err(not_known(&target, verb, &plan, &path).into()),
        Err(error) if matches!(verb, Verb::Restart(_)) && may_be_sent(&error) => {
            return Err(not_back(&target, &error, &way_out(&plan, &path)).into());
        }
        Err(error) => {
            action_notes::remove(&path);
            return Err(power_verb::failed(&target, &error).into());
        }
    }
    plan.id.get_or_insert_with(|| noted.id.to_string());
    note(&path, &noted.finished())?;
    Ok(plan)
}

/// Whether a restart of a BMC that ended so may have been sent. An error of the waiting afterwards
/// looks like one before the request; the BMC has answered shortly before that, so what says neither
/// is one of the waiting.
fn may_be_sent(error: &redfish::Error) -> bool {
    use redfish::Error;
    let is_reset = |request: &str| request.starts_with("POST") && !request.contains("Sessions");
    match error {
        Error::NotSupported { .. }
        | Error::InvalidConfig { .. }
        | Error::NotFound { .. }
        | Error::Tls { .. }
        | Error::Precondition { .. } => false,
        // Those after the request are waited out.
        Error::Unreachable { sent, .. } => *sent,
        Error::Busy {
            status, request, ..
        } => matches!(status, 502 | 504) && is_reset(request),
        Error::Conflict { request, .. } => !is_reset(request),
        Error::Rejected {
            request, status, ..
        } => *status >= 500 || !is_reset(request),
        _ => true,
    }
}

/// What came of an action that an earlier run began.
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Done,
    NotDone,
    Unknown,
}

fn judge(left: &Note, verb: Verb, now: &RunMark) -> Judgement {
    let before = left.before();
    match verb {
        _ if left.done => Judgement::Done,
        Verb::Reset(kind) if before.shows(kind, now) => Judgement::Done,
        _ if verb.is_repeatable() => Judgement::NotDone,
        // A BMC that keeps the time of the last reset shows that there was none.
        Verb::Reset(kind) if kind != "Nmi" && keeps_time(&before) => Judgement::NotDone,
        Verb::Reset(_) | Verb::Restart(_) => Judgement::Unknown,
    }
}

/// Some firmware has a time of the last reset that is always zero.
fn keeps_time(mark: &RunMark) -> bool {
    let time = mark.last_reset_time.as_deref();
    time.is_some_and(|time| !time.starts_with("0000") && !time.starts_with("1970"))
}

fn note(path: &FilePath, note: &Note) -> Result<(), Diagnostic> {
    action_notes::write(path, note).map_err(|error| {
        Diagnostic::error(
            "The action cannot be noted",
            format!(
                "{} cannot be written: {error}. Without the note, a run that is cut short could \
                 send the reset twice, so it is not sent. Make the directory writable, or set \
                 TF_DATA_DIR.",
                path.display()
            ),
        )
    })
}

fn was_done(target: &Target, action: &str) -> Diagnostic {
    Diagnostic::warning(
        "The action was done by an earlier run",
        format!(
            "{action} of {} was sent by an earlier run, and no later one has shown that Terraform \
             stored it: the run may have been cut short. It is not sent again. If this resource \
             was removed from the state on purpose and is to act anew, change its triggers.",
            target.name()
        ),
    )
}

fn not_known(target: &Target, verb: Verb, plan: &PowerActionModel, path: &FilePath) -> Diagnostic {
    power_verb::unknown(target, verb, &way_out(plan, path))
}

/// The error of a restart that was not seen to its end.
fn not_back(target: &Target, error: &redfish::Error, way_out: &str) -> Diagnostic {
    let subject = format!("{} was not seen to come back", target.name());
    let mut told = diagnostics::redfish(&subject, error);
    told.detail = format!(
        "{}\n\nThe restart may have been sent, so the next apply does not send it. {way_out}",
        told.detail
    );
    told
}

fn way_out(plan: &PowerActionModel, path: &FilePath) -> String {
    let import = plan.import_id();
    let import = import.map_or_else(String::new, |id| {
        format!("import this resource as {id:?}, or ")
    });
    format!(
        "To send it again, delete {} and apply; to count it as done, {import}take it out of the \
         configuration.",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn mark(power: &str, reset: Option<&str>) -> RunMark {
        RunMark {
            power_state: Some(power.to_owned()),
            last_reset_time: reset.map(str::to_owned),
            boot_progress: None,
        }
    }

    #[track_caller]
    fn check(word: &str, before: &RunMark, now: &RunMark, expected: Judgement) {
        let left = Note::new(Uuid::nil(), before);
        let found = judge(&left, Verb::parse(word).unwrap(), now);
        assert_eq!(found, expected, "{word} {before:?} {now:?}");
        let left = left.finished();
        let found = judge(&left, Verb::parse(word).unwrap(), now);
        assert_eq!(found, Judgement::Done, "{word}");
    }

    #[test]
    fn what_an_earlier_run_began_is_judged_by_what_the_bmc_shows() {
        use Judgement::{Done, NotDone, Unknown};
        let (at_ten, later) = (mark("On", Some("10:00")), mark("On", Some("10:05")));
        check("ForceRestart", &at_ten, &later, Done);
        check("ForceRestart", &at_ten, &at_ten, NotDone);
        check("Nmi", &at_ten, &later, Unknown);
        let (on, off) = (mark("On", None), mark("Off", None));
        check("ForceRestart", &on, &on, Unknown);
        check("PowerCycle", &on, &off, Done);
        check("PushPowerButton", &on, &on, Unknown);
        check("On", &off, &off, NotDone);
        check("On", &off, &on, Done);
        let never = mark("On", Some("0000-00-00T00:00:00+00:00"));
        check("ForceRestart", &never, &never, Unknown);
        check("BmcForceRestart", &on, &on, Unknown);
    }

    #[test]
    fn a_restart_counts_as_sent_unless_the_error_says_that_it_was_not() {
        use redfish::Error;
        let endpoint = || "https://bmc:443".to_owned();
        let rejected = |request: &str, status| Error::Rejected {
            endpoint: endpoint(),
            request: request.to_owned(),
            status,
            messages: redfish::Messages::default(),
        };
        let reset = "POST /redfish/v1/Managers/1/Actions/Manager.Reset";
        let unreachable = |sent| Error::Unreachable {
            endpoint: endpoint(),
            cause: "refused".to_owned(),
            sent,
        };
        let cases = [
            (rejected(reset, 400), false),
            (rejected(reset, 500), true),
            (rejected("GET /redfish/v1/Managers/1", 403), true),
            (
                rejected("POST /redfish/v1/SessionService/Sessions", 400),
                true,
            ),
            (unreachable(false), false),
            (unreachable(true), true),
            (Error::Stopped, true),
            (
                Error::AuthRejected {
                    endpoint: endpoint(),
                    username: "admin".to_owned(),
                    messages: redfish::Messages::default(),
                },
                true,
            ),
            (
                Error::NotSupported {
                    endpoint: endpoint(),
                    what: "a restart".to_owned(),
                },
                false,
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(may_be_sent(&error), expected, "{error}");
        }
    }
}
