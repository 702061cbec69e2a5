//! What in a commit would cost its owner a round, and what may: pure, from a [`Snapshot`].
//!
//! Hard is what makes the build or the run fail; the rest are the competition's rules, which the source auditor judges by
//! reading, and of which only signs can be seen from here.

use serde::Serialize;

use crate::dockerfile::{self, Base, Instruction};
use crate::hardware::Hardware;
use crate::pins;
use crate::python::unpinned_loads;
use crate::shell;
use crate::snapshot::{EntryKind, LFS_POINTER, Snapshot, has_extension, is_dockerfile, is_requirements, name};

/// The only Dockerfile that is built.
const DOCKERFILE: &str = "docker/Dockerfile";
/// Where the subnet asks the container.
const PORT: u16 = 10_006;
/// Findings of one kind that are told one by one.
const MOST_OF_A_KIND: usize = 8;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The build or the run fails.
    Fail,
    /// It may cost the submission.
    Warning,
}

/// Something that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its name for scripts.
    pub code: &'static str,
    /// What was found.
    pub sentence: String,
    /// File, and line from 1 where there is one.
    pub path: Option<String>,
    /// The line.
    pub line: Option<usize>,
    /// What to do about it.
    pub fix: &'static str,
}

/// All that is seen of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Which machine it is verified on.
    pub hardware: Hardware,
    /// Findings, the hard ones first.
    pub findings: Vec<Finding>,
    /// Files of the commit.
    pub files: usize,
}

impl Inspection {
    /// Whether the build or the run would fail.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Fail)
    }
}

/// Looks at a commit.
pub fn inspect(snapshot: &Snapshot) -> Inspection {
    let mut notes = Notes::default();
    let hardware = Hardware::read(snapshot.texts.get("hardware.json").map(String::as_str));
    if let Some(note) = &hardware.note {
        let fix =
            "write {\"hardware\": [\"4xH200\"]} or {\"hardware\": [\"4xRTX6000Pro\"]} into hardware.json at the top";
        notes.add(Severity::Warning, "hardware", note.to_string(), Some(("hardware.json", None)), fix);
    }
    if snapshot.entries.get("hardware.json").is_some_and(|entry| entry.kind != EntryKind::File) {
        let sentence = "hardware.json is a link: it may count for nothing".to_owned();
        notes.add(Severity::Warning, "hardware", sentence, Some(("hardware.json", None)), "make it a plain file");
    }
    the_dockerfile(snapshot, &mut notes);
    outside_of_the_checkout(snapshot, &mut notes);
    commands(snapshot, &mut notes);
    requirements_and_models(snapshot, &mut notes);
    for path in &snapshot.unread {
        let sentence = format!("{path} was not looked into: too large, or one of too many");
        notes.add(Severity::Warning, "not_read", sentence, Some((path, None)), "look at it yourself");
    }
    Inspection { hardware, findings: notes.finish(), files: snapshot.entries.len() }
}

#[derive(Default)]
struct Notes(Vec<Finding>);

impl Notes {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        sentence: String,
        place: Option<(&str, Option<usize>)>,
        fix: &'static str,
    ) {
        let (path, line) = place.map_or((None, None), |(path, line)| (Some(path.to_owned()), line));
        self.0.push(Finding { severity, code, sentence, path, line, fix });
    }

    /// The hard ones first, and of each kind only so many.
    fn finish(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| (finding.severity != Severity::Fail, finding.code));
        let mut kept: Vec<Finding> = Vec::new();
        for kind in self.0.chunk_by(|one, other| one.code == other.code) {
            let (shown, left) = kind.split_at(kind.len().min(MOST_OF_A_KIND));
            kept.extend_from_slice(shown);
            if let Some(first) = left.first() {
                let sentence = format!("{} more of this kind", left.len());
                kept.push(Finding { sentence, path: None, line: None, ..first.clone() });
            }
        }
        kept
    }
}

