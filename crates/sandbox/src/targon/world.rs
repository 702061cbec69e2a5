//! What the fake remembers: workloads with their lives, machines left, faults, and every request.
//! How a workload is follows from when it was deployed; nothing runs in the background to change it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::catalogue::{self, MACHINES};
use super::fault::{Call, Fault};
use super::registration::{Registration, WorkloadType};
use super::reply::Problem;
use super::{Delays, Options};

/// A workload that is there from the beginning, running since then.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// A machine of the catalogue.
    pub resource: String,
    /// How long it has been running.
    pub age: Duration,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct RecordedCall {
    /// Which kind.
    pub call: Call,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// The body; empty when there was none.
    pub body: Vec<u8>,
}

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
pub(super) struct World {
    options: Options,
    faults: Vec<Fault>,
    workloads: Vec<Workload>,
    stock: HashMap<&'static str, u32>,
    calls: Vec<RecordedCall>,
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
struct Life {
    since: Instant,
    deployed_at: Timestamp,
    url: Option<String>,
    crashes: bool,
    invisible: bool,
    unhealthy: bool,
    /// Cancelled when it is deleted; its own server and followed logs end then.
    end: CancellationToken,
}

impl World {
    pub(super) fn new(mut options: Options) -> Self {
        let faults = std::mem::take(&mut options.faults);
        let standing = std::mem::take(&mut options.standing);
        let stock = MACHINES.iter().map(|machine| (machine.name, machine.stock)).collect();
        let mut world = Self { options, faults, workloads: Vec::new(), stock, calls: Vec::new() };
        for one in standing {
            world.add_standing(&one);
        }
        world
    }

    fn add_standing(&mut self, standing: &Standing) {
        let machine = catalogue::find(&standing.resource).unwrap_or(&MACHINES[0]);
        let registration = Registration {
            workload_type: WorkloadType::Rental,
            name: standing.name.clone(),
            image: "example.com/standing:1".to_owned(),
            machine,
            port: None,
        };
        let created_at = Timestamp::now() - standing.age;
        let life = Life {
            since: Instant::now(),
            deployed_at: created_at,
            url: None,
            crashes: false,
            invisible: false,
            unhealthy: false,
            end: CancellationToken::new(),
        };
        let uid = self.next_uid();
        self.workloads.push(Workload { uid, registration, created_at, life: Some(life), deleted: false });
    }

    fn next_uid(&self) -> String {
        format!("wrk-{:012}", self.workloads.len() + 1)
    }

    pub(super) fn set_faults(&mut self, faults: Vec<Fault>) {
        self.faults = faults;
    }

    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(super) fn faults_mut(&mut self) -> &mut Vec<Fault> {
        &mut self.faults
    }

    pub(super) fn record(&mut self, call: RecordedCall) {
        self.calls.push(call);
    }

    pub(super) fn calls(&self) -> &[RecordedCall] {
        &self.calls
    }

    /// The first fault that fits; one with `times` has happened once more after this.
    pub(super) fn strike(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let index = self.faults.iter().position(fits)?;
        let fault = self.faults[index].clone();
        if let Some(times) = self.faults[index].times_mut() {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.faults.remove(index);
            }
        }
        Some(fault)
    }

    fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    pub(super) fn knows(&self, workload_type: WorkloadType) -> bool {
        !self.has(&Fault::TypeGone { workload_type })
    }

    /// The inventory of a type; `None` means every machine, also those of types we do not run.
    pub(super) fn offers(&self, workload_type: WorkloadType, gpu: Option<bool>) -> Vec<Value> {
        MACHINES
            .iter()
            .filter(|machine| gpu.is_none_or(|wanted| machine.gpu.is_some() == wanted))
            .map(|machine| machine.offer(workload_type, self.stock.get(machine.name).copied().unwrap_or(0)))
            .collect()
    }

    pub(super) fn register(&mut self, registration: Registration) -> Value {
        let uid = self.next_uid();
        let workload = Workload { uid, registration, created_at: Timestamp::now(), life: None, deleted: false };
        let shown = workload.shown(&self.options.delays);
        self.workloads.push(workload);
        shown
    }

    /// What a pod of this workload needs to listen, when it may be deployed.
    pub(super) fn may_deploy(&self, uid: &str) -> Result<(String, Option<u16>), Problem> {
        let workload = self.find(uid)?;
        if workload.deleted || workload.life.is_some() {
            let error = "workload is already deployed or deleted";
            return Err(Problem::new(axum::http::StatusCode::CONFLICT, error, "INVALID_STATE"));
        }
        let left = self.stock.get(workload.registration.machine.name).copied().unwrap_or(0);
        if left == 0 {
            return Err(Problem::new(axum::http::StatusCode::CONFLICT, "no capacity", "NO_CAPACITY"));
        }
        Ok((workload.registration.name.clone(), workload.registration.port))
    }

