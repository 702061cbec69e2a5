//! The chain, the competition and, in short, what `verify` says of the submission. They build on one another, so they are
//! one group: the chain is connected once.

use std::sync::Arc;
use std::time::Duration;

use gen404_chain::{Chain, ConnectOptions, Event, Wait, checks as chain};
use gen404_competition::{View, Wants, checks as state};
use gen404_delivery::Manners;
use gen404_outside::observer::Observer;
use gen404_outside::time::SystemClock;
use gen404_round::Hotkey;
use gen404_round::check::Check;
use gen404_round::lock::Lock;
use jiff::Timestamp;

use super::{Arguments, account};
use crate::chain_status::ChainStatus;
use crate::competition;
use crate::context::Context;
use crate::entrants;
use crate::errors::{Blame, CommandError};
use crate::verification::{Building, Question, Verified, Verifier};

pub(super) const NAMES: [&str; 13] = [
    "node",
    "metadata",
    "clock",
    "registration",
    "space",
    "pending",
    "state",
    "round",
    "window",
    "lock",
    "reveals",
    "repository",
    "cdn",
];
const OWN: [&str; 4] = ["lock", "reveals", "repository", "cdn"];

/// A node that wants no questions is not waited for as long as before a commitment.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many stems stand for all of a round.
const SAMPLE: usize = 8;

pub(super) async fn checks(context: &Context, arguments: &Arguments) -> Vec<Check> {
    let status = ChainStatus::new(&context.ui, Wait::Inclusion);
    let observer: &dyn Observer<Event> = &status;
    let hotkey = account::hotkey(arguments);
    let client = competition::client(&arguments.submission.state);
    let view = async {
        match &client {
            Ok(client) => Some(Box::pin(View::load(&client.look(Timestamp::now()), Wants { miner: false })).await),
            Err(_) => None,
        }
    };
    let options = ConnectOptions { patience: PATIENCE, ..arguments.submission.subtensor.connect_options() };
    let connecting = Chain::connect(options, observer);
    let (connected, view) = futures::join!(connecting, view);
    let view = view.as_ref().map(Result::as_ref);
    let connected = match connected {
        Ok(connected) => Arc::new(connected),
        Err(error) => {
            let own = OWN.map(|name| Check::skipped(name, "the node was not reached", "mend `node` first"));
            return [chain::unreachable(&error), of_state(view, None), own.to_vec()].concat();
        }
    };
    let netuid = arguments.submission.subtensor.netuid;
    let why = hotkey.err().unwrap_or_default();
    let clock = SystemClock::start();
    let (of_chain, pace) = futures::join!(
        chain::checks(&connected, netuid, hotkey.ok(), why, &clock, observer),
        competition::pace(&connected, observer)
    );
    if !competition::belongs_to(&arguments.submission.state, &connected, netuid) {
        let why = "the public state is that of the subnet on finney, not of this chain";
        let skip = |name| Check::skipped(name, why, "name the state of this competition with --state-url");
        let others = state::CHECKS.into_iter().chain(OWN).map(skip);
        return of_chain.into_iter().chain(others).collect();
    }
    let of_state = of_state(view, pace.as_ref().ok());
    let own = match hotkey {
        Ok(hotkey) => of_submission(context, arguments, hotkey, &connected, observer).await,
        Err(why) => {
            let enable = "give --wallet.name and --wallet.hotkey, or an address";
            OWN.map(|name| Check::skipped(name, why, enable)).to_vec()
        }
    };
    [of_chain, of_state, own].concat()
}

type Viewed<'a> = Option<Result<&'a View, &'a gen404_competition::ViewError>>;

fn of_state(view: Viewed<'_>, pace: Option<&gen404_competition::Pace>) -> Vec<Check> {
    match view {
        Some(view) => state::checks(view, pace),
        None => state::CHECKS.map(|name| Check::fail(name, "no HTTP client could be made", "see --state-url")).to_vec(),
    }
}

async fn of_submission(
    context: &Context,
    arguments: &Arguments,
    hotkey: Hotkey,
    connected: &Arc<Chain>,
    observer: &dyn Observer<Event>,
) -> Vec<Check> {
    let question = Question {
        hotkey,
        round: None,
        also: Vec::new(),
        leader: false,
        repository: arguments.submission.repository.repository.clone(),
        required: arguments.submission.required_lock,
        sample: Some(SAMPLE),
    };
    let reader =
        Verifier::new(&context.ui, &arguments.submission.state, &arguments.submission.subtensor, Manners::default());
    let verify = async {
        let reader = reader?.on(Arc::clone(connected));
        Box::pin(reader.verify(context, &question)).await
    };
    let hotkeys = [hotkey];
    let netuid = arguments.submission.subtensor.netuid;
    let (verified, owned) = futures::join!(verify, entrants::owners(connected, &hotkeys, netuid, observer));
    let locked = owned.ok().and_then(|(owned, _)| owned.first().copied()).and_then(|(_, locked)| locked);
    match verified {
        Ok(verified) => {
            let lock = verified.lock.filter(Lock::is_known);
            let lock = lock.unwrap_or_else(|| Lock::new(locked, Some(arguments.submission.required_lock.rao())));
            vec![
                of_lock(lock),
                of_reveals(&verified),
                of_repository(verified.repository.as_ref()),
                of_delivery(&verified),
            ]
        }
        Err(error) => {
            let lock = of_lock(Lock::new(locked, Some(arguments.submission.required_lock.rao())));
            let others = ["reveals", "repository", "cdn"].map(|name| unverified(name, &error));
            [lock].into_iter().chain(others).collect()
        }
    }
}

