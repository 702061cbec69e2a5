//! The arrows between the rooms: what each crate may know, as ARCHITECTURE.md draws it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every room with the rooms it may build on.
const ARROWS: &[(&str, &[&str])] = &[
    ("round", &[]),
    ("timelock", &[]),
    ("outside", &[]),
    ("testing", &[]),
    ("wallet", &["round", "outside"]),
    ("delivery", &["round", "outside"]),
    ("repository", &["round", "outside"]),
    ("chain", &["round", "timelock", "outside"]),
    ("competition", &["round", "outside"]),
    ("storage", &["round", "outside"]),
    ("targon", &["round", "outside"]),
    ("generator", &["round", "outside"]),
    ("renderer", &["round", "outside"]),
    ("judge", &["round", "outside"]),
    ("report", &["round", "outside"]),
    ("devchain", &["round", "timelock"]),
    ("sandbox", &["devchain", "round", "outside"]),
    ("validator", &["round"]),
    ("python", &["validator"]),
    (
        "cli",
        &[
            "round",
            "timelock",
            "outside",
            "wallet",
            "chain",
            "competition",
            "storage",
            "targon",
            "delivery",
            "generator",
            "renderer",
            "judge",
            "report",
            "repository",
            "sandbox",
            "validator",
        ],
    ),
];

/// Heavy or dangerous crates that only one room may name.
const BEHIND_ONE_ROOM: &[(&str, &str)] = &[
    ("subxt-metadata", "chain"),
    ("schnorrkel", "wallet devchain sandbox"),
    ("oxc_parser", "validator"),
    ("pyo3", "python"),
    ("reqsign-core", "storage"),
    ("s3s", "sandbox"),
    ("clap", "cli"),
    ("indicatif", "cli"),
];

fn workspace() -> Vec<(String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").trim_start_matches("gen404-").to_owned();
    let normal = |dependency: &&Value| dependency["kind"].is_null();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            (name(package), dependencies.iter().filter(normal).map(name).collect())
        })
        .collect()
}

#[test]
fn arrows_only_go_down() {
    let rooms: BTreeSet<&str> = ARROWS.iter().map(|(room, _)| *room).collect();
    for (room, dependencies) in workspace() {
        let (_, allowed) =
            ARROWS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is not in ARROWS"));
        for dependency in dependencies.iter().filter(|name| rooms.contains(name.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{room} must not know {dependency}");
        }
    }
}

#[test]
fn heavy_crates_stay_behind_their_room() {
    for (room, dependencies) in workspace() {
        for (dependency, homes) in BEHIND_ONE_ROOM {
            let at_home = homes.split(' ').any(|home| home == room);
            assert!(at_home || !dependencies.contains(*dependency), "only {homes} may name {dependency}, not {room}");
        }
    }
}

/// Ways to an HTTP client that are not the polite one.
const OTHER_CLIENTS: &[&str] =
    &["Client::new", "Client::builder", "Client::default", "ClientBuilder", "reqwest::get", "reqwest::blocking"];

/// Every file below a folder that ends like this.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path, ending) } else { vec![path] };
    paths.flat_map(below).filter(|path| path.to_string_lossy().ends_with(ending)).collect()
}

/// Whether a line of code names it as a word of its own: a `TargonClient::new` is none of them.
fn names(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let whole = |(at, _): (usize, &str)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    };
    code.match_indices(word).any(whole)
}

#[test]
fn every_http_client_is_the_polite_one() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut strangers = Vec::new();
    for (room, _) in ARROWS.iter().filter(|(room, _)| *room != "outside") {
        for file in files(&crates.join(room).join("src"), ".rs") {
            let text = std::fs::read_to_string(&file).expect("text");
            let lines = text.lines().filter(|line| OTHER_CLIENTS.iter().any(|word| names(line, word)));
            strangers.extend(lines.map(|line| format!("{}: {}", file.display(), line.trim())));
        }
    }
    assert!(strangers.is_empty(), "begin with gen404_outside::http::client():\n{}", strangers.join("\n"));
}

#[test]
fn other_clients_are_recognised() {
    for bad in ["reqwest::Client::new()", "let c = Client::builder().build();", "use reqwest::{ClientBuilder, Url};"] {
        assert!(OTHER_CLIENTS.iter().any(|word| names(bad, word)), "{bad}");
    }
    for good in
        ["TargonClient::new(base)", "use ws_client::WsClientBuilder;", "// reqwest::Client::new() is not polite"]
    {
        assert!(!OTHER_CLIENTS.iter().any(|word| names(good, word)), "{good}");
    }
}

/// Files of the binary that every command builds on.
const BELOW_COMMANDS: &[&str] = &["ui", "errors", "arguments"];

#[test]
fn printer_errors_and_arguments_know_no_command() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for name in BELOW_COMMANDS {
        let folder = source.join(name);
        let mut all = if folder.is_dir() { files(&folder, ".rs") } else { Vec::new() };
        all.push(source.join(format!("{name}.rs")));
        for file in all {
            let text = std::fs::read_to_string(&file).expect("text");
            let knows = text.lines().find(|line| names(line, "commands::"));
            assert_eq!(knows, None, "{} must not know a command", file.display());
        }
    }
}
