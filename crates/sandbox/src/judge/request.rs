//! The strict reading of a chat completion request: one system message, one user message of text and pictures, a reply
//! schema. It must not know how an answer is found.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the script is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Penalties of two pictures, the prompt picture first.
    Penalties,
    /// The features of the prompt picture.
    Decompose,
    /// Which features of the prompt picture (first) the grid (second) shows.
    Verify,
    /// Whether a side (second) fits the front (first).
    SideGuard,
    /// What is wrong with the two grids, the prompt picture first.
    Explain,
}

impl Question {
    const ALL: [Self; 5] = [Self::Penalties, Self::Decompose, Self::Verify, Self::SideGuard, Self::Explain];

    /// The question of a label, when it is one of the judge's.
    fn of_label(label: &str) -> Option<Self> {
        match label {
            "s1_prompt_match" | "s2bv_ab" | "s2bv_ba" | "s2ac_ab" | "s2ac_ba" | "s3_gray_ab" | "s3_gray_ba" => {
                Some(Self::Penalties)
            }
            "s2cl_decompose" => Some(Self::Decompose),
            "s2cl_verify" => Some(Self::Verify),
            "s4_per_angle" => Some(Self::SideGuard),
            "explain" => Some(Self::Explain),
            _ => None,
        }
    }

    /// Number of pictures that come with it.
    fn pictures(self) -> usize {
        match self {
            Self::Penalties | Self::Explain => 3,
            Self::Verify | Self::SideGuard => 2,
            Self::Decompose => 1,
        }
    }

    /// Required fields of the reply with their JSON types.
    fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Penalties => &[("penalty_1", "integer"), ("penalty_2", "integer"), ("issues", "string")],
            Self::Decompose => &[("main_object", "string"), ("features", "array")],
            Self::Verify => &[("checks", "array"), ("main_object_correct", "boolean")],
            Self::SideGuard => &[("verdict", "string"), ("reason", "string")],
            Self::Explain => &[("issues", "string")],
        }
    }

    /// Whether the schema asks for exactly this question's fields.
    fn fits(self, schema: &Schema<'_>) -> bool {
        self.fields().len() == schema.properties.len()
            && self.fields().iter().all(|(field, _)| schema.required.iter().any(|required| required == field))
            && self.fields().iter().all(|(field, kind)| {
                // an enumeration may stand behind a reference; its type is then written elsewhere
                schema.properties.get(*field).is_some_and(|property| match property.get("type") {
                    Some(named) => named == kind,
                    None => property.get("$ref").is_some() || property.get("enum").is_some(),
                })
            })
    }
}

/// A request that breaks the contract; the sentence says where.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidRequest {
    #[error("not a chat completion request: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("`messages` must be one system message and one user message")]
    Messages,
    #[error("the user message must hold text and `image_url` parts")]
    Parts,
    #[error("`image_url` must be an http(s) address or a `data:image/…;base64,` one")]
    Address,
    #[error("`temperature` must be from 0 to 2")]
    Temperature,
    #[error("`max_tokens` must be positive")]
    MaxTokens,
    #[error("streaming is not offered")]
    Stream,
    #[error("`response_format.type` must be `json_schema`")]
    Format,
    #[error("the schema `{name}` is none of the judge's replies: its fields must be required and have their types")]
    Schema { name: String },
    #[error("`{name}` comes with {expected} pictures, the request has {found}")]
    Pictures { name: String, expected: usize, found: usize },
}

/// A picture of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'request> {
    /// The base64 text of a data address.
    Data(&'request str),
    /// An http or https address.
    Address(&'request str),
}

/// A request that keeps the contract.
#[derive(Debug)]
pub(crate) struct Request<'request> {
    body: Body<'request>,
    label: String,
    question: Question,
}

#[derive(Debug, Deserialize)]
struct Body<'request> {
    model: String,
    #[serde(borrow)]
    messages: Vec<Message<'request>>,
    response_format: ResponseFormat<'request>,
    temperature: f64,
    max_tokens: u32,
    seed: Option<i64>,
    #[serde(default)]
    stream: bool,
}

#[derive(Debug, Deserialize)]
struct Message<'request> {
    role: String,
    #[serde(borrow)]
    content: Content<'request>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content<'request> {
    #[serde(borrow)]
    Text(Cow<'request, str>),
    #[serde(borrow)]
    Parts(Vec<Part<'request>>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'request> {
    Text {
        #[serde(borrow)]
        text: Cow<'request, str>,
    },
    ImageUrl {
        #[serde(borrow)]
        image_url: ImageUrl<'request>,
    },
}

#[derive(Debug, Deserialize)]
struct ImageUrl<'request> {
    #[serde(borrow)]
    url: Cow<'request, str>,
}

#[derive(Debug, Deserialize)]
struct ResponseFormat<'request> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    json_schema: Option<NamedSchema<'request>>,
}

#[derive(Debug, Deserialize)]
struct NamedSchema<'request> {
    name: String,
    #[serde(borrow)]
    schema: Schema<'request>,
}

