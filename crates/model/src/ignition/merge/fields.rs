//! Which members of an Ignition config are objects and lists, and how a list's entries are told
//! apart (spec 3.0 to 3.5, the `Key` and `IgnoreDuplicates` of `config/v3_5/types`).

use serde_json::Value;

/// The members of an object that are not scalars.
pub(super) type Fields = &'static [(&'static str, Field)];

/// What a member is.
pub(super) enum Field {
    /// An object, merged member by member.
    Object(Fields),
    /// A list whose entries have keys. Lists of one group share them.
    List {
        key: Key,
        group: Option<&'static str>,
        inner: Fields,
    },
    /// A list that is appended to.
    Appended,
}

/// What tells entries of a list apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The entry is a text, and its own key.
    Itself,
    /// A member of the entry, which must be there.
    Member(&'static str),
    /// The source of a resource.
    Source,
    /// A partition's number, or its label if it has none.
    Partition,
}

impl Key {
    /// The key of an entry. Entries without one are all the same.
    pub(super) fn of(self, entry: &Value) -> String {
        let text = |member: &str| entry.get(member).and_then(Value::as_str);
        match self {
            Self::Itself => entry.as_str().unwrap_or_default().to_owned(),
            Self::Member(member) => text(member).unwrap_or_default().to_owned(),
            Self::Source => text("source").unwrap_or_default().to_owned(),
            Self::Partition => {
                let number = entry.get("number").and_then(Value::as_i64).unwrap_or(0);
                match (number, text("label")) {
                    (0, Some(label)) => format!("label:{label}"),
                    (0, None) => String::new(),
                    (number, _) => format!("number:{number}"),
                }
            }
        }
    }
}

const fn list(key: Key, inner: Fields) -> Field {
    Field::List {
        key,
        group: None,
        inner,
    }
}

const fn shared(key: Key, group: &'static str, inner: Fields) -> Field {
    Field::List {
        key,
        group: Some(group),
        inner,
    }
}

const TEXTS: Field = list(Key::Itself, &[]);
const NAME: Key = Key::Member("name");
const PATH: Key = Key::Member("path");
const DEVICE: Key = Key::Member("device");

/// A whole config.
pub(super) static CONFIG: [(&str, Field); 5] = [
    ("ignition", Field::Object(IGNITION)),
    ("kernelArguments", Field::Object(KERNEL_ARGUMENTS)),
    ("passwd", Field::Object(PASSWD)),
    ("storage", Field::Object(STORAGE)),
    ("systemd", Field::Object(SYSTEMD)),
];

const IGNITION: Fields = &[
    (
        "config",
        Field::Object(&[
            ("merge", list(Key::Source, RESOURCE)),
            ("replace", Field::Object(RESOURCE)),
        ]),
    ),
    ("proxy", Field::Object(&[("noProxy", TEXTS)])),
    (
        "security",
        Field::Object(&[(
            "tls",
            Field::Object(&[("certificateAuthorities", list(Key::Source, RESOURCE))]),
        )]),
    ),
    ("timeouts", Field::Object(&[])),
];

const RESOURCE: Fields = &[
    ("httpHeaders", list(NAME, &[])),
    ("verification", Field::Object(&[])),
];

const KERNEL_ARGUMENTS: Fields = &[
    ("shouldExist", shared(Key::Itself, "argument", &[])),
    ("shouldNotExist", shared(Key::Itself, "argument", &[])),
];

const PASSWD: Fields = &[
    ("groups", list(NAME, &[])),
    (
        "users",
        list(NAME, &[("groups", TEXTS), ("sshAuthorizedKeys", TEXTS)]),
    ),
];

const STORAGE: Fields = &[
    ("directories", shared(PATH, "node", NODE)),
    (
        "disks",
        list(DEVICE, &[("partitions", list(Key::Partition, &[]))]),
    ),
    ("files", shared(PATH, "node", FILE)),
    (
        "filesystems",
        list(
            DEVICE,
            &[
                ("mountOptions", Field::Appended),
                ("options", Field::Appended),
            ],
        ),
    ),
    ("links", shared(PATH, "node", NODE)),
    ("luks", list(NAME, LUKS)),
    (
        "raid",
        list(NAME, &[("devices", TEXTS), ("options", Field::Appended)]),
    ),
];

const NODE: Fields = &[("group", Field::Object(&[])), ("user", Field::Object(&[]))];

const FILE: Fields = &[
    ("append", Field::Appended),
    ("contents", Field::Object(RESOURCE)),
    ("group", Field::Object(&[])),
    ("user", Field::Object(&[])),
];

const LUKS: Fields = &[
    ("cex", Field::Object(&[])),
    (
        "clevis",
        Field::Object(&[
            ("custom", Field::Object(&[])),
            ("tang", list(Key::Member("url"), &[])),
        ]),
    ),
    ("keyFile", Field::Object(RESOURCE)),
    ("openOptions", TEXTS),
    ("options", Field::Appended),
];

const SYSTEMD: Fields = &[("units", list(NAME, &[("dropins", list(NAME, &[]))]))];
