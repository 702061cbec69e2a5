//! Manners of the binary's HTTP clients, the same for every command: a name, no proxy on the way to this machine, and words
//! for a machine without certificate authorities.
//!
//! Commands whose rooms have clients of their own belong into [`asking`], too.

use std::path::Path;

use assert_cmd::Command;
use gen404_sandbox::cdn::Cdn as Folder;
use gen404_sandbox::targon::{FakeTargon, Options};
use gen404_testing::Nobody;

use crate::cdn::{Answer, Cdn};
use crate::miner::{Ended, Miner, line};

/// No file of this name exists, so a store that is told to be here is none.
const NOTHING: &str = "/nonexistent/authorities.pem";

/// The commands that ask the service at this address, each by one HTTP client of its own.
fn asking(address: &str) -> Vec<Vec<String>> {
    let line = |line: &[&str]| line.iter().map(|&word| word.to_owned()).collect();
    vec![
        line(&["commit-repo-cdn", "--repo", "owner/name", "--cdn-url", address, "--dry-run"]),
        line(&["pods", "--targon-base-url", address, "--targon-api-key", "sn4_key"]),
        line(&["start-renderer", "--dry-run", "--targon-base-url", address, "--targon-api-key", "sn4_key"]),
    ]
}

/// The binary with that line against the miner's chain, as far as the command has one.
fn command(miner: &Miner, words: &[String]) -> Command {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let chain = miner.chain.url();
    let words = if words[0] == "commit-repo-cdn" { line(&words, "default", &chain) } else { words };
    miner.home.command(&words)
}

/// A CDN and a Targon service at addresses of their own, and the addresses.
struct Services {
    cdn: Folder,
    targon: FakeTargon,
}

impl Services {
    async fn start(folder: &Path) -> Self {
        let cdn = Folder::start(folder).await.expect("a CDN");
        Self { cdn, targon: FakeTargon::start(Options::default()).await.expect("a Targon API") }
    }

    /// Every command with the address of the service it asks.
    fn lines(&self) -> Vec<Vec<String>> {
        let lines = asking(self.cdn.url().as_str()).into_iter().zip(asking(self.targon.url().as_str()));
        lines.map(|(cdn, targon)| if cdn[0] == "commit-repo-cdn" { cdn } else { targon }).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_says_who_asks_and_takes_no_proxy_to_this_machine() {
    let miner = Miner::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let services = Services::start(folder.path()).await;
    // Nobody listens there: whoever took the proxy would get nowhere.
    let nobody = Nobody::here();
    for words in services.lines() {
        let mut command = command(&miner, &words);
        for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env(name, format!("http://{}", nobody.address()));
        }
        let ended = Ended(command.output().expect("it runs"));
        assert_eq!(ended.0.status.code(), Some(0), "{words:?}: {}", ended.transcript());
    }
    let agents = services.cdn.requests().into_iter().map(|request| request.user_agent);
    let agents = agents.chain(services.targon.calls().into_iter().map(|call| call.headers["user-agent"].clone()));
    let agents: Vec<_> = agents.collect();
    let expected = concat!("404-cli/", env!("CARGO_PKG_VERSION"));
    assert!(agents.len() >= 3 && agents.iter().all(|agent| agent == expected), "{agents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificate_authorities_http_works() {
    let miner = Miner::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let services = Services::start(folder.path()).await;
    for words in services.lines() {
        let ended = Ended(command(&miner, &words).env("SSL_CERT_FILE", NOTHING).output().expect("it runs"));
        assert_eq!(ended.0.status.code(), Some(0), "{words:?}: {}", ended.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificate_authorities_https_says_what_to_install() {
    let miner = Miner::new().await;
    let server = Cdn::with_tls(Answer::Status(200)).await;
    for words in asking(&format!("https://localhost:{}/files", server.port)) {
        let ended = Ended(command(&miner, &words).env("SSL_CERT_FILE", NOTHING).output().expect("it runs"));
        let sentence = ended.failure(3);
        let hint = ended.json()["hint"].as_str().expect("a hint").to_owned();
        assert!(hint.contains("ca-certificates") && hint.contains("SSL_CERT_FILE"), "{words:?}: {sentence}: {hint}");
    }
    assert!(server.requests().is_empty(), "nothing is sent to somebody who cannot be trusted");
}
