//! The body of a request, put together from pieces so that no picture is copied: a picture's `data:` URL is encoded once and
//! shared by all requests that show it. Knows JSON and nothing of connections.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::Request;
use crate::profile::{Part, RequestFields};

/// The pieces of a JSON body, in order.
pub(super) fn pieces(model: &str, fields: &RequestFields, request: &Request<'_>) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let name = quoted(&format!("{}-response", request.label));
    let system = quoted(&json!({"role": "system", "content": request.system}));
    let sent = [
        ("temperature", quoted(&request.temperature)),
        ("max_tokens", request.max_tokens.to_string()),
        ("seed", request.seed.to_string()),
        (
            "response_format",
            format!(r#"{{"type":"json_schema","json_schema":{{"name":{name},"schema":{}}}}}"#, request.schema),
        ),
    ];
    let mut text = format!(r#"{{"model":{},"#, quoted(model));
    let mut add = |name: &str, value: &str| text.extend([quoted(name).as_str(), ":", value, ","]);
    for (name, value) in &sent {
        if let Some(name) = fields.name_of(name) {
            add(name, value);
        }
    }
    for (name, value) in &fields.extra {
        add(name, &quoted(value));
    }
    text.extend([r#""messages":["#, &system, r#",{"role":"user","content":["#]);
    for (index, part) in request.parts.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match part {
            Part::Text(words) => text.push_str(&quoted(&json!({"type": "text", "text": words}))),
            Part::Picture(url) => {
                text.push_str(r#"{"type":"image_url","image_url":{"url":""#);
                pieces.push(Bytes::from(std::mem::take(&mut text)));
                pieces.push(url.clone());
                text.push_str(r#""}}"#);
            }
        }
    }
    text.push_str("]}]}");
    pieces.push(Bytes::from(text));
    pieces
}

fn quoted(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_the_api_wants() {
        let picture = Bytes::from_static(b"data:image/png;base64,QUJD");
        let parts =
            [Part::Text("a \"b\"\n".to_owned()), Part::Picture(picture.clone()), Part::Picture(picture.clone())];
        let request = Request {
            label: "s1_prompt_match",
            system: "You \"judge\".",
            parts: &parts,
            schema: r#"{"type":"object"}"#,
            temperature: 0.1 + 0.05,
            seed: 3_141_592_754,
            max_tokens: 1024,
        };
        let pieces = pieces("glm", &RequestFields::default(), &request);
        let shared = pieces.iter().filter(|piece| piece.as_ptr() == picture.as_ptr()).count();
        assert_eq!(shared, 2, "pictures are not copied");
        let body: serde_json::Value = serde_json::from_slice(&pieces.concat()).expect("JSON");
        let url = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}});
        let want = json!({
            "model": "glm", "temperature": 0.150_000_000_000_000_02, "max_tokens": 1024, "seed": 3_141_592_754_u64,
            "response_format": {"type": "json_schema",
                "json_schema": {"name": "s1_prompt_match-response", "schema": {"type": "object"}}},
            "messages": [
                {"role": "system", "content": "You \"judge\"."},
                {"role": "user", "content": [{"type": "text", "text": "a \"b\"\n"}, url, url]},
            ],
        });
        assert_eq!(body, want);
    }

    #[test]
    fn fields_are_left_out_renamed_and_added_as_the_profile_says() {
        let request = Request {
            label: "explain",
            system: "s",
            parts: &[],
            schema: "{}",
            temperature: 0.0,
            seed: 1,
            max_tokens: 9,
        };
        let fields: RequestFields = toml::from_str(
            "omit = [\"seed\", \"response_format\"]\nrename = { max_tokens = \"max_completion_tokens\" }\n\
             [extra]\nchat_template_kwargs = { enable_thinking = false }\ntop_p = 0.5\nstop = [\"a\\nb\"]",
        )
        .expect("fields");
        let body: serde_json::Value = serde_json::from_slice(&pieces("glm", &fields, &request).concat()).expect("JSON");
        let want = json!({
            "model": "glm", "temperature": 0.0, "max_completion_tokens": 9, "top_p": 0.5, "stop": ["a\nb"],
            "chat_template_kwargs": {"enable_thinking": false},
            "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": []}],
        });
        assert_eq!(body, want);
    }
}
