//! Modules whose bytes are the same: within one folder, between hotkeys of one owner, and with the leader's. The source
//! auditor compares the outputs of all miners byte for byte.

use std::collections::HashMap;

use futures::StreamExt;
use gen404_competition::files::{Outputs, Submissions};
use gen404_competition::{Look, Player, PlayerFile, RoundFile, StateFile};
use gen404_delivery::{Remembered, Told, Validators};
use gen404_outside::http::is_this_machine;
use gen404_round::Stem;

use super::placing::{read, read_file};
use super::report::{Seen, Twin};
use super::{Placed, Question, Stems, Verifier};
use crate::context::Context;
use crate::errors::CommandError;

/// As many of 128 were let pass in round 16; more have cost an entry.
const TOLERATED: usize = 7;

/// Requests for the leader's modules at the same time.
const AT_ONCE: usize = 10;

/// Notes which stems have the same bytes as another.
#[expect(clippy::too_many_arguments, reason = "everything that a comparison needs, called from one place")]
pub(super) async fn compare(
    verifier: &Verifier,
    context: &Context,
    look: &Look<'_>,
    placed: &Placed,
    question: &Question,
    wanted: &[Stem],
    seen: &mut [Seen],
    stems: &mut Stems,
) -> Result<(), CommandError> {
    within(seen, stems);
    if !question.also.is_empty() {
        let submissions = read::<Submissions>(look, placed.round, RoundFile::Submissions).await?;
        for hotkey in &question.also {
            let entry = submissions.as_ref().and_then(|all| all.0.entries.iter().find(|(known, _)| known == hotkey));
            let Some((_, entry)) = entry else {
                stems.warnings.push(format!("{hotkey} is not in submissions.json: nothing to compare with"));
                continue;
            };
            let others = verifier.read_all(context, &entry.cdn_url, wanted).await;
            let unread = others.iter().filter(|other| other.sha256.is_none()).count();
            if unread > 0 {
                stems.warnings.push(format!("{unread} stems of {hotkey} could not be compared"));
            }
            let hashes = others.into_iter().filter_map(|other| Some((other.sha256?, other.stem)));
            with(&hotkey.to_string(), &hashes.collect(), seen, stems);
        }
    }
    if question.leader {
        let hashes = leaders(verifier, look, placed, stems).await?;
        with("leader", &hashes, seen, stems);
    }
    Ok(())
}

/// The same bytes twice in one folder: two prompts that look alike to nobody.
fn within(seen: &mut [Seen], stems: &mut Stems) {
    let mut first: HashMap<String, Stem> = HashMap::new();
    let mut twins = 0;
    for one in seen.iter_mut() {
        let Some(hash) = one.sha256.clone() else { continue };
        match first.get(&hash) {
            Some(stem) => {
                one.same_as.push(Twin { hotkey: None, stem: stem.clone() });
                twins += 1;
            }
            None => drop(first.insert(hash, one.stem.clone())),
        }
    }
    if twins > 0 {
        stems.warnings.push(format!("{twins} stems have the bytes of another stem of the same folder"));
    }
}

/// The same bytes as somebody else's.
fn with(whose: &str, hashes: &HashMap<String, Stem>, seen: &mut [Seen], stems: &mut Stems) {
    let mut twins = 0;
    for one in seen.iter_mut() {
        if let Some(stem) = one.sha256.as_ref().and_then(|hash| hashes.get(hash)) {
            one.same_as.push(Twin { hotkey: Some(whose.to_owned()), stem: stem.clone() });
            twins += 1;
        }
    }
    let words = format!("{twins} stems have the bytes of a stem of {whose}");
    if twins > TOLERATED {
        stems.problems.push(format!("{words}: the source auditor fails entries for duplicates"));
    } else if twins > 0 {
        stems.warnings.push(words);
    }
}

/// Hashes of the leader's modules for these prompts, which are published when duels begin.
async fn leaders(
    verifier: &Verifier,
    look: &Look<'_>,
    placed: &Placed,
    stems: &mut Stems,
) -> Result<HashMap<String, Stem>, CommandError> {
    let file = StateFile::Player(placed.round, Player::Leader, PlayerFile::Generated(1));
    let outputs = match read_file::<Outputs>(look, file).await? {
        Some(outputs) if !outputs.entries.is_empty() => outputs,
        _ => {
            stems.warnings.push("the leader's outputs for these prompts are not published yet".to_owned());
            return Ok(HashMap::new());
        }
    };
    let may_be_here = verifier.state.state_url.is_this_machine();
    let modules = outputs.entries.iter().filter_map(|(stem, output)| Some((stem, output.js.as_ref()?)));
    // A state from elsewhere has no business on this machine.
    let modules = modules.filter(|(_, url)| may_be_here || !is_this_machine(url));
    let nothing = Validators::default();
    let nothing = &nothing;
    let reading = modules.map(|(stem, url)| async move { (stem, verifier.downloader.read_at(url, nothing).await) });
    let told: Vec<_> = futures::stream::iter(reading).buffer_unordered(AT_ONCE).collect().await;
    let mut hashes = HashMap::new();
    let mut unread = 0;
    for (stem, told) in told {
        match told {
            Told::There(module) => {
                let one = Remembered::of(stem.clone(), &module, serde_json::Value::Null);
                hashes.insert(one.sha256, stem.clone());
            }
            Told::Unchanged | Told::Lost(_) | Told::Unknown(_) => unread += 1,
        }
    }
    if unread > 0 {
        stems.warnings.push(format!("{unread} modules of the leader could not be compared"));
    }
    Ok(hashes)
}
