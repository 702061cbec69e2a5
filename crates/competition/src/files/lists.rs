//! A round's prompts: addresses of pictures, one a line, the last without a line feed.

use gen404_outside::text;
use gen404_round::{Prompt, PromptSet};

use crate::content::{Content, Document, Unreadable};
use crate::files::is_usable_address;

/// What a picture's name ends with. A last line that ends otherwise may be cut.
const PICTURES: [&str; 5] = [".png", ".jpg", ".jpeg", ".webp", ".gif"];

/// `prompts.txt` of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompts {
    /// All lines, as written; the sample for the next round is drawn from them.
    pub lines: Vec<String>,
    /// The prompts among them, their stems all different.
    pub prompts: Vec<Prompt>,
    /// Numbers of lines, from 1, that are no address of a picture on the web, or repeat a stem.
    pub unusable: Vec<usize>,
    /// The end of the file, when it may be half a line: it counts for nothing.
    pub unfinished: Option<String>,
}

impl Content for Prompts {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        let text = document.text()?;
        let ends = document.is_whole || text.ends_with('\n');
        let mut lines: Vec<String> =
            text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        let is_picture = |line: &String| PICTURES.iter().any(|ending| line.ends_with(ending));
        let unfinished = if ends { None } else { lines.pop_if(|line| !is_picture(line)) };
        let mut file = Self { lines, prompts: Vec::new(), unusable: Vec::new(), unfinished };
        for (index, line) in file.lines.iter().enumerate() {
            let one = serde_json::json!({"prompts": [{"image_url": line}]}).to_string();
            let prompt = PromptSet::parse(one.as_bytes()).ok().and_then(|mut set| set.prompts.pop());
            match prompt {
                Some(prompt)
                    if is_usable_address(line) && file.prompts.iter().all(|known| known.stem != prompt.stem) =>
                {
                    file.prompts.push(prompt);
                }
                Some(_) | None => file.unusable.push(index + 1),
            }
        }
        // A page that answers for everything is not a list of prompts.
        match file.lines.first() {
            Some(first) if file.prompts.is_empty() => {
                Err(Unreadable::Form { problem: format!("no address of a picture: `{}`", text::excerpt(first, 60)) })
            }
            Some(_) | None => Ok(file),
        }
    }
}
