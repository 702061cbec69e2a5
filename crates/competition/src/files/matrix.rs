//! Both matrices: lines of `left,right,margin`, which grow while they are read and end without a line feed.

use std::collections::BTreeSet;

use crate::content::{Content, Document, Unreadable};

const HEADER: &str = "left,right,margin";

/// A matrix as far as it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixFile {
    /// The rows that were understood, in the file's order. Sides are as written: compare them, never make a path of them.
    pub rows: Vec<Row>,
    /// Numbers of lines, from 1, that were not.
    pub unreadable: Vec<usize>,
    /// The end of the file, when it may be half a row: it counts for nothing.
    pub unfinished: Option<String>,
}

/// One match.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The defender, or whose outputs are compared with regenerated ones.
    pub left: String,
    /// The challenger.
    pub right: String,
    /// The challenger's margin, from -1 to 1.
    pub margin: f64,
}

impl Content for MatrixFile {
    fn read(document: &Document) -> Result<Self, Unreadable> {
        let text = document.text()?;
        let mut file = Self { rows: Vec::new(), unreadable: Vec::new(), unfinished: None };
        let mut lines = text.lines().map(|line| line.trim_end_matches('\r')).enumerate().peekable();
        match lines.next() {
            Some((_, header)) if header.trim() == HEADER => {}
            // Empty, or cut inside its first line.
            None => return Ok(file),
            Some((_, header)) if lines.peek().is_none() && HEADER.starts_with(header) && !document.is_whole => {
                file.unfinished = Some(header.to_owned());
                return Ok(file);
            }
            Some(_) => return Err(Unreadable::Header { expected: HEADER }),
        }
        let ends = document.is_whole || text.ends_with('\n');
        while let Some((index, line)) = lines.next() {
            if line.trim().is_empty() {
                continue;
            }
            let is_last = lines.peek().is_none() && !ends;
            match row(line) {
                Some((row, written)) if !is_last || cannot_grow(written) => file.rows.push(row),
                Some(_) => file.unfinished = Some(line.to_owned()),
                None if is_last => file.unfinished = Some(line.to_owned()),
                None => file.unreadable.push(index + 1),
            }
        }
        Ok(file)
    }
}

fn row(line: &str) -> Option<(Row, &str)> {
    let mut columns = line.split(',').map(str::trim);
    let (left, right, written) = (columns.next()?, columns.next()?, columns.next()?);
    let margin: f64 = written.parse().ok()?;
    // Python always writes a point or an exponent; a whole number is the beginning of something.
    let is_float = written.contains(['.', 'e']) && !written.ends_with(['.', 'e', '-', '+']);
    let plausible = is_float && (-1.0..=1.0).contains(&margin) && !left.is_empty() && !right.is_empty();
    plausible.then(|| (Row { left: left.to_owned(), right: right.to_owned(), margin }, written))
}

/// Whether a margin that stands at the very end of the bytes is certainly written out: it is one of the margins that 128
/// prompts can give, and no other one begins like it. With another number of prompts it is left open.
fn cannot_grow(written: &str) -> bool {
    let all: BTreeSet<String> = (-128_i32..=128).map(|score| format!("{:?}", f64::from(score) / 128.0)).collect();
    all.contains(written) && all.iter().filter(|margin| margin.starts_with(written)).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_whole: bool) -> Result<MatrixFile, Unreadable> {
        MatrixFile::read(&Document { bytes: text.as_bytes().to_vec(), is_whole })
    }

    #[test]
    fn a_last_row_counts_only_when_it_is_written_out() {
        let margins = |text: &str, is_whole| {
            let file = read(&format!("left,right,margin\nleader,a,-1.0\nleader,b,{text}"), is_whole).expect("a matrix");
            (file.rows.len(), file.unfinished.is_some(), file.unreadable.len())
        };
        assert_eq!(margins("0.0703125", false), (2, false, 0));
        assert_eq!(margins("-0.0625", false), (2, false, 0));
        // Each of these may go on.
        for cut in ["", "-", "0", "0.", "0.0", "0.07", "0.25", "-0.5", "0.070312"] {
            assert_eq!(margins(cut, false), (1, true, 0), "{cut}");
        }
        assert_eq!(margins("0.0", true), (2, false, 0));
        assert_eq!(margins("0.0\n", false), (2, false, 0));
        for nonsense in ["nan", "2.0", "x", "inf", "1e", ""] {
            assert_eq!(margins(&format!("{nonsense}\n"), false), (1, false, 1), "{nonsense}");
        }
    }

    #[test]
    fn what_is_no_matrix_is_refused() {
        assert_eq!(read("<html>\n", true), Err(Unreadable::Header { expected: HEADER }));
        assert_eq!(read("left,ri", false).expect("cut").unfinished.as_deref(), Some("left,ri"));
        assert!(read("left,ri", true).is_err());
        assert!(read("", true).expect("empty").rows.is_empty());
        assert_eq!(read("left,right,margin\r\nleader,a,0.5,more\r\n", true).expect("a matrix").rows.len(), 1);
    }
}
