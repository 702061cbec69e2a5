//! Hints and documents send people to options and commands by name: each of them exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Options of other programs that are spoken of.
const OF_OTHERS: &[&str] = &[
    "allow-empty",
    "bench",
    "check",
    "data-binary",
    "env-file",
    "filter",
    "format",
    "ignore-missing",
    "limit-mm-per-prompt",
    "locked",
    "max-model-len",
    "network",
    "no-capture",
    "no-sandbox",
    "path",
    "rehearse",
    "remap-path-prefix",
    "rm",
    "root",
    "run-ignored",
    "security-opt",
    "target",
    "upgrade",
    "workspace",
];

/// Files that give other programs their options.
const START_OTHERS: &[&str] = &[
    "renderer/src/chromium/process.rs",
    "renderer/src/three.rs",
    "targon/src/pod.rs",
    "cli/src/commands/demo/repository.rs",
    "cli/src/commands/doctor/newest.rs",
    "repository/src/dockerfile.rs",
    "repository/src/fetch.rs",
    "repository/src/git.rs",
    "repository/src/pins.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program's options and commands, as the reference has them; another test proves that it is what `--help` says.
fn known() -> (BTreeSet<String>, BTreeSet<String>) {
    let reference = std::fs::read_to_string(root().join("docs/cli.md")).expect("the reference");
    let options = reference.lines().filter(|line| line.starts_with(' ') && line.trim_start().starts_with('-'));
    let commands = reference.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(" 404-cli "));
    (options.flat_map(options_in).collect(), commands.map(str::to_owned).collect())
}

/// Whatever looks like a long option, without its dashes.
fn options_in(text: &str) -> Vec<String> {
    let is_of_a_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter);
    let found = text.match_indices("--").filter_map(|(at, dashes)| {
        let before = text[..at].chars().next_back();
        let rest = &text[at + dashes.len()..];
        let end = rest.find(|letter: char| !is_of_a_name(letter)).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches(['-', '.']);
        let is_name = name.starts_with(|letter: char| letter.is_ascii_lowercase());
        let stands_alone = before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '-');
        (is_name && stands_alone).then(|| name.to_owned())
    });
    found.collect()
}

/// The command of each `404-cli …` that stands as code.
fn commands_in(text: &str) -> Vec<&str> {
    let found = text.split("`404-cli ").skip(1).filter_map(|rest| rest.split(['`', ' ', '\n']).next());
    found.filter(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase())).collect()
}

/// What people read: documents, and of a source file all but its comments and tests.
fn read_by_people(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("text");
    if file.extension().is_none_or(|extension| extension != "rs") {
        return text;
    }
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let is_shown = |line: &&str| !line.trim_start().starts_with("//") || line.trim_start().starts_with("///");
    code.lines().filter(is_shown).collect::<Vec<_>>().join("\n")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_option_and_command_that_is_named_exists() {
    let (options, commands) = known();
    assert!(options.contains("subtensor.endpoint") && commands.contains("pods logs"), "the reference is understood");
    let mut all = vec![root().join("README.md")];
    files(&root().join("docs"), ".md", &mut all);
    for room in std::fs::read_dir(root().join("crates")).expect("rooms") {
        files(&room.expect("a room").path().join("src"), ".rs", &mut all);
    }
    let mut unknown = Vec::new();
    for file in &all {
        let text = read_by_people(file);
        if !START_OTHERS.iter().any(|other| file.ends_with(other)) {
            let named = options_in(&text);
            let strange = named.iter().filter(|name| !options.contains(*name) && !OF_OTHERS.contains(&name.as_str()));
            unknown.extend(strange.map(|name| format!("{}: --{name}", file.display())));
        }
        let strange = commands_in(&text).into_iter().filter(|name| !commands.contains(*name));
        unknown.extend(strange.map(|name| format!("{}: 404-cli {name}", file.display())));
    }
    assert!(unknown.is_empty(), "no such option or command:\n{}", unknown.join("\n"));
}

#[test]
fn what_does_not_exist_is_seen() {
    assert_eq!(options_in("give --no-such. `--this-too=x`, but a--b and ---c are none"), ["no-such", "this-too"]);
    assert_eq!(commands_in("`404-cli fly` and `404-cli pods logs`, 404-cli never, `404-cli --help`"), ["fly", "pods"]);
}
