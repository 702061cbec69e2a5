//! What the tests share: keys, chains that make five blocks a second, a clock that can be wrong, an observer that remembers.

use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use gen404_chain::{Chain, CommitError, CommitRequest, Commitment, ConnectOptions, Event, HotkeySigner, Wait};
use gen404_devchain::{DevelopmentChain, Neuron, Options};
use gen404_outside::observer::Observer;
use gen404_outside::time::{Clock, SystemClock};
use gen404_round::{AccountId, Hotkey, NETUID, Reveal};
use jiff::{SignedDuration, Timestamp};
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey};

pub(crate) const COLDKEY: AccountId = AccountId([0xc0; 32]);
pub(crate) const HASH: &str = "5b1e56b263464daec34aae0ce9fee7c609a4eb07";

/// A hotkey with its secret, derived from a number.
pub(crate) struct Key(Keypair);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        let secret = MiniSecretKey::from_bytes(&[seed; 32]).expect("any 32 bytes are a seed");
        Self(secret.expand_to_keypair(ExpansionMode::Ed25519))
    }

    pub(crate) fn neuron(&self) -> Neuron {
        Neuron { hotkey: self.hotkey(), coldkey: COLDKEY }
    }
}

impl HotkeySigner for Key {
    fn hotkey(&self) -> Hotkey {
        AccountId(self.0.public.to_bytes())
    }

    fn sign(&self, payload: &[u8]) -> [u8; 64] {
        self.0.sign_simple(b"substrate", payload).to_bytes()
    }
}

/// The machine's clock, so many seconds off.
pub(crate) struct WrongClock(pub(crate) i64);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.0)
    }

    fn elapsed(&self) -> Duration {
        unreachable!("the chain's timeouts are the runtime's")
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        unreachable!("the chain waits for blocks")
    }
}

type Reaction = dyn Fn(&Event) + Send + Sync;

/// Remembers every event; may do something when one happens.
#[derive(Default)]
pub(crate) struct Diary {
    events: Mutex<Vec<Event>>,
    reaction: Option<Box<Reaction>>,
}

impl Diary {
    pub(crate) fn reacting(reaction: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { events: Mutex::default(), reaction: Some(Box::new(reaction)) }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("no test panics while writing").clone()
    }

    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events().iter().filter(|event| is(event)).count()
    }
}

impl Observer<Event> for Diary {
    fn on(&self, event: Event) {
        if let Some(reaction) = &self.reaction {
            reaction(&event);
        }
        self.events.lock().expect("no test panics while writing").push(event);
    }
}

/// A chain that makes five blocks a second and has these keys registered.
pub(crate) fn fast(keys: &[&Key]) -> Options {
    Options {
        block_time: Duration::from_millis(200),
        neurons: keys.iter().map(|key| key.neuron()).collect(),
        ..Options::default()
    }
}

pub(crate) async fn start(options: Options) -> DevelopmentChain {
    DevelopmentChain::start(options).await.expect("a free port")
}

pub(crate) fn options(url: &str) -> ConnectOptions {
    ConnectOptions::new(url.parse().expect("an address"))
}

pub(crate) async fn connect(chain: &DevelopmentChain) -> Chain {
    Chain::connect(options(&chain.url()), &()).await.expect("the chain answers")
}

pub(crate) fn commit_hash() -> CommitRequest {
    CommitRequest {
        netuid: NETUID,
        reveal: Reveal::Commit { commit: HASH.parse().expect("a hash") },
        wait: Wait::Reveal,
        wait_limit: Duration::from_mins(1),
    }
}

pub(crate) fn commit_repo() -> CommitRequest {
    let repo = "owner/name".parse().expect("a repository");
    let cdn_url = "https://cdn.example/round".parse().expect("an address");
    CommitRequest { reveal: Reveal::RepositoryAndCdn { repo, cdn_url }, ..commit_hash() }
}

/// Commits the hash with a clock that is right.
pub(crate) async fn commit(chain: &Chain, key: &Key, diary: &Diary) -> Result<Commitment, CommitError> {
    chain.commit(&commit_hash(), key, &SystemClock::start(), diary).await
}

/// How often a hotkey's payload has been revealed.
pub(crate) fn reveal_count(chain: &DevelopmentChain, key: &Key) -> usize {
    chain.reveals(key.hotkey()).len()
}
