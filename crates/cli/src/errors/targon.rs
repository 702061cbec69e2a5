//! Failures of the Targon room as the user meets them: kinds, sentences, hints, and what may still cost money.
//! The sentences themselves are the room's.

use gen404_targon::{
    Cause, KeyError, LeaseError, PodTag, QuoteError, StartError, StopAllError, StopError, TargonError, Usd,
};
use serde_json::{Value, json};

use super::{CommandError, Kind, sentence};
use crate::targon::{age, price};

impl From<&TargonError> for Kind {
    fn from(error: &TargonError) -> Self {
        match error {
            TargonError::BadAddress { .. } | TargonError::KeyMissing { .. } | TargonError::KeyRefused { .. } => {
                Self::Usage
            }
            TargonError::NoCredits { .. }
            | TargonError::NameTaken { .. }
            | TargonError::NotFound { .. }
            | TargonError::NoClient { .. } => Self::Failed,
            TargonError::RateLimited { .. }
            | TargonError::Refused { .. }
            | TargonError::Unwell { .. }
            | TargonError::Unreachable { .. }
            | TargonError::Broken { .. }
            | TargonError::TimedOut { .. }
            | TargonError::TooLarge { .. }
            | TargonError::NotUnderstood { .. }
            | TargonError::EndlessPages { .. } => Self::Service,
        }
    }
}

impl From<TargonError> for CommandError {
    fn from(error: TargonError) -> Self {
        Self::from_error((&error).into(), &error).with_hints(error.hint())
    }
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        Self::from_error(Kind::Usage, &error).with_hint(error.hint())
    }
}

impl From<LeaseError> for CommandError {
    fn from(error: LeaseError) -> Self {
        Self::from_error(Kind::Failed, &error).with_hint(error.hint())
    }
}

impl From<QuoteError> for CommandError {
    fn from(error: QuoteError) -> Self {
        let kind = match &error {
            QuoteError::Targon(error) => error.into(),
            QuoteError::UnknownResource { .. } | QuoteError::TypeGone { .. } => Kind::Usage,
            QuoteError::SoldOut { .. } => Kind::Service,
        };
        Self::from_error(kind, &error).with_hints(error.hint())
    }
}

impl From<StopAllError> for CommandError {
    fn from(error: StopAllError) -> Self {
        match error {
            StopAllError::Lease(error) => error.into(),
            StopAllError::Targon(error) => error.into(),
        }
    }
}

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        let text = sentence(&error);
        match error {
            StartError::Quote(error) => error.into(),
            StartError::Targon(error) => error.into(),
            StartError::Lease(error) => error.into(),
            StartError::Interrupted => Self::interrupted(),
            StartError::AlreadyThere { older } => {
                let how_old = older.age.map_or_else(String::new, |old| format!(", {} old", age(old)));
                let (pod, cost) = (&older.pod, price(older.pod.cost_per_hour));
                let text =
                    format!("a pod `{}` is there already: {}, {}{how_old}, {cost}", pod.name, pod.uid, older.status);
                Self::failed(text)
                    .with_field("uid", pod.uid.as_str())
                    .with_hint("--replace stops it first; `404-cli stop-pods` stops all three")
            }
            StartError::GivenBack { pod, cause, spent, .. } => {
                let failed = match cause {
                    Cause::Interrupted => Self::interrupted(),
                    Cause::Failed(failure) => Self::service(text).with_hint(failure.hint()),
                    Cause::Targon(cause) => Self::new((&cause).into(), text).with_hints(cause.hint()),
                    Cause::Lease(cause) => Self::failed(text).with_hint(cause.hint()),
                };
                failed.with_field("uid", pod.uid.as_str()).with_field("spent", spent.map(Usd::dollars))
            }
            StartError::LeftRunning { pod, .. } | StartError::NotReplaced { pod, .. } => {
                Self::service(text).still_running([&pod])
            }
        }
    }
}

impl CommandError {
    /// The account cannot be used without a key.
    pub(crate) fn no_targon_key() -> Self {
        Self::usage("no Targon API key: neither option, nor variable, nor a file of the official client has one")
            .with_hint("set TARGON_API_KEY: a flag would show the key to everybody who lists the machine's processes")
    }

    /// Some pods could not be stopped, or not certainly.
    pub(crate) fn not_stopped(failed: &[(PodTag, StopError)]) -> Self {
        let pods: Vec<String> = failed.iter().map(|(pod, error)| format!("{pod}: {}", sentence(error))).collect();
        Self::service(format!("may still be running and costing money: {}", pods.join("; ")))
            .still_running(failed.iter().map(|(pod, _)| pod))
    }

    fn still_running<'a>(self, pods: impl IntoIterator<Item = &'a PodTag>) -> Self {
        let tag = |pod: &PodTag| {
            let price = pod.cost_per_hour.map(|price| price.an_hour().dollars());
            json!({"uid": pod.uid, "name": pod.name, "cost_per_hour": price})
        };
        self.with_field("still_running", pods.into_iter().map(tag).collect::<Vec<Value>>())
            .with_hint("run `404-cli stop-pods`, or stop it in the Targon dashboard")
    }
}
