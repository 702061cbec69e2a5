//! What a person can do about a server that does not answer: told from its own words, which each kind of server has of its own.
//! Only advice; nothing is decided by it.

use crate::call::AttemptError;
use crate::vlm::VlmError;

const KEY: &str = "give the endpoint's key with --api-key or OPENAI_API_KEY";
const CREDIT: &str = "the account at the endpoint has to be paid for first";
const ADDRESS: &str = "check --endpoint and --model against what the endpoint serves (GET /v1/models lists it)";
const LATER: &str = "the endpoint is busy or not ready: try again later, ask for less at once (--vlm-concurrency), or allow more \
                     tries (--transport-retries)";
const DOWN: &str = "check that the endpoint is up and takes pictures; run the same command again to go on";
const LARGE: &str = "three full-size pictures are some megabytes: raise the limit of the server, or of the proxy before it (nginx: \
                     client_max_body_size 32m), or go around the proxy";
const PICTURES: &str =
    "the judge shows up to three pictures at once: allow them (vLLM: --limit-mm-per-prompt '{\"image\": 3}')";
const CONTEXT: &str =
    "three pictures and the reply need more room: raise the context length (vLLM: --max-model-len, llama.cpp: -c)";
const VISION: &str = "the model must take pictures: serve a vision model and name it with --model";
const UNFETCHED: &str = "with --prompt-pictures url the server must be able to fetch the prompt pictures itself; leave the option out, \
                         and they are sent along. Else check that the model takes pictures";
const SCHEMA: &str = "the judge wants replies that follow a JSON schema: use a server that does (vLLM, llama.cpp, Ollama), or give a \
                      profile with `base = \"cli\"` (\"official\" for a match by those rules) and `[request]` `omit = [\"response_format\"]` and rely on the wording alone";
const SEED: &str = "leave the field out: give --profile a file with the two lines `base = \"cli\"` (\"official\" for a match by those rules) and `request.omit = [\"seed\"]`";
const TEMPERATURE: &str = "leave the field out: give --profile a file with the two lines `base = \"cli\"` (\"official\" for a match by those rules) and `request.omit = [\"temperature\"]`";
const MAX_TOKENS: &str = "rename the field: give --profile a file with the two lines `base = \"cli\"` (\"official\" for a match by those rules) and \
                          `request.rename = { max_tokens = \"max_completion_tokens\" }`";
const REFUSED: &str = "the server does not take the question as it is: fields can be left out, renamed or added in a profile \
                       (docs/judge.md, \"A server that wants it otherwise\")";
const THINKING: &str = "thinking must be switched off: start the server without it, or give --profile a file with `base = \"cli\"` (\"official\" for a match by those rules) and \
                        `[request.extra]` `chat_template_kwargs = { enable_thinking = false }` (hosted GLM: `thinking = { type = \
                        \"disabled\" }`)";
const LIMIT: &str = "the reply does not fit its limit: raise max_tokens of the question in a profile of your own, or use a model that \
                     answers briefly";
const JSON: &str = "the model answers, but not with the JSON it is asked for: use a vision model and a server that follows JSON schemas";

/// What to do about an attempt that brought nothing.
pub(crate) fn about(error: &AttemptError) -> &'static str {
    match error {
        AttemptError::Reply(_) => JSON,
        AttemptError::Unfinished { thought: true, .. } | AttemptError::Unfinished { empty: true, .. } => THINKING,
        AttemptError::Unfinished { .. } => LIMIT,
        AttemptError::Transport(error) => about_transport(error),
    }
}

fn about_transport(error: &VlmError) -> &'static str {
    match error {
        VlmError::Key | VlmError::Status { status: 401 | 403, .. } => KEY,
        VlmError::Status { status: 402, .. } => CREDIT,
        VlmError::Status { status: 413, .. } => LARGE,
        VlmError::Status { .. } if error.is_hopeless() => ADDRESS,
        VlmError::Status { status: 429 | 503, .. } => LATER,
        VlmError::Status { message, .. } if error.is_refusal() => about_refusal(message),
        VlmError::ErrorBody { message, .. } => about_refusal(message),
        VlmError::NoCompletion { .. } => ADDRESS,
        VlmError::Unreachable { .. }
        | VlmError::TimedOut { .. }
        | VlmError::BrokeOff { .. }
        | VlmError::Status { .. }
        | VlmError::TooLong { .. } => DOWN,
    }
}

/// The first line whose words are all in the sentence; alternatives are separated by `|`.
fn about_refusal(message: &str) -> &'static str {
    let lines: [(&[&str], &str); 11] = [
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
}
