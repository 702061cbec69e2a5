//! Addresses of services as people type them, the same for every command.

use crate::binary::Home;
use crate::miner::Ended;

#[test]
fn an_address_without_a_scheme_is_told_how_to_be_written() {
    let home = Home::new();
    let prompts = r#"{"prompts": [{"stem": "a", "image_url": "http://h/a.png"}], "seed": 1}"#;
    std::fs::write(home.path().join("prompts.json"), prompts).expect("a file");
    let generate = ["generate", "--prompts-json", "prompts.json", "--endpoint"];
    let render = ["render", "--data-dir", "in", "--endpoint"];
    let judge = ["judge", "--prompts-json", "prompts.json", "--image-dir-1", "a", "--image-dir-2", "b", "--endpoint"];
    let pods = ["pods", "--targon-api-key", "sn4_key", "--targon-base-url"];
    for command in [&generate[..], &render, &judge, &pods] {
        for address in ["localhost:8000", "127.0.0.1:8000", "ftp://host"] {
            let ended = Ended(home.run(&[command, &[address]].concat()));
            let said = ended.failure(2);
            assert!(said.ends_with("write http://host:port"), "{command:?} {address}: {said}");
        }
        let ended = Ended(home.run(&[command, &["me:s3cret@host:8000"]].concat()));
        assert!(ended.failure(2).ends_with("write http://host:port"), "{}", ended.transcript());
        assert!(!ended.transcript().contains("s3cret"), "{}", ended.transcript());
    }
}
