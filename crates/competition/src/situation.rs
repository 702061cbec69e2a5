//! What happens now and what a miner does now: stage and schedule joined with the chain's head.
//! Pure: the same values give the same answer, and a block decides where a stage may lag behind.

use std::time::Duration;

use gen404_round::{BlockNumber, Window};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use crate::files::{Schedule, Stage, State};
use crate::{Pace, RoundNumber};

/// Services sleep up to this long before they notice that a stage is over.
const SERVICES_SLEEP: Duration = Duration::from_mins(30);

/// A round with its window of reveals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundWindow {
    /// The round.
    pub round: RoundNumber,
    /// Its window; the end is not published while the round before runs.
    pub window: Window,
}

/// For which round a reveal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// For a round before this one, if for any.
    Earlier,
    /// For the current round.
    Current,
    /// For the next round, unless its window, whose end is not published, is over by then.
    Next,
}

/// What happens now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The window has not begun.
    BeforeWindow,
    /// Reveals count for the current round.
    WindowOpen,
    /// The window is over; submissions are being collected and are not published yet.
    Collecting,
    /// Prompts are published, miners generate.
    Generating,
    /// The deadline is over; files are fetched as soon as the service notices.
    DeadlinePassed,
    /// Files are fetched.
    Downloading,
    /// Matches and audits.
    Duels,
    /// The next round is prepared.
    Finalizing,
    /// The competition is over.
    Finished,
    /// Held by hand.
    Paused,
    /// A stage that is not known, by its name.
    Unknown(String),
}

impl Happening {
    /// Its name in JSON.
    pub fn key(&self) -> &'static str {
        match self {
            Self::BeforeWindow => "before_window",
            Self::WindowOpen => "window_open",
            Self::Collecting => "collecting",
            Self::Generating => "generating",
            Self::DeadlinePassed => "deadline_passed",
            Self::Downloading => "downloading",
            Self::Duels => "duels",
            Self::Finalizing => "finalizing",
            Self::Finished => "finished",
            Self::Paused => "paused",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Serialize for Happening {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// What a miner does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Nothing: wait for the window.
    WaitForWindow,
    /// Reveal repository, commit and address inside the window.
    Reveal,
    /// Wait for seed and prompts.
    WaitForPrompts,
    /// Generate for every prompt and upload.
    GenerateAndUpload,
    /// Change nothing and keep the files up.
    KeepFilesUp,
    /// Keep repository and image reproducible.
    KeepReproducible,
    /// Nothing any more.
    Nothing,
    /// Wait for the operators.
    WaitForOperators,
}

impl Task {
    /// Its name in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::WaitForWindow => "wait_for_window",
            Self::Reveal => "reveal",
            Self::WaitForPrompts => "wait_for_prompts",
            Self::GenerateAndUpload => "generate_and_upload",
            Self::KeepFilesUp => "keep_files_up",
            Self::KeepReproducible => "keep_reproducible",
            Self::Nothing => "nothing",
            Self::WaitForOperators => "wait_for_operators",
        }
    }
}

impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// A block that something ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The block.
    pub block: BlockNumber,
    /// About when it is, or was.
    pub time: Timestamp,
    /// Time from the head's to it; negative when it is over.
    pub left: SignedDuration,
}

/// Something that makes the answer less than certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// There is no readable schedule.
    NoSchedule,
    /// The schedule's blocks are not in order.
    ScheduleNotInOrder,
    /// By its blocks the stage ended longer ago than services sleep: the state is old, or a service stands still.
    StageBehind {
        /// Blocks since then.
        blocks: BlockNumber,
    },
    /// The stage is further than the chain's head allows: the head is old, or the state is wrong.
    StageAhead {
        /// Blocks until it may begin.
        blocks: BlockNumber,
    },
}

/// Where a round is.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// The current round.
    pub round: RoundNumber,
    /// What happens now.
    pub happening: Happening,
    /// What a miner of the current round does now.
    pub task: Task,
    /// The round that a reveal in the next block counts for, with its window; `None` without a schedule, when the competition
    /// is over, and when a reveal would come too early for the current round.
    pub reveal: Option<RoundWindow>,
    /// End of the current round's window.
    pub window_ends: Option<Deadline>,
    /// End of the current round's generation.
    pub generation_ends: Option<Deadline>,
    /// What makes this uncertain.
    pub doubts: Vec<Doubt>,
}

/// For which round a reveal in this block counts, as this round's schedule says.
pub fn counts_for(schedule: Schedule, block: BlockNumber) -> Counted {
    if block < schedule.earliest_reveal_block {
        Counted::Earlier
    } else if block <= schedule.latest_reveal_block {
        Counted::Current
    } else {
        Counted::Next
    }
}

