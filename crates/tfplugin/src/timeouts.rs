//! The `timeouts` attribute, and durations in Go's notation.

use std::time::Duration;

use crate::{Model, Value};

/// How long operations may take, as durations such as `60m`, `1h30m` or `90s`.
#[derive(Model, Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// How long creating may take, such as `60m` or `1h30m`.
    #[tf(check = is_duration)]
    pub create: Option<String>,
    /// How long reading may take.
    #[tf(check = is_duration)]
    pub read: Option<String>,
    /// How long updating may take.
    #[tf(check = is_duration)]
    pub update: Option<String>,
    /// How long destroying may take.
    #[tf(check = is_duration)]
    pub delete: Option<String>,
}

impl Timeouts {
    /// How long creating may take.
    pub fn create(timeouts: &Option<Self>, default: Duration) -> Duration {
        chosen(timeouts, |timeouts| &timeouts.create, default)
    }

    /// How long reading may take.
    pub fn read(timeouts: &Option<Self>, default: Duration) -> Duration {
        chosen(timeouts, |timeouts| &timeouts.read, default)
    }

    /// How long updating may take.
    pub fn update(timeouts: &Option<Self>, default: Duration) -> Duration {
        chosen(timeouts, |timeouts| &timeouts.update, default)
    }

    /// How long destroying may take.
    pub fn delete(timeouts: &Option<Self>, default: Duration) -> Duration {
        chosen(timeouts, |timeouts| &timeouts.delete, default)
    }
}

/// Validation has refused what does not parse, so falling back is for values from elsewhere.
fn chosen(
    timeouts: &Option<Timeouts>,
    operation: impl Fn(&Timeouts) -> &Option<String>,
    default: Duration,
) -> Duration {
    timeouts
        .as_ref()
        .and_then(|timeouts| operation(timeouts).as_deref())
        .and_then(parse_duration)
        .unwrap_or(default)
}

/// Checks that a value is a duration in Go's notation; for `#[tf(check = …)]`.
///
/// # Errors
/// If it is not.
pub fn is_duration(value: &Value) -> Result<(), String> {
    match value.as_str().and_then(parse_duration) {
        Some(_) => Ok(()),
        None => Err("expected a duration such as 60m, 1h30m or 90s".to_owned()),
    }
}

/// Reads a duration in Go's notation (`1h30m`, `1.5s`, `250ms`, `0`) that is not negative.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let length = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let seconds = number.parse::<f64>().ok()? * unit;
        total = total.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Duration>) {
        assert_eq!(parse_duration(text), expected, "{text:?}");
        assert_eq!(
            is_duration(&Value::from(text)).is_ok(),
            expected.is_some(),
            "{text:?}"
        );
    }

    #[test]
    fn durations_are_read_in_the_notation_of_go() {
        check("60m", Some(Duration::from_secs(3600)));
        check("1h30m", Some(Duration::from_secs(5400)));
        check("90s", Some(Duration::from_secs(90)));
        check("1.5s", Some(Duration::from_millis(1500)));
        check("2ms3us4ns", Some(Duration::from_nanos(2_003_004)));
        check("1µs", Some(Duration::from_micros(1)));
        check("0", Some(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "60",
            "m",
            "-1s",
            "1d",
            "1h 30m",
            "soon",
            ".s",
            "1e3s",
            "99999999999999h9",
        ] {
            check(text, None);
        }
        check(&format!("{}h", "9".repeat(300)), None);
    }

    #[test]
    fn an_operation_takes_its_own_timeout_or_the_default() {
        let default = Duration::from_secs(5);
        let timeouts = Some(Timeouts {
            create: Some("1m".to_owned()),
            ..Timeouts::default()
        });
        assert_eq!(
            Timeouts::create(&timeouts, default),
            Duration::from_secs(60)
        );
        for other in [Timeouts::read, Timeouts::update, Timeouts::delete] {
            assert_eq!(other(&timeouts, default), default);
        }
        assert_eq!(Timeouts::create(&None, default), default);
    }
}
