//! What these tests need of this machine: a Chromium and three's two files, or a loud word about what is missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen404_renderer::{Chromium, Image, Shot, Studio, StudioOptions, ThreeSource};
use sha2::{Digest, Sha256};

/// `GEN404_THREE_MODULE`, or the tool's own cache.
fn three() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let given = std::env::var_os("GEN404_THREE_MODULE").map(PathBuf::from);
    let file = given.or_else(|| Some(cache?.join("404-cli/three@0.183.2/three.module.js")))?;
    file.is_file().then_some(file)
}

/// Options for tests, or nothing after saying what is missing. `GEN404_REQUIRE=all` makes that a failure.
pub(crate) async fn options() -> Option<StudioOptions> {
    let given = std::env::var_os("CHROMIUM_PATH").map(PathBuf::from);
    let chromium = Chromium::find(given.as_deref(), std::env::var_os("PATH").as_deref()).await;
    match (chromium, three()) {
        (Ok(chromium), Some(three)) => {
            let mut options = StudioOptions::new(chromium, ThreeSource::File(three));
            options.browsers = 1;
            Some(options)
        }
        (Ok(_), None) => missing("three@0.183.2: run scripts/setup, or set GEN404_THREE_MODULE to its three.module.js"),
        (Err(error), _) => missing(&format!("Chromium: {error}; run scripts/setup, or set CHROMIUM_PATH")),
    }
}

fn missing(what: &str) -> Option<StudioOptions> {
    gen404_testing::skipped(what);
    None
}

/// A studio with one browser.
pub(crate) async fn studio() -> Option<Studio> {
    Some(Studio::new(options().await?))
}

pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// One of the six modules.
pub(crate) fn module(name: &str) -> String {
    std::fs::read_to_string(data().join(format!("{name}.js"))).expect("a module of the test data")
}

/// SHA-256 of the RGBA bytes that the official service gave, by module and picture.
pub(crate) fn hashes() -> BTreeMap<String, BTreeMap<String, String>> {
    #[derive(serde::Deserialize)]
    struct Entry {
        rgba_sha256: String,
    }
    let text = std::fs::read(data().join("hashes.json")).expect("the test data");
    let entries: BTreeMap<String, BTreeMap<String, Entry>> = serde_json::from_slice(&text).expect("JSON");
    let flat = |pictures: BTreeMap<String, Entry>| pictures.into_iter().map(|(k, v)| (k, v.rgba_sha256)).collect();
    entries.into_iter().map(|(name, pictures)| (name, flat(pictures))).collect()
}

pub(crate) fn hash(image: &Image) -> String {
    hex::encode(Sha256::digest(image.pixels()))
}

/// A small shot, for tests that only ask whether something is drawn.
pub(crate) fn thumbnail() -> Shot {
    Shot { size: 64, ..Shot::of_grid()[0] }
}
