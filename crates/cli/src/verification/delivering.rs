//! Every stem of a round: what the subnet has written down of it, or what its downloader and render service would.

use std::sync::Mutex;

use futures::StreamExt;
use gen404_competition::files::{Output, Outputs, Prompts};
use gen404_competition::{Look, Player, PlayerFile, RoundFile, StateFile};
use gen404_delivery::{Journal, Module, Remembered, Told, Validators};
use gen404_round::Stem;
use gen404_validator::{Validator, validate_bytes};
use serde::{Deserialize, Serialize};

use super::placing::{read, read_file};
use super::report::{Seen, StemState};
use super::{Phase, Placed, Question, Verifier, likeness};
use crate::context::Context;
use crate::errors::CommandError;

/// Modules on their way or being judged at the same time, over all hosts.
const AT_ONCE: usize = 32;

/// What is known of all stems.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stems {
    /// In the order of prompts.
    pub(crate) seen: Vec<Seen>,
    /// How many there are in the round.
    pub(crate) of: usize,
    /// What could not be known besides.
    pub(crate) unknown: Vec<String>,
    /// What deserves attention.
    pub(crate) warnings: Vec<String>,
    /// What costs more than a stem.
    pub(crate) problems: Vec<String>,
}

/// What both validators say of a text; kept with what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// Rules that the miners' validator finds broken.
    pub(crate) mr: Vec<String>,
    /// Rules that the render service finds broken: its verdict decides.
    pub(crate) rs: Vec<String>,
}

impl Rules {
    fn of(bytes: &[u8]) -> Self {
        let (_, report) = validate_bytes(bytes);
        let broken = |validator| {
            let findings = report.verdict(validator);
            findings.map(|finding| format!("{}: {}", finding.rule, finding.detail)).collect()
        };
        Self { mr: broken(Validator::Miners), rs: broken(Validator::RenderService) }
    }
}

impl Verifier {
    /// Looks at every stem; `None` where there are none yet, or nothing takes part.
    pub(super) async fn stems(
        &self,
        context: &Context,
        look: &Look<'_>,
        placed: &Placed,
        question: &Question,
    ) -> Result<Option<Stems>, CommandError> {
        if placed.phase == Phase::NotYet || !placed.takes_part() {
            return Ok(None);
        }
        let Some(cdn_url) = &placed.revealed.cdn_url else { return Ok(None) };
        let mut stems = Stems::default();
        let prompts = read::<Prompts>(look, placed.round, RoundFile::Prompts).await?;
        let mut wanted: Vec<Stem> = match &prompts {
            Some(prompts) => {
                if !prompts.unusable.is_empty() || prompts.unfinished.is_some() {
                    stems.unknown.push(
                        "prompts.txt has lines that are not addresses of pictures, or is being written".to_owned(),
                    );
                }
                prompts.prompts.iter().map(|prompt| prompt.stem.clone()).collect()
            }
            None => Vec::new(),
        };
        let player = StateFile::Player(placed.round, Player::Miner(question.hotkey), PlayerFile::Submitted);
        let submitted = read_file::<Outputs>(look, player).await?;
        if prompts.is_none() {
            // The stems that were read are those there were.
            wanted =
                submitted.iter().flat_map(|outputs| outputs.entries.iter().map(|(stem, _)| stem.clone())).collect();
            stems.unknown.push("the round's prompts.txt is not published".to_owned());
        }
        stems.of = wanted.len();
        if let Some(size) = question.sample {
            wanted = spread(wanted, size);
        }
        let written =
            |stem: &Stem| submitted.as_ref()?.entries.iter().find(|(known, _)| known == stem).map(|(_, output)| output);
        if submitted.as_ref().is_some_and(|outputs| !outputs.unreadable.is_empty()) {
            stems.unknown.push("entries of submitted.json make no sense".to_owned());
        }
        let (done, open): (Vec<Stem>, Vec<Stem>) = wanted.iter().cloned().partition(|stem| written(stem).is_some());
        let mut seen: Vec<Seen> = done.iter().filter_map(|stem| Some(of_file(stem, written(stem)?))).collect();
        if placed.phase == Phase::Now {
            seen.extend(self.read_all(context, cdn_url, &open).await);
            likeness::compare(self, context, look, placed, question, &wanted, &mut seen, &mut stems).await?;
        } else if submitted.is_none() {
            let path = player.path();
            stems.unknown.push(format!("{path} is not there: nothing is known of its files"));
        } else {
            seen.extend(open.iter().map(|stem| Seen::unknown(stem, "submitted.json", "not in submitted.json", None)));
        }
        let place = |seen: &Seen| wanted.iter().position(|stem| *stem == seen.stem);
        seen.sort_by_key(place);
        stems.seen = seen;
        Ok(Some(stems))
    }

