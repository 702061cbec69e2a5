//! One look at chain and state, joined: what `round` shows, once or again and again.

use gen404_chain::{Chain, Event, Wait};
use gen404_competition::files::{Config, Leaders, Schedule, Submissions, Winner};
use gen404_competition::{
    FetchError, Pace, RoundWindow, Seen, Situation, StateClient, View, Wants, own_place, situation,
};
use gen404_outside::observer::Observer;
use gen404_round::{Hotkey, Netuid};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::report::{self, Blocks, Counting, InRound, Leader, Moment, Own, Report, StateAge, StateOnly, Window};
use crate::arguments::{OwnHotkey, State, Subtensor};
use crate::chain_status::ChainStatus;
use crate::entrants::{self, Entrants, Revealed};
use crate::errors::{Blame, CommandError, sentence};
use crate::ui::Ui;
use crate::{competition, hotkey};
use gen404_round::lock::{Lock, Rho};

/// Whoever looks, with its standing connections.
pub(super) struct Looker {
    client: StateClient,
    state: State,
    subtensor: Subtensor,
    chain: OnceCell<Chain>,
    status: ChainStatus,
    hotkey: Option<Hotkey>,
    required: Rho,
}

/// What was seen.
pub(super) struct Looked {
    pub(super) report: Report,
    /// What people should know besides.
    pub(super) warnings: Vec<String>,
}

/// Why nothing whole was seen, and what the state alone says.
pub(super) struct Blind {
    pub(super) error: CommandError,
    pub(super) known: Option<Box<StateOnly>>,
}

impl<E: Into<CommandError>> From<E> for Blind {
    fn from(error: E) -> Self {
        Self { error: error.into(), known: None }
    }
}

