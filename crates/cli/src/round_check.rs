//! For which round a commitment counts, said before it is signed: what matters is the block of its reveal.
//! Warns of what may go wrong, refuses only what certainly does, and never keeps a commitment back because the state of the
//! competition cannot be had.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use gen404_chain::{BLOCKS_UNTIL_REVEAL, Chain, Event};
use gen404_competition::files::{Schedule, Stage, State as StateOfRound};
use gen404_competition::{Counted, Look, Pace, Reading, RoundFile, RoundWindow, StateFile, counts_for};
use gen404_outside::observer::Observer;
use gen404_round::{AccountId, BlockNumber, Hotkey, Netuid, Reveal};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::arguments::State;
use crate::context::Context;
use crate::entrants::{self, Entrants, Revealed};
use crate::errors::{CommandError, sentence};
use crate::{competition, when};
use gen404_round::lock::{Lock, Rho};

/// All of it must not take longer: the commitment waits.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Blocks between a look at the head and the first block that a reveal can be in: the commitment is in the next one, and
/// revealed after it.
const SOONEST: BlockNumber = 2;

/// A run for a block that is over by no more goes on where an earlier one was stopped: what it has not done yet is done at
/// once. The fallback of the earlier run has been opened by then.
const GOES_ON: BlockNumber = 64;

/// Blocks until the reveal when everything goes as usual: the wait for a block, the beacon's round, its pulse on chain.
const LATEST: BlockNumber = BLOCKS_UNTIL_REVEAL as BlockNumber + 4;

/// The options of both commit commands.
#[derive(Debug, Clone, Args)]
pub(crate) struct RoundCheck {
    /// Do not look at the competition: for other subnets, or when its state is known to be wrong
    #[arg(long = "no-round-check", help_heading = "Competition")]
    off: bool,
    /// Lock that a coldkey needs on the subnet for each of its hotkeys in a round, in ρ
    #[arg(long, value_name = "RHO", default_value_t = Rho::whole(100), help_heading = "Competition")]
    required_lock: Rho,
    #[command(flatten)]
    state: State,
}

/// What is known of the rounds before the commitment is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forecast {
    round: u64,
    schedule: Schedule,
}

impl Forecast {
    /// The round that a reveal in this block counts for. `None` before the current one's window, and where nobody can tell: the
    /// end of the next window is not published, and only as many blocks as the current one has are taken to be in it.
    pub(crate) fn round_of(&self, block: BlockNumber) -> Option<u64> {
        let Schedule { earliest_reveal_block: earliest, latest_reveal_block: latest, .. } = self.schedule;
        match counts_for(self.schedule, block) {
            Counted::Earlier => None,
            Counted::Current => Some(self.round),
            Counted::Next => self.round.checked_add(1).filter(|_| block - latest <= latest.saturating_sub(earliest)),
        }
    }

    fn window_of(&self, counted: Counted) -> Option<RoundWindow> {
        match counted {
            Counted::Earlier => None,
            Counted::Current => Some(RoundWindow { round: self.round, window: self.schedule.window() }),
            Counted::Next => {
                Some(RoundWindow { round: self.round.checked_add(1)?, window: self.schedule.next_window() })
            }
        }
    }
}

/// The block that a reveal is to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevealAt {
    /// The first block of the next window that has not begun.
    Window,
    /// This one.
    Block(BlockNumber),
}

impl FromStr for RevealAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "window" => Ok(Self::Window),
            number => number.parse().map(Self::Block).map_err(|_| "neither `window` nor the number of a block"),
        }
    }
}

/// What is to be said about a commitment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Advice {
    says: Vec<String>,
    warns: Vec<String>,
}

/// Who commits what, and where.
pub(crate) struct Intent<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) netuid: Netuid,
    pub(crate) hotkey: Hotkey,
    pub(crate) reveal: &'a Reveal,
}

