//! One question of each kind before a match: what it shows, what it waits for and what it refuses; and what ends a match that
//! was not rehearsed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gen404_judge::{
    Answer, AttemptError, Concurrency, Failure, Outcome, Plan, RehearsalError, Rehearsed, Request, Vlm, VlmError,
    rehearse, run,
};
use gen404_outside::explain::Explain as _;
use gen404_outside::pictures::{FetchLimits, Fetcher};
use tokio_util::sync::CancellationToken;

use crate::clock::StoppedClock;
use crate::folders::Folders;
use crate::model::{Model, Seen, sensible};

/// Two duels; the second has the larger pictures.
fn folders() -> Folders {
    let folders = Folders::new();
    for (stem, look) in [("a", "q2"), ("b", "q2 with many more bytes")] {
        folders.prompt(stem);
        folders.side("left", stem, look);
        folders.side("right", stem, "q6");
    }
    folders
}

async fn rehearsed(folders: &Folders, vlm: &impl Vlm) -> Result<Rehearsed, RehearsalError> {
    let mut plan = Plan::make(folders.contest("cli", &["a", "b"]), false);
    let fetcher = Fetcher::new(FetchLimits::default()).expect("a fetcher");
    rehearse(&mut plan, &fetcher, vlm, &StoppedClock, 8, &()).await.map(|(_, rehearsed)| rehearsed)
}

#[tokio::test]
async fn each_kind_is_asked_once_with_the_largest_pictures() {
    let model = Model::sighted();
    let rehearsed = rehearsed(&folders(), &model).await.expect("all is well");
    assert_eq!((rehearsed.stem.map(|stem| stem.to_string()).as_deref(), rehearsed.calls), (Some("b"), 5));
    let mut seen: Vec<(String, usize, u64, u64)> = model
        .seen()
        .into_iter()
        .inspect(|seen| {
            assert!(seen.pictures.iter().any(|picture| picture.contains("many more bytes") || picture == "prompt b"));
        })
        .map(|Seen { label, pictures, seed, max_tokens, .. }| (label, pictures.len(), seed, max_tokens))
        .collect();
    seen.sort();
    let want = [
        ("explain", 3, 1100, 300),
        ("s1_prompt_match", 3, 1100, 1024),
        ("s2cl_decompose", 1, 1100, 400),
        ("s2cl_verify", 2, 1200, 600),
        ("s4_per_angle", 2, 6100, 220),
    ];
    assert_eq!(seen, want.map(|(label, pictures, seed, limit)| (label.to_owned(), pictures, seed, limit)));
}

#[tokio::test]
async fn nothing_is_asked_when_nothing_is_to_be_judged() {
    let folders = folders();
    let plan = Plan::make(folders.contest("cli", &["a", "b"]), false);
    run(plan, &Model::sighted(), &StoppedClock, ONE, &(), &CancellationToken::new()).await.expect("writes");
    let model = Model::sighted();
    assert_eq!(rehearsed(&folders, &model).await.expect("nothing to do"), Rehearsed { stem: None, calls: 0 });
    assert!(model.seen().is_empty());
}

/// A server that answers by a rule: sensibly, or with an error.
struct Server<F>(F, AtomicU32);

impl<F: Fn(u32, &Request<'_>) -> Option<Result<Answer, VlmError>> + Send + Sync> Server<F> {
    fn new(rule: F) -> Self {
        Self(rule, AtomicU32::new(0))
    }

    fn asked(&self) -> u32 {
        self.1.load(Ordering::SeqCst)
    }
}

impl<F: Fn(u32, &Request<'_>) -> Option<Result<Answer, VlmError>> + Send + Sync> Vlm for Server<F> {
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, VlmError> {
        match (self.0)(self.1.fetch_add(1, Ordering::SeqCst), request) {
            Some(answer) => answer,
            None => Model::scripted(sensible).ask(request).await,
        }
    }
}

