//! Giving machines back: delete, check that it is gone, and say loudly when it is not.
//! The only place that deletes anything; every way out of a start leads through here.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use gen404_outside::explain::{Blame, Explain, Facts, Hint, sentence};
use gen404_outside::text;
use serde_json::{Value, json};

use crate::amount::{HourlyPrice, price_in_words};
use crate::client::TargonClient;
use crate::error::TargonError;
use crate::event::{Listener, PodEvent};
use crate::lease::{Lease, LeaseError, Leases};
use crate::names::Uid;
use crate::pod::PodKind;
use crate::wire::{Status, Workload};

/// Which machine is meant, and what it costs: everything a person needs to stop it by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTag {
    /// The service's identifier.
    pub uid: Uid,
    /// The pod's name.
    pub name: String,
    /// Its price, where it is known.
    pub cost_per_hour: Option<HourlyPrice>,
}

impl From<&Workload> for PodTag {
    fn from(workload: &Workload) -> Self {
        Self { uid: workload.uid.clone(), name: workload.name.clone(), cost_per_hour: workload.cost_per_hour }
    }
}

impl From<&Lease> for PodTag {
    fn from(lease: &Lease) -> Self {
        Self { uid: lease.uid.clone(), name: lease.name.to_string(), cost_per_hour: lease.cost_per_hour }
    }
}

/// `generator (wrk-000000000001, $13.00/h)`
impl fmt::Display for PodTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}, {})", text::line(&self.name), self.uid, price_in_words(self.cost_per_hour))
    }
}

/// Why it is not certain that a machine was stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It is still listed after it was deleted.
    #[error("it is still {status} after it was deleted")]
    StillThere {
        /// Its status.
        status: Status,
    },
    /// The service does not answer well enough to know.
    #[error(transparent)]
    Targon(#[from] TargonError),
}

/// What to do about machines that may still run.
pub(crate) const STOP_THEM: &str = "run `404-cli stop-pods`, or stop it in the Targon dashboard";

/// The machines that may still run, with all that a person or a script needs to stop them.
pub(crate) fn still_running<'a>(pods: impl IntoIterator<Item = &'a PodTag>) -> Facts {
    let tag = |pod: &PodTag| {
        let price = pod.cost_per_hour.map(|price| price.an_hour().dollars());
        json!({"uid": pod.uid, "name": pod.name, "cost_per_hour": price})
    };
    Facts::from_iter([("still_running".to_owned(), Value::Array(pods.into_iter().map(tag).collect()))])
}

/// Pods that could not be stopped, or not certainly.
#[derive(Debug, thiserror::Error)]
#[error("may still be running and costing money: {}", each(.0))]
pub struct NotStopped(pub Vec<(PodTag, StopError)>);

fn each(failed: &[(PodTag, StopError)]) -> String {
    let pods: Vec<String> = failed.iter().map(|(pod, error)| format!("{pod}: {}", sentence(error))).collect();
    pods.join("; ")
}

impl Explain for NotStopped {
    fn blame(&self) -> Blame {
        Blame::Service
    }

    fn hint(&self) -> Option<Hint> {
        Some(STOP_THEM.into())
    }

    fn facts(&self) -> Facts {
        still_running(self.0.iter().map(|(pod, _)| pod))
    }
}

/// Deletions tried before giving up.
const ROUNDS: u32 = 3;

/// Looks after one deletion.
const LOOKS: u32 = 6;

/// A pause that is not asked for by a service that will be well in a moment.
const LONG_WISH: Duration = Duration::from_secs(20);

impl TargonClient {
    /// Deletes the pod and looks until it is gone; deletes again when it does not go.
    pub async fn give_back(&self, uid: &Uid) -> Result<(), StopError> {
        let mut last = StopError::StillThere { status: Status::default() };
        for round in 0..ROUNDS {
            if round > 0 {
                self.observer().on(PodEvent::DeletingAgain { uid, because: &last });
            }
            let deleted = self.delete(uid).await;
            let looks = if deleted.is_ok() { LOOKS } else { 1 };
            if let Err(error) = deleted {
                if is_final(&error) {
                    return Err(error.into());
                }
                last = error.into();
            }
            for _ in 0..looks {
                match self.workload(uid).await {
                    Err(TargonError::NotFound { .. }) => return Ok(()),
                    Ok(workload) if workload.state.status.is_gone() => return Ok(()),
                    Ok(workload) if looks > 1 => last = StopError::StillThere { status: workload.state.status },
                    Ok(_) => {}
                    Err(error) if is_final(&error) => return Err(error.into()),
                    Err(error) => last = error.into(),
                }
                self.pause().await;
            }
        }
        Err(last)
    }
}

