//! `demo` goes through the round and ends with one JSON object; what it claims is there.

use serde_json::Value;

use crate::binary::{Home, three_module, transcript};

#[test]
fn the_whole_round_works_on_this_machine() {
    let home = Home::new();
    let demo = home.command(&["demo", "--dir", "round"]).env("GEN404_THREE_MODULE", three_module()).output();
    let output = demo.expect("the binary runs");
    assert!(output.status.success(), "{}", transcript(&output));
    let outcome: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let head = std::process::Command::new("git")
        .args(["-C", "round/pipeline", "rev-parse", "HEAD"])
        .current_dir(home.path())
        .output()
        .expect("git runs");
    assert_eq!(outcome["success"], true);
    assert_eq!(outcome["commit"], String::from_utf8_lossy(&head.stdout).trim());
    assert!(outcome["revealed_block"].as_u64().is_some_and(|block| block > 0), "{outcome}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("gives every module as the subnet will ask for it"), "{said}");
    assert!(said.contains("6 of 6 stems delivered"), "{said}");
    // The miner's modules are finer than the leader's: it wins the round, by the files of the competition's state.
    assert_eq!(outcome["round"], 1);
    assert_eq!(outcome["winner"], outcome["hotkey"], "{outcome}");
    for command in
        ["commit-hash", "commit-repo-cdn", "list-all", "round prompts", "upload", "verify", "round standings"]
    {
        assert!(said.contains(&format!("$ 404-cli {command} ")), "{command} was shown: {said}");
    }
}
