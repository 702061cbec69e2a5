//! Why a module was not drawn, in the words of the official service: failure records and what was measured.
//! Everything here may come from a hostile module or a foreign server, so texts are cleaned and cut on the way in.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;

/// Longest text of a failure record that is kept, in characters.
const LONGEST_TEXT: usize = 500;
/// Most records that are kept.
const MOST_FAILURES: usize = 200;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stage that found it: `parse`, `static_analysis`, `module_load`, `execution`, `post_validation`, `render`.
    #[serde(deserialize_with = "clean_text")]
    pub stage: String,
    /// Code of the rule, as in `VERTEX_LIMIT_EXCEEDED`.
    #[serde(deserialize_with = "clean_text")]
    pub rule: String,
    /// What broke it.
    #[serde(default, deserialize_with = "clean_text")]
    pub detail: String,
}

impl Failure {
    /// A record of our own.
    pub(crate) fn new(stage: &str, rule: &str, detail: impl Into<String>) -> Self {
        Self { stage: stage.to_owned(), rule: rule.to_owned(), detail: detail.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.rule, self.detail)
    }
}

/// A corner of the bounding box; `None` where the coordinate is not a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "x, y and z")]
pub struct Corner {
    pub x: Option<Number>,
    pub y: Option<Number>,
    pub z: Option<Number>,
}

/// The axis-aligned box around the scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Lowest coordinates.
    pub min: Corner,
    /// Highest coordinates.
    pub max: Corner,
}

/// What was counted in a scene, in the service's names; `None` where a hostile scene makes it no number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Vertices of all objects, shared geometry counted for each user.
    pub vertices: Option<Number>,
    /// Objects that are drawn.
    pub draw_calls: Option<Number>,
    /// Levels below the root.
    pub depth: Option<Number>,
    /// Instances of instanced meshes.
    pub instances: Option<Number>,
    /// Bytes of data textures.
    pub texture_bytes: Option<Number>,
    /// Box around everything; none for an empty scene.
    #[serde(rename = "bbox")]
    pub bounding_box: Option<BoundingBox>,
}

/// A module that breaks the rules: final, trying again changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Whether it was found without running the module, or by running it.
    #[serde(rename = "error")]
    pub kind: RefusalKind,
    /// The broken rules, at least one.
    #[serde(deserialize_with = "few_failures")]
    pub failures: Vec<Failure>,
    /// What was measured before that; the static kind has none.
    #[serde(default, skip_serializing_if = "is_static", deserialize_with = "lenient")]
    pub metrics: Measured,
}

/// Metrics as the wire has them: a key that is missing, null, or an object.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    /// The key is left out: nothing was run.
    #[default]
    #[serde(skip)]
    NotRun,
    /// Counted.
    Scene(Metrics),
    /// Run, but not counted to the end.
    Nothing(()),
}

/// The two answers of the service to a bad module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// Refused by its text.
    #[serde(rename = "validation_failed")]
    Static,
    /// Refused by what it did or made.
    #[serde(rename = "post_validation_failed")]
    AfterRun,
}

impl Refusal {
    /// Refused by its text alone.
    pub(crate) fn of_text(failure: Failure) -> Box<Self> {
        Box::new(Self { kind: RefusalKind::Static, failures: vec![failure], metrics: Measured::NotRun })
    }

    /// Refused at the stage that its failures name; there is at least one.
    pub fn of_verdict(failures: Vec<Failure>, metrics: Option<Metrics>) -> Box<Self> {
        if failures.iter().all(|failure| matches!(&*failure.stage, "parse" | "static_analysis")) {
            Box::new(Self { kind: RefusalKind::Static, failures, metrics: Measured::NotRun })
        } else {
            Self::after_run(failures, metrics)
        }
    }

    /// Refused after it ran.
    pub(crate) fn after_run(failures: Vec<Failure>, metrics: Option<Metrics>) -> Box<Self> {
        let metrics = metrics.map_or(Measured::Nothing(()), Measured::Scene);
        Box::new(Self { kind: RefusalKind::AfterRun, failures, metrics })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            formatter.write_str("refused without a reason")?;
        }
        for (place, failure) in self.failures.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(formatter, "{separator}{failure}")?;
        }
        Ok(())
    }
}

/// Text from outside on one line, without what a terminal would obey, cut to a readable length.
pub(crate) fn clean(text: &str) -> String {
    gen404_outside::text::excerpt(text, LONGEST_TEXT)
}

fn clean_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(clean(&String::deserialize(deserializer)?))
}

fn few_failures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Failure>, D::Error> {
    let mut failures = Vec::<Failure>::deserialize(deserializer)?;
    failures.truncate(MOST_FAILURES);
    Ok(failures)
}

/// Another version's metrics are no reason to lose the failures.
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Measured, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).map_or(Measured::Nothing(()), Measured::Scene))
}

fn is_static(metrics: &Measured) -> bool {
    matches!(metrics, Measured::NotRun)
}
