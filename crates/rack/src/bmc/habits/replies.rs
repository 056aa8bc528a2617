//! Habits with replies: statuses, headers and bodies other than the standard's.

use hyper::{
    Method, StatusCode,
    header::{CONTENT_TYPE, ETAG, LOCATION, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};

use crate::{
    Quirk,
    bmc::{
        exchange::Exchange,
        messages::{Message, error},
        resources::Resource,
    },
    http::Reply,
};

/// The reply to a change that was made.
pub(super) fn of_change(exchange: &Exchange, reply: Reply) -> Reply {
    if reply.status == StatusCode::ACCEPTED {
        return reply;
    }
    if exchange.has(Quirk::AcceptedWithoutTask) {
        return Reply::empty(StatusCode::ACCEPTED);
    }
    if exchange.has(Quirk::SuccessAsErrorBody) {
        let message = json!({ "MessageId": "Base.1.4.Success", "MessageArgs": [] });
        let body = json!({ "error": {
            "code": "iLO.0.10.ExtendedInfo",
            "message": "See @Message.ExtendedInfo for more information.",
            "@Message.ExtendedInfo": [message],
        }});
        return Reply::json(StatusCode::OK, &body);
    }
    if exchange.has(Quirk::TextBodyAsJson) {
        let text = "The request was completed.".to_owned();
        return Reply::text(StatusCode::OK, "application/json", text);
    }
    reply
}

/// The reply to a login.
pub(super) fn of_login(exchange: &Exchange, reply: Reply) -> Reply {
    let login = exchange.resource == Some(Resource::Sessions) && exchange.is(&Method::POST);
    let full = login && reply.status == StatusCode::SERVICE_UNAVAILABLE;
    if full && exchange.has(Quirk::SessionLimitAs503) {
        let text = "The maximum number of user sessions is reached.";
        let message = Message::of_maker("IDRAC.2.8", "RAC0218", text);
        return error(StatusCode::SERVICE_UNAVAILABLE, &[message]);
    }
    reply
}

/// Changes the headers of a reply.
pub(super) fn headers(exchange: &Exchange, reply: &mut Reply) {
    let opened = exchange.resource == Some(Resource::Sessions) && exchange.is(&Method::POST);
    if opened && exchange.has(Quirk::NoLocationHeader) {
        reply.headers.remove(LOCATION);
    }
    if exchange
        .quirks
        .has_any(&[Quirk::UnadvertisedBasic, Quirk::BasicDisabled])
    {
        reply.headers.remove(WWW_AUTHENTICATE);
    }
    if exchange.has(Quirk::AbsoluteLocation)
        && let Some(path) = reply.headers.get(LOCATION).and_then(|it| it.to_str().ok())
        && path.starts_with('/')
    {
        let location = format!("https://bmc-of-another-name.example.com{path}");
        reply.set(LOCATION, location);
    }
    if exchange.has(Quirk::HtmlErrorBody) && is_error(reply) {
        let status = reply.status;
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\
             <body><h1>{status}</h1><p>The request failed.</p></body></html>\n"
        );
        reply.body = page.into();
        reply.set(CONTENT_TYPE, "text/html");
        reply.headers.remove(ETAG);
    }
}

/// Changes the messages of an error, or of a success that looks like one.
pub(super) fn messages(exchange: &Exchange, body: &mut Value) {
    let Some(list) = body["error"]["@Message.ExtendedInfo"].as_array_mut() else {
        return;
    };
    if exchange.has(Quirk::MessagesWithoutText) {
        for message in &mut *list {
            *message = json!({
                "MessageId": message["MessageId"],
                "MessageArgs": message["MessageArgs"],
            });
        }
        if exchange.facts.registry.starts_with("iLO.0.") {
            let list: Vec<Value> = list
                .iter()
                .map(|message| {
                    json!({
                        "MessageID": message["MessageId"],
                        "MessageArgs": message["MessageArgs"],
                    })
                })
                .collect();
            *body = json!({ "Type": "ExtendedError.1.0.0", "Messages": list });
            return;
        }
        body["error"]["message"] = json!("See @Message.ExtendedInfo for more information.");
    }
    let list = &mut body["error"]["@Message.ExtendedInfo"];
    if exchange.has(Quirk::ScalarForArray) && list.as_array().is_some_and(|list| list.len() == 1) {
        *list = list[0].take();
    }
}

fn is_error(reply: &Reply) -> bool {
    reply.status.is_client_error() || reply.status.is_server_error()
}
