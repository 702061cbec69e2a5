//! The tables on what happens when a module runs, row by row, where `trial` has no case of its own: the order of failures, what
//! counts, what the guarded THREE answers, what is trapped.

use std::time::Duration;

use gen404_renderer::{Studio, Wanted};
use serde_json::{Value, json};

use crate::trial::{MESH, check, doing, metrics, returning, rules, studio};

/// A scene that breaks all limits at once, with something more done to its root `r`.
fn everything_at_once(more: &str) -> String {
    doing(&format!(
        "const r = new THREE.Group(); const g = new THREE.BoxGeometry(0.1, 0.1, 0.1); \
         for (let i = 0; i < 200; i++) r.add(new THREE.Mesh(g, new THREE.MeshBasicMaterial())); \
         const p = new THREE.BufferGeometry(); \
         p.setAttribute('position', new THREE.BufferAttribute(new Float32Array(250001 * 3).fill(0.6), 3)); \
         r.add(new THREE.Points(p, new THREE.PointsMaterial({{ map: new THREE.DataTexture(new Uint8Array(4194305), 1, 1) }}))); \
         r.add(new THREE.InstancedMesh(g, new THREE.MeshBasicMaterial(), 50001)); \
         const chain = (depth) => {{ let at = r; for (let i = 0; i < depth; i++) {{ const c = new THREE.Group(); at.add(c); at = c; }} }}; \
         {more} return r;"
    ))
}

