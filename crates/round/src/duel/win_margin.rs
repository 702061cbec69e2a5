//! What a challenger has to reach: a setting of the competition, so every place that needs it is given it.
//! How a margin comes about is not known here.

use std::fmt;
use std::num::ParseFloatError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The margin (score / prompts, 0 to 1) from which on a challenger beats the defender: `win_margin` of the competition's
/// configuration. The default is the running competition's: 0.07, a score of 9 with 128 prompts.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct WinMargin(f64);

impl WinMargin {
    /// The margin as a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for WinMargin {
    fn default() -> Self {
        Self(0.07)
    }
}

/// A number that no competition could have as its margin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidWinMargin {
    /// Not a number at all.
    #[error("a win margin is a number from 0 to 1, such as 0.07")]
    NotANumber(#[from] ParseFloatError),
    /// Nobody could miss or reach it.
    #[error("a win margin is from 0 to 1, such as 0.07")]
    OutOfRange {
        /// The number.
        value: f64,
    },
}

impl TryFrom<f64> for WinMargin {
    type Error = InvalidWinMargin;

    fn try_from(value: f64) -> Result<Self, InvalidWinMargin> {
        // Adding zero takes the sign off a negative zero.
        if (0.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(InvalidWinMargin::OutOfRange { value }) }
    }
}

impl FromStr for WinMargin {
    type Err = InvalidWinMargin;

    fn from_str(text: &str) -> Result<Self, InvalidWinMargin> {
        Self::try_from(text.parse::<f64>()?)
    }
}

impl From<WinMargin> for f64 {
    fn from(margin: WinMargin) -> Self {
        margin.0
    }
}

impl fmt::Display for WinMargin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_from_0_to_1() {
        for (text, shown) in [("0.07", "0.07"), ("0", "0"), ("-0", "0"), ("1", "1"), ("5e-2", "0.05")] {
            assert_eq!(text.parse::<WinMargin>().map(|margin| margin.to_string()).as_deref(), Ok(shown), "{text}");
        }
        for bad in ["", "7%", "7", "1.01", "-0.07", "NaN", "inf"] {
            assert!(bad.parse::<WinMargin>().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<WinMargin>("7").is_err());
        assert_eq!(serde_json::to_string(&WinMargin::default()).expect("a number"), "0.07");
    }
}
