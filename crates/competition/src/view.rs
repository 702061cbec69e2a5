//! Which files a question needs in which stage, so that a look costs few requests and few of them twice.

use std::time::Duration;

use futures::join;
use gen404_outside::explain::{Blame, Explain, Hint};
use jiff::Timestamp;

use crate::content::{Content, Reading, Unreadable};
use crate::fetch::{FetchError, Look, Seen};
use crate::files::{
    Builds, Config, GenerationAudits, GenerationReports, Leaders, MatrixFile, RequireAudit, Schedule, SourceAudits,
    Stage, State, Submissions, Winner,
};
use crate::{RoundFile, RoundNumber, StateFile};

/// How long files are believed that services write once, while nothing shows that something has changed.
const SETTLED: Duration = Duration::from_mins(30);

/// How long files are believed that services write again and again.
const LIVING: Duration = Duration::from_mins(2);

/// No knowledge is this fresh: the server is asked in any case.
const ALWAYS_ASK: Timestamp = Timestamp::MAX;

/// What a view is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// Also what says how a miner fares: build, report, audits, margins.
    pub miner: bool,
}

/// A file that was asked for. `None` where the stage makes it useless to ask.
type Asked<T> = Option<Result<Seen<T>, FetchError>>;

/// The state as one look found it.
#[derive(Debug)]
pub struct View {
    /// Round and stage.
    pub state: State,
    /// How old the knowledge of round and stage is, and why it comes from the cache if it does.
    pub state_seen: Seen<()>,
    /// The configuration.
    pub config: Result<Seen<Config>, FetchError>,
    /// The leaders.
    pub leaders: Result<Seen<Leaders>, FetchError>,
    /// The round's blocks.
    pub schedule: Result<Seen<Schedule>, FetchError>,
    /// Who takes part.
    pub submissions: Asked<Submissions>,
    /// What became of the images.
    pub builds: Asked<Builds>,
    /// Margins between submissions.
    pub matches: Asked<MatrixFile>,
    /// Margins of regenerated outputs.
    pub audits: Asked<MatrixFile>,
    /// How the regenerations went.
    pub reports: Asked<GenerationReports>,
    /// The published verdicts.
    pub verdicts: Asked<GenerationAudits>,
    /// Who won.
    pub winner: Asked<Winner>,
}

/// Why there is no view at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ViewError {
    /// The first file cannot be had.
    #[error(transparent)]
    Fetch(FetchError),
    /// There is nothing.
    #[error("there is no state.json: this is not the address of a competition's state")]
    NoState,
    /// It makes no sense.
    #[error("state.json: {0}")]
    Unreadable(Unreadable),
}

impl Explain for ViewError {
    fn blame(&self) -> Blame {
        match self {
            Self::Fetch(error) => error.blame(),
            Self::NoState => Blame::User,
            Self::Unreadable(_) => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Fetch(error) => error.hint(),
            Self::NoState => Some("see --state-url".into()),
            Self::Unreadable(_) => Some("try again in a minute".into()),
        }
    }
}

/// How far a round has come, in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Written {
    Schedule,
    Submissions,
    Matches,
    Winner,
}

fn written(stage: &Stage) -> Written {
    match stage {
        Stage::Open => Written::Schedule,
        Stage::MinerGeneration | Stage::Downloading => Written::Submissions,
        Stage::Duels => Written::Matches,
        // What is held or unknown may have come to any point.
        Stage::Finalizing | Stage::Finished | Stage::Paused | Stage::Other(_) => Written::Winner,
    }
}

impl View {
    /// Looks at the current round.
    ///
    /// Round and stage are always asked for, and so is the file that this stage changes most. The others are when one of the
    /// two has changed, or when they were last confirmed two minutes ago (half an hour for what is written only once).
    pub async fn load(look: &Look<'_>, wants: Wants) -> Result<Self, ViewError> {
        let seen: Seen<State> = look.read(StateFile::State, ALWAYS_ASK).await.map_err(ViewError::Fetch)?;
        let Seen { reading, confirmed, since, stale } = seen;
        let state = match reading {
            Reading::There(state) => state,
            Reading::NotThere => return Err(ViewError::NoState),
            Reading::Unreadable(unreadable) => return Err(ViewError::Unreadable(unreadable)),
        };
        let round = |file| StateFile::Round(state.current_round, file);
        let written = written(&state.stage);
        let pulse = pulse(look, &state).await.unwrap_or(since);
        let changed = since.max(pulse);
        let settled = believed_from(look, changed, SETTLED);
        let living = believed_from(look, changed, LIVING);
        let has = |from: Written| written >= from;
        let (config, leaders, schedule, submissions, builds, matches, audits, reports, verdicts, winner) = join!(
            look.read(StateFile::Config, settled),
            look.read(StateFile::Leader, settled),
            look.read(round(RoundFile::Schedule), settled),
            ask(look, has(Written::Submissions), round(RoundFile::Submissions), settled),
            ask(look, wants.miner && has(Written::Submissions), round(RoundFile::Builds), living),
            ask(look, wants.miner && has(Written::Matches), round(RoundFile::Matches), living),
            ask(look, wants.miner && has(Written::Matches), round(RoundFile::Audits), living),
            ask(look, wants.miner && has(Written::Matches), round(RoundFile::GenerationReports), living),
            ask(look, wants.miner && has(Written::Matches), round(RoundFile::GenerationAudits), living),
            ask(look, has(Written::Winner), round(RoundFile::Winner), living),
        );
        let state_seen = Seen { reading: Reading::There(()), confirmed, since, stale };
        Ok(Self {
            state,
            state_seen,
            config,
            leaders,
            schedule,
            submissions,
            builds,
            matches,
            audits,
            reports,
            verdicts,
            winner,
        })
    }
}

