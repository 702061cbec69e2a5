//! From what a person gives as the endpoint to the two addresses that are asked.
//! Whatever names a version or the call itself is used as it is; credentials and the query go along and are never shown.

use url::Url;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addresses {
    /// For questions.
    pub(super) chat: Url,
    /// For the list of models.
    pub(super) models: Url,
}

impl Addresses {
    /// `/v1` is appended when no part of the path is a version, `/chat/completions` when it is not there yet.
    pub(super) fn of(endpoint: &Url) -> Self {
        let mut parts: Vec<&str> = endpoint.path().split('/').filter(|part| !part.is_empty()).collect();
        if parts.ends_with(&["chat", "completions"]) {
            parts.truncate(parts.len() - 2);
        } else if !parts.iter().any(|part| is_version(part)) {
            parts.push("v1");
        }
        let below = |tail: &[&str]| {
            let mut url = endpoint.clone();
            url.set_fragment(None);
            url.set_path(&[&parts, tail].concat().join("/"));
            url
        };
        Self { chat: below(&["chat", "completions"]), models: below(&["models"]) }
    }
}

/// `v1`, `v4`, `v1beta`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_used_as_it_is_but_for_what_is_missing() {
        for (endpoint, chat, models) in [
            ("http://h:8000", "http://h:8000/v1/chat/completions", "http://h:8000/v1/models"),
            ("http://h:8000/", "http://h:8000/v1/chat/completions", "http://h:8000/v1/models"),
            ("http://h/v1", "http://h/v1/chat/completions", "http://h/v1/models"),
            ("http://h//v1//", "http://h/v1/chat/completions", "http://h/v1/models"),
            ("http://h/api", "http://h/api/v1/chat/completions", "http://h/api/v1/models"),
            ("http://h/api/paas/v4", "http://h/api/paas/v4/chat/completions", "http://h/api/paas/v4/models"),
            ("http://h/api/paas/v4/", "http://h/api/paas/v4/chat/completions", "http://h/api/paas/v4/models"),
            ("http://h/v1/openai", "http://h/v1/openai/chat/completions", "http://h/v1/openai/models"),
            ("http://h/v1beta/openai/", "http://h/v1beta/openai/chat/completions", "http://h/v1beta/openai/models"),
            ("http://h/v1/chat/completions", "http://h/v1/chat/completions", "http://h/v1/models"),
            ("http://h/v1/chat/completions/", "http://h/v1/chat/completions", "http://h/v1/models"),
            ("http://h/x/chat/completions", "http://h/x/chat/completions", "http://h/x/models"),
            ("http://h/chat/completions", "http://h/chat/completions", "http://h/models"),
            ("http://h/vision", "http://h/vision/v1/chat/completions", "http://h/vision/v1/models"),
            (
                "https://u:p@h/v1?api-version=2#y",
                "https://u:p@h/v1/chat/completions?api-version=2",
                "https://u:p@h/v1/models?api-version=2",
            ),
        ] {
            let addresses = Addresses::of(&endpoint.parse().expect("a URL"));
            assert_eq!((addresses.chat.as_str(), addresses.models.as_str()), (chat, models), "{endpoint}");
        }
    }
}
