//! One match over several endpoints, of which one dies, one is always busy and one is slow: the records are those of a single one.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gen404_judge::{ChatClient, ChatSettings, Concurrency, Match, Trait, Vlm, unlike_answers, unlike_models};
use serde_json::json;
use tokio::sync::Notify;

use crate::flow::judge_at;
use crate::folders::{Folders, read_json};
use crate::model::{Model, routes};

const STEMS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// What an endpoint is like.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Good,
    Busy,
    Slow,
    /// Dies with its so-many-th question.
    Mortal(usize),
}

#[derive(Clone)]
struct Endpoint {
    habit: Habit,
    questions: Arc<Mutex<usize>>,
    death: Arc<Notify>,
}

async fn behave(State(this): State<Endpoint>, request: Request, next: Next) -> Response {
    if request.uri().path().ends_with("/models") {
        return next.run(request).await;
    }
    let count = {
        let mut questions = this.questions.lock().expect("nobody panicked");
        *questions += 1;
        *questions
    };
    match this.habit {
        Habit::Busy => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Habit::Mortal(questions) if count >= questions => {
            this.death.notify_one();
            std::future::pending::<()>().await;
        }
        Habit::Slow => tokio::time::sleep(Duration::from_millis(50)).await,
        Habit::Good | Habit::Mortal(_) => tokio::time::sleep(Duration::from_millis(5)).await,
    }
    next.run(request).await
}

/// Starts an endpoint in a runtime of its own, whose end cuts every connection as a killed process does.
fn start(habit: Habit, model: &Model, names: &[&str]) -> String {
    let endpoint = Endpoint { habit, questions: Arc::default(), death: Arc::new(Notify::new()) };
    let models = json!({"data": names.iter().map(|name| json!({"id": name})).collect::<Vec<_>>()});
    let (sender, address) = mpsc::channel();
    let model = model.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let death = Arc::clone(&endpoint.death);
        runtime.spawn(async move {
            let router = routes(model)
                .route("/v1/models", get(move || async move { axum::Json(models) }))
                .layer(middleware::from_fn_with_state(endpoint, behave));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            sender.send(listener.local_addr().expect("an address")).expect("the test waits");
            axum::serve(listener, router).await
        });
        runtime.block_on(death.notified());
        runtime.shutdown_background();
    });
    format!("http://{}", address.recv().expect("it listens"))
}

fn client(endpoints: &[String]) -> ChatClient {
    let endpoints: Vec<url::Url> = endpoints.iter().map(|endpoint| endpoint.parse().expect("an address")).collect();
    let settings = ChatSettings::new(endpoints[0].clone(), "scripted");
    ChatClient::new(ChatSettings { retry_pause: Duration::from_millis(10), endpoints, ..settings }).expect("a client")
}

fn folders() -> Folders {
    let folders = Folders::new();
    for (index, stem) in STEMS.into_iter().enumerate() {
        folders.prompt(stem);
        folders.side("left", stem, &format!("q{}", 2 + index % 3));
        folders.side("right", stem, &format!("q{} right:junk back:junk left:junk", 2 + index % 2));
    }
    folders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_records_do_not_depend_on_who_answers() {
    let folders = folders();
    let at_once = Concurrency { duels: 4, requests: 16 };
    let to = |name: &str| Match { output: folders.path(name), ..folders.contest("official", &STEMS) };
    judge_at(to("alone"), &Model::sighted(), Concurrency { duels: 1, requests: 1 }).await;

    let model = Model::sighted();
    let habits = [Habit::Good, Habit::Mortal(20), Habit::Busy, Habit::Slow];
    let endpoints: Vec<String> = habits.iter().map(|habit| start(*habit, &model, &["scripted"])).collect();
    let pool = client(&endpoints);
    let greeting = pool.greet().await.expect("they are there");
    assert_eq!((greeting.there.len(), unlike_models(&greeting.there, "scripted")), (4, None));
    let outcome = judge_at(to("pool"), &pool, at_once).await;
    assert!(outcome.first_failure.is_none(), "{:?}", outcome.first_failure);
    let file = |name: &str| read_json(&folders.path(&format!("{name}/duels.json")));
    assert_eq!(file("pool"), file("alone"));
    let shares = pool.shares();
    let done: Vec<u64> = shares.iter().map(|share| share.done).collect();
    assert_eq!(done.iter().sum::<u64>(), u64::from(outcome.calls.calls), "{shares:?}");
    assert!(done[0] > done[3] && done[3] > 0 && done[1] > 0 && done[2] == 0, "{shares:?}");
    assert!(shares[1].failed > 0 && shares[2].failed > 0, "{shares:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_the_questions_and_not_the_endpoints() {
    let model = Model::sighted();
    let endpoints = [(); 2].map(|()| start(Habit::Good, &model, &["scripted"]));
    let pool = client(&endpoints);
    let unanswerable = gen404_judge::Request {
        label: "explain",
        system: "s",
        parts: &[],
        // The model answers 422 to a request without one.
        schema: "[]",
        temperature: 0.0,
        seed: 1,
        max_tokens: 10,
    };
    let error = pool.ask(&unanswerable).await.expect_err("refused");
    assert!(error.is_refusal(), "{error}");
    let shares = pool.shares();
    assert_eq!(shares.iter().map(|share| (share.done, share.failed)).collect::<Vec<_>>(), [(1, 0), (0, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_of_different_models_are_told_apart() {
    let model = Model::sighted();
    let pool = client(&[start(Habit::Good, &model, &["scripted"]), start(Habit::Good, &model, &["another"])]);
    let unlike = unlike_models(&pool.greet().await.expect("they are there").there, "scripted").expect("unlike");
    assert_eq!(unlike.what, Trait::Models);
    assert!(unlike.to_string().contains("has another"), "{unlike}");
    assert_eq!(unlike_answers(&pool.heard()), None, "nobody has answered yet");
}