/// Says for which round the reveal will count. `None` when that cannot be told, or need not be.
pub(crate) async fn check(
    context: &Context,
    options: &RoundCheck,
    intent: &Intent<'_>,
    observer: &dyn Observer<Event>,
) -> Result<Option<Forecast>, CommandError> {
    if options.off || !competition::belongs_to(&options.state, intent.chain, intent.netuid) {
        return Ok(None);
    }
    let (forecast, pace) = match in_time(look(options, intent, observer)).await {
        Ok(Seen::Finished) => return Err(over()),
        Ok(Seen::NoSchedule(_)) => return Ok(unknown(context, "the round's schedule is not there")),
        Ok(Seen::Round { forecast, pace }) => (forecast, pace),
        Err(error) => return Ok(unknown(context, &error.message)),
    };
    let advice = window(&forecast, &pace)?;
    advice.says.iter().for_each(|line| context.ui.status(line));
    advice.warns.iter().for_each(|line| context.ui.warning(line));
    Box::pin(warn(context, options, intent, &forecast, pace.head().block.saturating_add(LATEST), observer)).await;
    Ok(Some(forecast))
}

fn unknown(context: &Context, reason: &str) -> Option<Forecast> {
    context.ui.warning(format!("for which round the reveal will count is not known: {reason}"));
    None
}

fn over() -> CommandError {
    refusal("the competition is over: no reveal counts any more")
}

async fn in_time<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let late = |_| CommandError::service(format!("no answer within {} s", TIME_LIMIT.as_secs()));
    tokio::time::timeout(TIME_LIMIT, work).await.map_err(late)?
}

/// Warns of what costs the place, or is missing, in the round that a reveal in this block counts for.
async fn warn(
    context: &Context,
    options: &RoundCheck,
    intent: &Intent<'_>,
    forecast: &Forecast,
    block: BlockNumber,
    observer: &dyn Observer<Event>,
) {
    let Some(RoundWindow { window, .. }) = forecast.window_of(counts_for(forecast.schedule, block)) else { return };
    let required = options.required_lock;
    let standing = async {
        let entrants = entrants::read(intent.chain, intent.netuid, window, required, observer).await?;
        let (owned, _) = entrants::owners(intent.chain, &[intent.hotkey], intent.netuid, observer).await?;
        Ok((entrants, owned.first().copied().unwrap_or_default()))
    };
    match in_time(standing).await {
        Ok((entrants, owned)) => {
            for line in about(&entrants, owned, intent, required) {
                context.ui.warning(line);
            }
        }
        Err(error) => {
            context.ui.warning(format!("what is revealed and locked already is not known: {}", error.message));
        }
    }
}

