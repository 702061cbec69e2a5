//! What the script sees in a picture: silhouettes and colours, small enough to compare a thousand times a second.
//! It must not know what is being asked, nor on which side of a duel a picture stands.

use crate::pixels::{Pixels, Unreadable};

/// Cells along an edge of the shrunken picture.
const CELLS: usize = 64;
/// Cells along an edge of a normalised silhouette; a row fits one `u32`.
const OUTLINE: usize = 32;
/// Levels a channel in the colour histogram.
const LEVELS: usize = 4;
/// A cell belongs to the object when a channel differs by more than this from the background.
const BACKGROUND_DISTANCE: u8 = 20;
/// At most this many pixels an edge are looked at; more tell nothing new at 64 cells.
const SAMPLES: usize = 256;
/// Widest black gap searched for in the middle of a grid, in pixels; the renderer draws 5.
const WIDEST_GAP: usize = 16;

/// Names of colours, in the order of [`Look::shares`].
pub(crate) const COLOUR_NAMES: [&str; 10] =
    ["black", "gray", "white", "red", "orange or brown", "yellow", "green", "blue", "purple", "pink"];

/// One object on one background.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    outline: [u32; OUTLINE],
    colours: [f32; LEVELS * LEVELS * LEVELS],
    /// Share of the object that has each of [`COLOUR_NAMES`].
    pub(crate) shares: [f32; COLOUR_NAMES.len()],
    /// Share of the frame that is object.
    pub(crate) coverage: f32,
    /// Width of the object over its height; 1 when there is none.
    pub(crate) aspect: f32,
    /// Share of the object's box that is object.
    pub(crate) fill: f32,
    /// How far the left half of the outline mirrors the right one, 0 to 1.
    pub(crate) symmetry: f32,
    /// Connected pieces that hold at least a fiftieth of the object.
    pub(crate) pieces: usize,
}

/// A picture: one look, or the four of a grid.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) looks: Vec<Look>,
}

/// How unlike two pictures are, each part from 0 (alike) to 1 (nothing in common).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    pub(crate) outline: f32,
    pub(crate) colour: f32,
}

impl Difference {
    /// Both parts, colour and outline weighing the same.
    pub(crate) fn total(self) -> f32 {
        f32::midpoint(self.outline, self.colour)
    }
}

impl Picture {
    /// Decodes a PNG file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let pixels = Pixels::decode(bytes)?;
        let looks = frames(&pixels).iter().map(|frame| Look::of(&pixels, *frame)).collect();
        Ok(Self { looks })
    }

    /// The look whose outline is nearest to the reference.
    pub(crate) fn nearest(&self, reference: &Look) -> &Look {
        self.looks
            .iter()
            .min_by(|one, other| outline_difference(reference, one).total_cmp(&outline_difference(reference, other)))
            .expect("a picture has at least one look")
    }

    /// The reference's only look, or a grid's first.
    pub(crate) fn first(&self) -> &Look {
        &self.looks[0]
    }

    /// How far this picture is from the reference: the nearest outline, and the colours of all looks together.
    pub(crate) fn difference(&self, reference: &Self) -> Difference {
        let reference = reference.first();
        let outline = outline_difference(reference, self.nearest(reference));
        let looks = f32::from(u16::try_from(self.looks.len()).expect("one look or four"));
        let shared: f32 = (0..reference.colours.len())
            .map(|bin| {
                (self.looks.iter().map(|look| look.colours[bin]).sum::<f32>() / looks).min(reference.colours[bin])
            })
            .sum();
        Difference { outline, colour: (1.0 - shared).clamp(0.0, 1.0) }
    }
}

impl Look {
    /// Share of the colours the two have in common, 0 to 1.
    pub(crate) fn shared_colours(&self, other: &Self) -> f32 {
        self.colours.iter().zip(&other.colours).map(|(one, other)| one.min(*other)).sum()
    }
}

/// One minus intersection over union of the two silhouettes.
fn outline_difference(one: &Look, other: &Look) -> f32 {
    let (mut both, mut either) = (0, 0);
    for (row, other_row) in one.outline.iter().zip(&other.outline) {
        both += (row & other_row).count_ones();
        either += (row | other_row).count_ones();
    }
    1.0 - ratio(both as usize, either as usize)
}

/// A part of a whole; 0 of nothing.
fn ratio(part: usize, whole: usize) -> f32 {
    let narrow = |count: usize| f32::from(u16::try_from(count).unwrap_or(u16::MAX));
    if whole == 0 { 0.0 } else { narrow(part) / narrow(whole) }
}

