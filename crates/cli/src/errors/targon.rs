//! Failures of the Targon room as the user meets them: kinds, sentences, hints, and what may still cost money.
//! The sentences themselves are the room's.

use gen404_targon::{
    Cause, KeyError, LeaseError, PodTag, QuoteError, StartError, StopAllError, StopError, TargonError,
};
use serde_json::{Value, json};

use super::{CommandError, Kind, sentence};
use crate::targon::{age, price};
use crate::ui::Ui;

fn with_hint(error: CommandError, hint: Option<&str>) -> CommandError {
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn kind(error: &TargonError) -> Kind {
    match error {
        TargonError::BadAddress { .. } | TargonError::KeyMissing { .. } | TargonError::KeyRefused { .. } => Kind::Usage,
        TargonError::NoCredits { .. }
        | TargonError::NameTaken { .. }
        | TargonError::NotFound { .. }
        | TargonError::NoClient { .. } => Kind::Failed,
        _ => Kind::Service,
    }
}

pub(crate) fn targon(error: &TargonError) -> CommandError {
    with_hint(CommandError::from_error(kind(error), error), error.hint())
}

pub(crate) fn key(error: &KeyError) -> CommandError {
    CommandError::from_error(Kind::Usage, error).with_hint(error.hint())
}

pub(crate) fn no_key() -> CommandError {
    CommandError::usage("no Targon API key: neither option, nor variable, nor a file of the official client has one")
        .with_hint("set TARGON_API_KEY: a flag would show the key to everybody who lists the machine's processes")
}

pub(crate) fn lease(error: &LeaseError) -> CommandError {
    CommandError::from_error(Kind::Failed, error).with_hint(error.hint())
}

pub(crate) fn quote(error: &QuoteError) -> CommandError {
    let kind = match error {
        QuoteError::Targon(error) => kind(error),
        QuoteError::UnknownResource { .. } | QuoteError::TypeGone { .. } => Kind::Usage,
        _ => Kind::Service,
    };
    with_hint(CommandError::from_error(kind, error), error.hint())
}

pub(crate) fn stop_all(error: &StopAllError) -> CommandError {
    match error {
        StopAllError::Lease(error) => lease(error),
        StopAllError::Targon(error) => targon(error),
        other => CommandError::from_error(Kind::Service, other),
    }
}

/// Some pods could not be stopped, or not certainly.
pub(crate) fn not_stopped(failed: &[(PodTag, StopError)]) -> CommandError {
    let pods: Vec<String> = failed.iter().map(|(pod, error)| format!("{pod}: {}", sentence(error))).collect();
    let error = CommandError::service(format!("may still be running and costing money: {}", pods.join("; ")));
    error
        .with_field("still_running", failed.iter().map(|(pod, _)| tag(pod)).collect::<Vec<_>>())
        .with_hint("run `404-cli stop-pods` again, or stop them in the Targon dashboard")
}

fn tag(pod: &PodTag) -> Value {
    let price = pod.cost_per_hour.map(|price| price.an_hour().dollars());
    json!({"uid": pod.uid, "name": pod.name, "cost_per_hour": price})
}

/// A pod that was not started; shows the end of its log first.
pub(crate) fn start(ui: &Ui, error: &StartError) -> CommandError {
    if let StartError::GivenBack { log, .. } | StartError::LeftRunning { log, .. } = error
        && !log.is_empty()
    {
        ui.status(format!("the last {} lines of its log:", log.len()));
        for line in log {
            ui.status(format!("  │ {line}"));
        }
    }
    match error {
        StartError::Quote(error) => quote(error),
        StartError::Targon(error) => targon(error),
        StartError::Lease(error) => lease(error),
        StartError::AlreadyThere { older } => {
            let years = older.age.map_or_else(String::new, |old| format!(", {} old", age(old)));
            let (name, uid, status) = (&older.pod.name, &older.pod.uid, &older.status);
            let cost = price(older.pod.cost_per_hour);
            CommandError::failed(format!("a pod `{name}` is there already: {uid}, {status}{years}, {cost}"))
                .with_field("uid", uid.as_str())
                .with_hint("--replace stops it first; `404-cli stop-pods` stops all three")
        }
        StartError::NotReplaced { pod, source } => {
            not_stopped_one(pod, format!("the older {pod} could not be stopped: {}", sentence(source)))
        }
        StartError::Interrupted => CommandError::interrupted(),
        StartError::GivenBack { pod, cause: Cause::Interrupted, spent, .. } => CommandError::interrupted()
            .with_field("uid", pod.uid.as_str())
            .with_field("spent", spent.map(gen404_targon::Usd::dollars)),
        StartError::GivenBack { pod, cause, spent, .. } => {
            let failed = match cause {
                Cause::Failed(failure) => CommandError::service(error.to_string()).with_hint(failure.hint()),
                Cause::Targon(cause) => with_hint(
                    CommandError::new(kind(cause), format!("{}: {}", pod.name, sentence(cause))),
                    cause.hint(),
                ),
                Cause::Lease(cause) => lease(cause),
                _ => CommandError::failed(error.to_string()),
            };
            failed.with_field("uid", pod.uid.as_str()).with_field("spent", spent.map(gen404_targon::Usd::dollars))
        }
        StartError::LeftRunning { pod, .. } => not_stopped_one(pod, sentence(error)),
        other => CommandError::from_error(Kind::Failed, other),
    }
}

fn not_stopped_one(pod: &PodTag, message: String) -> CommandError {
    CommandError::service(message)
        .with_field("still_running", vec![tag(pod)])
        .with_hint("run `404-cli stop-pods`, or stop it in the Targon dashboard")
}