/// The block to aim at. Without a state only a block by its number can be aimed at.
pub(crate) async fn target(
    context: &Context,
    options: &RoundCheck,
    at: RevealAt,
    intent: &Intent<'_>,
    observer: &dyn Observer<Event>,
) -> Result<(BlockNumber, Option<Forecast>), CommandError> {
    let is_here = !options.off && competition::belongs_to(&options.state, intent.chain, intent.netuid);
    let seen = match (at, is_here) {
        (RevealAt::Block(_), false) => Seen::NoSchedule(competition::pace(intent.chain, observer).await?),
        (RevealAt::Window, false) => {
            return Err(CommandError::usage("the next window is not known without the competition's state")
                .with_hint("name the block, as in --reveal-at 9229787, or the state with --state-url"));
        }
        (RevealAt::Window, true) => in_time(look(options, intent, observer)).await?,
        (RevealAt::Block(_), true) => match in_time(look(options, intent, observer)).await {
            Ok(seen) => seen,
            Err(error) => {
                unknown(context, &error.message);
                Seen::NoSchedule(competition::pace(intent.chain, observer).await?)
            }
        },
    };
    let (forecast, pace) = match seen {
        Seen::Finished => return Err(over()),
        Seen::Round { forecast, pace } => (Some(forecast), pace),
        Seen::NoSchedule(pace) => (None, pace),
    };
    let head = pace.head();
    let block = match (at, forecast) {
        (RevealAt::Block(block), _) => block,
        (RevealAt::Window, Some(forecast)) => next_window(forecast.schedule, head.block),
        (RevealAt::Window, None) => return Err(CommandError::failed("the round's schedule is not there")),
    };
    if block.saturating_add(GOES_ON) < head.block {
        return Err(CommandError::usage(format!(
            "no reveal can be in block {block} any more: the chain is at block {}",
            head.block
        )));
    }
    let time = pace.time_of(block);
    let when = when::moment(time, time.duration_since(head.time), &TimeZone::system());
    if forecast.is_some_and(|forecast| counts_for(forecast.schedule, block) == Counted::Earlier) {
        return Err(refusal(format!("a reveal in block {block} comes before the window, and counts for nothing")));
    }
    let round = forecast.and_then(|forecast| forecast.round_of(block));
    let round = round.map(|round| format!(", which counts for round {round}")).unwrap_or_default();
    context.ui.status(format!("the reveal is aimed at block {block}{round}: {when}"));
    if at == RevealAt::Window {
        context.ui.status(format!("to go on after a stop, also when that block has come: --reveal-at {block}"));
    }
    if let Some(forecast) = &forecast {
        Box::pin(warn(context, options, intent, forecast, block, observer)).await;
    }
    Ok((block, forecast))
}

/// The first block of the next window that can still be hit.
fn next_window(schedule: Schedule, head: BlockNumber) -> BlockNumber {
    if schedule.earliest_reveal_block >= head.saturating_add(SOONEST) {
        schedule.earliest_reveal_block
    } else {
        schedule.next_window().earliest
    }
}

fn refusal(message: impl Into<String>) -> CommandError {
    CommandError::failed(message).with_hint("to commit all the same: --no-round-check")
}

enum Seen {
    Finished,
    NoSchedule(Pace),
    Round { forecast: Forecast, pace: Pace },
}

async fn look(options: &RoundCheck, intent: &Intent<'_>, observer: &dyn Observer<Event>) -> Result<Seen, CommandError> {
    let client = competition::client(&options.state)?;
    let look = client.look(Timestamp::now());
    let pace = async { Ok::<_, CommandError>(competition::pace(intent.chain, observer).await?) };
    let (state, pace) = futures::try_join!(read::<StateOfRound>(&look, StateFile::State), pace)?;
    let Some(state) = state else { return Err(CommandError::failed("there is no state.json")) };
    if state.stage == Stage::Finished {
        return Ok(Seen::Finished);
    }
    let file = StateFile::Round(state.current_round, RoundFile::Schedule);
    let schedule = read::<Schedule>(&look, file).await?.filter(|schedule| schedule.is_in_order());
    Ok(match schedule {
        Some(schedule) => Seen::Round { forecast: Forecast { round: state.current_round, schedule }, pace },
        None => Seen::NoSchedule(pace),
    })
}

async fn read<T: gen404_competition::Content>(look: &Look<'_>, file: StateFile) -> Result<Option<T>, CommandError> {
    let seen = look.read::<T>(file, Timestamp::MAX).await?;
    if let Some(stale) = &seen.stale {
        return Err(CommandError::service(format!("the state is old: {}", sentence(stale))));
    }
    match seen.reading {
        Reading::There(content) => Ok(Some(content)),
        Reading::NotThere => Ok(None),
        Reading::Unreadable(unreadable) => Err(CommandError::service(format!("{}: {unreadable}", file.path()))),
    }
}

fn about(
    entrants: &Entrants,
    owned: (Option<AccountId>, Option<u64>),
    intent: &Intent<'_>,
    required: Rho,
) -> Vec<String> {
    let own = entrants.find(intent.hotkey).map_or_else(Revealed::nothing, Revealed::from);
    let mut warns = about_fields(intent.reveal, &own);
    if let (Some(coldkey), Some(locked)) = owned {
        let lock = Lock::new(Some(locked), Some(entrants.required_with(intent.hotkey, coldkey, required)));
        warns.extend(about_lock(&lock));
    }
    warns
}

