//! The wording of a question with its placeholders. Pictures and words are put in their places in one pass, so what a model wrote
//! can never become a placeholder; braces around anything else stay as they are, for examples of JSON.

use bytes::Bytes;
use serde::Deserialize;

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// `{reference_image}`: the prompt picture.
    ReferenceImage,
    /// `{image_1}`: the first picture of the question.
    Image1,
    /// `{image_2}`: the second one.
    Image2,
    /// `{seen_from}`: the side the pictures are seen from.
    SeenFrom,
    /// `{main_object}`: what the prompt picture shows.
    MainObject,
    /// `{features}`: the checklist, one feature a line.
    Features,
}

impl Slot {
    const ALL: [Self; 6] =
        [Self::ReferenceImage, Self::Image1, Self::Image2, Self::SeenFrom, Self::MainObject, Self::Features];

    /// How it is written.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::ReferenceImage => "{reference_image}",
            Self::Image1 => "{image_1}",
            Self::Image2 => "{image_2}",
            Self::SeenFrom => "{seen_from}",
            Self::MainObject => "{main_object}",
            Self::Features => "{features}",
        }
    }

    fn is_picture(self) -> bool {
        matches!(self, Self::ReferenceImage | Self::Image1 | Self::Image2)
    }
}

/// A wording, cut at its placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Slot(Slot),
}

/// A placeholder that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{name}}}` is not a placeholder; there are {}", Slot::ALL.map(Slot::placeholder).join(", "))]
pub struct InvalidTemplate {
    name: String,
}

/// What goes into a place.
pub(crate) enum Filling<'a> {
    /// A picture's URL.
    Picture(Bytes),
    /// Words.
    Words(&'a str),
}

/// A part of a user message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture: an http(s) or `data:` URL that needs no escaping in JSON.
    Picture(Bytes),
}

impl TryFrom<String> for Template {
    type Error = InvalidTemplate;

    fn try_from(text: String) -> Result<Self, InvalidTemplate> {
        let mut pieces = Vec::new();
        let mut words = String::new();
        let mut rest = text.as_str();
        while let Some(open) = rest.find('{') {
            words.push_str(&rest[..open]);
            rest = &rest[open..];
            if let Some(slot) = Slot::ALL.into_iter().find(|slot| rest.starts_with(slot.placeholder())) {
                if !words.is_empty() {
                    pieces.push(Piece::Words(std::mem::take(&mut words)));
                }
                pieces.push(Piece::Slot(slot));
                rest = &rest[slot.placeholder().len()..];
                continue;
            }
            if let Some(name) = looks_like_a_placeholder(rest) {
                return Err(InvalidTemplate { name: name.to_owned() });
            }
            words.push('{');
            rest = &rest[1..];
        }
        words.push_str(rest);
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        Ok(Self(pieces))
    }
}

/// `{word}`: most likely a misspelt placeholder.
fn looks_like_a_placeholder(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let word =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    word.then_some(name)
}

impl Template {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pictures it shows, in its order.
    pub(crate) fn pictures(&self) -> Vec<Slot> {
        self.0
            .iter()
            .filter_map(|piece| match piece {
                Piece::Slot(slot) if slot.is_picture() => Some(*slot),
                _ => None,
            })
            .collect()
    }

    /// The parts of the message, words between pictures joined.
    pub(crate) fn fill<'a>(&self, filling: impl Fn(Slot) -> Filling<'a>) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let add_words = |words: &str, parts: &mut Vec<Part>| match parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(words),
            _ => parts.push(Part::Text(words.to_owned())),
        };
        for piece in &self.0 {
            match piece {
                Piece::Words(words) => add_words(words, &mut parts),
                Piece::Slot(slot) => match filling(*slot) {
                    Filling::Words(words) => add_words(words, &mut parts),
                    Filling::Picture(url) => parts.push(Part::Picture(url)),
                },
            }
        }
        for part in &mut parts {
            if let Part::Text(text) = part {
                *text = text.trim().to_owned();
            }
        }
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::try_from(text.to_owned()).expect("a template")
    }

    #[test]
    fn words_and_pictures_alternate() {
        let template =
            template("Reference:\n{reference_image}\nSeen from {seen_from}:\n{image_1}{image_2}\n{\"penalty_1\": 0}");
        let parts = template.fill(|slot| match slot {
            Slot::SeenFrom => Filling::Words("the {image_1} left"),
            other => Filling::Picture(Bytes::from_static(other.placeholder().as_bytes())),
        });
        let text = |text: &str| Part::Text(text.to_owned());
        let picture = |url: &'static str| Part::Picture(Bytes::from_static(url.as_bytes()));
        let want = [
            text("Reference:"),
            picture("{reference_image}"),
            text("Seen from the {image_1} left:"),
            picture("{image_1}"),
            picture("{image_2}"),
            text("{\"penalty_1\": 0}"),
        ];
        assert_eq!(parts, want);
    }

    #[test]
    fn misspelt_placeholders_are_refused_and_json_is_not() {
        let error = Template::try_from("{refrence_image}".to_owned()).expect_err("refused");
        assert!(
            error.to_string().starts_with("`{refrence_image}` is not a placeholder; there are {reference_image}, "),
            "{error}"
        );
        for text in ["{}", "{\"a\": {\"b\": 1}}", "{ x }", "{", "a } b", "{A}"] {
            assert_eq!(template(text), Template(vec![Piece::Words(text.to_owned())]));
        }
    }
}
