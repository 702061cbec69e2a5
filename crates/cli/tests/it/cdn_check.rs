//! `commit-repo-cdn`: what it accepts, and what it says of a CDN that does not answer as it should.

use std::process::Command;

use gen404_sandbox::cdn::{self as sandbox, Fault};
use gen404_sandbox::faults::Rule;

use crate::cdn::{Answer, Cdn};
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
async fn a_cdn_that_answers_is_asked_once_with_each() {
    let miner = Miner::new().await;
    let cdn = Cdn::answering(Answer::Status(204)).await;
    let json = miner.run(&asking("owner/name", &cdn.url()), "default").success();
    assert_eq!(json["repo"], "owner/name");
    assert_eq!(json["cdn_url"], cdn.url());
    assert_eq!(json["payload"], format!(r#"{{"repo":"owner/name","cdn_url":"{}"}}"#, cdn.url()));
    assert_eq!(cdn.requests(), ["HEAD /files HTTP/1.1", "GET /files HTTP/1.1"]);
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

/// An object store as most miners use one: the bare prefix is refused, the files below it are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_uploaded_stands_for_a_prefix_that_is_refused() {
    let miner = Miner::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("probe.txt"), "here").expect("a file");
    let cdn = sandbox::Cdn::start(folder.path()).await.expect("a CDN");
    cdn.faults().set([Fault::PrefixRefused { status: 404 }]);
    let url = format!("{}17", cdn.url());
    let ended = miner.run(&asking("owner/name", &url), "default");
    assert_eq!(ended.failure(3), format!("CDN URL {url} is not accessible: 404"));
    let hint = ended.json()["hint"].as_str().expect("a hint").to_owned();
    assert!(hint.find("--cdn-probe") < hint.find("--skip-cdn-check"), "{hint}");

    let url = cdn.url().as_str().trim_end_matches('/');
    let probing = [asking("owner/name", url), vec!["--cdn-probe", "probe.txt"]].concat();
    let ended = miner.run(&probing, "default");
    assert_eq!(ended.success()["cdn_url"], url, "the probe is not what is committed");
    assert!(ended.stderr().contains(&format!("{url} answers for probe.txt")), "{}", ended.transcript());

    cdn.faults().set([Fault::HeadRefused { status: 403 }]);
    let ended = miner.run(&probing, "default");
    ended.success();
    let said = "answers for probe.txt to GET, which is what the subnet sends; it refuses HEAD (403)";
    assert!(ended.stderr().contains(said), "{}", ended.transcript());

    cdn.faults().clear();
    let missing = [asking("owner/name", url), vec!["--cdn-probe", "other.txt"]].concat();
    let ended = miner.run(&missing, "default");
    assert_eq!(ended.failure(3), format!("CDN URL {url} is not accessible: {url}/other.txt: 404"));
    assert!(!ended.stderr().contains("--skip-cdn-check"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_named_and_not_to_be_skipped() {
    let miner = Miner::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let cdn = sandbox::Cdn::start(folder.path()).await.expect("a CDN");
    cdn.faults().set([Fault::Challenge]);
    let ended = miner.run(&asking("owner/name", cdn.url().as_str()), "default");
    let text = format!("CDN URL {} is not accessible: 403, a Cloudflare challenge", cdn.url());
    assert_eq!(ended.failure(3), text);
    assert!(ended.stderr().contains("the subnet's client would meet the challenge too"), "{}", ended.transcript());
    assert!(!ended.stderr().contains("--skip-cdn-check"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_out_within_the_time() {
    let miner = Miner::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let cdn = sandbox::Cdn::start(folder.path()).await.expect("a CDN");
    cdn.faults().set([Rule::times(Fault::RateLimited { retry_after: "0.1".to_owned() }, 2)]);
    miner.run(&asking("owner/name", cdn.url().as_str()), "default").success();
    cdn.faults().set([Rule::times(Fault::RateLimited { retry_after: "3600".to_owned() }, 2)]);
    let ended = miner.run(&asking("owner/name", cdn.url().as_str()), "default");
    assert_eq!(
        ended.failure(3),
        format!("CDN URL {} is not accessible: 429, and it asks to wait 3600 s more", cdn.url())
    );
    assert!(ended.stderr().contains("--cdn-timeout"), "{}", ended.transcript());
}

#[test]
fn a_probe_is_the_name_of_one_file() {
    let home = crate::binary::Home::new();
    for bad in ["../secret", "a/b.js", "https://cdn.example/a.js", "a?b", ""] {
        let asked = [asking("owner/name", "https://cdn.example/17"), vec!["--cdn-probe", bad]].concat();
        let ended = Ended(home.run(&line(&asked, "default", "ws://127.0.0.1:1")));
        assert!(ended.failure(2).contains("--cdn-probe"), "{}", ended.transcript());
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

    let closed = gen404_testing::Nobody::here();
    let url = format!("http://{}/files", closed.address());
    let sentence = miner.run(&asking("owner/name", &url), "default").failure(3);
    assert!(sentence.starts_with(&format!("CDN URL {url} is not accessible: ")), "{sentence}");
    assert!(sentence.contains("refused"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_checked_and_their_faults_explained() {
    let miner = Miner::new().await;
    let cdn = Cdn::with_tls(Answer::Status(200)).await;
    let chain = miner.chain.url();
    // With a store that holds only this all that can still be wrong is the host.
    let run = |host: &str, trusted: bool| {
        let url = format!("https://{host}:{}/files", cdn.port);
        let mut command = miner.home.command(&line(&asking("owner/name", &url), "default", &chain));
        if trusted {
            command.env("SSL_CERT_FILE", gen404_testing::scratch_certificate());
        }
        Ended(command.output().expect("it runs"))
    };
    run("localhost", true).success();
    let sentence = run("127.0.0.1", true).failure(3);
    assert!(sentence.contains("certificate is for another host"), "{sentence}");
    // The machine that tests may have authorities or none; a store with others is needed to tell.
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/other.pem");
    let url = format!("https://localhost:{}/files", cdn.port);
    let mut command = miner.home.command(&line(&asking("owner/name", &url), "default", &chain));
    let sentence = Ended(command.env("SSL_CERT_FILE", other).output().expect("it runs")).failure(3);
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
