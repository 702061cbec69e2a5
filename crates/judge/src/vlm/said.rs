//! What a server's body says: a completion in one of the forms that servers have for it, or an error, whatever the HTTP status is.
//! Knows JSON and nothing of connections.

use gen404_outside::text::{excerpt, excerpt_of_bytes};
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Identity};

/// Longest quotation of a server.
const EXCERPT: usize = 200;

/// A body that came with a success.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Answer(Answer),
    /// An error in spite of the HTTP status, with its own status when it names one.
    Error(Option<u16>, String),
    /// Something else.
    Neither(String),
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    model: Option<Value>,
    #[serde(default)]
    system_fingerprint: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// Gateways put what the provider behind them said here.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Content>,
    /// Why the model does not want to answer, in its own words.
    #[serde(default)]
    refusal: Option<Value>,
    /// Thinking aloud, under the names that servers have for it.
    #[serde(default)]
    reasoning_content: Option<Value>,
    #[serde(default)]
    reasoning: Option<Value>,
    #[serde(default)]
    thinking: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

/// Reads the body of a success.
pub(super) fn read(body: &[u8]) -> Said {
    let neither = || Said::Neither(excerpt_of_bytes(body, EXCERPT));
    let Ok(completion) = serde_json::from_slice::<Completion>(body) else {
        return error_in(body).unwrap_or_else(neither);
    };
    let word = |value: Option<Value>| {
        let word = excerpt(value.as_ref()?.as_str()?, EXCERPT);
        Some(word).filter(|word| !word.is_empty())
    };
    let identity = Identity { model: word(completion.model), fingerprint: word(completion.system_fingerprint) };
    let Some(choice) = completion.choices.into_iter().next() else {
        return error_in(body).unwrap_or_else(neither);
    };
    if let Some(error) = choice.error.filter(|error| !error.is_null()) {
        let words = error.as_str().map(|words| excerpt(words, EXCERPT));
        let message = words.or_else(|| message_of(&error)).unwrap_or_default();
        return Said::Error(status_of(&error).or_else(|| in_message(&message)), message);
    }
    let Some(message) = choice.message else { return neither() };
    let thoughts = [&message.reasoning_content, &message.reasoning, &message.thinking];
    let mut thought = thoughts.into_iter().flatten().any(|thought| !thought.is_null() && thought != "");
    let text = match message.content {
        None => String::new(),
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => {
            let is_text = |part: &Part| matches!(part.kind.as_deref(), None | Some("text" | "output_text"));
            thought |= parts.iter().any(|part| !is_text(part));
            parts.into_iter().filter(is_text).filter_map(|part| part.text).collect()
        }
    };
    thought |= text.trim_start().starts_with("<think");
    let refusal = message.refusal.as_ref().and_then(Value::as_str).map(|words| excerpt(words, EXCERPT));
    let refusal = refusal.filter(|words| !words.is_empty());
    Said::Answer(Answer { text, finish_reason: choice.finish_reason, thought, refusal, identity })
}

/// The error that a body holds, if that is what it holds.
fn error_in(body: &[u8]) -> Option<Said> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let error = json.get("error").filter(|error| !error.is_null());
    let bare = || Some(&json).filter(|json| json.get("error").is_none() && number_of(json).is_some());
    let error =
        error.or_else(bare).or_else(|| Some(&json).filter(|json| json.get("object") == Some(&"error".into())))?;
    let message = message_of(&json).unwrap_or_default();
    Some(Said::Error(status_of(error).or_else(|| status_of(&json)).or_else(|| in_message(&message)), message))
}

/// The HTTP status that an error names, as a number or in words.
fn status_of(error: &Value) -> Option<u16> {
    let mut words = NAMES_OF_STATUS.into_iter().filter_map(|name| error.get(name)?.as_str());
    number_of(error).or_else(|| words.find_map(in_words))
}

/// Where errors have their status.
const NAMES_OF_STATUS: [&str; 3] = ["status", "code", "type"];

/// A status of an error, as a number or its digits.
fn number_of(error: &Value) -> Option<u16> {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    let number = |value: &Value| number(value).and_then(|number| u16::try_from(number).ok());
    let named = NAMES_OF_STATUS.into_iter().filter_map(|name| error.get(name));
    named.filter_map(number).find(|status| (400..600).contains(status))
}

fn in_words(word: &str) -> Option<u16> {
    let word = word.to_ascii_lowercase();
    let statuses: [(u16, &[&str]); 7] = [
        (429, &["rate_limit", "rate limit", "too_many_requests", "resource_exhausted", "quota"]),
        (503, &["overloaded", "unavailable"]),
        (401, &["authentication", "unauthenticated", "invalid_api_key", "unauthorized"]),
        (403, &["permission", "forbidden"]),
        (404, &["not_found", "notfound"]),
        (400, &["invalid_request", "badrequest", "bad_request", "invalid_argument"]),
        (500, &["server_error", "internal"]),
    ];
    statuses.into_iter().find(|(_, words)| words.iter().any(|part| word.contains(part))).map(|(status, _)| status)
}

/// The status that a sentence stands for when the error names none: what passes by itself, as every server has words for it.
fn in_message(message: &str) -> Option<u16> {
    let message = message.to_lowercase();
    let statuses: [(u16, &[&str]); 2] = [
        (429, &["rate limit", "rate-limit", "too many requests"]),
        (
            503,
            &[
                "overloaded",
                "temporarily",
                "try again",
                "retry later",
                "is busy",
                "too busy",
                "at capacity",
                "is loading",
            ],
        ),
    ];
    statuses.into_iter().find(|(_, words)| words.iter().any(|part| message.contains(part))).map(|(status, _)| status)
}

