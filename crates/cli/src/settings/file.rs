//! One settings file: TOML whose keys are the long names of options, in a table named like a command (`[judge]`,
//! `seed = 7`) or, where an option means the same in every command, on top (`wallet.name = "miner"`). Knows nothing of
//! precedence.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use gen404_outside::text::without_mark;

use super::marks::{addresses_in, each_setting, is_address, is_secret, is_shared, takes_a_list, variable_to_name};
use super::meant::{Known, meant, place};
use crate::errors::CommandError;
use crate::text::{secret_in_address, utf8};

/// A settings file, flattened: `[wallet] name = …` is `wallet.name`.
#[derive(Debug)]
pub(super) struct SettingsFile {
    path: PathBuf,
    /// As text; `None` for dates and for lists of anything but texts, which no option takes.
    values: BTreeMap<String, Option<String>>,
    /// Keys whose value is a list.
    lists: BTreeSet<String>,
}

impl SettingsFile {
    /// Reads the file; `None` when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CommandError> {
        match std::fs::read(path) {
            Ok(bytes) => Self::parse_bytes(path, &bytes).map(Some),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(CommandError::usage(format!("cannot read the settings {}: {error}", path.display()))),
        }
    }

    fn parse_bytes(path: &Path, bytes: &[u8]) -> Result<Self, CommandError> {
        let text = utf8(bytes).map_err(|error| {
            CommandError::usage(format!("cannot read the settings {}: {error}", path.display()))
                .with_hint("save it as UTF-8")
        })?;
        Self::parse(path, text)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, CommandError> {
        let text = without_mark(text);
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            CommandError::usage(format!("line {line} of {} is not TOML: {}", path.display(), error.message()))
        })?;
        let mut file = Self { path: path.to_owned(), values: BTreeMap::new(), lists: BTreeSet::new() };
        for (key, value) in table {
            file.flatten(key, value);
        }
        Ok(file)
    }

    /// The value for an option of the command at `path`, and where it stands: `judge.seed in 404-cli.toml`.
    pub(super) fn value(&self, arg: &Arg, path: &[String]) -> Option<(&str, String)> {
        let option = arg.get_long()?;
        let own = place(path, option);
        let on_top = is_shared(arg).then(|| option.to_owned());
        let (key, value) = [Some(own), on_top].into_iter().flatten().find_map(|key| self.values.get_key_value(&key))?;
        Some((value.as_deref()?, format!("{key} in {}", self.path.display())))
    }

    /// Refuses secrets, keys that no command knows, and keys on top that belong into a table.
    pub(super) fn check(&self, command: &Command) -> Result<(), CommandError> {
        let mut options = Vec::new();
        each_setting(command, &[], &mut |arg, path| options.push((arg, path.to_vec())));
        self.values.iter().try_for_each(|(key, value)| self.check_key(key, value.as_deref(), &options))
    }

    fn check_key(&self, key: &str, value: Option<&str>, options: &[(&Arg, Vec<String>)]) -> Result<(), CommandError> {
        let file = self.path.display();
        let long = |arg: &Arg| arg.get_long().unwrap_or_default().to_owned();
        let own = || options.iter().filter(|(arg, path)| place(path, &long(arg)) == key);
        let on_top = || options.iter().filter(|(arg, _)| long(arg) == key);
        // A table in the place of a value is no reason to be shown, nor is another dash.
        let dashed = key.replace('_', "-");
        let within =
            |option: &str| dashed.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let mut secrets = options.iter().filter(|(arg, _)| is_secret(arg));
        if let Some((arg, path)) = secrets.find(|(arg, path)| within(&place(path, &long(arg))) || within(&long(arg))) {
            let variable = variable_to_name(arg, path);
            return Err(CommandError::usage(format!("{file} holds the secret `{}`: keep it in {variable}", long(arg))));
        }
        let Some((arg, path)) = own().chain(on_top().filter(|(arg, _)| is_shared(arg))).next() else {
            let tables: Vec<_> = on_top().map(|(_, path)| format!("[{}]", path.join("."))).collect();
            return Err(if tables.is_empty() {
                CommandError::usage(format!("{file}: no command has an option `{key}`")).with_hint(advice(key, options))
            } else {
                CommandError::usage(format!("{file}: `{key}` stands on top, but commands do not share this option"))
                    .with_hint(format!("put it into the table of its command: {}", tables.join(" or ")))
            });
        };
        let Some(value) = value.filter(|_| takes_a_list(arg) || !self.lists.contains(key)) else {
            return Err(CommandError::usage(format!("{file}: `{key}` must be a text, a number, true or false")));
        };
        let values = if takes_a_list(arg) { addresses_in(value) } else { vec![value.to_owned()] };
        if let Some(secret) = values.iter().find_map(|value| secret_in_address(value, is_address(arg))) {
            let variable = variable_to_name(arg, path);
            return Err(CommandError::usage(format!("{file}: `{key}` holds {secret}: keep it in {variable}")));
        }
        Ok(())
    }

    fn flatten(&mut self, key: String, value: toml::Value) {
        let text = match value {
            toml::Value::Table(table) => {
                for (inner, value) in table {
                    self.flatten(format!("{key}.{inner}"), value);
                }
                return;
            }
            toml::Value::String(text) => Some(text),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Float(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(flag.to_string()),
            toml::Value::Array(items) => {
                self.lists.insert(key.clone());
                let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
                texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join(","))
            }
            toml::Value::Datetime(_) => None,
        };
        self.values.insert(key, text);
    }
}

