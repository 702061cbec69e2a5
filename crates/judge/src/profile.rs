//! What a judge looks at, asks and tolerates: views, weights, thresholds, seeds, limits and the wording of every question, from one
//! TOML file. The two built-in profiles are such files too; no stage has a figure of its own.

mod base;
mod request;
mod template;

use gen404_outside::explain::{Blame, Explain, Hint};
pub use request::RequestFields;
pub(crate) use template::Filling;
pub use template::{InvalidTemplate, Part, Slot, Template};

use std::collections::BTreeMap;

use gen404_outside::text::without_mark;
use gen404_round::duel::{PicturesUsed, WinMargin};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A profile, read and checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, shown and recorded.
    pub name: String,
    /// What a challenger has to reach; the running competition's when the file does not say.
    #[serde(default)]
    pub win_margin: WinMargin,
    /// Whether a question of each kind is put to the model before a match.
    #[serde(default = "yes")]
    pub rehearsal: bool,
    /// Which fields a request has.
    #[serde(default)]
    pub request: RequestFields,
    /// How a question is repeated.
    pub attempts: Attempts,
    /// System messages, by the name questions refer to.
    pub roles: BTreeMap<String, String>,
    /// Stage 1.
    pub prompt_match: PromptMatchRules,
    /// Stage 2, each side from its own best angle.
    pub best_view: BestViewRules,
    /// Stage 2, rendering quality.
    pub artifacts: ArtifactRules,
    /// Stage 2, features ticked off.
    pub checklist: ChecklistRules,
    /// Stage 2, the count of votes.
    pub consensus: ConsensusRules,
    /// Stage 3.
    pub gray_rescue: GrayRescueRules,
    /// Stage 4.
    pub side_guard: SideGuardRules,
    /// The summary that has no influence.
    pub explain: ExplainRules,
    /// Its name when it is a built-in one, for advice on how to change it.
    #[serde(skip)]
    pub built_in: Option<&'static str>,
    /// SHA-256 in hex of the file but its win margin, which no duel depends on: a record made with another one is made
    /// again.
    #[serde(skip)]
    pub digest: String,
}

fn yes() -> bool {
    true
}

/// How a question is repeated after a failed attempt `k` (counted from 0).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// Temperature of the first attempt.
    pub first_temperature: f64,
    /// Temperature of attempt `k` ≥ 1 is this + `k` × `temperature_step`.
    pub temperature_base: f64,
    /// See `temperature_base`.
    pub temperature_step: f64,
    /// The request's seed is the run's + the question's + `k` + this.
    pub seed_offset: u64,
    /// Pause after attempt `k`, except the last, is this × (`k` + 1), in seconds.
    pub pause_seconds: f64,
}

impl Attempts {
    /// Temperature of attempt `attempt`.
    pub fn temperature(&self, attempt: u32) -> f64 {
        if attempt == 0 {
            self.first_temperature
        } else {
            self.temperature_base + self.temperature_step * f64::from(attempt)
        }
    }
}

/// A question, asked once or of two sides (or in two orders).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Name on the wire (`<label>-response`), one for each side or order.
    pub labels: Vec<String>,
    /// Added to the run's seed, one for each side or order.
    pub seed_offsets: Vec<u64>,
    /// Added for each further angle.
    #[serde(default)]
    pub seed_step: u64,
    /// Attempts before the question counts as unanswered.
    pub attempts: u32,
    /// Limit of the reply's length.
    pub max_tokens: u32,
    /// Name of the system message.
    pub role: String,
    /// The wording. Stage 3 may leave it out and asks what stage 1 asks.
    #[serde(default)]
    pub text: Template,
}

/// A view from the front, with its weight and how the question calls the side it is seen from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontView {
    /// `white/<view>.png`.
    pub view: String,
    /// Weight in the mean.
    pub weight: f64,
    /// For `{seen_from}`.
    pub seen_from: String,
}

