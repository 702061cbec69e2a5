//! What is marked at an argument, once, and read from there by everybody: that its value is secret (the value's type
//! says so) and that it means the same in every command (`env` names the variable that all of them share).
//! Knows names only, no values.

use std::any::TypeId;

use clap::{Arg, ArgAction, Command};
use secrecy::SecretString;

/// Older names of shared variables that the ecosystem still uses, after the name they stand for.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("BT_WALLET_NAME", "BT_WALLET"),
    ("BT_CHAIN_ENDPOINT", "BT_NETWORK"),
    ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    ("AWS_REGION", "AWS_DEFAULT_REGION"),
];

/// Whether the value may not be shown, logged or kept in a file.
pub(crate) fn is_secret(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<SecretString>()
}

/// Whether the option means the same in every command that has it, so that one variable and one line on top of a file
/// may set it for all of them.
pub(super) fn is_shared(arg: &Arg) -> bool {
    arg.get_env().is_some()
}

/// Whether the value is an address, with a scheme or without.
pub(super) fn is_address(arg: &Arg) -> bool {
    arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "URL" || name == "NETWORK"))
}

/// Whether the option takes several addresses: a list in a file, addresses with commas between them in a variable.
pub(super) fn takes_a_list(arg: &Arg) -> bool {
    is_address(arg) && matches!(arg.get_action(), ArgAction::Append)
}

/// The addresses of a list. A comma that no address follows is part of one.
pub(super) fn addresses_in(text: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for piece in text.split(',') {
        match addresses.last_mut() {
            Some(last) if !piece.contains("://") => {
                last.push(',');
                last.push_str(piece);
            }
            _ => addresses.push(piece.trim().to_owned()),
        }
    }
    addresses.into_iter().map(|address| address.trim_end_matches([',', ' ']).to_owned()).collect()
}

/// Whether it is an option whose value may come from elsewhere than the command line.
pub(super) fn is_setting(arg: &Arg) -> bool {
    use ArgAction::{Help, HelpLong, HelpShort, Version};
    arg.get_long().is_some() && !matches!(arg.get_action(), Help | HelpShort | HelpLong | Version)
}

