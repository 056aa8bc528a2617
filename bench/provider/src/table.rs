//! The table that is printed: the floor, the provider, their ratio, and whether the target is met.

/// What a number is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// Nothing.
    None,
    /// It may be at most this.
    Most(f64),
    /// It may be at most so many times the floor.
    Ratio(f64),
}

/// A name, the floor, three ways with their ratios, and the target.
const COLUMNS: usize = 9;
const LAST: usize = COLUMNS - 1;

/// The rows so far.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; COLUMNS]>);

impl Table {
    /// Adds a row and prints that it is there: a run takes minutes. `ways` is one number for the
    /// provider, or one for each way to log in.
    pub(crate) fn row(&mut self, name: &str, floor: f64, ways: &[f64], limit: Limit) {
        let ratio = |number: f64| {
            if floor > 0.0 {
                format!("{:.2}", number / floor)
            } else {
                String::new()
            }
        };
        let mut cells = vec![name.to_owned(), number(floor)];
        for way in ways {
            cells.extend([number(*way), ratio(*way)]);
        }
        cells.resize(COLUMNS - 1, String::new());
        cells.push(verdict(floor, ways, limit));
        eprintln!("{}", cells.join("  "));
        if let Ok(cells) = cells.try_into() {
            self.0.push(cells);
        }
    }

    /// Prints all of it.
    pub(crate) fn print(&self) {
        let head = [
            "", "floor", "auto", "ratio", "basic", "ratio", "session", "ratio", "target",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.0.iter().cloned());
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        for row in &rows {
            let cells = row.iter().zip(widths).enumerate();
            let line: Vec<String> = cells
                .map(|(column, (cell, width))| match column {
                    0 | LAST => format!("{cell:width$}"),
                    _ => format!("{cell:>width$}"),
                })
                .collect();
            println!("{}", line.join("  ").trim_end());
        }
    }
}

fn verdict(floor: f64, ways: &[f64], limit: Limit) -> String {
    let (text, most) = match limit {
        Limit::None => return String::new(),
        Limit::Most(most) => (format!("at most {most}"), most),
        Limit::Ratio(ratio) => (format!("at most {ratio} of the floor"), ratio * floor),
    };
    let verdicts: Vec<&str> = ways
        .iter()
        .map(|way| if *way <= most { "met" } else { "missed" })
        .collect();
    format!("{text}: {}", verdicts.join(", "))
}

fn number(number: f64) -> String {
    if number.fract() == 0.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    }
}