    /// Reads modules from a miner's address and judges them.
    pub(super) async fn read_all(&self, context: &Context, cdn_url: &str, stems: &[Stem]) -> Vec<Seen> {
        if stems.is_empty() {
            return Vec::new();
        }
        let folder = crate::folders::cache().map(|folder| folder.join("verify"));
        let maker = concat!("404-cli ", env!("CARGO_PKG_VERSION"));
        let journal = Mutex::new(Journal::open(folder.as_deref(), cdn_url, maker));
        let total = u64::try_from(stems.len()).unwrap_or(u64::MAX);
        let progress = context.ui.progress(Some(total), "reading stems");
        let (journal, mut seen, mut told_of_disk) = (&journal, Vec::with_capacity(stems.len()), false);
        let reading = stems.iter().map(|stem| async move { (stem, self.read_one(journal, cdn_url, stem).await) });
        let mut reading = futures::stream::iter(reading).buffer_unordered(AT_ONCE);
        let mut lost = 0_u64;
        while let Some((_, (one, kept))) = reading.next().await {
            if let Err(error) = kept
                && !std::mem::replace(&mut told_of_disk, true)
            {
                self.ui.warning(format!("what was read cannot be kept for the next run: {error}"));
            }
            lost += u64::from(one.state != StemState::Delivered);
            seen.push(one);
            let words = if lost == 0 { String::new() } else { format!("({lost} not delivered)") };
            progress.update(u64::try_from(seen.len()).unwrap_or(u64::MAX), &words);
        }
        seen
    }

    async fn read_one(&self, journal: &Mutex<Journal>, cdn_url: &str, stem: &Stem) -> (Seen, std::io::Result<()>) {
        let lock = || journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = lock().known(stem).cloned();
        // What was judged by another form of this program is read anew.
        let known = known.and_then(|known| Some((serde_json::from_value::<Rules>(known.verdict.clone()).ok()?, known)));
        let validators = known.as_ref().map_or_else(Validators::default, |(_, known)| known.validators.clone());
        match self.downloader.read(cdn_url, stem, &validators).await {
            Told::There(module) => {
                let (rules, module) = judged(module).await;
                let verdict = serde_json::to_value(&rules).unwrap_or_default();
                let one = Remembered::of(stem.clone(), &module, verdict);
                let kept = lock().remember(one.clone());
                (Seen::read(&one, rules, false), kept)
            }
            Told::Unchanged => match known {
                Some((rules, known)) => (Seen::read(&known, rules, true), Ok(())),
                None => (
                    Seen::unknown(stem, "cdn", "the host says that nothing has changed, though it was not asked", None),
                    Ok(()),
                ),
            },
            Told::Lost(loss) => (Seen::lost(stem, &loss), Ok(())),
            Told::Unknown(unknown) => (Seen::unknown(stem, "cdn", &unknown.to_string(), Some(unknown.fix())), Ok(())),
        }
    }
}

/// Judging a mebibyte takes a moment, in which others may be read.
async fn judged(module: Module) -> (Rules, Module) {
    let judging = tokio::task::spawn_blocking(move || (Rules::of(&module.bytes), module));
    judging.await.expect("judging does not panic")
}

/// What the subnet has written down.
fn of_file(stem: &Stem, output: &Output) -> Seen {
    let mut seen = Seen::unknown(stem, "submitted.json", "", None);
    seen.size = Some(output.size);
    seen.reason.clone_from(&output.failure_reason);
    // Without views a duel is lost, whatever became of the module.
    seen.state = if output.js.is_some() && output.views.is_some() { StemState::Delivered } else { StemState::Lost };
    if seen.state == StemState::Delivered {
        seen.reason = None;
    } else if seen.reason.is_none() {
        seen.reason = Some("no reason given".to_owned());
    }
    seen
}

/// So many of them, evenly spread.
fn spread(stems: Vec<Stem>, size: usize) -> Vec<Stem> {
    let step = stems.len().div_ceil(size.max(1)).max(1);
    stems.into_iter().step_by(step).collect()
}
