//! Places in a source: byte offsets as lines and columns, as the subnet's parser counts them.
//! Knows nothing of what stands there.

use crate::finding::Place;

/// Bytes between two marks of a source whose characters are not all one byte.
const MARKED: usize = 256;

/// Where the lines of a source begin. Any number of places costs no more than that number.
#[derive(Debug)]
pub struct Lines<'s> {
    source: &'s str,
    starts: Vec<usize>,
    /// UTF-16 units before every [`MARKED`]th byte; nothing if bytes and units are the same.
    marks: Vec<usize>,
}

impl<'s> Lines<'s> {
    /// Finds the lines. They end with LF, CR, CR LF, U+2028 or U+2029.
    pub fn new(source: &'s str) -> Self {
        let bytes = source.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let behind = match byte {
                b'\n' => at + 1,
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => at + 1,
                0xe2 if matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])) => at + 3,
                _ => continue,
            };
            starts.push(behind);
        }
        let marks = if source.is_ascii() { Vec::new() } else { marks(bytes) };
        Self { source, starts, marks }
    }

    /// The place of some bytes. Offsets behind the end, or inside a character, are taken back to where they can be.
    pub fn place(&self, start: usize, end: usize) -> Place {
        let start = self.source.floor_char_boundary(start);
        let end = self.source.floor_char_boundary(end).max(start);
        let line = self.starts.partition_point(|first| *first <= start);
        let column = self.units_before(start) - self.units_before(self.starts[line - 1]) + 1;
        Place { line, column, start, end }
    }

    /// The place of a line and a column that another program names; of a line alone if the column is not known. Nothing if
    /// they are not there.
    pub fn named(&self, line: usize, column: Option<usize>) -> Option<Place> {
        let text = self.line(line)?;
        let first = self.starts[line - 1];
        let Some(column) = column else {
            let indent = text.len() - text.trim_start().len();
            return Some(self.place(first + indent, first + text.trim_end().len()));
        };
        let mut units = 1;
        let mut at = text.char_indices().map(|(at, letter)| {
            let before = units;
            units += letter.len_utf16();
            (at, before)
        });
        let (at, _) = at.find(|(_, before)| *before >= column)?;
        let word = text[at..].find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'));
        let length = word.unwrap_or(text.len() - at).max(1);
        Some(self.place(first + at, first + at + length))
    }

    fn units_before(&self, at: usize) -> usize {
        match self.marks.get(at / MARKED) {
            Some(units) => units + units_of(&self.source.as_bytes()[at / MARKED * MARKED..at]),
            None => at,
        }
    }

    /// The text of a line, without what ends it. Nothing for a line that is not there.
    pub fn line(&self, number: usize) -> Option<&'s str> {
        let first = *self.starts.get(number.checked_sub(1)?)?;
        let behind = self.starts.get(number).copied().unwrap_or(self.source.len());
        Some(self.source[first..behind].trim_end_matches(['\n', '\r', '\u{2028}', '\u{2029}']))
    }
}

fn marks(bytes: &[u8]) -> Vec<usize> {
    let mut units = 0;
    let mut marks = vec![0];
    for block in bytes.chunks(MARKED) {
        units += units_of(block);
        marks.push(units);
    }
    marks
}

/// UTF-16 units of the characters that begin within these bytes.
fn units_of(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_the_language_says() {
        let source = "a\nbb\r\nc\rd\u{2028}é😀e\u{2029}";
        let lines = Lines::new(source);
        let place = |text: &str| {
            let at = source.find(text).expect("is in the source");
            let place = lines.place(at, at + text.len());
            (place.line, place.column)
        };
        assert_eq!(place("a"), (1, 1));
        assert_eq!(place("b"), (2, 1));
        assert_eq!(place("c"), (3, 1));
        assert_eq!(place("d"), (4, 1));
        assert_eq!(place("e"), (5, 4));
        assert_eq!([1, 2, 5, 6, 7].map(|line| lines.line(line)), [Some("a"), Some("bb"), Some("é😀e"), Some(""), None]);
    }

    #[test]
    fn columns_far_into_a_line_are_right() {
        for unit in ["x", "é", "😀", "a日"] {
            let source = format!("\n{}fetch", unit.repeat(1_000));
            let place = Lines::new(&source).place(source.len() - 5, source.len());
            assert_eq!((place.line, place.column), (2, 1_000 * unit.encode_utf16().count() + 1), "{unit}");
        }
    }

    #[test]
    fn places_that_others_name_are_found() {
        let lines = Lines::new("a\n  é😀 = make(b); \n");
        let text =
            |line, column| lines.named(line, column).map(|place| (place.column, &lines.source[place.start..place.end]));
        assert_eq!(text(2, None), Some((3, "é😀 = make(b);")));
        assert_eq!(text(2, Some(9)), Some((9, "make")));
        assert_eq!(text(2, Some(13)), Some((13, "(")));
        assert_eq!(text(1, Some(1)), Some((1, "a")));
        assert_eq!([text(1, Some(9)), text(9, None), text(0, None)], [None; 3]);
    }

    #[test]
    fn offsets_outside_are_taken_back() {
        let lines = Lines::new("é");
        assert_eq!(lines.place(1, 9), Place { line: 1, column: 1, start: 0, end: 2 });
        assert_eq!(Lines::new("").place(3, 2), Place { line: 1, column: 1, start: 0, end: 0 });
    }
}