/// Stages and rules of post-validation, by their first words.
fn post(short: &str) -> String {
    let whole = |word: &str| match word {
        "BOX" => "post_validation/BOUNDING_BOX_OUT_OF_RANGE".to_owned(),
        "CYCLE" => "post_validation/CYCLE_DETECTED".to_owned(),
        "EMPTY" => "post_validation/EMPTY_SCENE".to_owned(),
        "TYPE" => "post_validation/INVALID_RETURN_TYPE".to_owned(),
        "TEXTURE" => "post_validation/TEXTURE_DATA_EXCEEDED".to_owned(),
        other => format!("post_validation/{other}_LIMIT_EXCEEDED"),
    };
    short.split_whitespace().map(whole).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn failures_come_in_each_programs_order() {
    let Some(studio) = studio().await else { return };
    let empty = "const r = new THREE.Group(); \
                 for (let i = 0; i < 201; i++) r.add(new THREE.Mesh(new THREE.BufferGeometry())); return r;";
    for (source, miners, service) in [
        (everything_at_once(""), "VERTEX DRAW_CALL INSTANCE TEXTURE BOX", "BOX VERTEX DRAW_CALL INSTANCE TEXTURE"),
        (
            everything_at_once("chain(32);"),
            "VERTEX DRAW_CALL INSTANCE TEXTURE BOX",
            "BOX VERTEX DRAW_CALL INSTANCE TEXTURE",
        ),
        (everything_at_once("chain(33);"), "VERTEX DRAW_CALL DEPTH INSTANCE TEXTURE BOX", "DEPTH"),
        (everything_at_once("chain(34);"), "DEPTH VERTEX DRAW_CALL DEPTH INSTANCE TEXTURE BOX", "DEPTH"),
        // a cycle alone, or for the service whatever its walk meets first
        (everything_at_once("r.children.push(r);"), "CYCLE", "CYCLE"),
        (everything_at_once("r.children.push(r.children[0]); chain(34);"), "CYCLE", "CYCLE"),
        (everything_at_once("chain(34); r.children.push(r.children[0]);"), "CYCLE", "DEPTH"),
        (doing(empty), "DRAW_CALL EMPTY", "EMPTY DRAW_CALL"),
    ] {
        check(&studio, &source, &post(miners), &post(service)).await;
    }
    // Behind a cycle the miners' validator goes on counting, without a box; the service counts nothing.
    let source = doing(&format!(
        "const r = new THREE.Group(); const m = {MESH}; r.add(m); r.children.push(m, {MESH}); return r;"
    ));
    let trial = check(&studio, &source, &post("CYCLE"), &post("CYCLE")).await;
    let counted = metrics(trial.miners.as_ref().expect("a verdict"));
    assert_eq!((&counted["drawCalls"], &counted["bbox"]), (&json!(2), &Value::Null));
    assert_eq!(trial.service.expect("a verdict").metrics, None);
    assert_eq!(studio.options().run_limit, Duration::from_secs(5));
    studio.close().await;
}

#[tokio::test]
async fn what_counts_and_what_does_not() {
    let Some(studio) = studio().await else { return };
    let kinds = |count: usize| {
        doing(&format!(
            "const r = new THREE.Group(); const g = new THREE.BoxGeometry(0.1, 0.1, 0.1); \
             for (let i = 0; i < {count}; i++) r.add(new [THREE.Mesh, THREE.Line, THREE.Points, THREE.LineSegments][i % 4](g)); \
             return r;"
        ))
    };
    let instanced = |counts: &str| {
        doing(&format!(
            "const r = new THREE.Group(); const g = new THREE.BoxGeometry(0.1, 0.1, 0.1); \
             for (const n of [{counts}]) r.add(new THREE.InstancedMesh(g, new THREE.MeshBasicMaterial(), n)); return r;"
        ))
    };
    let textures = |sizes: &str| {
        doing(&format!(
            "const [a, b] = [{sizes}].map((n) => new THREE.DataTexture(new Uint8Array(n), 1, 1)); const m = {MESH}; \
             m.material = new THREE.MeshStandardMaterial({{ map: a, alphaMap: b ?? a }}); return m;"
        ))
    };
    let instance_at = |x: &str| {
        doing(&format!(
            "const m = new THREE.InstancedMesh(new THREE.BoxGeometry(0.1, 0.1, 0.1), new THREE.MeshBasicMaterial(), 2); \
             m.setMatrixAt(1, new THREE.Matrix4().makeTranslation({x}, 0, 0)); return m;"
        ))
    };
    let below = |how: &str| {
        doing(&format!(
            "const r = new THREE.Group(), s = new THREE.Group(), m = {MESH}; r.add(s); s.add(m); {how} return r;"
        ))
    };
    for (source, rules) in [
        (kinds(200), ""),
        (kinds(201), "DRAW_CALL"),
        // groups and plain objects are no draw calls
        (below("for (let i = 0; i < 300; i++) s.add(new THREE.Object3D(), new THREE.Group());"), ""),
        (instanced("25000, 25000"), ""),
        (instanced("25000, 25001"), "INSTANCE"),
        (textures("2097152, 2097152"), ""),
        (textures("2097152, 2097153"), "TEXTURE"),
        (textures("4194304"), ""),
        (instance_at("0.44"), ""),
        (instance_at("0.46"), "BOX"),
        // places and sizes of parents, the root's too, and objects nobody sees
        (below("s.scale.setScalar(2);"), ""),
        (below("s.scale.setScalar(2.01);"), "BOX"),
        (below("r.position.z = -0.26;"), "BOX"),
        (below("s.visible = false; m.position.x = 1;"), "BOX"),
        (below("m.layers.set(5); m.position.x = 1;"), "BOX"),
        (below("m.geometry.setDrawRange(0, 0); m.position.x = 1;"), "BOX"),
        // a box around turned corners is larger than what was turned
        (below("m.geometry = new THREE.SphereGeometry(0.45); m.rotation.z = Math.PI / 4;"), "BOX"),
        (below("m.geometry = new THREE.SphereGeometry(0.45);"), ""),
        // kinds of roots
        (returning("new THREE.Points(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.PointsMaterial())"), ""),
        (returning("5"), "TYPE"),
        (returning("'scene'"), "TYPE"),
        (returning("() => 1"), "TYPE"),
        (returning("new THREE.BoxGeometry(1, 1, 1)"), "TYPE"),
        (returning("({ isObject3D: true, type: 'Scene' })"), "TYPE"),
        (format!("export default function* (THREE) {{ yield {MESH}; }}"), "TYPE"),
    ] {
        check(&studio, &source, &post(rules), &post(rules)).await;
    }
    studio.close().await;
}

#[tokio::test]
async fn what_the_guarded_namespace_answers() {
    let Some(studio) = studio().await else { return };
    // `T` is THREE, which the text of a module could not have; `said` is what an operation throws, or gives.
    let module = r"
      const T = THREE, M = THREE.MathUtils;
      const said = (act) => { try { return `${act()}`; } catch (error) { return error instanceof TypeError ? error.message : 'odd'; } };
      const refuses = (act) => { try { act(); return false; } catch (error) { return error instanceof TypeError; } };
      const wrong = [];
      const expect = (found, wanted, what) => { if (found !== wanted) wrong.push(`${what}: ${found}`); };
      for (const name of ['ShaderMaterial', 'Scene', 'GLTFLoader', 'AudioContext', 'WebGL1Renderer', '3MFLoader'])
        expect(said(() => T[name]), `THREE.${name} is forbidden`, name);
      for (const name of ['LineLoop', 'Frustum', 'Nonsense', 'LuminanceFormat', 'hasOwnProperty', 'constructor', 'then', '0'])
        expect(said(() => T[name]), `THREE.${name} is not a recognized Three.js API`, name);
      for (const name of ['seededRandom', 'generateUUID']) expect(said(() => M[name]), `THREE.MathUtils.${name} is forbidden`, name);
      expect(said(() => M.clamp(2, 0, 1)), '1', 'clamp');
      expect(T[Symbol.iterator], undefined, 'symbol');
      expect(said(() => ['Mesh' in T, 'MathUtils' in T, 'Scene' in T, 'Nonsense' in T, 'toString' in T]), 'true,true,false,false,false', 'in');
      expect(Object.keys(T).length, 108, 'keys');
      expect(Object.keys(T).includes('Scene'), false, 'keys');
      expect(Object.getOwnPropertyDescriptor(T, 'Scene'), undefined, 'descriptor');
      expect(Object.getOwnPropertyDescriptor(T, 'Mesh').value, T.Mesh, 'descriptor');
      expect(Object.keys(M).includes('seededRandom'), false, 'keys of MathUtils');
      expect(Object.getPrototypeOf(T), Object.prototype, 'prototype');
      for (const view of [T, M]) {
        expect(refuses(() => { view.Mesh = 1; }), true, 'set');
        expect(refuses(() => { view.more = 1; }), true, 'add');
        expect(refuses(() => { delete view.Mesh; }), true, 'delete');
        expect(refuses(() => Object.defineProperty(view, 'Mesh', { value: 1 })), true, 'define');
        expect(refuses(() => Object.setPrototypeOf(view, null)), true, 'setPrototypeOf');
        expect(refuses(() => Object.preventExtensions(view)), true, 'preventExtensions');
        expect(refuses(() => Object.freeze(view)), true, 'freeze');
      }
      const copy = Object.assign({}, T);
      expect(said(() => new copy.ShaderMaterial()), 'copy.ShaderMaterial is not a constructor', 'a copy');
      if (wrong.length > 0) throw new Error(wrong.join('; '));";
    let trial = check_quietly(&studio, &doing(&format!("{module} return {MESH};"))).await;
    assert_eq!(trial, (String::new(), None));
    studio.close().await;
}

/// The service's list, and the first detail of it.
async fn check_quietly(studio: &Studio, source: &str) -> (String, Option<String>) {
    let wanted = Wanted { miners: false, service: true };
    let trial = studio.try_module(source, wanted).await.unwrap_or_else(|error| panic!("{source}: {error}"));
    let detail = trial.service.as_ref().and_then(|judgement| Some(judgement.failures.first()?.detail.clone()));
    (rules(trial.service.as_ref()), detail)
}

#[tokio::test]
async fn every_trap_and_every_way_to_throw() {
    let Some(studio) = studio().await else { return };
    let violation = |name: &str| {
        ("execution/RUNTIME_VIOLATION".to_owned(), Some(format!("Runtime violation: {name} is forbidden")))
    };
    for name in [
        "setTimeout",
        "setInterval",
        "setImmediate",
        "queueMicrotask",
        "fetch",
        "XMLHttpRequest",
        "WebSocket",
        "crypto",
        "Date",
        "performance",
        "eval",
        "Function",
        "process",
        "global",
        "WeakRef",
        "FinalizationRegistry",
        "SharedArrayBuffer",
        "Atomics",
    ] {
        let source = doing(&format!("{name}; return {MESH};"));
        assert_eq!(check_quietly(&studio, &source).await, violation(name));
    }
    for function in [
        "() => 1",
        "function* () {}",
        "async () => 1",
        "async function* () {}",
        "class {}",
        "Map",
        "THREE.Mesh.prototype.add",
    ] {
        let source = doing(&format!("const f = {function}; const k = 'constructor'; f[k]; return {MESH};"));
        assert_eq!(check_quietly(&studio, &source).await, violation("Function constructor"), "{function}");
    }
    let threw = "execution/EXECUTION_THREW";
    for (body, miners, service, detail) in [
        ("throw new Error('of mine');", threw, threw, Some("of mine")),
        ("throw 'a text';", threw, threw, Some("a text")),
        ("throw null;", threw, threw, Some("null")),
        ("throw undefined;", threw, threw, None),
        ("throw { message: 'of an object' };", threw, threw, Some("of an object")),
        ("throw new Error('Runtime violation: not really');", threw, "execution/RUNTIME_VIOLATION", None),
        ("zzz = 1;", threw, threw, Some("zzz is not defined")),
        ("const f = (n) => f(n + 1) + 1; f(0);", threw, threw, Some("Maximum call stack size exceeded")),
        ("THREE.Mesh = 1;", threw, threw, None),
    ] {
        let trial = check(&studio, &doing(body), miners, service).await;
        let said = &trial.miners.expect("a verdict").failures[0].detail;
        assert!(detail.is_none_or(|detail| said == detail), "{body}: {said}");
    }
    // The service's random numbers are those of its generator and its seed; here the first three of them, worked out apart.
    let numbers = doing(&format!(
        "const {{ random }} = Math; const seen = [random(), random(), random()]; \
         if (seen.some((r, i) => Math.abs(r - [SEEDED][i]) > 1e-12)) throw new Error(seen.join()); return {MESH};"
    ));
    let numbers = numbers.replace("SEEDED", &mulberry32(0x1234_5678).map(|number| number.to_string()).join(","));
    assert_eq!(check_quietly(&studio, &numbers).await, (String::new(), None));
    studio.close().await;
}

/// The first numbers of a generator that many languages have.
fn mulberry32(seed: u32) -> [f64; 3] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x6d2b_79f5);
        let mut mixed = (state ^ (state >> 15)).wrapping_mul(state | 1);
        mixed ^= mixed.wrapping_add((mixed ^ (mixed >> 7)).wrapping_mul(mixed | 0x3d));
        f64::from(mixed ^ (mixed >> 14)) / 4_294_967_296.0
    })
}
