//! The run part: modules whose text passes are run in Chromium, and what both programs say then joins the verdicts.
//! How a module is run is the renderer's business; here are only the way there and the words for what came back.

use gen404_outside::explain::Explain as _;
use gen404_outside::text::line;
use gen404_renderer::{Corner, DrawError, Failure, Judgement, Metrics, Studio, Trial, Wanted};
use gen404_round::module_rule::{MODULE_MILLISECONDS, Rule, Stage};
use gen404_validator::{Caution, Concerns, Finding, Lines, Place, Validator, Warning};
use serde_json::json;
use tokio::sync::OnceCell;

use super::result::{Judged, Ran};
use crate::arguments::BrowserArguments;
use crate::errors::{Blame, CommandError, sentence};

/// Whoever cannot have a browser can still have the other half.
const WITHOUT: &str = "--static-only judges the text alone, without a browser";

/// A coordinate this near to the cube's face may leave it on another day.
const NEAR: f64 = 0.5 * 0.99;
/// How far the middle of the box may be from the cube's.
const OFF_CENTRE: f64 = 0.05;
/// The longest side below which an object is hard to see.
const SMALL: f64 = 0.2;

/// Runs modules; browsers start when the first one passes by its text.
pub(super) struct Runner {
    browser: BrowserArguments,
    studio: OnceCell<Studio>,
}

impl Runner {
    pub(super) fn new(browser: BrowserArguments) -> Self {
        Self { browser, studio: OnceCell::new() }
    }

    /// Runs the module for whichever verdict its text left open.
    pub(super) async fn run(&self, judged: &mut Judged) -> Result<(), CommandError> {
        let open = |validator| judged.report.verdict(validator).next().is_none();
        let wanted = Wanted { miners: open(Validator::Miners), service: open(Validator::RenderService) };
        if !wanted.miners && !wanted.service {
            return Ok(());
        }
        let studio = self.studio.get_or_try_init(|| self.browser.without_pictures()).await.map_err(without_browser)?;
        let trial = studio.try_module(&judged.source, wanted).await.map_err(|error| broken(&judged.file, &error))?;
        judged.report.warnings.extend(warnings(&trial));
        let place = trial.thrown_at.and_then(|at| Lines::new(&judged.source).named(at.line, at.column));
        // It is the place of what the render service's run threw, which may not be what the miners' run threw.
        let thrown = |judgement: &Option<Judgement>| Some(judgement.as_ref()?.failures.first()?.detail.clone());
        let same = trial.service.is_none() || thrown(&trial.miners) == thrown(&trial.service);
        judged.ran = Ran {
            miners: trial.miners.map(|judgement| findings(judgement, place.filter(|_| same))),
            service: trial.service.map(|judgement| findings(judgement, place)),
        };
        Ok(())
    }

    /// Has a browser ready ahead of the first module.
    pub(super) async fn warm_up(&self) -> Result<(), CommandError> {
        let studio = self.studio.get_or_try_init(|| self.browser.without_pictures()).await.map_err(without_browser)?;
        let missing =
            |error: &DrawError| without_browser(CommandError::usage(sentence(error)).with_hints(error.hint()));
        studio.warm_up().await.map(drop).map_err(|error| missing(&error))
    }

    /// Ends all browsers.
    pub(super) async fn close(&self) {
        if let Some(studio) = self.studio.get() {
            studio.close().await;
        }
    }
}

/// Whatever stands in a browser's way, the machine lacks what the command was asked for.
fn without_browser(error: CommandError) -> CommandError {
    CommandError { blame: Blame::User, ..error }.with_hint(WITHOUT)
}

fn broken(file: &str, error: &DrawError) -> CommandError {
    let reason = sentence(error);
    if error.is_fatal() {
        return without_browser(CommandError::usage(reason).with_hints(error.hint()));
    }
    CommandError::failed(line(&format!("{file} could not be run: {reason}"))).with_hints(error.hint())
}

/// What was thrown gets the place where it was.
fn findings(judgement: Judgement, place: Option<Place>) -> (Vec<Finding>, Option<Metrics>) {
    let finding = |failure: Failure| {
        let rule = failure.rule.parse().unwrap_or(Rule::ExecutionThrew);
        let thrown = matches!(rule, Rule::ExecutionThrew | Rule::RuntimeViolation);
        Finding {
            stage: serde_json::from_value(json!(failure.stage)).unwrap_or(Stage::Execution),
            rule,
            detail: failure.detail,
            place: place.filter(|_| thrown),
            concerns: Concerns::Both,
            instead: None,
        }
    };
    (judgement.failures.into_iter().map(finding).collect(), judgement.metrics)
}

