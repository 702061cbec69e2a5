//! The API key: where it is looked for, and a mark that tells accounts apart without saying it.
//! A secret from the first byte: it has no `Display`, and its `Debug` shows nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::text::without_mark;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

/// A key of the service.
#[derive(Debug, Clone)]
pub struct ApiKey(SecretString);

/// Tells accounts apart in the state file: eight bytes of a hash over the key, from which no key can be found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountMark(String);

impl fmt::Display for AccountMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl ApiKey {
    /// A key as it was given; blanks and a byte order mark around it are dropped. It must fit into an HTTP header.
    pub fn new(text: &SecretString) -> Result<Self, WrongKey> {
        let text = without_mark(text.expose_secret().trim()).trim();
        if text.is_empty() {
            Err(WrongKey::Empty)
        } else if text.starts_with(QUOTES) || text.ends_with(QUOTES) {
            Err(WrongKey::Quoted)
        } else if text.contains(char::is_whitespace) {
            Err(WrongKey::Space)
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(WrongKey::Characters)
        } else {
            Ok(Self(text.into()))
        }
    }

    pub(crate) fn expose(&self) -> &SecretString {
        &self.0
    }

    pub(crate) fn mark(&self) -> AccountMark {
        let hash =
            Sha256::new().chain_update(b"404-cli targon account\0").chain_update(self.0.expose_secret()).finalize();
        AccountMark(hex::encode(&hash[..8]))
    }
}

/// What people and their editors put around a secret.
pub(crate) const QUOTES: [char; 8] = ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}'];

/// What is wrong with a text that should be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongKey {
    /// Nothing but blanks.
    #[error("is empty")]
    Empty,
    /// Quotes that were meant for a shell.
    #[error("has quotes around it")]
    Quoted,
    /// Blanks or line breaks inside.
    #[error("has white space inside")]
    Space,
    /// Letters that no key has.
    #[error("holds characters that no key has")]
    Characters,
}

/// Why there is no key to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The flag's or the variable's text is no key.
    #[error("the Targon API key {0}")]
    Given(WrongKey),
    /// A file's text is no key.
    #[error("the Targon API key in {} {why}", path.display())]
    Stored {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: WrongKey,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The official client's settings name a profile that cannot be a file name.
    #[error("{}: `current` is not the name of a profile", path.display())]
    Profile {
        /// The settings file.
        path: PathBuf,
    },
    /// The official client's settings are no TOML, or their address is none.
    #[error("{} cannot be understood", path.display())]
    Settings {
        /// The settings file.
        path: PathBuf,
    },
}

