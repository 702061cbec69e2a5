//! Faults on demand, the same way for every service: which one, at which of the calls it concerns, how often.
//! What a fault does, and which calls it concerns, only its service knows.
//!
//! Every service has the same switches beside its API, at `/sandbox/faults`:
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET` | the rules and what became of them: `{"faults": [{"fault": …, "seen": 4, "hit": 1}]}` |
//! | `POST` | adds a rule: `{"fault": "truncated", "times": 2}` or `{"fault": {"slow": {"milliseconds": 5}}}` |
//! | `PUT` | replaces all rules: `{"faults": [rule, …]}` |
//! | `DELETE` | ends all faults |

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Where the switches are.
pub const PATH: &str = "/sandbox/faults";

/// Rules that can be set at once: the switches must not grow without bound.
const MOST_RULES: usize = 1_000;

/// The most that a request to the switches may have.
const LARGEST_LIST: usize = 64 << 10;

/// A fault, and when it happens. The first rule that hits a call decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule<F> {
    /// What goes wrong.
    pub fault: F,
    /// Only for calls of this kind, such as a judge's `s1_prompt_match`; for all that the fault concerns when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The first so many of them go well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// Then every so many-th is hit; 1 (and 0) means each.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub every: u64,
    /// At most so many are hit; without limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(every: &u64) -> bool {
    *every == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(skip: &u64) -> bool {
    *skip == 0
}

/// The fault at every call.
impl<F> From<F> for Rule<F> {
    fn from(fault: F) -> Self {
        Self { fault, on: None, skip: 0, every: 1, times: None }
    }
}

impl<F> Rule<F> {
    /// The fault at the first so many calls.
    pub fn times(fault: F, times: u64) -> Self {
        Self { times: Some(times), ..fault.into() }
    }

    /// Only for calls of this kind.
    #[must_use]
    pub fn on(self, kind: &str) -> Self {
        Self { on: Some(kind.to_owned()), ..self }
    }
}

/// A rule and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing<F> {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule<F>,
    /// Calls that it was about so far.
    pub seen: u64,
    /// Calls that it hit so far.
    pub hit: u64,
}

impl<F> Standing<F> {
    fn new(rule: Rule<F>) -> Self {
        Self { rule, seen: 0, hit: 0 }
    }

    fn is_spent(&self) -> bool {
        self.rule.times.is_some_and(|times| self.hit >= times)
    }

    /// Whether it hits the next call, which is one that its fault concerns.
    fn hits(&mut self, kind: &str) -> bool {
        if self.is_spent() || self.rule.on.as_ref().is_some_and(|wanted| wanted != kind) {
            return false;
        }
        let before = self.seen;
        self.seen += 1;
        let hit = before.checked_sub(self.rule.skip).is_some_and(|since| since % self.rule.every.max(1) == 0);
        self.hit += u64::from(hit);
        hit
    }
}

/// The rules of a service in the order they were set; clones share them.
#[derive(Clone)]
pub struct Faults<F> {
    rules: Arc<Mutex<Vec<Standing<F>>>>,
    changed: Arc<dyn Fn() + Send + Sync>,
}

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self::watched(|| ())
    }
}

impl<F: fmt::Debug> fmt::Debug for Faults<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Faults").field(&self.rules).finish()
    }
}

impl<F> Faults<F> {
    /// Faults that say when their rules were changed.
    pub(crate) fn watched(changed: impl Fn() + Send + Sync + 'static) -> Self {
        Self { rules: Arc::default(), changed: Arc::new(changed) }
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Standing<F>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces all rules.
    pub fn set(&self, rules: impl IntoIterator<Item = impl Into<Rule<F>>>) {
        *self.rules() = rules.into_iter().map(|rule| Standing::new(rule.into())).collect();
        (self.changed)();
    }

    /// Adds a rule.
    pub fn add(&self, rule: impl Into<Rule<F>>) {
        self.rules().push(Standing::new(rule.into()));
        (self.changed)();
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.rules().clear();
        (self.changed)();
    }

    /// Ends the faults that are not to be kept.
    pub(crate) fn retain(&self, keep: impl Fn(&F) -> bool) {
        self.rules().retain(|standing| keep(&standing.rule.fault));
        (self.changed)();
    }
}

impl<F: Clone> Faults<F> {
    /// All rules, those that are spent among them.
    pub fn list(&self) -> Vec<Standing<F>> {
        self.rules().clone()
    }

    /// The faults that can still happen.
    pub fn pending(&self) -> Vec<F> {
        let rules = self.rules();
        rules.iter().filter(|standing| !standing.is_spent()).map(|standing| standing.rule.fault.clone()).collect()
    }

    /// What hits the next call of this kind, of the faults that concern it.
    pub(crate) fn strike(&self, kind: &str, concerns: impl Fn(&F) -> bool) -> Option<F> {
        let mut rules = self.rules();
        let hit = rules
            .iter_mut()
            .find_map(|standing| (concerns(&standing.rule.fault) && standing.hits(kind)).then_some(standing));
        hit.map(|standing| standing.rule.fault.clone())
    }

    /// What the first fault says that has something to say and can still happen. Counts as no call.
    pub(crate) fn find<T>(&self, says: impl Fn(&F) -> Option<T>) -> Option<T> {
        self.rules().iter().filter(|standing| !standing.is_spent()).find_map(|standing| says(&standing.rule.fault))
    }

    /// Whether this very fault can still happen. Counts as no call.
    pub(crate) fn has(&self, fault: &F) -> bool
    where
        F: PartialEq,
    {
        self.find(|one| (one == fault).then_some(())).is_some()
    }
}

/// Puts the switches beside a service's API.
pub(crate) fn switches<F>(faults: Faults<F>) -> Router
where
    F: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    Router::new()
        .route(PATH, get(show::<F>).post(add::<F>).put(replace::<F>).delete(clear::<F>))
        .layer(DefaultBodyLimit::max(LARGEST_LIST))
        .with_state(faults)
}

type Shared<F> = State<Faults<F>>;

async fn show<F: Clone + Serialize>(State(faults): Shared<F>) -> Response {
    Json(json!({ "faults": faults.list() })).into_response()
}

async fn add<F: Clone + Serialize + DeserializeOwned>(State(faults): Shared<F>, body: Bytes) -> Response {
    match serde_json::from_slice::<Rule<F>>(&body) {
        Ok(_) if faults.rules().len() >= MOST_RULES => refused("too many faults; DELETE ends them all"),
        Ok(rule) => {
            faults.add(rule);
            show(State(faults)).await
        }
        Err(error) => refused(&error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules<F> {
    faults: Vec<Rule<F>>,
}

async fn replace<F: Clone + Serialize + DeserializeOwned>(State(faults): Shared<F>, body: Bytes) -> Response {
    match serde_json::from_slice::<Rules<F>>(&body) {
        Ok(Rules { faults: rules }) if rules.len() > MOST_RULES => refused("too many faults"),
        Ok(Rules { faults: rules }) => {
            faults.set(rules);
            show(State(faults)).await
        }
        Err(error) => refused(&error.to_string()),
    }
}

async fn clear<F: Clone + Serialize>(State(faults): Shared<F>) -> Response {
    faults.clear();
    show(State(faults)).await
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Trouble {
        Cut,
        Slow { milliseconds: u64 },
    }

    fn hits(faults: &Faults<Trouble>, kinds: &str) -> String {
        let strike = |kind: char| faults.strike(&kind.to_string(), |_| true);
        kinds.chars().map(|kind| if strike(kind).is_some() { '!' } else { '.' }).collect()
    }

    #[test]
    fn a_rule_hits_the_calls_it_is_about_as_often_as_told() {
        let faults = Faults::default();
        faults.add(Rule { skip: 1, every: 2, ..Rule::times(Trouble::Cut, 2).on("a") });
        assert_eq!(hits(&faults, "abaaaaaa"), "..!.!...");
        assert_eq!(faults.list()[0].hit, 2);
        assert!(faults.pending().is_empty());
        faults.clear();
        assert!(faults.list().is_empty());
    }

    #[test]
    fn the_first_that_hits_decides_and_a_look_counts_nothing() {
        let faults = Faults::default();
        faults.set([Rule::times(Trouble::Cut, 1), Trouble::Slow { milliseconds: 7 }.into()]);
        assert!(faults.has(&Trouble::Cut));
        let slow = |fault: &Trouble| matches!(fault, Trouble::Slow { .. });
        assert_eq!(faults.strike("x", slow), Some(Trouble::Slow { milliseconds: 7 }));
        assert_eq!(faults.strike("x", |_| true), Some(Trouble::Cut));
        assert_eq!(faults.strike("x", |_| true), Some(Trouble::Slow { milliseconds: 7 }));
        assert!(!faults.has(&Trouble::Cut));
    }

    #[test]
    fn a_rule_is_read_from_json_and_misspellings_are_not() {
        let read = |json: serde_json::Value| serde_json::from_value::<Rule<Trouble>>(json);
        let slow = read(json!({"fault": {"slow": {"milliseconds": 3}}, "times": 2})).unwrap();
        assert_eq!(slow, Rule::times(Trouble::Slow { milliseconds: 3 }, 2));
        assert_eq!(json!(slow), json!({"fault": {"slow": {"milliseconds": 3}}, "times": 2}));
        assert!(read(json!({"fault": "cut", "tims": 2})).is_err());
        assert!(read(json!({"fault": "cat"})).is_err());
    }
}
