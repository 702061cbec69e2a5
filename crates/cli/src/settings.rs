//! Where the values of options come from: flag, environment, `404-cli.toml` here, the user's file, default.
//! Resolved once at the door by giving the option parser other defaults; no command knows where a value came from.

mod file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use etcetera::BaseStrategy;

use crate::arguments::Arguments;
use crate::errors::CommandError;
use crate::text::may_hold_credentials;
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

/// Where values come from that nobody typed.
struct Layers<'a> {
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// The nearest first.
    files: &'a [SettingsFile],
}

/// Reads arguments, environment and settings files of this process.
pub(crate) fn arguments_of_this_process() -> Result<Arguments, Refused> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let environment = |name: &str| std::env::var_os(name);
    let parse = |files: &[SettingsFile]| {
        let layers = Layers { environment: &environment, files };
        let matches = matches(Arguments::command(), &words, &layers)?;
        Arguments::from_arg_matches(&matches)
    };
    match files_of_this_process() {
        Ok(files) => parse(&files).map_err(Refused::ByClap),
        // Who has a broken file needs the help more than anybody.
        Err(broken) => match parse(&[]) {
            Ok(arguments) if arguments.command.needs_no_settings() => Ok(arguments),
            Err(shown) if matches!(shown.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                Err(Refused::ByClap(shown))
            }
            _ => Err(Refused::BySettings(broken)),
        },
    }
}

/// The nearest file first, and none with a key that no command knows.
fn files_of_this_process() -> Result<Vec<SettingsFile>, CommandError> {
    let user_file = user_file();
    let paths = [Some(Path::new(LOCAL_FILE)), user_file.as_deref()];
    let files = paths.into_iter().flatten().map(SettingsFile::read);
    let files: Vec<_> = files.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    files.iter().try_for_each(|file| file.check(&Arguments::command(), SECRETS))?;
    Ok(files)
}

/// `~/.config/404-cli/config.toml`, or where `XDG_CONFIG_HOME` says.
fn user_file() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("404-cli").join("config.toml"))
}

/// Parses the words of a command line; what they leave open comes from the layers.
fn matches(command: Command, words: &[OsString], layers: &Layers<'_>) -> Result<ArgMatches, clap::Error> {
    layers.over(command, &[]).try_get_matches_from(words).map_err(|error| layers.blame(error, words))
}

impl Layers<'_> {
    /// The parser with every option's default replaced by what environment and files say.
    fn over(&self, command: Command, path: &[String]) -> Command {
        let command = command.mut_args(|arg| self.over_option(arg, path));
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        names.into_iter().fold(command, |command, name| {
            command.mut_subcommand(name.clone(), |sub| self.over(sub, &[path, &[name]].concat()))
        })
    }

    fn over_option(&self, arg: Arg, path: &[String]) -> Arg {
        let Some(option) = arg.get_long().map(str::to_owned) else { return arg };
        if matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
        {
            return arg;
        }
        let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
        let mut arg = if is_flag { arg.value_parser(BoolishValueParser::new()) } else { arg };
        let names = environment_names(&option);
        if let (Some(name), false) = (names.first(), is_output_option(&option)) {
            arg = naming(arg, name);
        }
        let from_environment = names.iter().find_map(|name| self.variable(name));
        let from_files = || self.files.iter().find_map(|file| file.value(path, &option)).map(OsString::from);
        match from_environment.or_else(from_files) {
            Some(value) => {
                let secret = SECRETS.contains(&option.as_str()) || arg.is_hide_env_values_set();
                let hidden = secret || may_hold_credentials(&value.to_string_lossy());
                arg.default_value(value).hide_default_value(hidden).required(false)
            }
            None => arg,
        }
    }

    /// The variable's value. An empty one counts as not set: compose files and CI cannot say it otherwise.
    fn variable(&self, name: &str) -> Option<OsString> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// Lets an error about a value that nobody typed name the place where it stands, instead of the option.
    fn blame(&self, mut error: clap::Error, words: &[OsString]) -> clap::Error {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let (Some(option), Some(value)) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) else {
            return error;
        };
        // Clap shows an option as `--netuid <NUMBER>`, and one that may be repeated as `--verbose...`.
        let flag = option.split([' ', '=', '[']).next().unwrap_or(option).trim_end_matches("...");
        let typed = words.iter().any(|word| word.to_string_lossy().split('=').next() == Some(flag));
        let Some(option) = flag.strip_prefix("--").filter(|_| !typed) else { return error };
        let is_value = |name: &String| self.variable(name).is_some_and(|found| found.to_string_lossy() == value);
        let from_environment = environment_names(option).into_iter().find(is_value);
        let from_files = || self.files.iter().find_map(|file| file.place(option, value));
        if let Some(place) = from_environment.or_else(from_files) {
            error.insert(ContextKind::InvalidArg, ContextValue::String(place));
        }
        error
    }
}

