//! What can be made to go wrong, one value a fault.
//! Only descriptions; each is acted out where its request is handled.

use serde::{Deserialize, Serialize};

/// One kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `GET /inventory`
    Inventory,
    /// `GET /me/credits`
    Credits,
    /// `GET /version`
    Version,
    /// `GET /workloads`
    List,
    /// `POST /workloads`
    Create,
    /// `POST /workloads/{uid}/deploy`
    Deploy,
    /// `GET /workloads/{uid}`
    Read,
    /// `GET /workloads/{uid}/state`
    State,
    /// `GET /workloads/{uid}/events`
    Events,
    /// `GET /workloads/{uid}/logs`
    Logs,
    /// `DELETE /workloads/{uid}`
    Delete,
    /// A request to a pod's own address.
    Health,
}

/// Something that goes wrong. Those with `times` wear off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Deploying is refused with 402: too few credits.
    DeployRefused,
    /// Deploying answers 502 but goes ahead.
    DeployBadGateway {
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// Registering answers 409: the name is taken.
    NameTaken,
    /// A deployed container ends with exit code 1 again and again.
    CrashLoop,
    /// A deployed pod stays `provisioning` and never gets an address.
    NeverVisible,
    /// A deployed pod runs, but its health path answers 503.
    NeverHealthy,
    /// Deleting answers 500 and does nothing.
    DeleteFails {
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// The list has pages of at most this many, whatever limit is asked for.
    SmallPages {
        /// Workloads on a page.
        size: usize,
    },
    /// 429 with `Retry-After`.
    RateLimited {
        /// How often.
        #[serde(default = "once")]
        times: u32,
        /// What `Retry-After` says.
        #[serde(default)]
        retry_after_seconds: u32,
    },
    /// Every answer takes this much longer.
    Slow {
        /// Delay.
        milliseconds: u64,
    },
    /// The connection is cut: the request is carried out, its answer never comes.
    Cut {
        /// Only this kind of request; every kind when absent.
        #[serde(default)]
        call: Option<Call>,
        /// How often.
        #[serde(default = "once")]
        times: u32,
    },
    /// The request is carried out and its answer kept back until it is released.
    Hold {
        /// This kind of request.
        call: Call,
    },
    /// A type of workload is no longer known.
    TypeGone {
        /// `RENTAL` or `SERVERLESS`.
        workload_type: super::registration::WorkloadType,
    },
}

fn once() -> u32 {
    1
}

impl Fault {
    /// How often it can still happen; none for one that does not wear off.
    pub(super) fn times_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::DeployBadGateway { times }
            | Self::DeleteFails { times }
            | Self::RateLimited { times, .. }
            | Self::Cut { times, .. } => Some(times),
            _ => None,
        }
    }
}
