//! What can be made to go wrong, one value a fault.
//! Only descriptions; each is acted out where its request is handled.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

impl From<Call> for &'static str {
    /// As JSON spells it.
    fn from(call: Call) -> Self {
        match call {
            Call::Inventory => "inventory",
            Call::Credits => "credits",
            Call::Version => "version",
            Call::List => "list",
            Call::Create => "create",
            Call::Deploy => "deploy",
            Call::Read => "read",
            Call::State => "state",
            Call::Events => "events",
            Call::Logs => "logs",
            Call::Delete => "delete",
            Call::Health => "health",
        }
    }
}

/// Where the service tells that an image cannot be pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullWords {
    /// In an event's message.
    #[default]
    Message,
    /// In an event's reason only.
    Reason,
    /// In an event's word only.
    EventType,
    /// In the state's message.
    State,
}

impl PullWords {
    /// The event that tells it, made from its word and its message.
    pub(super) fn event(self, image: &str, event: impl Fn(&str, &str) -> Value) -> Option<Value> {
        Some(match self {
            Self::Message => event("POD_WARNING", &format!("Failed to pull image \"{image}\": manifest unknown")),
            Self::Reason => {
                let mut event = event("POD_WARNING", "Error");
                event["reason"] = json!("ErrImagePull");
                event
            }
            Self::EventType => event("POD_IMAGE_PULL_BACKOFF", "back-off"),
            Self::State => return None,
        })
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Deploying is refused with 402: too few credits.
    DeployRefused,
    /// The account has no credits left.
    NoCredits,
    /// Deploying answers 502 but goes ahead.
    DeployBadGateway,
    /// Registering answers 409: the name is taken.
    NameTaken,
    /// A deployed container ends with exit code 1 again and again.
    CrashLoop,
    /// A deployed pod's image cannot be pulled.
    PullFails {
        /// Where the service says so.
        #[serde(default)]
        words: PullWords,
    },
    /// A deployed container ends with exit code 1 this often and is started again, ten seconds apart. After one end it
    /// is healthy, after more it is not.
    Restarts {
        /// How often.
        #[serde(default = "once")]
        count: u32,
    },
    /// Somebody else deletes a deployed pod once its state was asked for this often.
    DeletedElsewhere {
        /// Looks that still find it.
        #[serde(default = "once")]
        looks: u32,
        /// From then on the service knows nothing of it any more, instead of saying `deleted`.
        #[serde(default)]
        forgotten: bool,
    },
    /// A deployed pod stays `provisioning` and never gets an address.
    NeverVisible,
    /// A deployed pod runs, but its health path answers 503.
    NeverHealthy,
    /// Deleting answers 500 and does nothing.
    DeleteFails,
    /// The list has pages of at most this many, whatever limit is asked for.
    SmallPages {
        /// Workloads on a page.
        size: usize,
    },
    /// 429 with `Retry-After`.
    RateLimited {
        /// What `Retry-After` says.
        #[serde(default)]
        retry_after_seconds: u32,
        /// It says so as a date.
        #[serde(default)]
        as_date: bool,
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
