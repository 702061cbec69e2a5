//! One settings file: TOML whose keys are the long names of options (`seed = 7`, `wallet.name = "miner"`), on top or
//! in a table named like a command. Knows nothing of precedence.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::errors::CommandError;

/// A settings file, flattened: `[wallet] name = …` is `wallet.name`.
#[derive(Debug)]
pub(super) struct SettingsFile {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl SettingsFile {
    /// Reads the file; `None` when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CommandError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(CommandError::usage(format!("cannot read the settings {}: {error}", path.display()))),
        }
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, CommandError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            CommandError::usage(format!("line {line} of {} is not TOML: {}", path.display(), error.message()))
        })?;
        let mut values = BTreeMap::new();
        for (key, value) in table {
            flatten(path, key, value, &mut values)?;
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// The value for an option of the command at `path`, as text.
    pub(super) fn value(&self, path: &[String], option: &str) -> Option<&str> {
        let own = path.iter().map(String::as_str).chain([option]).collect::<Vec<_>>().join(".");
        self.values.get(&own).or_else(|| self.values.get(option)).map(String::as_str)
    }

    /// Where the file gives an option this value: `netuid in 404-cli.toml`.
    pub(super) fn place(&self, option: &str, value: &str) -> Option<String> {
        let is_option =
            |key: &str| key.strip_suffix(option).is_some_and(|table| table.is_empty() || table.ends_with('.'));
        let (key, _) = self.values.iter().find(|(key, found)| is_option(key) && *found == value)?;
        Some(format!("{key} in {}", self.path.display()))
    }

    /// Refuses keys that no command knows, and secrets.
    pub(super) fn check(&self, command: &Command, secrets: &[&str]) -> Result<(), CommandError> {
        let mut known = Vec::new();
        collect_names(command, "", &mut known);
        let file = self.path.display();
        for key in self.values.keys() {
            let option = key.rsplit('.').next().unwrap_or(key);
            if secrets.contains(&option) {
                let variable = if option == "api-key" { "OPENAI_API_KEY" } else { "TARGON_API_KEY" };
                return Err(CommandError::usage(format!("{file} holds the secret `{option}`: keep it in {variable}")));
            }
            if !known.contains(key) {
                return Err(CommandError::usage(format!("{file}: no command has an option `{key}`"))
                    .with_hint("keys are the long names of options, on top or in a table named like the command"));
            }
        }
        Ok(())
    }
}

fn collect_names(command: &Command, prefix: &str, names: &mut Vec<String>) {
    for option in command.get_arguments().filter_map(|arg| arg.get_long()) {
        names.push(option.to_owned());
        names.push(format!("{prefix}{option}"));
    }
    for sub in command.get_subcommands() {
        collect_names(sub, &format!("{prefix}{}.", sub.get_name()), names);
    }
}

fn flatten(
    path: &Path,
    key: String,
    value: toml::Value,
    values: &mut BTreeMap<String, String>,
) -> Result<(), CommandError> {
    let text = match value {
        toml::Value::Table(table) => {
            for (inner, value) in table {
                flatten(path, format!("{key}.{inner}"), value, values)?;
            }
            return Ok(());
        }
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Array(_) | toml::Value::Datetime(_) => {
            return Err(CommandError::usage(format!(
                "{}: `{key}` must be a text, a number, true or false",
                path.display()
            )));
        }
    };
    values.insert(key, text);
    Ok(())
}
