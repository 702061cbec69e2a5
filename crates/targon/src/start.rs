//! Starting a pod: quote, look for an older one, register, remember, deploy, wait until it answers.
//! Whatever goes wrong after registering, and on any signal, the machine is given back in one place.

use std::collections::HashSet;
use std::time::Duration;

use futures::FutureExt as _;
use gen404_outside::explain::{Blame, Explain, Facts, Hint};
use gen404_outside::text::excerpt;
use gen404_outside::time::in_words;
use tokio_util::sync::CancellationToken;

use crate::amount::{Usd, price_in_words};
use crate::client::{TargonClient, fresh_lines};
use crate::error::TargonError;
use crate::event::{Listener, PodEvent};
use crate::lease::{HeldLease, Lease, LeaseError, Leases, Phase};
use crate::life::{Failure, Next, Patience, Seen, Watch};
use crate::names::Uid;
use crate::pod::PodSpecification;
use crate::quote::{Quote, QuoteError, TypeChoice};
use crate::stop::{PodTag, STOP_THEM, StopError, forget, still_running};
use crate::wire::{PublicUrl, Workload, WorkloadEvent};

/// What to start, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The pod.
    pub pod: PodSpecification,
    /// How the type of the workload is chosen.
    pub choice: TypeChoice,
    /// Stop an older pod of the name first instead of refusing.
    pub replace: bool,
    /// Wait until it answers; otherwise return once it is deployed.
    pub wait: bool,
    /// How long it gets.
    pub patience: Patience,
}

/// A pod that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Which.
    pub pod: PodTag,
    /// What it was bought as.
    pub quote: Quote,
    /// Where it answers; none when nobody waited for that.
    pub url: Option<PublicUrl>,
    /// Since it was deployed.
    pub elapsed: Duration,
}

/// A pod of the name that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// Which.
    pub pod: PodTag,
    /// Its status word.
    pub status: String,
    /// How old it is.
    pub age: Option<Duration>,
}

/// Why a pod was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such machine to be had.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The service did not do what it was asked for; nothing was deployed.
    #[error(transparent)]
    Targon(#[from] TargonError),
    /// Leases cannot be kept; nothing was registered.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// One of the name is there already.
    #[error(
        "a pod `{}` is there already: {}, {}{}, {}",
        older.pod.name, older.pod.uid, older.status, how_old(older.age), price_in_words(older.pod.cost_per_hour)
    )]
    AlreadyThere {
        /// The first of them.
        older: Box<Older>,
    },
    /// The older one could not be stopped; nothing new was started.
    #[error("the older {pod} could not be stopped")]
    NotReplaced {
        /// Which.
        pod: PodTag,
        /// Why not.
        #[source]
        source: StopError,
    },
    /// The user interrupted before anything was registered.
    #[error("interrupted before anything was bought")]
    Interrupted,
    /// It did not come to life, and was given back.
    #[error("{} {}: {cause}", pod.name, if cause.is_the_end_of_the_pod() { "is gone" } else { "was stopped" })]
    GivenBack {
        /// Which.
        pod: PodTag,
        /// Why.
        cause: Cause,
        /// The last lines of its log.
        log: Vec<String>,
        /// What it cost.
        spent: Option<Usd>,
    },
    /// It did not come to life, and **may still run and cost money**.
    #[error("{pod} may still be running and costing money: {cause}, and stopping it failed")]
    LeftRunning {
        /// Which.
        pod: PodTag,
        /// Why it was given up.
        cause: Cause,
        /// The last lines of its log.
        log: Vec<String>,
        /// Why it could not be stopped.
        #[source]
        source: StopError,
    },
}

/// Why a registered pod was given up.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The user interrupted.
    #[error("interrupted by the user")]
    Interrupted,
    /// It did not come to life.
    #[error("{0}")]
    Failed(Failure),
    /// The service would not deploy it, or would not answer any more.
    #[error("{0}")]
    Targon(TargonError),
    /// It could not be remembered, so it was not deployed.
    #[error("{0}")]
    Lease(LeaseError),
}

fn how_old(age: Option<Duration>) -> String {
    age.map_or_else(String::new, |age| format!(", {} old", in_words(age)))
}

