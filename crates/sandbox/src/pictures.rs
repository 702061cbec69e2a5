//! The sandbox's 32 prompt pictures, drawn when asked for, and the prompts file that names them.
//! It knows shapes and paint; it must not know who serves the files or who looks at them.

mod canvas;
mod catalogue;
mod shapes;

use std::io;
use std::path::Path;

use serde_json::json;
use url::Url;

use self::canvas::Canvas;
pub use self::catalogue::PICTURES;

/// Width and height of a picture in pixels.
pub const SIDE: u32 = 512;

/// One prompt picture: an object on a light background, the same bytes on every machine and in every run.
#[derive(Debug, Clone, Copy)]
pub struct Picture {
    /// Its stem, as the batch API takes it (`^[a-z0-9]+$`).
    pub stem: &'static str,
    draw: fn(&mut Canvas),
}

impl Picture {
    /// Draws it: a PNG, 8-bit RGB, [`SIDE`] pixels square.
    pub fn png(&self) -> Vec<u8> {
        let mut canvas = Canvas::new(SIDE);
        (self.draw)(&mut canvas);
        canvas.into_png()
    }

    /// `<stem>.png`.
    pub fn file_name(&self) -> String {
        format!("{}.png", self.stem)
    }
}

/// Draws all pictures into `folder` (made when missing) on all processors; takes about a second.
pub fn write_all(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = PICTURES.len().div_ceil(workers);
    std::thread::scope(|scope| {
        let threads: Vec<_> = PICTURES
            .chunks(share)
            .map(|pictures| {
                scope.spawn(move || {
                    pictures
                        .iter()
                        .try_for_each(|picture| std::fs::write(folder.join(picture.file_name()), picture.png()))
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("drawing does not panic"))
    })
}

/// The addresses of all pictures below `base`, a URL that ends with `/`.
pub fn addresses(base: &Url) -> Vec<String> {
    let address = |picture: &Picture| base.join(&picture.file_name()).expect("a file name joins any base").into();
    PICTURES.iter().map(address).collect()
}

/// The prompts file for the pictures below `base`, a URL that ends with `/`: `{"prompts": […], "seed": N}`.
pub fn prompts_file(base: &Url, seed: u64) -> serde_json::Value {
    let prompts: Vec<_> = PICTURES
        .iter()
        .zip(addresses(base))
        .map(|(picture, image_url)| json!({"stem": picture.stem, "image_url": image_url}))
        .collect();
    json!({"prompts": prompts, "seed": seed})
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_32_different_pictures_with_stems_that_generators_take() {
        assert_eq!(PICTURES.len(), 32);
        let stems: HashSet<_> = PICTURES.iter().map(|picture| picture.stem).collect();
        assert_eq!(stems.len(), 32);
        for stem in stems {
            let stem: gen404_round::Stem = stem.parse().expect("a stem");
            assert!(stem.matches_the_batch_api(), "{stem}");
        }
    }

    #[test]
    fn a_picture_is_an_object_on_a_light_background_and_always_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        write_all(folder.path()).expect("writable");
        let mut seen = HashSet::new();
        for picture in PICTURES {
            let bytes = std::fs::read(folder.path().join(picture.file_name())).expect("written");
            let mut reader = png::Decoder::new(io::Cursor::new(&bytes)).read_info().expect("a PNG");
            let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
            reader.next_frame(&mut pixels).expect("whole");
            let background = &pixels[..3];
            assert!(background.iter().all(|&channel| channel > 215), "{} is not light", picture.stem);
            let object =
                pixels.chunks_exact(3).filter(|pixel| pixel.iter().zip(background).any(|(a, b)| a.abs_diff(*b) > 40));
            let share = f64::from(u32::try_from(object.count()).expect("few")) / f64::from(SIDE * SIDE);
            assert!((0.03..0.6).contains(&share), "{} covers {share}", picture.stem);
            assert!(seen.insert(bytes), "{} looks like another", picture.stem);
        }
        let lamp = PICTURES[0];
        assert_eq!(lamp.png(), std::fs::read(folder.path().join(lamp.file_name())).expect("written"));
    }

    #[test]
    fn the_prompts_file_is_one() {
        let base = "http://127.0.0.1:9/cdn/".parse().expect("a URL");
        let text = prompts_file(&base, 7).to_string();
        let set = gen404_round::PromptSet::parse(text.as_bytes()).expect("a prompts file");
        assert_eq!((set.prompts.len(), set.seed), (32, Some(7)));
        assert_eq!(set.prompts[0].image_url, format!("http://127.0.0.1:9/cdn/{}.png", PICTURES[0].stem));
    }
}
