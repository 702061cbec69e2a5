//! What every error of a room says beside its text: whose matter it is, and what to do about it. It is stated where the
//! error is defined, variant by variant, because exit codes follow from it; which code that is, is decided elsewhere.

use std::borrow::Cow;
use std::error::Error;

/// Whose matter a failure is, which is what decides what a person does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// Something failed on this machine or with a module, or the answer is no.
    Here,
    /// The user's: an option, a file or the setup is wrong.
    User,
    /// An outside service failed or took too long.
    Service,
    /// The chain said no.
    Chain,
    /// Nobody's: the user interrupted.
    Interruption,
}

/// What to do about a failure.
pub type Hint = Cow<'static, str>;

/// What a failure adds to the JSON object that tells of it.
pub type Facts = serde_json::Map<String, serde_json::Value>;

/// An error that a command may end with.
///
/// Implementations match on their own variants without a wildcard, so that a new variant compiles only once it has a blame.
pub trait Explain: Error + Sized {
    /// Whose matter it is.
    fn blame(&self) -> Blame;

    /// What to do about it.
    fn hint(&self) -> Option<Hint> {
        None
    }

    /// What scripts learn beside the text, such as the block that a commitment is in all the same.
    fn facts(&self) -> Facts {
        Facts::new()
    }

    /// The whole of it in one sentence.
    fn sentence(&self) -> String {
        sentence(self)
    }
}

impl<E: Explain> Explain for &E {
    fn blame(&self) -> Blame {
        E::blame(self)
    }

    fn hint(&self) -> Option<Hint> {
        E::hint(self)
    }

    fn facts(&self) -> Facts {
        E::facts(self)
    }

    fn sentence(&self) -> String {
        E::sentence(self)
    }
}

/// `error: cause: cause`, leaving out causes that repeat what was just said.
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("outer")]
        Silent(#[source] Inner),
        #[error("outer: {0}")]
        Repeating(#[source] Inner),
    }

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn causes_become_one_sentence_and_none_is_said_twice() {
        assert_eq!(sentence(&Outer::Silent(Inner)), "outer: inner");
        assert_eq!(sentence(&Outer::Repeating(Inner)), "outer: inner");
    }
}
