//! Names and identifiers of the cloud, each holding only what its rule allows.
//! They end up in paths of URLs and files, so nothing that came from outside gets past here unchecked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is not a name or identifier of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// A pod's name that the service would refuse.
    #[error("a pod's name has 1 to 32 lower-case letters, digits and hyphens")]
    Pod,
    /// A resource's name of a strange form.
    #[error("a resource's name has 1 to 64 letters, digits, hyphens, dots and underscores, as in h200-large")]
    Resource,
    /// An identifier of a strange form.
    #[error("a workload's identifier has 1 to 128 letters, digits, hyphens and underscores")]
    Uid,
}

macro_rules! checked_text {
    ($(#[$meta:meta])* $name:ident, $invalid:expr, $rule:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text as the service knows it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let allowed: fn(&str) -> bool = $rule;
                if allowed(text) { Ok(Self(text.to_owned())) } else { Err($invalid) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

checked_text!(
    /// Name of a pod: lower-case letters, digits and hyphens, at most 32.
    PodName,
    InvalidName::Pod,
    |text| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    }
);

checked_text!(
    /// Name of a kind of machine, for example `h200-large`. Which ones exist is the inventory's word, not ours.
    ResourceName,
    InvalidName::Resource,
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
);

checked_text!(
    /// The service's identifier of a workload, for example `wrk-000000000001`.
    Uid,
    InvalidName::Uid,
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_names_follow_the_services_rule() {
        for good in ["generator", "render", "judge", "generator-2", "a", &"x".repeat(32)] {
            assert_eq!(good.parse::<PodName>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Generator", "a_b", "a b", "a/b", &"x".repeat(33), "générateur"] {
            assert_eq!(bad.parse::<PodName>(), Err(InvalidName::Pod), "{bad}");
        }
    }

    #[test]
    fn an_identifier_cannot_leave_its_path() {
        assert!("wrk-000000000001".parse::<Uid>().is_ok());
        for bad in ["", "..", "a/b", "a?b", "a%2fb", "a\n", "ü"] {
            assert_eq!(bad.parse::<Uid>(), Err(InvalidName::Uid), "{bad}");
        }
    }
}
