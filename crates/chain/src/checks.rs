//! Whether the chain is ready for a commitment: node, clock, metadata, and what it says of a hotkey. Sends nothing.

use std::time::Duration;

use gen404_outside::explain::Explain as _;
use gen404_outside::observer::Observer;
use gen404_outside::time::Clock;
use gen404_round::check::Check;
use gen404_round::{AccountId, Hotkey, Netuid};

use crate::clock::{ChainTime, ClockError, judge};
use crate::connection::Chain;
use crate::error::{ConnectError, ReadError};
use crate::event::Event;
use crate::reads::HotkeyStatus;

/// Names of the checks that need no hotkey.
pub const NODE_CHECKS: [&str; 3] = ["node", "metadata", "clock"];
/// Names of those that do.
pub const HOTKEY_CHECKS: [&str; 3] = ["registration", "space", "pending"];

/// A clock that is wrong by more than this breaks certificates and plans; less is corrected when committing.
const BROKEN_CLOCK: u64 = 60;
/// Metadata that is younger was fetched by this very connection.
const JUST_NOW: Duration = Duration::from_mins(1);
/// As many bytes as a commitment of all three fields takes.
const ONE_COMMITMENT: u64 = 450;

/// What a chain that was reached says; `why_no_hotkey` says why there is none to ask about.
pub async fn checks(
    chain: &Chain,
    netuid: Netuid,
    hotkey: Option<Hotkey>,
    why_no_hotkey: &str,
    clock: &dyn Clock,
    observer: &dyn Observer<Event>,
) -> Vec<Check> {
    let asked = hotkey.unwrap_or(AccountId::NOBODY);
    let identity = chain.identity();
    let endpoint = chain.endpoint().await;
    let name = format!("{} {}", identity.spec_name, identity.spec_version);
    match chain.hotkey_status(netuid, &asked, observer).await {
        Ok(status) => {
            let mut checks = vec![
                Check::pass("node", format!("{endpoint} answers at block {}", status.block)),
                of_metadata(&name, chain.metadata_age()),
                of_clock(&status, clock),
            ];
            match hotkey {
                Some(_) => checks.extend(of_hotkey(&status, netuid)),
                None => checks.extend(without_hotkey(why_no_hotkey)),
            }
            checks
        }
        Err(error) => unread(&error, &endpoint.to_string(), &name),
    }
}

/// It is kept by the runtime's version, which the node is asked for each time: what is old is not outdated.
fn of_metadata(name: &str, age: Option<Duration>) -> Check {
    let from = match age {
        None => "fetched now".to_owned(),
        Some(age) if age < JUST_NOW => "fetched now and kept".to_owned(),
        Some(age) => format!("kept on this machine for {}", in_words(age)),
    };
    Check::pass("metadata", format!("that of the running {name}, {from}, with everything that a commitment needs"))
}

/// `3 days`.
fn in_words(age: Duration) -> String {
    let (minutes, hours) = (age.as_secs() / 60, age.as_secs() / 3_600);
    match hours {
        0 => format!("{minutes} min"),
        1..48 => format!("{hours} h"),
        _ => format!("{} days", hours / 24),
    }
}

fn unread(error: &ReadError, endpoint: &str, name: &str) -> Vec<Check> {
    let fix = error.hint().unwrap_or("try again, or name another node with --subtensor.endpoint".into()).into_owned();
    match error {
        ReadError::Incompatible(_) => {
            let node = Check::pass("node", format!("{endpoint} answers"));
            let words = format!("{name} lacks what a commitment needs: {}", error.sentence());
            let metadata = Check::fail("metadata", words, fix);
            [node, metadata].into_iter().chain(after("the chain speaks otherwise", "metadata")).collect()
        }
        ReadError::Rpc(_) | ReadError::Connect(_) => {
            let node = Check::fail("node", format!("{endpoint} does not answer: {}", error.sentence()), fix);
            let metadata = Check::skipped("metadata", "the node does not answer", "mend `node` first");
            [node, metadata].into_iter().chain(after("the chain could not be read", "node")).collect()
        }
    }
}