impl Explain for StartError {
    fn blame(&self) -> Blame {
        match self {
            Self::Quote(error) => error.blame(),
            Self::Targon(error) => error.blame(),
            Self::Lease(error) => error.blame(),
            Self::AlreadyThere { .. } => Blame::Here,
            Self::Interrupted => Blame::Interruption,
            Self::GivenBack { cause, .. } => cause.blame(),
            Self::LeftRunning { .. } | Self::NotReplaced { .. } => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Quote(error) => error.hint(),
            Self::Targon(error) => error.hint(),
            Self::Lease(error) => error.hint(),
            Self::AlreadyThere { .. } => Some("--replace stops it first; `404-cli stop-pods` stops all three".into()),
            Self::Interrupted => None,
            Self::GivenBack { cause, .. } => cause.hint(),
            Self::LeftRunning { .. } | Self::NotReplaced { .. } => Some(STOP_THEM.into()),
        }
    }

    fn facts(&self) -> Facts {
        let uid = |pod: &PodTag| ("uid".to_owned(), pod.uid.as_str().into());
        match self {
            Self::Quote(_) | Self::Targon(_) | Self::Lease(_) | Self::Interrupted => Facts::new(),
            Self::AlreadyThere { older } => Facts::from_iter([uid(&older.pod)]),
            Self::GivenBack { pod, spent, .. } => {
                Facts::from_iter([uid(pod), ("spent".to_owned(), spent.map(Usd::dollars).into())])
            }
            Self::LeftRunning { pod, .. } | Self::NotReplaced { pod, .. } => still_running([pod]),
        }
    }
}

impl Explain for Cause {
    fn blame(&self) -> Blame {
        match self {
            Self::Interrupted => Blame::Interruption,
            Self::Failed(_) => Blame::Service,
            Self::Targon(error) => error.blame(),
            Self::Lease(error) => error.blame(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Interrupted => None,
            Self::Failed(failure) => Some(failure.hint().into()),
            Self::Targon(error) => error.hint(),
            Self::Lease(error) => error.hint(),
        }
    }
}

impl Cause {
    /// The pod was over before anything was done about it here.
    fn is_the_end_of_the_pod(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_the_end_of_the_pod())
    }
}

/// Registrations tried when answers get lost.
const REGISTRATIONS: u32 = 3;

/// Deployments tried when answers get lost.
const DEPLOYMENTS: u32 = 3;

/// Looks for what became of a request whose answer got lost.
const LOOKS: u32 = 3;

/// Lines of the log that tell why a pod did not come to life.
const LAST_LINES: usize = 20;

/// Lines of the log looked at in one go while waiting.
const WINDOW: usize = 100;

/// Starts a pod. When this returns an error other than [`StartError::LeftRunning`], nothing of it is left running.
///
/// Dropping the future before it returns may leave a machine behind; cancel `interrupt` instead.
pub async fn start(
    client: &TargonClient,
    leases: &Leases,
    order: &Order,
    interrupt: &CancellationToken,
    observer: &Listener<'_>,
) -> Result<Started, StartError> {
    let _claim = leases.claim(&order.pod.name)?;
    let starter = Starter { client, leases, order, interrupt, observer };
    let quote = starter.or_interrupted(client.quote(&order.pod.resource, order.choice)).await??;
    observer.on(PodEvent::Quoted(&quote));
    let named = starter.or_interrupted(client.workloads_named(order.pod.name.as_str())).await??;
    starter.make_room(&named).await?;
    let known: HashSet<Uid> = named.into_iter().map(|workload| workload.uid).collect();
    let workload = starter.register(&quote, &known).await?;
    starter.bring_up(quote, &workload).await
}

struct Starter<'a> {
    client: &'a TargonClient,
    leases: &'a Leases,
    order: &'a Order,
    interrupt: &'a CancellationToken,
    observer: &'a Listener<'a>,
}

