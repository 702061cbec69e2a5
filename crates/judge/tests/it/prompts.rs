//! Prompt pictures on the network: fetched before the match, sent along as what they are, kept for the next run; and those
//! that cannot be had.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use gen404_judge::{
    ChatClient, ChatSettings, Concurrency, Event, Failure, Fetched, Match, Outcome, Plan, PromptPictures, rehearse, run,
};
use gen404_outside::explain::{Blame, Explain as _};
use gen404_outside::observer::Observer;
use gen404_outside::pictures::{FetchLimits, Fetcher};
use gen404_round::PromptSet;
use tokio_util::sync::CancellationToken;

use crate::clock::StoppedClock;
use crate::folders::Folders;
use crate::model::{Model, serve};

const JPEG: &[u8] = b"\xff\xd8\xff jpeg";

/// A host with one picture for each stem but `gone`, and the number of requests.
async fn host() -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let answer = move |axum::extract::Path(name): axum::extract::Path<String>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { if name == "gone.png" { Err(StatusCode::NOT_FOUND) } else { Ok(JPEG) } }
    };
    let app = axum::Router::new().route("/{name}", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, count)
}

fn contest(folders: &Folders, host: &str, stems: &[&str]) -> Match {
    for stem in stems {
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    let prompts: Vec<_> = stems
        .iter()
        .map(|stem| serde_json::json!({"stem": stem, "image_url": format!("{host}/{stem}.png?token=s3cret")}))
        .collect();
    let prompts = serde_json::json!({ "prompts": prompts }).to_string();
    Match { prompts: PromptSet::parse(prompts.as_bytes()).expect("prompts"), ..folders.contest("cli", stems) }
}

fn fetcher() -> Fetcher {
    Fetcher::new(FetchLimits { pause: Duration::ZERO, ..FetchLimits::default() }).expect("a fetcher")
}

async fn judged(contest: Match) -> (Fetched, Vec<String>, Outcome) {
    let model = Model::sighted();
    let mut plan = Plan::make(contest, false);
    let fetched = plan.fetch_prompts(&fetcher()).await;
    let concurrency = Concurrency { duels: 1, requests: 8 };
    let outcome = run(plan, &model, &StoppedClock, concurrency, &(), &CancellationToken::new()).await.expect("writes");
    let firsts = model.seen().into_iter().map(|seen| seen.pictures[0].clone()).collect();
    (fetched, firsts, outcome)
}

#[tokio::test]
async fn pictures_are_fetched_once_and_sent_along() {
    let (folders, (host, count)) = (Folders::new(), host().await);
    let contest = || contest(&folders, &host, &["a", "b"]);
    assert_eq!(Plan::make(contest(), false).cost().to_fetch, 2);
    let (fetched, seen, outcome) = judged(contest()).await;
    assert_eq!(fetched, Fetched { fetched: 2, ..Fetched::default() });
    assert!(seen.iter().all(|picture| picture == "png of 8 bytes"), "the model got bytes: {seen:?}");
    assert!(outcome.first_failure.is_none());
    let files = folders.record("a")["inputs"]["files"].clone();
    assert!(files["prompt"].is_string(), "the record names what was shown: {files}");

    // Nothing is fetched again, whether the duels are judged anew or kept.
    let again = Plan::make(contest(), true).cost();
    assert_eq!((again.to_judge, again.to_fetch), (2, 0));
    assert_eq!(Plan::make(contest(), false).cost().already_judged, 2);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_media_type_is_the_contents() {
    let (folders, (host, _)) = (Folders::new(), host().await);
    let seen = Arc::new(std::sync::Mutex::new(String::new()));
    let body = Arc::clone(&seen);
    let app = axum::Router::new().route(
        "/v1/chat/completions",
        axum::routing::post(move |text: String| async move {
            *body.lock().expect("not poisoned") = text;
            StatusCode::UNAUTHORIZED
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("a URL");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut plan = Plan::make(contest(&folders, &host, &["a"]), false);
    plan.fetch_prompts(&fetcher()).await;
    let client = ChatClient::new(ChatSettings::new(endpoint, "m")).expect("a client");
    let concurrency = Concurrency { duels: 1, requests: 1 };
    run(plan, &client, &StoppedClock, concurrency, &(), &CancellationToken::new()).await.expect("writes");
    assert!(seen.lock().expect("not poisoned").contains("\"url\":\"data:image/jpeg;base64,/9j/IGpwZWc=\""));
}

#[tokio::test]
async fn a_picture_that_cannot_be_had_fails_its_duel_and_no_other() {
    let (folders, (host, _)) = (Folders::new(), host().await);
    let stems = ["a", "gone"];
    let (fetched, _, outcome) = judged(contest(&folders, &host, &stems)).await;
    assert_eq!(fetched, Fetched { fetched: 1, missed: 1, changed: 0 });
    assert_eq!((outcome.file.results.len(), outcome.file.failures.len()), (1, 1));
    let error = &outcome.file.failures[0].error;
    assert_eq!(*error, format!("cannot fetch the prompt picture {host}/gone.png: the host answered 404"));
    let failure = outcome.first_failure.expect("a failure");
    assert!(matches!(failure, Failure::Prompt { .. }) && failure.blame() == Blame::Service);
    assert!(!folders.path("results/gone.json").exists());
    let again = Plan::make(contest(&folders, &host, &stems), false).cost();
    assert_eq!((again.already_judged, again.to_judge, again.to_fetch), (1, 1, 1), "it is tried again");
}

#[tokio::test]
async fn addresses_are_sent_when_that_is_wished_and_make_the_same_record() {
    let (folders, (host, count)) = (Folders::new(), host().await);
    let by = |prompt_pictures| Match { prompt_pictures, ..contest(&folders, &host, &["a"]) };
    let endpoint = serve(Model::sighted()).await;
    let settings = ChatSettings::new(endpoint.parse().expect("a URL"), "m");
    // It breaks off, and nobody need wait for another try.
    let client = ChatClient::new(ChatSettings { transport_retries: 0, ..settings }).expect("a client");
    // The scripted model takes no addresses: every question is refused.
    let plan = Plan::make(by(PromptPictures::Url), false);
    assert_eq!(plan.cost().to_fetch, 0);
    let concurrency = Concurrency { duels: 1, requests: 1 };
    let outcome = run(plan, &client, &StoppedClock, concurrency, &(), &CancellationToken::new()).await.expect("writes");
    assert!(outcome.file.results.is_empty() && count.load(Ordering::SeqCst) == 0);

    // The same picture by another way: a record of one is a record of the other.
    judged(by(PromptPictures::Data)).await;
    assert_eq!(Plan::make(by(PromptPictures::Url), false).cost().already_judged, 1);
    std::fs::remove_dir_all(folders.path("results/prompts")).expect("they were kept there");
    assert_eq!(Plan::make(by(PromptPictures::Url), false).cost().to_fetch, 0, "the server fetches it");
    let cost = Plan::make(by(PromptPictures::Data), false).cost();
    assert_eq!((cost.already_judged, cost.to_fetch), (1, 1), "kept, unless the picture turns out to be another");
    // But a kept picture that is not the recorded one is another picture.
    let mut plan = Plan::make(by(PromptPictures::Data), true);
    plan.fetch_prompts(&fetcher()).await;
    let kept = std::fs::read_dir(folders.path("results/prompts/by-address"))
        .expect("kept")
        .next()
        .expect("one")
        .expect("readable");
    std::fs::write(kept.path(), b"\xff\xd8\xff another").expect("writes");
    assert_eq!(Plan::make(by(PromptPictures::Data), false).cost().to_judge, 1);
}

/// A host whose picture can be changed; `None` is an error.
async fn changing_host() -> (String, Arc<std::sync::Mutex<Option<&'static [u8]>>>) {
    let picture = Arc::new(std::sync::Mutex::new(Some(JPEG)));
    let shown = Arc::clone(&picture);
    let answer = move || {
        let shown = *shown.lock().expect("not poisoned");
        async move { shown.ok_or(StatusCode::NOT_FOUND) }
    };
    let app = axum::Router::new().route("/{name}", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, picture)
}

#[tokio::test]
async fn a_picture_that_has_changed_behind_its_address_is_judged_again() {
    let (folders, (host, picture)) = (Folders::new(), changing_host().await);
    let contest = || contest(&folders, &host, &["a"]);
    let forget = || std::fs::remove_dir_all(folders.path("results/prompts")).expect("they were kept there");
    judged(contest()).await;
    let sum = || folders.record("a")["inputs"]["files"]["prompt"].clone();
    let first = sum();

    forget();
    let (fetched, asked, outcome) = judged(contest()).await;
    assert_eq!((fetched, asked.len()), (Fetched { fetched: 1, ..Fetched::default() }, 0), "it is the same");
    assert_eq!((outcome.judged, outcome.file.results.len()), (0, 1));

    forget();
    *picture.lock().expect("not poisoned") = None;
    let mut plan = Plan::make(contest(), false);
    assert_eq!(plan.fetch_prompts(&fetcher()).await, Fetched::default());
    let unconfirmed: Vec<_> = plan.unconfirmed().map(|(stem, error)| format!("{stem}: {error}")).collect();
    assert_eq!(unconfirmed, [format!("a: cannot fetch the prompt picture {host}/a.png")]);
    assert_eq!((plan.cost().already_judged, plan.cost().to_judge), (1, 0), "nobody knows better");

    *picture.lock().expect("not poisoned") = Some(b"\xff\xd8\xff another");
    let mut plan = Plan::make(contest(), false);
    assert_eq!(plan.fetch_prompts(&fetcher()).await, Fetched { fetched: 1, missed: 0, changed: 1 });
    let cost = plan.cost();
    assert_eq!((cost.already_judged, cost.to_judge, cost.to_fetch), (0, 1, 0));
    assert!(cost.calls > 0 && cost.bytes > 0);
    let (_, asked, outcome) = judged(contest()).await;
    assert!(!asked.is_empty() && outcome.judged == 1);
    assert_ne!(sum(), first, "the record is the new picture's");
}

/// A host with a picture under one name, and silence under all others.
async fn silent_host() -> String {
    let answer = |axum::extract::Path(name): axum::extract::Path<String>| async move {
        if name != "b.png" {
            std::future::pending::<()>().await;
        }
        JPEG
    };
    let app = axum::Router::new().route("/{name}", axum::routing::get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Notes the duel that was rehearsed with.
struct Rehearsals(tokio::sync::mpsc::UnboundedSender<String>);

impl Observer<Event<'_>> for Rehearsals {
    fn on(&self, event: Event<'_>) {
        if let Event::Rehearsed { stem, .. } = event {
            self.0.send(stem.to_string()).expect("somebody listens");
        }
    }
}

#[tokio::test]
async fn the_rehearsal_begins_with_the_first_picture_that_comes() {
    let (folders, host) = (Folders::new(), silent_host().await);
    let mut plan = Plan::make(contest(&folders, &host, &["a", "b", "c"]), false);
    let fetcher = Fetcher::new(FetchLimits {
        patience: Duration::from_hours(1),
        silence: Duration::from_hours(1),
        ..FetchLimits::default()
    });
    let fetcher = fetcher.expect("a fetcher");
    let (sender, mut rehearsed) = tokio::sync::mpsc::unbounded_channel();
    let (model, observer) = (Model::sighted(), Rehearsals(sender));
    let rehearsing = rehearse(&mut plan, &fetcher, &model, &StoppedClock, 8, &observer);
    // The pictures of `a` and `c` never come, so this one would never end.
    tokio::select! {
        _ = rehearsing => panic!("two pictures are still waited for"),
        stem = rehearsed.recv() => assert_eq!(stem.as_deref(), Some("b")),
    }
    assert_eq!(model.seen().len(), 5);
}
