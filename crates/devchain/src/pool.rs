//! Extrinsics that wait for a block: ready ones, and those whose nonce lies too far ahead.
//! Knows nonces and order of arrival; whether an extrinsic is valid was asked before.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::extrinsic::Signed;
use super::primitives::{Account, H256};

/// Why the pool does not take an extrinsic that is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("Transaction Already Imported")]
    AlreadyImported,
    #[error("Transaction is temporarily banned")]
    Banned,
    #[error("Priority is too low")]
    TooLowPriority,
}

/// Waiting extrinsics of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    accounts: HashMap<Account, BTreeMap<u32, Waiting>>,
    arrivals: u64,
    /// Hashes that were in a block or became invalid; a node does not take them again for half an hour, here never.
    banned: HashSet<H256>,
}

#[derive(Debug)]
struct Waiting {
    signed: Signed,
    arrival: u64,
}

impl Pool {
    /// Takes an extrinsic of `account`. An extrinsic with the same nonce keeps its place.
    pub(crate) fn insert(&mut self, account: Account, signed: Signed) -> Result<(), Refused> {
        if self.banned.contains(&signed.hash) {
            return Err(Refused::Banned);
        }
        let waiting = self.accounts.entry(account).or_default();
        match waiting.get(&signed.nonce) {
            Some(other) if other.signed.hash == signed.hash => Err(Refused::AlreadyImported),
            Some(_) => Err(Refused::TooLowPriority),
            None => {
                self.arrivals += 1;
                waiting.insert(signed.nonce, Waiting { signed, arrival: self.arrivals });
                Ok(())
            }
        }
    }

    /// The nonce an account should use next, given the one the chain expects.
    pub(crate) fn next_nonce(&self, account: Account, on_chain: u32) -> u32 {
        let waiting = self.accounts.get(&account);
        let ready = waiting.into_iter().flat_map(|waiting| waiting.keys()).filter(|nonce| **nonce >= on_chain);
        ready.fold(on_chain, |next, nonce| if *nonce == next { next.saturating_add(1) } else { next })
    }

    /// Whether an extrinsic of this nonce could go into the next block.
    pub(crate) fn is_ready(&self, account: Account, on_chain: u32, nonce: u32) -> bool {
        nonce < self.next_nonce(account, on_chain)
    }

    /// Hashes of ready extrinsics of `account` from `nonce` on: those a new arrival has made ready.
    pub(crate) fn ready_from(&self, account: Account, on_chain: u32, nonce: u32) -> Vec<H256> {
        let end = self.next_nonce(account, on_chain);
        let waiting = self.accounts.get(&account).into_iter().flat_map(|waiting| waiting.range(nonce..end.max(nonce)));
        waiting.map(|(_, waiting)| waiting.signed.hash).collect()
    }

    /// All waiting extrinsics that are ready, in order of arrival without ever turning the nonces of an account around.
    pub(crate) fn ready(&self, on_chain: impl Fn(Account) -> u32) -> Vec<Signed> {
        let mut ready = Vec::new();
        for (account, waiting) in &self.accounts {
            let first = on_chain(*account);
            let end = self.next_nonce(*account, first);
            let mut turn = 0;
            for (nonce, waiting) in waiting.range(first..end.max(first)) {
                turn = turn.max(waiting.arrival);
                ready.push((turn, *nonce, &waiting.signed));
            }
        }
        ready.sort_by_key(|(turn, nonce, _)| (*turn, *nonce));
        ready.into_iter().map(|(_, _, signed)| signed.clone()).collect()
    }

    pub(crate) fn is_banned(&self, hash: H256) -> bool {
        self.banned.contains(&hash)
    }

    /// Takes an extrinsic out for good.
    pub(crate) fn ban(&mut self, hash: H256) {
        self.banned.insert(hash);
        self.forget(hash);
    }

    /// Lets an extrinsic come again that was in a block which is one no more.
    pub(crate) fn welcome_again(&mut self, hash: H256) {
        self.banned.remove(&hash);
    }

    /// Takes an extrinsic out; it may come again.
    pub(crate) fn forget(&mut self, hash: H256) {
        self.accounts.retain(|_, waiting| {
            waiting.retain(|_, waiting| waiting.signed.hash != hash);
            !waiting.is_empty()
        });
    }

    /// The bytes of everything that waits.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &[u8]> {
        self.accounts.values().flat_map(|waiting| waiting.values()).map(|waiting| waiting.signed.bytes.as_slice())
    }
}
