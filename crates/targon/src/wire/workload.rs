//! A workload and its state, as the service describes them.
//! What to do about a status is not decided here.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::lenient::or_default;
use crate::amount::HourlyPrice;
use crate::names::Uid;

/// A workload as the list and the single look-up show it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Workload {
    /// The service's identifier.
    pub uid: Uid,
    /// Its name; not unique, and not bound to our rule when somebody else made it.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// `RENTAL`, `SERVERLESS` or a word we do not know.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub workload_type: String,
    /// The container image.
    #[serde(default, deserialize_with = "or_default")]
    pub image: String,
    /// Its price, where the service says it.
    #[serde(default, deserialize_with = "or_default")]
    pub cost_per_hour: Option<HourlyPrice>,
    /// When it was registered.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: Option<Timestamp>,
    /// How it is.
    #[serde(default, deserialize_with = "or_default")]
    pub state: WorkloadState,
    #[serde(default, deserialize_with = "or_default")]
    resource: Resource,
    #[serde(default, deserialize_with = "or_default")]
    resource_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Resource {
    #[serde(default, deserialize_with = "or_default")]
    name: Option<String>,
}

impl Workload {
    /// The machine it runs on, from whichever of the two places names it.
    pub fn resource(&self) -> Option<&str> {
        self.resource.name.as_deref().or(self.resource_name.as_deref())
    }
}

/// How a workload is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct WorkloadState {
    /// The status word.
    #[serde(default, deserialize_with = "or_default")]
    pub status: Status,
    /// What the service has to say about it, often nothing.
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
    /// Public addresses, one a port; `null` or empty until there are some.
    #[serde(default, deserialize_with = "or_default")]
    urls: Vec<PortUrl>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct PortUrl {
    #[serde(default, deserialize_with = "or_default")]
    port: Option<u16>,
    #[serde(default, deserialize_with = "or_default")]
    url: String,
}

impl WorkloadState {
    /// The public address of that port: read, never built. One address without a port counts for any.
    pub fn url(&self, port: u16) -> Option<PublicUrl> {
        let right = self.urls.iter().find(|entry| entry.port == Some(port));
        let only = || self.urls.first().filter(|entry| self.urls.len() == 1 && entry.port.is_none());
        PublicUrl::read(&right.or_else(only)?.url)
    }

    /// The first public address, whatever its port.
    pub fn any_url(&self) -> Option<PublicUrl> {
        self.urls.iter().find_map(|entry| PublicUrl::read(&entry.url))
    }
}

/// An http(s) address where a pod can be reached, without user, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Reads what the service gave as an address; `None` for anything a client should not call.
    pub fn read(text: &str) -> Option<Self> {
        let mut url = Url::parse(text.trim()).ok()?;
        let plain = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        if !plain || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        url.set_query(None);
        url.set_fragment(None);
        Some(Self(url))
    }

    /// The address of a path on the pod.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        url
    }
}

/// As a user passes it on: without a slash at the end.
impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// The service's word for how a workload is, in lower case. An unknown word is kept and counts as pending.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Status(String);

impl From<String> for Status {
    fn from(word: String) -> Self {
        let word: String = word.chars().filter(|letter| !letter.is_control()).take(40).collect();
        let word = word.trim().to_lowercase();
        if word.is_empty() { Self::default() } else { Self(word) }
    }
}

impl Default for Status {
    fn default() -> Self {
        Self("unknown".to_owned())
    }
}

impl Status {
    /// Made, but never deployed: costs nothing, and hides the next one of its name.
    pub fn is_registered(&self) -> bool {
        self.0 == "registered"
    }

    /// It will not come to life any more.
    pub fn is_over(&self) -> bool {
        matches!(self.0.as_str(), "error" | "failed" | "suspended") || self.is_stopped()
    }

    /// Nothing is left to stop.
    pub fn is_stopped(&self) -> bool {
        self.0 == "stopped" || self.is_gone()
    }

    /// Somebody has asked for its end, and it is on its way.
    pub fn is_ending(&self) -> bool {
        matches!(self.0.as_str(), "deleting" | "terminating" | "stopping")
    }

    /// The service has taken it away.
    pub fn is_gone(&self) -> bool {
        matches!(self.0.as_str(), "deleted" | "terminated")
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(json: &str) -> WorkloadState {
        serde_json::from_str(json).expect("a state")
    }

    #[test]
    fn the_address_of_the_right_port_is_taken() {
        let two = state(
            r#"{"urls": [{"port": 22, "url": "https://ssh.example"}, {"port": 8000, "url": "https://api.example/"}]}"#,
        );
        assert_eq!(two.url(8000).map(|url| url.to_string()).as_deref(), Some("https://api.example"));
        assert_eq!(two.url(9000), None, "another port's address is not ours");
        let bare = state(r#"{"urls": [{"url": "https://api.example/p"}]}"#);
        assert_eq!(bare.url(8000).expect("the only one").join("/health").as_str(), "https://api.example/p/health");
        for none in [r#"{"urls": null}"#, r#"{"urls": []}"#, "{}", r#"{"urls": "x"}"#] {
            assert_eq!(state(none).url(8000), None, "{none}");
        }
    }

    #[test]
    fn strange_addresses_are_no_addresses() {
        for bad in ["", "api.example", "file:///etc/passwd", "javascript:alert(1)", "https://user:x@api.example"] {
            assert_eq!(PublicUrl::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn status_words_in_any_letter_case() {
        for (word, over, gone) in [
            ("RUNNING", false, false),
            ("Provisioning", false, false),
            ("brand-new-word", false, false),
            ("Error", true, false),
            ("SUSPENDED", true, false),
            ("stopped", true, false),
            ("Deleted", true, true),
            ("terminated", true, true),
        ] {
            let status = Status::from(word.to_owned());
            assert_eq!((status.is_over(), status.is_gone()), (over, gone), "{word}");
        }
        assert_eq!(state(r#"{"status": 7}"#).status.to_string(), "unknown");
        assert_eq!(state(r#"{"status": "\u001b[31mrunning"}"#).status.to_string(), "[31mrunning");
    }

    #[test]
    fn only_the_identifier_is_indispensable() {
        let odd: Workload = serde_json::from_str(
            r#"{"uid": "wrk-1", "name": null, "cost_per_hour": "much", "created_at": 5, "state": null, "resource": [], "more": {}}"#,
        )
        .expect("readable");
        assert_eq!((odd.name.as_str(), odd.cost_per_hour, odd.created_at, odd.resource()), ("", None, None, None));
        assert!(serde_json::from_str::<Workload>(r#"{"name": "generator"}"#).is_err());
        assert!(serde_json::from_str::<Workload>(r#"{"uid": "../../etc"}"#).is_err());
    }
}
