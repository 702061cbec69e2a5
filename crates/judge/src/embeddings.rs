//! A side's `embeddings.npz`: which of its views looks most like the prompt picture.
//! The file comes from outside, so archive and arrays are read with limits; names that could leave a folder are no views.

mod npy;

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::profile::is_view_name;

/// A file holds about ten arrays of 384 floats.
const MOST_ARRAYS: usize = 256;
const LARGEST_ARRAY: u64 = 4 << 20;

/// Why a side has no best view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableEmbeddings {
    #[error("it is not a readable archive")]
    Archive,
    #[error("it holds more than {MOST_ARRAYS} arrays, or one above {} MiB", LARGEST_ARRAY >> 20)]
    TooLarge,
    #[error("its array `{}` is not a row of numbers", name.escape_debug())]
    Array { name: String },
    #[error("its arrays have different lengths")]
    Lengths,
    #[error("it holds no `prompt`")]
    NoPrompt,
    #[error("it holds no usable `view_…`")]
    NoViews,
}

/// The view whose vector has the largest dot product with the prompt's; the first in file order of equal ones.
pub(crate) fn best_view(file: &[u8]) -> Result<String, UnusableEmbeddings> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| UnusableEmbeddings::Archive)?;
    if archive.len() > MOST_ARRAYS {
        return Err(UnusableEmbeddings::TooLarge);
    }
    let (mut prompt, mut views) = (None, Vec::new());
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|_| UnusableEmbeddings::Archive)?;
        let Ok(name) = member.name() else { continue };
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let view = name.strip_prefix("view_").filter(|view| is_view_name(view)).map(str::to_owned);
        if view.is_none() && name != "prompt" {
            continue;
        }
        let mut array = Vec::new();
        member.by_ref().take(LARGEST_ARRAY + 1).read_to_end(&mut array).map_err(|_| UnusableEmbeddings::Archive)?;
        if array.len() as u64 > LARGEST_ARRAY {
            return Err(UnusableEmbeddings::TooLarge);
        }
        let vector = npy::vector(&array).ok_or(UnusableEmbeddings::Array { name })?;
        match view {
            Some(view) => views.push((view, vector)),
            None => prompt = Some(vector),
        }
    }
    let prompt = prompt.ok_or(UnusableEmbeddings::NoPrompt)?;
    if views.iter().any(|(_, vector)| vector.len() != prompt.len()) {
        return Err(UnusableEmbeddings::Lengths);
    }
    let mut best: Option<(f64, String)> = None;
    for (view, vector) in views {
        let likeness: f64 = prompt.iter().zip(&vector).map(|(a, b)| a * b).sum();
        if !likeness.is_nan() && best.as_ref().is_none_or(|(so_far, _)| likeness > *so_far) {
            best = Some((likeness, view));
        }
    }
    best.map(|(_, view)| view).ok_or(UnusableEmbeddings::NoViews)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::CompressionMethod;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::npy::tests::array;
    use super::*;

    fn archive(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, data) in members {
            let options = SimpleFileOptions::default().compression_method(method).large_file(true);
            writer.start_file(format!("{name}.npy"), options).expect("memory");
            writer.write_all(data).expect("memory");
        }
        writer.finish().expect("memory").into_inner()
    }

    fn best(members: &[(&str, &[f32])]) -> Result<String, UnusableEmbeddings> {
        let members: Vec<_> = members.iter().map(|(name, values)| (*name, array(values))).collect();
        best_view(&archive(&members, CompressionMethod::Stored))
    }

    const PROMPT: (&str, &[f32]) = ("prompt", &[1.0, 0.0]);

    #[test]
    fn the_closest_view_wins_and_the_first_of_equal_ones() {
        let views: [(&str, &[f32]); 3] =
            [("view_left", &[0.5, 9.0]), ("view_back", &[0.75, 0.0]), ("view_right", &[0.75, 1.0])];
        assert_eq!(best(&[PROMPT, views[0], views[1], views[2]]).as_deref(), Ok("back"));
        assert_eq!(best(&[views[2], views[1], PROMPT]).as_deref(), Ok("right"));
        let members: Vec<_> = [PROMPT, views[0]].iter().map(|(name, values)| (*name, array(values))).collect();
        assert_eq!(best_view(&archive(&members, CompressionMethod::Deflated)).as_deref(), Ok("left"));
    }

    #[test]
    fn other_arrays_and_nonsense_are_passed_over() {
        let nan: (&str, &[f32]) = ("view_left", &[f32::NAN, 0.0]);
        let good: (&str, &[f32]) = ("view_back", &[-0.5, 0.0]);
        let outside: (&str, &[f32]) = ("view_../../etc/passwd", &[9.0, 9.0]);
        let unrelated: (&str, &[f32]) = ("extra", &[9.0, 9.0, 9.0]);
        assert_eq!(best(&[PROMPT, nan, outside, unrelated, good]).as_deref(), Ok("back"));
        assert_eq!(best(&[PROMPT, nan]), Err(UnusableEmbeddings::NoViews));
    }

    #[test]
    fn what_is_unusable_is_named() {
        let longer: (&str, &[f32]) = ("view_left", &[1.0, 2.0, 3.0]);
        assert_eq!(best(&[PROMPT]), Err(UnusableEmbeddings::NoViews));
        assert_eq!(best(&[("view_left", &[1.0])]), Err(UnusableEmbeddings::NoPrompt));
        assert_eq!(best(&[PROMPT, longer]), Err(UnusableEmbeddings::Lengths));
        assert_eq!(best_view(b""), Err(UnusableEmbeddings::Archive));
        let whole = archive(&[("prompt", array(&[1.0]))], CompressionMethod::Stored);
        assert_eq!(best_view(&whole[..60]), Err(UnusableEmbeddings::Archive));
        let broken = archive(&[("prompt", b"not an array".to_vec())], CompressionMethod::Stored);
        assert_eq!(best_view(&broken), Err(UnusableEmbeddings::Array { name: "prompt".to_owned() }));
    }

    #[test]
    fn archives_that_unpack_forever_are_given_up() {
        let zeros = vec![0; usize::try_from(LARGEST_ARRAY).expect("small") + 1];
        let bomb = archive(&[("prompt", zeros)], CompressionMethod::Deflated);
        assert!(bomb.len() < 100_000);
        assert_eq!(best_view(&bomb), Err(UnusableEmbeddings::TooLarge));
        let names: Vec<String> = (0..=MOST_ARRAYS).map(|index| format!("view_{index}")).collect();
        let members: Vec<_> = names.iter().map(|name| (name.as_str(), array(&[1.0]))).collect();
        assert_eq!(best_view(&archive(&members, CompressionMethod::Stored)), Err(UnusableEmbeddings::TooLarge));
    }

    proptest! {
        #[test]
        fn never_panics(at in 0usize..600, noise in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = best_view(&noise);
            let mut damaged = archive(&[("prompt", array(&[1.0, 2.0])), ("view_left", array(&[3.0, 4.0]))], CompressionMethod::Stored);
            let end = (at + noise.len()).min(damaged.len());
            if let Some(part) = damaged.get_mut(at..end) {
                part.copy_from_slice(&noise[..part.len()]);
            }
            let _ = best_view(&damaged);
        }
    }
}