/// A rectangle of a picture, in pixels.
#[derive(Debug, Clone, Copy)]
struct Frame {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

/// The four tiles of a grid (told by the black cross in its middle), else the whole.
fn frames(pixels: &Pixels) -> Vec<Frame> {
    let whole = Frame { left: 0, top: 0, width: pixels.width, height: pixels.height };
    let step = (pixels.width / CELLS).max(1);
    let black_column = |x: usize| (0..pixels.height).step_by(step).all(|y| pixels.colour(x, y) == [0; 3]);
    let black_row = |y: usize| (0..pixels.width).step_by(step).all(|x| pixels.colour(x, y) == [0; 3]);
    let (middle_x, middle_y) = (pixels.width / 2, pixels.height / 2);
    let corner_is_black = pixels.colour(0, 0) == [0; 3];
    if pixels.width < CELLS
        || pixels.height < CELLS
        || corner_is_black
        || !black_row(middle_y)
        || !black_column(middle_x)
    {
        // the cross runs to the edges, so a picture with a black corner is an ordinary dark one
        return vec![whole];
    }
    let half_gap = (1..WIDEST_GAP / 2).find(|distance| !black_row(middle_y + distance)).unwrap_or(1);
    let (width, height) = (middle_x.saturating_sub(half_gap - 1), middle_y.saturating_sub(half_gap - 1));
    [(0, 0), (pixels.width - width, 0), (0, pixels.height - height), (pixels.width - width, pixels.height - height)]
        .map(|(left, top)| Frame { left, top, width, height })
        .to_vec()
}

/// The frame averaged down to `CELLS` × `CELLS` colours.
fn shrink(pixels: &Pixels, frame: Frame) -> Vec<[u8; 3]> {
    let mut sums = vec![[0_u32; 4]; CELLS * CELLS];
    let columns = frame.width.clamp(1, SAMPLES);
    let rows = frame.height.clamp(1, SAMPLES);
    for row in 0..rows {
        for column in 0..columns {
            let x = frame.left + column * frame.width / columns;
            let y = frame.top + row * frame.height / rows;
            let colour = pixels.colour(x, y);
            let sum = &mut sums[(row * CELLS / rows) * CELLS + column * CELLS / columns];
            for (total, channel) in sum.iter_mut().zip(colour) {
                *total += u32::from(channel);
            }
            sum[3] += 1;
        }
    }
    spread(&mut sums, columns, rows);
    sums.iter().map(|[red, green, blue, count]| [red, green, blue].map(|sum| mean(*sum, *count))).collect()
}

fn mean(sum: u32, count: u32) -> u8 {
    u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)
}

/// Fills the cells that a picture smaller than the cells left empty, from the left or upper neighbour.
fn spread(sums: &mut [[u32; 4]], columns: usize, rows: usize) {
    if columns >= CELLS && rows >= CELLS {
        return;
    }
    for index in 0..sums.len() {
        if sums[index][3] == 0 {
            let (row, column) = (index / CELLS, index % CELLS);
            let source =
                if column > 0 && sums[index - 1][3] > 0 { index - 1 } else { row.saturating_sub(1) * CELLS + column };
            sums[index] = sums[source];
        }
    }
}

impl Look {
    fn of(pixels: &Pixels, frame: Frame) -> Self {
        let cells = shrink(pixels, frame);
        let background = background(&cells);
        let object: Vec<bool> = cells.iter().map(|cell| distance(*cell, background) > BACKGROUND_DISTANCE).collect();
        let count = object.iter().filter(|is_object| **is_object).count();
        let (left, top, width, height) = bounds(&object);
        let stretch = ratio(frame.width, frame.height).max(f32::MIN_POSITIVE);
        let outline = outline(&object, (left, top, width, height));
        let (colours, shares) =
            colours(cells.iter().zip(&object).filter(|(_, is_object)| **is_object).map(|(cell, _)| *cell));
        Self {
            outline,
            colours,
            shares,
            coverage: ratio(count, object.len()),
            aspect: if count == 0 { 1.0 } else { ratio(width, height) * stretch },
            fill: ratio(count, width * height),
            symmetry: symmetry(&outline),
            pieces: pieces(&object, count / 50),
        }
    }
}

