//! `hardware.json`: which machine a submission is verified on, as the subnet's collector reads it. Pure.
//!
//! The collector is silent about everything that it does not understand and takes the usual machine then, so whatever a
//! miner may have meant otherwise is noted here.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A machine that submissions are verified on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Card {
    /// Four H200: what is used unless the file says otherwise.
    #[serde(rename = "4xH200")]
    FourH200,
    /// Four RTX PRO 6000 Blackwell of 96 GB each.
    #[serde(rename = "4xRTX6000Pro")]
    FourRtx6000Pro,
}

impl Card {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::FourH200, Self::FourRtx6000Pro];

    /// Its token in the file; case matters.
    pub fn token(self) -> &'static str {
        match self {
            Self::FourH200 => "4xH200",
            Self::FourRtx6000Pro => "4xRTX6000Pro",
        }
    }
}

impl fmt::Display for Card {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.token())
    }
}

/// What the file comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardware {
    /// The tokens that the collector keeps, in order.
    pub listed: Vec<Card>,
    /// What the miner should know.
    pub note: Option<HardwareNote>,
}

/// Why a file may not say what its author meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HardwareNote {
    /// The file is not what the collector looks for, so it takes the usual machine.
    #[error("hardware.json counts for nothing ({problem}), so {} is used", Card::FourH200)]
    Ignored {
        /// What is wrong with it.
        problem: String,
    },
    /// Tokens that are left out.
    #[error("hardware.json names `{}`, which is not known and left out", tokens.join("`, `"))]
    Unknown {
        /// The tokens.
        tokens: Vec<String>,
    },
    /// Both machines: the smaller one is preferred, whatever the order.
    #[error("hardware.json lists both machines: the outputs are verified on {}, the smaller one", Card::FourRtx6000Pro)]
    Both,
}

impl Hardware {
    /// Reads the file; `None` when there is none.
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self { listed: vec![Card::FourH200], note: None } };
        match tokens(text) {
            Ok((listed, unknown)) if listed.is_empty() => {
                let problem = match unknown.first() {
                    Some(token) => format!("`{token}` is not known{}", meant(token)),
                    None => "its list is empty".to_owned(),
                };
                Self::usual(problem)
            }
            Ok((listed, unknown)) if !unknown.is_empty() => {
                Self { listed, note: Some(HardwareNote::Unknown { tokens: unknown }) }
            }
            Ok((listed, _)) => {
                let note = (listed.len() > 1).then_some(HardwareNote::Both);
                Self { listed, note }
            }
            Err(problem) => Self::usual(problem),
        }
    }

    fn usual(problem: String) -> Self {
        Self { listed: vec![Card::FourH200], note: Some(HardwareNote::Ignored { problem }) }
    }

    /// The machine that the outputs are verified on.
    pub fn used(&self) -> Card {
        if self.listed.contains(&Card::FourRtx6000Pro) { Card::FourRtx6000Pro } else { Card::FourH200 }
    }
}

/// The known tokens without repetitions, and the others.
fn tokens(text: &str) -> Result<(Vec<Card>, Vec<String>), String> {
    let json: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let Value::Object(object) = &json else { return Err("it is not an object".to_owned()) };
    let Some(value) = object.get("hardware") else { return Err("it has no key `hardware`".to_owned()) };
    let Value::Array(list) = value else { return Err("`hardware` is not a list".to_owned()) };
    let (mut listed, mut unknown) = (Vec::new(), Vec::new());
    for value in list {
        let token = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match Card::ALL.into_iter().find(|card| card.token() == token) {
            Some(card) if !listed.contains(&card) => listed.push(card),
            Some(_) => {}
            None => unknown.push(gen404_outside::text::excerpt(&token, 40)),
        }
    }
    Ok((listed, unknown))
}

/// `: write 4xH200`, for what is nearly a token.
fn meant(token: &str) -> String {
    let letters =
        |text: &str| text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let given = letters(token);
    let near = |card: &&Card| {
        let known = letters(card.token());
        known == given || known.trim_start_matches("4x") == given.trim_start_matches("4x").trim_start_matches("nvidia")
    };
    Card::ALL.iter().find(near).map_or_else(String::new, |card| format!(": write `{card}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Card>, Card, Option<String>) {
        let hardware = Hardware::read(Some(text));
        (hardware.listed.clone(), hardware.used(), hardware.note.map(|note| note.to_string()))
    }

    #[test]
    fn good_files_say_what_they_say() {
        let usual = Hardware { listed: vec![Card::FourH200], note: None };
        assert_eq!(Hardware::read(None), usual);
        assert_eq!(Hardware::read(Some(r#"{"hardware": ["4xH200", "4xH200"], "more": 1}"#)), usual);
        assert_eq!(read(r#"{"hardware": ["4xRTX6000Pro"]}"#), (vec![Card::FourRtx6000Pro], Card::FourRtx6000Pro, None));
    }

    #[test]
    fn both_means_the_smaller_one_in_either_order() {
        for text in [r#"{"hardware":["4xH200","4xRTX6000Pro"]}"#, r#"{"hardware":["4xRTX6000Pro","4xH200"]}"#] {
            let (_, used, note) = read(text);
            assert_eq!(used, Card::FourRtx6000Pro, "{text}");
            assert!(note.is_some_and(|note| note.contains("both machines")), "{text}");
        }
    }

    #[test]
    fn what_the_collector_passes_over_in_silence_is_told() {
        for (text, told) in [
            ("{", "it is not JSON"),
            ("[]", "it is not an object"),
            ("{}", "no key `hardware`"),
            (r#"{"hardware": "4xH200"}"#, "not a list"),
            (r#"{"hardware": []}"#, "its list is empty"),
            (r#"{"hardware": ["4xh200"]}"#, "`4xh200` is not known: write `4xH200`"),
            (r#"{"hardware": ["RTX6000Pro"]}"#, "write `4xRTX6000Pro`"),
            (r#"{"hardware": ["8xA100"]}"#, "`8xA100` is not known), so 4xH200"),
            (r#"{"hardware": [4]}"#, "`4` is not known"),
        ] {
            let (listed, used, note) = read(text);
            assert_eq!((listed, used), (vec![Card::FourH200], Card::FourH200), "{text}");
            assert!(note.as_ref().is_some_and(|note| note.contains(told)), "{text}: {note:?}");
        }
        let (listed, used, note) = read(r#"{"hardware": ["a", "4xRTX6000Pro"]}"#);
        assert_eq!((listed, used), (vec![Card::FourRtx6000Pro], Card::FourRtx6000Pro));
        assert!(note.is_some_and(|note| note.contains("`a`, which is not known")));
    }
}
