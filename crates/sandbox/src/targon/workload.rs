//! One workload and its life: how it is follows from when it was deployed and from the faults of that moment.
//! Nothing runs in the background to change it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Delays;
use super::catalogue::Machine;
use super::fault::{Fault, PullWords};
use super::registration::{Registration, WorkloadType};

/// A workload as a test sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeenWorkload {
    /// Its identifier.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub workload_type: WorkloadType,
    /// Its status.
    pub status: &'static str,
    /// Deployed and not deleted.
    pub costs_money: bool,
}

#[derive(Debug)]
pub(super) struct Workload {
    uid: String,
    registration: Registration,
    created_at: Timestamp,
    life: Option<Life>,
    deleted: bool,
}

/// From deploying on.
#[derive(Debug)]
pub(super) struct Life {
    since: Instant,
    deployed_at: Timestamp,
    url: Option<String>,
    /// What was to go wrong when it was deployed.
    faults: Vec<Fault>,
    /// How often its state was asked for.
    looks: u32,
    /// Cancelled when it is deleted; its own server and followed logs end then.
    end: CancellationToken,
}

impl Life {
    pub(super) fn since(
        deployed_at: Timestamp,
        url: Option<String>,
        faults: Vec<Fault>,
        end: CancellationToken,
    ) -> Self {
        Self { since: Instant::now(), deployed_at, url, faults, looks: 0, end }
    }

    fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    fn pull_words(&self) -> Option<PullWords> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::PullFails { words } => Some(*words),
            _ => None,
        })
    }

    /// How often the container ends and is started again.
    fn restarts(&self) -> u32 {
        let restarts = |fault: &Fault| match fault {
            Fault::Restarts { count } => Some(*count),
            _ => None,
        };
        self.faults.iter().find_map(restarts).unwrap_or(0)
    }
}

impl Workload {
    pub(super) fn registered(uid: String, registration: Registration, created_at: Timestamp) -> Self {
        Self { uid, registration, created_at, life: None, deleted: false }
    }

    pub(super) fn deploy(&mut self, life: Life) {
        self.life = Some(life);
    }

    /// Returns whether it took up a machine.
    pub(super) fn delete(&mut self) -> bool {
        self.deleted = true;
        self.life.as_ref().inspect(|life| life.end.cancel()).is_some()
    }

    /// Counts a look at its state; whether somebody else deletes it now.
    pub(super) fn look(&mut self) -> bool {
        let Some(life) = self.life.as_mut().filter(|_| !self.deleted) else { return false };
        life.looks += 1;
        life.faults.iter().any(|fault| matches!(fault, Fault::DeletedElsewhere { looks, .. } if life.looks >= *looks))
    }

    pub(super) fn is_known_as(&self, uid: &str) -> bool {
        self.uid == uid && !self.is_forgotten()
    }

    /// Deleted, and nobody remembers.
    pub(super) fn is_forgotten(&self) -> bool {
        let forgotten = |fault: &Fault| matches!(fault, Fault::DeletedElsewhere { forgotten: true, .. });
        self.deleted && self.life.as_ref().is_some_and(|life| life.faults.iter().any(forgotten))
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted
    }

    pub(super) fn was_deployed(&self) -> bool {
        self.life.is_some()
    }

