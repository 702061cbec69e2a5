//! Text on its way to a terminal: control characters could move the cursor, hide lines or retitle the window, and
//! addresses could hold passwords, so neither passes. Knows nothing of where a text comes from.

pub(crate) use gen404_outside::text::{harmless, harmless_json};

/// Whether the text could be an address with a user name, a password or an access key in it.
///
/// Every address counts: hosted nodes put their key into the path, and what cannot be parsed has no parts to tell apart.
pub(crate) fn may_hold_credentials(text: &str) -> bool {
    text.contains("://") || text.contains('@')
}
