//! Reads an object out of a picture: its outline row by row, and the colour that rules each piece of a row.
//! Pure arithmetic on pixels; it must not know what language the object will be written in.

use std::collections::HashMap;

use super::Quality;
use crate::pixels::Pixels;

/// A slice of a part that lies level: all lengths in thousandths of the unit cube's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) height: i32,
    pub(crate) middle: i32,
    pub(crate) radius: i32,
    /// `0xRRGGBB`.
    pub(crate) colour: u32,
}

/// Rings from the bottom up that belong together, such as a leg.
pub(crate) type Part = Vec<Ring>;

/// How far a colour may be from the background, over all channels, and still belong to it (shadows, noise).
const BACKGROUND_TOLERANCE: u16 = 60;
/// The object's longest side in thousandths: the cube with a margin, so that rounding stays inside.
const LONGEST_SIDE: f64 = 950.0;
/// Most pieces of one row; more is noise.
const MOST_PIECES: usize = 6;

/// Most parts of an object; the smallest of more are dropped, which keeps any picture far below the subnet's limits
/// for vertices and draw calls.
const MOST_PARTS: usize = 48;

/// A run of object pixels in a band of rows: first column, column after the last, ruling colour.
#[derive(Clone, Copy)]
struct Run {
    from: usize,
    to: usize,
    colour: [u8; 3],
}

