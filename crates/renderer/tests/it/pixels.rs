//! The promise of the room: pixels equal to the official service's.

use gen404_renderer::{Background, Image, Lighting, Shot, VERIFIED_VERSION};
use gen404_round::view::{Picture, ViewSet};

use crate::equipment::{data, hash, hashes, module, options, studio, thumbnail};

/// How far another version of Chromium may be off, where we have the service's picture: share of pixels, and by how much.
const TOLERATED_SHARE: f64 = 0.001;
const TOLERATED_DIFFERENCE: u8 = 2;

#[tokio::test]
async fn every_picture_is_the_official_services() {
    let (Some(options), Some(studio)) = (options().await, studio().await) else { return };
    let exact = options.chromium.version().starts_with(VERIFIED_VERSION);
    let mut compared = 0;
    for (name, expected) in hashes() {
        let pictures = studio.render(&module(&name), &ViewSet::All.pictures()).await.expect("pictures");
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

/// Scenes that the page could take shortcuts with, each as statements that fill `root`.
const SCENES: [(&str, &str); 10] = [
    ("opaque", "root.add(knot(new THREE.MeshStandardMaterial({ color: 0x884422 })));"),
    ("clear glass with something behind", "root.add(knot(glass({})), ball(-0.3));"),
    ("rough glass of one side", "root.add(knot(glass({ roughness: 0.6, side: THREE.FrontSide })), ball(0.2));"),
    (
        "glass before a light beyond what half floats hold",
        "const sun = ball(-0.2); sun.material.emissive.set(0xffffff); \
     sun.material.emissiveIntensity = 1e6; root.add(knot(glass({ roughness: 0.15 })), sun);",
    ),
    (
        "glass and points",
        "root.add(ball(0), new THREE.Points(new THREE.BoxGeometry(0.9, 0.9, 0.9), \
     new THREE.PointsMaterial({ size: 0.3, color: 0xff0000 })), knot(glass({})));",
    ),
    (
        "glass that is displaced",
        "const rough = knot(glass({ displacementScale: 0.4, displacementBias: 0.1 })); \
     rough.material.displacementMap = checks(); root.add(rough);",
    ),
    (
        "glass in many places",
        "const many = new THREE.InstancedMesh(new THREE.SphereGeometry(0.1), glass({}), 9); \
     const at = (x, y) => new THREE.Matrix4().makeTranslation(0.35 * x, 0.35 * y, 0); \
     for (let i = 0; i < 9; i++) many.setMatrixAt(i, at(Math.sin(i), Math.cos(2 * i))); \
     root.add(many, ball(-0.2));",
    ),
    (
        "glass behind what writes depth alone",
        "const mask = ball(0.2); mask.material.colorWrite = false; root.add(mask, knot(glass({})));",
    ),
    (
        "glass that changes its form",
        "const soft = knot(glass({})); const to = soft.geometry.attributes.position.clone(); \
     for (let i = 0; i < to.array.length; i++) to.array[i] *= 1.3; soft.geometry.morphAttributes.position = [to]; \
     soft.updateMorphTargets(); soft.morphTargetInfluences[0] = 1; root.add(soft);",
    ),
    (
        "lines and a turned glass box",
        "const box = new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), glass({ thickness: 0.4 })); \
     box.rotation.set(0.5, 0.5, 0); const edges = new THREE.LineSegments(new THREE.EdgesGeometry(box.geometry), \
     new THREE.LineBasicMaterial({ color: 0x2040ff })); edges.scale.setScalar(1.5); root.add(box, edges);",
    ),
];

/// A module of such a scene; code of its own in `root` keeps the page from leaving anything out.
fn scene(statements: &str, with_code: bool) -> String {
    let code = if with_code { "root.onBeforeRender = () => {};" } else { "" };
    format!(
        "export default function generate(THREE) {{
           const root = new THREE.Group();
           const glass = (more) => new THREE.MeshPhysicalMaterial({{ transmission: 1, thickness: 0.1, roughness: 0,
             color: 0xddffee, side: THREE.DoubleSide, ...more }});
           const knot = (material) => new THREE.Mesh(new THREE.TorusKnotGeometry(0.2, 0.06, 60, 8), material);
           const ball = (z) => {{
             const made = new THREE.Mesh(new THREE.SphereGeometry(0.15), new THREE.MeshStandardMaterial({{ color: 0xff8800 }}));
             made.position.z = z;
             return made;
           }};
           const checks = () => {{
             const map = new THREE.DataTexture(new Uint8Array([0, 0, 0, 255, 255, 255, 255, 255]), 2, 1);
             map.needsUpdate = true;
             return map;
           }};
           {statements}
           {code}
           return root;
         }}"
    )
}

#[tokio::test]
async fn what_the_page_leaves_out_changes_no_pixel() {
    let Some(studio) = studio().await else { return };
    let follow = Shot { size: 128, lighting: Lighting::Follow, ..Shot::of_grid()[0] };
    let background = Background([0x4c, 0x91, 0xd7]);
    let shots = [
        follow,
        Shot { background: Background([0xff; 3]), ..follow },
        Shot { theta: 200.0, background, ..follow },
        // The object reaches beyond the edges, and behind the camera.
        Shot { radius: 0.7, background, ..follow },
        Shot { radius: 0.2, ..follow },
        Shot { lighting: Lighting::Studio, background, ..follow },
    ];
    for (name, statements) in SCENES {
        let limit = studio.options().draw_limit;
        let short = studio.draw(&scene(statements, false), &shots, limit).await.expect("pictures");
        let full = studio.draw(&scene(statements, true), &shots, limit).await.expect("pictures");
        let pixels = full[0].pixels().as_chunks::<4>().0;
        assert!(pixels.iter().any(|pixel| pixel != &pixels[0]), "{name} is seen");
        for (number, (short, full)) in short.iter().zip(&full).enumerate() {
            assert_eq!(hash(short), hash(full), "{name}, shot {number}");
        }
    }
    studio.close().await;
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
