//! Whether a newer version is out. The user's own pip is asked, which knows the index, the proxy and the keys that an upgrade
//! would use; so no address is written here. Asked once a day at most, and never for a script.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use gen404_outside::disk::{Durability, write_whole};
use gen404_round::check::Check;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::Arguments;
use crate::version::VERSION;

pub(super) const CHECKS: [&str; 1] = [NAME];
const NAME: &str = "version";
const PACKAGE: &str = "gen404-cli";
const DAY: i64 = 86_400;
/// pip is told to give up after five seconds; this is for one that does not.
const LIMIT: Duration = Duration::from_secs(15);
/// All versions on an index, in a line.
const MOST: u64 = 64 << 10;

/// A version as numbers. The index may also have others, which pip does not offer.
type Numbers = [u32; 3];

/// What the index said, kept for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    /// Seconds since 1970.
    asked_at: i64,
    /// Nothing when it could not be learned.
    newest: Option<String>,
}

pub(super) async fn checks(arguments: &Arguments) -> Vec<Check> {
    let named = arguments.only.iter().any(|only| only == NAME);
    if arguments.no_update_check {
        return vec![Check::skipped(NAME, "turned off", "leave out --no-update-check")];
    }
    // A script cannot upgrade its tool, and should not depend on an index. One that names the check means it.
    if !named && (arguments.json || !std::io::stderr().is_terminal()) {
        return vec![Check::skipped(NAME, "no terminal: scripts do not ask", "--only version")];
    }
    let Some(folder) = crate::folders::cache() else {
        return vec![Check::skipped(NAME, "no folder to keep the answer in", "set HOME or XDG_CACHE_HOME")];
    };
    vec![of_today(&folder.join("newest-version.json")).await]
}

/// The answer of today, asked for when there is none yet.
async fn of_today(kept: &Path) -> Check {
    let now = jiff::Timestamp::now().as_second();
    if let Some(answer) = read(kept).filter(|answer| is_of_today(answer, now)) {
        return judged(answer.newest.as_deref());
    }
    // Written first: an interrupted question was one, too, and nobody asks who could not keep the answer.
    let mut answer = Answer { asked_at: now, newest: None };
    if let Err(error) = write(kept, &answer) {
        let sentence = format!("the answer cannot be kept in {}: {error}", kept.display());
        return Check::skipped(NAME, sentence, "make the folder writable");
    }
    let Some(pip) = pip() else {
        return Check::skipped(NAME, "no pip here, which knows the index", "install pip, and try again tomorrow");
    };
    answer.newest = asked(&pip).await;
    // What was learned is true also when it cannot be kept.
    let _kept = write(kept, &answer);
    judged(answer.newest.as_deref())
}

fn read(kept: &Path) -> Option<Answer> {
    serde_json::from_slice(&std::fs::read(kept).ok()?).ok()
}

fn write(kept: &Path, answer: &Answer) -> std::io::Result<()> {
    write_whole(kept, serde_json::to_string(answer)?.as_bytes(), Durability::Whole)
}

/// A date in the future comes from a clock that was wrong.
fn is_of_today(answer: &Answer, now: i64) -> bool {
    (0..DAY).contains(&now.saturating_sub(answer.asked_at))
}

/// The pip beside this binary, which has installed it and would upgrade it; otherwise the user's.
fn pip() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = beside.into_iter().chain(std::env::split_paths(&path));
    folders.flat_map(|folder| ["pip", "pip3"].map(|name| folder.join(name))).find(|pip| pip.is_file())
}

/// The newest version that pip would install. Nothing when the index does not answer or does not have the package.
async fn asked(pip: &Path) -> Option<String> {
    let mut asking = Command::new(pip)
        .args(["--disable-pip-version-check", "--no-input", "--retries", "0", "--timeout", "5"])
        .args(["index", "versions", PACKAGE])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut said = Vec::new();
    let mut answer = asking.stdout.take()?.take(MOST);
    tokio::time::timeout(LIMIT, answer.read_to_end(&mut said)).await.ok()?.ok()?;
    offered(&String::from_utf8_lossy(&said))
}

/// `gen404-cli (0.2.0)` is how pip begins.
fn offered(said: &str) -> Option<String> {
    let version = said.lines().next()?.strip_prefix(PACKAGE)?.trim().strip_prefix('(')?.strip_suffix(')')?;
    numbers(version).map(|_| version.to_owned())
}

fn numbers(version: &str) -> Option<Numbers> {
    let parts: Vec<u32> = version.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}

fn judged(newest: Option<&str>) -> Check {
    let known = newest.and_then(numbers).zip(newest);
    let Some((number, newest)) = known else {
        let sentence = "the index that pip uses named no version when it was asked today";
        return Check::skipped(NAME, sentence, format!("pip index versions {PACKAGE}"));
    };
    if Some(number) > numbers(VERSION) {
        let fix = format!("pip install --upgrade {PACKAGE}");
        Check::warn(NAME, format!("{newest} is out, this is {VERSION}"), fix)
    } else {
        Check::pass(NAME, format!("{VERSION}; no newer one is on the index that pip uses"))
    }
}

#[cfg(test)]
mod tests {
    use gen404_round::check::Outcome;

    use super::*;

    #[test]
    fn only_what_pip_says_of_this_package_is_a_version() {
        let said = "gen404-cli (0.12.3)\nAvailable versions: 0.12.3, 0.1.0\n  INSTALLED: 0.1.0\n";
        assert_eq!(offered(said).as_deref(), Some("0.12.3"));
        for other in ["", "gen404 (9.0.0)", "gen404-cli (9.0.0rc1)", "gen404-cli (\u{1b}[2J)", "gen404-cli 9.0.0"] {
            assert_eq!(offered(other), None, "{other}");
        }
    }

    #[test]
    fn a_newer_version_warns_by_number_and_not_by_letter() {
        let [major, minor, patch] = numbers(VERSION).expect("three numbers");
        let outcome = |version: String| judged(Some(&version)).outcome;
        assert_eq!(outcome(format!("{major}.{minor}.{}", patch + 10)), Outcome::Warn);
        assert_eq!(outcome(VERSION.to_owned()), Outcome::Pass);
        assert_eq!(outcome("0.0.9".to_owned()), Outcome::Pass);
        // A kept answer may have been written by anybody.
        assert_eq!(outcome("9.9.9\u{1b}[2J".to_owned()), Outcome::Skipped);
        assert_eq!(judged(None).outcome, Outcome::Skipped);
    }

    #[test]
    fn an_answer_lasts_a_day_and_one_of_tomorrow_does_not_count() {
        let answer = Answer { asked_at: 1_000_000, newest: None };
        assert!(is_of_today(&answer, 1_000_000) && is_of_today(&answer, 1_000_000 + DAY - 1));
        assert!(!is_of_today(&answer, 1_000_000 + DAY) && !is_of_today(&answer, 999_999));
        assert!(!is_of_today(&Answer { asked_at: i64::MIN, newest: None }, i64::MAX));
    }
}