fn the_dockerfile(snapshot: &Snapshot, notes: &mut Notes) {
    let at = |line| Some((DOCKERFILE, line));
    let Some(entry) = snapshot.entries.get(DOCKERFILE) else {
        let near = snapshot.entries.keys().find(|path| name(path).eq_ignore_ascii_case("dockerfile"));
        let near = near.map_or_else(String::new, |path| format!("; there is {path}"));
        let fix = "the subnet builds docker/Dockerfile with the whole checkout as context: put it there";
        return notes.add(Severity::Fail, "no_dockerfile", format!("the commit has no {DOCKERFILE}{near}"), None, fix);
    };
    if entry.kind == EntryKind::Submodule {
        let sentence = format!("{DOCKERFILE} is a submodule, which stays empty");
        return notes.add(Severity::Fail, "no_dockerfile", sentence, at(None), "make it a plain file");
    }
    let Some(text) = snapshot.texts.get(DOCKERFILE).filter(|_| entry.kind == EntryKind::File) else {
        return notes.add(
            Severity::Warning,
            "not_read",
            format!("{DOCKERFILE} is a link and was not read"),
            at(None),
            "make it a plain file",
        );
    };
    if text.starts_with(LFS_POINTER) {
        let sentence = format!("{DOCKERFILE} is in git-lfs, which the builder does not fetch");
        return notes.add(Severity::Fail, "no_dockerfile", sentence, at(None), "keep it out of git-lfs");
    }
    let instructions = dockerfile::instructions(text);
    if !instructions.iter().any(|one| one.name == "FROM") {
        let sentence = format!("{DOCKERFILE} has no FROM");
        return notes.add(Severity::Fail, "no_dockerfile", sentence, at(None), "write a Dockerfile that builds");
    }
    if !dockerfile::exposes(&instructions, PORT) {
        let sentence = format!("{DOCKERFILE} has no EXPOSE {PORT}");
        notes.add(
            Severity::Warning,
            "port",
            sentence,
            at(None),
            "the subnet asks port 10006: serve 0.0.0.0:10006 and expose it",
        );
    }
    for instruction in instructions.iter().filter(|one| matches!(one.name.as_str(), "CMD" | "ENTRYPOINT")) {
        if instruction.rest.contains("127.0.0.1") || instruction.rest.contains("localhost") {
            let sentence = "the server seems to listen on this container alone".to_owned();
            notes.add(Severity::Warning, "port", sentence, at(Some(instruction.line)), "bind 0.0.0.0:10006");
        }
    }
    copied(snapshot, &instructions, notes);
}

fn copied(snapshot: &Snapshot, instructions: &[Instruction], notes: &mut Notes) {
    for (path, line) in dockerfile::copied(instructions) {
        let inside = path.trim_start_matches("./");
        let submodule =
            snapshot.entries.get(inside.trim_end_matches('/')).is_some_and(|entry| entry.kind == EntryKind::Submodule);
        if submodule || !snapshot.has(inside) {
            let why = if submodule { "a submodule, which stays empty" } else { "not in the commit" };
            let fix = "paths are relative to the top of the repository, not to docker/";
            let sentence = format!("`{}` is copied and is {why}", gen404_outside::text::excerpt(&path, 80));
            notes.add(Severity::Fail, "copy", sentence, Some((DOCKERFILE, Some(line))), fix);
        }
    }
}

/// Submodules and git-lfs: the builder's checkout fetches neither.
fn outside_of_the_checkout(snapshot: &Snapshot, notes: &mut Notes) {
    for (path, _) in snapshot.entries.iter().filter(|(_, entry)| entry.kind == EntryKind::Submodule) {
        let sentence = format!("{path} is a submodule: its folder is empty when the image is built");
        notes.add(Severity::Warning, "submodule", sentence, Some((path, None)), "copy its files into the repository");
    }
    for (path, text) in snapshot.texts_where(|path| name(path) == ".gitattributes") {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.starts_with('#') && line.split_whitespace().any(|word| word == "filter=lfs") {
                let pattern = line.split_whitespace().next().unwrap_or_default();
                let pattern = gen404_outside::text::excerpt(pattern, 60);
                let sentence = format!("`{pattern}` is in git-lfs: the builder gets pointers instead of files");
                let fix = "have the Dockerfile download such files from a pinned place";
                notes.add(Severity::Warning, "lfs", sentence, Some((path, Some(index + 1))), fix);
            }
        }
    }
    for (path, _) in snapshot.texts.iter().filter(|(path, text)| text.starts_with(LFS_POINTER) && *path != DOCKERFILE) {
        let sentence = format!("{path} is a git-lfs pointer");
        notes.add(
            Severity::Warning,
            "lfs",
            sentence,
            Some((path, None)),
            "the builder gets the pointer: keep it out of git-lfs",
        );
    }
}

