//! The folders of this user that 404-cli may use.
//! Names folders only; creates and reads nothing.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// Where things are kept that can be had again: `~/.cache/404-cli`, or below `XDG_CACHE_HOME`.
pub(crate) fn cache() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("404-cli"))
}
