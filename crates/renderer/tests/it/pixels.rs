//! The promise of the room: pixels equal to the official service's.

use gen404_renderer::{Image, Picture, VERIFIED_VERSION, ViewSet};

use crate::equipment::{data, hash, hashes, module, options, studio, thumbnail};

/// How far another version of Chromium may be off, where we have the service's picture: share of pixels, and by how much.
const TOLERATED_SHARE: f64 = 0.001;
const TOLERATED_DIFFERENCE: u8 = 2;

#[tokio::test]
async fn every_picture_is_the_official_services() {
    let (Some(options), Some(studio)) = (options().await, studio().await) else { return };
    let exact = options.chromium_version.starts_with(VERIFIED_VERSION);
    let mut compared = 0;
    for (name, expected) in hashes() {
        let pictures = studio.render(&module(&name), ViewSet::All).await.expect("pictures");
        assert_eq!(pictures.len(), expected.len());
        for (picture, png) in pictures {
            let image = Image::from_png(&png).expect("a PNG");
            if exact {
                assert_eq!(hash(&image), expected[&picture.to_string()], "{name} {picture}");
            } else {
                assert_close(&image, &name, picture);
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 90);
    studio.close().await;
}

fn assert_close(image: &Image, name: &str, picture: Picture) {
    let folder = data().join(name);
    let names = [format!("{picture}.png"), format!("{}.png", picture.to_string().replace('/', "-"))];
    let Some(file) = names.iter().map(|name| folder.join(name)).find(|file| file.is_file()) else { return };
    let official = Image::from_png(&std::fs::read(file).expect("a picture")).expect("a PNG");
    assert_eq!((image.width(), image.height()), (official.width(), official.height()));
    let pairs = image.pixels().as_chunks::<4>().0.iter().zip(official.pixels().as_chunks::<4>().0);
    let differences = pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0));
    let (mut differing, mut largest) = (0_u32, 0);
    for difference in differences {
        differing += u32::from(difference > 0);
        largest = largest.max(difference);
    }
    let share = f64::from(differing) / f64::from(image.width() * image.height());
    assert!(share <= TOLERATED_SHARE && largest <= TOLERATED_DIFFERENCE, "{name} {picture}: {share} by {largest}");
}

#[tokio::test]
async fn a_picture_may_be_translucent() {
    let Some(studio) = studio().await else { return };
    // No blending writes the material's own alpha over the background's.
    let source = "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(1, 1, 1), \
                  new THREE.MeshBasicMaterial({ color: 0xff8040, opacity: 0.5, transparent: true, \
                  blending: THREE.NoBlending }));";
    let images = studio.draw(source, &[thumbnail()], studio.options().draw_limit).await.expect("a picture");
    let middle = &images[0].pixels()[(32 * 64 + 32) * 4..][..4];
    assert_eq!(middle[3], 128, "alpha survives");
    assert!(middle[0] == 255 && middle[2] > 128, "colours are divided by alpha, up to white: {middle:?}");
    assert_eq!(&images[0].pixels()[..4], [128, 128, 128, 255], "the background is opaque");
    studio.close().await;
}

#[tokio::test]
async fn random_numbers_are_the_same_in_every_run() {
    let Some(studio) = studio().await else { return };
    let source = "const { random } = Math; const r = random(); export default (THREE) => { \
                  const m = new THREE.Mesh(new THREE.BoxGeometry(random() * 0.5, r * 0.5, 0.3)); return m; }";
    let draw = async || studio.draw(source, &[thumbnail()], studio.options().draw_limit).await.expect("a picture");
    let first = draw().await;
    assert_eq!(first, draw().await);
    studio.close().await;
}
