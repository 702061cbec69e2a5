//! What each of several endpoints did, as results tell it.

use gen404_outside::pool::Share;
use serde_json::{Value, json};

/// `[{"endpoint": …, "done": …, "failed": …}, …]`.
pub(crate) fn shares(shares: Vec<Share>) -> Value {
    let share = |Share { name, done, failed }| json!({"endpoint": name, "done": done, "failed": failed});
    shares.into_iter().map(share).collect()
}
