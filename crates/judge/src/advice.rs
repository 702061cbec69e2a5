//! What a person can do about a server that does not answer: told from its own words, which each kind of server has of its own.
//! Only advice; nothing is decided by it.

use crate::call::AttemptError;
use crate::vlm::VlmError;

/// A piece of advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advice {
    Plain(&'static str),
    /// A change to the profile: what for, the line that does it, and what else could be done.
    Profile {
        what: &'static str,
        line: &'static str,
        more: &'static str,
    },
}

impl Advice {
    /// A built-in profile is changed by a file that is based on it, a profile of the user's own by a line in it.
    fn text(self, built_in: Option<&str>) -> String {
        match (self, built_in) {
            (Self::Plain(text), _) => text.to_owned(),
            (Self::Profile { what, line, more }, Some(base)) => {
                format!("{what}: give --profile a file with the two lines `base = \"{base}\"` and `{line}`{more}")
            }
            (Self::Profile { what, line, more }, None) => {
                format!("{what}: put the line `{line}` at the top of your profile{more}")
            }
        }
    }
}

const KEY: Advice = Advice::Plain("give the endpoint's key with --api-key or OPENAI_API_KEY");
const CREDIT: Advice = Advice::Plain("the account at the endpoint has to be paid for first");
const ADDRESS: Advice =
    Advice::Plain("check the address and --model against what the endpoint serves (GET /v1/models lists it)");
const LATER: Advice = Advice::Plain(
    "the endpoint is busy or not ready: try again later, ask for less at once (--vlm-concurrency), or allow more tries \
     (--transport-retries)",
);
const DOWN: Advice =
    Advice::Plain("check that the endpoint is up and takes pictures; run the same command again to go on");
const LARGE: Advice = Advice::Plain(
    "three full-size pictures are some megabytes: raise the limit of the server, or of the proxy before it (nginx: \
     client_max_body_size 32m), or go around the proxy",
);
const PICTURES: Advice = Advice::Plain(
    "the judge shows up to three pictures at once: allow them (vLLM: --limit-mm-per-prompt '{\"image\": 3}')",
);
const CONTEXT: Advice = Advice::Plain(
    "three pictures and the reply need more room: raise the context length (vLLM: --max-model-len, llama.cpp: -c)",
);
const VISION: Advice = Advice::Plain("the model must take pictures: serve a vision model and name it with --model");
const UNFETCHED: Advice = Advice::Plain(
    "with --prompt-pictures url the server must be able to fetch the prompt pictures itself; leave the option out, and \
     they are sent along. Else check that the model takes pictures",
);
const SCHEMA: Advice = Advice::Profile {
    what: "the judge wants replies that follow a JSON schema: use a server that does (vLLM, llama.cpp, Ollama). Or rely \
           on the wording alone",
    line: "request.omit = [\"response_format\"]",
    more: "",
};
const SEED: Advice = Advice::Profile { what: "leave the field out", line: "request.omit = [\"seed\"]", more: "" };
const TEMPERATURE: Advice =
    Advice::Profile { what: "leave the field out", line: "request.omit = [\"temperature\"]", more: "" };
const MAX_TOKENS: Advice = Advice::Profile {
    what: "rename the field",
    line: "request.rename = { max_tokens = \"max_completion_tokens\" }",
    more: "",
};
const REFUSED: Advice = Advice::Plain(
    "the server does not take the question as it is: fields can be left out, renamed or added in a profile \
     (docs/judge.md, \"A server that wants it otherwise\")",
);
const THINKING: Advice = Advice::Profile {
    what: "thinking must be switched off. Start the server without it, or ask it to",
    line: "request.extra.chat_template_kwargs = { enable_thinking = false }",
    more: " (hosted GLM: `request.extra.thinking = { type = \"disabled\" }`)",
};
const LIMIT: Advice = Advice::Plain(
    "the reply does not fit its limit: raise max_tokens of the question in a profile of your own, or use a model that \
     answers briefly",
);
const JSON: Advice = Advice::Plain(
    "the model answers, but not with the JSON it is asked for: use a vision model and a server that follows JSON schemas",
);

/// What to do about an attempt that brought nothing, in a match by the built-in profile of this name or by the user's own.
pub(crate) fn about(error: &AttemptError, built_in: Option<&str>) -> String {
    let advice = match error {
        AttemptError::Reply(_) | AttemptError::NothingUsable { .. } => JSON,
        AttemptError::Unfinished { thought: true, .. } | AttemptError::Unfinished { empty: true, .. } => THINKING,
        AttemptError::Unfinished { .. } => LIMIT,
        AttemptError::Transport(error) => about_transport(error),
    };
    advice.text(built_in)
}

