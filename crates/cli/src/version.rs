//! What this binary is: its version, the commit it was built from, and what its pictures are made with.
//! A release is told its commit by `scripts/release`. Any other build says that it does not know: asking git while
//! compiling would build the binary again after every commit.

use gen404_renderer::{RECIPE_VERSION, THREE_PACKAGE};

/// The version of the package.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `--version` says after the name; `-V` says the version alone.
pub(crate) fn in_full() -> String {
    described(option_env!("RELEASE_COMMIT"), option_env!("RELEASE_DATE"))
}

fn described(commit: Option<&str>, date: Option<&str>) -> String {
    let dated = date.map(|date| format!(" of {date}")).unwrap_or_default();
    let commit = commit.map_or_else(|| "unknown".to_owned(), |commit| format!("{commit}{dated}"));
    let three = THREE_PACKAGE.replace('@', " ");
    format!("{VERSION}\ncommit {commit}\n{three}\nrecipe {RECIPE_VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_names_its_commit_and_another_build_does_not_guess() {
        let release = described(Some("0222e8b984ef682d6105c52e2f5f899661e20b50"), Some("2026-11-25"));
        assert_eq!(release.lines().nth(1), Some("commit 0222e8b984ef682d6105c52e2f5f899661e20b50 of 2026-11-25"));
        assert_eq!(described(None, Some("2026-11-25")).lines().nth(1), Some("commit unknown"));
    }
}
