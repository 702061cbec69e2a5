//! Where the pictures of a match come from: folders that hold them all, or somebody who makes each when a stage first asks for it.
//! How pictures are made is not known here; they are read from the sides' folders in any case.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use futures::future::BoxFuture;
use gen404_outside::explain::Blame;
use gen404_round::Stem;
use gen404_round::duel::Side;

/// Whether a side has pictures of an object, before any of them is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// All that there will ever be are in the side's folder.
    Here,
    /// They are brought when they are asked for.
    OnDemand,
    /// It has none, and loses.
    Missing,
}

/// What became of a wish for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    /// Those that can be had are in the side's folder.
    Ready,
    /// The object has none, and will have none: it loses.
    NoPictures,
}

/// Pictures that could not be brought, for no reason that speaks against the object.
#[derive(Debug, thiserror::Error)]
#[error("the {} side could not be drawn", side.name())]
pub struct NotBrought {
    /// The side.
    pub side: Side,
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// Whose matter it is.
    pub blame: Blame,
    /// No other object will fare better.
    pub is_hopeless: bool,
}

/// Somebody who has the pictures of a match, or makes them.
pub trait PictureSource: fmt::Debug + Send + Sync {
    /// What is known of an object of a side before the match.
    fn presence(&self, side: Side, stem: &Stem) -> Presence;

    /// Has these files (`white/front.png`, `grid.png`) in the side's folder of the object before a stage reads them. What is
    /// not a picture to be drawn is left as it is.
    fn bring<'a>(
        &'a self,
        side: Side,
        stem: &'a Stem,
        names: &'a [String],
    ) -> BoxFuture<'a, Result<Brought, NotBrought>>;
}

/// Folders that hold whatever there is.
#[derive(Debug, Clone)]
pub struct Folders(pub [PathBuf; 2]);

impl PictureSource for Folders {
    fn presence(&self, side: Side, stem: &Stem) -> Presence {
        let folder = &self.0[side as usize];
        if folder.join(stem.as_str()).is_dir() { Presence::Here } else { Presence::Missing }
    }

    fn bring<'a>(&'a self, _: Side, _: &'a Stem, _: &'a [String]) -> BoxFuture<'a, Result<Brought, NotBrought>> {
        Box::pin(std::future::ready(Ok(Brought::Ready)))
    }
}
