//! The three things a submission consists of: commit hash, repository, CDN.
//! Each type holds only what the subnet's collector accepts; whether it exists out there is not this room's question.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use url::Url;

/// A full git commit hash: 40 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CommitHash(String);

/// Why a text is not a full commit hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCommitHash {
    /// Too short or too long; an abbreviated hash is the usual reason.
    #[error("a commit hash has 40 characters, this has {length}; `git rev-parse HEAD` prints the full one")]
    Length {
        /// Number of characters given.
        length: usize,
    },
    /// Right but for its letters' case.
    #[error("a commit hash must be lower case: the subnet compares it as text")]
    UpperCase,
    /// Not a hash at all.
    #[error("a commit hash has only the characters 0-9 and a-f")]
    NotHex,
}

impl CommitHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommitHash {
    type Err = InvalidCommitHash;

    fn from_str(text: &str) -> Result<Self, InvalidCommitHash> {
        let length = text.chars().count();
        if length != 40 {
            return Err(InvalidCommitHash::Length { length });
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidCommitHash::NotHex);
        }
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidCommitHash::UpperCase);
        }
        Ok(Self(text.to_owned()))
    }
}

/// `owner/name` of a public repository, as the collector's rule `^[\w-]+/[\w-]+$` allows it (no dot).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Repository(String);

/// Why a text is not a repository the collector accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepository {
    /// A whole URL was given.
    #[error("give the repository as owner/name, not as a URL")]
    Url,
    /// Not exactly one slash.
    #[error("a repository is owner/name with exactly one slash")]
    Slashes,
    /// The collector's pattern has no dot.
    #[error("the subnet's collector accepts no dot in a repository's name: rename the repository")]
    Dot,
    /// Something else the pattern does not allow.
    #[error("owner and name may hold only letters, digits, `_` and `-`, and neither may be empty")]
    Characters,
}

impl FromStr for Repository {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        if text.contains("://") || text.starts_with("git@") || text.starts_with("www.") {
            return Err(InvalidRepository::Url);
        }
        let mut parts = text.split('/');
        let (Some(owner), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidRepository::Slashes);
        };
        if text.contains('.') {
            return Err(InvalidRepository::Dot);
        }
        // ASCII only, although the collector's `\w` knows more letters: no code host has any other.
        let allowed =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !allowed(owner) || !allowed(name) {
            return Err(InvalidRepository::Characters);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where a miner's generated files are: http(s), a host, no user, query or fragment, in characters that every reader of the
/// chain takes for what they are. Kept as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdnUrl {
    text: String,
    url: Url,
}

/// Why a text cannot be a CDN address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCdnUrl {
    /// Not a URL.
    #[error("not a URL ({0}): write it whole, as in https://cdn.example.com/folder")]
    NotAUrl(url::ParseError),
    /// Another scheme than http or https.
    #[error("the CDN address must begin with https:// or http://, not {scheme}:")]
    Scheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// No host.
    #[error("the CDN address has no host")]
    NoHost,
    /// User name or password would be published on chain.
    #[error("the CDN address holds a user name or password, which would be public on chain")]
    Credentials,
    /// `/<stem>.js` is appended by the subnet, which a query or fragment would swallow.
    #[error("the CDN address must have no query (?) and no fragment (#): the subnet appends /<stem>.js")]
    QueryOrFragment,
    /// White space, control characters, or what merely looks like a letter.
    #[error("the CDN address may hold only plain letters, digits and signs: write anything else percent-encoded")]
    Characters,
    /// The collector takes every apostrophe for a quotation mark, and could read nothing of the whole reveal.
    #[error("the subnet's collector cannot read an apostrophe in the CDN address: write it as %27")]
    Apostrophe,
}

impl CdnUrl {
    /// The address as a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for CdnUrl {
    type Err = InvalidCdnUrl;

