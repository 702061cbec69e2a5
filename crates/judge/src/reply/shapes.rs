//! The five shapes of a reply, each with the JSON schema that is sent along and the way it is read.
//! All listed fields are required, unknown ones are ignored, and no range is enforced: that is what the subnet's judge does.

use gen404_round::duel::{FeatureMark, Guarded};

use super::UnusableReply;
use super::coerce::{flag, text, whole};
use super::json::Json;

/// Stands in `issues`, `reason` of an answer that could not be had, as in the subnet's own records.
pub(crate) const FAILED_MARKER: &str = "JSON_PARSE_FAILED";

/// A reply of a known shape.
pub(crate) trait Reply: Sized {
    /// The JSON schema sent with the question, as text: constrained decoding writes the fields in the schema's order, and a
    /// verdict before its explanation is what the subnet's judge asks for.
    const SCHEMA: &'static str;

    /// Reads the parsed reply.
    fn from_json(json: &Json) -> Result<Self, UnusableReply>;
}

/// Penalties of the two models of a question, 0 (perfect) to 10 (another object), in the order they were shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Penalties {
    /// Of the model shown first.
    pub(crate) first: f64,
    /// Of the model shown second.
    pub(crate) second: f64,
    /// What is wrong with them, briefly.
    pub(crate) issues: String,
}

impl Penalties {
    /// What stands in for an answer that could not be had.
    pub(crate) fn neutral() -> Self {
        Self { first: 5.0, second: 5.0, issues: FAILED_MARKER.to_owned() }
    }

    /// Whether this is such a stand-in.
    pub(crate) fn is_stand_in(&self) -> bool {
        self.issues == FAILED_MARKER
    }
}

/// What the prompt picture shows, to be looked for on the models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PromptChecklist {
    /// Two to four words.
    pub(crate) main_object: String,
    /// 4 to 7 features.
    pub(crate) features: Vec<ChecklistFeature>,
}

/// One feature of the prompt picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChecklistFeature {
    /// In words.
    pub(crate) description: String,
    /// `count`, `shape`, `presence` or `material_color`.
    pub(crate) category: String,
}

/// How a model does on a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verification {
    /// One entry a feature, as a rule.
    pub(crate) checks: Vec<Check>,
    /// Whether it is the right object at all.
    pub(crate) main_object_correct: bool,
}

/// One feature looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// The feature as the model repeats it.
    pub(crate) feature: String,
    /// How well it is there.
    pub(crate) mark: FeatureMark,
    /// A few words.
    pub(crate) note: String,
}

/// Whether one view goes with the front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SideVerdict {
    /// The verdict.
    pub(crate) verdict: Guarded,
    /// One sentence.
    pub(crate) reason: String,
}

impl SideVerdict {
    /// What stands in for an answer that could not be had.
    pub(crate) fn neutral() -> Self {
        Self { verdict: Guarded::Ok, reason: FAILED_MARKER.to_owned() }
    }
}

/// The main visible problems of both models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Issues {
    /// One or two sentences.
    pub(crate) issues: String,
}

fn field<'a>(json: &'a Json, name: &'static str) -> Result<&'a Json, UnusableReply> {
    match json {
        Json::Object(_) => json.field(name).ok_or(UnusableReply::Field { field: name }),
        _ => Err(UnusableReply::NoJson),
    }
}

fn string_field(json: &Json, name: &'static str) -> Result<String, UnusableReply> {
    text(field(json, name)?, name).map(str::to_owned)
}

fn list_field<'a>(json: &'a Json, name: &'static str) -> Result<&'a [Json], UnusableReply> {
    match field(json, name)? {
        Json::Array(items) => Ok(items),
        _ => Err(UnusableReply::Field { field: name }),
    }
}

impl Reply for Penalties {
    const SCHEMA: &'static str = r#"{"title":"PenaltyResponse","type":"object","properties":{"penalty_1":{"type":"integer"},
        "penalty_2":{"type":"integer"},"issues":{"type":"string"}},"required":["penalty_1","penalty_2","issues"]}"#;

    fn from_json(json: &Json) -> Result<Self, UnusableReply> {
        Ok(Self {
            first: whole(field(json, "penalty_1")?, "penalty_1")?,
            second: whole(field(json, "penalty_2")?, "penalty_2")?,
            issues: string_field(json, "issues")?,
        })
    }
}

