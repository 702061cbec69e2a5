//! Where the values of options come from: flag, environment, `404-cli.toml` here, the user's file, default.
//! Resolved once at the door by giving the option parser other defaults; no command knows where a value came from.

mod file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};
use etcetera::BaseStrategy;

use crate::arguments::Arguments;
use crate::errors::CommandError;
use file::SettingsFile;

/// Options whose environment names the ecosystem has already chosen; the first that is set counts.
const NAMES_OF_THE_ECOSYSTEM: &[(&str, &[&str])] = &[
    ("wallet.path", &["BT_WALLET_PATH"]),
    ("wallet.name", &["BT_WALLET_NAME", "BT_WALLET"]),
    ("wallet.hotkey", &["BT_WALLET_HOTKEY"]),
    ("subtensor.endpoint", &["BT_CHAIN_ENDPOINT", "BT_NETWORK"]),
    ("targon-api-key", &["TARGON_API_KEY"]),
    ("targon-base-url", &["TARGON_BASE_URL"]),
    ("api-key", &["OPENAI_API_KEY"]),
    ("chromium", &["CHROMIUM_PATH"]),
];

/// Secrets have no place in a file that is easily committed or shared.
const SECRETS: &[&str] = &["targon-api-key", "api-key"];

/// File of settings in the working directory.
const LOCAL_FILE: &str = "404-cli.toml";

/// Why the arguments of this process cannot be had.
pub(crate) enum Refused {
    ByClap(clap::Error),
    BySettings(CommandError),
}

/// Reads arguments, environment and settings files of this process.
pub(crate) fn arguments_of_this_process() -> Result<Arguments, Refused> {
    let files = files_of_this_process().map_err(Refused::BySettings)?;
    let command = layered(Arguments::command(), &|name| std::env::var_os(name), &files).map_err(Refused::BySettings)?;
    let matches = command.try_get_matches_from(std::env::args_os()).map_err(Refused::ByClap)?;
    Arguments::from_arg_matches(&matches).map_err(Refused::ByClap)
}

/// The nearest file first.
fn files_of_this_process() -> Result<Vec<SettingsFile>, CommandError> {
    let user_file = user_file();
    let paths = [Some(Path::new(LOCAL_FILE)), user_file.as_deref()];
    let files = paths.into_iter().flatten().map(SettingsFile::read);
    files.filter_map(Result::transpose).collect()
}

/// `~/.config/404-cli/config.toml`, or where `XDG_CONFIG_HOME` says.
fn user_file() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("404-cli").join("config.toml"))
}

/// Name of the environment variable of an option that has no other.
fn environment_name(option: &str) -> String {
    format!("GEN404_{}", option.to_uppercase().replace(['-', '.'], "_"))
}

/// The parser with every option's default replaced by what environment and files say.
fn layered(
    command: Command,
    environment: &dyn Fn(&str) -> Option<OsString>,
    files: &[SettingsFile],
) -> Result<Command, CommandError> {
    for file in files {
        file.check(&command, SECRETS)?;
    }
    Ok(with_layers(command, &[], environment, files))
}

fn with_layers(
    command: Command,
    path: &[String],
    environment: &dyn Fn(&str) -> Option<OsString>,
    files: &[SettingsFile],
) -> Command {
    let command = command.mut_args(|arg| with_layer(arg, path, environment, files));
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name.clone(), |sub| {
            let path = [path, &[name]].concat();
            with_layers(sub, &path, environment, files)
        })
    })
}