    fn from_str(text: &str) -> Result<Self, InvalidCdnUrl> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidCdnUrl::Characters);
        }
        if text.contains('\'') {
            return Err(InvalidCdnUrl::Apostrophe);
        }
        let url = Url::parse(text).map_err(InvalidCdnUrl::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidCdnUrl::Scheme { scheme: url.scheme().to_owned() });
        }
        // Parsers of URLs forgive missing slashes; whoever reads the text on chain may not.
        if !text[url.scheme().len()..].starts_with("://") {
            return Err(InvalidCdnUrl::NotAUrl(url::ParseError::EmptyHost));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidCdnUrl::NoHost);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidCdnUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidCdnUrl::QueryOrFragment);
        }
        Ok(Self { text: text.to_owned(), url })
    }
}

impl Serialize for CdnUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

macro_rules! shown_as_text {
    ($($name:ident . $field:tt),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.$field)
            }
        }
    )+};
}
shown_as_text!(CommitHash.0, Repository.0, CdnUrl.text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_hashes() {
        let hash = "5b1e56b263464daec34aae0ce9fee7c609a4eb07";
        assert_eq!(hash.parse::<CommitHash>().expect("a hash").to_string(), hash);
        assert_eq!("5b1e56b".parse::<CommitHash>(), Err(InvalidCommitHash::Length { length: 7 }));
        assert_eq!(hash.to_uppercase().parse::<CommitHash>(), Err(InvalidCommitHash::UpperCase));
        assert_eq!(hash.replace('b', "g").parse::<CommitHash>(), Err(InvalidCommitHash::NotHex));
        assert_eq!("é".repeat(40).parse::<CommitHash>(), Err(InvalidCommitHash::NotHex));
    }

    #[test]
    fn repositories() {
        assert!("Uglejo/data-basilisk".parse::<Repository>().is_ok());
        assert_eq!("https://host/a/b".parse::<Repository>(), Err(InvalidRepository::Url));
        assert_eq!("a/b/c".parse::<Repository>(), Err(InvalidRepository::Slashes));
        assert_eq!("a".parse::<Repository>(), Err(InvalidRepository::Slashes));
        assert_eq!("a/b.js".parse::<Repository>(), Err(InvalidRepository::Dot));
        assert_eq!("a/".parse::<Repository>(), Err(InvalidRepository::Characters));
        assert_eq!("a/b\n".parse::<Repository>(), Err(InvalidRepository::Characters));
    }

    #[test]
    fn cdn_addresses_are_kept_as_typed() {
        let cdn: CdnUrl = "https://CDN.example.com/a%20b/".parse().expect("an address");
        assert_eq!(cdn.to_string(), "https://CDN.example.com/a%20b/");
        let not_a_url = |text: &str| matches!(text.parse::<CdnUrl>(), Err(InvalidCdnUrl::NotAUrl(_)));
        assert!(
            ["cdn.example.com", "http:cdn.example.com/a", "https:/a", "http://a:99999/"].into_iter().all(not_a_url)
        );
        assert_eq!("ftp://a/".parse::<CdnUrl>(), Err(InvalidCdnUrl::Scheme { scheme: "ftp".into() }));
        assert_eq!("https://a/?b".parse::<CdnUrl>(), Err(InvalidCdnUrl::QueryOrFragment));
        assert_eq!("https://a/#b".parse::<CdnUrl>(), Err(InvalidCdnUrl::QueryOrFragment));
        assert_eq!("https://u:p@a/".parse::<CdnUrl>(), Err(InvalidCdnUrl::Credentials));
        for text in
            ["https://a/ b", "https://a/\u{200b}", "https://a/\u{202e}b", "https://\u{430}.example/", "https://a/\n"]
        {
            assert_eq!(text.parse::<CdnUrl>(), Err(InvalidCdnUrl::Characters), "{text:?}");
        }
        assert_eq!("https://a/o'n".parse::<CdnUrl>(), Err(InvalidCdnUrl::Apostrophe));
    }
}
