//! Gets a commit's tree and its texts with three questions to git: the tree, the few contents, and nothing else.
//! Says of a refusal whether it is an answer.

use std::time::Duration;

use gen404_outside::text::excerpt;
use gen404_round::CommitHash;
use tokio::time::Instant;

use crate::error::RepositoryError;
use crate::git::{Git, Ran, RunError};
use crate::origin::Origin;
use crate::snapshot::{Entry, EntryKind, LONGEST_TEXT, Snapshot};

/// A list of files that is longer is no miner's.
const LARGEST_LISTING: usize = 32 << 20;

/// All texts together.
const LARGEST_TEXTS: usize = 64 << 20;

/// What of git's complaint is repeated.
const EXCERPT: usize = 200;

/// What git says of a repository that is not there, or that wants a login. Services answer the same for both.
const PRIVATE_OR_NOT_THERE: [&str; 9] = [
    "repository not found",
    "could not read username",
    "could not read password",
    "unable to get password",
    "authentication failed",
    "returned error: 401",
    "returned error: 404",
    "does not appear to be a git repository",
    "no such file or directory",
];

/// How long git may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For everything together.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_mins(2) }
    }
}

/// Fetches a commit's tree and the texts that matter into a folder that is gone afterwards.
pub async fn fetch(origin: &Origin, commit: &CommitHash, limits: Limits) -> Result<Snapshot, RepositoryError> {
    let folder = tempfile::Builder::new().prefix("404-cli-repository-").tempdir().map_err(RepositoryError::NoRoom)?;
    let visit = Visit {
        origin: origin.to_string(),
        commit,
        git: Git::new(folder.path()),
        deadline: Instant::now() + limits.time,
        limits,
    };
    std::fs::create_dir_all(folder.path().join("objects")).map_err(RepositoryError::NoRoom)?;
    std::fs::create_dir_all(folder.path().join("refs")).map_err(RepositoryError::NoRoom)?;
    std::fs::write(folder.path().join("HEAD"), "ref: refs/heads/none\n").map_err(RepositoryError::NoRoom)?;
    std::fs::write(folder.path().join("config"), configuration(&origin.address()?)).map_err(RepositoryError::NoRoom)?;
    visit.tree(origin.is_local()).await?;
    let mut snapshot = visit.listing().await?;
    let chosen = snapshot.choose();
    if !chosen.is_empty() {
        visit.contents(&chosen).await?;
        visit.texts(&chosen, &mut snapshot).await?;
    }
    Ok(snapshot)
}

/// A bare repository that may lack contents. The address is quoted as git's configuration wants it.
fn configuration(address: &str) -> String {
    let quoted = address.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!(
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tpartialClone = origin\n\
         [remote \"origin\"]\n\turl = \"{quoted}\"\n\tpromisor = true\n\tpartialclonefilter = blob:none\n"
    )
}

struct Visit<'a> {
    origin: String,
    commit: &'a CommitHash,
    git: Git,
    deadline: Instant,
    limits: Limits,
}

impl Visit<'_> {
    async fn run(&self, arguments: &[&str], input: &[u8], most: usize) -> Result<Ran, RepositoryError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let origin = self.origin.clone();
        self.git.run(arguments, input, most, left).await.map_err(|error| match error {
            RunError::Start(error) => RepositoryError::NoGit(error),
            RunError::Talk(error) => RepositoryError::Failed { origin, said: error.to_string() },
            RunError::TooMuch => RepositoryError::TooLarge { origin, what: "it has too many files" },
            RunError::TimedOut => RepositoryError::TimedOut { origin, limit: self.limits.time },
        })
    }

    /// The commit with its trees, without contents where the server can leave them out.
    async fn tree(&self, is_local: bool) -> Result<(), RepositoryError> {
        let mut arguments =
            vec!["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--filter=blob:none"];
        if is_local {
            // A folder's own settings would not let a filter or a bare hash pass.
            arguments.push(
                "--upload-pack=git -c safe.directory=* -c uploadpack.allowFilter=true \
                 -c uploadpack.allowAnySHA1InWant=true upload-pack",
            );
        }
        arguments.extend(["origin", self.commit.as_str()]);
        let ran = self.run(&arguments, b"", LARGEST_LISTING).await?;
        if ran.succeeded { Ok(()) } else { Err(self.refused(&ran.stderr)) }
    }

    async fn listing(&self) -> Result<Snapshot, RepositoryError> {
        let ran = self.run(&["ls-tree", "-r", "-z", "--full-tree", self.commit.as_str()], b"", LARGEST_LISTING).await?;
        if !ran.succeeded {
            return Err(self.refused(&ran.stderr));
        }
        let entries = ran.stdout.split(|byte| *byte == 0).filter_map(entry).collect();
        Ok(Snapshot { entries, ..Snapshot::default() })
    }

    /// Has the contents sent, all with one question; those that are here already are not sent again.
    async fn contents(&self, chosen: &[(String, String)]) -> Result<(), RepositoryError> {
        let arguments =
            ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        let arguments = [&arguments[..], &["--filter=blob:none", "--stdin", "origin"]].concat();
        let ran = self.run(&arguments, &list(chosen), LARGEST_LISTING).await?;
        if ran.succeeded { Ok(()) } else { Err(self.refused(&ran.stderr)) }
    }

    async fn texts(&self, chosen: &[(String, String)], snapshot: &mut Snapshot) -> Result<(), RepositoryError> {
        let ran = self.run(&["cat-file", "--batch"], &list(chosen), LARGEST_TEXTS).await?;
        if !ran.succeeded {
            return Err(self.refused(&ran.stderr));
        }
        let mut rest = ran.stdout.as_slice();
        for (path, _) in chosen {
            let Some(content) = next_content(&mut rest) else {
                let said = "its answer about the contents makes no sense".to_owned();
                return Err(RepositoryError::Failed { origin: self.origin.clone(), said });
            };
            if content.len() > LONGEST_TEXT {
                snapshot.unread.push(path.clone());
            } else {
                snapshot.texts.insert(path.clone(), String::from_utf8_lossy(content).into_owned());
            }
        }
        Ok(())
    }

    /// What git's complaint means. The words are those of git in the plain locale, and of what servers say through it.
    fn refused(&self, said: &str) -> RepositoryError {
        let origin = self.origin.clone();
        let lower = said.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let first = said.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
        let said = excerpt(first.or_else(|| said.lines().next()).unwrap_or("it gave no reason"), EXCERPT);
        if has(&["not our ref", "bad object", "not a tree object", "not a valid object name", "no such remote ref"]) {
            RepositoryError::NoCommit { origin, commit: self.commit.as_str().to_owned() }
        } else if has(&PRIVATE_OR_NOT_THERE) || (has(&["repository '"]) && has(&["' not found"])) {
            RepositoryError::NotPublic { origin, said }
        } else if has(&["file size limit", "file too large", "signal 25"]) {
            RepositoryError::TooLarge { origin, what: "the server sends all contents, and they are too many" }
        } else {
            RepositoryError::Failed { origin, said }
        }
    }
}