/// Rules of stage 1. Penalties run from 0 to 10.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptMatchRules {
    /// The front views.
    pub views: Vec<FrontView>,
    /// Mean penalties this close draw.
    pub draw_within: f64,
    /// Both are bad from this mean penalty on …
    pub both_bad_from: f64,
    /// … and draw when they are this close.
    pub both_bad_within: f64,
    /// With so many angles naming a side, dissent is looked at …
    pub split_from_signed: usize,
    /// … and draws when |weight for A − weight for B| / their sum is below this.
    pub split_below: f64,
    /// What is asked, in both orders.
    pub question: Question,
}

/// Rules of the best-view sub-judge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestViewRules {
    /// It votes from this difference of penalties on.
    pub vote_from: f64,
    /// It decides alone from this difference on.
    pub strong_from: f64,
    /// What is asked, in both orders.
    pub question: Question,
}

/// Rules of the artifact sub-judge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRules {
    /// It votes from this difference of penalties on.
    pub vote_from: f64,
    /// What is asked, in both orders.
    pub question: Question,
}

/// Rules of the checklist sub-judge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecklistRules {
    /// Points for a feature that is clearly there.
    pub yes_points: i64,
    /// Points for one that is there but wrong somehow.
    pub partial_points: i64,
    /// Points for being the right object.
    pub main_object_points: i64,
    /// It votes from this gap on.
    pub vote_from: i64,
    /// It decides alone from this gap on.
    pub strong_from: i64,
    /// Asked once of the prompt picture.
    pub decompose: Question,
    /// Asked of each side.
    pub verify: Question,
}

/// Rules of the count of votes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsensusRules {
    /// Votes the winning side needs; it also needs more than the other.
    pub votes_needed: u8,
}

/// Rules of stage 3. Colours are 0 to 255.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrayRescueRules {
    /// `gray/<view>.png`.
    pub view: String,
    /// For `{seen_from}`.
    pub seen_from: String,
    /// Every so many pixels are looked at, in both directions.
    pub sample_step: usize,
    /// The pictures' background.
    pub background: [u8; 3],
    /// A pixel is background when no channel is further from it.
    pub background_within: u8,
    /// Pale means brighter than this …
    pub pale_luma_above: f64,
    /// … and less saturated than this.
    pub pale_saturation_below: f64,
    /// Grayish means less saturated than this.
    pub grayish_saturation_below: f64,
    /// The question is asked from this share of pale foreground on …
    pub pale_from: f64,
    /// … together with this share of grayish foreground.
    pub grayish_from: f64,
    /// A smaller difference of penalties changes nothing.
    pub decide_from: f64,
    /// An unanswered order changes nothing either (else its neutral penalties are averaged in).
    pub failure_blocks: bool,
    /// What is asked, in both orders.
    pub question: Question,
}

/// Rules of stage 4.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideGuardRules {
    /// `white/<view>.png` of the same side that the others are compared with.
    pub reference: String,
    /// White views to look at.
    pub views: Vec<String>,
    /// A side is garbage from so many garbage views on.
    pub garbage_from: usize,
    /// What is asked of each view.
    pub question: Question,
}

/// Rules of the summary.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRules {
    /// What is asked.
    pub question: Question,
}

/// What is wrong with a profile file.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProfile {
    /// Not TOML, or not of this shape.
    #[error("not a profile")]
    Shape(#[source] Box<toml::de::Error>),
    /// It is based on something that is not built in.
    #[error("the `base` `{}` is not built in: it must be {names}", base.escape_debug())]
    Base {
        /// As written.
        base: String,
        /// What there is.
        names: String,
    },
    /// A change to the fields of a request that makes no sense.
    #[error("the `request` field `{field}` must be {must}")]
    Request {
        /// Its name.
        field: String,
        /// The condition.
        must: &'static str,
    },
    /// A question has the wrong number of labels or seed offsets.
    #[error("`{question}` needs {needed} labels and as many seed offsets")]
    Calls {
        /// Its place in the file.
        question: &'static str,
        /// 1 or 2.
        needed: usize,
    },
    /// A question names a role that the file does not have.
    #[error("`{question}` speaks as `{role}`, which [roles] does not have")]
    Role {
        /// Its place in the file.
        question: &'static str,
        /// The name.
        role: String,
    },
    /// A question would never be asked.
    #[error("`{question}` needs at least one attempt and one token")]
    Attempts {
        /// Its place in the file.
        question: &'static str,
    },
    /// The wording of a question shows the wrong pictures.
    #[error("the text of `{question}` must hold {} once each, and no other picture", slots.iter().map(|slot| slot.placeholder()).collect::<Vec<_>>().join(", "))]
    Pictures {
        /// Its place in the file.
        question: &'static str,
        /// The pictures it is about.
        slots: &'static [Slot],
    },
    /// A figure that makes no sense.
    #[error("`{field}` must be {must}")]
    Figure {
        /// Its place in the file.
        field: &'static str,
        /// The condition.
        must: &'static str,
    },
    /// A view's name would leave its folder.
    #[error("`{}` is not a view: lower-case letters, digits and `_` only", view.escape_debug())]
    View {
        /// The name.
        view: String,
    },
}