/// The variables of an option of the command at `path`; the first that is set counts.
pub(super) fn variables(arg: &Arg, path: &[String]) -> Vec<String> {
    let mut names = vec![own_variable(arg, path)];
    if let Some(shared) = arg.get_env().and_then(|name| name.to_str()) {
        let others = OTHER_NAMES.iter().filter(|(name, _)| *name == shared).map(|(_, other)| (*other).to_owned());
        for name in [shared.to_owned()].into_iter().chain(others).chain([bare_variable(arg)]) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The one of them that help texts and advice name.
pub(super) fn variable_to_name(arg: &Arg, path: &[String]) -> String {
    let shared = arg.get_env().and_then(|name| name.to_str());
    shared.map_or_else(|| own_variable(arg, path), str::to_owned)
}

/// `GEN404_<COMMAND>_<OPTION>`.
fn own_variable(arg: &Arg, path: &[String]) -> String {
    let option = arg.get_long().unwrap_or_default();
    let words = path.iter().map(String::as_str).chain([option]);
    in_capitals(&words.collect::<Vec<_>>().join("_"))
}

/// `GEN404_<OPTION>`: shared where the option is, and of no use where it is not.
pub(super) fn bare_variable(arg: &Arg) -> String {
    in_capitals(arg.get_long().unwrap_or_default())
}

fn in_capitals(words: &str) -> String {
    format!("GEN404_{}", words.to_uppercase().replace(['-', '.', ' '], "_"))
}

/// Calls `look` with every option of a command and its subcommands, and with the path of the command it belongs to.
pub(super) fn each_setting<'a>(command: &'a Command, path: &[String], look: &mut impl FnMut(&'a Arg, &[String])) {
    command.get_arguments().filter(|arg| is_setting(arg)).for_each(|arg| look(arg, path));
    for sub in command.get_subcommands() {
        each_setting(sub, &[path, &[sub.get_name().to_owned()]].concat(), look);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::CommandFactory;

    use super::*;
    use crate::commands::Arguments;

    /// Every option of the tool with the command it belongs to, `judge --seed`.
    fn options(command: &Command) -> Vec<(String, &Arg, Vec<String>)> {
        let mut all = Vec::new();
        each_setting(command, &[], &mut |arg, path| {
            let option = arg.get_long().expect("a setting has a long name");
            all.push((format!("{} --{option}", path.join(" ")), arg, path.to_vec()));
        });
        all
    }

    #[test]
    fn a_shared_option_means_the_same_everywhere() {
        let command = Arguments::command();
        let mut meanings: BTreeMap<&str, (String, String)> = BTreeMap::new();
        for (name, arg, _) in options(&command) {
            let option = arg.get_long().expect("a long name");
            // What is accepted and ignored has no help text, and only the form of its value counts.
            let help = arg.get_help().map(ToString::to_string).filter(|_| !arg.is_hide_set());
            let meaning = format!(
                "shared {}, secret {}, value {:?}, variable {:?}",
                is_shared(arg),
                is_secret(arg),
                arg.get_value_names(),
                arg.get_env()
            );
            let (known, known_help) = meanings.entry(option).or_insert_with(|| (meaning.clone(), String::new()));
            if !is_shared(arg) {
                assert!(known.starts_with("shared false"), "{name} is shared elsewhere");
                continue;
            }
            assert_eq!(*known, meaning, "{name}");
            if let Some(help) = help {
                assert!(known_help.is_empty() || *known_help == help, "{name}: {known_help:?} and {help:?}");
                *known_help = help;
            }
        }
    }

    #[test]
    fn a_list_is_split_where_an_address_begins() {
        for (list, addresses) in [
            ("http://a", &["http://a"][..]),
            ("http://a,http://b", &["http://a", "http://b"]),
            ("http://a, https://b/x?y=1,2 , http://c,", &["http://a", "https://b/x?y=1,2", "http://c"]),
            ("a,b", &["a,b"]),
        ] {
            assert_eq!(addresses_in(list), addresses, "{list}");
        }
    }

    #[test]
    fn what_differs_from_run_to_run_is_never_shared() {
        for (name, arg, _) in options(&Arguments::command()) {
            let option = arg.get_long().expect("a long name");
            let of_a_run = ["dry-run", "force", "fresh", "replace", "endpoint", "seed", "host", "port", "skip"];
            let kinds = ["output", "dir", "folder", "timeout", "concurrency"];
            let is_of_a_run = of_a_run.contains(&option)
                || option.starts_with("no-")
                || kinds.iter().any(|kind| option.split(['-', '.']).any(|word| word == *kind));
            // These two are facts of the machine and of the network.
            let argued = ["state-dir", "subtensor.endpoint"].contains(&option);
            assert!(!is_shared(arg) || !is_of_a_run || argued, "{name}");
        }
    }

    #[test]
    fn every_variable_means_one_option() {
        let command = Arguments::command();
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for (name, arg, path) in options(&command) {
            for variable in variables(arg, &path) {
                let shared = is_shared(arg) && variable != own_variable(arg, &path);
                let owner = if shared { format!("--{}", arg.get_long().expect("a long name")) } else { name.clone() };
                let known = owners.entry(variable.clone()).or_insert_with(|| owner.clone());
                assert_eq!(*known, owner, "{variable}");
            }
        }
        let bare: Vec<_> = options(&command).into_iter().filter(|(_, arg, _)| !is_shared(arg)).collect();
        for (name, arg, _) in bare {
            assert!(!owners.contains_key(&bare_variable(arg)), "{name}: {} is somebody's", bare_variable(arg));
        }
    }

    #[test]
    fn the_ecosystems_names_are_kept() {
        let command = Arguments::command();
        let all = options(&command);
        let names = |wanted: &str| {
            let (_, arg, path) = all.iter().find(|(name, ..)| name == wanted).expect(wanted);
            variables(arg, path)
        };
        let of = ["GEN404_COMMIT_HASH_WALLET_NAME", "BT_WALLET_NAME", "BT_WALLET", "GEN404_WALLET_NAME"];
        assert_eq!(names("commit-hash --wallet.name"), of);
        let of = ["GEN404_LIST_ALL_SUBTENSOR_ENDPOINT", "BT_CHAIN_ENDPOINT", "BT_NETWORK", "GEN404_SUBTENSOR_ENDPOINT"];
        assert_eq!(names("list-all --subtensor.endpoint"), of);
        assert_eq!(names("judge --api-key"), ["GEN404_JUDGE_API_KEY", "OPENAI_API_KEY", "GEN404_API_KEY"]);
        let of = ["GEN404_UPLOAD_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "GEN404_ENDPOINT_URL"];
        assert_eq!(names("upload --endpoint-url"), of);
        assert_eq!(names("pods logs --tail"), ["GEN404_PODS_LOGS_TAIL"]);
        assert_eq!(names(" --color"), ["GEN404_COLOR"]);
        assert_eq!(names("judge --dry-run"), ["GEN404_JUDGE_DRY_RUN"]);
    }

    #[test]
    fn the_documentation_names_every_shared_variable_and_every_secret() {
        let page = include_str!("../../../../docs/settings.md");
        for (name, arg, path) in options(&Arguments::command()) {
            let option = format!("`--{}`", arg.get_long().expect("a long name"));
            let variable = format!("`{}`", variable_to_name(arg, &path));
            assert!(!is_shared(arg) || page.contains(&option) && page.contains(&variable), "{name}: {variable}");
            assert!(!is_secret(arg) || page.contains(&option), "{name}");
        }
    }

    #[test]
    fn whatever_sounds_secret_is_marked_as_secret() {
        // Names of variables, and where a thing is, are not the thing itself.
        let renting = ["start-generator", "start-renderer", "start-judge", "rehearse"];
        let argued = renting.map(|of| format!("{of} --registry-auth-env"));
        let mut secrets = Vec::new();
        for (name, arg, _) in options(&Arguments::command()) {
            let option = arg.get_long().expect("a long name");
            let words = ["key", "token", "secret", "password", "passphrase", "mnemonic", "seedphrase", "auth", "env"];
            let sounds_secret = option.split(['-', '.']).any(|word| words.contains(&word));
            let holds_pairs = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains('=')));
            assert!(
                is_secret(arg) || argued.contains(&name) || !(sounds_secret || holds_pairs),
                "{name} is not marked as secret"
            );
            if is_secret(arg) {
                secrets.push(name);
            }
        }
        for name in [
            "judge --api-key",
            "match --api-key",
            "pods --targon-api-key",
            "stop-pods --targon-api-key",
            "start-judge --env",
        ] {
            assert!(secrets.iter().any(|secret| secret == name), "{name}");
        }
    }
}
