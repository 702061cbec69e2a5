//! `doctor --only version`: the user's pip asks an index on loopback, once a day; nobody else is asked.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use gen404_testing::skipped;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::binary::Home;
use crate::miner::Ended;

/// An index that has one version of the package, and counts how often it is asked for it.
struct Index {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Index {
    async fn with(version: &str) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, file) = (Arc::clone(&asked), format!("gen404_cli-{version}-py3-none-any.whl"));
        let page = Html(format!("<!DOCTYPE html><html><body><a href=\"/{file}\">{file}</a></body></html>"));
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(page)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/simple/", listener.local_addr().expect("bound"));
        let service = Router::new().route("/simple/gen404-cli/", get(answer));
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A folder with a pip that is nobody's but this test's.
fn environment(home: &Home) -> Option<PathBuf> {
    let folder = home.path().join("environment");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    if made.is_ok_and(|made| made.status.success()) {
        return Some(folder.join("bin"));
    }
    skipped("python3 with venv");
    None
}

fn version_check(ended: &Ended) -> Value {
    let json = ended.json();
    let checks = json["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == "version").unwrap_or_else(|| panic!("no check: {json}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_asked_once_a_day_and_never_for_a_script() {
    let home = Home::new();
    let Some(bin) = environment(&home) else { return };
    let index = Index::with("9.8.7").await;
    let doctor = |more: &[&str]| {
        let mut command = home.command(&[&["doctor", "--json"][..], more].concat());
        command.env("PATH", &bin).env("PIP_INDEX_URL", &index.url).env("PIP_CONFIG_FILE", "/dev/null");
        Ended(command.output().expect("the binary runs"))
    };
    // No terminal: a script, which gets all of its other answers.
    let check = version_check(&doctor(&["--subtensor.endpoint", "ws://127.0.0.1:1"]));
    assert_eq!((check["outcome"].as_str(), index.asked()), (Some("skipped"), 0), "{check}");
    let check = version_check(&doctor(&["--only", "version", "--no-update-check"]));
    assert_eq!((check["outcome"].as_str(), index.asked()), (Some("skipped"), 0), "{check}");
    for _ in 0..2 {
        let ended = doctor(&["--only", "version"]);
        let check = version_check(&ended);
        assert_eq!(check["outcome"], "warn", "{check}");
        assert!(check["sentence"].as_str().is_some_and(|said| said.starts_with("9.8.7 is out")), "{check}");
        assert_eq!(check["fix"], "pip install --upgrade gen404-cli");
        assert_eq!(ended.0.status.code(), Some(0), "old is not broken");
        assert_eq!(index.asked(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_does_not_answer_is_asked_tomorrow() {
    let home = Home::new();
    let Some(bin) = environment(&home) else { return };
    let index = Index::with("9.8.7").await;
    let nobody = gen404_testing::Nobody::here();
    let nobody = format!("http://{}/simple/", nobody.address());
    for url in [&nobody, &index.url] {
        let mut command = home.command(&["doctor", "--json", "--only", "version"]);
        command.env("PATH", &bin).env("PIP_INDEX_URL", url).env("PIP_CONFIG_FILE", "/dev/null");
        let check = version_check(&Ended(command.output().expect("the binary runs")));
        assert_eq!((check["outcome"].as_str(), index.asked()), (Some("skipped"), 0), "{check}");
    }
}
