use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen404_renderer::{Chromium, Picture, Series, Shot, Studio, StudioOptions, ThreeSource, View, grid};
use sha2::{Digest, Sha256};

#[tokio::test]
async fn every_picture_is_the_official_services() {
    let chromium = Chromium::find(None, std::env::var_os("PATH").as_deref()).unwrap();
    let three = ThreeSource::File(PathBuf::from("/tmp/renderer/three/package/build/three.module.js"));
    let mut options = StudioOptions::new(chromium, String::new(), three);
    options.browsers = 1;
    let studio = Studio::new(options);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let hashes: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(&std::fs::read(data.join("hashes.json")).unwrap()).unwrap();
    let pictures = gen404_renderer::ViewSet::All.pictures();
    let mut shots: Vec<_> = pictures
        .iter()
        .filter_map(|p| match p {
            Picture::View(s, v) => Some(Shot::of_view(*s, *v)),
            Picture::Grid => None,
        })
        .collect();
    shots.extend(Shot::of_grid());
    for (name, expected) in &hashes {
        let source = std::fs::read_to_string(data.join(format!("{name}.js"))).unwrap();
        let t = std::time::Instant::now();
        let mut images = studio.draw(&source, &shots, std::time::Duration::from_secs(100)).await.unwrap();
        let t1 = t.elapsed();
        let tiles = images.split_off(images.len() - 4);
        images.push(grid(&tiles, 5));
        for (picture, image) in pictures.iter().zip(&images) {
            let hash = hex::encode(Sha256::digest(image.pixels()));
            assert_eq!(hash, expected[&picture.to_string()]["rgba_sha256"].as_str().unwrap(), "{name} {picture}");
        }
        let t2 = std::time::Instant::now();
        let size: usize = images.iter().map(|i| i.to_png().len()).sum();
        eprintln!("{name} {t1:?} png {:?} {size}", t2.elapsed());
    }
    let _ = (Series::ALL, View::ALL);
    let t = std::time::Instant::now();
    studio.close().await;
    eprintln!("close {:?}", t.elapsed());
}
