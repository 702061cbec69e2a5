//! What is to be seen: named views, the sets the two judges' tools ask for, and the shot that each picture is.
//! Numbers of the competition only; this file knows no browser, no network and no file.

use std::fmt;

/// A named direction to look from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// Straight at the front (+Z).
    Front,
    /// The front, from 30 degrees towards +X.
    FrontLeft,
    /// The front, from 30 degrees towards -X.
    FrontRight,
    /// The front, from 30 degrees above.
    FrontAbove,
    /// The front, from 15 degrees below.
    FrontBelow,
    /// From +X.
    Right,
    /// From -Z.
    Back,
    /// From -X.
    Left,
    /// From straight above.
    TopDown,
}

impl View {
    /// Every view, in the order in which they are drawn.
    pub const ALL: [Self; 9] = [
        Self::Front,
        Self::FrontLeft,
        Self::FrontRight,
        Self::FrontAbove,
        Self::FrontBelow,
        Self::Right,
        Self::Back,
        Self::Left,
        Self::TopDown,
    ];

    /// Name of the view, which is also its file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::FrontLeft => "front_left",
            Self::FrontRight => "front_right",
            Self::FrontAbove => "front_above",
            Self::FrontBelow => "front_below",
            Self::Right => "right",
            Self::Back => "back",
            Self::Left => "left",
            Self::TopDown => "top_down",
        }
    }

    /// Degrees around the vertical axis: 0 looks from +Z, 90 from +X.
    pub fn theta(self) -> f64 {
        match self {
            Self::Front | Self::FrontAbove | Self::FrontBelow | Self::TopDown => 0.0,
            Self::FrontLeft => 30.0,
            Self::FrontRight => 330.0,
            Self::Right => 90.0,
            Self::Back => 180.0,
            Self::Left => 270.0,
        }
    }

    /// Degrees of elevation; negative looks from above.
    pub fn phi(self) -> f64 {
        match self {
            Self::FrontAbove => -30.0,
            Self::FrontBelow => 15.0,
            Self::TopDown => -90.0,
            _ => 0.0,
        }
    }

    fn is_frontal(self) -> bool {
        matches!(self, Self::Front | Self::FrontLeft | Self::FrontRight | Self::FrontAbove | Self::FrontBelow)
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

    /// The colour behind the object.
    pub fn background(self) -> Background {
        match self {
            Self::White => Background([0xff; 3]),
            Self::Gray => Background::GRAY,
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
        View::ALL.into_iter().filter(move |view| {
            let wanted = match view {
                View::Front => self != Self::Official,
                View::FrontBelow => self != Self::Cli,
                _ => true,
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
        View::ALL.into_iter().flat_map(both).chain([Picture::Grid]).filter(wanted).collect()
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

impl fmt::Display for Picture {
    /// `white/front`, `gray/left`, `grid`: its path inside the object's folder, without extension.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(series, view) => write!(formatter, "{}/{}", series.name(), view.name()),
            Self::Grid => formatter.write_str("grid"),
        }
    }
}

/// A colour behind the object, as sRGB bytes that come out unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Background(pub [u8; 3]);

impl Background {
    /// The service's default.
    pub const GRAY: Self = Self([0x80; 3]);
}

impl fmt::Display for Background {
    /// `rrggbb`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// The two ways of lighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lighting {
    /// One light that comes from beside the camera.
    Follow,
    /// Three fixed lights.
    Studio,
}

impl Lighting {
    /// Name of the lighting in the service's query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Studio => "studio",
        }
    }
}

/// One exposure: where the camera is, what it sees behind the object, how large the picture is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shot {
    /// Degrees around the vertical axis.
    pub theta: f64,
    /// Degrees of elevation, negative from above.
    pub phi: f64,
    /// Distance of the camera from the origin.
    pub radius: f64,
    /// Vertical field of view in degrees.
    pub field_of_view: f64,
    /// Width and height in pixels.
    pub size: u32,
    /// Colour behind the object.
    pub background: Background,
    /// Lights.
    pub lighting: Lighting,
}

impl Shot {
    /// Distance that every judge's picture is taken from.
    pub const RADIUS: f64 = 2.0;
    /// Field of view of every judge's picture, in degrees.
    pub const FIELD_OF_VIEW: f64 = 49.1;
    /// Size of a series' picture.
    pub const SIZE: u32 = 1024;
    /// Size of one tile of the grid, and of a picture nobody gave a size for.
    pub const TILE_SIZE: u32 = 518;
    /// Angles around the vertical axis of the grid's tiles.
    pub const GRID_THETAS: [f64; 4] = [24.0, 120.0, 216.0, 312.0];
    /// Elevation of the grid's tiles.
    pub const GRID_PHI: f64 = -15.0;

    /// The exposure of one view of a series.
    pub fn of_view(series: Series, view: View) -> Self {
        Self {
            theta: view.theta(),
            phi: view.phi(),
            radius: Self::RADIUS,
            field_of_view: Self::FIELD_OF_VIEW,
            size: Self::SIZE,
            background: series.background(),
            lighting: Lighting::Follow,
        }
    }

    /// The exposures of the grid's four tiles, row by row.
    pub fn of_grid() -> [Self; 4] {
        Self::GRID_THETAS.map(|theta| Self {
            theta,
            phi: Self::GRID_PHI,
            radius: Self::RADIUS,
            field_of_view: Self::FIELD_OF_VIEW,
            size: Self::TILE_SIZE,
            background: Background::GRAY,
            lighting: Lighting::Studio,
        })
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
    }
}
