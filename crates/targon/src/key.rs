//! The API key: where it is looked for, and a mark that tells accounts apart without saying it.
//! A secret from the first byte: it has no `Display`, and its `Debug` shows nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

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
    /// A key as it was given; blanks around it are dropped. It must fit into an HTTP header.
    pub fn new(text: &SecretString) -> Result<Self, KeyError> {
        let text = text.expose_secret().trim();
        match text {
            "" => Err(KeyError::Empty),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(KeyError::Characters),
            _ => Ok(Self(text.into())),
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

/// Why there is no key to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but blanks.
    #[error("the Targon API key is empty")]
    Empty,
    /// Letters that no key has.
    #[error("the Targon API key holds characters that no key has")]
    Characters,
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

impl KeyError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Characters => "set TARGON_API_KEY to the key from the Targon dashboard, without quotes",
            Self::Unreadable { .. } | Self::Profile { .. } | Self::Settings { .. } => {
                "set TARGON_API_KEY, or repair the official client's file"
            }
        }
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
        return Ok(Some(FoundKey { key: ApiKey::new(given)?, base_url: None }));
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
    if let Some(text) = read(&folder.join(format!("credentials-{profile}")))? {
        let address = settings.base_url.as_deref().map(Url::parse).transpose();
        let base_url = address.map_err(|_| KeyError::Settings { path: settings_path })?;
        return Ok(Some(FoundKey { key: ApiKey::new(&text)?, base_url }));
    }
    match read(&home.join(".config").join("targon").join("credentials"))? {
        Some(text) => Ok(Some(FoundKey { key: ApiKey::new(&text)?, base_url: None })),
        None => Ok(None),
    }
}

fn read(path: &Path) -> Result<Option<SecretString>, KeyError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.into())),
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
    fn a_key_is_never_shown() {
        let key = ApiKey::new(&"sn4_secret".into()).unwrap();
        assert!(!format!("{key:?}").contains("sn4_secret"));
        assert_eq!(key.mark().to_string().len(), 16);
        assert_ne!(key.mark(), ApiKey::new(&"sn4_other".into()).unwrap().mark());
    }
}