/// What the window has to say.
fn window(forecast: &Forecast, pace: &Pace) -> Result<Advice, CommandError> {
    let head = pace.head().block;
    let Forecast { round, schedule } = *forecast;
    let (soonest, latest) = (head.saturating_add(SOONEST), head.saturating_add(LATEST));
    let (earliest, last) = (schedule.earliest_reveal_block, schedule.latest_reveal_block);
    let ends = || {
        let time = pace.time_of(last);
        when::moment(time, time.duration_since(pace.head().time), &TimeZone::system())
    };
    let mut advice = Advice::default();
    match (counts_for(schedule, soonest), counts_for(schedule, latest)) {
        (_, Counted::Earlier) => {
            return Err(refusal(format!(
                "the reveal would come before the window of round {round} begins, and count for nothing: it would be in \
                 about block {latest}, and the window begins with block {earliest}"
            )));
        }
        (Counted::Earlier, _) => advice.warns.push(format!(
            "the window of round {round} begins with block {earliest}, and the reveal may come in block {soonest} already: \
             too early, it counts for nothing"
        )),
        (Counted::Current, Counted::Current) => advice.says.push(format!(
            "the reveal will count for round {round}; its window closes with block {last}: {}",
            ends()
        )),
        (Counted::Current, Counted::Next) => advice.warns.push(format!(
            "the window of round {round} closes with block {last}, and the reveal may come in block {latest} only: it counts \
             for round {} then",
            round.saturating_add(1)
        )),
        (Counted::Next, _) => advice.says.push(format!(
            "the window of round {round} is over: the reveal will count for round {}, whose window is open and whose end is \
             not published yet",
            round.saturating_add(1)
        )),
    }
    Ok(advice)
}

/// What this hotkey has revealed in the round already, or has not.
fn about_fields(reveal: &Reveal, own: &Revealed) -> Vec<String> {
    let mut warns = Vec::new();
    if let (Some(commit), Some(known), Some(block)) = (reveal.commit(), &own.commit, own.commit_block) {
        if commit.as_str() == known {
            let place = own.place.map_or_else(String::new, |place| format!(" (place {place} now)"));
            warns.push(format!(
                "this hash counts from block {block} on already{place}: revealed again, it counts from the later block, which \
                 costs the place"
            ));
        } else {
            warns.push(format!(
                "block {block} has revealed another hash for this round: the new one takes its place in line"
            ));
        }
    }
    let mut missing = Vec::new();
    if reveal.commit().is_none() && own.commit.is_none() {
        missing.push("the commit hash (commit-hash)");
    }
    if reveal.repository().is_none() && (own.repo.is_none() || own.cdn_url.is_none()) {
        missing.push("repository and CDN (commit-repo-cdn)");
    }
    if !missing.is_empty() {
        warns.push(format!(
            "still missing for this round, and to be revealed inside its window: {}",
            missing.join(", ")
        ));
    }
    warns
}

fn about_lock(lock: &Lock) -> Option<String> {
    let text = format!(
        "the coldkey has locked {lock} ρ, which its hotkeys in this round need together: with less, the subnet drops all of \
         them"
    );
    lock.is_too_small().then_some(text)
}

#[cfg(test)]
mod tests {
    use gen404_competition::Moment;

    use super::*;

    const HASH: &str = "5b1e56b263464daec34aae0ce9fee7c609a4eb07";
    const FORECAST: Forecast = Forecast {
        round: 52,
        schedule: Schedule { earliest_reveal_block: 100, latest_reveal_block: 200, generation_deadline_block: 250 },
    };

    fn at(head: BlockNumber) -> Result<Advice, CommandError> {
        window(&FORECAST, &Pace::assumed(Moment { block: head, time: Timestamp::UNIX_EPOCH }, 12.0))
    }

