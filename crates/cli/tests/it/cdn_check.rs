//! `commit-repo-cdn`: what it accepts, and what it says of a CDN that does not answer as it should.

use std::process::Command;

use crate::cdn::{Answer, Cdn, certificate};
use crate::miner::{Ended, Miner, line};
use crate::running::Running;

fn asking<'a>(repo: &'a str, url: &'a str) -> Vec<&'a str> {
    vec!["commit-repo-cdn", "--repo", repo, "--cdn-url", url, "--dry-run", "--cdn-timeout", "2"]
}

#[test]
fn bad_repositories_and_addresses_are_refused_at_the_door() {
    let home = crate::binary::Home::new();
    let good = "https://cdn.example/17";
    let cases = [
        ("owner/my.repo", good, "no dot"),
        ("https://host.example/owner/name", good, "not as a URL"),
        ("owner/group/name", good, "exactly one slash"),
        ("owner", good, "exactly one slash"),
        ("owner/na me", good, "letters, digits"),
        ("owner/name", "cdn.example/17", "write it whole"),
        ("owner/name", "ftp://cdn.example/17", "https:// or http://"),
        ("owner/name", "https://cdn.example/17?key=1", "no query"),
        ("owner/name", "https://cdn.example/17#top", "no fragment"),
        ("owner/name", "https://me:secret@cdn.example/17", "public on chain"),
    ];
    for (repo, url, said) in cases {
        let line = [asking(repo, url), vec!["--wallet.name", "w", "--wallet.hotkey", "h"]].concat();
        let ended = Ended(home.run(&line));
        assert!(ended.failure(2).contains(said), "{}", ended.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cdn_that_answers_is_asked_once_with_head() {
    let miner = Miner::new().await;
    let cdn = Cdn::answering(Answer::Status(204)).await;
    let json = miner.run(&asking("owner/name", &cdn.url()), "default").success();
    assert_eq!(json["repo"], "owner/name");
    assert_eq!(json["cdn_url"], cdn.url());
    assert_eq!(json["payload"], format!(r#"{{"repo":"owner/name","cdn_url":"{}"}}"#, cdn.url()));
    assert_eq!(cdn.requests(), ["HEAD /files HTTP/1.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_is_told_exactly() {
    let miner = Miner::new().await;
    for (status, hinted) in [(404, true), (403, true), (405, true), (501, true), (500, false)] {
        let cdn = Cdn::answering(Answer::Status(status)).await;
        let ended = miner.run(&asking("owner/name", &cdn.url()), "default");
        assert_eq!(ended.failure(3), format!("CDN URL {} is not accessible: {status}", cdn.url()));
        assert_eq!(ended.stderr().contains("--skip-cdn-check"), hinted, "{}", ended.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_told_and_not_followed() {
    let miner = Miner::new().await;
    let target = Cdn::answering(Answer::Status(200)).await;
    let secret = target.url().replace("http://", "http://me:s3cret@") + "?signature=s3cret";
    let cdn = Cdn::answering(Answer::Redirect(secret)).await;
    let ended = miner.run(&asking("owner/name", &cdn.url()), "default");
    let sentence = ended.failure(3);
    assert!(sentence.ends_with(&format!("a redirect to {}", target.url())), "{sentence}");
    assert!(ended.stderr().contains("follows no redirects"), "{}", ended.transcript());
    assert!(!ended.transcript().contains("s3cret"), "{}", ended.transcript());
    assert!(target.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_closed_doors_are_told() {
    let miner = Miner::new().await;
    let silent = Cdn::answering(Answer::Silence).await;
    let sentence = miner.run(&asking("owner/name", &silent.url()), "default").failure(3);
    assert_eq!(sentence, format!("CDN URL {} is not accessible: no answer within 2 s", silent.url()));

    let closed = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("bound");
    let url = format!("http://{closed}/files");
    let sentence = miner.run(&asking("owner/name", &url), "default").failure(3);
    assert!(sentence.starts_with(&format!("CDN URL {url} is not accessible: ")), "{sentence}");
    assert!(sentence.contains("refused"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_checked_and_their_faults_explained() {
    let miner = Miner::new().await;
    let cdn = Cdn::with_tls(Answer::Status(200)).await;
    let chain = miner.chain.url();
    // With a store that holds only this certificate, all that can still be wrong is the host.
    let run = |host: &str, trusted: bool| {
        let url = format!("https://{host}:{}/files", cdn.port);
        let mut command = miner.home.command(&line(&asking("owner/name", &url), "default", &chain));
        if trusted {
            command.env("SSL_CERT_FILE", certificate());
        }
        Ended(command.output().expect("it runs"))
    };
    run("localhost", true).success();
    let sentence = run("127.0.0.1", true).failure(3);
    assert!(sentence.contains("certificate is for another host"), "{sentence}");
    let sentence = run("localhost", false).failure(3);
    assert!(sentence.contains("certificate is not signed by an authority"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_can_be_skipped() {
    let miner = Miner::new().await;
    let cdn = Cdn::answering(Answer::Status(403)).await;
    let url = cdn.url();
    let line = [asking("owner/name", &url), vec!["--skip-cdn-check"]].concat();
    miner.run(&line, "default").success();
    assert_eq!(cdn.requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_the_cdn_is_silent_ends_at_once() {
    let miner = Miner::new().await;
    let cdn = Cdn::answering(Answer::Silence).await;
    let (url, chain) = (cdn.url(), miner.chain.url());
    let asked = ["commit-repo-cdn", "--repo", "owner/name", "--cdn-url", &url, "--cdn-timeout", "600"];
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
    command.env_clear().env("HOME", miner.home.path()).args(line(&asked, "default", &chain));
    let mut running = Running::spawn(&mut command);
    running.wait_for("connected to");
    running.interrupt();
    assert_eq!(Ended(running.finish()).failure(130), "Interrupted by user");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_too_long_for_the_chain_is_refused_before_anything_is_sent() {
    let miner = Miner::new().await;
    let url = format!("https://cdn.example/{}", "x".repeat(760));
    let line = [asking("owner/name", &url), vec!["--skip-cdn-check"]].concat();
    let ended = miner.run(&line, "default");
    assert!(ended.failure(2).contains("778"), "{}", ended.transcript());
}