/// No further try can end better soon: the key is not accepted, or the service wants a long pause, which it has either been
/// given several times by now or will not be given.
fn is_final(error: &TargonError) -> bool {
    error.is_about_the_key() || error.wished_pause().is_some_and(|wish| wish >= LONG_WISH)
}

/// What became of the pods that should be stopped.
#[derive(Debug, Default)]
pub struct Stopped {
    /// Gone, checked.
    pub stopped: Vec<PodTag>,
    /// Not stopped, or not certainly.
    pub failed: Vec<(PodTag, StopError)>,
}

/// Why nothing could be stopped at all.
#[derive(Debug, thiserror::Error)]
pub enum StopAllError {
    /// The account's pods are not known.
    #[error(transparent)]
    Targon(#[from] TargonError),
    /// The leases cannot be read.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

impl Explain for StopAllError {
    fn blame(&self) -> Blame {
        match self {
            Self::Targon(error) => error.blame(),
            Self::Lease(error) => error.blame(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Targon(error) => error.hint(),
            Self::Lease(error) => error.hint(),
        }
    }
}

/// Stops every pod named exactly like one of the three kinds, on whatever page it is listed, and every lease of such
/// a name that no list shows. Other pods are left alone, whoever made them.
pub async fn stop_all(
    client: &TargonClient,
    leases: &Leases,
    observer: &Listener<'_>,
) -> Result<Stopped, StopAllError> {
    let workloads = client.workloads().await?;
    let listed: HashSet<Uid> = workloads.iter().map(|workload| workload.uid.clone()).collect();
    let mut targets: Vec<Workload> = Vec::new();
    for workload in workloads {
        if PodKind::from_name(&workload.name).is_none() {
            continue;
        }
        if workload.state.status.is_stopped() {
            if !workload.state.status.is_gone() {
                observer.on(PodEvent::AlreadyStopped { pod: &PodTag::from(&workload) });
            }
            forget(leases, &workload.uid);
        } else {
            targets.push(workload);
        }
    }
    let mut result = Stopped::default();
    for found in leases.all()? {
        let lease = found.lease;
        if listed.contains(&lease.uid) || !client.is_account_of(&lease) {
            continue;
        }
        match client.workload(&lease.uid).await {
            Ok(workload) if workload.state.status.is_stopped() => forget(leases, &lease.uid),
            Ok(workload) if PodKind::from_name(&workload.name).is_some() => targets.push(workload),
            Ok(_) => {}
            Err(TargonError::NotFound { .. }) => forget(leases, &lease.uid),
            // Not knowing about one must not keep the others running.
            Err(error) => result.failed.push((PodTag::from(&lease), error.into())),
        }
    }
    let outcomes = join_all(targets.iter().map(|workload| async move {
        let tag = PodTag::from(workload);
        let age = workload.created_at.map(|then| client.age(then));
        observer.on(PodEvent::Stopping { pod: &tag, age });
        let outcome = client.give_back(&workload.uid).await;
        if outcome.is_ok() {
            forget(leases, &workload.uid);
            observer.on(PodEvent::Stopped { pod: &tag });
        }
        (tag, outcome)
    }));
    for (tag, outcome) in outcomes.await {
        match outcome {
            Ok(()) => result.stopped.push(tag),
            Err(error) => result.failed.push((tag, error)),
        }
    }
    Ok(result)
}

/// The pod is gone; a lease that stays behind is found out the next time somebody looks.
pub(crate) fn forget(leases: &Leases, uid: &Uid) {
    if let Err(error) = leases.forget(uid) {
        tracing::warn!("{error}");
    }
}
