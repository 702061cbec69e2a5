//! The client against endpoints that misbehave: dead, slow, cut off, refusing, chatty, not what they seem.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gen404_judge::{Answer, ChatClient, ChatSettings, Failure, Part, Request, Vlm, VlmError};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::flow::judge;
use crate::folders::Folders;

/// What the server does with a request, by its number from 0.
type Script = fn(usize, &str) -> Behaviour;

enum Behaviour {
    /// These bytes, then the connection is closed.
    Bytes(String),
    /// Nothing, for good.
    Stall,
}

fn answer(status: &str, headers: &str, body: &str) -> Behaviour {
    let length = body.len();
    Behaviour::Bytes(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    ))
}

fn completion(content: &str) -> Behaviour {
    let body = serde_json::json!({"choices": [{"message": {"role": "assistant", "content": content}}]});
    answer("200 OK", "", &body.to_string())
}

/// Serves until the test's runtime ends; counts requests.
async fn server(script: Script) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = vec![0; 65536];
                let head = loop {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    request.extend_from_slice(&buffer[..read]);
                    let text = String::from_utf8_lossy(&request).to_lowercase();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else {
                        if read == 0 {
                            return;
                        }
                        continue;
                    };
                    let length =
                        head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
                    if body.len() >= length.unwrap_or(0) {
                        break head.to_owned();
                    }
                };
                match script(counter.fetch_add(1, Ordering::SeqCst), &head) {
                    Behaviour::Bytes(bytes) => {
                        let _cut = stream.write_all(bytes.as_bytes()).await;
                        let _cut = stream.shutdown().await;
                    }
                    Behaviour::Stall => std::future::pending().await,
                }
            });
        }
    });
    (address, count)
}

fn settings(endpoint: &str) -> ChatSettings {
    let endpoint = endpoint.parse().expect("an address");
    ChatSettings { retry_pause: Duration::ZERO, ..ChatSettings::new(endpoint, "glm") }
}

fn client(endpoint: &str) -> ChatClient {
    ChatClient::new(settings(endpoint)).expect("a client")
}

async fn ask(client: &ChatClient) -> Result<String, VlmError> {
    answer_of(client).await.map(|answer| answer.text)
}

async fn answer_of(client: &ChatClient) -> Result<Answer, VlmError> {
    let parts = [Part::Text("?".to_owned())];
    let request = Request {
        label: "explain",
        system: "s",
        parts: &parts,
        schema: "{}",
        temperature: 0.0,
        seed: 1,
        max_tokens: 10,
    };
    client.ask(&request).await
}

