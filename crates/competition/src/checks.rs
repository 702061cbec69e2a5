//! Whether the competition's state can be read and believed, and what a miner can do now. Pure: from one view.

use gen404_round::check::Check;

use crate::pace::Pace;
use crate::situation::{Doubt, Happening, Situation, situation};
use crate::view::{View, ViewError};

/// Names of the checks.
pub const CHECKS: [&str; 3] = ["state", "round", "window"];

const LATER: &str = "try again in a minute, and see --state-url";

/// What a view says; without the chain's pace no block can be placed in time.
pub fn checks(view: Result<&View, &ViewError>, pace: Option<&Pace>) -> Vec<Check> {
    let view = match view {
        Ok(view) => view,
        Err(error) => {
            let state = Check::fail("state", error.to_string(), LATER);
            let skipped = |name| Check::skipped(name, "the state cannot be read", "mend `state` first");
            return vec![state, skipped("round"), skipped("window")];
        }
    };
    let state = match &view.state_seen.stale {
        None => Check::pass("state", format!("round {}, {}", view.state.current_round, view.state.stage.name())),
        Some(why) => {
            Check::fail("state", format!("only an old copy of {} is here: {why}", view.state_seen.confirmed), LATER)
        }
    };
    let Some(pace) = pace else {
        let skipped = |name| Check::skipped(name, "the chain's head is not known", "mend `node` first");
        return vec![state, skipped("round"), skipped("window")];
    };
    let schedule = view.schedule.as_ref().ok().and_then(|seen| seen.there()).copied();
    let now = situation(&view.state, schedule, pace);
    vec![state, round(&now), window(&now)]
}

fn round(now: &Situation) -> Check {
    match now.doubts.first() {
        None => {
            Check::pass("round", format!("{}, as the chain's blocks say too", now.happening.key().replace('_', " ")))
        }
        Some(doubt) => {
            let words = match doubt {
                Doubt::NoSchedule => "the round's schedule is not there".to_owned(),
                Doubt::ScheduleNotInOrder => {
                    "the round's schedule makes no sense: its blocks are not in order".to_owned()
                }
                Doubt::StageBehind { blocks } => format!("the stage should have ended {blocks} blocks ago"),
                Doubt::StageAhead { blocks } => format!("the stage may only begin in {blocks} blocks"),
            };
            Check::fail("round", words, "wait until state and chain agree: believe no block that follows from them")
        }
    }
}

fn window(now: &Situation) -> Check {
    let Some(reveal) = now.reveal else {
        let words = match now.happening {
            Happening::Finished => "the competition is over",
            _ => "no reveal counts for a round that is known now",
        };
        return Check::warn("window", words, "`404-cli round` says what happens and when");
    };
    let end = match reveal.window.latest {
        Some(latest) => format!("until block {latest}"),
        None => "on, its end not published yet".to_owned(),
    };
    Check::pass(
        "window",
        format!("reveals count for round {}, from block {} {end}", reveal.round, reveal.window.earliest),
    )
}
