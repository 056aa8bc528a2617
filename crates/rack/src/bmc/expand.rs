//! `$expand`: linked documents in place of links (DSP0266 section 7.3.1).

use serde_json::Value;

/// Which links are followed, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expand {
    links: Links,
    levels: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    /// `*`
    Everywhere,
    /// `.`
    Outside,
    /// `~`
    Inside,
}

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadQuery {
    /// The service knows no such parameter.
    NotSupported,
    /// Its value is wrong.
    Value,
}

impl Expand {
    /// What the query of a request asks for. Parameters that are not OData's are ignored.
    pub(super) fn parse(query: Option<&str>) -> Result<Option<Self>, BadQuery> {
        let mut found = None;
        for part in query.unwrap_or_default().split('&') {
            let part = part
                .replace("%24", "$")
                .replace("%28", "(")
                .replace("%29", ")");
            let (name, value) = part.split_once('=').unwrap_or((&part, ""));
            match name {
                "$expand" => found = Some(Self::value(value).ok_or(BadQuery::Value)?),
                "only" | "excerpt" => return Err(BadQuery::NotSupported),
                name if name.starts_with('$') => return Err(BadQuery::NotSupported),
                _ => {}
            }
        }
        Ok(found)
    }

    fn value(text: &str) -> Option<Self> {
        let (sign, levels) = text.split_once('(').unwrap_or((text, ""));
        let links = match sign {
            "*" => Links::Everywhere,
            "." => Links::Outside,
            "~" => Links::Inside,
            _ => return None,
        };
        let levels = match levels {
            "" => 1,
            levels => levels
                .strip_prefix("$levels=")?
                .strip_suffix(')')?
                .parse()
                .ok()?,
        };
        (1..=MAX_LEVELS)
            .contains(&levels)
            .then_some(Self { links, levels })
    }

    /// Puts the documents that `look` shows in place of the links to them.
    pub(super) fn apply(self, document: &mut Value, look: &dyn Fn(&str) -> Option<Value>) {
        self.walk(document, false, look);
    }

    fn walk(self, value: &mut Value, in_links: bool, look: &dyn Fn(&str) -> Option<Value>) {
        match value {
            Value::Array(list) => {
                for item in list {
                    self.follow(item, in_links, look);
                }
            }
            Value::Object(object) => {
                for (name, value) in object {
                    if name.starts_with('@') || name == "Actions" || name == "Oem" {
                        continue;
                    }
                    self.follow(value, in_links || name == "Links", look);
                }
            }
            _ => {}
        }
    }

    fn follow(self, value: &mut Value, in_links: bool, look: &dyn Fn(&str) -> Option<Value>) {
        let wanted = match self.links {
            Links::Everywhere => true,
            Links::Outside => !in_links,
            Links::Inside => in_links,
        };
        let is_link = value.as_object().is_some_and(|object| object.len() == 1);
        let target = value["@odata.id"].as_str().filter(|_| is_link);
        match target {
            Some(target) if wanted => {
                let Some(mut found) = look(target) else {
                    return;
                };
                if self.levels > 1 {
                    let levels = self.levels - 1;
                    Self { levels, ..self }.walk(&mut found, false, look);
                }
                *value = found;
            }
            Some(_) => {}
            None => self.walk(value, in_links, look),
        }
    }
}

/// The most levels that one request may follow.
pub(super) const MAX_LEVELS: u32 = 2;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_is_an_expansion_or_refused() {
        let check = |query, expected| assert_eq!(Expand::parse(Some(query)), expected, "{query}");
        let levels = |levels, links| Ok(Some(Expand { links, levels }));
        check("$expand=.($levels=1)", levels(1, Links::Outside));
        check("%24expand=.%28%24levels=2%29", levels(2, Links::Outside));
        check("$expand=*", levels(1, Links::Everywhere));
        check("$expand=~", levels(1, Links::Inside));
        check("$expand=.($levels=3)", Err(BadQuery::Value));
        check("$expand=Members", Err(BadQuery::Value));
        check("$select=Name", Err(BadQuery::NotSupported));
        check("only", Err(BadQuery::NotSupported));
        check("other=1", Ok(None));
    }

    #[test]
    fn links_are_replaced_as_far_as_was_asked() {
        let look = |uri: &str| Some(json!({ "@odata.id": uri, "Next": { "@odata.id": "/next" } }));
        let expand = |query| {
            let mut document = json!({
                "@odata.id": "/", "Members": [{ "@odata.id": "/1" }],
                "Links": { "Other": { "@odata.id": "/2" } },
            });
            let expand = Expand::parse(Some(query)).unwrap().unwrap();
            expand.apply(&mut document, &look);
            document
        };
        let one = |uri: &str| json!({ "@odata.id": uri, "Next": { "@odata.id": "/next" } });
        assert_eq!(
            expand("$expand=."),
            json!({
                "@odata.id": "/", "Members": [one("/1")],
                "Links": { "Other": { "@odata.id": "/2" } },
            })
        );
        assert_eq!(
            expand("$expand=~"),
            json!({
                "@odata.id": "/", "Members": [{ "@odata.id": "/1" }],
                "Links": { "Other": one("/2") },
            })
        );
        let two = json!({ "@odata.id": "/1", "Next": one("/next") });
        assert_eq!(expand("$expand=.($levels=2)")["Members"], json!([two]));
    }
}