fn about_transport(error: &VlmError) -> Advice {
    match error {
        VlmError::Key | VlmError::Status { status: 401 | 403, .. } => KEY,
        VlmError::Status { status: 402, .. } => CREDIT,
        VlmError::Status { status: 413, .. } => LARGE,
        VlmError::Status { .. } if error.is_hopeless() => ADDRESS,
        VlmError::Status { status: 429 | 503, .. } => LATER,
        VlmError::Status { message, .. } if error.is_refusal() => about_refusal(message),
        VlmError::ErrorBody { message, .. } => about_refusal(message),
        VlmError::NoCompletion { .. } | VlmError::Nobody => ADDRESS,
        VlmError::Unreachable { .. }
        | VlmError::TimedOut { .. }
        | VlmError::BrokeOff { .. }
        | VlmError::Status { .. }
        | VlmError::TooLong { .. } => DOWN,
    }
}

/// The first line whose words are all in the sentence; alternatives are separated by `|`.
fn about_refusal(message: &str) -> Advice {
    let lines: [(&[&str], Advice); 11] = [
        (&["entity too large|body too large|payload too large|request too large|body size"], LARGE),
        (
            &["image|picture|multimodal|multi-modal", "at most|too many|limit|per prompt|maximum number|more than"],
            PICTURES,
        ),
        (&["context|max_model_len|num_ctx|prompt", "too long|length|exceed"], CONTEXT),
        (&["response_format|json_schema|guided|grammar|structured output"], SCHEMA),
        (&["max_tokens"], MAX_TOKENS),
        (&["seed"], SEED),
        (&["temperature"], TEMPERATURE),
        (
            &[
                "image|picture|vision|multimodal|mmproj",
                "not support|unsupported|no vision|not a multi|text-only|text only",
            ],
            VISION,
        ),
        (&["image|picture|url", "fetch|download|load|retrieve|connect|resolve|invalid|access"], UNFETCHED),
        (&["image_url|url"], UNFETCHED),
        (&["model", "not found|does not exist"], ADDRESS),
    ];
    let message = message.to_lowercase();
    let says = |words: &str| words.split('|').any(|word| message.contains(word));
    lines.into_iter().find(|(all, _)| all.iter().all(|words| says(words))).map_or(REFUSED, |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_server_is_understood() {
        for (message, want) in [
            ("at most 1 image(s) per prompt, 3 given", PICTURES),
            ("At most 1 image(s) may be provided in one prompt.", PICTURES),
            ("invalid image input", UNFETCHED),
            ("Failed to download image from https://h/a.png", UNFETCHED),
            ("unknown field: seed", SEED),
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                MAX_TOKENS,
            ),
            ("response_format json_schema is not supported", SCHEMA),
            ("This model's maximum context length is 8192 tokens, however you requested 9000", CONTEXT),
            ("gemma-text is not a multimodal model", VISION),
            ("image input is not supported - hint: you may need to provide the mmproj", VISION),
            ("413 Request Entity Too Large", LARGE),
            ("computer says no", REFUSED),
        ] {
            assert_eq!(about_refusal(message), want, "{message}");
        }
    }

    #[test]
    fn a_profile_is_changed_where_it_is() {
        let refused = |built_in| {
            let address = "http://h/v1/chat/completions".to_owned();
            let message = "unknown field: seed".to_owned();
            about(&AttemptError::Transport(VlmError::Status { address, status: 400, message, wished: None }), built_in)
        };
        assert_eq!(
            refused(Some("official")),
            "leave the field out: give --profile a file with the two lines `base = \"official\"` and `request.omit = [\"seed\"]`"
        );
        assert!(refused(Some("cli")).contains("`base = \"cli\"`"));
        let own = "leave the field out: put the line `request.omit = [\"seed\"]` at the top of your profile";
        assert_eq!(refused(None), own);
    }

    #[test]
    fn every_line_of_advice_is_a_profile() {
        for advice in [SCHEMA, SEED, TEMPERATURE, MAX_TOKENS, THINKING] {
            let Advice::Profile { line, more, .. } = advice else { panic!("{advice:?}") };
            for line in [line].into_iter().chain(more.split('`').filter(|text| text.starts_with("request."))) {
                for base in crate::profile::BUILT_IN {
                    let file = format!("base = \"{base}\"\n{line}\n");
                    let changed = crate::profile::Profile::parse(&file).expect(line);
                    assert_ne!(changed.request, crate::profile::RequestFields::default(), "{line}");
                }
            }
        }
    }
}