impl Starter<'_> {
    async fn or_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, StartError> {
        tokio::select! {
            biased;
            () = self.interrupt.cancelled() => Err(StartError::Interrupted),
            outcome = work => Ok(outcome),
        }
    }

    /// Refuses, or with `replace` stops, pods of the name that are not over.
    async fn make_room(&self, named: &[Workload]) -> Result<(), StartError> {
        for workload in named.iter().filter(|workload| !workload.state.status.is_over()) {
            let pod = PodTag::from(workload);
            let age = workload.created_at.map(|then| self.client.age(then));
            if !self.order.replace {
                let older = Older { pod, status: workload.state.status.to_string(), age };
                return Err(StartError::AlreadyThere { older: Box::new(older) });
            }
            self.observer.on(PodEvent::Replacing { pod: &pod, age });
            let outcome = self.or_interrupted(self.client.give_back(&workload.uid)).await?;
            outcome.map_err(|source| StartError::NotReplaced { pod: pod.clone(), source })?;
            forget(self.leases, &workload.uid);
            self.observer.on(PodEvent::Stopped { pod: &pod });
        }
        Ok(())
    }

    /// Registers the pod. Once the request is out, not even a signal ends the wait for its answer: without the
    /// identifier there would be nothing to give back. A lost answer is looked for by name before asking again.
    async fn register(&self, quote: &Quote, known: &HashSet<Uid>) -> Result<Workload, StartError> {
        let mut attempt = 0;
        loop {
            if self.interrupt.is_cancelled() {
                return Err(StartError::Interrupted);
            }
            let error = match self.client.create(&self.order.pod, quote.workload_type).await {
                Ok(workload) => return Ok(workload),
                Err(error) => error,
            };
            if error.is_uncertain()
                && let Some(workload) = self.find_new(known).await
            {
                return Ok(workload);
            }
            attempt += 1;
            if attempt == REGISTRATIONS || !error.is_retryable() {
                return Err(error.into());
            }
            self.or_interrupted(self.client.pause_after(attempt, error)).await??;
        }
    }

    /// The pod that a lost answer was about: of our name and image, not there before, not deployed.
    async fn find_new(&self, known: &HashSet<Uid>) -> Option<Workload> {
        for _ in 0..LOOKS {
            let named = self.client.workloads_named(self.order.pod.name.as_str()).await.unwrap_or_default();
            let ours = |workload: &Workload| {
                !known.contains(&workload.uid)
                    && workload.image == self.order.pod.image.as_str()
                    && !workload.state.status.is_over()
            };
            if let Some(workload) = named.into_iter().find(ours) {
                return Some(workload);
            }
            self.client.pause().await;
        }
        None
    }

    /// Everything after registering. The only way on from here is a pod that answers, or one that was given back.
    async fn bring_up(&self, quote: Quote, workload: &Workload) -> Result<Started, StartError> {
        let pod = PodTag {
            uid: workload.uid.clone(),
            name: self.order.pod.name.to_string(),
            cost_per_hour: workload.cost_per_hour.or(quote.cost_per_hour),
        };
        self.observer.on(PodEvent::Registered { pod: &pod });
        let mut life = Life { pod: &pod, deployed: None };
        let outcome = match self.leases.hold(self.lease(workload, &quote, &pod)) {
            Ok(lease) => tokio::select! {
                biased;
                () = self.interrupt.cancelled() => Err(Cause::Interrupted),
                outcome = self.live(&mut life) => outcome.map(|url| (lease, url)),
            },
            Err(error) => Err(Cause::Lease(error)),
        };
        let elapsed = life.deployed.map_or(Duration::ZERO, |then| self.client.clock().elapsed().saturating_sub(then));
        match outcome {
            Ok((lease, url)) => {
                self.hand_over(lease);
                Ok(Started { pod, quote, url, elapsed })
            }
            Err(cause) => Err(self.give_back(pod, cause, elapsed).await),
        }
    }

    fn lease(&self, workload: &Workload, quote: &Quote, pod: &PodTag) -> Lease {
        Lease {
            uid: pod.uid.clone(),
            name: self.order.pod.name.clone(),
            created_at: workload.created_at.unwrap_or_else(|| self.client.clock().now()),
            cost_per_hour: pod.cost_per_hour,
            resource: quote.resource.to_string(),
            base_url: self.client.address(),
            account: self.client.account(),
            phase: Phase::Starting,
        }
    }

    fn hand_over(&self, lease: HeldLease) {
        if let Err(error) = self.leases.hand_over(lease) {
            self.observer.on(PodEvent::LeaseNotUpdated { error: &error });
        }
    }

    /// The one way out for everything that was bought and is not wanted.
    async fn give_back(&self, pod: PodTag, cause: Cause, elapsed: Duration) -> StartError {
        let log = match &cause {
            Cause::Failed(_) => self.client.logs(&pod.uid, LAST_LINES).await.unwrap_or_default(),
            _ => Vec::new(),
        };
        // One that is over is deleted all the same: nothing costs money by mistake.
        let is_over = cause.is_the_end_of_the_pod();
        if !is_over {
            self.observer.on(PodEvent::Stopping { pod: &pod, age: Some(elapsed) });
        }
        match self.client.give_back(&pod.uid).await {
            Ok(()) => {
                forget(self.leases, &pod.uid);
                let pod_tag = &pod;
                self.observer.on(if is_over {
                    PodEvent::AlreadyStopped { pod: pod_tag }
                } else {
                    PodEvent::Stopped { pod: pod_tag }
                });
                let spent = pod.cost_per_hour.map(|price| price.for_time(elapsed));
                StartError::GivenBack { pod, cause, log, spent }
            }
            Err(source) => StartError::LeftRunning { pod, cause, log, source },
        }
    }

    /// From registered to answering. May be dropped at any moment: whoever drops it gives the pod back.
    async fn live(&self, life: &mut Life<'_>) -> Result<Option<PublicUrl>, Cause> {
        // It may cost money from the request on, whatever becomes of the answer.
        life.deployed = Some(self.client.clock().elapsed());
        self.deploy(&life.pod.uid).await.map_err(Cause::Targon)?;
        self.observer.on(PodEvent::Deployed { pod: life.pod });
        if !self.order.wait {
            return Ok(None);
        }
        self.wait(life).await.map(Some)
    }

    /// Deploys. An answer that got lost, or a 5xx, may have gone ahead: the state tells.
    async fn deploy(&self, uid: &Uid) -> Result<(), TargonError> {
        let mut attempt = 0;
        loop {
            let error = match self.client.deploy(uid).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            attempt += 1;
            if !error.is_uncertain() {
                return Err(error);
            }
            for _ in 0..LOOKS {
                if let Ok(state) = self.client.state(uid).await
                    && !state.status.is_registered()
                {
                    return Ok(());
                }
                self.client.pause().await;
            }
            if attempt == DEPLOYMENTS {
                return Err(error);
            }
        }
    }

    /// How the pod is. Where its state cannot be had, the pod itself tells whether it is still there. The error is final.
    async fn see(&self, uid: &Uid) -> Result<Sight, TargonError> {
        let error = match self.client.state(uid).await {
            Ok(state) => return Ok(Sight::Pod(Seen::State(state))),
            Err(error) => error,
        };
        let answered = matches!(
            error,
            TargonError::NotFound { .. }
                | TargonError::Refused { .. }
                | TargonError::Unwell { .. }
                | TargonError::NotUnderstood { .. }
        );
        let error = if answered {
            match self.client.workload(uid).await {
                Ok(workload) => return Ok(Sight::Pod(Seen::State(workload.state))),
                Err(TargonError::NotFound { .. }) => return Ok(Sight::Pod(Seen::Missing)),
                Err(error) => error,
            }
        } else {
            error
        };
        if error.is_about_the_key() { Err(error) } else { Ok(Sight::Nothing(error)) }
    }

    async fn wait(&self, life: &Life<'_>) -> Result<PublicUrl, Cause> {
        let clock = self.client.clock();
        let uid = &life.pod.uid;
        let deployed = life.deployed.unwrap_or_else(|| clock.elapsed());
        let mut watch = Watch::from(deployed, &self.order.pod, self.order.patience);
        let mut window: Vec<String> = Vec::new();
        loop {
            let seen = match self.see(uid).await.map_err(Cause::Targon)? {
                Sight::Pod(seen) => seen,
                Sight::Nothing(error) => match error.wished_pause() {
                    // Who asks for a pause is left alone for that long, or for good when the pod has not got that long.
                    Some(wish) if wish > watch.time_left(clock.elapsed()) => return Err(Cause::Targon(error)),
                    Some(wish) if wish > self.client.poll_interval() => {
                        self.client.pause_for(wish, &error).boxed().await;
                        continue;
                    }
                    _ => Seen::Nothing,
                },
            };
            let events = self.client.events(uid).await.unwrap_or_default();
            let log = self.client.logs(uid, WINDOW).await.unwrap_or_default();
            for line in fresh_lines(&window, &log) {
                self.observer.on(PodEvent::LogLine(line));
            }
            window = log;

            let mut next = watch.look(clock.elapsed(), &seen, &events);
            let elapsed = clock.elapsed().saturating_sub(deployed);
            let event = WorkloadEvent::newest(&events).map(|event| excerpt(event.text(), 200));
            self.observer.on(PodEvent::Waiting {
                status: watch.status(),
                event: event.as_deref(),
                elapsed,
                spent: life.pod.cost_per_hour.map(|price| price.for_time(elapsed)),
                url: if let Next::Probe(url) = &next { Some(url) } else { None },
            });
            if let Next::Probe(url) = &next {
                let answer = self.client.health(url, &self.order.pod.health_path).await;
                next = watch.probed(clock.elapsed(), answer);
            }
            match next {
                Next::Ready(url) => {
                    self.observer.on(PodEvent::Ready { url: &url });
                    return Ok(url);
                }
                Next::GiveUp(failure) => return Err(Cause::Failed(failure)),
                Next::Wait | Next::Probe(_) => self.client.pause().boxed().await,
            }
        }
    }
}

/// What a look at the pod gave.
enum Sight {
    Pod(Seen),
    /// The service's weak moment.
    Nothing(TargonError),
}

/// What is known of the pod while it comes to life.
struct Life<'a> {
    pod: &'a PodTag,
    /// When the service was asked to run it.
    deployed: Option<Duration>,
}
