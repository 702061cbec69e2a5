//! Which pictures a duel has, by name. What the page asks for; where they are is the caller's business.

use gen404_round::Stem;
use gen404_round::duel::{DuelRecord, MatchFile, Side};
use gen404_round::view::{Series, View, ViewSet};

use crate::duel::judged;

/// A rendered picture of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
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
    Rendered(&'a Stem, Side, &'a Rendered),
}

/// Where the pictures of a match are.
pub trait Pictures: Sync {
    /// An address relative to the page (percent-encoded), when the picture is there.
    fn link(&self, picture: Picture<'_>) -> Option<String>;

    /// The picture's file, when it is there and can be read.
    fn file(&self, picture: Picture<'_>) -> Option<Vec<u8>>;
}

impl Rendered {
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
            Self::White(name) => match View::named(name) {
                Some(view) => words(view).to_owned(),
                None => capital(&name.replace('_', " ")),
            },
            Self::Gray(name) => format!("Gray {}", name.replace('_', " ")),
        }
    }

    /// A white view by its name, when the name is one (a record of another tool may hold anything).
    pub(crate) fn white(name: &str) -> Option<Self> {
        is_name(name).then(|| Self::White(name.to_owned()))
    }
}

/// Views that any duel of this match may have: the renderer's, and whatever else the profile looked at.
pub(crate) fn views(file: &MatchFile) -> Vec<Rendered> {
    let used = file.run.as_ref().map(|run| &run.pictures);
    let labels = || file.results.iter().flat_map(labels);
    let drawn = |series| ViewSet::All.views(series).map(|view| -> &str { view.name() });
    let white = drawn(Series::White)
        .chain(used.into_iter().flat_map(|used| used.front.iter().chain(&used.sides).map(String::as_str)))
        .chain(labels())
        .filter_map(Rendered::white);
    let gray = drawn(Series::Gray)
        .chain(used.map(|used| used.gray.as_str()))
        .filter(|name| is_name(name))
        .map(|name| Rendered::Gray(name.to_owned()));
    let mut views = Vec::new();
    for view in std::iter::once(Rendered::Grid).chain(white).chain(gray) {
        if !views.contains(&view) {
            views.push(view);
        }
    }
    views
}

fn words(view: View) -> &'static str {
    match view {
        View::Front => "Front",
        View::FrontLeft => "Front left",
        View::FrontRight => "Front right",
        View::FrontAbove => "Front above",
        View::FrontBelow => "Front below",
        // Left and right alone are the sides of the match.
        View::Right => "Right side",
        View::Back => "Back",
        View::Left => "Left side",
        View::TopDown => "Top",
    }
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
            assert_eq!(Rendered::white(name), None, "{name}");
        }
        assert_eq!(Rendered::white("front_left").unwrap().title(), "Front left");
    }
}
