//! The competition's state and the chain's clock, opened as commands need them. Only puts the two rooms together.

use gen404_chain::{BlockMoment, Chain, Event, FINNEY_GENESIS, ReadError};
use gen404_competition::files::State as StateOfRound;
use gen404_competition::{
    Look, Manners, Moment, PUBLIC_STATE, Pace, Reading, StateClient, StateFile, StateUrl, ViewError,
};
use gen404_outside::observer::Observer;
use gen404_round::{BlockNumber, NETUID, Netuid};
use jiff::Timestamp;

use crate::arguments::State;
use crate::errors::{Blame, CommandError, sentence};

/// Over so many blocks the pace is measured; public nodes keep the state of at least 256.
const MEASURED_OVER: BlockNumber = 200;

/// Seconds from block to block where neither the chain nor its metadata says.
const USUAL_BLOCK_TIME: f64 = 12.0;

/// Whether this state is that of the chain's competition: the public one belongs to one subnet of one chain.
pub(crate) fn belongs_to(state: &State, chain: &Chain, netuid: Netuid) -> bool {
    let is_public = PUBLIC_STATE.parse::<StateUrl>().is_ok_and(|public| public == state.state_url);
    !is_public || (netuid == NETUID && chain.identity().genesis == FINNEY_GENESIS)
}

/// Refuses a state that is that of another chain: joined with this one's blocks it would make nonsense.
pub(crate) fn require(state: &State, chain: &Chain, netuid: Netuid) -> Result<(), CommandError> {
    if belongs_to(state, chain, netuid) {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "the public state is that of subnet {NETUID} on finney, not of this chain or subnet"
    ))
    .with_hint("name the state of this competition with --state-url"))
}

/// A client of the state that keeps files in the user's cache folder.
pub(crate) fn client(state: &State) -> Result<StateClient, CommandError> {
    let cache = crate::folders::cache();
    StateClient::new(&state.state_url, cache.as_deref(), Manners::default())
        .map_err(|error| CommandError::from_error(Blame::Here, &error))
}

/// Round and stage as they are now. An old answer is none here: what follows from it is done for the wrong round.
pub(crate) async fn state_now(look: &Look<'_>) -> Result<StateOfRound, CommandError> {
    let seen = look.read::<StateOfRound>(StateFile::State, Timestamp::MAX).await?;
    if let Some(stale) = &seen.stale {
        return Err(CommandError::service(format!("which round is the current one is not known: {}", sentence(stale)))
            .with_hint("try again in a minute"));
    }
    match seen.reading {
        Reading::There(state) => Ok(state),
        Reading::NotThere => Err(ViewError::NoState.into()),
        Reading::Unreadable(unreadable) => Err(ViewError::Unreadable(unreadable).into()),
    }
}

/// How fast the chain goes, from its last blocks.
pub(crate) async fn pace(chain: &Chain, observer: &dyn Observer<Event>) -> Result<Pace, ReadError> {
    let moments = chain.moments(MEASURED_OVER, observer).await?;
    let head = moment(moments.head);
    let measured = moments.earlier.and_then(|earlier| Pace::measured(moment(earlier), head));
    Ok(measured.unwrap_or_else(|| Pace::assumed(head, chain.block_time().unwrap_or(USUAL_BLOCK_TIME))))
}

fn moment(moment: BlockMoment) -> Moment {
    let millis = i64::try_from(moment.unix_millis).unwrap_or(i64::MAX);
    Moment { block: moment.block, time: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX) }
}
