//! The environment as a layer of settings: values without the white space that files and shells leave around them, and
//! no variable of ours that nobody reads. Which variables an option has is not known here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use clap::Command;
use strsim::levenshtein;

use super::marks::{bare_variable, each_setting, is_shared, variable_to_name, variables};
use crate::errors::CommandError;

/// Variables of this project's tests and benchmarks, which the tool itself does not read.
const NOT_OURS_TO_READ: &[&str] = &["GEN404_BINARY", "GEN404_DUELS", "GEN404_REQUIRE", "GEN404_SKIPPED"];
const OF_TESTS: &str = "GEN404_TEST_";

/// The variables of a process, without empty ones: compose files and CI cannot say "not set" otherwise.
#[derive(Debug, Default)]
pub(super) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    pub(super) fn of_this_process() -> Self {
        Self::new(std::env::vars_os())
    }

    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let trimmed = variables.into_iter().map(|(name, value)| (name, without_space(value)));
        Self(trimmed.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Refuses what the command at `running` would read wrongly or not at all although it is meant for it: values in
    /// quotation marks, names that commands do not share any more, and names that no command knows. Returns what is
    /// worth a warning.
    pub(super) fn check(&self, command: &Command, running: &[String]) -> Result<Vec<String>, CommandError> {
        let (mut known, mut read, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        each_setting(command, &[], &mut |arg, path| {
            let names = variables(arg, path);
            // What is accepted and ignored is not read.
            if running.starts_with(path) && !arg.is_hide_set() {
                read.extend(names.clone());
            }
            if !is_shared(arg) {
                moved.push((bare_variable(arg), path.to_vec(), variable_to_name(arg, path)));
            }
            known.extend(names);
        });
        if let Some(name) = read.iter().find(|name| self.value(name).is_some_and(is_quoted)) {
            return Err(quoted(name));
        }
        let mut warnings = Vec::new();
        for name in self.0.keys().filter_map(|name| name.to_str()).filter(|name| name.starts_with("GEN404_")) {
            if known.iter().any(|known| known == name) || NOT_OURS_TO_READ.contains(&name) || name.starts_with(OF_TESTS)
            {
                continue;
            }
            let new: Vec<_> = moved.iter().filter(|(old, ..)| old == name).collect();
            if let Some((_, path, new)) = new.iter().find(|(_, path, _)| running.starts_with(path)) {
                let command = path.join(" ");
                return Err(CommandError::usage(format!(
                    "{name} is set, but commands do not share this option: for `{command}` it is {new}"
                ))
                .with_hint(format!("set {new} instead, or unset {name}")));
            }
            if new.is_empty() {
                return Err(unknown(name, &known));
            }
            let new: Vec<_> = new.iter().map(|(_, _, new)| new.as_str()).collect();
            warnings
                .push(format!("{name} has no effect: commands do not share this option, it is now {}", new.join(", ")));
        }
        Ok(warnings)
    }
}

/// The value of a variable that the user names, for a login: without white space around it, and without quotation
/// marks, which are never meant to be part of it.
pub(crate) fn login_in_variable(name: &str) -> Result<Option<String>, CommandError> {
    let environment = Environment::new(std::env::var_os(name).map(|value| (name.into(), value)));
    match environment.value(name) {
        // The name itself may be a secret: somebody could have put the login in its place.
        Some(value) if is_quoted(value) => Err(CommandError::usage(
            "the variable holds its value in quotation marks: take them away, they would be sent along",
        )),
        value => Ok(value.and_then(OsStr::to_str).map(str::to_owned)),
    }
}

/// Shells, `.env` files and editors of other systems leave blanks, CR and LF around a value; no value of ours has any.
fn without_space(value: OsString) -> OsString {
    value.into_string().map_or_else(|bytes| bytes, |text| text.trim().into())
}

fn is_quoted(value: &OsStr) -> bool {
    let is_in = |mark: char| {
        value.to_str().is_some_and(|text| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark))
    };
    is_in('"') || is_in('\'')
}

fn quoted(name: &str) -> CommandError {
    CommandError::usage(format!("the value of {name} stands in quotation marks, which would be taken for a part of it"))
        .with_hint("take them away; `docker --env-file` and some others pass on the marks of a file as they are")
}