/// From when on a confirmation is fresh enough: after the last change, and not too long ago.
fn believed_from(look: &Look<'_>, changed: Timestamp, patience: Duration) -> Timestamp {
    // Before the beginning of time nothing was confirmed anyway.
    let oldest = look.now().checked_sub(patience).unwrap_or(Timestamp::MIN);
    oldest.max(changed)
}

async fn ask<T: Content>(look: &Look<'_>, is_wanted: bool, file: StateFile, fresh_from: Timestamp) -> Asked<T> {
    if is_wanted { Some(look.read(file, fresh_from).await) } else { None }
}

/// Since when the file that the stage changes most is as it is. Reading it again right after costs nothing.
async fn pulse(look: &Look<'_>, state: &State) -> Option<Timestamp> {
    async fn since<T: Content>(look: &Look<'_>, file: StateFile) -> Option<Timestamp> {
        look.read::<T>(file, ALWAYS_ASK).await.ok().map(|seen| seen.since)
    }
    if !look.has_cache() {
        return None;
    }
    let round = |file| StateFile::Round(state.current_round, file);
    match state.stage {
        Stage::Open => since::<Schedule>(look, round(RoundFile::Schedule)).await,
        Stage::MinerGeneration | Stage::Downloading => since::<Builds>(look, round(RoundFile::Builds)).await,
        Stage::Duels => since::<MatrixFile>(look, round(RoundFile::Matches)).await,
        Stage::Finalizing => since::<Winner>(look, round(RoundFile::Winner)).await,
        Stage::Finished | Stage::Paused | Stage::Other(_) => since::<Leaders>(look, StateFile::Leader).await,
    }
}

/// Everything that decides a round.
#[derive(Debug)]
pub struct RoundFiles {
    /// The configuration, with the margin.
    pub config: Seen<Config>,
    /// Who takes part.
    pub submissions: Seen<Submissions>,
    /// Margins between submissions.
    pub matches: Seen<MatrixFile>,
    /// Margins of regenerated outputs.
    pub audits: Seen<MatrixFile>,
    /// Audits that were requested.
    pub requests: Seen<RequireAudit>,
    /// How the regenerations went.
    pub reports: Seen<GenerationReports>,
    /// The source auditor's verdicts.
    pub source_audits: Seen<SourceAudits>,
    /// The published verdicts.
    pub verdicts: Seen<GenerationAudits>,
    /// The published winner.
    pub winner: Seen<Winner>,
}

impl RoundFiles {
    /// Reads the files of a round. One that cannot be had at all fails the look: an outcome must not be computed without it.
    pub async fn load(look: &Look<'_>, round: RoundNumber) -> Result<Self, FetchError> {
        let file = |file| StateFile::Round(round, file);
        // Files of different moments contradict each other: all are asked for, most of which only says that nothing has changed.
        let (config, submissions, matches, audits, requests, reports, source_audits, verdicts, winner) = join!(
            look.read(StateFile::Config, ALWAYS_ASK),
            look.read(file(RoundFile::Submissions), ALWAYS_ASK),
            look.read(file(RoundFile::Matches), ALWAYS_ASK),
            look.read(file(RoundFile::Audits), ALWAYS_ASK),
            look.read(file(RoundFile::RequireAudit), ALWAYS_ASK),
            look.read(file(RoundFile::GenerationReports), ALWAYS_ASK),
            look.read(file(RoundFile::SourceAudit), ALWAYS_ASK),
            look.read(file(RoundFile::GenerationAudits), ALWAYS_ASK),
            look.read(file(RoundFile::Winner), ALWAYS_ASK),
        );
        Ok(Self {
            config: config?,
            submissions: submissions?,
            matches: matches?,
            audits: audits?,
            requests: requests?,
            reports: reports?,
            source_audits: source_audits?,
            verdicts: verdicts?,
            winner: winner?,
        })
    }
}