/// The same for a chain that was not reached.
pub fn unreachable(error: &ConnectError) -> Vec<Check> {
    let fix = error.hint().unwrap_or("name another node with --subtensor.endpoint".into());
    let node = Check::fail("node", error.sentence(), fix);
    let metadata = Check::skipped("metadata", "the node was not reached", "mend `node` first");
    [node, metadata].into_iter().chain(after("the node was not reached", "node")).collect()
}

/// Checks that wait for another one.
fn after(why: &str, first: &str) -> impl Iterator<Item = Check> {
    ["clock"]
        .into_iter()
        .chain(HOTKEY_CHECKS)
        .map(move |name| Check::skipped(name, why, format!("mend `{first}` first")))
}

fn without_hotkey(why: &str) -> impl Iterator<Item = Check> {
    HOTKEY_CHECKS
        .into_iter()
        .map(move |name| Check::skipped(name, why, "give --wallet.name and --wallet.hotkey, or an address"))
}

fn of_clock(status: &HotkeyStatus, clock: &dyn Clock) -> Check {
    let chain = ChainTime {
        block: status.block_timestamp,
        last_round: status.last_stored_round,
        block_time: status.block_time,
    };
    let (_, error) = judge(clock.now(), chain, &status.beacon);
    match error {
        None => Check::pass("clock", "agrees with the chain's blocks and its beacon"),
        Some(error) => {
            let (by, or) = match error {
                ClockError::SlowBy(seconds) => (seconds, ""),
                ClockError::FastBy(seconds) => (seconds, ", or the node has stopped and shows old blocks"),
            };
            let words = format!("{error}, judged by the chain{or}");
            let fix = "set it by a time server: sudo timedatectl set-ntp true";
            if by > BROKEN_CLOCK { Check::fail("clock", words, fix) } else { Check::warn("clock", words, fix) }
        }
    }
}

fn of_hotkey(status: &HotkeyStatus, netuid: Netuid) -> Vec<Check> {
    let registration = if status.registered {
        Check::pass("registration", format!("registered on subnet {netuid}"))
    } else {
        let fix = format!("register it: btcli subnet register --netuid {netuid}");
        Check::fail("registration", format!("the hotkey is not registered on subnet {netuid}"), fix)
    };
    let space = status.space;
    let space = match space.used_now() {
        None => Check::pass(
            "space",
            format!("{} bytes an epoch; this runtime does not tell how many are used", space.limit),
        ),
        Some(used) => {
            let left = space.limit.saturating_sub(used);
            let words = format!("{left} of {} bytes left in this epoch", space.limit);
            let wait = space.tempo.map_or_else(String::new, |blocks| format!(" of {blocks} blocks"));
            let fix = format!("wait for the next epoch{wait}, which has all of them again");
            if left >= 2 * ONE_COMMITMENT {
                Check::pass("space", words)
            } else if left >= ONE_COMMITMENT {
                Check::warn("space", words, fix)
            } else {
                Check::fail("space", format!("{words}: too few for a commitment"), fix)
            }
        }
    };
    let pending = match status.pending {
        None => Check::pass("pending", "no commitment waits for its reveal"),
        Some(pending) => Check::warn(
            "pending",
            format!(
                "the commitment of block {} is not revealed yet (beacon round {})",
                pending.block, pending.reveal_round
            ),
            "commands that commit wait for it; another program's commitment would replace it unread",
        ),
    };
    vec![registration, space, pending]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_told_with_its_age() {
        let said = |age| of_metadata("subtensor 425", age).sentence;
        assert!(said(None).contains("subtensor 425, fetched now, with"));
        for (seconds, words) in
            [(10, "fetched now and kept,"), (180, "for 3 min,"), (7_200, "for 2 h,"), (260_000, "for 3 days,")]
        {
            assert!(said(Some(Duration::from_secs(seconds))).contains(words), "{seconds}");
        }
    }
}