fn unknown(name: &str, known: &[String]) -> CommandError {
    let error = CommandError::usage(format!("{name} is set, but no command has such a variable"));
    let nearest = known.iter().map(|known| (levenshtein(name, known), known)).min();
    match nearest {
        Some((distance, nearest)) if distance <= 3 => error.with_hint(format!("did you mean {nearest}?")),
        _ => error
            .with_hint("`404-cli COMMAND --help` names the variable of each option; unset the ones it does not name"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::commands::Arguments;

    fn check(running: &[&str], variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let environment = Environment::new(variables.iter().map(|(name, value)| (name.into(), value.into())));
        let running: Vec<String> = running.iter().map(|name| (*name).to_owned()).collect();
        environment
            .check(&Arguments::command(), &running)
            .map_err(|error| format!("{} ({})", error.message, error.hints.join("; ")))
    }

    #[test]
    fn white_space_is_not_part_of_a_value() {
        let environment =
            Environment::new([("A", " k\r\n"), ("B", "\t "), ("C", "a b")].map(|(n, v)| (n.into(), v.into())));
        let value = |name| environment.value(name).and_then(OsStr::to_str);
        assert_eq!((value("A"), value("B"), value("C")), (Some("k"), None, Some("a b")));
    }

    #[test]
    fn quotation_marks_are_named_where_they_would_be_read() {
        for value in ["\"sk-5ecret\"", "'sk-5ecret'", "\"sk-5ecret\"\r"] {
            let said = check(&["judge"], &[("OPENAI_API_KEY", value)]).unwrap_err();
            assert!(said.contains("OPENAI_API_KEY") && said.contains("quotation marks"), "{said}");
            assert!(!said.contains("5ecret"), "{said}");
            assert_eq!(check(&["list-all"], &[("OPENAI_API_KEY", value)]), Ok(vec![]));
        }
        assert_eq!(check(&["judge"], &[("OPENAI_API_KEY", "\"")]), Ok(vec![]));
    }

    #[test]
    fn a_name_that_commands_shared_once_is_refused_where_it_counted() {
        for (running, old, new) in [
            ("judge", "GEN404_DRY_RUN", "GEN404_JUDGE_DRY_RUN"),
            ("commit-hash", "GEN404_DRY_RUN", "GEN404_COMMIT_HASH_DRY_RUN"),
            ("start-generator", "GEN404_DRY_RUN", "GEN404_START_GENERATOR_DRY_RUN"),
            ("generate", "GEN404_ENDPOINT", "GEN404_GENERATE_ENDPOINT"),
            ("render", "GEN404_OUTPUT_DIR", "GEN404_RENDER_OUTPUT_DIR"),
            ("render", "GEN404_FORCE", "GEN404_RENDER_FORCE"),
            ("generate", "GEN404_SEED", "GEN404_GENERATE_SEED"),
        ] {
            let said = check(&[running], &[(old, "1")]).unwrap_err();
            assert!(said.contains(old) && said.contains(new), "{said}");
            assert_eq!(check(&[running], &[(new, "1")]), Ok(vec![]));
            assert_eq!(check(&[running], &[(old, "")]), Ok(vec![]), "an empty one is not set");
        }
        // Where it never counted, it still does nothing, and that is said.
        let warned = check(&["stop-pods"], &[("GEN404_SEED", "1")]).expect("only a warning");
        assert!(warned[0].contains("GEN404_GENERATE_SEED, GEN404_JUDGE_SEED"), "{warned:?}");
    }

    #[test]
    fn every_option_of_every_command_is_refused_under_its_bare_name_or_known_by_it() {
        let command = Arguments::command();
        each_setting(&command, &[], &mut |arg, path| {
            let running: Vec<&str> = path.iter().map(String::as_str).collect();
            let said = check(&running, &[(&bare_variable(arg), "1")]);
            if is_shared(arg) {
                assert_eq!(said, Ok(vec![]));
            } else {
                assert!(said.is_err_and(|said| said.contains(&variable_to_name(arg, path))), "{path:?} {arg}");
            }
        });
    }

    #[test]
    fn a_misspelt_name_is_refused_and_corrected() {
        let said = check(&["judge"], &[("GEN404_JUDGE_DRYRUN", "1")]).unwrap_err();
        assert!(
            said.contains("GEN404_JUDGE_DRYRUN is set") && said.contains("did you mean GEN404_JUDGE_DRY_RUN?"),
            "{said}"
        );
        let said = check(&["commit-hash"], &[("GEN404_JUGDE_DRY_RUN", "1")]).unwrap_err();
        assert!(said.contains("did you mean GEN404_JUDGE_DRY_RUN?"), "{said}");
        assert!(check(&[], &[("GEN404_NONSENSE", "1")]).unwrap_err().contains("--help"));
        for of_tests in ["GEN404_REQUIRE", "GEN404_BINARY", "GEN404_TEST_ANYTHING"] {
            assert_eq!(check(&["judge"], &[(of_tests, "1")]), Ok(vec![]));
        }
    }
}
