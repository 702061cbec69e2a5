//! A prompts file on this disk, as several commands take it, with the round's seed beside it.
//! What it means is `gen404_round`'s business.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use gen404_round::{PromptSet, PromptsForm, parse_seed};

use crate::errors::{Blame, CommandError};

/// Larger files are refused; a round's has some twenty kilobytes.
const LARGEST: u64 = 16 << 20;

/// Name of the file with the round's seed, as the subnet publishes it beside `prompts.txt`.
const SEED_FILE: &str = "seed.json";

/// Reads and checks the file. The seed of a list of URLs is the one in `seed.json` beside it, if that is there.
pub(crate) fn read(path: &Path) -> Result<PromptSet, CommandError> {
    let text = bytes(path).map_err(|error| unreadable("the prompts file", path, &error))?;
    refuse_utf_16(path, &text)?;
    let mut set = PromptSet::parse(&text).map_err(|error| about(path, &error))?;
    if set.form == PromptsForm::List {
        set.seed = seed_in(&path.with_file_name(SEED_FILE))?;
    }
    Ok(set)
}

fn seed_in(path: &Path) -> Result<Option<u64>, CommandError> {
    let text = match bytes(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable("the seed in", path, &error)),
    };
    refuse_utf_16(path, &text)?;
    // Another seed makes other modules: one that cannot be read must not count as none.
    parse_seed(&text).map(Some).map_err(|error| about(path, &error))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {LARGEST} bytes")));
    }
    Ok(text)
}

/// Some shells write every redirected output like this, and no message about JSON would help.
fn refuse_utf_16(path: &Path, text: &[u8]) -> Result<(), CommandError> {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err(CommandError::usage(format!("{} is UTF-16 text", path.display())).with_hint("save it as UTF-8"));
    }
    Ok(())
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> CommandError {
    CommandError::usage(format!("cannot read {what} {}: {error}", path.display()))
}

fn about(path: &Path, error: &(dyn std::error::Error + 'static)) -> CommandError {
    CommandError::from_error(Blame::User, error).context(path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(folder: &Path, name: &str, text: &[u8]) -> Result<PromptSet, String> {
        std::fs::write(folder.join(name), text).expect("written");
        read(&folder.join(name)).map_err(|error| error.message)
    }

    #[test]
    fn the_seed_of_a_list_is_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = b"https://h/procgen/a.png\nhttps://h/procgen/b.png";
        let seed = |name: &str, text: &[u8]| read_in(folder.path(), name, text).map(|set| set.seed);
        assert_eq!(seed("prompts.txt", list), Ok(None));
        std::fs::write(folder.path().join(SEED_FILE), r#"{"seed": 579720909}"#).expect("written");
        assert_eq!(seed("prompts.txt", list), Ok(Some(579_720_909)));
        assert_eq!(seed("prompts.json", br#"{"prompts":[{"image_url":"https://h/a.png"}]}"#), Ok(None));
        std::fs::write(folder.path().join(SEED_FILE), "579720909").expect("written");
        let refused = seed("prompts.txt", list).expect_err("no seed.json of the subnet");
        assert!(refused.contains("seed.json") && refused.contains(r#"{"seed": <number>}"#), "{refused}");
    }

    #[test]
    fn marks_of_editors_are_passed_over_or_explained() {
        let folder = tempfile::tempdir().expect("a folder");
        let marked = b"\xef\xbb\xbf{\"prompts\":[{\"image_url\":\"https://h/a.png\"}]}";
        assert_eq!(read_in(folder.path(), "prompts.json", marked).map(|set| set.prompts.len()), Ok(1));
        let refused = read_in(folder.path(), "prompts.json", b"\xff\xfe{\0}\0").expect_err("UTF-16");
        assert!(refused.ends_with("is UTF-16 text"), "{refused}");
    }
}
