//! What runs on the account: every workload with its age and cost, and what earlier runs left behind.
//! Only looks; nothing is stopped here.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::amount::Usd;
use crate::client::TargonClient;
use crate::error::TargonError;
use crate::lease::{FoundLease, Lease, LeaseError, Leases};
use crate::names::Uid;
use crate::pod::PodKind;
use crate::stop::{StopAllError, forget};
use crate::wire::Workload;

/// A workload of the account.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// As the service describes it.
    pub workload: Workload,
    /// One of the three kinds, which `stop_all` would stop.
    pub kind: Option<PodKind>,
    /// Since it was registered.
    pub age: Option<Duration>,
    /// Price times age: an estimate, the service's bill is what counts.
    pub cost_so_far: Option<Usd>,
    /// Started from this machine.
    pub lease: Option<FoundLease>,
}

impl Pod {
    fn new(client: &TargonClient, workload: Workload, lease: Option<FoundLease>) -> Self {
        let age = workload.created_at.map(|then| client.age(then));
        let cost_so_far = match (workload.cost_per_hour, age) {
            (Some(_), _) if !costs_money(&workload) => Some(Usd::default()),
            (Some(price), Some(age)) => Some(price.for_time(age)),
            _ => None,
        };
        let kind = PodKind::from_name(&workload.name);
        Self { workload, kind, age, cost_so_far, lease }
    }

    /// Whether it is paid for right now: deployed, and not stopped.
    pub fn costs_money(&self) -> bool {
        costs_money(&self.workload)
    }

    /// The run that started it died before it could hand it over.
    pub fn is_left_over(&self) -> bool {
        self.lease.as_ref().is_some_and(FoundLease::is_left_over)
    }
}

fn costs_money(workload: &Workload) -> bool {
    let status = &workload.state.status;
    !status.is_registered() && !status.is_stopped()
}

/// Everything on the account that is not gone: ours first, then by age, oldest first.
pub async fn pods(client: &TargonClient, leases: &Leases) -> Result<Vec<Pod>, StopAllError> {
    let workloads = client.workloads().await?;
    let mut remembered: HashMap<Uid, FoundLease> = leases
        .all()?
        .into_iter()
        .filter(|found| client.is_account_of(&found.lease))
        .map(|found| (found.lease.uid.clone(), found))
        .collect();
    let mut pods = Vec::with_capacity(workloads.len());
    for workload in workloads {
        let lease = remembered.remove(&workload.uid);
        if workload.state.status.is_gone() {
            if lease.is_some() {
                forget(leases, &workload.uid);
            }
            continue;
        }
        pods.push(Pod::new(client, workload, lease));
    }
    // What a list does not show may still cost money.
    for (uid, found) in remembered {
        match client.workload(&uid).await {
            Ok(workload) if !workload.state.status.is_gone() => pods.push(Pod::new(client, workload, Some(found))),
            Ok(_) | Err(TargonError::NotFound { .. }) => forget(leases, &uid),
            Err(error) => tracing::warn!("`{}` ({uid}), started here, is not listed: {error}", found.lease.name),
        }
    }
    let order = |pod: &Pod| (pod.kind.is_none(), pod.workload.created_at, pod.workload.uid.clone());
    pods.sort_by_key(order);
    Ok(pods)
}

/// A pod that an earlier run of this machine may have left running.
#[derive(Debug)]
pub struct LeftOver {
    /// What was remembered.
    pub lease: Lease,
    /// What the service says: the workload, or why that is not known.
    pub found: Result<Workload, Unchecked>,
}

/// Why it is not known what became of a left-over pod.
#[derive(Debug, thiserror::Error)]
pub enum Unchecked {
    /// It belongs to another key or address.
    #[error("it was started with another key or address")]
    OtherAccount,
    /// The service could not be asked.
    #[error(transparent)]
    Targon(#[from] TargonError),
}

/// Pods whose start died before it could hand them over or give them back. Those that are gone are forgotten.
pub async fn left_overs(client: &TargonClient, leases: &Leases) -> Result<Vec<LeftOver>, LeaseError> {
    let mut left = Vec::new();
    for found in leases.all()?.into_iter().filter(FoundLease::is_left_over) {
        let lease = found.lease;
        if !client.is_account_of(&lease) {
            left.push(LeftOver { lease, found: Err(Unchecked::OtherAccount) });
            continue;
        }
        match client.workload(&lease.uid).await {
            Ok(workload) if workload.state.status.is_gone() => forget(leases, &lease.uid),
            Err(TargonError::NotFound { .. }) => forget(leases, &lease.uid),
            Ok(workload) => left.push(LeftOver { lease, found: Ok(workload) }),
            Err(error) => left.push(LeftOver { lease, found: Err(error.into()) }),
        }
    }
    Ok(left)
}

impl TargonClient {
    /// Time passed since then; none for a moment in the future.
    pub fn age(&self, then: Timestamp) -> Duration {
        Duration::try_from(self.clock().now().duration_since(then)).unwrap_or_default()
    }

    /// The lease was written with this address and key.
    pub(crate) fn is_account_of(&self, lease: &Lease) -> bool {
        lease.base_url == self.address() && lease.account == self.account()
    }
}