#[tokio::test]
async fn failures_on_the_way_are_sent_again_and_others_are_not() {
    let (endpoint, count) = server(|number, _| match number {
        0 => answer("500 Internal Server Error", "", ""),
        1 => answer("429 Too Many Requests", "Retry-After: 0.001\r\n", "{}"),
        _ => completion("done"),
    })
    .await;
    assert_eq!(ask(&client(&endpoint)).await.expect("the third time"), "done");
    assert_eq!(count.load(Ordering::SeqCst), 3);

    let (endpoint, count) = server(|_, _| answer("503 Service Unavailable", "", "{\"detail\": \"loading\"}")).await;
    let error = ask(&client(&endpoint)).await.expect_err("never");
    assert_eq!(error.to_string(), format!("{endpoint}/v1/chat/completions answered 503: loading"));
    assert!(error.is_retryable() && !error.is_hopeless());
    assert_eq!(count.load(Ordering::SeqCst), 3, "twice again");

    let (endpoint, count) =
        server(|_, _| answer("400 Bad Request", "", "{\"error\": {\"message\": \"too long\"}}")).await;
    let error = ask(&client(&endpoint)).await.expect_err("refused");
    assert!(matches!(&error, VlmError::Status { status: 400, message, .. } if message == "too long"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn pauses_are_as_the_server_wishes_or_not_waited_for_at_all() {
    // A date that is over asks for no pause, and neither does nonsense.
    let (endpoint, count) = server(|number, _| match number {
        0 => answer("429 Too Many Requests", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", ""),
        1 => answer("429 Too Many Requests", "Retry-After: soon\r\n", ""),
        _ => completion("done"),
    })
    .await;
    assert_eq!(ask(&client(&endpoint)).await.expect("the third time"), "done");
    assert_eq!(count.load(Ordering::SeqCst), 3);

    let (endpoint, count) = server(|_, _| answer("429 Too Many Requests", "Retry-After: 3600\r\n", "")).await;
    let error = ask(&client(&endpoint)).await.expect_err("nobody waits an hour");
    assert_eq!(error.wished_pause(), Some(Duration::from_hours(1)));
    assert_eq!(error.to_string(), format!("{endpoint}/v1/chat/completions answered 429 and asks to wait 3600 s"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let (endpoint, count) =
        server(|_, _| answer("503 Service Unavailable", "Retry-After: Tue, 31 Dec 2199 23:59:59 GMT\r\n", "")).await;
    assert!(ask(&client(&endpoint)).await.expect_err("nor until then").wished_pause() > Some(Duration::from_hours(1)));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_error_sent_as_a_success_is_the_error_it_is() {
    let (endpoint, count) = server(|number, _| match number {
        0 => answer(
            "200 OK",
            "Retry-After: 0.001\r\n",
            r#"{"error": {"code": 429, "message": "rate limited upstream"}}"#,
        ),
        1 => answer("200 OK", "", r#"{"choices": [{"error": {"code": 502, "message": "provider"}}]}"#),
        _ => completion("done"),
    })
    .await;
    assert_eq!(ask(&client(&endpoint)).await.expect("the third time"), "done");
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let (endpoint, _) =
        server(|_, _| answer("200 OK", "", r#"{"object": "error", "message": "at most 1", "code": 400}"#)).await;
    let error = ask(&client(&endpoint)).await.expect_err("refused");
    assert!(error.is_refusal());
    assert_eq!(error.to_string(), format!("{endpoint}/v1/chat/completions answered 400: at most 1"));
    let (endpoint, _) = server(|_, _| answer("200 OK", "", r#"{"error": "no such deployment"}"#)).await;
    let error = ask(&client(&endpoint)).await.expect_err("an error");
    assert_eq!(error.to_string(), format!("{endpoint}/v1/chat/completions answered with an error: no such deployment"));
}

#[tokio::test]
async fn replies_come_in_parts_too_and_thinking_is_told() {
    let (endpoint, _) = server(|_, _| {
        answer("200 OK", "", r#"{"choices": [{"message": {"content": [{"type": "text", "text": "do"}, {"type": "text", "text": "ne"}]}}]}"#)
    })
    .await;
    assert_eq!(ask(&client(&endpoint)).await.expect("a reply"), "done");
    let (endpoint, _) = server(|_, _| {
        let message = r#"{"role": "assistant", "content": null, "reasoning_content": "let me see"}"#;
        answer("200 OK", "", &format!(r#"{{"choices": [{{"message": {message}, "finish_reason": "length"}}]}}"#))
    })
    .await;
    let thoughts = answer_of(&client(&endpoint)).await.expect("a reply");
    assert_eq!(
        thoughts,
        Answer { text: String::new(), finish_reason: Some("length".to_owned()), thought: true, ..Answer::default() }
    );
}

#[tokio::test]
async fn an_address_is_asked_as_given_and_shown_without_its_secrets() {
    let (endpoint, _) = server(|_, head| {
        let known = head.starts_with("post /api/paas/v4/chat/completions?key=s3cret ");
        if known {
            completion("known")
        } else {
            answer("404 Not Found", "", "{\"error\": {\"message\": \"no such route\"}}")
        }
    })
    .await;
    for given in ["/api/paas/v4?key=s3cret", "//api/paas/v4//?key=s3cret", "/api/paas/v4/chat/completions?key=s3cret"] {
        assert_eq!(ask(&client(&format!("{endpoint}{given}"))).await.expect(given), "known");
    }
    let error = ask(&client(&format!("{endpoint}/api?key=s3cret"))).await.expect_err("another path");
    assert_eq!(error.to_string(), format!("{endpoint}/api/v1/chat/completions answered 404: no such route"));
}

#[tokio::test]
async fn refusals_that_concern_every_request_are_hopeless() {
    for (status, script) in [
        (401, (|_, _| answer("401 Unauthorized", "", "")) as Script),
        (402, |_, _| answer("402 Payment Required", "", r#"{"error": {"message": "no credit"}}"#)),
        (404, |_, _| answer("404 Not Found", "", r#"{"error": {"message": "The model `glm` does not exist."}}"#)),
        (307, |_, _| answer("307 Temporary Redirect", "Location: http://127.0.0.1:1/v1/chat/completions\r\n", "")),
    ] {
        let (endpoint, count) = server(script).await;
        let error = ask(&client(&endpoint)).await.expect_err("refused");
        assert!(
            error.is_hopeless() && matches!(error, VlmError::Status { status: found, .. } if found == status),
            "{error}"
        );
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn replies_that_are_none_fail() {
    for script in [
        (|_, _| answer("200 OK", "", "<html>gateway</html>")) as Script,
        |_, _| answer("200 OK", "", r#"{"choices": []}"#),
        |_, _| answer("200 OK", "", r#"{"choices": [{"message": {"content": 5}}]}"#),
    ] {
        let (endpoint, _) = server(script).await;
        assert!(matches!(ask(&client(&endpoint)).await, Err(VlmError::NoCompletion { .. })));
    }
    let (endpoint, _) = server(|_, _| answer("200 OK", "", r#"{"choices": [{"message": {"content": null}}]}"#)).await;
    assert_eq!(ask(&client(&endpoint)).await.expect("an empty reply is a reply"), "");
    let (endpoint, _) = server(|_, _| answer("200 OK", "", &"x".repeat((8 << 20) + 1))).await;
    assert!(matches!(ask(&client(&endpoint)).await, Err(VlmError::TooLong { .. })));
}

#[tokio::test]
async fn cut_and_stalled_connections_end_within_the_limit() {
    let (endpoint, count) =
        server(|_, _| Behaviour::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"cho".to_owned())).await;
    let error = ask(&client(&endpoint)).await.expect_err("cut");
    assert!(matches!(error, VlmError::BrokeOff { .. }), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 3);

    let (endpoint, _) = server(|_, _| Behaviour::Stall).await;
    let settings = ChatSettings { timeout: Duration::from_millis(50), transport_retries: 0, ..settings(&endpoint) };
    let error = ask(&ChatClient::new(settings).expect("a client")).await.expect_err("late");
    assert!(matches!(error, VlmError::TimedOut { .. }), "{error}");

    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
    let error = ask(&client(&format!("http://user:secret@{free}"))).await.expect_err("nobody there");
    assert_eq!(error.to_string(), format!("cannot reach http://{free}/v1/chat/completions"));
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn the_key_travels_in_its_header_and_nowhere_else() {
    let (endpoint, _) = server(|_, head| {
        let known = head.contains("authorization: bearer k-123\r\n");
        if known { completion("known") } else { answer("401 Unauthorized", "", "who are you") }
    })
    .await;
    let settings = ChatSettings { api_key: Some(SecretString::from("k-123")), ..settings(&endpoint) };
    let client = ChatClient::new(settings).expect("a client");
    assert_eq!(ask(&client).await.expect("let in"), "known");
    assert!(!format!("{client:?}").contains("k-123"));
    let settings = ChatSettings { api_key: Some(SecretString::from("k\n123")), ..self::settings(&endpoint) };
    assert!(matches!(ChatClient::new(settings), Err(VlmError::Key)));
}

#[tokio::test]
async fn an_address_of_a_picture_is_not_repeated_with_its_secrets() {
    for script in [
        (|_, _| answer("400 Bad Request", "", "cannot fetch https://miner:s3cret@h/a.png?token=s3cret2")) as Script,
        |_, _| {
            answer(
                "200 OK",
                "",
                r#"{"error": {"code": 400, "message": "cannot fetch https:\/\/h\/a.png?token=s3cret2"}}"#,
            )
        },
    ] {
        let (endpoint, _) = server(script).await;
        let parts = [Part::Picture("https://miner:s3cret@h/a.png?token=s3cret2".into())];
        let request = Request {
            label: "explain",
            system: "s",
            parts: &parts,
            schema: "{}",
            temperature: 0.0,
            seed: 1,
            max_tokens: 10,
        };
        let error = client(&endpoint).ask(&request).await.expect_err("refused").to_string();
        assert!(error.contains("answered 400: cannot fetch https://") && error.contains("token=…"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn the_models_of_an_endpoint() {
    let (endpoint, _) = server(|_, head| {
        assert!(head.starts_with("get /v1/models "));
        answer("200 OK", "", r#"{"object": "list", "data": [{"id": "glm-4.6v-flash"}, {"id": "b\u001b[2J"}]}"#)
    })
    .await;
    let names = |greeting: gen404_judge::Greeting| {
        let models = greeting.there.into_iter().next().expect("it is there").models;
        models.map(|models| models.into_iter().map(|model| model.name).collect::<Vec<_>>())
    };
    let greeting = client(&endpoint).greet().await.expect("a list");
    assert_eq!(names(greeting), Some(vec!["glm-4.6v-flash".to_owned(), "b".to_owned()]));
    let (endpoint, _) = server(|_, _| answer("404 Not Found", "", "")).await;
    assert_eq!(names(client(&endpoint).greet().await.expect("it answered")), None);
    let (endpoint, _) = server(|_, _| answer("403 Forbidden", "", "")).await;
    assert!(client(&endpoint).greet().await.expect_err("refused").is_hopeless());
}

#[tokio::test]
async fn a_wrong_model_name_stops_the_match_at_once() {
    let folders = Folders::new();
    for stem in ["a", "b", "c"] {
        folders.prompt(stem);
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    let (endpoint, count) =
        server(|_, _| answer("404 Not Found", "", r#"{"error": {"message": "The model `glm` does not exist."}}"#))
            .await;
    let outcome = judge(folders.contest("cli", &["a", "b", "c"]), &client(&endpoint)).await;
    let failure = outcome.first_failure.expect("a failure");
    assert!(matches!(failure, Failure::Hopeless(_)) && outcome.hint.is_some_and(|hint| hint.contains("--model")));
    assert_eq!(
        failure.to_string(),
        format!("{endpoint}/v1/chat/completions answered 404: The model `glm` does not exist.")
    );
    assert!(outcome.file.results.is_empty() && !folders.path("results").exists());
    assert!(count.load(Ordering::SeqCst) <= 8 + 8, "no more than was in flight");
}