/// What a server says about its refusal: `error.message`, `message`, `detail`, or the beginning of the body.
pub(super) fn refusal(body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    json.as_ref().and_then(message_of).unwrap_or_else(|| excerpt_of_bytes(body, EXCERPT))
}

fn message_of(json: &Value) -> Option<String> {
    let places = [json.pointer("/error/message"), json.get("message"), json.get("error"), json.get("detail")];
    let said = places.into_iter().flatten().find_map(|said| match said {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    said.map(|said| excerpt(&said, EXCERPT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(body: &Value) -> Said {
        read(body.to_string().as_bytes())
    }

    fn message(message: &Value) -> Said {
        said(&json!({"choices": [{"message": message, "finish_reason": "stop"}]}))
    }

    fn text(text: &str, thought: bool) -> Said {
        Said::Answer(Answer {
            text: text.to_owned(),
            finish_reason: Some("stop".to_owned()),
            thought,
            ..Answer::default()
        })
    }

    #[test]
    fn a_refusal_is_kept_in_the_models_words() {
        let Said::Answer(answer) = message(&json!({"content": null, "refusal": "I can't\nhelp."})) else { panic!() };
        assert_eq!((answer.text.as_str(), answer.refusal.as_deref()), ("", Some("I can't help.")));
        assert_eq!(message(&json!({"content": "{}", "refusal": null})), text("{}", false));
    }

    #[test]
    fn content_comes_as_text_or_in_parts() {
        assert_eq!(message(&json!({"content": "{}"})), text("{}", false));
        assert_eq!(message(&json!({"content": "{}", "reasoning_content": null, "reasoning": ""})), text("{}", false));
        let parts = json!([{"type": "text", "text": "{\"a\":"}, {"type": "output_text", "text": " 1}"}]);
        assert_eq!(message(&json!({ "content": parts })), text("{\"a\": 1}", false));
        let thinking = json!([{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "{}"}]);
        assert_eq!(message(&json!({ "content": thinking })), text("{}", true));
        assert_eq!(message(&json!({"content": []})), text("", false));
        assert_eq!(message(&json!({"content": null})), text("", false));
        assert_eq!(message(&json!({})), text("", false));
    }

    #[test]
    fn a_model_that_thinks_is_noticed() {
        for field in ["reasoning_content", "reasoning", "thinking"] {
            assert_eq!(message(&json!({"content": null, field: "let me see"})), text("", true));
        }
        assert_eq!(message(&json!({"content": "<think>let me"})), text("<think>let me", true));
        let cut = said(&json!({"choices": [{"message": {"content": "{"}, "finish_reason": "length"}]}));
        let Said::Answer(answer) = cut else { panic!("{cut:?}") };
        assert!(answer.was_cut() && !answer.thought);
    }

    #[test]
    fn an_error_body_is_an_error_whatever_its_http_status() {
        let error = |status, message: &str| Said::Error(status, message.to_owned());
        for (body, want) in [
            (
                json!({"error": {"code": 429, "message": "rate limited upstream"}}),
                error(Some(429), "rate limited upstream"),
            ),
            (json!({"error": {"code": "503", "message": "busy"}, "choices": []}), error(Some(503), "busy")),
            (json!({"object": "error", "message": "at most 1", "code": 400}), error(Some(400), "at most 1")),
            (json!({"error": {"type": "rate_limit_error", "message": "slow down"}}), error(Some(429), "slow down")),
            (json!({"error": {"code": "insufficient_quota", "message": "m"}}), error(Some(429), "m")),
            (json!({"error": {"code": "1302", "message": "m"}}), error(None, "m")),
            (json!({"detail": "Not found", "status": 404}), error(Some(404), "Not found")),
            (json!({"error": "no vision here"}), error(None, "no vision here")),
            (json!({"error": "model overloaded"}), error(Some(503), "model overloaded")),
            (
                json!({"error": {"message": "Server is busy, please Try Again"}}),
                error(Some(503), "Server is busy, please Try Again"),
            ),
            (json!({"error": {"message": "Too many requests"}}), error(Some(429), "Too many requests")),
            (json!({"error": {"code": 400, "message": "try again"}}), error(Some(400), "try again")),
            (json!({"choices": [{"error": "provider overloaded"}]}), error(Some(503), "provider overloaded")),
            (json!({"choices": [{"error": {"code": 502, "message": "provider"}}]}), error(Some(502), "provider")),
        ] {
            assert_eq!(said(&body), want, "{body}");
        }
        assert_eq!(
            said(
                &json!({"error": null, "choices": [{"error": null, "message": {"content": "{}"}, "finish_reason": "stop"}]})
            ),
            text("{}", false)
        );
    }

    #[test]
    fn anything_else_is_quoted_briefly() {
        assert_eq!(read(b"<html>gateway</html>"), Said::Neither("<html>gateway</html>".to_owned()));
        assert!(matches!(said(&json!({"choices": []})), Said::Neither(_)));
        assert!(matches!(said(&json!({"id": "x", "status": "ok", "code": 200})), Said::Neither(_)));
        assert!(matches!(said(&json!({"choices": [{"message": {"content": 5}}]})), Said::Neither(_)));
        assert_eq!(refusal(br#"{"error":{"message":"no model\n`x`"}}"#), "no model `x`");
        assert_eq!(refusal(br#"{"detail":"Not Found"}"#), "Not Found");
        assert_eq!(
            refusal(br#"{"detail":[{"loc":["body","seed"],"msg":"extra"}]}"#),
            r#"[{"loc":["body","seed"],"msg":"extra"}]"#
        );
        assert_eq!(refusal(b"<html>\x1b[2J gateway</html>"), "<html> gateway</html>");
        assert!(refusal("ü".repeat(999).as_bytes()).ends_with('…'));
        assert_eq!(refusal(b""), "");
    }
}
