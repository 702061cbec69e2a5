//! Values that nobody may see. Their type is the mark: an option whose value is a `SecretString` is kept out of help
//! texts, errors and settings files (`settings::is_secret`), without a list that could forget one.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use secrecy::SecretString;

/// Reads a key: white space around it is not part of it, and quotation marks never are. No error repeats the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyParser;

impl TypedValueParser for KeyParser {
    type Value = SecretString;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<SecretString, Error> {
        let option = arg.map(ToString::to_string).unwrap_or_default();
        let refused = |what: &str| {
            let text = format!("the value of '{option}' {what}\n");
            Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        };
        let Some(text) = value.to_str() else { return Err(refused("is not valid UTF-8")) };
        let key = text.trim();
        if key.starts_with(['"', '\'']) || key.ends_with(['"', '\'']) {
            return Err(refused("begins or ends with a quotation mark, which is not part of a key: take it away"));
        }
        Ok(key.into())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Debug, Parser)]
    struct Sample {
        #[arg(long, value_parser = KeyParser)]
        key: SecretString,
    }

    #[test]
    fn keys_are_trimmed_and_quotation_marks_named() {
        let read = |value: &str| {
            Sample::try_parse_from(["sample", "--key", value])
                .map(|sample| sample.key.expose_secret().to_owned())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(" k-5ecret\r\n").as_deref(), Ok("k-5ecret"));
        for quoted in ["\"k-5ecret\"", "'k-5ecret'", "k-5ecret\"", "'k-5ecret"] {
            let said = read(quoted).unwrap_err();
            assert!(said.contains("'--key <KEY>' begins or ends with a quotation mark"), "{said}");
            assert!(!said.contains("5ecret"), "{said}");
        }
    }
}
