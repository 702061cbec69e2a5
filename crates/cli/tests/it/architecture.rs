//! The arrows between the rooms: what each crate may know, as ARCHITECTURE.md draws it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Every room with the rooms it may build on.
const ARROWS: &[(&str, &[&str])] = &[
    ("round", &[]),
    ("timelock", &[]),
    ("outside", &[]),
    ("wallet", &["round", "outside"]),
    ("chain", &["round", "timelock", "outside"]),
    ("targon", &["round", "outside"]),
    ("generator", &["round", "outside"]),
    ("renderer", &["round", "outside"]),
    ("judge", &["round", "outside"]),
    ("report", &["round", "outside"]),
    ("sandbox", &["round", "timelock", "outside"]),
    ("validator", &["round"]),
    (
        "cli",
        &[
            "round",
            "timelock",
            "outside",
            "wallet",
            "chain",
            "targon",
            "generator",
            "renderer",
            "judge",
            "report",
            "sandbox",
            "validator",
        ],
    ),
];

/// Heavy or dangerous crates that only one room may name.
const BEHIND_ONE_ROOM: &[(&str, &str)] = &[
    ("subxt-metadata", "chain"),
    ("schnorrkel", "wallet sandbox"),
    ("oxc_parser", "validator"),
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
