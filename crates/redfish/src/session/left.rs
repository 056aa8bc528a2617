//! Ending the sessions that processes left behind which were killed.

use reqwest::{Method, StatusCode};

use super::{State, journal::Record};
use crate::{
    bmc::Inner,
    lenient::Doc,
    wire::{Authorization, Reply, Request},
};

impl Inner {
    /// Whether a process of this user that is no more may have left a session on this BMC.
    pub(super) fn has_left_behind(&self) -> bool {
        let username = &self.wire.credentials().username;
        self.journal.has_left(self.wire.origin.as_str(), username)
    }

    /// Ends what was left behind, now that there is a login. What is doubtful stays, and expires.
    pub(super) async fn end_left_behind(&self, state: &State) {
        let username = &self.wire.credentials().username;
        let Ok(authorization) = state.authorization() else {
            return;
        };
        if matches!(authorization, Authorization::Anonymous) {
            return;
        }
        for (record, note) in self.journal.take_left(self.wire.origin.as_str(), username) {
            // A BMC that was restarted counts its sessions from the beginning.
            if self.journal.is_in_use(&record) {
                note.erase();
                continue;
            }
            let look = Request::get(&record.uri);
            let is_ours = match self.wire.send(&look, &authorization).await {
                Ok(reply) if reply.status.is_success() => is_same(&record, &reply),
                Ok(reply) if reply.is(StatusCode::NOT_FOUND) => false,
                _ => continue,
            };
            if is_ours {
                let end = Request {
                    method: Method::DELETE,
                    ..look
                };
                match self.wire.send(&end, &authorization).await {
                    Ok(reply) if reply.status.is_success() || reply.is(StatusCode::NOT_FOUND) => {}
                    _ => continue,
                }
                let (bmc, session) = (self.wire.origin.as_str(), &record.uri);
                tracing::info!(bmc, session, "ended a session of a process that was killed");
            }
            note.erase();
        }
    }
}

/// Whether what is at the session's place still is that session.
fn is_same(record: &Record, reply: &Reply) -> bool {
    let Some(doc) = reply.doc() else {
        return false;
    };
    let text = |name: &str| doc.text(name);
    let created = record.created.as_ref();
    is_session(doc)
        && text("UserName").as_ref() == Some(&record.username)
        && created.is_none_or(|created| text("CreatedTime").as_ref() == Some(created))
}

fn is_session(doc: Doc<'_>) -> bool {
    doc.text("@odata.type")
        .is_some_and(|kind| kind.starts_with("#Session."))
}
