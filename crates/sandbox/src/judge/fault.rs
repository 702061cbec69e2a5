//! What can go wrong with an answer. Must not know the right ones: a fault bends whatever reply it is given.
//! When one happens is not decided here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The reply's JSON has single quotes.
    Malformed,
    /// The reply is right, but inside a fenced block with words around it.
    Fenced,
    /// The reply is right but for a comma before the closing brace.
    TrailingComma,
    /// The reply ends in its middle, with `finish_reason` `length`.
    Truncated,
    /// Every value of the reply is of a type that cannot be coerced.
    WrongTypes,
    /// The reply lacks one of its fields.
    MissingField,
    /// The reply has no content, only a refusal.
    Refusal,
    /// The reply has empty content.
    Empty,
    /// The reply is a sentence without any JSON.
    Prose,
    /// The reply prefers the first of the two pictures, whatever they show: the two orders contradict each other.
    FirstWins,
    /// HTTP 429 with `Retry-After`.
    RateLimited {
        /// The header's value in seconds.
        retry_after_seconds: u32,
    },
    /// HTTP 500.
    ServerError,
    /// No answer at all until the caller gives up or the script stops.
    Stall,
    /// The connection is cut in the middle of the reply's body.
    CutConnection,
    /// A server that fetches nothing: HTTP 400 when a picture comes by its address.
    #[serde(rename = "nourl")]
    NoUrl,
    /// A server with a limit of pictures: HTTP 400 when there are more.
    Max {
        /// The limit.
        pictures: usize,
    },
    /// A proxy with a limit of 1 MiB: HTTP 413 and a page when the request is larger.
    Big,
    /// The reply is right, but its content is a list of parts.
    Parts,
    /// HTTP 200 with the body of a 429.
    Error200,
    /// The model thinks until its limit is reached: no content, `finish_reason` `length`.
    Thinking,
    /// A server that does not know `seed`: HTTP 400.
    #[serde(rename = "noseed")]
    NoSeed,
}

/// Text of a reply and its `finish_reason`, bent by the fault; `None` is a reply without content.
pub(crate) fn bend(fault: Option<&Fault>, mut right: Value) -> (Option<String>, &'static str) {
    let text = right.to_string();
    let bent = match fault {
        Some(Fault::Refusal) => return (None, "stop"),
        Some(Fault::Truncated) => {
            let middle = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2).unwrap_or(0);
            return (Some(text[..middle].to_owned()), "length");
        }
        Some(Fault::Malformed) => text.replace('"', "'"),
        Some(Fault::Fenced) => format!("Here it is:\n```json\n{text}\n```\nAnything else?"),
        Some(Fault::TrailingComma) => format!("{},}}", text.trim_end_matches('}')),
        Some(Fault::Empty) => String::new(),
        Some(Fault::Prose) => "Both are nice in their own way.".to_owned(),
        Some(Fault::WrongTypes) => {
            fields(&mut right).for_each(|(_, value)| *value = serde_json::json!({ "not": "this" }));
            right.to_string()
        }
        Some(Fault::MissingField) => {
            if let Some(fields) = right.as_object_mut()
                && let Some(last) = fields.keys().next_back().cloned()
            {
                fields.remove(&last);
            }
            right.to_string()
        }
        Some(Fault::FirstWins) => {
            fields(&mut right).filter(|(name, _)| *name == "penalty_1").for_each(|(_, value)| *value = 2.into());
            fields(&mut right).filter(|(name, _)| *name == "penalty_2").for_each(|(_, value)| *value = 7.into());
            right.to_string()
        }
        Some(Fault::Thinking) => return (None, "length"),
        None
        | Some(
            Fault::RateLimited { .. }
            | Fault::ServerError
            | Fault::Stall
            | Fault::CutConnection
            | Fault::NoUrl
            | Fault::Max { .. }
            | Fault::Big
            | Fault::Parts
            | Fault::Error200
            | Fault::NoSeed,
        ) => text,
    };
    (Some(bent), "stop")
}

fn fields(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_have_the_names_of_the_field() {
        for (name, fault) in [
            (json!("nourl"), Fault::NoUrl),
            (json!({"max": {"pictures": 1}}), Fault::Max { pictures: 1 }),
            (json!({"rate_limited": {"retry_after_seconds": 3}}), Fault::RateLimited { retry_after_seconds: 3 }),
            (json!("big"), Fault::Big),
            (json!("parts"), Fault::Parts),
            (json!("error200"), Fault::Error200),
            (json!("thinking"), Fault::Thinking),
            (json!("noseed"), Fault::NoSeed),
        ] {
            assert_eq!(serde_json::from_value::<Fault>(name).unwrap(), fault);
        }
    }

    #[test]
    fn replies_are_bent_as_their_names_say() {
        let right = || json!({"issues": "häßlich", "penalty_1": 3, "penalty_2": 3});
        let bent = |fault| bend(Some(&fault), right()).0.unwrap();
        let parse = |text: &str| serde_json::from_str::<Value>(text);
        assert!(parse(&bent(Fault::Malformed)).is_err());
        assert!(parse(&bent(Fault::Truncated)).is_err());
        assert!(parse(&bent(Fault::TrailingComma)).is_err());
        assert!(bent(Fault::TrailingComma).ends_with(",}"));
        assert!(bent(Fault::Fenced).contains(&format!("```json\n{}\n```", right())));
        assert!(parse(&bent(Fault::WrongTypes)).unwrap()["penalty_1"].is_object());
        assert_eq!(parse(&bent(Fault::MissingField)).unwrap().as_object().unwrap().len(), 2);
        assert_eq!(parse(&bent(Fault::FirstWins)).unwrap()["penalty_2"], 7);
        assert_eq!(bend(Some(&Fault::Refusal), right()).0, None);
        assert_eq!(bend(Some(&Fault::Thinking), right()), (None, "length"));
        assert_eq!(bend(None, right()).0, Some(right().to_string()));
    }
}
