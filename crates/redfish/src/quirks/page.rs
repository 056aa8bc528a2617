//! The page about the table, for people.

use std::fmt::Write;

use super::{
    Quirks,
    about::{Match, vendors},
    effects,
    row::{Handled, Row},
};

/// The page about what BMCs do and what the client does about it, in Markdown: every row of the
/// built-in table, and how to write one's own.
pub fn quirks_page() -> String {
    let quirks = Quirks::default();
    let rows = quirks.rows();
    let mut page = String::from(HEAD);
    for handled in [Handled::Effect, Handled::Always] {
        let of_kind = rows.iter().filter(|row| row.handled == handled);
        let heading = match handled {
            Handled::Effect => "Rows with effects",
            Handled::Always => "What the client finds out by itself",
        };
        line(&mut page, format_args!("\n## {heading}\n"));
        for row in of_kind {
            show(&mut page, row);
        }
    }
    line(&mut page, format_args!("\n## A table of your own\n\n{OWN}"));
    line(&mut page, format_args!("```toml\n{EXAMPLE}```\n"));
    line(
        &mut page,
        format_args!("{MATCHING}\n{}.\n", vendors().join(", ")),
    );
    line(&mut page, format_args!("{EFFECTS}"));
    for (name, value, what) in effects::ALL {
        line(&mut page, format_args!("| `{name}` | {value} | {what} |"));
    }
    page
}

fn show(page: &mut String, row: &Row) {
    line(page, format_args!("### {}\n", row.id));
    line(page, format_args!("{}.\n", row.title));
    let places: Vec<_> = row.matches.iter().map(place).collect();
    line(page, format_args!("- **Where:** {}", places.join("; ")));
    line(page, format_args!("- **The BMC:** {}", row.does));
    line(page, format_args!("- **The client:** {}", row.client));
    if !row.user.is_empty() {
        line(page, format_args!("- **What you see:** {}", row.user));
    }
    line(
        page,
        format_args!("- **Source:** {}\n", row.source.join("; ")),
    );
}

fn place(conditions: &Match) -> String {
    let words = conditions.all().into_iter().map(|(name, text)| match name {
        "vendor" if text == "any" => "any maker".to_owned(),
        "vendor" => text.to_owned(),
        "except_firmware" => format!("but firmware {text}"),
        name => format!("{name} {text}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

const EXAMPLE: &str = include_str!("example.toml");

const HEAD: &str = "\
---
page_title: \"What BMCs do differently\"
subcategory: \"\"
description: |-
  The table of quirks: what BMCs of each maker do differently, and what the provider does about it.
---

# What BMCs do differently

Redfish is a standard, and firmware is firmware. This page is the provider's table of what BMCs were
seen to do differently, and what it does about that. Nothing here has to be configured.

Some rows have *effects*: they match BMCs by maker, product, model or firmware, and tell the provider
what to try first with them. Everything else it finds out from what a BMC answers, on any BMC, and
remembers for the rest of the run; there *Where* only says where it was seen.

Virtual media, the settings of the BIOS and updates of firmware are not in the table, because the
provider does not touch them.
";

const OWN: &str = "\
Name a file in the provider block, or in the environment variable `BAREMETAL_REDFISH_QUIRKS_FILE`:

```terraform
provider \"baremetal\" {
  redfish = {
    quirks_file = \"quirks.toml\"
  }
}
```

The file is a table in the format of the built-in one. Its rows are matched after the built-in ones:
where two rows say something else of the same thing, the later counts, and lists add up. `disable`
takes built-in rows with effects out. Whatever is not understood is an error, with its line.
";

const MATCHING: &str = "\
`match` is a list of conditions, of which one has to hold. In one of them all that is given has to
hold, upper and lower case alike:

| condition | holds if |
| --- | --- |
| `vendor` | the maker is this one, by `Vendor` or the `Oem` object of the service root, or by the system's `Manufacturer`; `\"any\"` is every maker |
| `product` | it is part of `Product` of the service root |
| `model` | it is part of the system's `Model`, or of `Product` |
| `firmware` | it is part of what the service root tells of the firmware: each property below `Oem` whose name ends in `Version`, and `ManagerType`. Many BMCs tell nothing there; match those by product or model |
| `except_firmware` | it is not part of that |

A maker that is not in this list is matched by the beginning of what it calls itself. Firmware that is
sold under several names is its own maker's:";

const EFFECTS: &str = "\
`effects` are these:

| effect | value | what the client does |
| --- | --- | --- |";