/// Names of objects, one a line.
fn list(chosen: &[(String, String)]) -> Vec<u8> {
    let mut objects: Vec<u8> = Vec::with_capacity(41 * chosen.len());
    for (_, object) in chosen {
        objects.extend_from_slice(object.as_bytes());
        objects.push(b'\n');
    }
    objects
}

/// `<mode> <type> <object>\t<path>`. A path that is not UTF-8 is shown with replacement characters: nothing is looked up by it.
fn entry(line: &[u8]) -> Option<(String, Entry)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (facts, path) = (str::from_utf8(&line[..tab]).ok()?, String::from_utf8_lossy(&line[tab + 1..]).into_owned());
    let mut facts = facts.split(' ');
    let (mode, kind, object) = (facts.next()?, facts.next()?, facts.next()?);
    let is_name = object.bytes().all(|byte| byte.is_ascii_hexdigit()) && object.len() >= 40;
    let kind = match (kind, mode) {
        ("commit", _) => EntryKind::Submodule,
        (_, "120000") => EntryKind::Link,
        _ => EntryKind::File,
    };
    is_name.then(|| (path, Entry { kind, object: object.to_owned() }))
}

/// `<object> blob <size>\n<content>\n`, of which the content is given and all of it skipped.
fn next_content<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (_, size) = str::from_utf8(&rest[..end]).ok()?.rsplit_once(' ')?;
    let size: usize = size.parse().ok()?;
    let content = rest.get(end + 1..end + 1 + size)?;
    *rest = rest.get(end + 1 + size + 1..)?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read_one_after_another() {
        let mut rest: &[u8] = b"0a blob 3\na\nb\n0b blob 0\n\n0c missing\n";
        assert_eq!(next_content(&mut rest), Some(b"a\nb".as_slice()));
        assert_eq!(next_content(&mut rest), Some(b"".as_slice()));
        assert_eq!(next_content(&mut rest), None);
        assert_eq!(next_content(&mut b"0a blob 99\nabc\n".as_slice()), None);
    }

    #[test]
    fn lines_of_a_tree_are_told_apart() {
        let name = "a".repeat(40);
        let kind = |line: &str| entry(line.as_bytes()).map(|(path, entry)| (path, entry.kind));
        assert_eq!(kind(&format!("100644 blob {name}\ta b\tc")), Some(("a b\tc".into(), EntryKind::File)));
        assert_eq!(kind(&format!("120000 blob {name}\tx")), Some(("x".into(), EntryKind::Link)));
        assert_eq!(kind(&format!("160000 commit {name}\tx")), Some(("x".into(), EntryKind::Submodule)));
        assert_eq!(kind("100644 blob --upload\tx"), None);
        assert_eq!(kind(""), None);
    }

    #[test]
    fn an_address_cannot_leave_its_line() {
        let text = configuration("file:///a\"\n[core]\n\tfsmonitor = evil\\");
        assert_eq!(text.matches("[core]").count(), 2);
        assert!(text.contains(r#"url = "file:///a\"\n[core]\n"#), "{text}");
    }
}
