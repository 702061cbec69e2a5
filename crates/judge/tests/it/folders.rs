//! Folders as the renderer leaves them, with pictures that are as small as a test needs.

use std::io::Write;
use std::path::{Path, PathBuf};

use gen404_judge::{Match, Profile, PromptPictures};
use gen404_round::PromptSet;

pub(crate) const WHITE: [&str; 9] =
    ["front", "front_left", "front_right", "front_above", "front_below", "right", "back", "left", "top_down"];

/// Two picture folders, prompt pictures and a place for records; removed when dropped.
pub(crate) struct Folders(tempfile::TempDir);

impl Folders {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
        std::fs::write(path, content).expect("writes");
    }

    /// Everything a side needs. `look` is what the scripted model sees; views differ by their names.
    pub(crate) fn side(&self, side: &str, stem: &str, look: &str) {
        for view in WHITE {
            self.write(&format!("{side}/{stem}/white/{view}.png"), format!("{look} {view}").as_bytes());
        }
        self.write(&format!("{side}/{stem}/grid.png"), format!("{look} grid").as_bytes());
    }

    pub(crate) fn prompt(&self, stem: &str) {
        self.write(&format!("prompts/{stem}.png"), format!("prompt {stem}").as_bytes());
    }

    /// Gray pictures of one colour.
    pub(crate) fn gray(&self, side: &str, stem: &str, colour: [u8; 3]) {
        for view in ["front", "front_left"] {
            self.write(&format!("{side}/{stem}/gray/{view}.png"), &png(colour));
        }
    }

    /// Embeddings for which `view` is the best one.
    pub(crate) fn embeddings(&self, side: &str, stem: &str, view: &str) {
        let array = |value: f32| {
            let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
            let length = u16::try_from(header.len()).expect("short");
            [b"\x93NUMPY\x01\x00".as_slice(), &length.to_le_bytes(), header.as_bytes(), &value.to_le_bytes()].concat()
        };
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let members = WHITE.iter().map(|name| (format!("view_{name}.npy"), if *name == view { 0.9 } else { 0.1 }));
        for (name, value) in [("prompt.npy".to_owned(), 1.0)].into_iter().chain(members) {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory");
            writer.write_all(&array(value)).expect("memory");
        }
        self.write(&format!("{side}/{stem}/embeddings.npz"), &writer.finish().expect("memory").into_inner());
    }

    /// The match of these prompts.
    pub(crate) fn contest(&self, profile: &str, stems: &[&str]) -> Match {
        let prompts: Vec<_> = stems
            .iter()
            .map(|stem| serde_json::json!({"stem": stem, "image_url": format!("prompts/{stem}.png")}))
            .collect();
        Match {
            prompts: PromptSet::parse(serde_json::json!({"prompts": prompts}).to_string().as_bytes()).expect("prompts"),
            prompts_file: self.path("prompts.json"),
            left: self.path("left"),
            right: self.path("right"),
            output: self.path("results"),
            profile: Profile::built_in(profile).expect("built in"),
            model: "scripted".to_owned(),
            seed: 1000,
            prompt_pictures: PromptPictures::Data,
        }
    }

    /// A record as JSON.
    pub(crate) fn record(&self, stem: &str) -> serde_json::Value {
        read_json(&self.path(&format!("results/{stem}.json")))
    }
}

pub(crate) fn read_json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("there")).expect("JSON")
}

/// Eight by eight pixels of one colour.
fn png(colour: [u8; 3]) -> Vec<u8> {
    let chunk = |kind: &[u8], content: &[u8]| {
        let length = u32::try_from(content.len()).expect("short");
        [&length.to_be_bytes(), kind, content, &[0; 4]].concat()
    };
    let row = [&[0][..], &colour.repeat(8)].concat();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&row.repeat(8)).expect("memory");
    let header = [0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0];
    let data = encoder.finish().expect("memory");
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &header), &chunk(b"IDAT", &data), &chunk(b"IEND", b"")].concat()
}
