//! `docker/Dockerfile` as far as the subnet's builder depends on it: base images, copied paths, the exposed port, and the
//! commands that are run. Not a builder: instructions that it does not know are passed over.

use crate::shell::{self, Command};

/// An instruction with the line it begins on; continued lines are joined by line feeds, so that lines stay countable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// In upper case.
    pub(crate) name: String,
    pub(crate) rest: String,
    pub(crate) line: usize,
}

/// The instructions of a Dockerfile.
pub(crate) fn instructions(text: &str) -> Vec<Instruction> {
    let mut found: Vec<Instruction> = Vec::new();
    let mut goes_on = false;
    let mut here_document: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if let Some(end) = &here_document {
            if trimmed == end {
                here_document = None;
            } else if let Some(last) = found.last_mut() {
                last.rest.push('\n');
                last.rest.push_str(trimmed);
            }
            continue;
        }
        if trimmed.starts_with('#') || (trimmed.is_empty() && !goes_on) {
            // A comment does not end what goes on around it.
            if let Some(last) = found.last_mut().filter(|_| goes_on) {
                last.rest.push_str("\n\\");
            }
            continue;
        }
        if goes_on {
            if let Some(last) = found.last_mut() {
                last.rest.push('\n');
                last.rest.push_str(trimmed);
            }
        } else {
            let (name, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
            found.push(Instruction { name: name.to_uppercase(), rest: rest.trim().to_owned(), line: index + 1 });
        }
        goes_on = trimmed.ends_with('\\');
        if !goes_on {
            here_document = found.last().and_then(begins_here_document);
        }
    }
    found
}

/// `<<EOF` at the end of a RUN or COPY.
fn begins_here_document(instruction: &Instruction) -> Option<String> {
    let is_able = matches!(instruction.name.as_str(), "RUN" | "COPY" | "ADD");
    let word = instruction.rest.split_whitespace().find_map(|word| word.strip_prefix("<<"))?;
    let word = word.trim_start_matches('-').trim_matches(['"', '\'']);
    (is_able && !word.is_empty() && word.chars().all(|letter| letter.is_alphanumeric() || letter == '_'))
        .then(|| word.to_owned())
}

impl Instruction {
    /// The words after the options (`--from=x`), without the signs of a continued line.
    pub(crate) fn words(&self) -> Vec<String> {
        if self.rest.trim_start().starts_with('[') {
            return serde_json::from_str(&self.rest.replace("\\\n", " ")).unwrap_or_default();
        }
        let words = self.rest.split_whitespace().filter(|word| *word != "\\");
        words.skip_while(|word| word.starts_with("--")).map(str::to_owned).collect()
    }

    /// The value of an option such as `--from`.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.rest
            .split_whitespace()
            .take_while(|word| word.starts_with("--"))
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// The commands of a RUN.
    pub(crate) fn commands(&self) -> Vec<Command> {
        if self.name != "RUN" {
            return Vec::new();
        }
        if self.rest.trim_start().starts_with('[') {
            return vec![Command { words: self.words(), line: self.line }];
        }
        shell::commands(&self.rest, self.line)
    }
}

/// How a base image is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// By its digest, or an earlier stage, or nothing at all.
    Fixed,
    /// By a tag, which can be moved.
    Tag(String),
    /// By no tag, or `latest`.
    Floating(String),
    /// By a variable without a default that could be read.
    Unknown(String),
}

/// The base images with their lines.
pub(crate) fn bases(instructions: &[Instruction]) -> Vec<(Base, usize)> {
    let mut stages: Vec<String> = Vec::new();
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut found = Vec::new();
    for instruction in instructions {
        let words = instruction.words();
        match instruction.name.as_str() {
            "ARG" if found.is_empty() => variables.extend(words.iter().filter_map(|word| {
                let (name, value) = word.split_once('=')?;
                Some((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
            })),
            "FROM" => {
                let Some(image) = words.first() else { continue };
                let image = variables.iter().fold(image.clone(), |image, (name, value)| {
                    image.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
                });
                found.push((base(&image, &stages), instruction.line));
                if let [_, word, stage, ..] = words.as_slice()
                    && word.eq_ignore_ascii_case("as")
                {
                    stages.push(stage.to_lowercase());
                }
            }
            _ => {}
        }
    }
    found
}

fn base(image: &str, stages: &[String]) -> Base {
    if image == "scratch" || image.contains("@sha256:") || stages.contains(&image.to_lowercase()) {
        return Base::Fixed;
    }
    if image.contains('$') {
        return Base::Unknown(image.to_owned());
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        Some((_, tag)) if tag != "latest" && !tag.is_empty() => Base::Tag(image.to_owned()),
        _ => Base::Floating(image.to_owned()),
    }
}

/// Paths of the build's context that are copied, with their lines; patterns, variables and addresses are left out.
pub(crate) fn copied(instructions: &[Instruction]) -> Vec<(String, usize)> {
    let of_context = instructions.iter().filter(|one| {
        matches!(one.name.as_str(), "COPY" | "ADD") && one.option("--from").is_none() && !one.rest.contains("<<")
    });
    of_context
        .flat_map(|instruction| {
            let mut words = instruction.words();
            words.pop();
            words.into_iter().map(|word| (word, instruction.line))
        })
        .filter(|(path, _)| !path.contains(['*', '?', '[', '$', ':', '\\', '"', '\'']) && !path.contains(".."))
        .collect()
}

/// Whether a port is exposed.
pub(crate) fn exposes(instructions: &[Instruction], port: u16) -> bool {
    let is_it = |word: &String| word.split('/').next().is_some_and(|number| number == port.to_string());
    instructions.iter().filter(|one| one.name == "EXPOSE").any(|one| one.words().iter().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_told_by_how_they_are_named() {
        let text = "ARG TAG=12\nFROM python:3.11 AS build\nFROM --platform=linux/amd64 cuda:${TAG}\nFROM build\nFROM scratch\n\
                    FROM a/b@sha256:00\nFROM ubuntu\nFROM h:5000/x\nFROM x:latest\nFROM $WHAT\n";
        let found: Vec<_> = bases(&instructions(text)).into_iter().map(|(base, _)| base).collect();
        let expected = [
            Base::Tag("python:3.11".into()),
            Base::Tag("cuda:12".into()),
            Base::Fixed,
            Base::Fixed,
            Base::Fixed,
            Base::Floating("ubuntu".into()),
            Base::Floating("h:5000/x".into()),
            Base::Floating("x:latest".into()),
            Base::Unknown("$WHAT".into()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_stay_right_over_continuations_comments_and_documents() {
        let text = "FROM a:1\nRUN pip install x \\\n # why\n  && pip install y\nCOPY --from=z /a /b\nRUN <<EOF\npip install z\nEOF\n\
                    COPY a b/ /c\nEXPOSE 80 10006/tcp\n";
        let instructions = instructions(text);
        let commands: Vec<_> = instructions.iter().flat_map(Instruction::commands).collect();
        let lines: Vec<_> = commands.iter().map(|one| (one.line, one.words.last().map(String::as_str))).collect();
        assert_eq!(lines, [(2, Some("x")), (2, Some("y")), (6, Some("<<EOF")), (7, Some("z"))]);
        assert_eq!(copied(&instructions), [("a".to_owned(), 9), ("b/".to_owned(), 9)]);
        assert!(exposes(&instructions, 10_006) && !exposes(&instructions, 1000));
    }
}