impl Explain for InvalidProfile {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hint(&self) -> Option<Hint> {
        Some("docs/judge.md describes profile files; the built-in ones are good to copy".into())
    }
}

/// Names of the built-in profiles.
pub const BUILT_IN: [&str; 2] = ["cli", "official"];

impl Profile {
    /// A built-in profile, if there is one of that name.
    pub fn built_in(name: &str) -> Option<Self> {
        let built_in = BUILT_IN.into_iter().find(|known| *known == name);
        let profile = Self::parse(built_in_text(name)?).expect("a test reads both built-in profiles");
        Some(Self { built_in, ..profile })
    }

    /// Reads a profile file and checks all of it.
    pub fn parse(text: &str) -> Result<Self, InvalidProfile> {
        let text = without_mark(text);
        let shape = |error| InvalidProfile::Shape(Box::new(error));
        let own = without_win_margin(text).map_err(shape)?;
        let (mut profile, digest) = match base::of(text)? {
            None => (toml::from_str::<Self>(text).map_err(shape)?, Sha256::digest(own)),
            Some((base, whole)) => (
                whole.try_into::<Self>().map_err(shape)?,
                Sha256::new().chain_update(base).chain_update(own).finalize(),
            ),
        };
        profile.digest = hex::encode(digest);
        if profile.gray_rescue.question.text.is_empty() {
            profile.gray_rescue.question.text = profile.prompt_match.question.text.clone();
        }
        profile.request.check()?;
        profile.check_questions()?;
        profile.check_figures()?;
        Ok(profile)
    }

    /// The pictures the stages look at.
    pub fn pictures(&self) -> PicturesUsed {
        PicturesUsed {
            front: self.prompt_match.views.iter().map(|front| front.view.clone()).collect(),
            sides: self.side_guard.views.clone(),
            reference: self.side_guard.reference.clone(),
            gray: self.gray_rescue.view.clone(),
        }
    }

    /// The system message a question speaks with.
    pub(crate) fn role(&self, question: &Question) -> &str {
        self.roles.get(&question.role).map_or("", String::as_str)
    }

    fn check_questions(&self) -> Result<(), InvalidProfile> {
        use Slot::{Image1, Image2, ReferenceImage};
        let questions: [(&Question, &'static str, usize, &'static [Slot]); 8] = [
            (&self.prompt_match.question, "prompt_match.question", 2, &[ReferenceImage, Image1, Image2]),
            (&self.best_view.question, "best_view.question", 2, &[ReferenceImage, Image1, Image2]),
            (&self.artifacts.question, "artifacts.question", 2, &[ReferenceImage, Image1, Image2]),
            (&self.checklist.decompose, "checklist.decompose", 1, &[ReferenceImage]),
            (&self.checklist.verify, "checklist.verify", 2, &[ReferenceImage, Image1]),
            (&self.gray_rescue.question, "gray_rescue.question", 2, &[ReferenceImage, Image1, Image2]),
            (&self.side_guard.question, "side_guard.question", 2, &[Image1, Image2]),
            (&self.explain.question, "explain.question", 1, &[ReferenceImage, Image1, Image2]),
        ];
        for (asked, question, needed, slots) in questions {
            if asked.labels.len() != needed || asked.seed_offsets.len() != needed {
                return Err(InvalidProfile::Calls { question, needed });
            }
            if !self.roles.contains_key(&asked.role) {
                return Err(InvalidProfile::Role { question, role: asked.role.clone() });
            }
            if asked.attempts == 0 || asked.max_tokens == 0 {
                return Err(InvalidProfile::Attempts { question });
            }
            let mut shown = asked.text.pictures();
            shown.sort_unstable();
            if shown != slots {
                return Err(InvalidProfile::Pictures { question, slots });
            }
        }
        Ok(())
    }

