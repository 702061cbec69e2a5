//! Where the state is: the raw files of a repository over HTTP, or a folder of this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

/// The raw files of the public repository.
pub const PUBLIC_STATE: &str = "https://raw.githubusercontent.com/404-Repo/404-active-competition/main/";

/// The base that paths of state files are appended to.
#[derive(Clone, PartialEq, Eq)]
pub enum StateUrl {
    /// Served by a web server; the path ends with a slash.
    Web(Url),
    /// A folder.
    Folder(PathBuf),
}

/// Why a text is not the address of a competition's state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStateUrl {
    /// Not a URL.
    #[error("not a URL ({0}): write https://… or file:///…")]
    NotAUrl(url::ParseError),
    /// Another scheme.
    #[error("the state is read from https://, http:// or file:, not {scheme}:")]
    Scheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// Not a folder of this machine.
    #[error("not a folder of this machine: write file:///the/whole/path")]
    NotLocal,
    /// A file's path would be swallowed.
    #[error("the address of the state has a query or fragment, which would swallow the names of its files")]
    QueryOrFragment,
}

impl StateUrl {
    /// The address of a file below it.
    pub(crate) fn join(base: &Url, path: &str) -> Url {
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path()));
        url
    }

    /// Whether it is on this machine, as a sandbox's is: its files may then name addresses of this machine.
    pub fn is_this_machine(&self) -> bool {
        match self {
            Self::Web(url) => gen404_outside::http::is_this_machine(url),
            Self::Folder(_) => true,
        }
    }
}

impl FromStr for StateUrl {
    type Err = InvalidStateUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStateUrl> {
        // `file:state` is a folder relative to where the command runs; a URL has no such thing.
        if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty() && !path.starts_with('/')) {
            return Ok(Self::Folder(Path::new(path).to_owned()));
        }
        let mut url = Url::parse(text).map_err(InvalidStateUrl::NotAUrl)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidStateUrl::QueryOrFragment);
        }
        match url.scheme() {
            "http" | "https" => {
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                Ok(Self::Web(url))
            }
            "file" => url.to_file_path().map(Self::Folder).map_err(|()| InvalidStateUrl::NotLocal),
            scheme => Err(InvalidStateUrl::Scheme { scheme: scheme.to_owned() }),
        }
    }
}

/// Without whatever lets somebody in.
impl fmt::Display for StateUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => formatter.write_str(&gen404_outside::http::shown(url)),
            Self::Folder(path) => write!(formatter, "file:{}", path.display()),
        }
    }
}

impl fmt::Debug for StateUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_end_where_paths_begin() {
        let base: StateUrl = "https://miner:token@state.example/repo/main".parse().expect("a base");
        let StateUrl::Web(url) = &base else { panic!("{base}") };
        assert_eq!(StateUrl::join(url, "rounds/5/seed.json").path(), "/repo/main/rounds/5/seed.json");
        assert_eq!(base.to_string(), "https://state.example/repo/main");
        assert_eq!(format!("{base:?}"), "https://state.example/repo/main");
        assert_eq!("file:///a/b".parse(), Ok(StateUrl::Folder("/a/b".into())));
        assert_eq!("file:state".parse(), Ok(StateUrl::Folder("state".into())));
        assert!(PUBLIC_STATE.parse::<StateUrl>().is_ok());
        for (text, why) in [
            ("ftp://h/", InvalidStateUrl::Scheme { scheme: "ftp".into() }),
            ("https://h/?a=b", InvalidStateUrl::QueryOrFragment),
            ("file://far/away", InvalidStateUrl::NotLocal),
            ("folder", InvalidStateUrl::NotAUrl(url::ParseError::RelativeUrlWithoutBase)),
        ] {
            assert_eq!(text.parse::<StateUrl>(), Err(why), "{text}");
        }
    }
}
