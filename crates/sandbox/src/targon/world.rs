//! What the fake remembers: workloads, machines left, and every request.
//! How a single workload is, it knows itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::catalogue::{self, MACHINES};
use super::fault::Call;
use super::registration::{Registration, WorkloadType};
use super::reply::Problem;
use super::workload::{Life, SeenWorkload, Workload};
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

#[derive(Debug)]
pub(super) struct World {
    options: Options,
    workloads: Vec<Workload>,
    stock: HashMap<&'static str, u32>,
    calls: Vec<RecordedCall>,
}

impl World {
    pub(super) fn new(mut options: Options) -> Self {
        let standing = std::mem::take(&mut options.standing);
        let stock = MACHINES.iter().map(|machine| (machine.name, machine.stock)).collect();
        let mut world = Self { options, workloads: Vec::new(), stock, calls: Vec::new() };
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
        let mut workload = Workload::registered(self.next_uid(), registration, created_at);
        workload.deploy(Life::since(created_at, None, Vec::new(), CancellationToken::new()));
        self.workloads.push(workload);
    }

    fn next_uid(&self) -> String {
        format!("wrk-{:012}", self.workloads.len() + 1)
    }

    pub(super) fn record(&mut self, call: RecordedCall) {
        self.calls.push(call);
    }

    pub(super) fn calls(&self) -> &[RecordedCall] {
        &self.calls
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
        let workload = Workload::registered(uid, registration, Timestamp::now());
        let shown = workload.shown(&self.options.delays);
        self.workloads.push(workload);
        shown
    }

    /// What a pod of this workload needs to listen, when it may be deployed.
    pub(super) fn may_deploy(&self, uid: &str) -> Result<(String, Option<u16>), Problem> {
        let workload = self.find(uid)?;
        if workload.is_deleted() || workload.was_deployed() {
            let error = "workload is already deployed or deleted";
            return Err(Problem::new(axum::http::StatusCode::CONFLICT, error, "INVALID_STATE"));
        }
        let left = self.stock.get(workload.machine().name).copied().unwrap_or(0);
        if left == 0 {
            return Err(Problem::new(axum::http::StatusCode::CONFLICT, "no capacity", "NO_CAPACITY"));
        }
        Ok((workload.name().to_owned(), workload.port()))
    }

    pub(super) fn deploy(&mut self, uid: &str, life: Life) -> Result<Value, Problem> {
        self.may_deploy(uid)?;
        let delays = self.options.delays;
        let workload = self.find_mut(uid)?;
        workload.deploy(life);
        let (machine, shown) = (workload.machine().name, workload.shown(&delays));
        if let Some(left) = self.stock.get_mut(machine) {
            *left -= 1;
        }
        Ok(shown)
    }

    pub(super) fn delete(&mut self, uid: &str) -> Result<(), Problem> {
        let workload = self.find_mut(uid)?;
        if workload.is_deleted() {
            return Err(Problem::not_found());
        }
        let cost = workload.delete();
        let machine = workload.machine().name;
        if cost && let Some(left) = self.stock.get_mut(machine) {
            *left += 1;
        }
        Ok(())
    }

    /// Somebody has looked at the state of a workload; some are deleted by somebody else then.
    pub(super) fn looked_at(&mut self, uid: &str) {
        let doomed = self.find_mut(uid).is_ok_and(Workload::look);
        if doomed {
            // It was there a moment ago.
            let _gone = self.delete(uid);
        }
    }

    pub(super) fn find(&self, uid: &str) -> Result<&Workload, Problem> {
        self.workloads.iter().find(|workload| workload.is_known_as(uid)).ok_or_else(Problem::not_found)
    }

    fn find_mut(&mut self, uid: &str) -> Result<&mut Workload, Problem> {
        self.workloads.iter_mut().find(|workload| workload.is_known_as(uid)).ok_or_else(Problem::not_found)
    }

    pub(super) fn shown(&self, fits: impl Fn(&Workload, &'static str) -> bool) -> Vec<Value> {
        let delays = &self.options.delays;
        let known = self.workloads.iter().filter(|workload| !workload.is_forgotten());
        let fitting = known.filter(|workload| fits(workload, workload.status(delays)));
        fitting.map(|workload| workload.shown(delays)).collect()
    }

    pub(super) fn seen(&self) -> Vec<SeenWorkload> {
        self.workloads.iter().map(|workload| workload.seen(&self.options.delays)).collect()
    }

    pub(super) fn delays(&self) -> Delays {
        self.options.delays
    }

    /// Where a healthy pod of the name passes its connections on to.
    pub(super) fn backend(&self, name: &str) -> Option<SocketAddr> {
        self.options.backends.get(name).copied()
    }
}
