//! One array of `numpy`: a row of little-endian floats, nothing else.
//! The header is Python text; only the entries that `numpy` writes are looked for in it.

const MAGIC: &[u8] = b"\x93NUMPY";

/// The numbers of a one-dimensional array of 32- or 64-bit floats.
pub(super) fn vector(file: &[u8]) -> Option<Vec<f64>> {
    let (header, data) = match file.strip_prefix(MAGIC)? {
        [1, _, l0, l1, rest @ ..] => rest.split_at_checked(usize::from(u16::from_le_bytes([*l0, *l1])))?,
        [2 | 3, _, l0, l1, l2, l3, rest @ ..] => {
            rest.split_at_checked(usize::try_from(u32::from_le_bytes([*l0, *l1, *l2, *l3])).ok()?)?
        }
        _ => return None,
    };
    let header = std::str::from_utf8(header).ok()?;
    let length: usize =
        entry(header, "shape")?.strip_prefix('(')?.split_once(')')?.0.strip_suffix(',')?.trim().parse().ok()?;
    let description = entry(header, "descr")?.trim_start_matches(['\'', '"']);
    if description.starts_with("<f4") {
        let data = data.get(..length.checked_mul(4)?)?;
        Some(data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect())
    } else if description.starts_with("<f8") {
        let data = data.get(..length.checked_mul(8)?)?;
        Some(
            data.chunks_exact(8)
                .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
        )
    } else {
        None
    }
}

/// What follows `'name':` in the header.
fn entry<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let at = ['\'', '"'].iter().find_map(|quote| {
        let key = format!("{quote}{name}{quote}");
        header.find(&key).map(|at| at + key.len())
    })?;
    header[at..].trim_start().strip_prefix(':').map(str::trim_start)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).expect("short");
        [MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes(), data].concat()
    }

    /// As `numpy` writes it.
    pub(crate) fn array(values: &[f32]) -> Vec<u8> {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        file(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}    \n", values.len()), &data)
    }

    #[test]
    fn rows_of_floats_are_read() {
        assert_eq!(vector(&array(&[1.0, -2.5])), Some(vec![1.0, -2.5]));
        assert_eq!(vector(&array(&[])), Some(vec![]));
        let doubles = file("{\"shape\": (1,), \"descr\": \"<f8\"}", &0.5f64.to_le_bytes());
        assert_eq!(vector(&doubles), Some(vec![0.5]));
    }

    #[test]
    fn everything_else_is_not() {
        for (header, data) in [
            ("{'descr': '<f4', 'shape': (2, 1), }", [0; 8]),
            ("{'descr': '<f4', 'shape': (), }", [0; 8]),
            ("{'descr': '<f4', 'shape': (3,), }", [0; 8]),
            ("{'descr': '<f4', 'shape': (-1,), }", [0; 8]),
            ("{'descr': '<f4', 'shape': (99999999999999999999,), }", [0; 8]),
            ("{'descr': '<f4', 'shape': (9223372036854775807,), }", [0; 8]),
            ("{'descr': '|O', 'shape': (1,), }", [0; 8]),
            ("{'descr': '<i4', 'shape': (1,), }", [0; 8]),
            ("{'shape': (1,), }", [0; 8]),
            ("{'descr': '<f4'}", [0; 8]),
        ] {
            assert_eq!(vector(&file(header, &data)), None, "{header}");
        }
        assert_eq!(vector(b"\x93NUMPY\x01\x00\xff\xff{"), None);
        assert_eq!(vector(b"\x93NUMPY\x09\x00\x01\x00{"), None);
    }
}
