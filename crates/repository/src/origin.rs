//! Where a repository is read from: its public place, another server, or a folder of this machine.
//! Only what git can be pointed at without a key; nothing is asked here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use gen404_outside::http::shown;
use url::Url;

/// Where to read a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An http(s) address.
    Web(Url),
    /// A folder of this machine: a repository, or what holds its `.git`.
    Folder(PathBuf),
}

/// Why a text names no place of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrigin {
    /// A key in the address would be used, and the subnet has none.
    #[error("the address holds a user name, a password or a query: the subnet reads a repository without a key")]
    Credentials,
    /// Neither http nor https.
    #[error("a repository is read over https or http, or from a folder, not over {scheme}")]
    Scheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// Nothing, or what cannot be an address.
    #[error("neither a folder nor an http(s) address")]
    NotAPlace,
}

impl Origin {
    /// Where the subnet reads `owner/name`. `host` is `https://github.com/` unless another server stands in for it.
    pub fn public(host: &Url, repository: &str) -> Result<Self, InvalidOrigin> {
        // The collector lets letters of all languages pass; nothing but these can be part of a path without escapes.
        let plain = |part: &str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || "-_".contains(letter))
        };
        let (owner, name) = repository.split_once('/').ok_or(InvalidOrigin::NotAPlace)?;
        if !plain(owner) || !plain(name) {
            return Err(InvalidOrigin::NotAPlace);
        }
        let mut base = host.clone();
        base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        let url = base.join(&format!("{owner}/{name}")).map_err(|_| InvalidOrigin::NotAPlace)?;
        Self::web(url)
    }

    fn web(url: Url) -> Result<Self, InvalidOrigin> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidOrigin::Scheme { scheme: url.scheme().to_owned() });
        }
        let secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
        if secret { Err(InvalidOrigin::Credentials) } else { Ok(Self::Web(url)) }
    }

    /// The same as an address that git understands. A folder's is absolute.
    pub(crate) fn address(&self) -> Result<String, InvalidOrigin> {
        match self {
            Self::Web(url) => Ok(url.to_string()),
            Self::Folder(path) => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                Url::from_file_path(&path).map(|url| url.to_string()).map_err(|()| InvalidOrigin::NotAPlace)
            }
        }
    }

    /// Whether it is a folder of this machine, which proves nothing about what others can read.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Folder(_))
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if let Some((scheme, rest)) = text.split_once("://") {
            if scheme == "file" {
                return if rest.is_empty() { Err(InvalidOrigin::NotAPlace) } else { Ok(Self::Folder(rest.into())) };
            }
            return Self::web(text.parse().map_err(|_| InvalidOrigin::NotAPlace)?);
        }
        if text.is_empty() || text.starts_with('-') || text.contains('\0') {
            return Err(InvalidOrigin::NotAPlace);
        }
        Ok(Self::Folder(Path::new(text).to_owned()))
    }
}

/// Without what may be secret in it.
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => formatter.write_str(&shown(url)),
            Self::Folder(path) => write!(formatter, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_place_of_a_name_is_below_its_host() {
        let host: Url = "https://github.com/".parse().expect("a URL");
        let web = |text: &str| Ok(Origin::Web(text.parse().expect("a URL")));
        assert_eq!(Origin::public(&host, "owner/name"), web("https://github.com/owner/name"));
        let below: Url = "http://127.0.0.1:9/git".parse().expect("a URL");
        assert_eq!(Origin::public(&below, "owner/name"), web("http://127.0.0.1:9/git/owner/name"));
        for bad in ["owner", "/name", "owner/", "a/b/c", "../x", "a/..", "a/b?x", "a b/c", "https://x/y"] {
            assert_eq!(Origin::public(&host, bad), Err(InvalidOrigin::NotAPlace), "{bad}");
        }
    }

    #[test]
    fn a_place_is_a_folder_or_an_address_without_a_key() {
        assert_eq!("..".parse(), Ok(Origin::Folder("..".into())));
        assert_eq!("file:///a/b".parse(), Ok(Origin::Folder("/a/b".into())));
        for (bad, why) in [
            ("https://token@github.com/a/b", InvalidOrigin::Credentials),
            ("https://h/a/b?key=1", InvalidOrigin::Credentials),
            ("ssh://git@github.com/a/b", InvalidOrigin::Scheme { scheme: "ssh".into() }),
            ("ext::sh -c x", InvalidOrigin::NotAPlace),
            ("--upload-pack=x", InvalidOrigin::NotAPlace),
            ("", InvalidOrigin::NotAPlace),
        ] {
            if bad.starts_with("ext::") {
                // No scheme that git would run a helper for: it is the name of a folder, and made an absolute path.
                assert_eq!(bad.parse::<Origin>(), Ok(Origin::Folder(bad.into())));
            } else {
                assert_eq!(bad.parse::<Origin>(), Err(why), "{bad}");
            }
        }
    }
}