fn with_layer(
    arg: Arg,
    path: &[String],
    environment: &dyn Fn(&str) -> Option<OsString>,
    files: &[SettingsFile],
) -> Arg {
    let Some(option) = arg.get_long().map(str::to_owned) else { return arg };
    if matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version) {
        return arg;
    }
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    let mut arg = if is_flag { arg.value_parser(BoolishValueParser::new()) } else { arg };
    let ecosystem = NAMES_OF_THE_ECOSYSTEM.iter().find(|(name, _)| *name == option).map(|(_, names)| *names);
    let own_name = environment_name(&option);
    let (first, others) = match ecosystem {
        Some([first, others @ ..]) => ((*first).to_owned(), others),
        _ => (own_name.clone(), &[][..]),
    };
    let secret = SECRETS.contains(&option.as_str()) || arg.is_hide_env_values_set();
    arg = arg.env(first).hide_env_values(secret).hide_env(arg_is_global(&option));
    let other_names = others.iter().copied().chain(ecosystem.map(|_| own_name.as_str()));
    let from_other_name = other_names.filter_map(environment).find(|value| !value.is_empty());
    let from_files = || files.iter().find_map(|file| file.value(path, &option)).map(OsString::from);
    match from_other_name.or_else(from_files) {
        Some(value) => arg.default_value(value).hide_default_value(secret).required(false),
        None => arg,
    }
}

/// The help of every command need not repeat the variables of the output options (docs/settings.md has them).
fn arg_is_global(option: &str) -> bool {
    matches!(option, "verbose" | "quiet" | "color")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Sample {
        #[command(subcommand)]
        command: Sub,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Sub {
        Render {
            #[arg(long)]
            seed: u32,
            #[arg(long = "wallet.name", default_value = "none")]
            wallet_name: String,
            #[arg(long)]
            force: bool,
        },
    }

    fn parse(flags: &[&str], environment: &[(&str, &str)], files: &[&str]) -> Result<(u32, String, bool), String> {
        let files: Vec<_> = files.iter().map(|text| SettingsFile::parse(Path::new("x.toml"), text).unwrap()).collect();
        let lookup = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let command = layered(Sample::command(), &lookup, &files).map_err(|error| error.message)?;
        let line = ["sample", "render"].iter().chain(flags);
        let matches = command.try_get_matches_from(line).map_err(|error| error.to_string())?;
        let Sub::Render { seed, wallet_name, force } =
            Sample::from_arg_matches(&matches).map_err(|error| error.to_string())?.command;
        Ok((seed, wallet_name, force))
    }

    #[test]
    fn nearer_layers_win() {
        let near = "seed = 2\nwallet.name = 'near'";
        let far = "seed = 1\nforce = true\n[wallet]\nname = 'far'";
        assert_eq!(parse(&[], &[], &[far]), Ok((1, "far".into(), true)));
        assert_eq!(parse(&[], &[], &[near, far]), Ok((2, "near".into(), true)));
        assert_eq!(parse(&[], &[("BT_WALLET", "env")], &[near]), Ok((2, "env".into(), false)));
        assert_eq!(parse(&["--seed=3"], &[("BT_WALLET", "env")], &[near]), Ok((3, "env".into(), false)));
    }

    #[test]
    fn a_table_of_the_command_is_nearer_than_the_top() {
        assert_eq!(parse(&[], &[], &["seed = 1\n[render]\nseed = 9"]).map(|found| found.0), Ok(9));
    }

    #[test]
    fn unknown_keys_and_secrets_are_refused() {
        let unknown = parse(&[], &[], &["sed = 1"]).unwrap_err();
        assert!(unknown.contains("x.toml") && unknown.contains("`sed`"), "{unknown}");
        let secret = parse(&[], &[], &["targon-api-key = 'k'"]).unwrap_err();
        assert!(secret.contains("TARGON_API_KEY") && !secret.contains("'k'"), "{secret}");
    }

    #[test]
    fn every_option_has_an_environment_name() {
        fn walk(command: &Command) {
            for arg in command.get_arguments().filter(|arg| arg.get_long().is_some()) {
                let builtin = matches!(arg.get_long(), Some("help" | "version"));
                assert!(builtin || arg.get_env().is_some(), "{} {arg}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        let nothing = |_: &str| None;
        walk(&layered(Arguments::command(), &nothing, &[]).unwrap_or_else(|error| panic!("{error}")));
    }
}
