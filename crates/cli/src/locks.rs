//! Who owns the listed hotkeys, and what is locked for them: the chain's answers under the rule of `round::lock`.

use std::collections::HashMap;

use gen404_chain::{Chain, Event, LockAnswer, ReadError};
use gen404_outside::observer::Observer;
use gen404_round::lock::{self, Lock, Rho};
use gen404_round::{AccountId, Hotkey, Netuid};

/// Coldkey and lock of each hotkey, in the same order. A coldkey needs the required lock for each of its hotkeys among these.
pub(crate) async fn read(
    chain: &Chain,
    hotkeys: &[Hotkey],
    netuid: Netuid,
    required: Rho,
    observer: &dyn Observer<Event>,
) -> Result<Vec<(Option<AccountId>, Lock)>, ReadError> {
    let owners = chain.owners(hotkeys, observer).await?;
    let required = lock::required(owners.iter().flatten().copied(), required);
    let coldkeys: Vec<_> = required.keys().copied().collect();
    let answers = chain.coldkey_locks(&coldkeys, netuid, observer).await?;
    let locks: HashMap<_, _> = coldkeys
        .into_iter()
        .zip(answers)
        .map(|(coldkey, answer)| (coldkey, Lock::new(locked_rao(answer), required.get(&coldkey).copied())))
        .collect();
    Ok(owners.into_iter().map(|owner| (owner, owner.map_or(Lock::UNKNOWN, |owner| locks[&owner]))).collect())
}

/// The answer when owners cannot be read.
pub(crate) fn unknown(hotkeys: &[Hotkey]) -> Vec<(Option<AccountId>, Lock)> {
    vec![(None, Lock::UNKNOWN); hotkeys.len()]
}

/// What is locked, in billionths; `None` where the chain knows no locks.
pub(crate) fn locked_rao(answer: LockAnswer) -> Option<u64> {
    match answer {
        LockAnswer::NotOffered => None,
        LockAnswer::Nothing => Some(0),
        LockAnswer::Locked(lock) => Some(lock.locked_rao),
    }
}
