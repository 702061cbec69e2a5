//! How long a listing takes and how much memory it needs, over a connection with latency; `cargo bench -p gen404-chain`.
//!
//! Arguments: number of hotkeys (default 10000), one-way latency of a message in milliseconds (default 50, which makes
//! 100 for question and answer). Ten reveals a hotkey, each hotkey of an owner of its own. The listing, with owners and locks, runs in a process of its own, so that its memory is
//! its own; the result is one JSON line.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

#[path = "../tests/it/proxy.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod proxy;

use std::process::Command;
use std::time::{Duration, Instant};

use gen404_chain::{Chain, ConnectOptions};
use gen404_devchain::{DevelopmentChain, Neuron, Options, PastReveals};
use gen404_round::{AccountId, NETUID};

const CLIENT: &str = "--client";

#[tokio::main]
async fn main() {
    // cargo adds "--bench".
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [first, url] = arguments.as_slice()
        && first == CLIENT
    {
        return list(url).await;
    }
    let number = |index: usize, default: u64| {
        arguments.get(index).map_or(default, |text| text.parse().expect("arguments are numbers"))
    };
    let (hotkeys, latency) = (number(0, 10_000), number(1, 50));
    let reveals: Vec<_> = (0..hotkeys).map(past).collect();
    let neurons = reveals.iter().map(|past| Neuron { hotkey: past.hotkey, coldkey: owner_of(past.hotkey) }).collect();
    let options = Options { reveals, neurons, ..Options::default() };
    let chain = DevelopmentChain::start(options).await.expect("a free port");
    let manners = proxy::Manners { latency: Duration::from_millis(latency), ..proxy::Manners::default() };
    let proxy = proxy::Proxy::start(&chain.url(), manners).await;
    let url = proxy.url.clone();
    let client = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().expect("this program")).args([CLIENT, &url]).output()
    });
    let output = client.await.expect("no panic").expect("it starts");
    let figures = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let deepest = proxy.asked().iter().map(|asked| asked.depth).max().unwrap_or_default();
    println!(
        r#"{{"hotkeys":{hotkeys},"latency_ms":{},"questions":{},"round_trips":{deepest},{}}}"#,
        latency * 2,
        proxy.asked().len(),
        figures.trim(),
    );
}

/// Ten reveals as miners make them.
fn past(index: u64) -> PastReveals {
    let mut hotkey = [0xab; 32];
    hotkey[..8].copy_from_slice(&index.to_le_bytes());
    let reveals = (0..10)
        .map(|place| {
            let json = if place % 2 == 0 {
                format!(r#"{{"commit":"{index:040x}"}}"#)
            } else {
                format!(r#"{{"repo":"owner-{index}/name","cdn_url":"https://cdn-{index}.example/round-{place}/"}}"#)
            };
            let length = u16::try_from(json.len()).expect("short");
            let prefix = if length < 64 {
                vec![u8::try_from(length << 2).expect("short")]
            } else {
                ((length << 2) | 1).to_le_bytes().to_vec()
            };
            ([prefix, json.into_bytes()].concat(), index + place)
        })
        .collect();
    PastReveals { hotkey: AccountId(hotkey), reveals }
}

fn owner_of(hotkey: AccountId) -> AccountId {
    AccountId(hotkey.0.map(|byte| !byte))
}

async fn list(url: &str) {
    let started = Instant::now();
    let chain = Chain::connect(ConnectOptions::new(url.parse().expect("an address")), &()).await.expect("it answers");
    let connected = started.elapsed();
    let list = chain.reveals(NETUID, &()).await.expect("a list");
    let listed = started.elapsed();
    let hotkeys: Vec<_> = list.hotkeys.iter().map(|of| of.hotkey).collect();
    let owners = chain.owners(&hotkeys, &()).await.expect("owners");
    let owners: Vec<_> = owners.into_iter().flatten().collect();
    let locks = chain.coldkey_locks(&owners, NETUID, &()).await.expect("locks");
    assert_eq!(locks.len(), hotkeys.len());
    println!(
        r#""listed":{},"connect_s":{:.2},"reveals_s":{:.2},"total_s":{:.2},"cpu_s":{},"peak_mib":{}"#,
        list.hotkeys.len(),
        connected.as_secs_f64(),
        listed.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        cpu_seconds().map_or_else(|| "null".to_owned(), |seconds| format!("{seconds:.2}")),
        peak_mib().map_or_else(|| "null".to_owned(), |mib| mib.to_string()),
    );
}

/// Processor time of this process; Linux only, where a tick is a hundredth of a second.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(f64::from(ticks(11)? + ticks(12)?) / 100.0)
}

/// Largest resident set of this process; Linux only.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}
