//! Commands of a shell text, as far as it takes to see what is installed: words, and which commands follow one another.
//! Not a shell: what it cannot tell it leaves alone.

/// One command with the line it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) words: Vec<String>,
    pub(crate) line: usize,
}

/// The commands of a text whose first line has this number. Lines that end with a backslash go on.
pub(crate) fn commands(text: &str, first_line: usize) -> Vec<Command> {
    let mut commands = Vec::new();
    let mut logical = String::new();
    let mut begins = first_line;
    for (index, line) in text.lines().enumerate() {
        if logical.is_empty() {
            begins = first_line + index;
        }
        let trimmed = line.trim();
        if trimmed.starts_with('#') {
            continue;
        }
        if let Some(more) = trimmed.strip_suffix('\\') {
            logical.push_str(more);
            logical.push(' ');
            continue;
        }
        logical.push_str(trimmed);
        commands.extend(split(&std::mem::take(&mut logical), begins));
    }
    commands.extend(split(&logical, begins));
    commands
}

fn split(line: &str, number: usize) -> impl Iterator<Item = Command> {
    let mut commands = vec![Vec::new()];
    let mut word = String::new();
    let mut quote = None;
    let finish = |word: &mut String, commands: &mut Vec<Vec<String>>| {
        if !word.is_empty() {
            commands.last_mut().expect("there is always one").push(std::mem::take(word));
        }
    };
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => quote = Some(letter),
            (None, '#') if word.is_empty() => break,
            (None, ';' | '&' | '|' | '(' | ')') => {
                finish(&mut word, &mut commands);
                commands.push(Vec::new());
            }
            (None, letter) if letter.is_whitespace() => finish(&mut word, &mut commands),
            (None, letter) => word.push(letter),
        }
    }
    finish(&mut word, &mut commands);
    commands.into_iter().filter(|words| !words.is_empty()).map(move |words| Command { words, line: number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_and_joined_over_lines() {
        let text = "pip install a \\\n  'b>=1' # no\n# all\ncd x && git clone u; (echo \"a;b\")\n";
        let found: Vec<_> = commands(text, 3).into_iter().map(|one| (one.line, one.words.join(" "))).collect();
        let expected = [(3, "pip install a b>=1"), (6, "cd x"), (6, "git clone u"), (6, "echo a;b")]
            .map(|(line, words)| (line, words.to_owned()));
        assert_eq!(found, expected);
        assert!(commands("", 1).is_empty() && commands("\\", 1).is_empty());
    }
}
