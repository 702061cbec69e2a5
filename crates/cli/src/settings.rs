//! Where the values of options come from: flag, environment, `404-cli.toml` here, the user's file, default.
//! Resolved once at the door by giving the option parser other defaults; no command knows where a value came from.

mod environment;
mod file;
mod marks;
mod meant;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use etcetera::BaseStrategy;

use crate::commands::Arguments;
use crate::errors::CommandError;
use crate::text::may_hold_credentials;
use environment::Environment;
use file::SettingsFile;
use marks::{addresses_in, is_secret, is_setting, takes_a_list, variable_to_name, variables};

pub(crate) use environment::login_in_variable;

/// File of settings in the working directory.
const LOCAL_FILE: &str = "404-cli.toml";

/// Why the arguments of this process cannot be had.
pub(crate) enum Refused {
    ByClap(clap::Error),
    BySettings(CommandError),
}

/// Arguments with what is worth a warning about where they come from.
pub(crate) struct Resolved {
    pub(crate) arguments: Arguments,
    pub(crate) warnings: Vec<String>,
}

/// Where values come from that nobody typed.
#[derive(Debug, Default)]
struct Layers {
    environment: Environment,
    /// The nearest first.
    files: Vec<SettingsFile>,
}

/// Reads arguments, environment and settings files of this process.
pub(crate) fn arguments_of_this_process() -> Result<Resolved, Refused> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let parse = |layers: &Layers| {
        let matches = matches(Arguments::command(), &words, layers)?;
        Arguments::from_arg_matches(&matches)
    };
    match layers_of_this_process(&words) {
        Ok((layers, warnings)) => {
            parse(&layers).map(|arguments| Resolved { arguments, warnings }).map_err(Refused::ByClap)
        }
        // Who has a broken file needs the help more than anybody.
        Err(broken) => match parse(&Layers::default()) {
            Ok(arguments) if arguments.command.needs_no_settings() => Ok(Resolved { arguments, warnings: Vec::new() }),
            Err(shown) if matches!(shown.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                Err(Refused::ByClap(shown))
            }
            _ => Err(Refused::BySettings(broken)),
        },
    }
}

/// The command line with every option's variable in its help, for whoever describes it.
pub(crate) fn described_command() -> Command {
    Layers::default().over(Arguments::command(), &[])
}

/// Parses a command line that this process types itself: no setting of the user's changes it.
pub(crate) fn arguments_without_settings(words: &[&str]) -> Result<Arguments, clap::Error> {
    Arguments::from_arg_matches(&described_command().try_get_matches_from(words)?)
}

/// What environment and files say, checked, and what is worth a warning. The nearest file comes first.
fn layers_of_this_process(words: &[OsString]) -> Result<(Layers, Vec<String>), CommandError> {
    let user_file = user_file();
    let paths = [Some(Path::new(LOCAL_FILE)), user_file.as_deref()];
    let files = paths.into_iter().flatten().map(SettingsFile::read);
    let files: Vec<_> = files.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let environment = Environment::of_this_process();
    let command = Arguments::command();
    files.iter().try_for_each(|file| file.check(&command))?;
    let warnings = environment.check(&command, &running(command.clone(), words))?;
    Ok((Layers { environment, files }, warnings))
}

/// `~/.config/404-cli/config.toml`, or where `XDG_CONFIG_HOME` says.
fn user_file() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("404-cli").join("config.toml"))
}

/// The path of the command that a command line calls, as far as it can be told: errors in it are not this one's.
fn running(command: Command, words: &[OsString]) -> Vec<String> {
    let Ok(matches) = command.ignore_errors(true).try_get_matches_from(words) else { return Vec::new() };
    let mut path = Vec::new();
    let mut at = &matches;
    while let Some((name, sub)) = at.subcommand() {
        path.push(name.to_owned());
        at = sub;
    }
    path
}

/// Parses the words of a command line; what they leave open comes from the layers.
fn matches(command: Command, words: &[OsString], layers: &Layers) -> Result<ArgMatches, clap::Error> {
    let marked = command.clone();
    layers.over(command, &[]).try_get_matches_from(words).map_err(|error| {
        let path = running(layers.over(marked.clone(), &[]), words);
        layers.explain(error, &arguments_at(&marked, &path), words)
    })
}

