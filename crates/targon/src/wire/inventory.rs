//! What can be rented at the moment, for how much, and what is left on the account.
//! Choosing among the offers is [`crate::Quote`]'s job.

use std::fmt;

use serde::Deserialize;

use super::lenient::or_default;
use crate::amount::HourlyPrice;

/// One kind of machine in the inventory.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Offer {
    /// The resource's name, for example `h200-large`.
    pub name: String,
    /// Its price, where the service says it.
    #[serde(default, deserialize_with = "or_default")]
    pub cost_per_hour: Option<HourlyPrice>,
    /// How many are free.
    #[serde(default, deserialize_with = "or_default")]
    pub available: i64,
}

impl Offer {
    /// At least one is free.
    pub fn is_available(&self) -> bool {
        self.available > 0
    }
}

/// `h200-large $13.00/h (2 free)`
impl fmt::Display for Offer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if let Some(price) = self.cost_per_hour {
            write!(formatter, " {price}")?;
        }
        write!(formatter, " ({} free)", self.available)
    }
}

/// What is left on the account.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Credits {
    /// The amount; may be below zero.
    pub credits: f64,
    /// Its currency, usually `USD`.
    #[serde(default, deserialize_with = "or_default")]
    pub currency: String,
}
