//! A service, an account, a clock that jumps and a folder for leases, ready to be tested with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use gen404_outside::observer::Observer;
use gen404_outside::time::Clock;
use gen404_sandbox::targon::{FakeTargon, Options};
use gen404_targon::{
    ApiKey, Leases, Order, Patience, PodEvent, PodKind, StartError, Started, TargonClient, TypeChoice, start,
};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The key of all tests; searched for in everything that is shown or written.
pub(crate) const KEY: &str = "sn4_7hisKeyMustNeverBeSeen0000000";

/// Waiting takes no time: sleeping moves the clock.
#[derive(Debug)]
pub(crate) struct JumpingClock {
    begin: Timestamp,
    passed: Mutex<Duration>,
}

impl JumpingClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { begin: Timestamp::now(), passed: Mutex::default() })
    }

    pub(crate) fn jump(&self, duration: Duration) {
        *self.passed.lock().unwrap() += duration;
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        self.begin + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        *self.passed.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.jump(duration);
        tokio::task::yield_now().boxed()
    }
}

/// Writes down everything that is told.
#[derive(Debug, Default)]
pub(crate) struct Diary(Mutex<Vec<String>>);

impl Diary {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Observer<PodEvent<'_>> for Diary {
    fn on(&self, event: PodEvent<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

pub(crate) struct Ready {
    pub(crate) fake: FakeTargon,
    pub(crate) clock: Arc<JumpingClock>,
    pub(crate) client: TargonClient,
    pub(crate) leases: Leases,
    pub(crate) folder: TempDir,
    pub(crate) interrupt: CancellationToken,
    pub(crate) diary: Diary,
}

impl Ready {
    pub(crate) async fn new(options: Options) -> Self {
        let fake = FakeTargon::start(options).await.unwrap();
        let clock = JumpingClock::new();
        let folder = tempfile::tempdir().unwrap();
        Self {
            client: client(&fake, KEY, &clock),
            leases: Leases::in_folder(folder.path().join("pods")),
            fake,
            clock,
            folder,
            interrupt: CancellationToken::new(),
            diary: Diary::default(),
        }
    }

    pub(crate) async fn start(&self, order: &Order) -> Result<Started, StartError> {
        start(&self.client, &self.leases, order, &self.interrupt, &self.diary).await
    }
}

pub(crate) fn client(fake: &FakeTargon, key: &str, clock: &Arc<JumpingClock>) -> TargonClient {
    let key = ApiKey::new(&key.into()).unwrap();
    TargonClient::new(fake.url().clone(), Some(key), Arc::<JumpingClock>::clone(clock)).unwrap()
}

/// The generator, with the patience of a test.
pub(crate) fn order() -> Order {
    Order {
        pod: PodKind::Generator.specification(Some("example.com/gen:1".parse().unwrap())).unwrap(),
        choice: TypeChoice::Automatic,
        replace: false,
        wait: true,
        patience: Patience { visible: Duration::from_mins(1), healthy: Duration::from_mins(2) },
    }
}
