//! The newest value of every field, by the comparisons that the collector makes.
//! Whether a value is any good is not asked here.

use super::validation::validate;
use super::{Breakage, Field, Verdict};
use crate::python::{Json, NotJson};
use crate::reveal::read_json;
use crate::{BlockNumber, Latest, RevealedFields};

/// A value that has won so far.
pub(super) struct Winner {
    pub(super) block: BlockNumber,
    pub(super) value: Json,
}

#[derive(Default)]
pub(super) struct Merged {
    repo: Option<Winner>,
    commit: Option<Winner>,
    cdn_url: Option<Winner>,
    breakage: Option<Breakage>,
}

pub(super) fn merge<'a>(reveals: impl Iterator<Item = (&'a [u8], BlockNumber)>) -> Merged {
    let mut merged = Merged::default();
    for (payload, block) in reveals {
        if let Err(breakage) = merged.add(payload, block) {
            merged.breakage.get_or_insert(breakage);
        }
    }
    merged
}

impl Merged {
    fn slot(&mut self, field: Field) -> &mut Option<Winner> {
        match field {
            Field::Repo => &mut self.repo,
            Field::Commit => &mut self.commit,
            Field::CdnUrl => &mut self.cdn_url,
        }
    }

    fn add(&mut self, payload: &[u8], block: BlockNumber) -> Result<(), Breakage> {
        let json = match read_json(payload) {
            Ok(json) => json,
            Err(NotJson::Malformed { .. }) => return Ok(()),
            Err(NotJson::TooDeep) => return Err(Breakage::TooDeep { block }),
        };
        // The collector asks `"repo" in value` before it looks anything up, and Python answers that for texts and lists, too.
        let is_in = match &json {
            Json::Object(_) => false,
            Json::Text(text) => Field::ALL.iter().any(|field| text.contains(field.key())),
            Json::List(items) => items
                .iter()
                .any(|item| matches!(item, Json::Text(text) if Field::ALL.iter().any(|field| text == field.key()))),
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Float(_) => true,
        };
        if is_in {
            return Err(Breakage::NotAnObject { block, kind: json.kind() });
        }
        let mut result = Ok(());
        for field in Field::ALL {
            let Some(value) = json.get(field.key()).filter(|value| value.is_truthy()) else { continue };
            let slot = self.slot(field);
            let wins = match slot {
                None => true,
                Some(winner) if winner.block == block => match value.is_greater(&winner.value) {
                    Ok(greater) => greater,
                    Err(_incomparable) => {
                        result = result.and(Err(Breakage::Incomparable { block, field }));
                        false
                    }
                },
                Some(winner) => winner.block < block,
            };
            if wins {
                *slot = Some(Winner { block, value: value.clone() });
            }
        }
        result
    }

    pub(super) fn revealed(&self) -> RevealedFields {
        RevealedFields {
            commit: self.commit.as_ref().map(shown),
            repo: self.repo.as_ref().map(shown),
            cdn_url: self.cdn_url.as_ref().map(shown),
        }
    }

    pub(super) fn verdict(self, hotkey: &str) -> Verdict {
        if let Some(breakage) = self.breakage {
            return Verdict::Breaks(breakage);
        }
        let (repo, commit, cdn_url) = match (self.repo, self.commit, self.cdn_url) {
            (Some(repo), Some(commit), Some(cdn_url)) => (repo, commit, cdn_url),
            (repo, commit, cdn_url) => {
                let found = [(Field::Repo, repo), (Field::Commit, commit), (Field::CdnUrl, cdn_url)];
                let missing = found.iter().filter(|(_, winner)| winner.is_none()).map(|(field, _)| *field).collect();
                return Verdict::Incomplete { missing };
            }
        };
        let Json::Text(address) = &cdn_url.value else {
            return Verdict::Breaks(Breakage::CdnUrlNotText { block: cdn_url.block, kind: cdn_url.value.kind() });
        };
        match validate(hotkey, &repo.value, &commit, &address.trim_end_matches('/')) {
            Ok(submission) => Verdict::Counts(submission),
            Err(faults) => Verdict::Invalid(faults),
        }
    }
}

fn shown(winner: &Winner) -> Latest {
    let value = match &winner.value {
        Json::Text(text) => text.to_string_lossy().into_owned(),
        other => serde_json::Value::from(other.clone()).to_string(),
    };
    Latest { value, block: winner.block }
}
