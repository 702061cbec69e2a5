//! Whether several endpoints have the same model, as far as they tell: a match that two models judge says nothing about either.
//! Plain comparisons; nobody is asked here.

use std::fmt;

use gen404_outside::explain::{Blame, Explain, Hint};

/// A model that an endpoint says it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// Its name in requests.
    pub name: String,
    /// What it was loaded from, where the server says so.
    pub root: Option<String>,
}

/// What an endpoint said to the first look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeted {
    /// Its address as people may see it.
    pub endpoint: String,
    /// Its models; `None` when it does not say.
    pub models: Option<Vec<Served>>,
}

/// Who answers at an endpoint, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Name of the model.
    pub model: Option<String>,
    /// What the server calls its configuration (`system_fingerprint`).
    pub fingerprint: Option<String>,
}

/// Two endpoints that are not the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the endpoints differ in {what}: {} has {}, {} has {}", sides[0].0, sides[0].1, sides[1].0, sides[1].1)]
pub struct Unlike {
    /// In what.
    pub what: Trait,
    /// Endpoints, and what each has.
    pub sides: [(String, String); 2],
}

impl Explain for Unlike {
    fn blame(&self) -> Blame {
        Blame::User
    }

    fn hint(&self) -> Option<Hint> {
        Some("a match is judged by one model: name only endpoints that have the same, loaded from the same".into())
    }
}

/// What endpoints can differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// The models they have, or what the wanted one was loaded from.
    Models,
    /// The name under which they answer.
    Answers,
    /// The fingerprint of their answers: the same model may have one for each configuration.
    Fingerprints,
}

impl fmt::Display for Trait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Models => "their models",
            Self::Answers => "the model that answers",
            Self::Fingerprints => "the fingerprint of their answers",
        })
    }
}

/// The first two endpoints whose lists cannot be those of the same model. Those that give no list say nothing.
pub fn unlike_models(greeted: &[Greeted], wanted: &str) -> Option<Unlike> {
    let lists = greeted.iter().filter_map(|greeted| Some((&greeted.endpoint, greeted.models.as_ref()?)));
    let shown = lists.map(|(endpoint, models)| (endpoint.clone(), in_words(models, wanted)));
    first_difference(shown, Trait::Models)
}

/// The first two endpoints of which different models answer, or the same in different configurations.
pub fn unlike_answers(heard: &[(String, Identity)]) -> Option<Unlike> {
    let of = |value: fn(&Identity) -> Option<String>| {
        heard.iter().filter_map(move |(endpoint, identity)| Some((endpoint.clone(), value(identity)?)))
    };
    first_difference(of(|identity| identity.model.clone()), Trait::Answers)
        .or_else(|| first_difference(of(|identity| identity.fingerprint.clone()), Trait::Fingerprints))
}

/// The wanted model with what it was loaded from; all models where the wanted one is not among them.
fn in_words(models: &[Served], wanted: &str) -> String {
    let words = |model: &Served| match &model.root {
        Some(root) if *root != model.name => format!("{} from {root}", model.name),
        _ => model.name.clone(),
    };
    if let Some(model) = models.iter().find(|model| model.name == wanted) {
        return words(model);
    }
    let mut all: Vec<String> = models.iter().map(words).collect();
    all.sort();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn first_difference(mut values: impl Iterator<Item = (String, String)>, what: Trait) -> Option<Unlike> {
    let first = values.next()?;
    let other = values.find(|(_, value)| *value != first.1)?;
    Some(Unlike { what, sides: [first, other] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(endpoint: &str, models: &[(&str, Option<&str>)]) -> Greeted {
        let served =
            |(name, root): &(&str, Option<&str>)| Served { name: (*name).to_owned(), root: root.map(str::to_owned) };
        Greeted { endpoint: endpoint.to_owned(), models: Some(models.iter().map(served).collect()) }
    }

    #[test]
    fn lists_are_compared_by_the_wanted_model() {
        let one = greeted("one", &[("glm", None), ("other", None)]);
        let same = greeted("two", &[("glm", None)]);
        let silent = Greeted { endpoint: "three".to_owned(), models: None };
        assert_eq!(unlike_models(&[one.clone(), silent, same], "glm"), None);
        let without = greeted("four", &[("llama", None)]);
        let said = unlike_models(&[one, without.clone()], "glm").expect("unlike").to_string();
        assert_eq!(said, "the endpoints differ in their models: one has glm, four has llama");
        assert_eq!(unlike_models(&[without.clone(), without.clone()], "glm"), None, "an alias on both");
        assert!(unlike_models(&[without, greeted("five", &[("qwen", None)])], "glm").is_some());
    }

    #[test]
    fn one_name_for_two_models_is_seen_by_where_they_came_from() {
        let full = greeted("one", &[("glm", Some("zai/GLM"))]);
        let small = greeted("two", &[("glm", Some("zai/GLM-FP8"))]);
        let said = unlike_models(&[full, small], "glm").expect("unlike").to_string();
        assert!(said.ends_with("one has glm from zai/GLM, two has glm from zai/GLM-FP8"), "{said}");
    }

    #[test]
    fn answers_are_compared_by_model_and_then_by_fingerprint() {
        let heard = |endpoint: &str, model: Option<&str>, print: Option<&str>| {
            let [model, fingerprint] = [model, print].map(|text| text.map(str::to_owned));
            (endpoint.to_owned(), Identity { model, fingerprint })
        };
        let what = |heard: &[(String, Identity)]| unlike_answers(heard).map(|unlike| unlike.what);
        let (one, silent) = (heard("one", Some("glm"), Some("a")), heard("two", None, None));
        assert_eq!(what(&[one.clone(), silent, heard("three", Some("glm"), Some("a"))]), None);
        assert_eq!(what(&[one.clone(), heard("two", Some("glm"), Some("b"))]), Some(Trait::Fingerprints));
        assert_eq!(what(&[one, heard("two", Some("qwen"), Some("a"))]), Some(Trait::Answers));
    }
}