impl Looker {
    pub(super) fn new(
        ui: &Ui,
        state: &State,
        subtensor: &Subtensor,
        own: &OwnHotkey,
        required: Rho,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            client: competition::client(state)?,
            state: state.clone(),
            subtensor: subtensor.clone(),
            chain: OnceCell::new(),
            status: ChainStatus::new(ui, Wait::Inclusion),
            hotkey: hotkey::address(own)?,
            required,
        })
    }

    /// Looks once.
    pub(super) async fn look(&self) -> Result<Looked, Blind> {
        let observer: &dyn Observer<Event> = &self.status;
        let chain = async {
            let connect = || Chain::connect(self.subtensor.connect_options(), observer);
            let chain = self.chain.get_or_try_init(connect).await?;
            competition::require(&self.state, chain, self.subtensor.netuid)?;
            Ok::<_, CommandError>((chain, competition::pace(chain, observer).await?))
        };
        let look = self.client.look(Timestamp::now());
        let view = async {
            let view = View::load(&look, Wants { miner: self.hotkey.is_some() }).await;
            view.map_err(CommandError::from)
        };
        // Without the state there is nothing to say; without the chain, there still is what the state says.
        let (joined, view) = futures::try_join!(async { Ok(chain.await) }, view)?;
        let mut warnings = Vec::new();
        let (chain, pace) = match joined {
            Ok(joined) => joined,
            Err(error) if error.blame == Blame::Service => {
                return Err(Blind { error, known: Some(Box::new(self.state_only(&view))) });
            }
            Err(error) => return Err(error.into()),
        };
        let schedule = there(&view.schedule, "schedule.json", &mut warnings).copied();
        let now = situation(&view.state, schedule, &pace);
        let netuid = self.subtensor.netuid;
        let counting = match now.reveal {
            Some(reveal) => {
                Some((reveal, entrants::read(chain, netuid, reveal.window, self.required, observer).await?))
            }
            None => None,
        };
        let own = match self.hotkey {
            Some(hotkey) => Some(self.own(chain, netuid, hotkey, &view, counting.as_ref()).await?),
            None => None,
        };
        warnings.extend(counting.iter().filter_map(|(_, entrants)| {
            entrants.unknown_locks.as_ref().map(|reason| format!("owners and locks are unknown: {reason}"))
        }));
        tracing::debug!(requests = look.requests(), "looked at the competition's state");
        let report = self.report(&view, schedule, &now, &pace, counting.as_ref(), own, &mut warnings);
        Ok(Looked { report, warnings })
    }

    async fn own(
        &self,
        chain: &Chain,
        netuid: Netuid,
        hotkey: Hotkey,
        view: &View,
        counting: Option<&(RoundWindow, Entrants)>,
    ) -> Result<Own, CommandError> {
        let observer: &dyn Observer<Event> = &self.status;
        let hotkeys = [hotkey];
        let (registered, (owned, _)) = futures::try_join!(
            chain.registered(&hotkeys, netuid, observer),
            entrants::owners(chain, &hotkeys, netuid, observer)
        )?;
        let (coldkey, locked) = owned.first().copied().unwrap_or_default();
        let required = coldkey.map(|coldkey| {
            counting.map_or(self.required.rao(), |(_, entrants)| entrants.required_with(hotkey, coldkey, self.required))
        });
        let revealed =
            counting.map(|(_, entrants)| entrants.find(hotkey).map_or_else(Revealed::nothing, Revealed::from));
        let submissions = content(view.submissions.as_ref());
        let in_round = submissions.map(|submissions| {
            InRound::from(own_place(
                hotkey,
                Some(submissions),
                content(view.builds.as_ref()),
                content(view.matches.as_ref()),
                content(view.audits.as_ref()),
                content(view.reports.as_ref()),
                content(view.verdicts.as_ref()),
            ))
        });
        Ok(Own {
            hotkey,
            registered: registered.first().copied().unwrap_or(false),
            coldkey,
            lock: Lock::new(locked, required),
            revealed,
            in_round,
        })
    }

    /// What needs no block to be true.
    fn state_only(&self, view: &View) -> StateOnly {
        let schedule = view.schedule.as_ref().ok().and_then(Seen::there);
        let config = view.config.as_ref().ok().and_then(Seen::there);
        StateOnly {
            competition: config.map(|config| config.name.clone()),
            round: view.state.current_round,
            stage: view.state.stage.name().to_owned(),
            schedule: schedule.filter(|schedule| schedule.is_in_order()).map(|schedule| Blocks {
                earliest_reveal_block: schedule.earliest_reveal_block,
                latest_reveal_block: schedule.latest_reveal_block,
                generation_deadline_block: schedule.generation_deadline_block,
            }),
            next_stage_eta: view.state.next_stage_eta,
            submissions: content(view.submissions.as_ref()).map(count),
            winner: content(view.winner.as_ref()).map(|winner| winner.winner_hotkey.clone()),
            win_margin: config.and_then(|config| config.win_margin),
            state: self.age(view),
        }
    }

    fn age(&self, view: &View) -> StateAge {
        StateAge {
            url: self.state.state_url.to_string(),
            confirmed: report::whole_seconds(view.state_seen.confirmed),
            stale: view.state_seen.stale.as_ref().map(|error| sentence(error)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "everything that one look has found")]
    fn report(
        &self,
        view: &View,
        schedule: Option<Schedule>,
        now: &Situation,
        pace: &Pace,
        counting: Option<&(RoundWindow, Entrants)>,
        own: Option<Own>,
        warnings: &mut Vec<String>,
    ) -> Report {
        let head = pace.head();
        let config: Option<&Config> = there(&view.config, "config.json", warnings);
        let leaders: Option<&Leaders> = there(&view.leaders, "leader.json", warnings);
        let submissions: Option<&Submissions> = asked(view.submissions.as_ref(), "submissions.json", warnings);
        let winner: Option<&Winner> = asked(view.winner.as_ref(), "winner.json", warnings);
        note(view.builds.as_ref(), "builds.json", warnings);
        note(view.matches.as_ref(), "matches_matrix.csv", warnings);
        note(view.audits.as_ref(), "audit_matrix.csv", warnings);
        note(view.reports.as_ref(), "generation_reports.json", warnings);
        note(view.verdicts.as_ref(), "generation_audits.json", warnings);
        Report {
            success: true,
            competition: config.map(|config| config.name.clone()),
            round: now.round,
            stage: view.state.stage.name().to_owned(),
            happening: now.happening.clone(),
            task: now.task,
            block: head.block,
            block_time: report::whole_seconds(head.time),
            seconds_per_block: (pace.seconds_per_block() * 1e3).round() / 1e3,
            pace_measured: pace.is_measured(),
            window: schedule.zip(now.window_ends).map(|(schedule, closes)| Window {
                earliest_block: schedule.earliest_reveal_block,
                latest_block: schedule.latest_reveal_block,
                opens: Moment::of(schedule.earliest_reveal_block, pace),
                closes: closes.into(),
            }),
            generation_ends: now.generation_ends.map(Moment::from),
            next_stage_eta: view.state.next_stage_eta,
            reveals_count_for: counting.map(|(reveal, entrants)| Counting {
                round: reveal.round,
                earliest_block: reveal.window.earliest,
                latest_block: reveal.window.latest,
                submissions: entrants.admitted(),
                breaking: entrants.breaking().map(|lined| lined.entrant.hotkey).collect(),
            }),
            submissions: submissions.map(count),
            leader: leaders.and_then(|leaders| leaders.at(head.block)).map(Leader::from),
            next_leader: leaders.and_then(|leaders| leaders.after(head.block)).map(Leader::from),
            winner: winner.map(|winner| winner.winner_hotkey.clone()),
            win_margin: config.and_then(|config| config.win_margin),
            doubts: now.doubts.iter().copied().map(report::in_words).collect(),
            state: self.age(view),
            own,
        }
    }
}

fn count(submissions: &Submissions) -> usize {
    submissions.0.entries.len() + submissions.0.unreadable.len()
}

/// The content of a file that is read in every stage; what is wrong with it becomes a warning.
fn there<'a, T>(read: &'a Result<Seen<T>, FetchError>, name: &str, warnings: &mut Vec<String>) -> Option<&'a T> {
    warn(read, name, warnings);
    read.as_ref().ok().and_then(Seen::there)
}

/// The same for a file that is not asked for in every stage.
fn asked<'a, T>(
    read: Option<&'a Result<Seen<T>, FetchError>>,
    name: &str,
    warnings: &mut Vec<String>,
) -> Option<&'a T> {
    read.and_then(|read| there(read, name, warnings))
}

fn note<T>(read: Option<&Result<Seen<T>, FetchError>>, name: &str, warnings: &mut Vec<String>) {
    if let Some(read) = read {
        warn(read, name, warnings);
    }
}

fn content<T>(read: Option<&Result<Seen<T>, FetchError>>) -> Option<&T> {
    read.and_then(|read| read.as_ref().ok()).and_then(Seen::there)
}

fn warn<T>(read: &Result<Seen<T>, FetchError>, name: &str, warnings: &mut Vec<String>) {
    match read {
        Err(error) => warnings.push(format!("{name}: {}", sentence(error))),
        Ok(Seen { reading: gen404_competition::Reading::Unreadable(unreadable), .. }) => {
            warnings.push(format!("{name}: {unreadable}"));
        }
        Ok(_) => {}
    }
}
