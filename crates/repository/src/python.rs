//! Calls in Python texts that load models from a hub without naming a revision. Reads text, not Python: strings and
//! comments are told apart, nothing is evaluated.

/// Functions that fetch from a model hub and take a `revision`.
const LOADERS: [&str; 3] = ["from_pretrained", "snapshot_download", "hf_hub_download"];

/// Longest call that is looked at.
const LONGEST_CALL: usize = 4_096;

/// Calls without a revision: the function and its line.
pub(crate) fn unpinned_loads(text: &str) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    for loader in LOADERS {
        for (at, _) in text.match_indices(loader) {
            let before = text[..at].chars().next_back();
            let is_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
            let line_begins = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let head = &text[line_begins..at];
            if is_word || head.contains('#') || head.trim_start().starts_with("def ") {
                continue;
            }
            let after = &text[at + loader.len()..];
            let Some(arguments) = after.trim_start().strip_prefix('(').map(arguments) else { continue };
            // A path of this machine has no revision; an empty call is no call of these.
            let is_local = arguments.trim_start().trim_start_matches(['r', 'f', '"', '\'']).starts_with(['/', '.']);
            if !arguments.trim().is_empty() && !arguments.contains("revision") && !arguments.contains("**") && !is_local
            {
                found.push((loader, 1 + text[..at].matches('\n').count()));
            }
        }
    }
    found.sort_by_key(|(_, line)| *line);
    found
}

/// The text up to the bracket that closes the call.
fn arguments(after: &str) -> &str {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, letter) in after.char_indices().take_while(|(at, _)| *at < LONGEST_CALL) {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth == 0 => return &after[..at],
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    let end = (0..=after.len().min(LONGEST_CALL)).rev().find(|end| after.is_char_boundary(*end)).unwrap_or(0);
    &after[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_without_a_revision_is_seen() {
        let text = "from x import snapshot_download\nm = M.from_pretrained('a/b', dtype=f(1))\n\
                    n = M.from_pretrained(\n  'a/b',\n  revision='0123',\n)\n# M.from_pretrained('a/b')\n\
                    snapshot_download(repo_id=\"a)b\", local_dir=d)\nM.from_pretrained('/models/x')\n\
                    def from_pretrained(cls, name): ...\nmy_from_pretrained('a')\nM.from_pretrained(**options)\n";
        assert_eq!(unpinned_loads(text), [("from_pretrained", 2), ("snapshot_download", 8)]);
        assert!(unpinned_loads(&format!("from_pretrained({}", "ü".repeat(5_000))).len() == 1);
    }
}
