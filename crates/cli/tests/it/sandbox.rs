//! `sandbox` as a script uses it: one line when it is ready, addresses that answer, an orderly end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::binary::{Home, three_module};

/// A running `404-cli sandbox`, killed when dropped.
pub(crate) struct RunningSandbox {
    child: Child,
    pub(crate) directory: Value,
}

impl RunningSandbox {
    pub(crate) fn start(home: &Home, options: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
        command.arg("sandbox").args(options).env_clear().env("HOME", home.path()).current_dir(home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GEN404_THREE_MODULE", three_module());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("one line");
        Self { child, directory: serde_json::from_str(&line).expect("the line is JSON") }
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.directory[key].as_str().unwrap_or_else(|| panic!("{key} in {}", self.directory))
    }

    /// Sends a signal and waits for the end.
    fn end_with(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn it_says_where_everything_is_and_ends_at_a_signal() {
    for signal in ["-INT", "-TERM"] {
        let home = Home::new();
        let sandbox = RunningSandbox::start(&home, &["--hotkeys", "2"]);
        assert_eq!(sandbox.directory["success"], true);
        assert_eq!(sandbox.directory["hotkeys"], serde_json::json!(["default", "hotkey-2", "unregistered"]));
        assert!(sandbox.text("subtensor").starts_with("ws://127.0.0.1:"));
        assert_eq!(sandbox.text("wallet_name"), "miner");
        let wallets = std::path::PathBuf::from(sandbox.text("wallet_path"));
        assert!(wallets.join("miner/hotkeys/default").is_file());
        for key in ["targon", "generator", "judge", "cdn"] {
            assert!(sandbox.text(key).starts_with("http://127.0.0.1:"), "{key}");
        }
        let storage = &sandbox.directory["storage"];
        assert!(storage["endpoint_url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{storage}");
        assert_eq!((&storage["bucket"], &storage["region"]), (&"cdn".into(), &"us-east-1".into()));
        assert_eq!(sandbox.end_with(signal), Some(0));
        assert!(!wallets.exists(), "the temporary folder is gone");
    }
}

#[test]
fn a_folder_of_the_users_own_stays() {
    let home = Home::new();
    let sandbox = RunningSandbox::start(&home, &["--dir", "box"]);
    let first = std::fs::read(home.path().join("box/wallets/miner/hotkeys/default")).expect("a keyfile");
    assert_eq!(sandbox.end_with("-TERM"), Some(0));
    let again = RunningSandbox::start(&home, &["--dir", "box"]);
    let second = std::fs::read(home.path().join("box/wallets/miner/hotkeys/default")).expect("a keyfile");
    assert!(first == second, "the keys of an earlier run are kept");
    drop(again);
}

#[test]
fn a_port_in_use_is_explained() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let mut sandbox = home.command(&["sandbox", "--subtensor-port", &port]);
    let output = sandbox.env("GEN404_THREE_MODULE", three_module()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains(&format!("cannot listen on 127.0.0.1:{port}")) && said.contains("--subtensor-port"),
        "{said}"
    );
}
