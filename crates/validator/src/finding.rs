//! What a check of a module says: findings, which are verdicts of the subnet's validators, and warnings, which are ours.
//! Knows neither the parser nor how anything was found.

use gen404_round::module_rule::{Rule, Stage};

/// The two programs that judge a module. A module is good only if both take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validator {
    /// `mr`: the validator that miners run.
    Miners,
    /// `rs`: the render service, whose verdict decides.
    RenderService,
}

/// Whose verdict a finding belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Concerns {
    /// Both validators say it.
    Both,
    /// Only one of them says it.
    Only(Validator),
}

impl Concerns {
    /// Whether the finding belongs to this validator's verdict.
    pub fn includes(self, validator: Validator) -> bool {
        match self {
            Self::Both => true,
            Self::Only(one) => one == validator,
        }
    }
}

/// A place in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in UTF-16 code units as editors count.
    pub column: usize,
    /// First byte in the source.
    pub start: usize,
    /// The byte behind the last one; at least `start`.
    pub end: usize,
}

/// One reason to refuse a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where in the pipeline.
    pub stage: Stage,
    /// Which rule.
    pub rule: Rule,
    /// A name, a number, a line.
    pub detail: String,
    /// Where in the source, if it is anywhere in particular.
    pub place: Option<Place>,
    /// Whose verdict it is.
    pub concerns: Concerns,
    /// An allowed member of `THREE` that does what was probably meant.
    pub instead: Option<&'static str>,
}

macro_rules! warnings {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// What we warn of. Never a verdict.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Caution {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Caution {
            /// Every kind of warning.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable name in results.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

warnings! {
    /// The function's parameter has another name than `THREE`: the static rules do not see its uses.
    ParameterNotThree = "PARAMETER_NOT_THREE",
    /// A constant or class declared behind the export: the render service never initialises it.
    DeclaredAfterExport = "DECLARED_AFTER_EXPORT",
    /// The exported function stands in parentheses: the render service cannot compile that.
    ParenthesisedExport = "PARENTHESISED_EXPORT",
    /// A `#!` line: the render service cannot compile that.
    Hashbang = "HASHBANG",
    /// A global that no document lists and both validators take.
    HiddenGlobal = "HIDDEN_GLOBAL",
    /// The exported function is a generator: what it returns is never a scene.
    GeneratorFunction = "GENERATOR_FUNCTION",
    /// An allowed member of `THREE` that three r183 does not have: reading it throws.
    MissingInThree = "MISSING_IN_THREE",
    /// An allowed name that three or WebGL ignores or no longer takes.
    IgnoredByThree = "IGNORED_BY_THREE",
    /// An assignment to a name that is declared nowhere: it passes the rules and throws when run.
    UndeclaredAssignment = "UNDECLARED_ASSIGNMENT",
    /// Nested almost as deeply as the subnet's parser can follow.
    DeepNesting = "DEEP_NESTING",
    /// More than nine tenths of the literal budget are used.
    LiteralBudgetNearlyUsed = "LITERAL_BUDGET_NEARLY_USED",
    /// Random numbers: seeded in the render service, not in the miners' validator.
    RandomNumbers = "RANDOM_NUMBERS",
    /// Two runs gave different scenes.
    DifferentScenes = "DIFFERENT_SCENES",
    /// A camera in front sees nothing of the scene.
    UnseenFromFront = "UNSEEN_FROM_FRONT",
    /// More than half of the time is used.
    SlowRun = "SLOW_RUN",
    /// Coordinates that are not numbers: they pass every check.
    NotANumber = "NOT_A_NUMBER",
    /// Within a hundredth of the cube's faces.
    BoxNearLimit = "BOX_NEAR_LIMIT",
    /// The middle of the object is not that of the cube.
    NotCentred = "NOT_CENTRED",
    /// Less than a fifth of the cube in every direction.
    SmallObject = "SMALL_OBJECT",
    /// The same bytes as another file.
    SameAsAnotherFile = "SAME_AS_ANOTHER_FILE",
}

impl std::fmt::Display for Caution {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.code())
    }
}

/// One thing that passes and may still go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Of what kind.
    pub caution: Caution,
    /// A name, a number, a line.
    pub detail: String,
    /// Where in the source, if it is anywhere in particular.
    pub place: Option<Place>,
}

/// What is to be said of one module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Both verdicts, in the order in which the validators list them.
    pub findings: Vec<Finding>,
    /// Our own advice, by place.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// Whether both validators take the module.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }

    /// What one validator says, in its order; nothing if it takes the module.
    pub fn verdict(&self, validator: Validator) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.concerns.includes(validator))
    }
}
