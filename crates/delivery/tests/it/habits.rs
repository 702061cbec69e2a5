//! Every habit of a CDN, and what is said of it.

use std::time::Duration;

use gen404_delivery::{CdnError, Head, Passed, ProbeName, check};
use gen404_outside::explain::Explain as _;
use gen404_round::CdnUrl;
use gen404_sandbox::cdn::{Cdn, Fault};
use gen404_sandbox::faults::Rule;
use tempfile::TempDir;

/// Long enough for any answer from this machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A CDN with one file in its folder `17`, and its habits.
struct Miner {
    cdn: Cdn,
    url: CdnUrl,
    _folder: TempDir,
}

impl Miner {
    async fn with(faults: Vec<Rule<Fault>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("17")).unwrap();
        std::fs::write(folder.path().join("17/probe.txt"), "here").unwrap();
        let cdn = Cdn::start(folder.path()).await.unwrap();
        cdn.faults().set(faults);
        let url = format!("{}17", cdn.url()).parse().unwrap();
        Self { cdn, url, _folder: folder }
    }

    async fn check(&self, probe: Option<&str>) -> Result<Passed, CdnError> {
        let probe: Option<ProbeName> = probe.map(|name| name.parse().unwrap());
        check(&self.url, probe.as_ref(), LIMIT).await
    }

    fn asked(&self) -> Vec<String> {
        self.cdn.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

#[tokio::test]
async fn an_address_that_answers_is_asked_once_with_each() {
    let miner = Miner::with(vec![]).await;
    assert_eq!(miner.check(None).await.unwrap(), Passed::Both);
    assert_eq!(miner.asked(), ["HEAD /17", "GET /17"]);
}

#[tokio::test]
async fn a_bare_prefix_is_refused_and_a_file_below_it_passes() {
    for status in [403, 404] {
        let miner = Miner::with(vec![Fault::PrefixRefused { status }.into()]).await;
        let error = miner.check(None).await.unwrap_err();
        assert_eq!(error.to_string(), format!("CDN URL {} is not accessible: {status}", miner.url));
        let hint = error.hint().unwrap();
        let (probe, skip) = (hint.find("--cdn-probe").unwrap(), hint.find("--skip-cdn-check").unwrap());
        assert!(probe < skip, "asking for a file is better than not asking: {hint}");

        assert_eq!(miner.check(Some("probe.txt")).await.unwrap(), Passed::Both);
        assert_eq!(miner.asked(), ["HEAD /17", "GET /17", "HEAD /17/probe.txt", "GET /17/probe.txt"]);
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_no_reason_to_skip_the_check() {
    let miner = Miner::with(vec![]).await;
    let error = miner.check(Some("other.txt")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("CDN URL {0} is not accessible: {0}/other.txt: 404", miner.url));
    assert!(!error.hint().unwrap().contains("--skip-cdn-check"));
}

#[tokio::test]
async fn what_refuses_head_and_serves_get_passes() {
    let miner = Miner::with(vec![Fault::HeadRefused { status: 403 }.into()]).await;
    assert_eq!(
        miner.check(Some("probe.txt")).await.unwrap(),
        Passed::OnlyGet { head: Head::Answered(403.try_into().unwrap()) }
    );
    let both = vec![Fault::HeadRefused { status: 405 }.into(), Fault::PrefixRefused { status: 404 }.into()];
    let miner = Miner::with(both).await;
    let error = miner.check(None).await.unwrap_err();
    assert_eq!(error.to_string(), format!("CDN URL {} is not accessible: 405 to HEAD, 404 to GET", miner.url));
}

#[tokio::test]
async fn a_challenge_is_named_and_must_not_be_skipped() {
    // Also where only GET meets it.
    for faults in
        [vec![Fault::Challenge.into()], vec![Fault::HeadRefused { status: 403 }.into(), Fault::Challenge.into()]]
    {
        let miner = Miner::with(faults).await;
        let error = miner.check(Some("probe.txt")).await.unwrap_err();
        let text = format!("CDN URL {0} is not accessible: {0}/probe.txt: 403, a Cloudflare challenge", miner.url);
        assert_eq!(error.to_string(), text);
        let hint = error.hint().unwrap();
        assert!(hint.contains("Cloudflare") && !hint.contains("--skip-cdn-check"), "{hint}");
    }
}

#[tokio::test]
async fn clients_that_say_nothing_of_themselves_are_refused_and_we_are_not() {
    let miner = Miner::with(vec![Fault::StrangersRefused.into()]).await;
    assert_eq!(miner.check(None).await.unwrap(), Passed::Both);
    assert!(miner.cdn.requests()[0].user_agent.starts_with("404-cli/"));
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_asked() {
    for wish in ["0.3", "Wed, 01 Jul 2026 12:00:30 GMT", "soon"] {
        let miner = Miner::with(vec![Rule::times(Fault::RateLimited { retry_after: wish.to_owned() }, 2)]).await;
        // HEAD is not worth a wait.
        let head = Head::Answered(429.try_into().unwrap());
        assert_eq!(miner.check(None).await.unwrap(), Passed::OnlyGet { head }, "{wish}");
        assert_eq!(miner.asked(), ["HEAD /17", "GET /17", "GET /17"], "{wish}");
    }
}

#[tokio::test]
async fn a_rate_limit_that_asks_for_more_than_there_is_ends_at_once() {
    for wish in ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"] {
        let miner = Miner::with(vec![Rule::times(Fault::RateLimited { retry_after: wish.to_owned() }, 2)]).await;
        let error = miner.check(None).await.unwrap_err();
        let CdnError::Busy { status, wished, .. } = &error else { panic!("{error}") };
        assert!(status.as_u16() == 429 && wished.unwrap() >= Duration::from_hours(1), "{error}");
        assert!(error.to_string().starts_with(&format!("CDN URL {} is not accessible: 429, ", miner.url)), "{error}");
        assert!(error.hint().unwrap().contains("--cdn-timeout"));
        assert_eq!(miner.asked(), ["HEAD /17", "GET /17"], "{wish}");
    }
}

#[tokio::test]
async fn a_host_without_an_address_is_told_from_a_closed_door() {
    // A label of more than 63 letters: refused on this machine, without asking any server for it.
    let nowhere: CdnUrl = format!("http://{}.example/17", "x".repeat(70)).parse().unwrap();
    let error = check(&nowhere, None, LIMIT).await.unwrap_err();
    let text = format!("CDN URL {nowhere} is not accessible: its host name cannot be resolved");
    assert!(error.to_string().starts_with(&text), "{error:?}");
    assert!(error.hint().unwrap().contains("DNS"));

    let nobody = gen404_testing::Nobody::here();
    let closed: CdnUrl = format!("http://{}/17", nobody.address()).parse().unwrap();
    let error = check(&closed, None, LIMIT).await.unwrap_err();
    assert!(matches!(error, CdnError::Request { .. }), "{error}");
}
