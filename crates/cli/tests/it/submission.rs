//! A miner's submission for tests of `verify` and `doctor`: a repository, a folder at a CDN, a round that is being generated.

use std::path::PathBuf;

use gen404_round::AccountId;
use gen404_sandbox::cdn::Cdn;
use gen404_testing::{commit_all, new_repository};
use serde_json::{Value, json};

use crate::binary::Home;
use crate::round::write;

/// Passes both validators.
pub(crate) const MODULE: &str = "export default function generate(THREE) {\n  const group = new THREE.Group();\n  \
     group.add(new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.MeshStandardMaterial()));\n  return group;\n}\n";

/// A module that is like no other.
pub(crate) fn module(name: &str) -> String {
    format!("// {name}\n{MODULE}")
}

/// A repository below the home, with its commit; none where the machine has no git.
pub(crate) fn repository(home: &Home, files: &[(&str, &str)]) -> Option<(PathBuf, String)> {
    let folder = home.path().join("pipeline");
    if !new_repository(&folder) {
        return None;
    }
    for (path, text) in files {
        write(&folder.join(path), text);
    }
    let commit = commit_all(&folder);
    Some((folder, commit))
}

pub(crate) const GOOD: [(&str, &str); 3] = [
    (
        "docker/Dockerfile",
        "FROM python@sha256:0000\nCOPY src /app\nEXPOSE 10006\nCMD [\"python\", \"/app/serve.py\"]\n",
    ),
    ("src/serve.py", "print('ready')\n"),
    ("hardware.json", "{\"hardware\": [\"4xH200\"]}\n"),
];

/// Round 3 with these prompts, whose submissions are published.
pub(crate) fn generating(home: &Home, deadline: u64, stems: &[&str], submissions: &[(AccountId, Value)]) {
    let state = home.path().join("state");
    let put = |path: &str, text: &str| write(&state.join(path), text);
    put("state.json", &json!({"current_round": 3, "stage": "miner_generation", "next_stage_eta": null}).to_string());
    put("config.json", &json!({"name": "threejs", "win_margin": 0.07, "prompts_per_round": stems.len()}).to_string());
    put("leader.json", "[]");
    let schedule =
        json!({"earliest_reveal_block": 2, "latest_reveal_block": 10, "generation_deadline_block": deadline});
    put("rounds/3/schedule.json", &schedule.to_string());
    put("rounds/3/seed.json", r#"{"seed": 1}"#);
    let prompts: Vec<_> = stems.iter().map(|stem| format!("https://prompts.example/{stem}.png")).collect();
    put("rounds/3/prompts.txt", &prompts.join("\n"));
    let entries: serde_json::Map<String, Value> =
        submissions.iter().map(|(hotkey, entry)| (hotkey.to_string(), entry.clone())).collect();
    put("rounds/3/submissions.json", &Value::Object(entries).to_string());
    put("rounds/3/builds.json", "{}");
}

/// An entry of `submissions.json`.
pub(crate) fn entry(commit: &str, cdn_url: &str) -> Value {
    json!({"repo": "you/pipeline", "commit": commit, "cdn_url": cdn_url, "revealed_at_block": 5, "round": "threejs-3",
           "hardware": ["4xH200"]})
}

/// A CDN with one good module per stem below `mine`.
pub(crate) async fn cdn(home: &Home, stems: &[&str]) -> (Cdn, PathBuf) {
    let folder = home.path().join("cdn");
    for stem in stems {
        write(&folder.join(format!("mine/{stem}.js")), &module(stem));
    }
    (Cdn::start(&folder).await.expect("a port"), folder.join("mine"))
}
