//! The sandbox's own collector: from what the chain has stored at the end of a window to the submissions of the round, and
//! why the others are none. Written from the rules alone, without the code that miners' commands foresee it with: two
//! readings of the same rules check each other.

use std::collections::BTreeMap;

use gen404_round::AccountId;
use serde_json::Value;
use url::Url;

use super::payload;
use gen404_devchain::{PastReveals, Snapshot};

/// Longest address of a CDN, in bytes.
const LONGEST_ADDRESS: usize = 2083;

/// Somebody who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub hotkey: AccountId,
    /// `owner/name`.
    pub repo: String,
    /// 40 digits.
    pub commit: String,
    /// As it is stored.
    pub cdn_url: String,
    /// Block of the commit's reveal, which decides the order.
    pub block: u64,
}

/// What a collection comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// In the order in which they play.
    pub entries: Vec<Entry>,
    /// Who has revealed something inside the window and is left out all the same, with the reason.
    pub left_out: Vec<(AccountId, String)>,
}

/// Collects what was revealed from block `earliest` to `latest`, both of them included. `required` is what a coldkey has to
/// lock for each of its hotkeys that submit, in rao.
pub fn collect(subnet: &Snapshot, earliest: u64, latest: u64, required: u64) -> Collected {
    let mut collected = Collected::default();
    let mut by_coldkey: Vec<(AccountId, Vec<Entry>)> = Vec::new();
    for past in &subnet.reveals {
        let read = match of_one(past, earliest, latest) {
            Ok(None) => continue,
            Ok(Some(entry)) => Ok(entry),
            Err(reason) => Err(reason),
        };
        let neuron = subnet.neurons.iter().find(|neuron| neuron.hotkey == past.hotkey);
        match (read, neuron) {
            (Err(reason), _) => collected.left_out.push((past.hotkey, reason)),
            (Ok(_), None) => collected.left_out.push((past.hotkey, "not registered on the subnet".to_owned())),
            (Ok(entry), Some(neuron)) => match by_coldkey.iter_mut().find(|(coldkey, _)| *coldkey == neuron.coldkey) {
                Some((_, entries)) => entries.push(entry),
                None => by_coldkey.push((neuron.coldkey, vec![entry])),
            },
        }
    }
    for (coldkey, entries) in by_coldkey {
        let needed = required.saturating_mul(entries.len() as u64);
        let locked = subnet.locks.iter().find(|lock| lock.coldkey == coldkey).map_or(0, |lock| lock.locked_mass);
        if locked >= needed {
            collected.entries.extend(entries);
            continue;
        }
        let reason = format!("its coldkey has locked {locked} of {needed} rao for {} hotkeys", entries.len());
        collected.left_out.extend(entries.into_iter().map(|entry| (entry.hotkey, reason.clone())));
    }
    collected.entries.sort_by_key(|entry| entry.block);
    collected
}

/// The submission of one hotkey; `None` when it has revealed nothing in the window.
fn of_one(past: &PastReveals, earliest: u64, latest: u64) -> Result<Option<Entry>, String> {
    let inside: Vec<_> = past.reveals.iter().filter(|(_, block)| (earliest..=latest).contains(block)).collect();
    if inside.is_empty() {
        return Ok(None);
    }
    let mut said: BTreeMap<&str, Vec<(u64, Value)>> = BTreeMap::new();
    for (payload, block) in inside {
        let Some(mut object) = payload::object(payload) else { continue };
        for field in payload::FIELDS {
            if let Some(value) = object.remove(field).filter(payload::is_truthy) {
                said.entry(field).or_default().push((*block, value));
            }
        }
    }
    let missing: Vec<_> = payload::FIELDS.into_iter().filter(|field| !said.contains_key(field)).collect();
    if !missing.is_empty() {
        return Err(format!("nothing inside the window says its {}", missing.join(", ")));
    }
    let newest = |field: &'static str| match said.get(field).and_then(|all| newest(all)) {
        Some((block, Value::String(text))) => Ok((*block, text.clone())),
        Some(_) | None => Err(format!("its {field} is not a text")),
    };
    let (_, repo) = newest("repo")?;
    let (block, commit) = newest("commit")?;
    let (_, cdn_url) = newest("cdn_url")?;
    if !is_repository(&repo) {
        return Err("its repo is not owner/name".to_owned());
    }
    if commit.len() != 40 || !commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("its commit is not 40 lower-case hexadecimal digits".to_owned());
    }
    let cdn_url = address(&cdn_url).ok_or("its cdn_url is not an http address")?;
    Ok(Some(Entry { hotkey: past.hotkey, repo, commit, cdn_url, block }))
}

