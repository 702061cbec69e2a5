//! What the chain crate reports, as a miner sees it on stderr: a line for what is done, a spinner for what is waited for.
//! Remembers how far a commitment has come, so that an interrupted run can say so.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gen404_chain::{Event, ExtrinsicHash, Wait};
use gen404_outside::observer::Observer;
use gen404_round::BlockNumber;

use crate::errors::CommandError;
use crate::ui::{Progress, Ui};

/// Shows events as they come.
pub(crate) struct ChainStatus {
    ui: Ui,
    /// How far a commitment is followed.
    until: Wait,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Option<Progress>,
    sent: Option<ExtrinsicHash>,
    /// Whether a node has shown that it has what was sent.
    taken: bool,
    block: Option<BlockNumber>,
    finalized: bool,
    revealed: bool,
}

impl ChainStatus {
    /// For a commitment that is followed so far; reads have nothing to follow.
    pub(crate) fn new(ui: &Ui, until: Wait) -> Self {
        Self { ui: ui.clone(), until, state: Mutex::default() }
    }

    /// Says in a failure what is already on its way, because sending again would replace it.
    pub(crate) fn explain(&self, mut error: CommandError) -> CommandError {
        let mut state = self.state();
        state.waiting = None;
        let Some(extrinsic_hash) = state.sent else { return error };
        if error.hints.is_empty() {
            let how = if state.taken { "had been sent already and stays" } else { "may have reached the chain" };
            error = error.with_hint(format!(
                "the commitment {how}: see with list-all before you send it again, because a second one would replace it"
            ));
        }
        error = error.with_field("extrinsic_hash", extrinsic_hash.to_string());
        match state.block {
            Some(block) => error.with_field("block", block),
            None => error,
        }
    }

    /// What an included commitment still has to wait for.
    fn follow(&self, state: &mut State) {
        let finality = self.until >= Wait::Finalized && !state.finalized;
        let reveal = self.until >= Wait::Reveal && !state.revealed;
        let what = match (finality, reveal) {
            (true, true) => "waiting for finality and reveal",
            (true, false) => "waiting for finality",
            (false, true) => "waiting for the reveal",
            (false, false) => return,
        };
        state.waiting = Some(self.ui.progress(None, what));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer<Event> for ChainStatus {
    fn on(&self, event: Event) {
        let ui = &self.ui;
        let mut state = self.state();
        // What was waited for has happened, or something else is more interesting now.
        state.waiting = None;
        let wait = |state: &mut State, what: &str| state.waiting = Some(ui.progress(None, what));
        match event {
            Event::EndpointFailed { endpoint, reason } => ui.warning(format!("cannot use {endpoint}: {reason}")),
            Event::Connected { endpoint, fallback: true, .. } => ui.warning(format!("using {endpoint} instead")),
            Event::Connected { endpoint, spec_version, .. } => {
                ui.status(format!("connected to {endpoint} (runtime {spec_version})"));
            }
            Event::AskedToWait { endpoint, pause } => {
                let seconds = pause.as_secs_f64().ceil();
                wait(&mut state, &format!("{endpoint} has had too many requests for now: asking again in {seconds} s"));
            }
            Event::RuntimeUpgraded { from, to } => {
                ui.status(format!("the chain's runtime was upgraded from {from} to {to}: read it again"));
            }
            Event::NeverRevealed { reveal_round, block } => ui.warning(format!(
                "the commitment of block {block} can never be revealed (the chain has no pulse of beacon round \
                 {reveal_round}): it is replaced"
            )),
            Event::ClockCorrected { error } => {
                ui.warning(format!("the clock of this machine is {error}; the chain's time is used"));
            }
            Event::RevealPending { reveal_round, reveal_time, block } => wait(
                &mut state,
                &format!(
                    "the commitment of block {block} would be lost: waiting for its reveal (beacon round {reveal_round}, {})",
                    time(reveal_time)
                ),
            ),
            Event::ExtrinsicPending { count } => {
                wait(
                    &mut state,
                    &format!("waiting for {count} earlier extrinsic(s) of this hotkey to get into a block"),
                );
            }
            Event::Submitting { extrinsic_hash, reveal_round, reveal_time } => {
                ui.status(format!(
                    "sending {extrinsic_hash}, to be revealed in beacon round {reveal_round} ({})",
                    time(reveal_time)
                ));
                wait(&mut state, "waiting for a block");
                state.sent = Some(extrinsic_hash);
            }
            Event::AlreadyRevealed { block } => ui.warning(format!(
                "block {block} has revealed the same already: the newer reveal will count, which may cost the earlier place"
            )),
            Event::Aiming { target, head, next } => {
                ui.status(format!(
                    "block {head}: the reveal is aimed at block {target}; waiting for block {next} ({} to go)",
                    next.saturating_sub(head)
                ));
            }
            Event::Fallback { reveal_time } => {
                ui.status(format!(
                    "a fallback first, to be revealed about {} should this machine stop; the commitment for the block replaces it",
                    time(reveal_time)
                ));
            }
            Event::FallbackFailed { reason } => ui.warning(format!("the fallback is in no block: {reason}")),
            Event::NoRoomForFallback { target } => ui.warning(format!(
                "this epoch has room for one commitment only, so there is no fallback: this machine must go on until block {target}"
            )),
            Event::CameEarly { block, target } => ui.warning(format!(
                "the reveal came in block {block}, before block {target}, and counts for the round before: committing again"
            )),
            Event::Rejected => state.sent = None,
            Event::InPool => {
                state.taken = true;
                wait(&mut state, "in the node's pool: waiting for a block");
            }
            Event::WaitingForEarlierNonce => {
                state.taken = true;
                wait(&mut state, "waiting for an earlier extrinsic of this hotkey");
            }
            Event::ConnectionLost { reason } => ui.warning(format!("connection lost ({reason}); connecting again")),
            Event::Included { block, .. } => {
                state.taken = true;
                ui.done(format!("included in block {block}"));
                state.block = Some(block);
                self.follow(&mut state);
            }
            Event::Retracted { block } => {
                ui.warning(format!("block {block} was replaced by another one"));
                wait(&mut state, "waiting for a block");
                state.block = None;
            }
            Event::Finalized { block } => {
                ui.done(format!("block {block} is final"));
                state.finalized = true;
                self.follow(&mut state);
            }
            Event::Revealed { block } => {
                ui.done(format!("revealed in block {block}, byte for byte as committed"));
                state.revealed = true;
                self.follow(&mut state);
            }
        }
    }
}

/// A moment in UTC, by the clock.
pub(crate) fn time(unix_seconds: u64) -> String {
    let moment = i64::try_from(unix_seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "beyond all times".to_owned(), |moment| moment.strftime("%H:%M:%S UTC").to_string())
}
