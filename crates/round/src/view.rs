//! What is to be seen of an object: named views, the sets the two judges' tools ask for, and each picture's place on disk.
//! Where a camera stands for a view is the renderer's business, how a view is called in a report the report's.

use std::fmt;

macro_rules! views {
    ($($(#[doc = $doc:literal])+ $view:ident = $name:literal,)+) => {
        /// A named direction to look from.
        ///
        /// Everything that tells views apart matches on all of them, so that a new one fails to compile until it is known everywhere.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum View {
            $($(#[doc = $doc])+ $view,)+
        }

        impl View {
            /// Every view, in the order in which they are drawn.
            pub const ALL: &[Self] = &[$(Self::$view,)+];

            /// Name of the view, which is also its file's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$view => $name,)+ }
            }
        }
    };
}

views! {
    /// Straight at the front (+Z).
    Front = "front",
    /// The front, from 30 degrees towards +X.
    FrontLeft = "front_left",
    /// The front, from 30 degrees towards -X.
    FrontRight = "front_right",
    /// The front, from 30 degrees above.
    FrontAbove = "front_above",
    /// The front, from 15 degrees below.
    FrontBelow = "front_below",
    /// From +X.
    Right = "right",
    /// From -Z.
    Back = "back",
    /// From -X.
    Left = "left",
    /// From straight above.
    TopDown = "top_down",
}

impl View {
    /// Whether the front is seen, so that the view is in the gray series too.
    pub fn is_frontal(self) -> bool {
        match self {
            Self::Front | Self::FrontLeft | Self::FrontRight | Self::FrontAbove | Self::FrontBelow => true,
            Self::Right | Self::Back | Self::Left | Self::TopDown => false,
        }
    }

    /// The view of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|view| view.name() == name)
    }
}

/// Colour behind the object in one of the judge's two series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Series {
    /// All sides, on white.
    White,
    /// The frontal views, on middle gray.
    Gray,
}

impl Series {
    /// Both series, in the order in which they are drawn.
    pub const ALL: [Self; 2] = [Self::White, Self::Gray];

    /// Name of the series, which is also its folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::White => "white",
            Self::Gray => "gray",
        }
    }
}

/// Which of the two tools' pictures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViewSet {
    /// What the subnet's command-line judge reads: `front`, not `front_below`.
    Cli,
    /// What the validators' pipeline reads: `front_below`, not `front`.
    Official,
    /// Both.
    All,
}

impl ViewSet {
    /// Name of the set on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Official => "official",
            Self::All => "all",
        }
    }

    /// The views of one series, in drawing order.
    pub fn views(self, series: Series) -> impl Iterator<Item = View> {
        View::ALL.iter().copied().filter(move |view| {
            let wanted = match view {
                View::Front => self != Self::Official,
                View::FrontBelow => self != Self::Cli,
                View::FrontLeft
                | View::FrontRight
                | View::FrontAbove
                | View::Right
                | View::Back
                | View::Left
                | View::TopDown => true,
            };
            wanted && (series == Series::White || view.is_frontal())
        })
    }

    /// Every picture of the set, in drawing order: view by view in its series, because a second background costs
    /// little, then the grid.
    pub fn pictures(self) -> Vec<Picture> {
        let both = |view: View| Series::ALL.into_iter().map(move |series| Picture::View(series, view));
        let wanted = |picture: &Picture| match *picture {
            Picture::View(series, view) => self.views(series).any(|of_series| of_series == view),
            Picture::Grid => true,
        };
        View::ALL.iter().copied().flat_map(both).chain([Picture::Grid]).filter(wanted).collect()
    }
}

/// One picture of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Picture {
    /// A view of one series, 1024 pixels square.
    View(Series, View),
    /// Four studio views in a square.
    Grid,
}

impl Picture {
    /// The picture of that file inside the object's folder, `white/front.png`.
    pub fn of_file(name: &str) -> Option<Self> {
        ViewSet::All.pictures().into_iter().find(|picture| name.strip_suffix(".png") == Some(&*picture.to_string()))
    }
}

impl fmt::Display for Picture {
    /// `white/front`, `gray/left`, `grid`: its path inside the object's folder, without extension.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(series, view) => write!(formatter, "{}/{}", series.name(), view.name()),
            Self::Grid => formatter.write_str("grid"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_those_of_the_two_tools() {
        let names = |set: ViewSet, series| set.views(series).map(View::name).collect::<Vec<_>>();
        assert_eq!(
            names(ViewSet::Cli, Series::White),
            ["front", "front_left", "front_right", "front_above", "right", "back", "left", "top_down"]
        );
        assert_eq!(names(ViewSet::Cli, Series::Gray), ["front", "front_left", "front_right", "front_above"]);
        assert_eq!(
            names(ViewSet::Official, Series::White),
            ["front_left", "front_right", "front_above", "front_below", "right", "back", "left", "top_down"]
        );
        assert_eq!(names(ViewSet::Official, Series::Gray), ["front_left", "front_right", "front_above", "front_below"]);
        assert_eq!(names(ViewSet::All, Series::White).len(), 9);
        assert_eq!(names(ViewSet::All, Series::Gray).len(), 5);
        assert_eq!(ViewSet::All.pictures().len(), 15);
        for picture in ViewSet::All.pictures() {
            assert_eq!(Picture::of_file(&format!("{picture}.png")), Some(picture));
        }
        for other in ["grid", "gray/back.png", "embeddings.npz", "../grid.png", "white/Front.png"] {
            assert_eq!(Picture::of_file(other), None, "{other}");
        }
    }
}
