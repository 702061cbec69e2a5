//! Where the password of an encrypted keyfile comes from, and how the ecosystem hides it in an environment variable.
//! Reads neither the environment nor a terminal: both belong to the caller.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

const PREFIX: &str = "BT_PW_";

/// What the caller knows about passwords.
pub trait PasswordSource {
    /// The value of an environment variable, unless it is unset.
    fn variable(&self, name: &str) -> Option<SecretString>;

    /// Asks the user for the keyfile's password; may take as long as the user takes.
    fn ask(&mut self, keyfile: &Path) -> Result<SecretString, NoPassword>;
}

/// Why the user gave no password.
#[derive(Debug, thiserror::Error)]
pub enum NoPassword {
    /// Nobody can be asked.
    #[error("there is no terminal to ask for it")]
    NoTerminal,
    /// The user does not want to say.
    #[error("the question was not answered")]
    Declined,
    /// The terminal failed.
    #[error("the terminal could not be read")]
    Terminal(#[source] std::io::Error),
}

/// Where a password came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordOrigin {
    /// The environment variable of this name.
    Variable(String),
    /// The user's keyboard.
    Asked,
}

impl fmt::Display for PasswordOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(formatter, "from the environment variable {name}"),
            Self::Asked => formatter.write_str("as typed"),
        }
    }
}

/// The variable holding the password of a keyfile: its path in upper case, with `/` and `.` as `_`.
pub(crate) fn variable_name(keyfile: &Path) -> String {
    let path = keyfile.to_string_lossy().replace(['/', '.'], "_");
    format!("{PREFIX}{}", path.to_uppercase())
}

/// The password hidden in the value of the variable: base64 of its bytes, each XOR one of the variable's name.
///
/// White space in the value is left out: files with Windows line ends and tools that break lines leave it there. So are
/// line ends behind the password, which nobody can type. `None` for a value that is not made that way.
pub(crate) fn reveal(variable: &str, value: &SecretString) -> Option<SecretString> {
    let value = value.expose_secret();
    let mut encoded = Zeroizing::new(String::with_capacity(value.len()));
    encoded.extend(value.chars().filter(|c| !c.is_whitespace()));
    let mut bytes = Zeroizing::new(STANDARD.decode(encoded.as_bytes()).ok()?);
    for (byte, mask) in bytes.iter_mut().zip(variable.bytes().cycle()) {
        *byte ^= mask;
    }
    let password = std::str::from_utf8(&bytes).ok()?;
    Some(SecretString::from(password.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and value as the official library 4.1.1 makes them.
    #[test]
    fn the_official_librarys_variable_is_understood() {
        let variable = variable_name(Path::new("/home/m/.bittensor/wallets/mi-ner/hotkeys/de.fault"));
        assert_eq!(variable, "BT_PW__HOME_M__BITTENSOR_WALLETS_MI-NER_HOTKEYS_DE_FAULT");
        let password = reveal(&variable, &SecretString::from("EjUsIyBvLSxuNQ==")).expect("well made");
        assert_eq!(password.expose_secret(), "Passw0rd!x");
    }

    #[test]
    fn line_ends_and_white_space_are_no_part_of_a_password() {
        let variable = "BT_PW_X";
        let encoded = |password: &str| {
            let masked: Vec<u8> =
                password.bytes().zip(variable.bytes().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            STANDARD.encode(masked)
        };
        let revealed = |value: &str| reveal(variable, &SecretString::from(value)).map(|p| p.expose_secret().to_owned());
        let value = encoded("Passw0rd!x");
        for odd in [format!("{value}\r"), format!(" {value}\r\n"), format!("{}\n{}", &value[..4], &value[4..])] {
            assert_eq!(revealed(&odd).as_deref(), Some("Passw0rd!x"), "{odd:?}");
        }
        assert_eq!(revealed(&encoded("Passw0rd!x\r\n")).as_deref(), Some("Passw0rd!x"));
        assert_eq!(revealed(&encoded(" two words ")).as_deref(), Some(" two words "));
    }

    #[test]
    fn values_made_otherwise_are_noticed() {
        for value in ["Passw0rd!x", "//8="] {
            assert!(reveal("BT_PW_X", &SecretString::from(value)).is_none(), "{value}");
        }
    }
}
