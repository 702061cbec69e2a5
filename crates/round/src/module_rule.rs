//! The rules for the modules that miners submit: stages, rule codes, the form of a failure, and the limits.
//! A renderer and a validator share these words without knowing each other; how a rule is checked is not said here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The stages that a module passes, in order. A stage that fails is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The text as such: its size and its grammar.
    Parse,
    /// What the syntax tree shows without running it.
    StaticAnalysis,
    /// The module's top level; only the miners' validator names this stage.
    ModuleLoad,
    /// The call of the exported function.
    Execution,
    /// The scene that came back.
    PostValidation,
    /// Drawing the scene.
    Render,
}

impl Stage {
    /// The name in the records of both validators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::StaticAnalysis => "static_analysis",
            Self::ModuleLoad => "module_load",
            Self::Execution => "execution",
            Self::PostValidation => "post_validation",
            Self::Render => "render",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// Why a module is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Rule {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $name,)+
        }

        impl Rule {
            /// Every rule, in the order in which a module can meet them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code in the records of both validators.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

rules! {
    /// More than [`MODULE_BYTES`] bytes of UTF-8.
    FileSizeExceeded = "FILE_SIZE_EXCEEDED",
    /// Not a valid ES module.
    ParseError = "PARSE_ERROR",
    /// No `export default`, or what it exports is not a function written in place.
    MissingDefaultExport = "MISSING_DEFAULT_EXPORT",
    /// More than one export statement.
    MultipleTopLevelExports = "MULTIPLE_TOP_LEVEL_EXPORTS",
    /// Anything asynchronous, or a promise as the result.
    AsyncNotAllowed = "ASYNC_NOT_ALLOWED",
    /// A forbidden name, `Math.random`, or any form of import.
    ForbiddenIdentifier = "FORBIDDEN_IDENTIFIER",
    /// A name that is declared nowhere and is not one of the allowed globals.
    IdentifierNotAllowed = "IDENTIFIER_NOT_ALLOWED",
    /// A member of `THREE` that is known and excluded.
    ForbiddenThreeApi = "FORBIDDEN_THREE_API",
    /// A member of `THREE` that is on neither list.
    UnknownThreeApi = "UNKNOWN_THREE_API",
    /// `THREE` read where nothing of that name is declared.
    ThreeAtTopLevel = "THREE_AT_TOP_LEVEL",
    /// `THREE` escapes from the positions in which it can be followed.
    ThreeAliasForbidden = "THREE_ALIAS_FORBIDDEN",
    /// `[…]` on `THREE`, `Math`, `Object`, `Array` or `Symbol`, or a computed key taken out of `THREE`.
    ComputedPropertyAccess = "COMPUTED_PROPERTY_ACCESS",
    /// `.constructor`, `.__proto__` and their like; only the render service has this rule.
    ForbiddenPropertyAccess = "FORBIDDEN_PROPERTY_ACCESS",
    /// More than [`LITERAL_BYTES`] bytes of literals.
    LiteralBudgetExceeded = "LITERAL_BUDGET_EXCEEDED",
    /// The subnet's validators die on the module instead of judging it. A code of ours: they record nothing.
    ValidatorCrashed = "VALIDATOR_CRASHED",
    /// The code threw, did not compile, or its worker died.
    ExecutionThrew = "EXECUTION_THREW",
    /// What was exported cannot be called, or what came back is not a scene.
    InvalidReturnType = "INVALID_RETURN_TYPE",
    /// More than [`MODULE_MILLISECONDS`] of wall clock.
    TimeoutExceeded = "TIMEOUT_EXCEEDED",
    /// More memory than the worker may have.
    HeapExceeded = "HEAP_EXCEEDED",
    /// A trapped global or a function's constructor was touched; only the render service has this rule.
    RuntimeViolation = "RUNTIME_VIOLATION",
    /// The scene has an empty bounding box.
    EmptyScene = "EMPTY_SCENE",
    /// A node was reached twice.
    CycleDetected = "CYCLE_DETECTED",
    /// More than [`VERTICES`].
    VertexLimitExceeded = "VERTEX_LIMIT_EXCEEDED",
    /// More than [`DRAW_CALLS`].
    DrawCallLimitExceeded = "DRAW_CALL_LIMIT_EXCEEDED",
    /// Deeper than [`SCENE_DEPTH`].
    DepthLimitExceeded = "DEPTH_LIMIT_EXCEEDED",
    /// More than [`INSTANCES`].
    InstanceLimitExceeded = "INSTANCE_LIMIT_EXCEEDED",
    /// More than [`TEXTURE_BYTES`].
    TextureDataExceeded = "TEXTURE_DATA_EXCEEDED",
    /// Outside the cube from -0.5 to 0.5.
    BoundingBoxOutOfRange = "BOUNDING_BOX_OUT_OF_RANGE",
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// A text that is not a rule's code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{code}` is not the code of a rule for modules")]
pub struct UnknownRule {
    /// What was given.
    pub code: String,
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        Self::ALL.iter().copied().find(|rule| rule.code() == text).ok_or_else(|| UnknownRule { code: text.to_owned() })
    }
}

/// A failure as both validators record it, and as the render service answers it with status 422.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where the module failed.
    pub stage: Stage,
    /// Which rule it broke.
    pub rule: Rule,
    /// A short text: a name, a number, a line. Programs compare stage and rule only.
    pub detail: String,
}

/// Bytes of UTF-8 that a module may have.
pub const MODULE_BYTES: usize = 1_048_576;
/// Bytes that all literals of a module may have together.
pub const LITERAL_BYTES: usize = 51_200;
/// Milliseconds for the module's top level and the call of its function together.
pub const MODULE_MILLISECONDS: u64 = 5_000;
/// Vertices of a scene; geometry that is shared counts for each user.
pub const VERTICES: u64 = 250_000;
/// Meshes, lines and points of a scene.
pub const DRAW_CALLS: u64 = 200;
/// Depth of a scene; the root has depth 0.
pub const SCENE_DEPTH: u64 = 32;
/// Instances of all instanced meshes of a scene.
pub const INSTANCES: u64 = 50_000;
/// Bytes of all data textures of a scene.
pub const TEXTURE_BYTES: u64 = 4_194_304;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for rule in Rule::ALL {
            assert_eq!(rule.code().parse(), Ok(*rule));
            assert_eq!(serde_json::to_value(rule).ok(), Some(rule.code().into()));
        }
        assert_eq!("parse_error".parse::<Rule>(), Err(UnknownRule { code: "parse_error".into() }));
    }

    #[test]
    fn a_failure_has_the_form_of_the_records() {
        let failure =
            Failure { stage: Stage::StaticAnalysis, rule: Rule::ForbiddenIdentifier, detail: "fetch at line 4".into() };
        let json = r#"{"stage":"static_analysis","rule":"FORBIDDEN_IDENTIFIER","detail":"fetch at line 4"}"#;
        assert_eq!(serde_json::to_string(&failure).ok().as_deref(), Some(json));
        assert_eq!(serde_json::from_str::<Failure>(json).ok(), Some(failure));
        for stage in [Stage::Parse, Stage::ModuleLoad, Stage::Execution, Stage::PostValidation, Stage::Render] {
            assert_eq!(serde_json::to_value(stage).ok(), Some(stage.as_str().into()));
        }
    }
}
