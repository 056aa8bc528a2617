//! `baremetal_session`: a Redfish session that lasts as long as the run needs it.

use std::time::{Duration, SystemTime};

use tfplugin::{Context, Diagnostic, Ephemeral, Model, Opened, async_trait};
use uuid::Uuid;

use crate::{
    client::Client,
    diagnostics,
    resources::{ConnectionInput, not_readable},
};

/// A Redfish session on a BMC, for other providers, provisioners and scripts: they get a token for
/// this run instead of a password. It is opened when something needs it, kept from expiring, and
/// deleted at the end of the run, also of one that fails or is interrupted. Neither state nor plan
/// holds anything of it.
///
/// A BMC has few sessions, and this one is taken beside the provider's own. Terraform opens it for
/// every plan and apply in which it is used.
#[derive(Model)]
pub(crate) struct SessionModel {
    /// The BMC: `connection` of its `baremetal_bmc`.
    #[tf(check = not_readable)]
    pub bmc: ConnectionInput,
    /// What to send as the header `X-Auth-Token`.
    #[tf(computed, sensitive)]
    pub token: Option<String>,
    /// The session's resource, such as `/redfish/v1/SessionService/Sessions/1`. Null if the BMC
    /// does not tell.
    #[tf(computed)]
    pub session_uri: Option<String>,
    /// The BMC's origin, such as `https://10.0.0.5:443`.
    #[tf(computed)]
    pub endpoint: Option<String>,
}

/// The ephemeral resource `baremetal_session`.
pub(crate) struct Session;

#[async_trait]
impl Ephemeral<Client> for Session {
    type Model = SessionModel;
    const NAME: &'static str = "session";

    async fn open(
        &self,
        cx: &mut Context<Client>,
        mut config: SessionModel,
    ) -> Result<Opened<SessionModel>, Diagnostic> {
        let connection = config.bmc.to_model();
        let (loan, bmc) = cx.client.bmcs.lend(&connection).await?;
        let session = bmc.session().await;
        let Ok(Some(session)) = session else {
            cx.client.bmcs.give_back(loan).await;
            return Err(match session {
                Err(error) => {
                    let subject = format!("No session on BMC {}", connection.endpoint);
                    diagnostics::redfish(&subject, &error)
                }
                Ok(_) => diagnostics::at(
                    "bmc",
                    "The BMC has no session to give",
                    format!(
                        "The BMC at {} offers no sessions, or all are taken. End one of them, or \
                         wait until one expires.",
                        connection.endpoint
                    ),
                ),
            });
        };
        cx.private = serde_json::json!({ "loan": loan });
        config.token = Some(session.token.expose().to_owned());
        config.session_uri = session.uri;
        config.endpoint = Some(bmc.endpoint().to_owned());
        Ok(Opened::until(config, SystemTime::now() + RENEWAL))
    }

    async fn renew(&self, cx: &mut Context<Client>) -> Result<Option<SystemTime>, Diagnostic> {
        let Some(bmc) = loan(cx).and_then(|loan| cx.client.bmcs.lent(loan)) else {
            return Ok(None);
        };
        match bmc.keep_session().await {
            Ok(true) => Ok(Some(SystemTime::now() + RENEWAL)),
            Ok(false) => Err(Diagnostic::error(
                "The session has ended",
                format!(
                    "The BMC at {} does not know the session any more: it restarted, or somebody \
                     deleted the session. Run again.",
                    bmc.endpoint()
                ),
            )),
            Err(error) => {
                let subject = format!("The session on BMC {} cannot be kept", bmc.endpoint());
                Err(diagnostics::redfish(&subject, &error))
            }
        }
    }

    async fn close(&self, cx: &mut Context<Client>) -> Result<(), Diagnostic> {
        if let Some(loan) = loan(cx) {
            cx.client.bmcs.give_back(loan).await;
        }
        Ok(())
    }
}

/// The number of the loan, which is all that is told between the calls.
fn loan(cx: &Context<Client>) -> Option<Uuid> {
    cx.private.get("loan")?.as_str()?.parse().ok()
}

/// BMCs let a session expire after 30 s at the least (DSP0268, `SessionService.SessionTimeout`), and
/// after some minutes as a rule.
const RENEWAL: Duration = Duration::from_secs(25);