    fn check_figures(&self) -> Result<(), InvalidProfile> {
        let fail = |field, must| Err(InvalidProfile::Figure { field, must });
        let weighty = |front: &FrontView| front.weight > 0.0 && front.weight <= 1000.0;
        if self.prompt_match.views.is_empty() || !self.prompt_match.views.iter().all(weighty) {
            return fail("prompt_match.views", "at least one view, each with a weight above 0 and at most 1000");
        }
        if self.side_guard.views.is_empty() || self.side_guard.garbage_from == 0 {
            return fail("side_guard", "at least one view, and garbage_from at least 1");
        }
        if self.gray_rescue.sample_step == 0 {
            return fail("gray_rescue.sample_step", "at least 1");
        }
        if !(0.0..=60.0).contains(&self.attempts.pause_seconds) {
            return fail("attempts.pause_seconds", "0 to 60");
        }
        let pictures = self.pictures();
        let singles = [pictures.reference, pictures.gray];
        match pictures.front.into_iter().chain(pictures.sides).chain(singles).find(|view| !is_view_name(view)) {
            Some(view) => Err(InvalidProfile::View { view }),
            None => Ok(()),
        }
    }
}

/// The text without the line that gives the win margin.
fn without_win_margin(text: &str) -> Result<String, toml::de::Error> {
    #[derive(Deserialize)]
    struct Margin {
        win_margin: Option<toml::Spanned<toml::Value>>,
    }
    let Some(margin) = toml::from_str::<Margin>(text)?.win_margin else { return Ok(text.to_owned()) };
    let value = margin.span();
    let start = text[..value.start].rfind('\n').map_or(0, |end| end + 1);
    let end = text[value.end..].find('\n').map_or(text.len(), |length| value.end + length + 1);
    Ok([&text[..start], &text[end..]].concat())
}

fn built_in_text(name: &str) -> Option<&'static str> {
    match name {
        "cli" => Some(include_str!("../profiles/cli.toml")),
        "official" => Some(include_str!("../profiles/official.toml")),
        _ => None,
    }
}

/// Whether a name is harmless as a file's.
pub(crate) fn is_view_name(name: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.len() <= 64 && name.bytes().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLI: &str = include_str!("../profiles/cli.toml");

    #[test]
    fn a_win_margin_changes_no_duel() {
        let plain = Profile::parse(CLI).expect("a profile");
        assert_eq!(plain.win_margin, WinMargin::default());
        let name = "name = \"cli\"\n";
        for line in ["win_margin = 0.1\n", "win_margin = 0.1 # of another competition\n", "  \"win_margin\"=0.1\n"] {
            let text = CLI.replace(name, &format!("{name}{line}"));
            let profile = Profile::parse(&text).expect("a profile");
            assert_eq!((profile.win_margin.get(), &profile.digest), (0.1, &plain.digest), "{line}");
        }
        let other = Profile::parse(&CLI.replace("draw_within = 0.7", "draw_within = 0.8")).expect("a profile");
        assert_ne!(other.digest, plain.digest);
        for bad in ["7", "-0.1", "nan", "\"0.07\""] {
            assert!(Profile::parse(&CLI.replace(name, &format!("{name}win_margin = {bad}\n"))).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_difference() {
        assert_eq!(
            Profile::parse(&format!("\u{feff}{CLI}")).expect("a profile"),
            Profile::parse(CLI).expect("the same")
        );
    }
}
