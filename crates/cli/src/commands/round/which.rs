//! Which round is meant when nobody says so.

use gen404_competition::files::{Stage, State};
use gen404_competition::{Look, Reading, StateFile, ViewError};
use jiff::Timestamp;

use crate::errors::CommandError;

/// Round and stage, asked for in any case.
pub(super) async fn state(look: &Look<'_>) -> Result<State, CommandError> {
    let seen = look.read::<State>(StateFile::State, Timestamp::MAX).await?;
    match seen.reading {
        Reading::There(state) => Ok(state),
        Reading::NotThere => Err(ViewError::NoState.into()),
        Reading::Unreadable(unreadable) => Err(ViewError::Unreadable(unreadable).into()),
    }
}

/// The newest round whose submissions are published: the current one, or the one before while its window is open.
pub(super) async fn newest_with_submissions(look: &Look<'_>) -> Result<u64, CommandError> {
    let state = state(look).await?;
    let round = state.current_round;
    Ok(if state.stage == Stage::Open { round.saturating_sub(1) } else { round })
}
