//! What the option parser has to say: help and version are documents, everything else is a usage error.
//! What was typed is repeated only when no password can be in it.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::Map;

use super::{ERROR, Failure, Ui};
use crate::errors::{Blame, CommandError, exit_code};
use crate::text::{harmless, may_hold_credentials};

/// The standard library's words for letters in a number, and ours.
const NOT_A_NUMBER: (&str, &str) = ("invalid digit found in string", "not a whole number");

/// Prints what was asked for, or reports the failure with its JSON object.
pub(crate) fn usage_error(mut error: clap::Error) -> ExitCode {
    let ui = Ui::plain();
    let sentence = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            return match error.print().and_then(|()| io::stdout().flush()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => ui.failure(&CommandError::stdout(&error)),
            };
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // A closed stderr is no reason to fail while failing.
            let _closed = error.print();
            "no command given; see 404-cli --help".to_owned()
        }
        _ => {
            conceal(&mut error);
            let text = error.render().to_string().replace(NOT_A_NUMBER.0, NOT_A_NUMBER.1);
            let text = text.trim_start_matches("error: ").trim_end();
            ui.labelled("error:", ERROR, text);
            let sentence = text.split("\n\nUsage:").next().unwrap_or_default();
            let sentence = sentence.split("\n\nFor more information").next().unwrap_or_default();
            sentence.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    let failure = Failure { success: false, error: &harmless(&sentence), hint: None, fields: &Map::new() };
    let _closed = ui.result(&failure);
    ExitCode::from(exit_code(Blame::User))
}

/// Takes typed texts that may hold credentials out of the error; its reason still says what is wrong with them. A word
/// with `=` that belongs to no option could be an `--env` without its flag.
fn conceal(error: &mut clap::Error) {
    let mut typed = vec![ContextKind::InvalidValue, ContextKind::InvalidSubcommand];
    // In errors of other kinds this is the name of an option.
    if error.kind() == ErrorKind::UnknownArgument {
        typed.push(ContextKind::InvalidArg);
    }
    for kind in typed {
        let could_be_pair =
            |text: &str| kind != ContextKind::InvalidValue && !text.starts_with('-') && text.contains('=');
        if matches!(error.get(kind), Some(ContextValue::String(text)) if may_hold_credentials(text) || could_be_pair(text))
        {
            error.insert(kind, ContextValue::String("…".to_owned()));
            // Advice may repeat it.
            error.remove(ContextKind::Suggested);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Sample {
        #[arg(long)]
        address: Option<u16>,
        #[arg(long)]
        flag: bool,
        #[command(subcommand)]
        command: Option<Sub>,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Sub {
        Run,
    }

    #[test]
    fn no_credentials_are_repeated() {
        let secret = "wss://user:hidden@node:99999/hidden?key=hidden";
        let lines: [&[&str]; 8] = [
            &["--address", secret],
            &["--address", "user:hidden@node"],
            &[&format!("--flag={secret}")],
            &[&format!("--{secret}")],
            &[secret],
            &["run", secret],
            &["TOKEN=hidden"],
            &["run", "TOKEN=hidden"],
        ];
        for line in lines {
            let mut error = Sample::try_parse_from([&["sample"], line].concat()).unwrap_err();
            conceal(&mut error);
            let text = error.render().to_string();
            assert!(text.contains("'…'") && !text.contains("hidden"), "{text}");
        }
        let mut error = Sample::try_parse_from(["sample", "run", "--tokn=hidden"]).unwrap_err();
        conceal(&mut error);
        let text = error.render().to_string();
        assert!(text.contains("'--tokn'") && !text.contains("hidden"), "{text}");
    }
}