/// What to do about a key that no command knows.
fn advice(key: &str, options: &[(&Arg, Vec<String>)]) -> String {
    let known = options.iter().map(|(arg, path)| {
        let option = arg.get_long().unwrap_or_default();
        Known { option, path, shared: is_shared(arg) }
    });
    let known: Vec<Known<'_>> = known.collect();
    let meant = meant(key, &known);
    let Some(first) = meant.first() else {
        return "keys are the long names of options, in a table named like the command".to_owned();
    };
    let option = first.option;
    let of =
        |known: &Known<'_>| options.iter().find(|(arg, path)| arg.get_long() == Some(option) && path == known.path);
    if let Some((arg, path)) = of(first).filter(|(arg, _)| is_secret(arg)) {
        return format!("`{option}` is a secret: keep it in {}", variable_to_name(arg, path));
    }
    if first.shared {
        return format!("did you mean `{option}`, on top of the file or in the table of a command?");
    }
    let tables: Vec<_> = meant.iter().map(|known| format!("[{}]", known.path.join("."))).collect();
    format!("did you mean `{option}` in the table {}?", tables.join(" or "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::commands::Arguments;

    fn check(text: &str) -> Result<(), String> {
        let file = SettingsFile::parse(Path::new("x.toml"), text).map_err(|error| error.message)?;
        file.check(&Arguments::command()).map_err(|error| format!("{} ({})", error.message, error.hints.join("; ")))
    }

    #[test]
    fn shared_options_stand_on_top_and_all_in_tables() {
        for good in [
            "netuid = 17\n[wallet]\nname = 'm'\nhotkey = 'h'",
            "chromium = '/c'\n[render]\nchromium = '/d'\nfast = true",
            "[judge]\nseed = 7\nendpoint = 'http://h'\n[pods.logs]\ntail = 5",
            "\u{feff}[judge]\nseed = 7",
            "[judge]\nendpoint = ['http://a', 'http://b:1/v1']",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let said = check("seed = 7").unwrap_err();
        assert!(said.contains("x.toml: `seed` stands on top") && said.contains("[generate] or [judge]"), "{said}");
        let said = check("dry-run = true").unwrap_err();
        assert!(said.contains("[commit-hash] or [commit-repo-cdn] or [start-generator]"), "{said}");
    }

    #[test]
    fn unknown_keys_are_refused() {
        for unknown in ["sed = 1", "[judge]\nsed = 1", "[jugde]\nseed = 1", "[judge]\nseed.more = 1"] {
            assert!(check(unknown).unwrap_err().contains("no command has an option"), "{unknown}");
        }
        for (text, advice) in [
            ("[judge]\ndry_run = true", "did you mean `dry-run` in the table [judge]?"),
            ("[commit-hash]\ndryrun = true", "did you mean `dry-run` in the table [commit-hash]?"),
            (
                "win_margin = 0.05",
                "did you mean `win-margin` in the table [round.standings] or [judge] or [match] or [rehearse]?",
            ),
            (
                "[generate]\nwin-margin = 0.05",
                "did you mean `win-margin` in the table [round.standings] or [judge] or [match] or [rehearse]?",
            ),
            ("[jugde]\nseed = 1", "did you mean `seed` in the table [judge]?"),
            ("sed = 1", "did you mean `seed` in the table [generate] or [judge] or [match] or [rehearse]?"),
            ("[judge]\nendpoitn = 'http://h'", "did you mean `endpoint` in the table [judge]?"),
            ("wallet.nmae = 'm'", "did you mean `wallet.name`, on top of the file or in the table of a command?"),
            ("wallet_name = 'm'", "did you mean `wallet.name`, on top"),
            ("[judge]\napi-kye = 'sk'", "`api-key` is a secret: keep it in OPENAI_API_KEY"),
            ("zzz = 1", "keys are the long names of options"),
        ] {
            let said = check(text).unwrap_err();
            assert!(said.contains(advice), "{text}: {said}");
        }
        let said = check("[judge]\nseed = [1]").unwrap_err();
        assert!(said.contains("`judge.seed` must be a text, a number"), "{said}");
        for list in ["[judge]\nmodel = ['a', 'b']", "[judge]\nendpoint = [1]", "[judge]\nendpoint = []"] {
            assert!(check(list).unwrap_err().contains("must be a text, a number"), "{list}");
        }
    }

    #[test]
    fn every_secret_is_refused_wherever_it_stands() {
        let command = Arguments::command();
        let mut found = 0;
        each_setting(&command, &[], &mut |arg, path| {
            if is_secret(arg) {
                found += 1;
                let option = arg.get_long().unwrap_or_default();
                let table = path.join(".");
                for text in [
                    format!("{option} = '5ecret'"),
                    format!("[{table}]\n{option} = '5ecret'"),
                    format!("[{table}]\n{option} = ['A=5ecret']"),
                    format!("[{table}.{option}]\nA = '5ecret'"),
                    format!("[{table}]\n{} = '5ecret'", option.replace('-', "_")),
                ] {
                    let said = check(&text).unwrap_err();
                    assert!(said.contains("secret") && !said.contains("5ecret"), "{text}: {said}");
                    assert!(text.starts_with(option) || said.contains(&variable_to_name(arg, path)), "{said}");
                }
            }
        });
        assert!(found >= 9, "{found}");
    }

    #[test]
    fn a_login_in_an_address_is_a_secret_too() {
        let said = check("subtensor.endpoint = 'wss://me:5ecret@node'").unwrap_err();
        assert!(said.contains("BT_CHAIN_ENDPOINT") && !said.contains("5ecret"), "{said}");
        assert!(check("[judge]\nendpoint = 'https://t0ken@h/v1'").unwrap_err().contains("GEN404_JUDGE_ENDPOINT"));
        let said = check("[judge]\nendpoint = 'https://h/v1?key=5ecret'").unwrap_err();
        assert!(said.contains("a query, which may be a key: keep it in GEN404_JUDGE_ENDPOINT"), "{said}");
        assert!(!said.contains("5ecret"), "{said}");
        let said = check("[judge]\nendpoint = ['http://a', 'https://me:5ecret@h']").unwrap_err();
        assert!(said.contains("a login: keep it in GEN404_JUDGE_ENDPOINT") && !said.contains("5ecret"), "{said}");
        assert!(check("[judge]\nendpoint = 'me:5ecret@h:80'").unwrap_err().contains("a login"));
        assert!(check("[render]\nendpoint = 'https://h:99999/?5ecret'").unwrap_err().contains("a query"));
        assert_eq!(check("[judge]\nendpoint = 'https://h/v1'\nmodel = 'a:b@c'"), Ok(()));
    }

    #[test]
    fn a_file_in_utf_16_is_told_as_that() {
        let utf_16: Vec<u8> = "netuid = 17".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [[b"\xff\xfe".as_slice(), &utf_16].concat(), utf_16] {
            let said = SettingsFile::parse_bytes(Path::new("x.toml"), &bytes).unwrap_err();
            assert_eq!(said.message, "cannot read the settings x.toml: it is UTF-16 text");
            assert_eq!(said.hints, ["save it as UTF-8"]);
        }
        let said = SettingsFile::parse_bytes(Path::new("x.toml"), b"a = '\xff'").unwrap_err();
        assert_eq!(said.message, "cannot read the settings x.toml: it is not UTF-8 text");
    }

    #[test]
    fn the_line_of_a_syntax_error_is_told() {
        let said = check("netuid = 1\nwallet.name = miner\n").unwrap_err();
        assert!(said.starts_with("line 2 of x.toml is not TOML: "), "{said}");
    }
}
