//! Numbers as Terraform has them: decimal, of any size.

use std::{cmp::Ordering, str::FromStr};

/// A number in the one form that says it exactly.
///
/// Terraform's numbers are decimals of 512 bits. `0.5` is a binary fraction and can travel as a
/// float; `0.1` is not, and a float of it would be another number. So two equal numbers always
/// have the same variant: `Int` if it fits, else `Float` if that is exact, else `Big`.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number of 64 bits.
    Int(i64),
    /// A number that this float is exactly.
    Float(f64),
    /// Any other number, in decimal digits.
    Big(String),
}

impl Number {
    /// The number if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(_) | Self::Big(_) => None,
        }
    }

    /// The number if it is whole, not negative and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Big(digits) => digits.parse().ok(),
            Self::Float(float) => unsigned(*float),
        }
    }

    /// The nearest float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest float is what is asked for"
            )]
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Big(digits) => digits.parse().ok(),
        }
    }

    /// The float's exact value, as it arrives on the wire.
    pub(crate) fn exact(float: f64) -> Self {
        match whole(float) {
            Some(number) => Self::Int(number),
            None => Self::Float(float),
        }
    }

    /// For sorting the elements of a set; any total order does.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Big(a), Self::Big(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Int(_) => 0,
            Self::Float(_) => 1,
            Self::Big(_) => 2,
        }
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        let digits = || number.to_string();
        i64::try_from(number).map_or_else(
            |_| digits().parse().unwrap_or_else(|_| Self::Big(digits())),
            Self::Int,
        )
    }
}

/// The decimal that people mean by the float: `0.1`, not `0.1000000000000000055…`.
impl From<f64> for Number {
    fn from(float: f64) -> Self {
        float.to_string().parse().unwrap_or(Self::Float(float))
    }
}

/// A text that is no decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a decimal number")]
pub struct NotANumber;

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Int(number));
        }
        let digits = text.bytes().any(|byte| byte.is_ascii_digit());
        let decimal = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        // Without these, Rust would also take "nan" and "inf".
        let float: f64 = match text.parse() {
            Ok(float) if digits && decimal => float,
            _ => return Err(NotANumber),
        };
        if text.contains(['e', 'E']) {
            return Ok(Self::from(float));
        }
        let exact = float.is_finite() && is_exact(float, text);
        Ok(if exact {
            Self::exact(float)
        } else {
            Self::Big(text.to_owned())
        })
    }
}

/// The float as an integer, if it is one and fits.
fn whole(float: f64) -> Option<i64> {
    /// Two to the power of 63.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the limits"
    )]
    (float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float)).then_some(float as i64)
}

/// The float as an integer without a sign, if it is one and fits.
fn unsigned(float: f64) -> Option<u64> {
    /// Two to the power of 64.
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within the limits"
    )]
    (float.fract() == 0.0 && (0.0..LIMIT).contains(&float)).then_some(float as u64)
}

/// Whether the text has all the digits of the float, which for 0.1 are fifty-five.
fn is_exact(float: f64, text: &str) -> bool {
    // The smallest float is 2^-1074: no float has more decimals.
    const MOST_DECIMALS: usize = 1074;
    normal(&format!("{float:.MOST_DECIMALS$}")) == normal(text)
}

fn normal(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}