/// The options that a command has, its parents' included, each with the path of the command it stands at.
fn arguments_at<'a>(root: &'a Command, running: &[String]) -> Vec<(&'a Arg, Vec<String>)> {
    let mut found: Vec<_> = Vec::new();
    let mut command = Some(root);
    for depth in 0..=running.len() {
        let Some(at) = command else { break };
        found.extend(at.get_arguments().filter(|arg| is_setting(arg)).map(|arg| (arg, running[..depth].to_vec())));
        command = running.get(depth).and_then(|name| at.find_subcommand(name));
    }
    found
}

impl Layers {
    /// The parser with every option's default replaced by what environment and files say.
    fn over(&self, command: Command, path: &[String]) -> Command {
        let command = command.mut_args(|arg| self.over_option(arg, path));
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        names.into_iter().fold(command, |command, name| {
            command.mut_subcommand(name.clone(), |sub| self.over(sub, &[path, &[name]].concat()))
        })
    }

    fn over_option(&self, arg: Arg, path: &[String]) -> Arg {
        if !is_setting(&arg) {
            return arg;
        }
        let value = self.value(&arg, path).map(|(value, _)| value);
        let hidden = arg.is_hide_default_value_set() || is_secret(&arg);
        let variable = variable_to_name(&arg, path);
        let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
        let arg = if is_flag { arg.value_parser(BoolishValueParser::new()) } else { arg };
        // The variable is read here: the parser would also show an address in it, and take an empty one for a value.
        let arg = arg.env(None::<&str>);
        let arg = if is_output_option(&arg) { arg } else { naming(arg, &variable) };
        match value {
            Some(value) => {
                let hidden = hidden || may_hold_credentials(&value.to_string_lossy());
                let arg = arg.hide_default_value(hidden).required(false);
                match value.to_str().filter(|_| takes_a_list(&arg)) {
                    Some(list) => {
                        let addresses = addresses_in(list);
                        arg.default_values(addresses)
                    }
                    None => arg.default_value(value),
                }
            }
            None => arg,
        }
    }

    /// What an option of the command at `path` is set to, and where.
    fn value(&self, arg: &Arg, path: &[String]) -> Option<(OsString, String)> {
        let of_environment = variables(arg, path)
            .into_iter()
            .find_map(|name| self.environment.value(&name).map(OsStr::to_owned).map(|value| (value, name)));
        let of_files = || self.files.iter().find_map(|file| file.value(arg, path));
        of_environment.or_else(|| of_files().map(|(value, place)| (value.into(), place)))
    }

    /// Lets an error name the place of a value that nobody typed, and takes words out of it that could be a secret.
    fn explain(&self, error: clap::Error, options: &[(&Arg, Vec<String>)], words: &[OsString]) -> clap::Error {
        let typed = |flag: &str| words.iter().any(|word| word.to_string_lossy().split('=').next() == Some(flag));
        let flag = |arg: &Arg| format!("--{}", arg.get_long().unwrap_or_default());
        let error = if options.iter().any(|(arg, _)| is_secret(arg) && typed(&flag(arg))) {
            without_stray_words(error)
        } else {
            error
        };
        self.blame(error, options, &typed)
    }

    fn blame(
        &self,
        mut error: clap::Error,
        options: &[(&Arg, Vec<String>)],
        typed: &dyn Fn(&str) -> bool,
    ) -> clap::Error {
        let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return error };
        if error.get(ContextKind::InvalidValue).is_none() {
            return error;
        }
        // Clap shows an option as `--netuid <NUMBER>`, and one that may be repeated as `--verbose...`.
        let flag = option.split([' ', '=', '[']).next().unwrap_or(option).trim_end_matches("...").to_owned();
        let found = options.iter().rfind(|(arg, _)| flag.strip_prefix("--") == arg.get_long());
        if let Some((_, place)) = found.filter(|_| !typed(&flag)).and_then(|(arg, path)| self.value(arg, path)) {
            error.insert(ContextKind::InvalidArg, ContextValue::String(place));
        }
        error
    }
}