/// Base images and what commands install.
fn commands(snapshot: &Snapshot, notes: &mut Notes) {
    for (path, text) in snapshot.texts_where(is_dockerfile) {
        let instructions = dockerfile::instructions(text);
        for (base, line) in dockerfile::bases(&instructions) {
            let (code, sentence) = match base {
                Base::Fixed => continue,
                Base::Floating(image) => ("base_image", format!("`{image}` names no version")),
                Base::Tag(image) => ("base_image_tag", format!("`{image}` is a tag, which can be moved")),
                Base::Unknown(image) => ("base_image", format!("`{image}` cannot be told from here")),
            };
            let fix = "name it by its digest: image@sha256:…, which `docker buildx imagetools inspect IMAGE` prints";
            notes.add(Severity::Warning, code, sentence, Some((path, Some(line))), fix);
        }
        let commands: Vec<_> = instructions.iter().flat_map(Instruction::commands).collect();
        installed(path, &commands, notes);
    }
    for (path, text) in snapshot.texts_where(|path| has_extension(path, "sh")) {
        installed(path, &shell::commands(text, 1), notes);
    }
}

fn installed(path: &str, commands: &[shell::Command], notes: &mut Notes) {
    for command in commands {
        for package in pins::unpinned_packages(command) {
            let sentence = format!("`pip install {}` names no version", gen404_outside::text::excerpt(&package, 60));
            notes.add(Severity::Warning, "pip", sentence, Some((path, Some(command.line))), "pin it with ==");
        }
    }
    for command in pins::clones_unpinned(commands) {
        let sentence = "`git clone` takes whatever the branch holds on that day".to_owned();
        let fix = "check a commit out after it: git checkout <hash>";
        notes.add(Severity::Warning, "git_clone", sentence, Some((path, Some(command.line))), fix);
    }
}