impl Reply for PromptChecklist {
    const SCHEMA: &'static str = r#"{"title":"PromptChecklist","type":"object","properties":{"main_object":{"type":"string"},
        "features":{"type":"array","minItems":4,"maxItems":7,"items":{"title":"ChecklistFeature","type":"object",
        "properties":{"description":{"type":"string"},"category":{"type":"string","enum":["count","shape","presence",
        "material_color"]}},"required":["description","category"]}}},"required":["main_object","features"]}"#;

    fn from_json(json: &Json) -> Result<Self, UnusableReply> {
        let main_object = string_field(json, "main_object")?;
        let items = list_field(json, "features")?;
        if !(4..=7).contains(&items.len()) {
            return Err(UnusableReply::Field { field: "features" });
        }
        let mut features = Vec::with_capacity(items.len());
        for item in items {
            let category = string_field(item, "category")?;
            if !["count", "shape", "presence", "material_color"].contains(&category.as_str()) {
                return Err(UnusableReply::Field { field: "category" });
            }
            features.push(ChecklistFeature { description: string_field(item, "description")?, category });
        }
        Ok(Self { main_object, features })
    }
}

impl Reply for Verification {
    const SCHEMA: &'static str = r#"{"title":"VerificationResult","type":"object","properties":{"checks":{"type":"array",
        "items":{"title":"FeatureCheck","type":"object","properties":{"feature":{"type":"string"},
        "match":{"type":"string","enum":["yes","partial","no"]},"note":{"type":"string"}},"required":["feature",
        "match","note"]}},"main_object_correct":{"type":"boolean"}},"required":["checks","main_object_correct"]}"#;

    fn from_json(json: &Json) -> Result<Self, UnusableReply> {
        let mut checks = Vec::new();
        for item in list_field(json, "checks")? {
            let mark = match text(field(item, "match")?, "match")? {
                "yes" => FeatureMark::Yes,
                "partial" => FeatureMark::Partial,
                "no" => FeatureMark::No,
                _ => return Err(UnusableReply::Field { field: "match" }),
            };
            checks.push(Check { feature: string_field(item, "feature")?, mark, note: string_field(item, "note")? });
        }
        let main_object_correct = flag(field(json, "main_object_correct")?, "main_object_correct")?;
        Ok(Self { checks, main_object_correct })
    }
}

impl Reply for SideVerdict {
    const SCHEMA: &'static str = r#"{"title":"SideGuardVerdict","type":"object","properties":{"verdict":{"type":"string","enum":["ok","garbage"]},
        "reason":{"type":"string"}},"required":["verdict","reason"]}"#;

    fn from_json(json: &Json) -> Result<Self, UnusableReply> {
        let verdict = match text(field(json, "verdict")?, "verdict")? {
            "ok" => Guarded::Ok,
            "garbage" => Guarded::Garbage,
            _ => return Err(UnusableReply::Field { field: "verdict" }),
        };
        Ok(Self { verdict, reason: string_field(json, "reason")? })
    }
}

impl Reply for Issues {
    const SCHEMA: &'static str =
        r#"{"title":"IssuesSummary","type":"object","properties":{"issues":{"type":"string"}},"required":["issues"]}"#;

    fn from_json(json: &Json) -> Result<Self, UnusableReply> {
        Ok(Self { issues: string_field(json, "issues")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_json_that_requires_every_field() {
        for schema in
            [Penalties::SCHEMA, PromptChecklist::SCHEMA, Verification::SCHEMA, SideVerdict::SCHEMA, Issues::SCHEMA]
        {
            let schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
            let properties = schema["properties"].as_object().expect("an object");
            let required = schema["required"].as_array().expect("a list");
            assert_eq!(required.len(), properties.len());
            assert!(required.iter().all(|name| properties.contains_key(name.as_str().expect("a name"))));
        }
    }
}
