//! The shot that each picture is: where the camera stands, what is behind the object, how it is lit.
//! Numbers of the competition only; this file knows no browser, no network and no file.

use std::fmt;

use gen404_round::view::{Series, View};

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
            theta: theta(view),
            phi: phi(view),
            radius: Self::RADIUS,
            field_of_view: Self::FIELD_OF_VIEW,
            size: Self::SIZE,
            background: background(series),
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

/// Degrees around the vertical axis: 0 looks from +Z, 90 from +X.
pub(crate) fn theta(view: View) -> f64 {
    match view {
        View::Front | View::FrontAbove | View::FrontBelow | View::TopDown => 0.0,
        View::FrontLeft => 30.0,
        View::FrontRight => 330.0,
        View::Right => 90.0,
        View::Back => 180.0,
        View::Left => 270.0,
    }
}

/// Degrees of elevation; negative looks from above.
pub(crate) fn phi(view: View) -> f64 {
    match view {
        View::FrontAbove => -30.0,
        View::FrontBelow => 15.0,
        View::TopDown => -90.0,
        View::Front | View::FrontLeft | View::FrontRight | View::Right | View::Back | View::Left => 0.0,
    }
}

/// The colour behind the object.
pub(crate) fn background(series: Series) -> Background {
    match series {
        Series::White => Background([0xff; 3]),
        Series::Gray => Background::GRAY,
    }
}