/// The median colour along the edge of the picture.
fn background(cells: &[[u8; 3]]) -> [u8; 3] {
    let edge: Vec<[u8; 3]> = cells
        .iter()
        .enumerate()
        .filter(|(index, _)| {
            let (row, column) = (index / CELLS, index % CELLS);
            row == 0 || column == 0 || row == CELLS - 1 || column == CELLS - 1
        })
        .map(|(_, cell)| *cell)
        .collect();
    [0, 1, 2].map(|channel| {
        let mut values: Vec<u8> = edge.iter().map(|cell| cell[channel]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    })
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u8 {
    one.iter().zip(other).map(|(channel, other)| channel.abs_diff(other)).max().unwrap_or(0)
}

/// Left, top, width and height of the object in cells; all 0 when there is none.
fn bounds(object: &[bool]) -> (usize, usize, usize, usize) {
    let places = || object.iter().enumerate().filter(|(_, is_object)| **is_object).map(|(index, _)| index);
    let columns = || places().map(|index| index % CELLS);
    let rows = || places().map(|index| index / CELLS);
    match (columns().min(), columns().max(), rows().min(), rows().max()) {
        (Some(left), Some(right), Some(top), Some(bottom)) => (left, top, right - left + 1, bottom - top + 1),
        _ => (0, 0, 0, 0),
    }
}

/// The object's box, centred in a square and scaled to `OUTLINE` cells, so that place and size do not matter.
fn outline(object: &[bool], (left, top, width, height): (usize, usize, usize, usize)) -> [u32; OUTLINE] {
    let side = width.max(height);
    let mut rows = [0; OUTLINE];
    for (row, bits) in rows.iter_mut().enumerate() {
        for column in 0..OUTLINE {
            let inside = |cell: usize, start: usize, extent: usize| {
                let margin = (side - extent) / 2;
                (cell * side / OUTLINE)
                    .checked_sub(margin)
                    .filter(|offset| *offset < extent)
                    .map(|offset| start + offset)
            };
            if let (Some(x), Some(y)) = (inside(column, left, width), inside(row, top, height))
                && object[y * CELLS + x]
            {
                *bits |= 1 << column;
            }
        }
    }
    rows
}

fn symmetry(outline: &[u32; OUTLINE]) -> f32 {
    let (both, either) = outline.iter().fold((0, 0), |(both, either), row| {
        let mirrored = row.reverse_bits();
        (both + (row & mirrored).count_ones(), either + (row | mirrored).count_ones())
    });
    ratio(both as usize, either as usize)
}

/// Connected pieces (side by side or on top of each other) of more than `smallest` cells.
fn pieces(object: &[bool], smallest: usize) -> usize {
    let mut left = object.to_vec();
    let mut found = 0;
    for start in 0..left.len() {
        let (mut open, mut size) = (vec![start], 0);
        while let Some(cell) = open.pop() {
            if !std::mem::take(&mut left[cell]) {
                continue;
            }
            size += 1;
            let (row, column) = (cell / CELLS, cell % CELLS);
            if row > 0 {
                open.push(cell - CELLS);
            }
            if row < CELLS - 1 {
                open.push(cell + CELLS);
            }
            if column > 0 {
                open.push(cell - 1);
            }
            if column < CELLS - 1 {
                open.push(cell + 1);
            }
        }
        if size > smallest {
            found += 1;
        }
    }
    found
}

/// The object's colours as a histogram that moves smoothly with the colour, and as shares of named ones.
fn colours(cells: impl Iterator<Item = [u8; 3]>) -> ([f32; LEVELS * LEVELS * LEVELS], [f32; COLOUR_NAMES.len()]) {
    let mut histogram = [0.0; LEVELS * LEVELS * LEVELS];
    let mut shares = [0.0; COLOUR_NAMES.len()];
    let mut count = 0.0_f32;
    for cell in cells {
        count += 1.0;
        shares[name_of(cell)] += 1.0;
        // each channel is divided between its two nearest levels, which are 85 apart
        let parts = cell.map(|channel| {
            let upper_share = f32::from(channel % 85) / 85.0;
            let lower = usize::from(channel / 85);
            [(lower, 1.0 - upper_share), ((lower + 1).min(LEVELS - 1), upper_share)]
        });
        for (red, red_share) in parts[0] {
            for (green, green_share) in parts[1] {
                for (blue, blue_share) in parts[2] {
                    histogram[(red * LEVELS + green) * LEVELS + blue] += red_share * green_share * blue_share;
                }
            }
        }
    }
    if count > 0.0 {
        histogram.iter_mut().chain(&mut shares).for_each(|value| *value /= count);
    }
    (histogram, shares)
}

/// Index of a colour's name in [`COLOUR_NAMES`].
fn name_of([red, green, blue]: [u8; 3]) -> usize {
    let high = red.max(green).max(blue);
    let low = red.min(green).min(blue);
    let spread = f32::from(high - low);
    if high < 48 {
        return 0;
    }
    if spread < 0.16 * f32::from(high) {
        return if high > 215 { 2 } else { 1 };
    }
    let [red, green, blue, high] = [red, green, blue, high].map(f32::from);
    let sixth = if high <= red {
        ((green - blue) / spread).rem_euclid(6.0)
    } else if high <= green {
        (blue - red) / spread + 2.0
    } else {
        (red - green) / spread + 4.0
    };
    match sixth * 60.0 {
        hue if hue < 14.0 => 3,
        hue if hue < 45.0 => 4,
        hue if hue < 70.0 => 5,
        hue if hue < 170.0 => 6,
        hue if hue < 255.0 => 7,
        hue if hue < 290.0 => 8,
        hue if hue < 340.0 => 9,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::drawing::Drawing;

    #[test]
    fn a_picture_differs_from_itself_by_nothing() {
        let picture = Picture::decode(&Drawing::disc([200, 30, 30]).png()).unwrap();
        let difference = picture.difference(&picture);
        assert!(difference.total() < 0.001, "{difference:?}");
    }

    #[test]
    fn place_size_and_background_do_not_change_the_outline() {
        let reference = Picture::decode(&Drawing::disc([200, 30, 30]).png()).unwrap();
        let moved = Drawing::disc([200, 30, 30]).at(70, 80, 25).on([128; 3]).png();
        let difference = Picture::decode(&moved).unwrap().difference(&reference);
        assert!(difference.outline < 0.12 && difference.colour < 0.12, "{difference:?}");
    }

    #[test]
    fn colour_and_outline_are_told_apart() {
        let reference = Picture::decode(&Drawing::disc([200, 30, 30]).png()).unwrap();
        let other_colour = Picture::decode(&Drawing::disc([30, 60, 200]).png()).unwrap().difference(&reference);
        let other_shape = Picture::decode(&Drawing::bar([200, 30, 30]).png()).unwrap().difference(&reference);
        assert!(other_colour.colour > 0.6 && other_colour.outline < 0.05, "{other_colour:?}");
        assert!(other_shape.colour < 0.15 && other_shape.outline > 0.4, "{other_shape:?}");
    }

    #[test]
    fn an_empty_picture_has_nothing_in_common_with_an_object() {
        let reference = Picture::decode(&Drawing::disc([200, 30, 30]).png()).unwrap();
        let empty = Picture::decode(&Drawing::empty().png()).unwrap();
        assert!(empty.first().coverage < f32::EPSILON);
        assert!(empty.difference(&reference).total() > 0.99);
    }

    #[test]
    fn a_grid_is_four_looks_without_its_gap() {
        let tile = Drawing::disc([200, 30, 30]).on([128; 3]);
        let grid = Picture::decode(&tile.grid(5)).unwrap();
        assert_eq!(grid.looks.len(), 4);
        let single = Picture::decode(&tile.png()).unwrap();
        for look in &grid.looks {
            assert!(outline_difference(look, single.first()) < 0.05);
            assert!((look.coverage - single.first().coverage).abs() < 0.02);
        }
    }

    #[test]
    fn pieces_symmetry_and_shape_are_measured() {
        let disc = Picture::decode(&Drawing::disc([200, 30, 30]).png()).unwrap();
        assert_eq!(disc.first().pieces, 1);
        assert!(disc.first().symmetry > 0.95);
        assert!((disc.first().aspect - 1.0).abs() < 0.1);
        assert!(Picture::decode(&Drawing::bar([9, 9, 9]).png()).unwrap().first().aspect < 0.5);
    }

    #[test]
    fn names_of_colours() {
        let name = |colour| COLOUR_NAMES[name_of(colour)];
        assert_eq!(name([10, 10, 10]), "black");
        assert_eq!(name([128, 128, 120]), "gray");
        assert_eq!(name([250, 250, 250]), "white");
        assert_eq!(name([220, 20, 30]), "red");
        assert_eq!(name([140, 80, 30]), "orange or brown");
        assert_eq!(name([230, 220, 40]), "yellow");
        assert_eq!(name([40, 160, 60]), "green");
        assert_eq!(name([40, 60, 200]), "blue");
        assert_eq!(name([130, 40, 220]), "purple");
        assert_eq!(name([240, 80, 200]), "pink");
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let error = Picture::decode(b"GIF89a").unwrap_err().to_string();
        assert!(error.contains("PNG"), "{error}");
    }
}
