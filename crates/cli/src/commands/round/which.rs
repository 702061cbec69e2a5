//! Which round is meant when nobody says so.

use gen404_competition::Look;
use gen404_competition::files::Stage;

use crate::competition;
use crate::errors::CommandError;

/// The newest round whose submissions are published: the current one, or the one before while its window is open.
pub(super) async fn newest_with_submissions(look: &Look<'_>) -> Result<u64, CommandError> {
    let state = competition::state_now(look).await?;
    let round = state.current_round;
    Ok(if state.stage == Stage::Open { round.saturating_sub(1) } else { round })
}
