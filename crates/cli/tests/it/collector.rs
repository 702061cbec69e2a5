//! `verify` beside the sandbox's organisers: 200 submissions, broken at random and in the same way in every run, collected and
//! fetched by the organisers' own code, which shares none with the commands. Both must say the same of each, and why.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use gen404_devchain::{Lock, Neuron, Options, PastReveals};
use gen404_round::AccountId;
use gen404_sandbox::competition::{Arrival, Collected, Courier, Entry, Order, REQUIRED_LOCK, collect};
use serde_json::{Value, json};

use crate::miner::{HASH, Miner, options};
use crate::round::write_state;
use crate::submission::{entry, generating, module};
use crate::verify::verify;

const COUNT: u8 = 200;
const WINDOW: (u64, u64) = (10, 18);
const LIMIT: usize = 1 << 20;

/// What hosts do, good and bad.
const HABITS: [&str; 22] = [
    "plain",
    "headless",
    "bareua",
    "folder",
    "slow",
    "flaky",
    "gzip",
    "wrong-length",
    "challenge",
    "redirect",
    "forbidden",
    "missing",
    "gone",
    "failing",
    "busy",
    "not-gzip",
    "bomb",
    "large",
    "endless",
    "truncated",
    "latin",
    "cut",
];

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_of<'a>(&mut self, things: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.roll(things.len() as u64)).expect("small");
        things[at]
    }

    /// Up to four reveals around the window, some of them broken; `good` is an address that is none of its faults.
    fn reveals(&mut self, good: &str) -> Vec<(Vec<u8>, u64)> {
        let upper = HASH.to_uppercase();
        let (slashes, shouted) = (format!("{good}///"), good.replacen("http", "HTTP", 1));
        let long = format!("{good}/{}", "x".repeat(2_083));
        let count = 1 + self.roll(4);
        let mut reveals = Vec::new();
        for _ in 0..count {
            let mut fields = Vec::new();
            if self.roll(6) > 0 {
                let repo = ["a/b", "a/b", "a/b", "you/pipe-line", "größe/x_1", "a/b.c", "a/b/c", "ab", "/b", ""];
                fields.push(format!(r#""repo":"{}""#, self.one_of(&repo)));
            }
            if self.roll(6) > 0 {
                let commit = [HASH, HASH, HASH, HASH, &upper, &HASH[1..], "zz", ""];
                fields.push(format!(r#""commit":"{}""#, self.one_of(&commit)));
            }
            if self.roll(6) > 0 {
                let address =
                    [good, good, good, &slashes, &shouted, &long, "ftp://c.example/x", "c.example", "http://", ""];
                fields.push(format!(r#""cdn_url":"{}""#, self.one_of(&address)));
            }
            if count == 1 && self.roll(6) == 0 {
                // Later keys of the same name win.
                fields.push(r#""repo":7"#.to_owned());
            }
            let text = format!("{{{}}}", fields.join(","));
            let text = match self.roll(12) {
                0 => text.replace('"', "'"),
                1 => text.trim_end_matches('}').to_owned(),
                2 => format!("{text} x'"),
                _ => text,
            };
            // From before the window to after it, its edges among them.
            let block = [8, 9, 10, 11, 12, 14, 16, 17, 18, 18, 19, 21][usize::try_from(self.roll(12)).expect("small")];
            reveals.push((payload(&format!("{text:<80}")), block));
        }
        reveals
    }
}

/// A SCALE string.
fn payload(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    [&((length << 2) | 1).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A host that answers `/HABIT/…` as its first part says.
struct Host {
    address: SocketAddr,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let turns = Arc::<Mutex<HashMap<String, usize>>>::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let turns = Arc::clone(&turns);
                std::thread::spawn(move || serve(stream, &turns));
            }
        });
        Self { address }
    }

    fn address(&self, number: u8) -> String {
        format!("http://{}/{}/{number}", self.address, HABITS[usize::from(number) % HABITS.len()])
    }
}

fn serve(mut stream: TcpStream, turns: &Mutex<HashMap<String, usize>>) {
    let mut request = Vec::new();
    let mut piece = [0; 2_048];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let turn = {
        let mut turns = turns.lock().expect("whole");
        let turn = turns.entry(path.clone()).or_default();
        *turn += 1;
        *turn
    };
    // The client may have left.
    let _left = stream.write_all(&reply(&request, &path, turn));
}

fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for header in headers {
        let _written = write!(head, "{header}\r\n");
    }
    if !headers.iter().any(|header| header.starts_with("content-length") || header.starts_with("transfer")) {
        let _written = write!(head, "content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("written");
    gzip.finish().expect("whole")
}

fn reply(request: &str, path: &str, turn: usize) -> Vec<u8> {
    let lower = request.to_lowercase();
    let agent = lower.lines().find_map(|line| line.strip_prefix("user-agent: ")).unwrap_or_default();
    let good = format!("{}// {}\n", module(path), "padding ".repeat(20));
    let good = good.as_bytes();
    let no = |status: &str| answer(status, &[], b"");
    let length = |bytes: usize| format!("content-length: {bytes}");
    match path.split('/').nth(1).unwrap_or_default() {
        "headless" if request.starts_with("HEAD ") => no("403 Forbidden"),
        "bareua" if agent.is_empty() || agent.starts_with("python-urllib") => no("403 Forbidden"),
        "folder" if std::path::Path::new(path).extension().is_none() => no("404 Not Found"),
        "flaky" if turn % 2 == 1 => no("503 Service Unavailable"),
        "challenge" => answer("403 Forbidden", &["cf-mitigated: challenge", "server: cloudflare"], b"<title>"),
        "redirect" => answer("302 Found", &["location: /plain/0/a1.js"], b""),
        "forbidden" => no("403 Forbidden"),
        "missing" => no("404 Not Found"),
        "gone" => no("410 Gone"),
        "failing" => no("500 Internal Server Error"),
        "busy" => answer("429 Too Many Requests", &["retry-after: 0"], b""),
        "gzip" => answer("200 OK", &["content-encoding: gzip"], &packed(good)),
        "not-gzip" => answer("200 OK", &["content-encoding: gzip"], good),
        "bomb" => answer("200 OK", &["content-encoding: gzip"], &packed(&vec![b' '; LIMIT + 1])),
        "large" => answer("200 OK", &[], &vec![b' '; LIMIT + 1]),
        "endless" => {
            let body = [format!("{:x}\r\n", LIMIT + 1).into_bytes(), vec![b' '; LIMIT + 1], b"\r\n0\r\n\r\n".to_vec()]
                .concat();
            answer("200 OK", &["transfer-encoding: chunked"], &body)
        }
        "truncated" => answer("200 OK", &[&length(good.len() + 9)], good),
        // It ends in the padding, so what comes is a module all the same.
        "wrong-length" => answer("200 OK", &[&length(good.len() - 9)], good),
        "latin" => answer("200 OK", &[], &[good, b"// \xe9\n"].concat()),
        "cut" => Vec::new(),
        "slow" => {
            std::thread::sleep(Duration::from_millis(200));
            answer("200 OK", &[], good)
        }
        _ => answer("200 OK", &[], good),
    }
}

/// What the organisers decide of a hotkey, and a word of why.
fn decided(collected: &Collected, hotkey: AccountId) -> (&'static str, Vec<String>) {
    let Some((_, reason)) = collected.left_out.iter().find(|(left, _)| *left == hotkey) else {
        let takes_part = collected.entries.iter().any(|entry| entry.hotkey == hotkey);
        return (if takes_part { "admitted" } else { "nothing_revealed" }, Vec::new());
    };
    if let Some(missing) = reason.strip_prefix("nothing inside the window says its ") {
        return ("incomplete", missing.split(", ").map(str::to_owned).collect());
    }
    match reason.strip_prefix("its ").and_then(|rest| rest.split_once(' ')) {
        Some(("coldkey", _)) => ("lock_too_small", vec!["coldkey has locked".to_owned()]),
        Some((field, _)) => ("invalid", vec![format!("`{field}`")]),
        None => ("not_registered", vec!["not registered on the subnet".to_owned()]),
    }
}

/// Asks `verify` about each, several at a time.
fn ask<T: Sync>(miner: &Miner, all: &[T], at_once: usize, hotkey: impl Fn(&T) -> AccountId + Sync) -> Vec<Value> {
    let url = miner.chain.url();
    let one = |hotkey: AccountId| {
        let hotkey = hotkey.to_string();
        verify(&miner.home, &[&hotkey, "--subtensor.endpoint", &url, "--repository", "nowhere"]).json()
    };
    std::thread::scope(|scope| {
        let some = all.chunks(all.len().div_ceil(at_once).max(1));
        let (one, hotkey) = (&one, &hotkey);
        let asking: Vec<_> = some
            .map(|some| scope.spawn(move || some.iter().map(|each| one(hotkey(each))).collect::<Vec<_>>()))
            .collect();
        asking.into_iter().flat_map(|asking| asking.join().expect("it was asked")).collect()
    })
}

/// A chain on which 200 hotkeys have tried to submit something. The first ones have done it right, one for each habit of a host.
async fn chain_with_submissions(host: &Host) -> (Miner, Vec<AccountId>) {
    let mut dice = Dice(404);
    let (mut neurons, mut reveals, mut hotkeys) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..COUNT {
        let (hotkey, coldkey) = (AccountId([number + 1; 32]), AccountId([0xff - number / 2; 32]));
        let right = usize::from(number) < HABITS.len();
        let address = host.address(number);
        let broken = dice.reveals(&address);
        let whole = payload(&format!(r#"{{"repo":"a/b","commit":"{HASH}","cdn_url":"{address}"}}"#));
        if dice.roll(10) > 0 || right {
            neurons.push(Neuron { hotkey, coldkey });
        }
        reveals.push(PastReveals { hotkey, reveals: if right { vec![(whole, WINDOW.0)] } else { broken } });
        hotkeys.push(hotkey);
    }
    // Two hotkeys a coldkey: enough for one of them, for both, or a little less.
    let masses = [REQUIRED_LOCK - 1, REQUIRED_LOCK, 2 * REQUIRED_LOCK - 1, 2 * REQUIRED_LOCK, 3 * REQUIRED_LOCK];
    let locks = (0..COUNT / 2).map(|pair| Lock {
        coldkey: AccountId([0xff - pair; 32]),
        locked_mass: if usize::from(pair) < HABITS.len().div_ceil(2) {
            2 * REQUIRED_LOCK
        } else {
            masses[usize::try_from(dice.roll(5)).expect("small")]
        },
        conviction_bits: 0,
        last_update: 1,
    });
    let locks = locks.collect();
    let miner = Miner::on(Options { manual_blocks: true, neurons, reveals, locks, ..options() }).await;
    while miner.chain.block_number() < 24 {
        miner.chain.produce_block();
    }
    (miner, hotkeys)
}

/// While the window is open: who will take part, in which place, with which values, and why not.
fn agree_on_submissions(collected: &Collected, hotkeys: &[AccountId], said: &[Value]) {
    let mut seen = BTreeMap::new();
    for (hotkey, said) in hotkeys.iter().zip(said) {
        let (verdict, words) = decided(collected, *hotkey);
        *seen.entry(verdict).or_insert(0) += 1;
        assert_eq!((&said["verdict"], &said["takes_part"]), (&json!(verdict), &json!(verdict == "admitted")), "{said}");
        let reason = said["reason"].as_str().unwrap_or_default();
        assert!(words.iter().all(|word| reason.contains(word.as_str())), "{words:?}: {said}");
    }
    for (index, entry) in collected.entries.iter().enumerate() {
        let Entry { hotkey, repo, commit, cdn_url, block } = entry;
        let said = &said[hotkeys.iter().position(|known| known == hotkey).expect("one of them")];
        for (key, value) in [
            ("repo", json!(repo)),
            ("commit", json!(commit)),
            ("cdn_url", json!(cdn_url)),
            ("commit_block", json!(block)),
            ("of", json!(collected.entries.len())),
        ] {
            assert_eq!(said[key], value, "{key}: {said}");
        }
        // Of one block the chain's order decides, which is not the order of hotkeys.
        let of_block = |range: &[Entry]| range.iter().filter(|other| other.block == *block).count();
        let first = index - of_block(&collected.entries[..index]);
        let last = index + of_block(&collected.entries[index..]);
        let place = said["place"].as_u64().and_then(|place| usize::try_from(place).ok()).expect("a place");
        assert!((first + 1..=last).contains(&place), "{place} is not from {} to {last}: {said}", first + 1);
    }
    assert_eq!(seen.len(), 6, "every verdict occurs: {seen:?}");
    assert!(seen["admitted"] >= HABITS.len(), "enough to meet every habit: {seen:?}");
}

/// When files are read: what becomes of each file, and in which words.
fn agree_on_files(arrivals: &[Arrival], said: &[Value], habit: impl Fn(AccountId) -> &'static str) {
    let mut seen = BTreeMap::new();
    for (arrival, said) in arrivals.iter().zip(said) {
        let habit = habit(arrival.hotkey);
        let expected = match &arrival.module {
            Ok(module) if std::str::from_utf8(module).is_err() => ("refused", Some("render_failed")),
            Ok(_) => ("delivered", None),
            // Nobody answered, which may be this machine's own trouble.
            Err(reason) if reason == "js_fetch_failed: ReadError" => ("unknown", None),
            Err(reason) => ("lost", Some(reason.as_str())),
        };
        let stem = &said["stems"][0];
        assert_eq!((&stem["state"], &stem["reason"]), (&json!(expected.0), &json!(expected.1)), "{habit}: {said}");
        seen.insert(habit, expected.0);
    }
    assert_eq!(seen.len(), HABITS.len(), "every habit occurs: {seen:?}");
    let delivering = ["plain", "headless", "bareua", "folder", "slow", "flaky", "gzip", "wrong-length"];
    for (habit, state) in seen {
        assert_eq!(state == "delivered", delivering.contains(&habit), "{habit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_broken_submissions_fare_as_with_the_sandboxes_organisers() {
    let host = Host::start();
    let (miner, hotkeys) = chain_with_submissions(&host).await;
    write_state(&miner.home, "open", WINDOW.0, WINDOW.1);
    let collected = collect(&miner.chain.reader().snapshot(), WINDOW.0, WINDOW.1, REQUIRED_LOCK);
    let said = ask(&miner, &hotkeys, 4, |hotkey| *hotkey);
    agree_on_submissions(&collected, &hotkeys, &said);

    let submissions: Vec<_> =
        collected.entries.iter().map(|one| (one.hotkey, entry(&one.commit, &one.cdn_url))).collect();
    generating(&miner.home, 5_000, &["a1"], &submissions);
    let order =
        |one: &Entry| Order { hotkey: one.hotkey, stem: "a1".to_owned(), url: format!("{}/a1.js", one.cdn_url) };
    let orders: Vec<_> = collected.entries.iter().map(order).collect();
    let arrivals = Courier::new().expect("a client").fetch(orders).await;
    // A second attempt comes three seconds later, and most of them wait for one.
    let said = ask(&miner, &arrivals, 16, |arrival| arrival.hotkey);
    let habit = |hotkey: AccountId| HABITS[usize::from(hotkey.0[0] - 1) % HABITS.len()];
    agree_on_files(&arrivals, &said, habit);
}
