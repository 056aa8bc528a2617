//! `baremetal_bmc`: a BMC, by its address.

mod identity;
mod import;
mod model;
mod observe;
mod place;
mod plan;

use std::time::Duration;

use ::model::BmcConnection;
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Plan, Resource, Rule, Timeouts, Value, async_trait,
};

use self::{
    import::imported,
    model::{BmcModel, HTTPS, PORT},
    observe::Unseen,
    place::Place,
};
use crate::{client::Client, diagnostics};

/// The resource `baremetal_bmc`.
pub(crate) struct Bmc;

/// The state of a BMC that is as it should be.
const READY: &str = "ready";
/// The state of a BMC at whose address another one answers.
const MISMATCHED: &str = "mismatched";
/// How long a BMC may take to say what it is.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
/// The same when nothing hangs on it but a plan.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

#[async_trait]
impl Resource<Client> for Bmc {
    type Model = BmcModel;
    const NAME: &'static str = "bmc";

    fn rules(&self) -> Vec<Rule> {
        vec![tfplugin::at_least_one_of(["address", "mac_address"])]
    }

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        plan::lint(config)
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        plan::adjust(plan);
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: BmcModel,
    ) -> Result<BmcModel, Failed<BmcModel>> {
        let limit = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        let place = Place::of(cx, &plan);
        let client = cx.client.clone();
        let work = async {
            place::resolve(&client, &mut plan, place).await?;
            observe::observe(&client, &mut plan, place).await
        };
        let observed = tokio::time::timeout(limit, work).await;
        let late = |_elapsed| Err(Unseen::late("create", limit));
        observed.unwrap_or_else(late)?;
        place.keep(cx);
        Ok(plan)
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: BmcModel,
    ) -> Result<Option<BmcModel>, Diagnostic> {
        let limit = Timeouts::read(&state.timeouts, READ_TIMEOUT);
        let place = Place::kept(cx);
        let client = cx.client.clone();
        // What was read halfway is not what is there.
        let mut seen = state.clone();
        let work = observe::follow(&client, &mut seen, place);
        let observed = tokio::time::timeout(limit, work).await;
        match observed.unwrap_or_else(|_elapsed| Err(Unseen::late("read", limit))) {
            Ok((macs, moved)) => {
                moved.into_iter().for_each(|moved| cx.warn(moved));
                match identity::compare(&state, &seen, &macs) {
                    Ok(changed) => {
                        changed.into_iter().for_each(|changed| cx.warn(changed));
                        state = seen;
                    }
                    Err(other) => {
                        cx.warn(other);
                        state.state = Some(MISMATCHED.to_owned());
                    }
                }
            }
            // What was never seen, because it is being imported, cannot be kept as it was.
            Err(unseen) if unseen.may_be_fine && state.systems.is_some() => {
                cx.warn(diagnostics::kept(unseen.diagnostic, "this BMC"));
            }
            Err(unseen) => return Err(unseen.diagnostic),
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: BmcModel,
        plan: BmcModel,
    ) -> Result<BmcModel, Failed<BmcModel>> {
        let limit = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        let place = Place::of(cx, &plan);
        let client = cx.client.clone();
        let mut seen = plan.clone();
        let work = async {
            place::resolve(&client, &mut seen, place).await?;
            observe::observe(&client, &mut seen, place).await
        };
        let observed = tokio::time::timeout(limit, work).await;
        let late = |_elapsed| Err(Unseen::late("update", limit));
        let macs = observed.unwrap_or_else(late)?;
        for changed in identity::compare(&prior, &seen, &macs)? {
            cx.warn(changed);
        }
        place.keep(cx);
        Ok(seen.returned(plan))
    }

    async fn delete(&self, _: &mut Context<Client>, _: BmcModel) -> Result<(), Diagnostic> {
        Ok(())
    }

    fn generate(&self, _: &Value, config: &mut Value) {
        let Value::Map(config) = config else {
            return;
        };
        // What would be the same without it.
        let same = [("port", Value::from(PORT)), ("scheme", Value::from(HTTPS))];
        for (name, value) in same {
            if config.get(name) == Some(&value) {
                config.insert(name.to_owned(), Value::Null);
            }
        }
        config.insert("manager_uri".to_owned(), Value::Null);
    }

    async fn import(&self, cx: &mut Context<Client>, by: ImportBy) -> Result<BmcModel, Diagnostic> {
        let bmc = imported(&by)?;
        Place::imported(&bmc).keep(cx);
        Ok(bmc)
    }
}

pub(crate) use self::import::import_id;

/// The connection that the import id of a BMC names, if it names an address.
pub(crate) fn imported_connection(id: &str) -> Option<BmcConnection> {
    let bmc = import::parse_import(id)?;
    // Where a MAC address leads to is found out only by a BMC's own resource.
    bmc.address.is_some().then(|| bmc.connection())
}