/// Joins state and schedule with the chain's head.
pub fn situation(state: &State, schedule: Option<Schedule>, pace: &Pace) -> Situation {
    let head = pace.head().block;
    let mut doubts = Vec::new();
    let schedule = match schedule {
        Some(schedule) if schedule.is_in_order() => Some(schedule),
        Some(_) => {
            doubts.push(Doubt::ScheduleNotInOrder);
            None
        }
        None => {
            if state.stage != Stage::Finished {
                doubts.push(Doubt::NoSchedule);
            }
            None
        }
    };
    let (happening, task) = happening(&state.stage, schedule, head);
    doubts.extend(schedule.and_then(|schedule| lag(&state.stage, schedule, pace)));
    let deadline = |block| {
        let time = pace.time_of(block);
        Deadline { block, time, left: time.duration_since(pace.head().time) }
    };
    let reveal = schedule.filter(|_| happening != Happening::Finished).and_then(|schedule| {
        let round = state.current_round;
        match counts_for(schedule, head.saturating_add(1)) {
            Counted::Earlier => None,
            Counted::Current => Some(RoundWindow { round, window: schedule.window() }),
            Counted::Next => Some(RoundWindow { round: round.saturating_add(1), window: schedule.next_window() }),
        }
    });
    Situation {
        round: state.current_round,
        happening,
        task,
        reveal,
        window_ends: schedule.map(|schedule| deadline(schedule.latest_reveal_block)),
        generation_ends: schedule.map(|schedule| deadline(schedule.generation_deadline_block)),
        doubts,
    }
}

fn happening(stage: &Stage, schedule: Option<Schedule>, head: BlockNumber) -> (Happening, Task) {
    match stage {
        Stage::Open => match schedule {
            // The next block is the first that a reveal can be in.
            Some(schedule) if head.saturating_add(1) < schedule.earliest_reveal_block => {
                (Happening::BeforeWindow, Task::WaitForWindow)
            }
            // The collector reads as soon as the head is the last block of the window.
            Some(schedule) if head >= schedule.latest_reveal_block => (Happening::Collecting, Task::WaitForPrompts),
            Some(_) | None => (Happening::WindowOpen, Task::Reveal),
        },
        Stage::MinerGeneration => match schedule {
            Some(schedule) if head >= schedule.generation_deadline_block => {
                (Happening::DeadlinePassed, Task::KeepFilesUp)
            }
            Some(_) | None => (Happening::Generating, Task::GenerateAndUpload),
        },
        Stage::Downloading => (Happening::Downloading, Task::KeepFilesUp),
        Stage::Duels => (Happening::Duels, Task::KeepReproducible),
        Stage::Finalizing => (Happening::Finalizing, Task::KeepReproducible),
        Stage::Finished => (Happening::Finished, Task::Nothing),
        Stage::Paused => (Happening::Paused, Task::WaitForOperators),
        Stage::Other(name) => (Happening::Unknown(name.clone()), Task::WaitForOperators),
    }
}