/// The variables of an option; the first that is set counts.
fn environment_names(option: &str) -> Vec<String> {
    let ecosystem = NAMES_OF_THE_ECOSYSTEM.iter().find(|(name, _)| *name == option).map_or(&[][..], |(_, names)| names);
    let own = format!("GEN404_{}", option.to_uppercase().replace(['-', '.'], "_"));
    ecosystem.iter().map(|name| (*name).to_owned()).chain([own]).collect()
}

/// The option with its variable's name in the help. Clap would do it, but print the value of an address beside it, and
/// take an empty variable for a value.
fn naming(arg: Arg, variable: &str) -> Arg {
    let Some(help) = arg.get_help().map(ToString::to_string) else { return arg };
    let long = arg.get_long_help().map_or_else(|| help.clone(), ToString::to_string);
    arg.help(format!("{help} [env: {variable}]")).long_help(format!("{long}\n\n[env: {variable}]"))
}

/// The help of every command need not repeat the variables of the output options (docs/settings.md has them).
fn is_output_option(option: &str) -> bool {
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
        let layers = Layers { environment: &lookup, files: &files };
        let words: Vec<OsString> = ["sample", "render"].iter().chain(flags).map(OsString::from).collect();
        let matches = matches(Sample::command(), &words, &layers).map_err(|error| error.to_string())?;
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
    fn an_empty_variable_is_not_set() {
        let empty = [("BT_WALLET_NAME", ""), ("GEN404_FORCE", ""), ("GEN404_SEED", "")];
        assert_eq!(parse(&[], &empty, &["seed = 1\nwallet.name = 'file'"]), Ok((1, "file".into(), false)));
        let set = [("BT_WALLET_NAME", ""), ("GEN404_WALLET_NAME", "own"), ("GEN404_SEED", "2")];
        assert_eq!(parse(&[], &set, &[]), Ok((2, "own".into(), false)));
    }

    #[test]
    fn a_bad_value_is_blamed_on_the_place_where_it_stands() {
        let said = |flags: &[&str], environment: &[(&str, &str)], files: &[&str]| {
            parse(flags, environment, files).unwrap_err()
        };
        let file = said(&[], &[], &["render.seed = 'abc'"]);
        assert!(file.contains("'abc' for 'render.seed in x.toml'"), "{file}");
        let variable = said(&["--seed=1"], &[("GEN404_FORCE", "perhaps")], &[]);
        assert!(variable.contains("'perhaps' for 'GEN404_FORCE'"), "{variable}");
        let flag = said(&["--seed", "abc"], &[("GEN404_SEED", "abc")], &[]);
        assert!(flag.contains("'abc' for '--seed <SEED>'"), "{flag}");
    }

    #[test]
    fn the_usage_asks_only_for_what_is_missing() {
        let said = parse(&[], &[("BT_WALLET", "env")], &[]).unwrap_err();
        assert!(said.contains("Usage: sample render --seed <SEED>\n"), "{said}");
    }

    #[test]
    fn the_help_shows_no_address_of_the_environment() {
        let said = parse(&["--help"], &[("BT_WALLET", "ws://user:hidden@node/key"), ("GEN404_SEED", "7")], &[]);
        let said = said.unwrap_err();
        assert!(said.contains("[default: 7]"), "{said}");
        assert!(!said.contains("hidden") && !said.contains("key"), "{said}");
    }

    #[test]
    fn unknown_keys_and_secrets_are_refused() {
        let refused = |text| {
            let file = SettingsFile::parse(Path::new("x.toml"), text).unwrap();
            file.check(&Sample::command(), SECRETS).unwrap_err().message
        };
        let unknown = refused("sed = 1");
        assert!(unknown.contains("x.toml") && unknown.contains("`sed`"), "{unknown}");
        let secret = refused("targon-api-key = 'k'");
        assert!(secret.contains("TARGON_API_KEY") && !secret.contains("'k'"), "{secret}");
    }

    #[test]
    fn the_line_of_a_syntax_error_is_told() {
        let said = SettingsFile::parse(Path::new("x.toml"), "seed = 1\nwallet.name = miner\n").unwrap_err().message;
        assert!(said.starts_with("line 2 of x.toml is not TOML: "), "{said}");
    }

    #[test]
    fn the_help_of_every_option_names_its_variable() {
        fn walk(command: &Command) {
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let Some(option) = arg.get_long().filter(|option| !is_output_option(option)) else { continue };
                let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("[env: "), "{} --{option}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Layers { environment: &|_| None, files: &[] }.over(Arguments::command(), &[]));
    }
}
