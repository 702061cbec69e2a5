//! Which pictures a duel has, by name. What the page asks for; where they are is the caller's business.

use gen404_round::Stem;
use gen404_round::duel::{DuelRecord, MatchFile};

use crate::duel::judged;

/// A side of the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first folder, the defender.
    Left,
    /// The second folder, the challenger.
    Right,
}

/// A rendered picture of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// `grid.png`
    Grid,
    /// `white/<name>.png`
    White(String),
    /// `gray/<name>.png`
    Gray(String),
}

/// One picture of a match.
#[derive(Debug, Clone, Copy)]
pub enum Picture<'a> {
    /// The prompt picture: its stem and its address as the prompts file has it.
    Prompt(&'a Stem, &'a str),
    /// A rendered view.
    View(&'a Stem, Side, &'a View),
}

/// Where the pictures of a match are.
pub trait Pictures: Sync {
    /// An address relative to the page (percent-encoded), when the picture is there.
    fn link(&self, picture: Picture<'_>) -> Option<String>;

    /// The picture's file, when it is there and can be read.
    fn file(&self, picture: Picture<'_>) -> Option<Vec<u8>>;
}

/// White views in the order they are shown.
const WHITE: [&str; 9] =
    ["front", "front_left", "front_right", "front_above", "front_below", "right", "back", "left", "top_down"];
/// Gray views in the order they are shown.
const GRAY: [&str; 5] = ["front", "front_left", "front_right", "front_above", "front_below"];

impl View {
    /// A short unique name for the page: `grid`, `white-front`.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Grid => "grid".to_owned(),
            Self::White(name) => format!("white-{name}"),
            Self::Gray(name) => format!("gray-{name}"),
        }
    }

    /// The name in words: `Grid`, `Front left`, `Gray front`.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Grid => "Grid".to_owned(),
            // "left" and "right" are the sides of the match
            Self::White(name) if name == "left" || name == "right" => capital(&format!("{name} side")),
            Self::White(name) if name == "top_down" => "Top".to_owned(),
            Self::White(name) => capital(&name.replace('_', " ")),
            Self::Gray(name) => format!("Gray {}", name.replace('_', " ")),
        }
    }

    /// A white view by its name, when the name is one (a record of another tool may hold anything).
    pub(crate) fn white(name: &str) -> Option<Self> {
        is_name(name).then(|| Self::White(name.to_owned()))
    }
}

/// Views that any duel of this match may have: the renderer's, and whatever else the profile looked at.
pub(crate) fn views(file: &MatchFile) -> Vec<View> {
    let used = file.run.as_ref().map(|run| &run.pictures);
    let labels = || file.results.iter().flat_map(labels);
    let white = WHITE
        .into_iter()
        .chain(used.into_iter().flat_map(|used| used.front.iter().chain(&used.sides).map(String::as_str)))
        .chain(labels())
        .filter_map(View::white);
    let gray = GRAY
        .into_iter()
        .chain(used.map(|used| used.gray.as_str()))
        .filter(|name| is_name(name))
        .map(|name| View::Gray(name.to_owned()));
    let mut views = Vec::new();
    for view in std::iter::once(View::Grid).chain(white).chain(gray) {
        if !views.contains(&view) {
            views.push(view);
        }
    }
    views
}

fn labels(record: &DuelRecord) -> impl Iterator<Item = &str> {
    judged(record).into_iter().flat_map(|detail| detail.s1.angles.iter().map(|angle| angle.label.as_str()))
}

/// A name that is safe as a file name and in the page.
fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_cannot_leave_the_folder() {
        for name in ["../../etc/passwd", "a/b", "", ".", "x y", "<b>", &"a".repeat(41)] {
            assert_eq!(View::white(name), None, "{name}");
        }
        assert_eq!(View::white("front_left").unwrap().title(), "Front left");
    }
}