    pub(super) fn machine(&self) -> &'static Machine {
        self.registration.machine
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.registration.port
    }

    pub(super) fn seen(&self, delays: &Delays) -> SeenWorkload {
        SeenWorkload {
            uid: self.uid.clone(),
            name: self.registration.name.clone(),
            workload_type: self.registration.workload_type,
            status: self.status(delays),
            costs_money: self.life.is_some() && !self.deleted,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.registration.name
    }

    pub(super) fn workload_type(&self) -> WorkloadType {
        self.registration.workload_type
    }

    pub(super) fn status(&self, delays: &Delays) -> &'static str {
        let Some(life) = &self.life else { return if self.deleted { "deleted" } else { "registered" } };
        let age = life.since.elapsed();
        if self.deleted {
            "deleted"
        } else if age < delays.provisioning {
            "registered"
        } else if life.has(&Fault::NeverVisible)
            || life.pull_words().is_some()
            || age < delays.provisioning + delays.running
        {
            "provisioning"
        } else {
            "running"
        }
    }

    /// Its health path answers 200.
    pub(super) fn is_healthy(&self, delays: &Delays) -> bool {
        let Some(life) = &self.life else { return false };
        let age = life.since.elapsed();
        let up = self.status(delays) == "running" && age >= delays.provisioning + delays.running + delays.healthy;
        up && !life.has(&Fault::NeverHealthy) && !life.has(&Fault::CrashLoop) && life.restarts() < 2
    }

    /// Ends when the workload is deleted; none before it is deployed.
    pub(super) fn end(&self) -> Option<&CancellationToken> {
        self.life.as_ref().map(|life| &life.end)
    }

    pub(super) fn state(&self, delays: &Delays) -> Value {
        let status = self.status(delays);
        let running = status == "running";
        let refusal = match self.life.as_ref().and_then(Life::pull_words) {
            Some(PullWords::State) => format!("manifest unknown: {} cannot be pulled", self.registration.image),
            _ => String::new(),
        };
        let url = self.life.as_ref().and_then(|life| life.url.as_ref()).filter(|_| running);
        json!({
            "uid": self.uid,
            "workload_type": self.registration.workload_type,
            "status": status,
            "message": refusal,
            "urls": url.map(|url| json!([{"port": self.registration.port, "url": url}])),
            "ready_replicas": u32::from(self.is_healthy(delays)),
            "total_replicas": 1,
            "updated_at": self.created_at,
        })
    }

    pub(super) fn shown(&self, delays: &Delays) -> Value {
        json!({
            "uid": self.uid,
            "name": self.registration.name,
            "type": self.registration.workload_type,
            "image": self.registration.image,
            "cost_per_hour": self.registration.machine.cost_per_hour,
            "revision": "1",
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "state": self.state(delays),
            "resource": self.registration.machine.resource(),
            "resource_name": self.registration.machine.name,
            "volumes": [],
        })
    }

    /// What happened to it so far, oldest first.
    pub(super) fn events(&self, delays: &Delays) -> Vec<Value> {
        let Some(life) = &self.life else { return Vec::new() };
        let event = |event_type: &str, message: &str, after: Duration| {
            json!({
                "workload_uid": self.uid,
                "workload_type": self.registration.workload_type,
                "resource_name": self.registration.machine.name,
                "event_type": event_type,
                "message": message,
                "created_at": life.deployed_at + after,
            })
        };
        let mut events = vec![event("POD_SCHEDULED", "pod scheduled", Duration::ZERO)];
        if self.status(delays) == "registered" {
            return events;
        }
        let started = delays.provisioning + delays.running;
        if self.status(delays) == "running" && !life.has(&Fault::CrashLoop) {
            events.push(event("POD_STARTED", "container started", started));
        }
        if life.has(&Fault::CrashLoop) {
            let mut crash = event("POD_CRASHLOOP_BACKOFF", "back-off restarting failed container", delays.provisioning);
            crash["reason"] = json!("CrashLoopBackOff");
            crash["exit_code"] = json!(1);
            events.push(crash);
        }
        for number in 0..life.restarts() {
            let when = started + Duration::from_secs(10) * number;
            let mut end = event("CONTAINER_TERMINATED", "container ended", when);
            end["exit_code"] = json!(1);
            events.extend([end, event("POD_STARTED", "container started", when + Duration::from_secs(1))]);
        }
        if let Some(words) = life.pull_words() {
            events.extend(words.event(&self.registration.image, |kind, text| event(kind, text, delays.provisioning)));
        }
        events
    }

    /// Its log so far; none before its container has run.
    pub(super) fn log(&self, delays: &Delays) -> Option<Vec<String>> {
        let life = self.life.as_ref()?;
        if life.has(&Fault::CrashLoop) {
            let mut lines: Vec<String> = (1..=30).map(|step| format!("loading part {step} of 30")).collect();
            lines.push("RuntimeError: CUDA out of memory".to_owned());
            return Some(lines);
        }
        let port = self.registration.port.unwrap_or(0);
        (self.status(delays) == "running").then(|| vec!["boot".to_owned(), format!("listening on :{port}")])
    }
}