/// What could not be verified at all: only the first line fails, the others wait for it.
fn unverified(name: &'static str, error: &CommandError) -> Check {
    if name != "reveals" {
        return Check::skipped(name, "the submission is not known", "mend `reveals` first");
    }
    let fix = error.hints.first().cloned().unwrap_or_else(|| "`404-cli verify` says more".to_owned());
    match error.blame {
        // The state's own checks say what is wrong with it.
        Blame::Service => Check::skipped(name, error.message.clone(), "mend `state` first, or try again"),
        Blame::Here | Blame::User | Blame::Chain | Blame::Interruption => Check::fail(name, error.message.clone(), fix),
    }
}

fn of_lock(lock: Lock) -> Check {
    if !lock.is_known() {
        return Check::warn(
            "lock",
            "what the coldkey has locked is not known",
            "`404-cli list-all --table` shows locks",
        );
    }
    if lock.is_too_small() {
        let fix =
            "lock more on the subnet with the coldkey, for all its hotkeys in the round, before the window closes";
        return Check::fail("lock", format!("the coldkey has locked {lock} ρ"), fix);
    }
    Check::pass("lock", format!("the coldkey has locked {lock} ρ"))
}

fn of_reveals(verified: &Verified) -> Check {
    let round = verified.round;
    let reason = verified.reason.clone().unwrap_or_default();
    match verified.verdict {
        "admitted" => {
            let place = verified.place.map_or_else(String::new, |place| format!(", place {place}"));
            Check::pass("reveals", format!("all three are revealed for round {round}{place}"))
        }
        // Lines of their own say so.
        "not_registered" | "lock_too_small" => {
            Check::pass("reveals", format!("all three are revealed for round {round}"))
        }
        "nothing_revealed" | "incomplete" => Check::warn(
            "reveals",
            format!("round {round}: {reason}"),
            "`404-cli commit-hash` and `404-cli commit-repo-cdn`, while the window is open",
        ),
        _ => Check::fail(
            "reveals",
            format!("round {round}: {reason}"),
            "reveal the values again, while the window is open",
        ),
    }
}

fn of_repository(repository: Option<&Building>) -> Check {
    let Some(repository) = repository else {
        return Check::skipped("repository", "no commit and no repository are revealed", "reveal them");
    };
    let fix = repository.fix.clone().unwrap_or_else(|| "`404-cli verify` says more".to_owned());
    let reason = repository.reason.clone().unwrap_or_default();
    if matches!(repository.state, "missing" | "unknown") {
        return Check::fail("repository", reason, fix);
    }
    if let Some(finding) = repository.failures().next() {
        return Check::fail("repository", finding.sentence.clone(), finding.fix);
    }
    let words = format!("{} has the commit, verified on {}", repository.origin, repository.verified_on.unwrap_or("?"));
    match repository.findings.first() {
        None => Check::pass("repository", words),
        Some(first) => {
            let more = repository.findings.len() - 1;
            let more = if more > 0 { format!(", and {more} more (`404-cli verify`)") } else { String::new() };
            Check::warn("repository", format!("{words}; {}{more}", first.sentence), first.fix)
        }
    }
}

fn of_delivery(verified: &Verified) -> Check {
    let Some(count) = verified.delivery else {
        let why = "no prompts are published for it, or it does not take part";
        return Check::skipped("cdn", why, "try again when the window has closed");
    };
    let words = format!("{} of {} stems looked at are delivered", count.delivered, count.checked);
    let bad = verified.stems.iter().flatten().find(|seen| seen.state != crate::verification::StemState::Delivered);
    match bad {
        Some(bad) => {
            let why = bad.detail.as_deref().or(bad.reason.as_deref()).unwrap_or("not known");
            Check::fail(
                "cdn",
                format!("{words}; {}.js: {why}", bad.stem),
                bad.fix.unwrap_or("`404-cli verify` looks at all of them"),
            )
        }
        None if count.checked == 0 => Check::warn("cdn", "nothing could be looked at", "`404-cli verify` says more"),
        None => Check::pass("cdn", words),
    }
}
