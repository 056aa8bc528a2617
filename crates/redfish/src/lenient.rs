//! Reading what BMCs really send.
//!
//! A field of the wrong type, `null` or absent is `None`; nothing here fails and nothing panics. A
//! word that is not in the schema keeps its spelling, because it may have to be sent back.

use serde_json::Value;

/// A JSON value that is read leniently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doc<'a>(&'a Value);

impl<'a> Doc<'a> {
    pub(crate) const fn new(value: &'a Value) -> Self {
        Self(value)
    }

    pub(crate) const fn raw(self) -> &'a Value {
        self.0
    }

    /// The property, or `null`.
    pub(crate) fn get(self, name: &str) -> Self {
        Self(self.0.get(name).unwrap_or(&Value::Null))
    }

    /// Whether the property exists, be it `null`.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// The names of the object's properties.
    pub(crate) fn names(self) -> Vec<&'a str> {
        let object = self.0.as_object();
        object.map_or_else(Vec::new, |object| {
            object.keys().map(String::as_str).collect()
        })
    }

    /// A word: text as it is, without blanks around it.
    pub(crate) fn word(self, name: &str) -> Option<&'a str> {
        self.get(name).as_word()
    }

    /// Text that identifies something: a placeholder is no identity.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        let word = self.word(name)?;
        let placeholder = PLACEHOLDERS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word));
        (!placeholder).then(|| word.to_owned())
    }

    pub(crate) fn flag(self, name: &str) -> Option<bool> {
        self.get(name).0.as_bool()
    }

    pub(crate) fn number(self, name: &str) -> Option<f64> {
        self.get(name)
            .0
            .as_f64()
            .filter(|number| number.is_finite())
    }

    /// A number of things.
    pub(crate) fn count(self, name: &str) -> Option<u64> {
        whole(self.number(name)?)
    }

    /// The elements of an array; a lone object stands for an array of one.
    pub(crate) fn items(self, name: &str) -> Vec<Self> {
        match self.get(name).0 {
            Value::Array(items) => items.iter().map(Doc).collect(),
            Value::Null => Vec::new(),
            one => vec![Self(one)],
        }
    }

    /// The words of an array; a lone word stands for an array of one.
    pub(crate) fn words(self, name: &str) -> Vec<String> {
        let items = self.items(name).into_iter();
        items.filter_map(Self::as_word).map(str::to_owned).collect()
    }

    /// The reference that a property holds.
    pub(crate) fn link(self, name: &str) -> Option<String> {
        self.get(name).as_link()
    }

    /// The references that an array property holds.
    pub(crate) fn links(self, name: &str) -> Vec<String> {
        let items = self.items(name).into_iter().take(MOST_LINKS);
        items.filter_map(Self::as_link).collect()
    }

    /// This value as a reference: an object with `@odata.id`, or a path.
    pub(crate) fn as_link(self) -> Option<String> {
        let link = match self.0 {
            Value::String(_) => self.as_word(),
            _ => self.word("@odata.id"),
        };
        link.map(str::to_owned)
    }

    fn as_word(self) -> Option<&'a str> {
        self.0
            .as_str()
            .map(str::trim)
            .filter(|word| !word.is_empty())
    }
}

/// The nearest whole number, if it is one that anything can have.
pub(crate) fn whole(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked before"
    )]
    (0.0..=9e15)
        .contains(&number)
        .then(|| number.round() as u64)
}

/// What all spellings of a reference have in common. BMCs differ from themselves in case and in the
/// slash at the end.
pub fn resource_key(uri: &str) -> String {
    uri.trim().trim_end_matches('/').to_ascii_lowercase()
}

/// An enumeration that keeps a word it does not know.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A word of this BMC's own, as it spells it.
            Other(String),
        }

        impl $name {
            /// Redfish's word, or the BMC's own.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $(if word.eq_ignore_ascii_case($word) { return Self::$variant; })+
                Self::Other(word.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use open_enum;

/// More than one resource refers to: each costs a request.
const MOST_LINKS: usize = 64;

/// What firmware writes where nobody set anything.
const PLACEHOLDERS: [&str; 6] = [
    "None",
    "N/A",
    "NA",
    "To be filled by O.E.M.",
    "Default string",
    "Not Specified",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_placeholder_is_no_identity_but_is_a_word() {
        for text in [
            "",
            "          ",
            "None",
            "n/a",
            "To be filled by O.E.M.",
            "Default string",
        ] {
            assert_eq!(Doc::new(&json!({"a": text})).text("a"), None, "{text}");
        }
        let value = json!({"a": " CZ1 ", "b": "None"});
        let doc = Doc::new(&value);
        assert_eq!(doc.text("a").as_deref(), Some("CZ1"));
        assert_eq!(doc.word("b"), Some("None"));
    }

    #[test]
    fn a_wrong_type_is_nothing() {
        let value = json!({"text": 7, "flag": "yes", "count": -1, "big": 1e300, "link": 3});
        let doc = Doc::new(&value);
        assert_eq!(doc.text("text"), None);
        assert_eq!(doc.flag("flag"), None);
        assert_eq!(doc.count("count"), None);
        assert_eq!(doc.count("big"), None);
        assert_eq!(doc.link("link"), None);
        assert_eq!(doc.get("x").get("y").link("z"), None);
        assert!(Doc::new(&json!([1])).items("x").is_empty());
    }

    #[test]
    fn one_stands_for_an_array_of_one() {
        let value = json!({"one": {"@odata.id": "/a"}, "word": "On", "none": null});
        let doc = Doc::new(&value);
        assert_eq!(doc.links("one"), ["/a"]);
        assert_eq!(doc.words("word"), ["On"]);
        assert!(doc.items("none").is_empty());
    }

    #[test]
    fn references_differ_in_neither_case_nor_closing_slash() {
        let key = resource_key("/redfish/v1/Systems/1/");
        assert_eq!(key, resource_key("/redfish/v1/systems/1"));
        assert_ne!(key, resource_key("/redfish/v1/Systems/11"));
    }
}