/// The value of the highest block; of one block, the greatest text.
fn newest(all: &[(u64, Value)]) -> Option<&(u64, Value)> {
    all.iter().max_by(|(block, value), (other_block, other)| {
        block.cmp(other_block).then_with(|| value.as_str().cmp(&other.as_str()))
    })
}

fn is_repository(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'))
    };
    matches!(text.split_once('/'), Some((owner, name)) if is_name(owner) && is_name(name))
}

/// The address as it is stored: what a browser makes of it, without slashes at its end.
fn address(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST_ADDRESS)?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use parity_scale_codec::Encode as _;

    use super::*;
    use gen404_devchain::{Lock, Neuron};

    const COMMIT: &str = "5b1e56b263464daec34aae0ce9fee7c609a4eb07";

    fn key(number: u8) -> AccountId {
        AccountId([number; 32])
    }

    fn whole(block: u64) -> (Vec<u8>, u64) {
        (format!(r#"{{"repo":"a/b","commit":"{COMMIT}","cdn_url":"https://C.example/x/"}}"#).encode(), block)
    }

    /// Payloads with the blocks of their reveals.
    type Reveals = Vec<(Vec<u8>, u64)>;

    fn subnet(reveals: Vec<(u8, Reveals)>) -> Snapshot {
        let lock =
            |coldkey, locked_mass| Lock { coldkey: key(coldkey), locked_mass, conviction_bits: 0, last_update: 1 };
        Snapshot {
            block: 30,
            // Hotkeys 1 to 9: those below 5 belong to the coldkey 100, the others to 101.
            neurons: (1..10)
                .map(|number| Neuron { hotkey: key(number), coldkey: key(if number < 5 { 100 } else { 101 }) })
                .collect(),
            reveals: reveals
                .into_iter()
                .map(|(number, reveals)| PastReveals { hotkey: key(number), reveals })
                .collect(),
            locks: vec![lock(100, 200), lock(101, 100)],
        }
    }

    fn order(collected: &Collected) -> Vec<(AccountId, u64)> {
        collected.entries.iter().map(|entry| (entry.hotkey, entry.block)).collect()
    }

    #[test]
    fn both_ends_of_the_window_count_and_the_order_is_that_of_reveals() {
        let reveals = vec![(1, vec![whole(20)]), (2, vec![whole(10)]), (3, vec![whole(9)]), (4, vec![whole(21)])];
        let collected = collect(&subnet(reveals), 10, 20, 100);
        assert_eq!(order(&collected), [(key(2), 10), (key(1), 20)]);
        assert_eq!(collected.entries[0].cdn_url, "https://c.example/x");
        assert_eq!(collected.left_out, []);
    }

    #[test]
    fn fields_are_merged_and_a_later_bad_one_wins() {
        let one = |text: &str, block| (text.encode(), block);
        let commit = format!(r#"{{"commit":"{COMMIT}"}}"#);
        let split = vec![
            one(&commit, 12),
            one(r#"{"repo":"a/b","cdn_url":"https://c.example/x"}"#, 14),
            one(r#"{"repo":""}"#, 15),
            one("rubbish", 16),
        ];
        let bad = vec![whole(11), one(r#"{"commit":"zz"}"#, 13)];
        let half = vec![one(&commit, 12), one(r#"{"repo":"a/b","cdn_url":"https://c.example/x"}"#, 9)];
        let number = vec![whole(11), one(r#"{"repo":7}"#, 12)];
        let collected = collect(&subnet(vec![(1, split), (2, bad), (3, half), (5, number)]), 10, 20, 100);
        assert_eq!(order(&collected), [(key(1), 12)]);
        let reasons: Vec<_> = collected.left_out.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "its commit is not 40 lower-case hexadecimal digits",
                "nothing inside the window says its repo, cdn_url",
                "its repo is not a text",
            ]
        );
    }

    #[test]
    fn strangers_and_coldkeys_with_too_small_a_lock_are_left_out() {
        let reveals = vec![
            (1, vec![whole(11)]),
            (2, vec![whole(12)]),
            (5, vec![whole(11)]),
            (6, vec![whole(12)]),
            (50, vec![whole(11)]),
        ];
        let collected = collect(&subnet(reveals), 10, 20, 100);
        assert_eq!(order(&collected), [(key(1), 11), (key(2), 12)], "200 is enough for two");
        let left: Vec<_> = collected.left_out.iter().map(|(hotkey, _)| *hotkey).collect();
        assert_eq!(left, [key(50), key(5), key(6)]);
        assert_eq!(collected.left_out[1].1, "its coldkey has locked 100 of 200 rao for 2 hotkeys");
    }
}