#[derive(Debug, Deserialize)]
struct Schema<'request> {
    #[serde(borrow)]
    required: Vec<Cow<'request, str>>,
    properties: serde_json::Map<String, Value>,
}

/// A request as the script remembers it, for tests that look at the wire.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordedCall {
    /// `response_format.json_schema.name` without `-response`.
    pub label: String,
    /// The requested model.
    pub model: String,
    /// Sampling temperature.
    pub temperature: f64,
    /// Longest reply in tokens.
    pub max_tokens: u32,
    /// Sampling seed, when sent.
    pub seed: Option<i64>,
    /// SHA-256 of the pictures' bytes in hex, in their order; addresses for those sent by address.
    pub pictures: Vec<String>,
}

impl<'request> Request<'request> {
    /// Reads and checks a request's body.
    pub(crate) fn read(body: &'request [u8]) -> Result<Self, InvalidRequest> {
        let body: Body<'_> = serde_json::from_slice(body)?;
        if body.stream {
            return Err(InvalidRequest::Stream);
        }
        if !(0.0..=2.0).contains(&body.temperature) {
            return Err(InvalidRequest::Temperature);
        }
        if body.max_tokens == 0 {
            return Err(InvalidRequest::MaxTokens);
        }
        let (label, question) = body.question()?;
        let request = Self { body, label, question };
        let found = request.pictures()?.len();
        let expected = question.pictures();
        if found != expected {
            return Err(InvalidRequest::Pictures { name: request.label, expected, found });
        }
        Ok(request)
    }

    pub(crate) fn model(&self) -> &str {
        &self.body.model
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn question(&self) -> Question {
        self.question
    }

    /// What a test may want to know of the request; `pictures` in their order.
    pub(crate) fn record(&self, pictures: Vec<String>) -> RecordedCall {
        RecordedCall {
            label: self.label.clone(),
            model: self.body.model.clone(),
            temperature: self.body.temperature,
            max_tokens: self.body.max_tokens,
            seed: self.body.seed,
            pictures,
        }
    }

    /// The pictures in their order.
    pub(crate) fn pictures(&self) -> Result<Vec<Source<'_>>, InvalidRequest> {
        let [system, user] = self.body.messages.as_slice() else { return Err(InvalidRequest::Messages) };
        let has_role = matches!(&system.content, Content::Text(text) if !text.trim().is_empty());
        if system.role != "system" || user.role != "user" || !has_role {
            return Err(InvalidRequest::Messages);
        }
        let Content::Parts(parts) = &user.content else { return Err(InvalidRequest::Parts) };
        if !parts.iter().any(|part| matches!(part, Part::Text { text } if !text.trim().is_empty())) {
            return Err(InvalidRequest::Parts);
        }
        parts
            .iter()
            .filter_map(|part| match part {
                Part::ImageUrl { image_url } => Some(source(&image_url.url)),
                Part::Text { .. } => None,
            })
            .collect()
    }
}

impl Body<'_> {
    fn question(&self) -> Result<(String, Question), InvalidRequest> {
        let named = self.response_format.json_schema.as_ref().filter(|_| self.response_format.kind == "json_schema");
        let NamedSchema { name, schema } = named.ok_or(InvalidRequest::Format)?;
        let label = name.strip_suffix("-response").unwrap_or(name).to_owned();
        // a profile may rename the calls; then the reply's fields say what is asked
        Question::of_label(&label)
            .or_else(|| Question::ALL.into_iter().find(|question| question.fits(schema)))
            .filter(|question| question.fits(schema))
            .map(|question| (label, question))
            .ok_or_else(|| InvalidRequest::Schema { name: name.clone() })
    }
}

fn source(address: &str) -> Result<Source<'_>, InvalidRequest> {
    if let Some(data) = address.strip_prefix("data:") {
        let (kind, text) = data.split_once(',').ok_or(InvalidRequest::Address)?;
        let is_picture = kind.starts_with("image/") && kind.ends_with(";base64");
        return if is_picture { Ok(Source::Data(text)) } else { Err(InvalidRequest::Address) };
    }
    if address.starts_with("http://") || address.starts_with("https://") {
        return Ok(Source::Address(address));
    }
    Err(InvalidRequest::Address)
}
