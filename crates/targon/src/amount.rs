//! Money: amounts and prices in US dollars, counted in whole millionths so that sums are exact.
//! Where a price comes from and what it buys is not this room's question.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in millionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd {
    millionths: u64,
}

impl Usd {
    /// From dollars; `None` for what is no price: negative, not finite, or above a million.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked just before")]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        (dollars.is_finite() && (0.0..=1_000_000.0).contains(&dollars))
            .then(|| Self { millionths: (dollars * 1e6).round() as u64 })
    }

    /// The amount as a decimal number of dollars, as JSON shows it.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 millionths")]
    pub fn dollars(self) -> f64 {
        self.millionths as f64 / 1e6
    }

    /// The sum; stops at the largest amount instead of wrapping.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { millionths: self.millionths.saturating_add(other.millionths) }
    }
}

/// `$0.09`, `$13.00`: two decimals, rounded half up.
impl fmt::Display for Usd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.millionths.saturating_add(5_000) / 10_000;
        write!(formatter, "${}.{:02}", cents / 100, cents % 100)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Self::from_dollars(dollars).ok_or_else(|| serde::de::Error::custom("not an amount of dollars"))
    }
}

/// What a machine costs in an hour of running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HourlyPrice(Usd);

impl HourlyPrice {
    /// The price of one hour.
    pub fn new(an_hour: Usd) -> Self {
        Self(an_hour)
    }

    /// The price of one hour, as an amount.
    pub fn an_hour(self) -> Usd {
        self.0
    }

    /// What that much running time costs, rounded down to a millionth.
    #[must_use]
    pub fn for_time(self, time: Duration) -> Usd {
        let millionths = u128::from(self.0.millionths) * time.as_millis() / 3_600_000;
        Usd { millionths: u64::try_from(millionths).unwrap_or(u64::MAX) }
    }
}

/// `$13.00/h`
impl fmt::Display for HourlyPrice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/h", self.0)
    }
}

/// `$13.00/h`, or that it is not known.
pub fn price_in_words(price: Option<HourlyPrice>) -> String {
    price.map_or_else(|| "price unknown".to_owned(), |price| price.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars).expect("a price")
    }

    #[test]
    fn amounts_are_shown_in_cents() {
        assert_eq!(usd(0.09).to_string(), "$0.09");
        assert_eq!(usd(13.0).to_string(), "$13.00");
        assert_eq!(usd(1.995).to_string(), "$2.00");
        assert_eq!(HourlyPrice::new(usd(2.5)).to_string(), "$2.50/h");
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for dollars in [-0.01, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(Usd::from_dollars(dollars), None);
        }
    }

    #[test]
    fn half_an_hour_costs_half_the_price() {
        assert_eq!(HourlyPrice::new(usd(13.0)).for_time(Duration::from_mins(30)), usd(6.5));
        assert_eq!(HourlyPrice::new(usd(1_000_000.0)).for_time(Duration::MAX).millionths, u64::MAX);
    }

    #[test]
    fn json_keeps_dollars() {
        assert_eq!(serde_json::to_string(&HourlyPrice::new(usd(0.09))).expect("json"), "0.09");
        assert!(serde_json::from_str::<Usd>("-1").is_err());
    }
}