/// How far the stage is from what the blocks say, beyond what services may sleep.
fn lag(stage: &Stage, schedule: Schedule, pace: &Pace) -> Option<Doubt> {
    let head = pace.head().block;
    let (begins, ends) = match stage {
        Stage::Open => (None, Some(schedule.latest_reveal_block)),
        Stage::MinerGeneration => (Some(schedule.latest_reveal_block), Some(schedule.generation_deadline_block)),
        Stage::Downloading | Stage::Duels => (Some(schedule.generation_deadline_block), None),
        // A round without submissions is finalized right after its window.
        Stage::Finalizing => (Some(schedule.latest_reveal_block), None),
        Stage::Finished | Stage::Paused | Stage::Other(_) => (None, None),
    };
    if let Some(blocks) = begins.and_then(|begins| begins.checked_sub(head)).filter(|blocks| *blocks > 0) {
        return Some(Doubt::StageAhead { blocks });
    }
    let over = ends.and_then(|ends| head.checked_sub(ends))?;
    let since = pace.head().time.duration_since(pace.time_of(head - over));
    (since > SignedDuration::try_from(SERVICES_SLEEP).ok()?).then_some(Doubt::StageBehind { blocks: over })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Moment;

    const SCHEDULE: Schedule = Schedule {
        earliest_reveal_block: 9_208_187,
        latest_reveal_block: 9_229_786,
        generation_deadline_block: 9_230_986,
    };

    fn at(stage: Stage, head: BlockNumber) -> Situation {
        let published = State { current_round: 52, stage, next_stage_eta: None };
        let head = Moment { block: head, time: "2026-10-07T08:00:00Z".parse().expect("a time") };
        situation(&published, Some(SCHEDULE), &Pace::assumed(head, 12.0))
    }

    #[test]
    fn the_edges_of_the_window_are_exact() {
        let window = Some(RoundWindow { round: 52, window: SCHEDULE.window() });
        let round_53 = Some(RoundWindow { round: 53, window: Window { earliest: 9_229_787, latest: None } });
        for (head, happening, task, reveal) in [
            (9_208_185, Happening::BeforeWindow, Task::WaitForWindow, None),
            // A reveal in the next block is in the first one of the window.
            (9_208_186, Happening::WindowOpen, Task::Reveal, window),
            (9_229_785, Happening::WindowOpen, Task::Reveal, window),
            // The head is the last block: a reveal can only come after it.
            (9_229_786, Happening::Collecting, Task::WaitForPrompts, round_53),
            (9_229_787, Happening::Collecting, Task::WaitForPrompts, round_53),
        ] {
            let now = at(Stage::Open, head);
            assert_eq!((now.happening, now.task, now.reveal), (happening, task, reveal), "{head}");
            assert!(now.doubts.is_empty(), "{head} {:?}", now.doubts);
        }
        for (block, counted) in [
            (9_208_186, Counted::Earlier),
            (9_208_187, Counted::Current),
            (9_229_786, Counted::Current),
            (9_229_787, Counted::Next),
        ] {
            assert_eq!(counts_for(SCHEDULE, block), counted, "{block}");
        }
    }

    #[test]
    fn later_stages_have_the_next_window_open_without_an_end() {
        for (stage, head, happening, task) in [
            (Stage::MinerGeneration, 9_230_985, Happening::Generating, Task::GenerateAndUpload),
            (Stage::MinerGeneration, 9_230_986, Happening::DeadlinePassed, Task::KeepFilesUp),
            (Stage::Downloading, 9_231_100, Happening::Downloading, Task::KeepFilesUp),
            (Stage::Duels, 9_240_000, Happening::Duels, Task::KeepReproducible),
            (Stage::Finalizing, 9_249_000, Happening::Finalizing, Task::KeepReproducible),
            (Stage::Paused, 9_240_000, Happening::Paused, Task::WaitForOperators),
            (Stage::Other("x".into()), 9_240_000, Happening::Unknown("x".into()), Task::WaitForOperators),
        ] {
            let now = at(stage, head);
            assert_eq!((now.happening, now.task), (happening, task), "{head}");
            let reveal = now.reveal.expect("a window");
            assert_eq!((reveal.round, reveal.window), (53, SCHEDULE.next_window()), "{head}");
            assert!(now.doubts.is_empty(), "{head} {:?}", now.doubts);
        }
        let now = at(Stage::Duels, 9_230_991);
        assert_eq!(now.generation_ends.map(|end| end.left.as_secs()), Some(-60));
        assert_eq!(at(Stage::Open, 9_229_781).window_ends.map(|end| end.left.as_secs()), Some(60));
        assert_eq!(at(Stage::Finished, 9_249_000).reveal, None);
    }

    #[test]
    fn a_stage_that_the_blocks_contradict_is_doubted() {
        assert_eq!(at(Stage::Open, 9_229_786 + 150).doubts, []);
        assert_eq!(at(Stage::Open, 9_229_786 + 151).doubts, [Doubt::StageBehind { blocks: 151 }]);
        assert_eq!(at(Stage::MinerGeneration, 9_230_986 + 200).doubts, [Doubt::StageBehind { blocks: 200 }]);
        assert_eq!(at(Stage::MinerGeneration, 9_229_785).doubts, [Doubt::StageAhead { blocks: 1 }]);
        assert_eq!(at(Stage::Duels, 9_230_000).doubts, [Doubt::StageAhead { blocks: 986 }]);
        let state = State { current_round: 1, stage: Stage::Open, next_stage_eta: None };
        let head = Moment { block: 5, time: Timestamp::UNIX_EPOCH };
        let wrong = Schedule { earliest_reveal_block: 9, latest_reveal_block: 8, generation_deadline_block: 7 };
        let now = situation(&state, Some(wrong), &Pace::assumed(head, 12.0));
        assert_eq!((now.reveal, now.window_ends, now.doubts), (None, None, vec![Doubt::ScheduleNotInOrder]));
        let now = situation(&state, None, &Pace::assumed(head, 12.0));
        assert_eq!((now.reveal, now.doubts), (None, vec![Doubt::NoSchedule]));
    }
}
