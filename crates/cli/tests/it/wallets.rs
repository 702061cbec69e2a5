//! What the commands say about wallets: missing, mistaken and locked ones. The files themselves are tested in the wallet crate.

use std::path::Path;
use std::process::Command;

use crate::binary::Home;
use crate::miner::{ENCRYPTED, Ended, HASH, Miner, PASSWORD, account, line, seed_text};
use crate::running::Running;

const DRY_RUN: [&str; 4] = ["commit-hash", "--hash", HASH, "--dry-run"];

/// The environment variable of a keyfile's password.
pub(crate) fn variable(path: &Path) -> String {
    format!("BT_PW_{}", path.to_str().expect("text").replace(['/', '.'], "_").to_uppercase())
}

/// The value of that variable, as the official library encodes it.
pub(crate) fn encoded(variable: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let masked: Vec<u8> = PASSWORD.bytes().zip(variable.bytes().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    let mut text = String::new();
    for chunk in masked.chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from((bits >> (18 - 6 * place)) & 63).expect("six bits");
            text.push(if place <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    text
}

#[test]
fn a_missing_wallet_is_told_with_the_paths_tried_and_the_names_there_are() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join(".bittensor/wallets/other/hotkeys")).expect("a folder");
    let line = [&DRY_RUN[..], &["--wallet.name", "miner", "--wallet.hotkey", "h"]].concat();
    let sentence = Ended(home.run(&line)).failure(2);
    for part in ["/.bittensor/miner ", "/.bittensor/wallets/miner ", "wallets there: other"] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_hotkey_is_told_with_the_names_there_are() {
    let miner = Miner::new().await;
    let sentence = miner.run(&DRY_RUN, "defualt").failure(2);
    assert!(sentence.contains("/.bittensor/wallets/miner/hotkeys/defualt"), "{sentence}");
    assert!(sentence.contains("default, second, unregistered"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_finds_the_hotkey_that_has_it() {
    let miner = Miner::new().await;
    let address = account("second").to_string();
    let ended = miner.run(&DRY_RUN, &address);
    assert_eq!(ended.success()["hotkey"], address);
    assert!(ended.stderr().contains("is the address of the hotkey `second`"), "{}", ended.transcript());

    let stranger = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
    let sentence = miner.run(&DRY_RUN, stranger).failure(2);
    assert!(sentence.contains(stranger) && sentence.contains(&address), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_keyfiles_say_why() {
    let miner = Miner::new().await;
    let cases = [
        ("str", "neither JSON of a key nor encrypted"),
        ("ss58only", "only the address"),
        ("wrong_ss58", "contradicts itself"),
        ("crypto_0", "ed25519"),
        ("empty", "holds no key"),
    ];
    for (fixture, said) in cases {
        miner.copy_hotkey("odd", &format!("keyfiles/{fixture}"));
        let ended = miner.run(&DRY_RUN, "odd");
        let sentence = ended.failure(2);
        assert!(sentence.contains(said) && sentence.contains("/miner/hotkeys/odd"), "{sentence}");
        assert!(ended.json()["hint"].is_string(), "{}", ended.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_comes_from_the_environment_or_is_missed() {
    let miner = Miner::new().await;
    let path = miner.copy_hotkey("locked", "keyfiles/ansible");
    let variable = variable(&path);

    let ended = miner.run(&DRY_RUN, "locked");
    assert!(ended.failure(2).contains("there is no terminal to ask for it"), "{}", ended.transcript());
    assert!(ended.json()["hint"].as_str().expect("a hint").contains(&variable), "{}", ended.transcript());

    let url = miner.chain.url();
    let with = |value: String| {
        let mut command = miner.home.command(&line(&DRY_RUN, "locked", &url));
        Ended(command.env(&variable, value).output().expect("it runs"))
    };
    assert_eq!(with(encoded(&variable)).success()["hotkey"], ENCRYPTED);

    let ended = with(encoded("another variable"));
    let sentence = ended.failure(2);
    assert!(sentence.contains("wrong password") && sentence.contains(&variable), "{sentence}");

    let ended = with(PASSWORD.to_owned());
    assert!(ended.failure(2).contains("is not an encoded password"), "{}", ended.transcript());
    assert!(!ended.transcript().contains(PASSWORD), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_on_the_terminal_without_echo() {
    let miner = Miner::new().await;
    miner.copy_hotkey("locked", "keyfiles/ansible");
    let url = miner.chain.url();
    let binary = assert_cmd::cargo::cargo_bin!("404-cli").display().to_string();
    let words = [vec![&*binary], line(&DRY_RUN, "locked", &url)].concat();
    for (typed, code) in [(format!("{PASSWORD}\n"), 0), ("passw0rd\n".to_owned(), 2), ("Pass\u{3}".to_owned(), 130)] {
        // `script` gives it a terminal of its own.
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
        let mut running =
            Running::on_terminal(command.env_clear().env("HOME", miner.home.path()).env("SHELL", "/bin/sh"));
        running.wait_for_output("Password of ");
        running.type_in(&typed);
        let output = running.finish();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{shown}");
        assert!(!shown.contains("assw0rd"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_holds_a_secret_however_much_is_said() {
    let miner = Miner::new().await;
    let seed = seed_text("default");
    let path = miner.copy_hotkey("locked", "keyfiles/ansible");
    let variable = variable(&path);
    let encoded = encoded(&variable);
    let endpoint = miner.chain.url().replace("ws://", "ws://user:hidden-word@");
    let mut lines = vec![line(&["commit-hash", "--hash", HASH, "-vvv"], "default", &endpoint)];
    lines.push(line(&["commit-hash", "--hash", HASH, "-vvv"], "locked", &endpoint));
    lines.push(line(&["list-all", "-vvv"], "default", &endpoint));
    for line in lines {
        let mut command = miner.home.command(&line);
        let ended = Ended(command.env(&variable, &encoded).output().expect("it runs"));
        assert_eq!(ended.0.status.code(), Some(0), "{}", ended.transcript());
        for secret in [&*seed, PASSWORD, &*encoded, "hidden-word", "bottom drive", "fac7959d"] {
            assert!(!ended.transcript().contains(secret), "{secret} in:\n{}", ended.transcript());
        }
    }
}
