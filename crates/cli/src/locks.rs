//! Who owns the listed hotkeys, and whether enough is locked for them: the subnet's rule on conviction locks.
//! Amounts are in ρ, the subnet's token, with nine decimals.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use gen404_chain::{Chain, LockAnswer, Observer, RAO_PER_TOKEN, ReadError};
use gen404_round::{AccountId, Hotkey, Netuid};
use serde::{Serialize, Serializer};

/// An amount of the subnet's token, counted in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rho(u64);

impl Rho {
    pub(crate) fn whole(tokens: u32) -> Self {
        Self(u64::from(tokens) * RAO_PER_TOKEN)
    }

    /// Counted in billionths.
    pub(crate) fn rao(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Rho {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, rest) = (self.0 / RAO_PER_TOKEN, self.0 % RAO_PER_TOKEN);
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
        let tokens = self.0 as f64 / RAO_PER_TOKEN as f64;
        serializer.serialize_f64(tokens)
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount: write it like 100 or 0.5, with at most nine decimals")]
pub(crate) struct InvalidRho;

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
        let rao = tokens.checked_mul(RAO_PER_TOKEN).and_then(|rao| rao.checked_add(rest)).ok_or(InvalidRho)?;
        Ok(Self(rao))
    }
}

/// What is locked for a hotkey's coldkey, and what should be. Unknown parts are null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Lock {
    locked_rho: Option<Rho>,
    required_rho: Option<Rho>,
    #[serde(rename = "lock_sufficient")]
    sufficient: Option<bool>,
}

impl Lock {
    /// For an amount that the chain has told, if it has, and one that is required, if any is.
    pub(crate) fn new(locked_rao: Option<u64>, required_rao: Option<u64>) -> Self {
        let (locked, required) = (locked_rao.map(Rho), required_rao.map(Rho));
        let sufficient = locked.zip(required).map(|(locked, required)| locked >= required);
        Self { locked_rho: locked, required_rho: required, sufficient }
    }

    /// Whether it is known to be too small.
    pub(crate) fn is_too_small(&self) -> bool {
        self.sufficient == Some(false)
    }

    /// Whether both amounts are known.
    pub(crate) fn is_known(&self) -> bool {
        self.sufficient.is_some()
    }

    const UNKNOWN: Self = Self { locked_rho: None, required_rho: None, sufficient: None };

    fn judge(locked: Option<Rho>, required: Rho) -> Self {
        Self { locked_rho: locked, required_rho: Some(required), sufficient: locked.map(|locked| locked >= required) }
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

/// Coldkey and lock of each hotkey, in the same order.
///
/// A coldkey needs the required lock once for each of its hotkeys among these; the collector drops all of them otherwise.
pub(crate) async fn read(
    chain: &Chain,
    hotkeys: &[Hotkey],
    netuid: Netuid,
    required: Rho,
    observer: &dyn Observer,
) -> Result<Vec<(Option<AccountId>, Lock)>, ReadError> {
    let owners = chain.owners(hotkeys, observer).await?;
    let mut counts: HashMap<AccountId, u64> = HashMap::new();
    for owner in owners.iter().flatten() {
        *counts.entry(*owner).or_default() += 1;
    }
    let coldkeys: Vec<_> = counts.keys().copied().collect();
    let answers = chain.coldkey_locks(&coldkeys, netuid, observer).await?;
    let locks: HashMap<_, _> = coldkeys
        .into_iter()
        .zip(answers)
        .map(|(coldkey, answer)| {
            let required = Rho(required.0.saturating_mul(counts[&coldkey]));
            (coldkey, Lock::judge(locked(answer), required))
        })
        .collect();
    Ok(owners.into_iter().map(|owner| (owner, owner.map_or(Lock::UNKNOWN, |owner| locks[&owner]))).collect())
}

/// The answer when owners cannot be read.
pub(crate) fn unknown(hotkeys: &[Hotkey]) -> Vec<(Option<AccountId>, Lock)> {
    vec![(None, Lock::UNKNOWN); hotkeys.len()]
}

fn locked(answer: LockAnswer) -> Option<Rho> {
    locked_rao(answer).map(Rho)
}

/// What is locked, in billionths; `None` where the chain knows no locks.
pub(crate) fn locked_rao(answer: LockAnswer) -> Option<u64> {
    match answer {
        LockAnswer::NotOffered => None,
        LockAnswer::Nothing => Some(0),
        LockAnswer::Locked(lock) => Some(lock.locked_rao),
    }
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
        let required = Rho::whole(100);
        assert_eq!(Lock::judge(Some(required), required).sufficient, Some(true));
        assert_eq!(Lock::judge(Some(Rho(required.0 - 1)), required).sufficient, Some(false));
        assert_eq!(Lock::judge(None, required).sufficient, None);
    }
}