    pub(super) fn deploy(&mut self, uid: &str, url: Option<String>, end: CancellationToken) -> Result<Value, Problem> {
        self.may_deploy(uid)?;
        let life = Life {
            since: Instant::now(),
            deployed_at: Timestamp::now(),
            url,
            crashes: self.has(&Fault::CrashLoop),
            invisible: self.has(&Fault::NeverVisible),
            unhealthy: self.has(&Fault::NeverHealthy),
            end,
        };
        let delays = self.options.delays;
        let workload = self.find_mut(uid)?;
        workload.life = Some(life);
        let (machine, shown) = (workload.registration.machine.name, workload.shown(&delays));
        if let Some(left) = self.stock.get_mut(machine) {
            *left -= 1;
        }
        Ok(shown)
    }

    pub(super) fn delete(&mut self, uid: &str) -> Result<(), Problem> {
        let workload = self.find_mut(uid)?;
        if workload.deleted {
            return Err(Problem::not_found());
        }
        workload.deleted = true;
        let machine = workload.registration.machine.name;
        if let Some(life) = &workload.life {
            life.end.cancel();
            if let Some(left) = self.stock.get_mut(machine) {
                *left += 1;
            }
        }
        Ok(())
    }

    pub(super) fn find(&self, uid: &str) -> Result<&Workload, Problem> {
        self.workloads.iter().find(|workload| workload.uid == uid).ok_or_else(Problem::not_found)
    }

    fn find_mut(&mut self, uid: &str) -> Result<&mut Workload, Problem> {
        self.workloads.iter_mut().find(|workload| workload.uid == uid).ok_or_else(Problem::not_found)
    }

    pub(super) fn shown(&self, fits: impl Fn(&Workload, &'static str) -> bool) -> Vec<Value> {
        let delays = &self.options.delays;
        let fitting = self.workloads.iter().filter(|workload| fits(workload, workload.status(delays)));
        fitting.map(|workload| workload.shown(delays)).collect()
    }

    pub(super) fn seen(&self) -> Vec<SeenWorkload> {
        let seen = |workload: &Workload| SeenWorkload {
            uid: workload.uid.clone(),
            name: workload.registration.name.clone(),
            workload_type: workload.registration.workload_type,
            status: workload.status(&self.options.delays),
            costs_money: workload.life.is_some() && !workload.deleted,
        };
        self.workloads.iter().map(seen).collect()
    }

    pub(super) fn delays(&self) -> Delays {
        self.options.delays
    }

    /// Where a healthy pod of the name passes its connections on to.
    pub(super) fn backend(&self, name: &str) -> Option<SocketAddr> {
        self.options.backends.get(name).copied()
    }
}

impl Workload {
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
        } else if life.invisible || age < delays.provisioning + delays.running {
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
        up && !life.unhealthy && !life.crashes
    }

    /// Ends when the workload is deleted; none before it is deployed.
    pub(super) fn end(&self) -> Option<&CancellationToken> {
        self.life.as_ref().map(|life| &life.end)
    }

    pub(super) fn state(&self, delays: &Delays) -> Value {
        let status = self.status(delays);
        let running = status == "running";
        let url = self.life.as_ref().and_then(|life| life.url.as_ref()).filter(|_| running);
        json!({
            "uid": self.uid,
            "workload_type": self.registration.workload_type,
            "status": status,
            "message": "",
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
        let status = self.status(delays);
        if status == "running" && !life.crashes {
            events.push(event("POD_STARTED", "container started", delays.provisioning + delays.running));
        }
        if life.crashes && status != "registered" {
            let mut crash = event("POD_CRASHLOOP_BACKOFF", "back-off restarting failed container", delays.provisioning);
            crash["reason"] = json!("CrashLoopBackOff");
            crash["exit_code"] = json!(1);
            events.push(crash);
        }
        events
    }

    /// Its log so far; none before its container has run.
    pub(super) fn log(&self, delays: &Delays) -> Option<Vec<String>> {
        let life = self.life.as_ref()?;
        if life.crashes {
            let mut lines: Vec<String> = (1..=30).map(|step| format!("loading part {step} of 30")).collect();
            lines.push("RuntimeError: CUDA out of memory".to_owned());
            return Some(lines);
        }
        let port = self.registration.port.unwrap_or(0);
        (self.status(delays) == "running").then(|| vec!["boot".to_owned(), format!("listening on :{port}")])
    }
}