impl Run {
    fn overlap(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// The object's parts, or `None` when the picture shows none.
pub(crate) fn sketch(picture: &Pixels, quality: Quality) -> Option<Vec<Part>> {
    let mask = Mask::of(picture);
    let (left, right, top, bottom) = mask.bounds()?;
    let layers = match quality {
        Quality::Fine => 96,
        Quality::Coarse => 7,
    };
    let rows = bottom - top;
    let layers = layers.min(rows);
    let scale = LONGEST_SIDE / length(rows.max(right - left));
    let (centre, floor) = (length(left + right) / 2.0, length(rows) * scale / 2.0);
    let place = |run: &Run, height: f64| Ring {
        height: thousandths(height),
        middle: thousandths((length(run.from + run.to) / 2.0 - centre) * scale),
        radius: thousandths(length(run.to - run.from) / 2.0 * scale).max(2),
        colour: run.colour.iter().fold(0, |rgb, channel| rgb << 8 | u32::from(*channel)),
    };

    let mut parts: Vec<Part> = Vec::new();
    let mut open: Vec<(usize, Run)> = Vec::new();
    for layer in (0..layers).rev() {
        let (first, after) = (top + rows * layer / layers, top + rows * (layer + 1) / layers);
        let low = length(bottom - after) * scale - floor;
        let high = length(bottom - first) * scale - floor;
        let runs = mask.runs(picture, first, after, (right - left) / 80 + 1);
        let continued = |run: &Run| {
            let mut below = open.iter().filter(|(_, old)| old.overlap(run));
            let (part, old) = below.next()?;
            let alone = below.next().is_none() && runs.iter().filter(|other| other.overlap(old)).count() == 1;
            alone.then_some(*part)
        };
        let mut next = Vec::with_capacity(runs.len());
        for run in &runs {
            let part = continued(run).unwrap_or_else(|| {
                parts.push(vec![place(run, low)]);
                parts.len() - 1
            });
            parts[part].push(place(run, f64::midpoint(low, high)));
            next.push((part, *run));
        }
        for (part, run) in &open {
            if next.iter().all(|(going_on, _)| going_on != part) {
                parts[*part].push(place(run, low));
            }
        }
        open = next;
    }
    for (part, run) in &open {
        parts[*part].push(place(run, floor));
    }
    if quality == Quality::Coarse {
        let all: Vec<_> = mask.pixels(picture).collect();
        let colour = ruling_colour(&all).iter().fold(0, |rgb, channel| rgb << 8 | u32::from(*channel));
        parts.iter_mut().flatten().for_each(|ring| ring.colour = colour);
    }
    keep_largest(&mut parts);
    Some(parts)
}

fn keep_largest(parts: &mut Vec<Part>) {
    let size = |part: &Part| part.iter().map(|ring| ring.radius).sum::<i32>();
    let mut sizes: Vec<_> = parts.iter().map(size).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    if let Some(too_small) = sizes.get(MOST_PARTS).copied() {
        parts.retain(|part| size(part) > too_small);
    }
}

/// Which pixels belong to the object.
struct Mask {
    width: usize,
    inside: Vec<bool>,
}

impl Mask {
    /// Everything that differs from the middle colour of the picture's border.
    fn of(picture: &Pixels) -> Self {
        let Pixels { width, height, colours: pixels } = picture;
        let border: Vec<_> = (0..*width)
            .flat_map(|x| [x, (height - 1) * width + x])
            .chain((0..*height).flat_map(|y| [y * width, (y + 1) * width - 1]))
            .collect();
        let background: [u8; 3] = std::array::from_fn(|channel| {
            let mut values: Vec<_> = border.iter().map(|at| pixels[*at][channel]).collect();
            values.sort_unstable();
            values[values.len() / 2]
        });
        let differs = |pixel: &[u8; 3]| {
            let distance: u16 = pixel.iter().zip(background).map(|(a, b)| u16::from(a.abs_diff(b))).sum();
            distance > BACKGROUND_TOLERANCE
        };
        Self { width: *width, inside: pixels.iter().map(differs).collect() }
    }

    /// Left, right, top and bottom, the ends exclusive.
    fn bounds(&self) -> Option<(usize, usize, usize, usize)> {
        let rows = || self.inside.chunks_exact(self.width);
        let top = rows().position(|row| row.contains(&true))?;
        let bottom = rows().rposition(|row| row.contains(&true))? + 1;
        let left = rows().filter_map(|row| row.iter().position(|inside| *inside)).min()?;
        let right = rows().filter_map(|row| row.iter().rposition(|inside| *inside)).max()? + 1;
        Some((left, right, top, bottom))
    }

    fn pixels<'a>(&'a self, picture: &'a Pixels) -> impl Iterator<Item = [u8; 3]> + 'a {
        picture.colours.iter().zip(&self.inside).filter_map(|(pixel, inside)| inside.then_some(*pixel))
    }

    /// The runs of a band of rows: columns that the object covers in most of its rows, at least `shortest` wide.
    fn runs(&self, picture: &Pixels, first: usize, after: usize, shortest: usize) -> Vec<Run> {
        let covered = |column: usize| {
            let hits = (first..after).filter(|row| self.inside[row * self.width + column]).count();
            hits * 2 > after - first
        };
        let columns: Vec<bool> = (0..self.width).map(covered).collect();
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut column = 0;
        for piece in columns.chunk_by(|a, b| a == b) {
            let (from, to) = (column, column + piece.len());
            column = to;
            match runs.last_mut() {
                _ if !piece[0] => {}
                Some(last) if from - last.1 < shortest => last.1 = to,
                _ => runs.push((from, to)),
            }
        }
        runs.retain(|(from, to)| to - from >= shortest);
        runs.sort_by_key(|(from, to)| std::cmp::Reverse(to - from));
        runs.truncate(MOST_PIECES);
        runs.sort_unstable();
        let colour = |from: usize, to: usize| {
            let pixels = (first..after).flat_map(|row| row * self.width + from..row * self.width + to);
            let inside: Vec<_> = pixels.filter(|at| self.inside[*at]).map(|at| picture.colours[at]).collect();
            ruling_colour(&inside)
        };
        runs.into_iter().map(|(from, to)| Run { from, to, colour: colour(from, to) }).collect()
    }
}

/// The mean of the most frequent group of similar colours.
fn ruling_colour(pixels: &[[u8; 3]]) -> [u8; 3] {
    let mut groups: HashMap<[u8; 3], ([u64; 3], u64)> = HashMap::new();
    for pixel in pixels {
        let (sums, count) = groups.entry(pixel.map(|channel| channel >> 6)).or_default();
        for (sum, channel) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(*channel);
        }
        *count += 1;
    }
    // The key breaks ties, so that the map's order never shows.
    let ruling = groups.into_iter().max_by_key(|(key, (_, count))| (*count, *key));
    ruling.map_or([128; 3], |(_, (sums, count))| sums.map(|sum| u8::try_from(sum / count).expect("a mean of bytes")))
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are below 4096")]
fn length(pixels: usize) -> f64 {
    pixels as f64
}

#[expect(clippy::cast_possible_truncation, reason = "at most a thousand")]
fn thousandths(value: f64) -> i32 {
    value.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture from letters: `.` background, `r` red, `b` blue; each letter is ten by ten pixels.
    fn picture(rows: &[&str]) -> Pixels {
        let colour = |letter: u8| match letter {
            b'r' => [200, 20, 20],
            b'b' => [20, 20, 200],
            _ => [240, 240, 240],
        };
        let pixels: Vec<_> = rows
            .iter()
            .flat_map(|row| std::iter::repeat_n(row, 10))
            .flat_map(|row| row.bytes().flat_map(|letter| std::iter::repeat_n(colour(letter), 10)))
            .collect();
        Pixels { width: rows[0].len() * 10, height: rows.len() * 10, colours: pixels }
    }

    #[test]
    fn legs_become_parts_of_their_own() {
        let table = picture(&[".......", ".rrrrr.", ".b...b.", ".b...b.", "......."]);
        let parts = sketch(&table, Quality::Fine).expect("an object");
        assert_eq!(parts.len(), 3);
        let colours: Vec<_> = parts.iter().map(|part| part[0].colour).collect();
        assert_eq!(colours, [0x00_1414c8, 0x00_1414c8, 0x00c8_1414]);
        let (leg, top) = (&parts[0], &parts[2]);
        assert_eq!((leg[0].height, leg[0].middle, leg[0].radius), (-285, -380, 95));
        assert_eq!((top[0].height, top[0].middle, top[0].radius), (95, 0, 475));
        assert_eq!(top.last().map(|ring| ring.height), Some(285));
    }

    #[test]
    fn an_empty_picture_holds_no_object() {
        assert!(sketch(&picture(&["...", "..."]), Quality::Fine).is_none());
    }
}
