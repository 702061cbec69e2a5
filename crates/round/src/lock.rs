//! The rule on conviction locks: what a coldkey must have locked for its hotkeys, and whether it is enough.
//! Amounts are in ρ, the subnet's token, with nine decimals. Knows nothing of where they are read.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::AccountId;

/// Billionths (rao) of a token.
pub const RAO_PER_RHO: u64 = 1_000_000_000;

/// An amount of the subnet's token, counted in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rho(u64);

impl Rho {
    /// So many whole tokens.
    pub fn whole(tokens: u32) -> Self {
        Self(u64::from(tokens) * RAO_PER_RHO)
    }

    /// Counted in billionths.
    pub fn rao(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Rho {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, rest) = (self.0 / RAO_PER_RHO, self.0 % RAO_PER_RHO);
        if rest == 0 {
            write!(formatter, "{tokens}")
        } else {
            formatter.write_str(format!("{tokens}.{rest:09}").trim_end_matches('0'))
        }
    }
}

/// As a JSON number.
impl Serialize for Rho {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "fifteen digits are more than anybody compares")]
        let tokens = self.0 as f64 / RAO_PER_RHO as f64;
        serializer.serialize_f64(tokens)
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount: write it like 100 or 0.5, with at most nine decimals")]
pub struct InvalidRho;

impl FromStr for Rho {
    type Err = InvalidRho;

    fn from_str(text: &str) -> Result<Self, InvalidRho> {
        let (tokens, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(tokens) || !digits(decimals) || decimals.len() > 9 {
            return Err(InvalidRho);
        }
        let tokens: u64 = tokens.parse().map_err(|_| InvalidRho)?;
        let rest: u64 = format!("{decimals:0<9}").parse().map_err(|_| InvalidRho)?;
        let rao = tokens.checked_mul(RAO_PER_RHO).and_then(|rao| rao.checked_add(rest)).ok_or(InvalidRho)?;
        Ok(Self(rao))
    }
}

/// What is locked for a hotkey's coldkey, and what should be. Unknown parts are null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lock {
    locked_rho: Option<Rho>,
    required_rho: Option<Rho>,
    #[serde(rename = "lock_sufficient")]
    sufficient: Option<bool>,
}

impl Lock {
    /// Nothing is known, not even what is required.
    pub const UNKNOWN: Self = Self { locked_rho: None, required_rho: None, sufficient: None };

    /// For an amount in billionths that the chain has told, if it has, and one that is required, if any is.
    pub fn new(locked_rao: Option<u64>, required_rao: Option<u64>) -> Self {
        let (locked, required) = (locked_rao.map(Rho), required_rao.map(Rho));
        let sufficient = locked.zip(required).map(|(locked, required)| locked >= required);
        Self { locked_rho: locked, required_rho: required, sufficient }
    }

    /// Whether both amounts are known.
    pub fn is_known(&self) -> bool {
        self.sufficient.is_some()
    }

    /// Whether it is known to be too small.
    pub fn is_too_small(&self) -> bool {
        self.sufficient == Some(false)
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.locked_rho, self.required_rho) {
            (Some(locked), Some(required)) if locked >= required => write!(formatter, "{locked}"),
            (Some(locked), Some(required)) => write!(formatter, "{locked} of {required}"),
            _ => formatter.write_str("?"),
        }
    }
}

/// What each coldkey must have locked, in billionths: the amount once for each of its hotkeys. The collector drops all of them otherwise.
pub fn required(owners: impl IntoIterator<Item = AccountId>, per_hotkey: Rho) -> HashMap<AccountId, u64> {
    let mut required = HashMap::new();
    for owner in owners {
        let sum: &mut u64 = required.entry(owner).or_default();
        *sum = sum.saturating_add(per_hotkey.0);
    }
    required
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, shown) in [("100", "100"), ("0.5", "0.5"), ("99.999999999", "99.999999999"), ("007.10", "7.1")] {
            assert_eq!(text.parse::<Rho>().expect("an amount").to_string(), shown);
        }
        for text in ["", ".", "1.", ".5", "-1", "1e3", "0.0000000001", "18446744074", "1,5", "NaN"] {
            assert_eq!(text.parse::<Rho>(), Err(InvalidRho), "{text}");
        }
        assert_eq!(serde_json::to_string(&Rho::whole(100)).expect("a number"), "100.0");
    }

    #[test]
    fn equality_is_sufficient_and_the_unknown_stays_unknown() {
        let enough = Rho::whole(100).rao();
        assert_eq!(Lock::new(Some(enough), Some(enough)).sufficient, Some(true));
        assert_eq!(Lock::new(Some(enough - 1), Some(enough)).sufficient, Some(false));
        assert_eq!(Lock::new(None, Some(enough)).sufficient, None);
    }

    #[test]
    fn a_coldkey_needs_the_amount_for_each_of_its_hotkeys() {
        let (one, other) = (AccountId([1; 32]), AccountId([2; 32]));
        let required = required([one, other, one], Rho::whole(100));
        assert_eq!((required[&one], required[&other]), (200 * RAO_PER_RHO, 100 * RAO_PER_RHO));
    }
}