fn status(status: u16, message: &str, wished: Option<Duration>) -> Result<Answer, VlmError> {
    let address = "http://h/v1/chat/completions".to_owned();
    Err(VlmError::Status { address, status, message: message.to_owned(), wished })
}

fn thought() -> Answer {
    Answer { text: String::new(), finish_reason: Some("length".to_owned()), thought: true, ..Answer::default() }
}

#[tokio::test]
async fn a_refusal_of_one_kind_is_final_and_in_the_servers_words() {
    for (label, message, advice) in [
        ("explain", "at most 1 image(s) per prompt, 3 given", "--limit-mm-per-prompt"),
        ("s2cl_decompose", "response_format.json_schema: minItems is not supported", "response_format"),
        ("s1_prompt_match", "unknown field: seed", "request.omit = [\"seed\"]"),
    ] {
        let server =
            Server::new(move |_, request: &Request<'_>| (request.label == label).then(|| status(400, message, None)));
        let error = rehearsed(&folders(), &server).await.expect_err(label);
        assert_eq!(error.label, label);
        assert_eq!(error.source.to_string(), format!("http://h/v1/chat/completions answered 400: {message}"));
        assert!(hint(&error).contains(advice) && !error.is_of_the_reply(), "{}", hint(&error));
        assert!(server.asked() <= 5, "nothing is asked twice");
    }
    let error =
        rehearsed(&folders(), &Server::new(|_, _: &Request<'_>| Some(Ok(thought())))).await.expect_err("it thinks");
    assert!(
        error.source.to_string().contains("the model thinks before it answers (finish_reason length, limit "),
        "{error:?}"
    );
    assert!(hint(&error).contains("enable_thinking = false"));
}

#[tokio::test]
async fn what_may_pass_is_waited_for_within_reason() {
    let server = Server::new(|number, _: &Request<'_>| (number < 5).then(|| status(503, "loading", None)));
    assert_eq!(rehearsed(&folders(), &server).await.expect("it has loaded").calls, 10);
    let server =
        Server::new(|number, _: &Request<'_>| (number < 5).then(|| status(429, "", Some(Duration::from_secs(50)))));
    rehearsed(&folders(), &server).await.expect("it came when it said");
    for wished in [None, Some(Duration::from_hours(1))] {
        let server = Server::new(move |_, _: &Request<'_>| Some(status(429, "rate limited", wished)));
        let error = rehearsed(&folders(), &server).await.expect_err("it never comes");
        assert!(hint(&error).contains("try again later"), "{}", hint(&error));
    }
}

#[tokio::test]
async fn an_unusable_reply_is_asked_again_as_in_a_duel() {
    let stubborn = AtomicU32::new(0);
    let model = Model::scripted(move |seen| {
        let first_tries = seen.label == "s2cl_verify" && stubborn.fetch_add(1, Ordering::SeqCst) < 4;
        if first_tries { "hm".to_owned() } else { sensible(seen) }
    });
    assert_eq!(rehearsed(&folders(), &model).await.expect("the fifth time").calls, 9);
    let error = rehearsed(&folders(), &Model::scripted(|_| "hm".to_owned())).await.expect_err("never");
    assert!(error.is_of_the_reply() && hint(&error).contains("JSON schemas"));
}

fn hint(error: &RehearsalError) -> String {
    error.hint().expect("advice").into_owned()
}

const ONE: Concurrency = Concurrency { duels: 1, requests: 8 };

#[tokio::test]
async fn a_model_of_which_no_reply_can_be_used_is_given_up_in_the_second_duel() {
    let server = Server::new(|_, _: &Request<'_>| Some(Ok(Answer::default())));
    let (folders, outcome) = judged(&server).await;
    // What ended the match is told before what ended its first duel.
    assert!(matches!(outcome.first_failure, Some(Failure::Hopeless(_))), "{:?}", outcome.first_failure);
    assert_eq!((outcome.file.failures.len(), outcome.file.not_judged), (2, 4));
    assert_eq!(outcome.file.failures[1].error, "none of the first 48 replies could be used: the reply was empty");
    assert!(outcome.hint.is_some_and(|hint| hint.contains("JSON schemas")));
    assert!(outcome.file.results.is_empty() && !folders.path("results").exists(), "no record, no draw");
    // Besides, the summary of each is asked for up to three times.
    assert!(server.asked() <= 48 + 2 * 3 + 8, "{} requests", server.asked());
}

/// Six duels without a rehearsal.
async fn judged(vlm: &impl Vlm) -> (Folders, Outcome) {
    let folders = Folders::new();
    let stems = ["a", "b", "c", "d", "e", "f"];
    for stem in stems {
        folders.prompt(stem);
        for side in ["left", "right"] {
            folders.side(side, stem, "q3");
        }
    }
    let plan = Plan::make(folders.contest("official", &stems), false);
    let outcome = run(plan, vlm, &StoppedClock, ONE, &(), &CancellationToken::new()).await.expect("writes");
    (folders, outcome)
}

#[tokio::test]
async fn without_a_rehearsal_a_kind_that_is_always_refused_ends_the_match_and_invents_nothing() {
    type Rule = fn(&Request<'_>) -> Option<Result<Answer, VlmError>>;
    let cases: [(Rule, u32); 4] = [
        (|_| Some(status(400, "at most 1 image(s) per prompt", None)), 12),
        (|_| Some(Ok(thought())), 12),
        // Only what comes after stage 1: three attempts at the first such question.
        (|request| (request.label == "s2cl_decompose").then(|| status(422, "no schema", None)), 20),
        (|request| (request.label == "s4_per_angle").then(|| Ok(thought())), 40),
    ];
    for (rule, most) in cases {
        let server = Server::new(move |_, request: &Request<'_>| rule(request));
        let (folders, outcome) = judged(&server).await;
        let failure = outcome.first_failure.expect("a failure");
        assert!(matches!(failure, Failure::Hopeless(_)), "{failure:?}");
        assert!(outcome.file.results.is_empty() && !folders.path("results").exists(), "no record, no draw");
        assert!(server.asked() <= most, "{} requests", server.asked());
    }
    // A question without influence ends nothing.
    let server = Server::new(move |_, request: &Request<'_>| (request.label == "explain").then(|| Ok(thought())));
    assert_eq!(judged(&server).await.1.file.results.len(), 6);
    // Single refusals of a kind that was answered before are counted, and that is all.
    let asked = AtomicU32::new(0);
    let server = Server::new(move |_, request: &Request<'_>| {
        let first_duel = request.label != "s1_prompt_match" || asked.fetch_add(1, Ordering::SeqCst) < 8;
        let first_attempt = request.seed == 1100;
        (!first_duel && first_attempt).then(|| status(400, "odd", None))
    });
    assert_eq!(judged(&server).await.1.file.results.len(), 6);
}

#[tokio::test]
async fn a_question_that_shall_wait_an_hour_is_not_asked_again() {
    let server = Server::new(|_, request: &Request<'_>| {
        (request.label == "s1_prompt_match").then(|| status(429, "quota", Some(Duration::from_hours(1))))
    });
    let (_, outcome) = judged(&server).await;
    let Some(Failure::NothingAnswered { source, gave_up: true, .. }) = outcome.first_failure else {
        panic!("{:?}", outcome.first_failure)
    };
    let last = std::error::Error::source(&source).map(ToString::to_string);
    assert_eq!(last.as_deref(), Some("http://h/v1/chat/completions answered 429 and asks to wait 3600 s: quota"));
    // The summary may or may not have been asked for when its duel fails.
    assert!((3 * 8..=3 * 9).contains(&server.asked()), "three duels, each question once: {}", server.asked());
    assert!(!matches!(source, gen404_judge::DuelError::Hopeless(AttemptError::Reply(_))));
}