fn requirements_and_models(snapshot: &Snapshot, notes: &mut Notes) {
    for (path, text) in snapshot.texts_where(is_requirements) {
        for (requirement, line) in pins::unpinned_requirements(text) {
            let sentence = format!("`{requirement}` names no exact version");
            notes.add(Severity::Warning, "pip", sentence, Some((path, Some(line))), "pin it with ==");
        }
    }
    for (path, text) in snapshot.texts_where(|path| has_extension(path, "py")) {
        for (function, line) in unpinned_loads(text) {
            let sentence = format!("`{function}` without `revision` takes whatever the hub holds on that day");
            let fix = "give it revision=<commit hash>: the source auditor looks for it";
            notes.add(Severity::Warning, "model_revision", sentence, Some((path, Some(line))), fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Entry;

    const GOOD: &str =
        "FROM python@sha256:00\nCOPY src /app\nRUN pip install -r requirements.txt\nEXPOSE 10006\nCMD [\"python\"]\n";

    fn codes(files: &[(&str, &str)]) -> Vec<(&'static str, Severity)> {
        inspect(&Snapshot::of(files)).findings.iter().map(|finding| (finding.code, finding.severity)).collect()
    }

    #[test]
    fn a_good_commit_has_nothing_to_say() {
        let files = [
            ("docker/Dockerfile", GOOD),
            ("src/a.py", "x = 1"),
            ("requirements.txt", "torch==2.4.1\n"),
            ("hardware.json", "{\"hardware\":[\"4xH200\"]}"),
        ];
        let inspection = inspect(&Snapshot::of(&files));
        assert_eq!((inspection.findings, inspection.files), (Vec::new(), 4));
    }

    #[test]
    fn what_fails_the_build_comes_first() {
        use Severity::{Fail, Warning};
        assert_eq!(codes(&[("Dockerfile", "FROM x")])[0], ("no_dockerfile", Fail));
        let told = inspect(&Snapshot::of(&[("Dockerfile", GOOD)]));
        assert_eq!(told.findings[0].sentence, "the commit has no docker/Dockerfile; there is Dockerfile");
        assert!(told.fails());
        // The context is the top of the repository.
        let text = "FROM a:1\nCOPY requirements.txt server.py /app/\n";
        assert_eq!(
            codes(&[("docker/Dockerfile", text), ("docker/requirements.txt", ""), ("server.py", "")]),
            [("copy", Fail), ("base_image_tag", Warning), ("port", Warning)]
        );
        assert_eq!(codes(&[("docker/Dockerfile", &format!("{LFS_POINTER}v1\n"))]), [("no_dockerfile", Fail)]);
        assert_eq!(codes(&[("docker/Dockerfile", "# nothing\n")]), [("no_dockerfile", Fail)]);
    }

    #[test]
    fn each_thing_that_floats_is_told_with_its_place() {
        let text = "FROM ubuntu:latest\nRUN pip install torch && git clone https://h/a\nEXPOSE 10006\nCMD serve --host 127.0.0.1\n";
        let files = [
            ("docker/Dockerfile", text),
            ("src/load.py", "\nx.from_pretrained('a/b')\n"),
            ("requirements-gpu.txt", "numpy>=1\n"),
            ("setup.sh", "#!/bin/sh\npip3 install einops\n"),
            (".gitattributes", "*.safetensors filter=lfs diff=lfs\n"),
            ("hardware.json", "{\"hardware\":[\"4xh200\"]}"),
        ];
        let found: Vec<_> = inspect(&Snapshot::of(&files))
            .findings
            .into_iter()
            .map(|finding| {
                (finding.code, format!("{}:{}", finding.path.unwrap_or_default(), finding.line.unwrap_or(0)))
            })
            .collect();
        let expected = [
            ("base_image", "docker/Dockerfile:1"),
            ("git_clone", "docker/Dockerfile:2"),
            ("hardware", "hardware.json:0"),
            ("lfs", ".gitattributes:1"),
            ("model_revision", "src/load.py:2"),
            ("pip", "docker/Dockerfile:2"),
            ("pip", "setup.sh:2"),
            ("pip", "requirements-gpu.txt:1"),
            ("port", "docker/Dockerfile:4"),
        ];
        assert_eq!(found, expected.map(|(code, place)| (code, place.to_owned())));
    }

    #[test]
    fn submodules_are_told_and_a_copied_one_fails() {
        let mut snapshot = Snapshot::of(&[("docker/Dockerfile", "FROM a@sha256:0\nCOPY lib /lib\nEXPOSE 10006\n")]);
        snapshot.entries.insert("lib".to_owned(), Entry { kind: EntryKind::Submodule, object: String::new() });
        let codes: Vec<_> = inspect(&snapshot).findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["copy", "submodule"]);
    }

    #[test]
    fn many_of_a_kind_are_counted() {
        let many: Vec<_> = (0..30).map(|number| format!("package{number}")).collect();
        let many = many.join("\n");
        let files = [("docker/Dockerfile", GOOD), ("src/x", ""), ("requirements.txt", many.as_str())];
        let findings = inspect(&Snapshot::of(&files)).findings;
        assert_eq!((findings.len(), findings[8].sentence.as_str()), (9, "22 more of this kind"));
    }

    #[test]
    fn nothing_from_outside_makes_it_stumble() {
        use proptest::prelude::*;
        proptest!(|(text in "(FROM|RUN|COPY|pip install|git clone|<<E|\\\\|\n| |'|\"|#|\\[|\\(|ü|.){0,60}")| {
            let names = ["docker/Dockerfile", "requirements.txt", "a.sh", "a.py", ".gitattributes", "hardware.json"];
            inspect(&Snapshot::of(&names.map(|name| (name, text.as_str()))));
        });
    }
}
