//! Modules run for their verdicts: what both of the subnet's programs were recorded to say, limits at their boundaries, and
//! where the two go different ways.

use gen404_renderer::{Judgement, Studio, StudioOptions, Trial, Wanted};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::equipment::{module, options};

const BOTH: Wanted = Wanted { miners: true, service: true };

pub(crate) async fn studio() -> Option<Studio> {
    Some(Studio::new(StudioOptions { pictures: false, ..options().await? }))
}

pub(crate) fn rules(judgement: Option<&Judgement>) -> String {
    let judgement = judgement.expect("a verdict was wanted");
    let rules = judgement.failures.iter().map(|failure| format!("{}/{}", failure.stage, failure.rule));
    rules.collect::<Vec<_>>().join(" ")
}

async fn run(studio: &Studio, source: &str) -> Trial {
    let trial = studio.try_module(source, BOTH).await;
    trial.unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// A module whose function returns what the expression says.
pub(crate) fn returning(expression: &str) -> String {
    format!("export default function generate(THREE) {{ return {expression}; }}")
}

/// A module whose function does this.
pub(crate) fn doing(body: &str) -> String {
    format!("export default function generate(THREE) {{ {body} }}")
}

/// Checks the lists of both, stages included.
pub(crate) async fn check(studio: &Studio, source: &str, miners: &str, service: &str) -> Trial {
    let trial = run(studio, source).await;
    assert_eq!(rules(trial.miners.as_ref()), miners, "mr: {source}");
    assert_eq!(rules(trial.service.as_ref()), service, "rs: {source}");
    trial
}

#[derive(Deserialize)]
struct Case {
    name: String,
    source: String,
    mr: Vec<String>,
    rs: Vec<String>,
    mr_metrics: Option<Value>,
}

/// Metrics in the miners' words.
pub(crate) fn metrics(judgement: &Judgement) -> Value {
    let mut metrics = serde_json::to_value(&judgement.metrics).expect("JSON");
    if let Some(object) = metrics.as_object_mut() {
        let depth = object.remove("depth").expect("a depth");
        object.insert("maxDepth".to_owned(), depth);
    }
    metrics
}

#[tokio::test]
async fn recorded_verdicts_and_metrics() {
    let Some(studio) = studio().await else { return };
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/run-cases.json")).expect("JSON");
    assert_eq!(cases.len(), 20);
    for case in cases {
        let trial = check(&studio, &case.source, &case.mr.join(" "), &case.rs.join(" ")).await;
        if let Some(expected) = case.mr_metrics {
            assert_eq!(metrics(trial.miners.as_ref().expect("a verdict")), expected, "{}", case.name);
        }
    }
    studio.close().await;
}

pub(crate) const MESH: &str = "new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.MeshBasicMaterial())";

/// `count` vertices at the origin, drawn as points.
fn points(count: usize) -> String {
    doing(&format!(
        "const g = new THREE.BufferGeometry(); \
         g.setAttribute('position', new THREE.BufferAttribute(new Float32Array({count} * 3), 3)); \
         return new THREE.Points(g, new THREE.PointsMaterial());"
    ))
}

fn meshes(count: usize) -> String {
    doing(&format!(
        "const r = new THREE.Group(); const g = new THREE.BoxGeometry(0.1, 0.1, 0.1); \
         for (let i = 0; i < {count}; i++) r.add(new THREE.Mesh(g, new THREE.MeshBasicMaterial())); return r;"
    ))
}

fn instances(count: usize) -> String {
    returning(&format!(
        "new THREE.InstancedMesh(new THREE.BoxGeometry(0.1, 0.1, 0.1), new THREE.MeshBasicMaterial(), {count})"
    ))
}

fn texture(bytes: usize, slot: &str) -> String {
    returning(&format!(
        "new THREE.Mesh(new THREE.BoxGeometry(0.1, 0.1, 0.1), new THREE.MeshPhysicalMaterial({{ \
         {slot}: new THREE.DataTexture(new Uint8Array({bytes}), 1, 1) }}))"
    ))
}

/// A mesh `depth` levels below the root.
fn nested(depth: usize) -> String {
    doing(&format!(
        "const r = new THREE.Group(); let p = r; for (let i = 1; i < {depth}; i++) {{ const c = new THREE.Group(); p.add(c); p = c; }} \
         p.add({MESH}); return r;"
    ))
}

/// A cuboid from -0.5 to `x` along x; float32 holds these exactly.
fn box_up_to(x: &str) -> String {
    doing(&format!(
        "const g = new THREE.BufferGeometry(); \
         g.setAttribute('position', new THREE.Float32BufferAttribute([-0.5, 0, 0, {x}, 0, 0, 0, 0.1, 0], 3)); \
         return new THREE.Mesh(g, new THREE.MeshBasicMaterial());"
    ))
}

/// A cube of half the size with something done to it.
fn moved(how: &str) -> String {
    doing(&format!("const m = {MESH}; {how}; return m;"))
}

/// A root of this kind with a line in it.
fn line(kind: &str) -> String {
    returning(&format!("new THREE.{kind}(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.LineBasicMaterial())"))
}

/// Two meshes with one geometry of so many vertices, of which nothing is drawn.
fn shared(count: usize) -> String {
    doing(&format!(
        "const g = new THREE.BufferGeometry(); g.setIndex([0, 0, 0]); g.setDrawRange(0, 0); \
         g.setAttribute('position', new THREE.BufferAttribute(new Float32Array({count} * 3), 3)); \
         const r = new THREE.Group(); r.add(new THREE.Mesh(g), new THREE.Mesh(g)); return r;"
    ))
}

/// Two materials of one mesh, with these maps; a texture is just below the limit.
fn textures(maps: &str) -> String {
    doing(&format!(
        "const t = new THREE.DataTexture(new Uint8Array(4000000), 1, 1); const [a, b] = [{maps}]; const m = {MESH}; \
         m.material = [new THREE.MeshBasicMaterial({{ map: a }}), new THREE.MeshBasicMaterial({{ map: b }})]; return m;"
    ))
}

#[tokio::test]
async fn limits_are_inclusive() {
    let Some(studio) = studio().await else { return };
    let post = |rule: &str| format!("post_validation/{rule}");
    for (source, rule) in [
        (points(250_000), None),
        (points(250_001), Some("VERTEX_LIMIT_EXCEEDED")),
        (meshes(200), None),
        (meshes(201), Some("DRAW_CALL_LIMIT_EXCEEDED")),
        (instances(50_000), None),
        (instances(50_001), Some("INSTANCE_LIMIT_EXCEEDED")),
        (texture(4_194_304, "map"), None),
        (texture(4_194_305, "map"), Some("TEXTURE_DATA_EXCEEDED")),
        (nested(32), None),
        (box_up_to("0.5"), None),
        (box_up_to("0.50000006"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        (returning("new THREE.Group()"), Some("EMPTY_SCENE")),
        // every face of the cube
        (moved("m.position.y = 0.25"), None),
        (moved("m.position.y = 0.2500001"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        (moved("m.position.y = -0.2500001"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        (moved("m.position.z = -0.25"), None),
        (moved("m.position.z = 0.2500001"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        (moved("m.position.z = -0.2500001"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        (moved("m.position.x = -0.2500001"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        // the box is that of the turned corners, and rounding takes a turned unit cube out
        (moved("m.scale.setScalar(1.4); m.rotation.y = Math.PI / 4"), None),
        (moved("m.scale.setScalar(1.5); m.rotation.y = Math.PI / 4"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        (moved("m.scale.setScalar(2)"), None),
        (moved("m.scale.setScalar(2); m.rotation.y = Math.PI / 2"), Some("BOUNDING_BOX_OUT_OF_RANGE")),
        // roots
        (returning(&format!("{MESH}.add(new THREE.Object3D())")), None),
        (returning(&format!("new THREE.Object3D().add({MESH})")), Some("INVALID_RETURN_TYPE")),
        (line("LineSegments"), None),
        (line("Line"), Some("INVALID_RETURN_TYPE")),
        (returning("null"), Some("INVALID_RETURN_TYPE")),
        (returning("undefined"), Some("INVALID_RETURN_TYPE")),
        (returning("[]"), Some("INVALID_RETURN_TYPE")),
        // what counts: geometry for each user, whatever its index, its visibility and its draw range
        (shared(125_000), None),
        (shared(125_001), Some("VERTEX_LIMIT_EXCEEDED")),
        (meshes(201).replace("new THREE.MeshBasicMaterial()", "[]"), Some("DRAW_CALL_LIMIT_EXCEEDED")),
        (meshes(201).replace("return r", "r.visible = false; return r"), Some("DRAW_CALL_LIMIT_EXCEEDED")),
        (instances(50_001).replace("return", "const m =").replace("; }", "; m.count = 50000; return m; }"), None),
        // a texture once for all its users, its buffer once for each texture
        (textures("t, t"), None),
        (textures("t, new THREE.DataTexture(t.image.data, 1, 1)"), Some("TEXTURE_DATA_EXCEEDED")),
    ] {
        let expected = rule.map(post).unwrap_or_default();
        check(&studio, &source, &expected, &expected).await;
    }
    studio.close().await;
}

#[tokio::test]
async fn the_two_programs_go_their_own_ways() {
    let Some(studio) = studio().await else { return };
    let depth = "post_validation/DEPTH_LIMIT_EXCEEDED";
    check(&studio, &nested(33), depth, depth).await;
    let trial = check(&studio, &nested(34), &format!("{depth} {depth}"), depth).await;
    assert_eq!(metrics(trial.miners.as_ref().expect("a verdict"))["drawCalls"], 0, "what lies below is not counted");
    assert_eq!(trial.service.expect("a verdict").metrics, None);

    let textures = "post_validation/TEXTURE_DATA_EXCEEDED";
    check(&studio, &texture(5_000_000, "envMap"), textures, "").await;
    check(&studio, &texture(5_000_000, "anisotropyMap"), "", textures).await;

    for slot in [
        "normalMap",
        "roughnessMap",
        "metalnessMap",
        "aoMap",
        "emissiveMap",
        "displacementMap",
        "bumpMap",
        "alphaMap",
        "lightMap",
        "specularIntensityMap",
        "specularColorMap",
        "sheenRoughnessMap",
        "sheenColorMap",
        "transmissionMap",
        "thicknessMap",
        "clearcoatMap",
        "clearcoatNormalMap",
        "clearcoatRoughnessMap",
        "iridescenceMap",
        "iridescenceThicknessMap",
    ] {
        check(&studio, &texture(5_000_000, slot), textures, textures).await;
    }

    // the name of the root's type, or its flag
    let renamed = |made: &str, kind: &str| doing(&format!("const m = {made}; m.type = '{kind}'; return m;"));
    let root = "post_validation/INVALID_RETURN_TYPE";
    check(&studio, &renamed(MESH, "Lamp"), root, "").await;
    check(&studio, &renamed(&format!("new THREE.Object3D().add({MESH})"), "Group"), "", root).await;

    // limits and then the box, or the other way round
    let large = meshes(201).replace("0.1", "1.1");
    let (calls, bounds) = ("post_validation/DRAW_CALL_LIMIT_EXCEEDED", "post_validation/BOUNDING_BOX_OUT_OF_RANGE");
    check(&studio, &large, &format!("{calls} {bounds}"), &format!("{bounds} {calls}")).await;

    // a hole in a list of materials; a constant behind the export
    check(&studio, &module("multi_material_hole"), "", "execution/EXECUTION_THREW").await;
    check(&studio, &module("tdz"), "", "execution/EXECUTION_THREW").await;

    // where it was thrown
    for (body, line) in
        [("\n  null.x;", Some(2)), ("\n\n const f = (a) => a.b.c;\n f({});", Some(3)), ("throw 1;", None)]
    {
        let trial = check(&studio, &doing(body), "execution/EXECUTION_THREW", "execution/EXECUTION_THREW").await;
        assert_eq!(trial.thrown_at.map(|place| place.line), line, "{body}");
    }
    let at_once = format!("const a = 1;\na();\n{}", returning(MESH));
    let trial = check(&studio, &at_once, "module_load/EXECUTION_THREW", "execution/EXECUTION_THREW").await;
    assert_eq!(trial.thrown_at.map(|place| (place.line, place.column)), Some((2, Some(1))));

    // what happens before `generate` is called
    check(&studio, &format!("null.x; {}", returning(MESH)), "module_load/EXECUTION_THREW", "execution/EXECUTION_THREW")
        .await;
    let overwritten = format!("{}\ngenerate = 5;", returning(MESH));
    check(&studio, &overwritten, "module_load/INVALID_RETURN_TYPE", "").await;
    // the parser of both lets bodies of regular expressions pass
    check(
        &studio,
        &format!("const a = /(/; {}", returning(MESH)),
        "module_load/EXECUTION_THREW",
        "execution/EXECUTION_THREW",
    )
    .await;

    // promises, and what only looks like one
    check(&studio, &returning("Promise.resolve(1)"), "execution/ASYNC_NOT_ALLOWED", "execution/ASYNC_NOT_ALLOWED")
        .await;
    check(&studio, &returning("({ then() {} })"), "execution/ASYNC_NOT_ALLOWED", "post_validation/INVALID_RETURN_TYPE")
        .await;
    check(
        &studio,
        &returning("({ then: 1 })"),
        "post_validation/INVALID_RETURN_TYPE",
        "post_validation/INVALID_RETURN_TYPE",
    )
    .await;

    // post-validation that throws
    let broken = doing(&format!("const m = {MESH}; m.geometry.boundingBox = {{}}; m.children = null; return m;"));
    check(&studio, &broken, "post_validation/EXECUTION_THREW", "execution/EXECUTION_THREW").await;
    studio.close().await;
}

#[tokio::test]
async fn traps_are_the_services_alone() {
    let Some(studio) = studio().await else { return };
    let violation = "execution/RUNTIME_VIOLATION";
    check(&studio, &doing(&format!("const k = 'constructor'; generate[k]; return {MESH};")), "", violation).await;
    // the language is whole where nothing is trapped
    let clock = doing(&format!("const k = 'constructor'; generate[k]('return Date.now()')(); return {MESH};"));
    check(&studio, &clock, "", violation).await;
    // caught by the module itself, which then does something else
    let caught =
        doing(&format!("const k = 'constructor'; try {{ generate[k]; }} catch {{ return 1; }} return {MESH};"));
    check(&studio, &caught, "", "post_validation/INVALID_RETURN_TYPE").await;
    for forbidden in ["ShaderMaterial", "Nonsense"] {
        let escaped = doing(&format!("let a; a ||= THREE; return new a.{forbidden}();"));
        check(&studio, &escaped, "execution/EXECUTION_THREW", "execution/EXECUTION_THREW").await;
    }
    studio.close().await;
}

#[tokio::test]
async fn chance_and_invisibility_are_told() {
    let Some(studio) = studio().await else { return };
    let plain = run(&studio, &returning(MESH)).await;
    assert!(!plain.draws_random_numbers && !plain.unseen_from_front, "three's own names are no chance");
    for chance in
        ["const { random } = Math; random();", "new THREE.Vector3().random();", "THREE.MathUtils.randFloat(0, 1);"]
    {
        let trial = run(&studio, &doing(&format!("{chance} return {MESH};"))).await;
        assert!(trial.draws_random_numbers, "{chance}");
        assert_eq!(rules(trial.miners.as_ref()), "", "{chance}");
    }
    // What came of them: the run with real random numbers is compared with the one that has the service's.
    assert_eq!(plain.scenes_differ, None, "one run told both");
    for (body, differ) in [
        (format!("Math?.random(); return {MESH};"), false),
        (format!("const m = {MESH}; m.position.x = 0.1 * Math?.random(); return m;"), true),
        (format!("const m = {MESH}; m.material.color.setHSL(Math?.random(), 1, 0.5); return m;"), true),
        (format!("const m = {MESH}; m.geometry.attributes.position.array[0] = -0.2 * Math?.random(); return m;"), true),
    ] {
        assert_eq!(run(&studio, &doing(&body)).await.scenes_differ, Some(differ), "{body}");
    }
    let plane = |turned: &str, material: &str| {
        doing(&format!(
            "const m = new THREE.Mesh(new THREE.PlaneGeometry(0.5, 0.5), new THREE.MeshBasicMaterial({{ {material} }})); \
             {turned} return m;"
        ))
    };
    for (source, unseen) in [
        (plane("", ""), false),
        (plane("m.rotation.y = Math.PI;", ""), true),
        (plane("m.rotation.y = Math.PI;", "side: THREE.DoubleSide"), false),
        (plane("m.rotation.y = Math.PI;", "side: THREE.BackSide"), false),
        (plane("", "side: THREE.BackSide"), true),
        (plane("m.scale.x = -1;", ""), false),
        (plane("m.visible = false;", ""), true),
        (plane("m.layers.set(3);", ""), true),
        (plane("", "transparent: true, opacity: 0"), true),
    ] {
        assert_eq!(run(&studio, &source).await.unseen_from_front, unseen, "{source}");
    }
    studio.close().await;
}

#[tokio::test]
async fn what_does_not_end_is_refused_by_both() {
    let Some(mut options) = options().await else { return };
    options.pictures = false;
    options.run_limit = std::time::Duration::from_secs(2);
    let studio = Studio::new(options);
    let timeout = "execution/TIMEOUT_EXCEEDED";
    check(&studio, &doing("for (;;);"), timeout, timeout).await;
    check(&studio, &format!("while (true); {}", returning(MESH)), timeout, timeout).await;
    // the next module is not worse for it
    check(&studio, &returning(MESH), "", "").await;
    // one verdict alone
    let only = Wanted { miners: true, service: false };
    let trial = studio.try_module(&returning(MESH), only).await.expect("a trial");
    assert_eq!((rules(trial.miners.as_ref()), trial.service), (String::new(), None));
    studio.close().await;
}

#[tokio::test]
async fn what_takes_all_memory_is_refused_by_both() {
    let Some(mut options) = options().await else { return };
    options.pictures = false;
    options.run_limit = std::time::Duration::from_mins(2);
    let studio = Studio::new(options);
    let heap = "execution/HEAP_EXCEEDED";
    check(&studio, &doing("const a = []; for (;;) a.push(new Array(1e6).fill(1.5));"), heap, heap).await;
    studio.close().await;
}

#[tokio::test]
async fn coordinates_that_are_no_numbers_pass() {
    let Some(studio) = studio().await else { return };
    let trial = check(&studio, &box_up_to("NaN"), "", "").await;
    let metrics = serde_json::to_value(trial.service.expect("a verdict").metrics).expect("JSON");
    assert_eq!(metrics["bbox"]["max"]["x"], json!(null));
    studio.close().await;
}
