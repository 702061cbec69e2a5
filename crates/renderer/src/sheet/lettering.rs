//! Names on a contact sheet, in letters of three by five dots: enough to tell objects apart, and no font to ship.
//! Stems have only ASCII letters, digits, `-`, `_` and `.`; small letters are written as capitals.

use crate::image::Image;

/// Pixels a dot is wide and high.
const DOT: u32 = 2;
/// Pixels from one letter to the next.
const ADVANCE: u32 = 4 * DOT;
const INK: [u8; 4] = [60, 60, 66, 255];

/// Writes `text` into a line of `width` pixels; the middle of a longer one is left out.
pub(super) fn write(image: &mut Image, text: &str, left: u32, top: u32, width: u32) {
    let dot = Image::filled(DOT, DOT, INK);
    let room = (width / ADVANCE) as usize;
    for (letter, place) in shortened(text, room).bytes().zip(0..) {
        for (row, dots) in (0..).zip(glyph(letter)) {
            for column in (0..3).filter(|column| dots & (4 >> column) != 0) {
                image.paste(&dot, left + place * ADVANCE + column * DOT, top + row * DOT);
            }
        }
    }
}

/// Both ends of a text that is too long, with two dots between them.
fn shortened(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let end = (room - 2) / 2;
    let start = room - 2 - end;
    format!("{}..{}", &text[..start], &text[text.len() - end..])
}

/// Five rows of three dots, the left one the highest bit.
fn glyph(letter: u8) -> [u8; 5] {
    match letter.to_ascii_uppercase() {
        b'A' => [2, 5, 7, 5, 5],
        b'B' => [6, 5, 6, 5, 6],
        b'C' => [3, 4, 4, 4, 3],
        b'D' => [6, 5, 5, 5, 6],
        b'E' => [7, 4, 6, 4, 7],
        b'F' => [7, 4, 6, 4, 4],
        b'G' => [3, 4, 5, 5, 3],
        b'H' => [5, 5, 7, 5, 5],
        b'I' => [7, 2, 2, 2, 7],
        b'J' => [1, 1, 1, 5, 2],
        b'K' => [5, 5, 6, 5, 5],
        b'L' => [4, 4, 4, 4, 7],
        b'M' => [5, 7, 7, 5, 5],
        b'N' => [6, 5, 5, 5, 5],
        b'O' => [2, 5, 5, 5, 2],
        b'P' => [6, 5, 6, 4, 4],
        b'Q' => [2, 5, 5, 6, 3],
        b'R' => [6, 5, 6, 5, 5],
        b'S' => [3, 4, 2, 1, 6],
        b'T' => [7, 2, 2, 2, 2],
        b'U' => [5, 5, 5, 5, 7],
        b'V' => [5, 5, 5, 5, 2],
        b'W' => [5, 5, 7, 7, 5],
        b'X' => [5, 5, 2, 5, 5],
        b'Y' => [5, 5, 2, 2, 2],
        b'Z' => [7, 1, 2, 4, 7],
        b'0' => [7, 5, 5, 5, 7],
        b'1' => [2, 6, 2, 2, 7],
        b'2' => [6, 1, 2, 4, 7],
        b'3' => [6, 1, 2, 1, 6],
        b'4' => [5, 5, 7, 1, 1],
        b'5' => [7, 4, 6, 1, 6],
        b'6' => [3, 4, 7, 5, 7],
        b'7' => [7, 1, 1, 2, 2],
        b'8' => [7, 5, 7, 5, 7],
        b'9' => [7, 5, 7, 1, 6],
        b'-' => [0, 0, 7, 0, 0],
        b'_' => [0, 0, 0, 0, 7],
        b'.' => [0, 0, 0, 0, 2],
        _ => [0; 5],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("lamp", 30), "lamp");
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(shortened(&hash, 12), "01234..bcdef");
    }

    #[test]
    fn every_character_of_a_stem_has_its_own_glyph() {
        let letters: Vec<u8> = (b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"-_.").collect();
        let glyphs: std::collections::BTreeSet<_> = letters.iter().map(|letter| glyph(*letter)).collect();
        assert_eq!(glyphs.len(), letters.len());
        assert!(!glyphs.contains(&[0; 5]));
    }
}
