//! The names in URIs: what the standard code calls `/redfish/v1/Systems/1` has a name of its maker's
//! choice, and some makers write links in lower case.

use std::collections::BTreeMap;

use hyper::header::LOCATION;
use serde_json::Value;

use super::profiles::{Facts, Ids};
use crate::http::Reply;

/// The names of one BMC.
#[derive(Debug)]
pub(super) struct Names {
    ids: Ids,
    /// The last part of the URI of the settings object.
    settings: &'static str,
    /// Links in lower case that were shown, with what they stand for; `None` where links keep
    /// their case.
    lower: Option<BTreeMap<String, String>>,
}

impl Names {
    pub(super) fn of(facts: &Facts) -> Self {
        Self {
            ids: facts.ids,
            settings: facts.settings,
            lower: facts.lower_case_links.then(BTreeMap::new),
        }
    }

    fn all(&self) -> [(&'static str, &'static str); 3] {
        [
            ("/redfish/v1/Systems/", self.ids.system),
            ("/redfish/v1/Managers/", self.ids.manager),
            ("/redfish/v1/Chassis/", self.ids.chassis),
        ]
    }

    /// The path that the standard code knows, or `None` if the BMC has no such name: a client has
    /// to follow links.
    pub(super) fn inward(&self, path: &str) -> Option<String> {
        let shown = self.lower.as_ref().and_then(|lower| {
            let path = path.strip_suffix('/').unwrap_or(path);
            lower.get(path).map(String::as_str)
        });
        let path = shown.unwrap_or(path);
        for (collection, id) in self.all() {
            if let Some(rest) = path.strip_prefix(collection) {
                let (first, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                return match first {
                    "" => Some(path.to_owned()),
                    first if first == id => match rest.strip_prefix('/') {
                        Some(last) if last == self.settings => {
                            Some(format!("{collection}1/{SETTINGS}"))
                        }
                        _ => Some(format!("{collection}1{rest}")),
                    },
                    "1" => None,
                    _other_member => Some(path.to_owned()),
                };
            }
        }
        Some(path.to_owned())
    }

    /// Puts the names into all links of a reply.
    pub(super) fn outward(&mut self, mut reply: Reply) -> Reply {
        if self.ids == Ids::ONE && self.settings == SETTINGS && self.lower.is_none() {
            return reply;
        }
        if let Some(location) = reply.headers.get(LOCATION).and_then(|it| it.to_str().ok()) {
            let location = self.link(location);
            reply.set(LOCATION, location);
        }
        if let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body) {
            self.rename(&mut document);
            reply.body = document.to_string().into();
        }
        reply
    }

    fn rename(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.link(text),
            Value::Array(list) => list.iter_mut().for_each(|value| self.rename(value)),
            Value::Object(object) => {
                let uri = object.get("@odata.id").and_then(Value::as_str);
                let ids = self.all().into_iter();
                let own = ids
                    .filter(|(collection, _)| uri == Some(format!("{collection}1").as_str()))
                    .map(|(_, id)| id)
                    .next();
                if let (Some(id), Some(shown)) = (own, object.get_mut("Id")) {
                    *shown = Value::from(id);
                }
                object.values_mut().for_each(|value| self.rename(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn link(&mut self, text: &str) -> String {
        let Some(at) = text.find("/redfish/v1/") else {
            return text.to_owned();
        };
        let (origin, path) = text.split_at(at);
        // A sentence that only mentions a path stays as it is.
        if origin.contains(' ') || path.contains(' ') {
            return text.to_owned();
        }
        let mut path = path.to_owned();
        for (collection, id) in self.all() {
            let rest = path
                .strip_prefix(collection)
                .and_then(|rest| rest.strip_prefix('1'));
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                let rest = match rest.strip_prefix('/') {
                    Some(SETTINGS) => format!("/{}", self.settings),
                    _ => rest.to_owned(),
                };
                path = format!("{collection}{id}{rest}");
                break;
            }
        }
        if let Some(lower) = &mut self.lower {
            let shown = path.to_ascii_lowercase();
            lower.insert(shown.trim_end_matches('/').to_owned(), path);
            path = shown;
        }
        format!("{origin}{path}")
    }
}

/// What the standard code calls the settings object.
const SETTINGS: &str = "Settings";

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::Profile;

    #[test]
    fn links_lead_in_and_out_under_the_names_of_the_maker() {
        let mut names = Names::of(Profile::DellIdrac9.facts());
        let document = json!({
            "@odata.id": "/redfish/v1/Systems/1", "Id": "1",
            "Links": { "ManagedBy": [{ "@odata.id": "/redfish/v1/Managers/1" }] },
            "EthernetInterfaces": { "@odata.id": "/redfish/v1/Systems/1/EthernetInterfaces" },
        });
        let reply = names.outward(Reply::json(StatusCode::OK, &document));
        let expected = json!({
            "@odata.id": "/redfish/v1/Systems/System.Embedded.1", "Id": "System.Embedded.1",
            "Links": { "ManagedBy": [{ "@odata.id": "/redfish/v1/Managers/iDRAC.Embedded.1" }] },
            "EthernetInterfaces":
                { "@odata.id": "/redfish/v1/Systems/System.Embedded.1/EthernetInterfaces" },
        });
        assert_eq!(
            serde_json::from_slice::<Value>(&reply.body).unwrap(),
            expected
        );
        let inward = |path| names.inward(path);
        assert_eq!(
            inward("/redfish/v1/Systems/System.Embedded.1/EthernetInterfaces").as_deref(),
            Some("/redfish/v1/Systems/1/EthernetInterfaces")
        );
        assert_eq!(inward("/redfish/v1/Systems/1"), None);
        assert_eq!(
            inward("/redfish/v1/Systems").as_deref(),
            Some("/redfish/v1/Systems")
        );
    }

    #[test]
    fn a_link_that_was_shown_in_lower_case_is_known_again() {
        let mut names = Names::of(Profile::HpeIlo5.facts());
        let document = json!({ "@odata.id": "/redfish/v1/Systems/1/EthernetInterfaces/NIC.1" });
        let reply = names.outward(Reply::json(StatusCode::OK, &document));
        let shown = "/redfish/v1/systems/1/ethernetinterfaces/nic.1";
        assert_eq!(
            serde_json::from_slice::<Value>(&reply.body).unwrap(),
            json!({ "@odata.id": shown })
        );
        assert_eq!(
            names.inward(&format!("{shown}/")).as_deref(),
            Some("/redfish/v1/Systems/1/EthernetInterfaces/NIC.1")
        );
    }
}