impl Explain for KeyError {
    fn blame(&self) -> Blame {
        match self {
            Self::Given(_)
            | Self::Stored { .. }
            | Self::Unreadable { .. }
            | Self::Profile { .. }
            | Self::Settings { .. } => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let hint = match self {
            Self::Given(_) => "set TARGON_API_KEY to the key from the Targon dashboard, without quotes",
            Self::Stored { .. } => {
                "put nothing but the key from the Targon dashboard into the file, or set TARGON_API_KEY"
            }
            Self::Unreadable { .. } | Self::Profile { .. } | Self::Settings { .. } => {
                "set TARGON_API_KEY, or repair the official client's file"
            }
        };
        Some(hint.into())
    }
}

/// A key, and the address that its file says it is for.
#[derive(Debug, Clone)]
pub struct FoundKey {
    /// The key.
    pub key: ApiKey,
    /// Only from the same place as the key.
    pub base_url: Option<Url>,
}

/// The part of the official client's settings that matters here.
#[derive(Debug, Default, Deserialize)]
struct ClientSettings {
    current: Option<String>,
    base_url: Option<String>,
}

/// The key given by flag or environment, else the one in the official clients' files below the home folder:
/// `.targon/credentials-<profile>`, then `.config/targon/credentials`. `None` when there is none anywhere.
pub fn find_key(given: Option<&SecretString>, home: &Path) -> Result<Option<FoundKey>, KeyError> {
    if let Some(given) = given.filter(|given| !given.expose_secret().trim().is_empty()) {
        let key = ApiKey::new(given).map_err(KeyError::Given)?;
        return Ok(Some(FoundKey { key, base_url: None }));
    }
    let folder = home.join(".targon");
    let settings_path = folder.join("config.toml");
    let settings = match read(&settings_path)? {
        // The reader's message may quote the file, which may hold a secret by mistake: it is left out.
        Some(text) => {
            toml::from_str(text.expose_secret()).map_err(|_| KeyError::Settings { path: settings_path.clone() })?
        }
        None => ClientSettings::default(),
    };
    let profile = settings.current.as_deref().unwrap_or("default");
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if profile.is_empty() || !profile.bytes().all(is_name) {
        return Err(KeyError::Profile { path: settings_path });
    }
    if let Some(key) = stored_key(&folder.join(format!("credentials-{profile}")))? {
        let address = settings.base_url.as_deref().map(Url::parse).transpose();
        let base_url = address.map_err(|_| KeyError::Settings { path: settings_path })?;
        return Ok(Some(FoundKey { key, base_url }));
    }
    let key = stored_key(&home.join(".config").join("targon").join("credentials"))?;
    Ok(key.map(|key| FoundKey { key, base_url: None }))
}

/// The key that is all of a file; none without the file.
fn stored_key(path: &Path) -> Result<Option<ApiKey>, KeyError> {
    let key = read(path)?.map(|text| ApiKey::new(&text));
    key.transpose().map_err(|why| KeyError::Stored { path: path.to_owned(), why })
}

fn read(path: &Path) -> Result<Option<SecretString>, KeyError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(without_mark(&text).into())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(KeyError::Unreadable { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn home(files: &[(&str, &str)]) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        home
    }

    fn found(given: Option<&str>, files: &[(&str, &str)]) -> Option<(String, Option<String>)> {
        let found = find_key(given.map(SecretString::from).as_ref(), home(files).path()).unwrap()?;
        Some((found.key.expose().expose_secret().to_owned(), found.base_url.map(String::from)))
    }

    const FILES: [(&str, &str); 4] = [
        (".targon/config.toml", "current = 'work'\nbase_url = 'https://work.example'\nother = 1"),
        (".targon/credentials-work", "sn4_work\n"),
        (".targon/credentials-default", "sn4_default"),
        (".config/targon/credentials", "sn4_old"),
    ];

    #[test]
    fn the_nearest_key_wins() {
        assert_eq!(found(Some(" sn4_flag "), &FILES), Some(("sn4_flag".into(), None)));
        assert_eq!(found(Some(""), &FILES), Some(("sn4_work".into(), Some("https://work.example/".into()))));
        assert_eq!(found(None, &FILES[2..]), Some(("sn4_default".into(), None)));
        assert_eq!(found(None, &FILES[3..]), Some(("sn4_old".into(), None)));
        assert_eq!(found(None, &[]), None);
    }

    #[test]
    fn an_address_belongs_to_the_key_beside_it() {
        let elsewhere = [FILES[0], FILES[3]];
        assert_eq!(found(None, &elsewhere), Some(("sn4_old".into(), None)));
    }

    #[test]
    fn strange_files_are_refused_without_showing_them() {
        let refused = |files: &[(&str, &str)]| find_key(None, home(files).path()).unwrap_err().to_string();
        assert!(refused(&[(".targon/config.toml", "current = '../../x'")]).contains("`current`"));
        assert!(!refused(&[(".targon/config.toml", "sn4_oops")]).contains("sn4_oops"));
        assert!(!refused(&[(".targon/credentials-default", "sn4 oops")]).contains("oops"));
    }

    #[test]
    fn what_editors_and_shells_put_around_a_key_goes_or_is_named() {
        let key = |text: &str| ApiKey::new(&text.into()).map(|key| key.expose().expose_secret().to_owned());
        for text in ["sn4_k", " sn4_k ", "sn4_k\r\n", "\t\nsn4_k\n\n", "\u{feff}sn4_k", "\u{feff} sn4_k\r\n"] {
            assert_eq!(key(text).as_deref(), Ok("sn4_k"), "{text:?}");
        }
        for (text, why) in [
            ("\"sn4_k\"", WrongKey::Quoted),
            ("'sn4_k'\n", WrongKey::Quoted),
            ("\u{201c}sn4_k\u{201d}", WrongKey::Quoted),
            ("sn4_k\"", WrongKey::Quoted),
            ("sn4_k\nsn4_l\n", WrongKey::Space),
            ("Bearer sn4_k", WrongKey::Space),
            ("sn4\u{a0}k", WrongKey::Space),
            ("sn4_k\u{200b}", WrongKey::Characters),
            ("sn4_ü", WrongKey::Characters),
            ("\u{feff}\r\n", WrongKey::Empty),
        ] {
            assert_eq!(key(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn files_with_a_byte_order_mark_and_other_line_ends_are_read() {
        let files = [
            (".targon/config.toml", "\u{feff}current = 'work'\r\nbase_url = 'https://work.example'\r\n"),
            (".targon/credentials-work", "\u{feff}sn4_work\r\n"),
        ];
        assert_eq!(found(None, &files), Some(("sn4_work".into(), Some("https://work.example/".into()))));
    }

    #[test]
    fn a_stored_key_that_is_none_is_told_with_its_file() {
        let folder = home(&[(".config/targon/credentials", "\"sn4_oops\"\n")]);
        let error = find_key(None, folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(".config/targon/credentials has quotes around it"), "{error}");
        assert!(!error.contains("sn4_oops"), "{error}");
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = ApiKey::new(&"sn4_secret".into()).unwrap();
        assert!(!format!("{key:?}").contains("sn4_secret"));
        assert_eq!(key.mark().to_string().len(), 16);
        assert_ne!(key.mark(), ApiKey::new(&"sn4_other".into()).unwrap().mark());
    }
}