/// What is taken and may still disappoint.
fn warnings(trial: &Trial) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |caution, detail: String| warnings.push(Warning { caution, detail, place: None });
    if trial.scenes_differ == Some(true) {
        warn(
            Caution::DifferentScenes,
            "two runs gave two different scenes; what you see here is not what is judged".to_owned(),
        );
    }
    if trial.draws_random_numbers {
        let seen = if trial.scenes_differ == Some(false) { "; two runs gave the same scene" } else { "" };
        let detail = "it draws random numbers, which the render service fixes and the miners' validator does not";
        warn(Caution::RandomNumbers, format!("{detail}{seen}"));
    }
    if trial.unseen_from_front {
        warn(
            Caution::UnseenFromFront,
            "a camera in front of it sees nothing: everything is invisible, fully transparent or turned away"
                .to_owned(),
        );
    }
    let milliseconds = trial.run_time.as_millis();
    if milliseconds > u128::from(MODULE_MILLISECONDS / 2) {
        warn(
            Caution::SlowRun,
            format!("took {milliseconds} of {MODULE_MILLISECONDS} ms on this machine; a slower one may end it"),
        );
    }
    let judgement = trial.service.as_ref().or(trial.miners.as_ref());
    let sound = judgement.filter(|judgement| judgement.failures.is_empty());
    if let Some(bounds) = sound.and_then(|judgement| judgement.metrics.as_ref()?.bounding_box.as_ref()) {
        let corner = |corner: &Corner| {
            [&corner.x, &corner.y, &corner.z].map(|number| number.as_ref().and_then(serde_json::Number::as_f64))
        };
        of_box(corner(&bounds.min), corner(&bounds.max), &mut warn);
    }
    warnings
}

fn of_box(min: [Option<f64>; 3], max: [Option<f64>; 3], warn: &mut impl FnMut(Caution, String)) {
    let sides: Vec<(f64, f64)> = min.into_iter().zip(max).filter_map(|(min, max)| min.zip(max)).collect();
    if sides.len() < 3 {
        return warn(
            Caution::NotANumber,
            "some coordinates are NaN: they pass every check and break the pictures".into(),
        );
    }
    let axes = ["x", "y", "z"];
    for ((min, max), axis) in sides.iter().zip(axes) {
        if *min < -NEAR || *max > NEAR {
            let detail = format!(
                "{axis} goes from {min:.4} to {max:.4}: rounding may take it out of [-0.5, 0.5]; scale it to 0.95"
            );
            warn(Caution::BoxNearLimit, detail);
        }
    }
    for ((min, max), axis) in sides.iter().zip(axes) {
        let middle = f64::midpoint(*min, *max);
        if middle.abs() > OFF_CENTRE {
            warn(
                Caution::NotCentred,
                format!("the middle of its box is at {axis} = {middle:.3}; nothing moves it to the centre"),
            );
        }
    }
    let longest = sides.iter().map(|(min, max)| max - min).fold(0.0, f64::max);
    if longest < SMALL {
        warn(Caution::SmallObject, format!("its longest side is {longest:.3}: nothing scales it up"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cautions(min: [f64; 3], max: [f64; 3]) -> Vec<Caution> {
        let mut cautions = Vec::new();
        of_box(min.map(Some), max.map(Some), &mut |caution, _| cautions.push(caution));
        cautions
    }

    #[test]
    fn boxes_that_may_disappoint_are_told() {
        assert_eq!(cautions([-0.475; 3], [0.475; 3]), []);
        assert_eq!(cautions([-0.495; 3], [0.495; 3]), []);
        assert_eq!(cautions([-0.4951, -0.4, -0.4], [0.4, 0.4, 0.4]), [Caution::BoxNearLimit]);
        assert_eq!(cautions([-0.4, 0.0, -0.4], [0.4, 0.4, 0.4]), [Caution::NotCentred]);
        assert_eq!(cautions([-0.09; 3], [0.09; 3]), [Caution::SmallObject]);
        assert_eq!(cautions([-0.1; 3], [0.1; 3]), []);
        let mut cautions = Vec::new();
        of_box([None, Some(0.0), Some(0.0)], [Some(0.0); 3], &mut |caution, _| cautions.push(caution));
        assert_eq!(cautions, [Caution::NotANumber]);
    }
}
