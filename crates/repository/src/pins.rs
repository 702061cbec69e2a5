//! What a build takes from outside without saying which version: it may be another one when the subnet builds.
//! Heuristics over commands and requirement files; pure.

use crate::shell::Command;

/// Options of pip that take a value of their own.
const WITH_VALUE: [&str; 21] = [
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "--timeout",
    "--retries",
    "--python-version",
    "--platform",
    "--abi",
    "--cache-dir",
    "--python",
    "-p",
];

/// What is installed without a version, of one command; `None` when it installs nothing.
pub(crate) fn unpinned_packages(command: &Command) -> Vec<String> {
    let words = &command.words;
    let Some(pip) = words.iter().position(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        name == "pip" || name == "pip3" || name.starts_with("pip3.")
    }) else {
        return Vec::new();
    };
    let Some(install) = words[pip..].iter().position(|word| word == "install") else { return Vec::new() };
    let mut unpinned = Vec::new();
    let mut words = words[pip + install + 1..].iter();
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word.as_str()) || word == "-e" || word == "--editable" {
            words.next();
        } else if !word.starts_with('-') && !is_pinned(word) {
            unpinned.push(word.clone());
        }
    }
    unpinned
}

/// Whether a requirement always means the same: an exact version, a path, or an address with a hash.
pub(crate) fn is_pinned(requirement: &str) -> bool {
    let text = requirement.split([';', '#']).next().unwrap_or_default().trim();
    if let Some((_, rest)) = text.split_once("git+") {
        let path = rest.split_once("://").map_or(rest, |(_, rest)| rest);
        return path.rsplit_once('@').is_some_and(|(_, reference)| is_commit(reference));
    }
    let is_path =
        text.starts_with(['.', '/', '$', '-']) || [".whl", ".tar.gz"].iter().any(|ending| text.ends_with(ending));
    // `==1.*` is any version that begins so.
    let is_exact = text.contains("==") && !text.contains('*');
    text.is_empty() || is_path || is_exact || text.contains("://")
}

fn is_commit(reference: &str) -> bool {
    let reference = reference.split(['#', '&']).next().unwrap_or_default();
    reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Lines of a requirements file that are not pinned, with their numbers. Hashes may stand on lines that follow.
pub(crate) fn unpinned_requirements(text: &str) -> Vec<(String, usize)> {
    let lines = text.lines().enumerate().map(|(index, line)| (line.trim(), index + 1));
    lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with(['#', '-', '\\']) && !is_pinned(line))
        .map(|(line, number)| (gen404_outside::text::excerpt(line, 60), number))
        .collect()
}

/// Whether a `git clone` takes whatever a branch holds: none of the commands after it checks a commit out.
pub(crate) fn clones_unpinned(commands: &[Command]) -> impl Iterator<Item = &Command> {
    let is = |command: &Command, name: &str| {
        let mut words = command.words.iter().skip_while(|word| *word != "git").skip(1);
        words.any(|word| word == name)
    };
    let fixes = move |command: &Command| {
        ["checkout", "reset", "fetch", "switch"].iter().any(|name| is(command, name))
            && command.words.iter().any(|word| is_commit(word))
    };
    commands
        .iter()
        .enumerate()
        .filter(move |(at, command)| {
            is(command, "clone")
                && !command.words.iter().any(|word| word.strip_prefix("--revision=").is_some_and(is_commit))
                && !commands[at + 1..].iter().take_while(|next| !is(next, "clone")).any(fixes)
        })
        .map(|(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::commands;

    #[test]
    fn a_requirement_is_pinned_by_version_path_or_hash() {
        for pinned in [
            "torch==2.4.1",
            "torch==2.4.1+cu121 ; python_version > '3'",
            "./wheels/a.whl",
            ".",
            "a @ https://h/a-1.whl",
            "git+https://github.com/a/b@0123abc",
            "b @ git+https://github.com/a/b.git@0123456789abcdef#egg=b",
            "$PACKAGES",
        ] {
            assert!(is_pinned(pinned), "{pinned}");
        }
        for floating in
            ["torch", "torch>=2", "torch~=2.0", "torch==2.*", "git+https://github.com/a/b", "git+https://u@h/a/b@main"]
        {
            assert!(!is_pinned(floating), "{floating}");
        }
    }

    #[test]
    fn pip_in_its_forms_is_read() {
        let found = |text: &str| commands(text, 1).iter().flat_map(unpinned_packages).collect::<Vec<_>>();
        assert_eq!(found("pip install --no-cache-dir -r requirements.txt -e . a==1 b 'c>=2'"), ["b", "c>=2"]);
        assert_eq!(found("python -m pip install --index-url https://x a"), ["a"]);
        assert_eq!(found("uv pip install --system a==1 && /opt/venv/bin/pip3.11 install z"), ["z"]);
        assert_eq!(found("pip download a; echo pip; apt-get install b"), [""; 0]);
        let lines = unpinned_requirements("# x\ntorch==1\n-r b.txt\nnumpy\n\nscipy>=1 # y\n");
        assert_eq!(lines, [("numpy".to_owned(), 4), ("scipy>=1 # y".to_owned(), 6)]);
    }

    #[test]
    fn a_clone_is_fixed_by_the_checkout_that_follows() {
        let found = |text: &str| clones_unpinned(&commands(text, 1)).count();
        assert_eq!(found("git clone https://h/a && cd a && git checkout 0123456789"), 0);
        assert_eq!(found("git clone https://h/a && git -C a checkout main"), 1);
        assert_eq!(found("git clone -b v1 https://h/a; git clone https://h/b && git -C b reset --hard 0123456789"), 1);
    }
}
