//! The competition's state and the chain's clock, opened as commands need them. Only puts the two rooms together.

use gen404_chain::{BlockMoment, Chain, Observer, ReadError};
use gen404_competition::{Manners, Moment, Pace, StateClient};
use gen404_round::BlockNumber;
use jiff::Timestamp;

use crate::arguments::State;
use crate::errors::{CommandError, Kind};

/// Over so many blocks the pace is measured; public nodes keep the state of at least 256.
const MEASURED_OVER: BlockNumber = 200;

/// Seconds from block to block where neither the chain nor its metadata says.
const USUAL_BLOCK_TIME: f64 = 12.0;

/// A client of the state that keeps files in the user's cache folder.
pub(crate) fn client(state: &State) -> Result<StateClient, CommandError> {
    let cache = crate::folders::cache();
    StateClient::new(&state.state_url, cache.as_deref(), Manners::default())
        .map_err(|error| CommandError::from_error(Kind::Failed, &error))
}

/// How fast the chain goes, from its last blocks.
pub(crate) async fn pace(chain: &Chain, observer: &dyn Observer) -> Result<Pace, ReadError> {
    let moments = chain.moments(MEASURED_OVER, observer).await?;
    let head = moment(moments.head);
    let measured = moments.earlier.and_then(|earlier| Pace::measured(moment(earlier), head));
    Ok(measured.unwrap_or_else(|| Pace::assumed(head, chain.block_time().unwrap_or(USUAL_BLOCK_TIME))))
}

fn moment(moment: BlockMoment) -> Moment {
    let millis = i64::try_from(moment.unix_millis).unwrap_or(i64::MAX);
    Moment { block: moment.block, time: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX) }
}