    #[test]
    fn the_block_of_the_reveal_decides_and_only_certain_loss_is_refused() {
        let refused = at(100 - LATEST - 1).expect_err("certainly too early");
        assert!(refused.message.contains("count for nothing"), "{}", refused.message);
        let starts = |advice: &[String]| {
            advice.iter().map(|line| line.split(" (").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        for head in [100 - LATEST, 100 - SOONEST - 1] {
            let advice = at(head).expect("may be in time");
            assert!(advice.says.is_empty() && starts(&advice.warns)[0].contains("too early"), "{head}: {advice:?}");
        }
        for head in [100 - SOONEST, 200 - LATEST] {
            let advice = at(head).expect("in time");
            assert!(
                advice.warns.is_empty() && advice.says[0].contains("will count for round 52"),
                "{head}: {advice:?}"
            );
        }
        for head in [200 - LATEST + 1, 200 - SOONEST] {
            let advice = at(head).expect("may be in time");
            assert!(
                advice.says.is_empty() && advice.warns[0].contains("it counts for round 53 then"),
                "{head}: {advice:?}"
            );
        }
        let advice = at(200 - SOONEST + 1).expect("the next window is open");
        assert!(advice.warns.is_empty() && advice.says[0].contains("will count for round 53"), "{advice:?}");
        let rounds = [99, 200, 201, 300, 301].map(|block| FORECAST.round_of(block));
        assert_eq!(rounds, [None, Some(52), Some(53), Some(53), None], "the next window's end is not published");
    }

    #[test]
    fn the_next_window_is_one_whose_first_block_can_be_hit() {
        for (head, first) in [(1, 100), (98, 100), (99, 201), (150, 201), (199, 201), (300, 201)] {
            assert_eq!(next_window(FORECAST.schedule, head), first, "{head}");
        }
        assert_eq!("window".parse(), Ok(RevealAt::Window));
        assert_eq!("9229787".parse(), Ok(RevealAt::Block(9_229_787)));
        assert!("soon".parse::<RevealAt>().is_err());
    }

    #[test]
    fn what_costs_a_place_or_is_missing_is_told() {
        let commit = Reveal::Commit { commit: HASH.parse().expect("a hash") };
        let nothing = Revealed::nothing();
        let warns = about_fields(&commit, &nothing);
        assert_eq!(warns.len(), 1);
        assert!(warns[0].contains("commit-repo-cdn") && !warns[0].contains("commit-hash"), "{warns:?}");
        let whole = Revealed {
            commit: Some(HASH.to_owned()),
            commit_block: Some(101),
            repo: Some("a/b".to_owned()),
            cdn_url: Some("https://c".to_owned()),
            place: Some(3),
            ..nothing
        };
        let warns = about_fields(&commit, &whole);
        assert_eq!(warns.len(), 1);
        assert!(warns[0].contains("from block 101 on already (place 3 now)"), "{warns:?}");
        let other = Reveal::Commit { commit: "a".repeat(40).parse().expect("a hash") };
        assert!(about_fields(&other, &whole)[0].contains("another hash"));
        let places = Reveal::RepositoryAndCdn {
            repo: "a/b".parse().expect("a repository"),
            cdn_url: "https://c".parse().expect("an address"),
        };
        assert_eq!(about_fields(&places, &whole), [""; 0]);
        assert!(about_fields(&places, &Revealed::nothing())[0].contains("(commit-hash)"));
    }

    #[test]
    fn a_lock_is_warned_about_only_when_it_is_known_to_be_too_small() {
        let rao = |rho: u32| Some(Rho::whole(rho).rao());
        assert!(about_lock(&Lock::new(rao(199), rao(200))).is_some_and(|text| text.contains("199 of 200")));
        assert_eq!(about_lock(&Lock::new(rao(200), rao(200))), None);
        assert_eq!(about_lock(&Lock::new(None, rao(200))), None);
    }
}