/// The error without words that belong to no option: beside a typed secret they may be the rest of it, cut off by a
/// space.
fn without_stray_words(mut error: clap::Error) -> clap::Error {
    let kinds: &[ContextKind] = match error.kind() {
        ErrorKind::UnknownArgument => &[ContextKind::InvalidArg],
        ErrorKind::InvalidSubcommand => &[ContextKind::InvalidSubcommand],
        _ => &[],
    };
    for kind in kinds {
        if matches!(error.get(*kind), Some(ContextValue::String(word)) if !word.starts_with("--")) {
            error.insert(*kind, ContextValue::String("…".to_owned()));
            // Advice may repeat it.
            error.remove(ContextKind::Suggested);
            error.remove(ContextKind::SuggestedSubcommand);
        }
    }
    error
}

/// The option with its variable's name in the help.
fn naming(arg: Arg, variable: &str) -> Arg {
    let Some(help) = arg.get_help().map(ToString::to_string) else { return arg };
    let long = arg.get_long_help().map_or_else(|| help.clone(), ToString::to_string);
    arg.help(format!("{help} [env: {variable}]")).long_help(format!("{long}\n\n[env: {variable}]"))
}

/// The help of every command need not repeat the variables of the output options (docs/settings.md has them).
fn is_output_option(arg: &Arg) -> bool {
    matches!(arg.get_long(), Some("verbose" | "quiet" | "color"))
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
            #[arg(long = "wallet.name", default_value = "none", env = "BT_WALLET_NAME")]
            wallet_name: String,
            #[arg(long)]
            force: bool,
            #[arg(long, value_parser = crate::arguments::KeyParser)]
            key: Option<secrecy::SecretString>,
        },
    }

    fn parse(flags: &[&str], environment: &[(&str, &str)], files: &[&str]) -> Result<(u32, String, bool), String> {
        let files = files.iter().map(|text| SettingsFile::parse(Path::new("x.toml"), text).unwrap()).collect();
        let environment = Environment::new(environment.iter().map(|(name, value)| (name.into(), value.into())));
        let layers = Layers { environment, files };
        let words: Vec<OsString> = ["sample", "render"].iter().chain(flags).map(OsString::from).collect();
        let matches = matches(Sample::command(), &words, &layers).map_err(|error| error.to_string())?;
        let Sub::Render { seed, wallet_name, force, key: _ } =
            Sample::from_arg_matches(&matches).map_err(|error| error.to_string())?.command;
        Ok((seed, wallet_name, force))
    }

    #[test]
    fn nearer_layers_win() {
        let near = "render.seed = 2\nwallet.name = 'near'";
        let far = "[wallet]\nname = 'far'\n[render]\nseed = 1\nforce = true";
        assert_eq!(parse(&[], &[], &[far]), Ok((1, "far".into(), true)));
        assert_eq!(parse(&[], &[], &[near, far]), Ok((2, "near".into(), true)));
        assert_eq!(parse(&[], &[("BT_WALLET", "env")], &[near]), Ok((2, "env".into(), false)));
        assert_eq!(parse(&["--seed=3"], &[("BT_WALLET", "env")], &[near]), Ok((3, "env".into(), false)));
    }

    #[test]
    fn what_is_set_for_a_command_is_nearer_than_what_all_share() {
        let file = "wallet.name = 'shared'\n[render]\nseed = 9\nwallet.name = 'own'";
        assert_eq!(parse(&[], &[], &[file]), Ok((9, "own".into(), false)));
        let environment = [("BT_WALLET_NAME", "shared"), ("GEN404_RENDER_WALLET_NAME", "own")];
        assert_eq!(parse(&["--seed=1"], &environment, &[]), Ok((1, "own".into(), false)));
    }

    #[test]
    fn commands_do_not_share_what_is_not_marked() {
        assert!(parse(&[], &[("GEN404_SEED", "2")], &["seed = 1"]).unwrap_err().contains("--seed <SEED>"));
        let environment = [("GEN404_RENDER_SEED", "2"), ("GEN404_FORCE", "1")];
        assert_eq!(parse(&[], &environment, &[]), Ok((2, "none".into(), false)));
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let empty = [("BT_WALLET_NAME", ""), ("GEN404_RENDER_FORCE", " "), ("GEN404_RENDER_SEED", "")];
        let file = "wallet.name = 'file'\n[render]\nseed = 1";
        assert_eq!(parse(&[], &empty, &[file]), Ok((1, "file".into(), false)));
        let set = [("BT_WALLET_NAME", ""), ("GEN404_WALLET_NAME", "own"), ("GEN404_RENDER_SEED", "2\r\n")];
        assert_eq!(parse(&[], &set, &[]), Ok((2, "own".into(), false)));
    }

    #[test]
    fn a_bad_value_is_blamed_on_the_place_where_it_stands() {
        let said = |flags: &[&str], environment: &[(&str, &str)], files: &[&str]| {
            parse(flags, environment, files).unwrap_err()
        };
        let file = said(&[], &[], &["render.seed = 'abc'"]);
        assert!(file.contains("'abc' for 'render.seed in x.toml'"), "{file}");
        let variable = said(&["--seed=1"], &[("GEN404_RENDER_FORCE", "perhaps")], &[]);
        assert!(variable.contains("'perhaps' for 'GEN404_RENDER_FORCE'"), "{variable}");
        for (key, reason) in
            [("5ecret\n5ecret", "it holds a line feed"), ("5ecret'", "it begins or ends with a quotation")]
        {
            let of_variable = said(&["--seed=1"], &[("GEN404_RENDER_KEY", key)], &[]);
            assert!(of_variable.contains(&format!("'…' for 'GEN404_RENDER_KEY': {reason}")), "{of_variable}");
            assert!(!of_variable.contains("5ecret"), "{of_variable}");
        }
        let flag = said(&["--seed", "abc"], &[("GEN404_RENDER_SEED", "abc")], &[]);
        assert!(flag.contains("'abc' for '--seed <SEED>'"), "{flag}");
    }

    #[test]
    fn the_usage_asks_only_for_what_is_missing() {
        let said = parse(&[], &[("BT_WALLET", "env")], &[]).unwrap_err();
        assert!(said.contains("Usage: sample render --seed <SEED>\n"), "{said}");
    }

    #[test]
    fn the_help_shows_no_address_and_no_secret_of_the_environment() {
        let environment = [
            ("BT_WALLET", "ws://user:hidden@node/access"),
            ("GEN404_RENDER_SEED", "7"),
            ("GEN404_RENDER_KEY", "hidden"),
        ];
        let said = parse(&["--help"], &environment, &[]).unwrap_err();
        assert!(said.contains("[default: 7]"), "{said}");
        assert!(!said.contains("hidden") && !said.contains("access"), "{said}");
    }

    #[test]
    fn a_word_beside_a_typed_secret_is_not_repeated() {
        for flags in [&["--key", "two", "w0rds"][..], &["--key=two", "w0rds"], &["--key", "-w0rds"]] {
            let said = parse(&[&["--seed=1"], flags].concat(), &[], &[]).unwrap_err();
            assert!(said.contains("unexpected argument '…'") && !said.contains("w0rds"), "{said}");
        }
        let said = parse(&["--key=two", "--sed=1"], &[], &[]).unwrap_err();
        assert!(said.contains("'--sed'"), "{said}");
        let said = parse(&["--seed=1", "word"], &[], &[]).unwrap_err();
        assert!(said.contains("'word'"), "{said}");
    }

    #[test]
    fn the_help_of_every_option_names_its_variable() {
        fn walk(command: &Command, path: &[String]) {
            for arg in command.get_arguments().filter(|arg| is_setting(arg) && !arg.is_hide_set()) {
                assert_eq!(arg.get_env(), None, "the parser does not read the environment");
                let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
                assert!(is_output_option(arg) || help.contains("[env: "), "{path:?} {arg}");
            }
            for sub in command.get_subcommands() {
                walk(sub, &[path, &[sub.get_name().to_owned()]].concat());
            }
        }
        walk(&described_command(), &[]);
    }
}
