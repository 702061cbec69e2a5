//! Modules that mean harm: each fails with a clear reason or is drawn, and the next module's pixels are what they always are.

use std::net::TcpListener;

use gen404_renderer::{DrawError, Shot, Studio};
use gen404_round::view::{Series, View};

use crate::equipment::{hash, hashes, module, options, studio, thumbnail};

/// What must become of a module.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Refused by this rule.
    Refused(&'static str),
    /// Drawn like any other.
    Drawn,
    /// Refused by some rule: which one depends on what it broke first.
    RefusedSomehow,
}
use Fate::{Drawn, Refused, RefusedSomehow};

const BOX: &str = "new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.MeshBasicMaterial())";

fn generate(body: &str) -> String {
    format!("export default function generate(THREE) {{ {body} return {BOX}; }}")
}

async fn fate_of(studio: &Studio, source: &str) -> Result<(), DrawError> {
    studio.draw(source, &[thumbnail()], studio.options().draw_limit).await.map(drop)
}

/// The lamp from the front is still the lamp, bit for bit.
async fn assert_neighbour_unchanged(studio: &Studio, after: &str) {
    let shot = Shot::of_view(Series::White, View::Front);
    let images = studio.draw(&module("lamp"), &[shot], studio.options().draw_limit).await.expect("the lamp");
    assert_eq!(hash(&images[0]), hashes()["lamp"]["white/front"], "after {after}");
}

async fn check(cases: &[(&str, String, Fate)]) {
    if let Some(studio) = studio().await {
        check_with(studio, cases).await;
    }
}

async fn check_with(studio: Studio, cases: &[(&str, String, Fate)]) {
    for (name, source, fate) in cases {
        match (fate_of(&studio, source).await, fate) {
            (Ok(()), Drawn) | (Err(DrawError::Refused(_)), RefusedSomehow) => {}
            (Err(DrawError::Refused(refusal)), Refused(rule)) => {
                assert!(refusal.failures.iter().any(|failure| failure.rule == *rule), "{name}: {refusal}");
            }
            (outcome, fate) => panic!("{name}: {outcome:?} instead of {fate:?}"),
        }
        assert_neighbour_unchanged(&studio, name).await;
    }
    studio.close().await;
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    check(&[
        ("a loop at top level", format!("while (true); export default (THREE) => {BOX};"), Refused("TIMEOUT_EXCEEDED")),
        ("a loop in generate", generate("for (;;);"), Refused("TIMEOUT_EXCEEDED")),
        ("a loop in a promise", generate("Promise.resolve().then(() => { for (;;); });"), Refused("TIMEOUT_EXCEEDED")),
        ("a regular expression", generate("/^(a+)+$/.test('a'.repeat(60) + 'b');"), Refused("TIMEOUT_EXCEEDED")),
    ])
    .await;
}

#[tokio::test]
async fn what_takes_all_memory_fails_alone() {
    let Some(mut options) = options().await else { return };
    // It is memory that has to end these, however slowly a busy machine gives it out.
    options.run_limit = std::time::Duration::from_mins(2);
    let cases = [
        ("the heap", generate("const a = []; for (;;) a.push(new Array(1e6).fill(1.5));"), Refused("HEAP_EXCEEDED")),
        ("2 GiB at once", generate("new Uint8Array(2 ** 31).fill(1);"), Refused("EXECUTION_THREW")),
        (
            "4 GiB in parts",
            generate("const a = []; for (let i = 0; i < 64; i++) a.push(new Uint8Array(2 ** 26).fill(1));"),
            Refused("EXECUTION_THREW"),
        ),
        (
            "10⁸ vertices",
            "export default (THREE) => { const g = new THREE.BufferGeometry(); g.setAttribute('position', \
             new THREE.BufferAttribute(new Float32Array(3e8), 3)); return new THREE.Points(g); }"
                .to_owned(),
            RefusedSomehow,
        ),
        (
            "3 million vertices",
            "export default (THREE) => { const g = new THREE.BufferGeometry(); g.setAttribute('position', \
             new THREE.BufferAttribute(new Float32Array(9e6), 3)); return new THREE.Points(g); }"
                .to_owned(),
            Refused("VERTEX_LIMIT_EXCEEDED"),
        ),
        (
            "10⁵ draw calls",
            "export default (THREE) => { const g = new THREE.Group(); const b = new THREE.BoxGeometry(); \
             for (let i = 0; i < 1e5; i++) g.add(new THREE.Mesh(b)); return g; }"
                .to_owned(),
            Refused("DRAW_CALL_LIMIT_EXCEEDED"),
        ),
    ];
    check_with(Studio::new(options), &cases).await;
}

#[tokio::test]
async fn what_spoils_its_realm_spoils_only_its_own() {
    check(&[
        (
            "patched prototypes",
            generate(
                "Array.prototype.push = function () { return 0; }; Object.prototype.x = 1; \
                 Map.prototype.get = () => 5; Set.prototype.has = () => false; String.prototype.replace = () => '';",
            ),
            RefusedSomehow,
        ),
        (
            "redefined built-ins",
            "JSON.stringify = () => '{}'; Math.sin = () => 1; Math.cos = () => 0; Number.isFinite = () => true; \
             Array.from = null; export default (THREE) => { Float32Array.from = null; return "
                .to_owned()
                + BOX
                + "; }",
            Drawn,
        ),
        (
            "a changed three",
            generate(
                "THREE.Color.prototype.setHex = function () { return this; }; THREE.Object3D.DEFAULT_UP.set(1, 0, 0); \
                 THREE.Matrix4.prototype.multiply = function () { return this; }; \
                 THREE.Mesh.prototype.onBeforeRender = () => {};",
            ),
            Drawn,
        ),
        ("a member added to three", generate("THREE.Evil = 1;"), Refused("EXECUTION_THREW")),
        ("a forbidden member of three", generate("new THREE.WebGLRenderer();"), Refused("EXECUTION_THREW")),
        (
            "throwing getters",
            "export default (THREE) => { const m = new THREE.Group(); \
             Object.defineProperty(m, 'children', { get() { throw new Error('no children'); } }); return m; }"
                .to_owned(),
            Refused("EXECUTION_THREW"),
        ),
        (
            "an error that throws when it is read",
            generate("throw { get message() { throw 1; }, toString() { throw 2; } };"),
            Refused("EXECUTION_THREW"),
        ),
        (
            "a verdict that cannot be written",
            generate("Object.prototype.toJSON = () => { throw new Error('no'); };"),
            Refused("EXECUTION_THREW"),
        ),
        (
            "a message that floods",
            generate("String.prototype.slice = () => 'x'.repeat(1e8); throw new Error('no');"),
            Refused("EXECUTION_THREW"),
        ),
        (
            "a cycle",
            "export default (THREE) => { const a = new THREE.Group(), b = new THREE.Group(); a.add(b); \
             b.children.push(a); return a; }"
                .to_owned(),
            Refused("CYCLE_DETECTED"),
        ),
        ("no export", "const a = 1;".to_owned(), Refused("MISSING_DEFAULT_EXPORT")),
        ("no JavaScript", "export default (((".to_owned(), Refused("PARSE_ERROR")),
        ("a promise", "export default (THREE) => (async () => {})();".to_owned(), Refused("ASYNC_NOT_ALLOWED")),
        ("nothing", "export default (THREE) => null;".to_owned(), Refused("INVALID_RETURN_TYPE")),
        ("an empty scene", "export default (THREE) => new THREE.Group();".to_owned(), Refused("EMPTY_SCENE")),
        (
            "too large an object",
            "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(2, 1, 1));".to_owned(),
            Refused("BOUNDING_BOX_OUT_OF_RANGE"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn coordinates_that_are_no_numbers_end_in_a_picture_or_a_reason() {
    let Some(studio) = studio().await else { return };
    let source = "export default (THREE) => { const g = new THREE.BufferGeometry(); g.setAttribute('position', \
                  new THREE.BufferAttribute(new Float32Array(300).fill(NaN), 3)); const m = new THREE.Mesh(g); \
                  m.position.set(NaN, NaN, NaN); m.scale.set(NaN, Infinity, -Infinity); return m; }";
    match fate_of(&studio, source).await {
        Ok(()) | Err(DrawError::Refused(_) | DrawError::Threw { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_neighbour_unchanged(&studio, "NaN").await;
    studio.close().await;
}

#[tokio::test]
async fn no_module_reaches_a_network() {
    let Some(studio) = studio().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("an address");
    let violations = [
        format!("fetch('http://{address}/');"),
        format!("new WebSocket('ws://{address}/');"),
        format!("new XMLHttpRequest().open('GET', 'http://{address}/');"),
        format!("new Worker('http://{address}/w.js');"),
        "eval('1');".to_owned(),
        "new Function('return 1')();".to_owned(),
        "(() => {}).constructor('return 1')();".to_owned(),
        "globalThis.postMessage('x');".to_owned(),
        "document.createElement('img');".to_owned(),
        "navigator.sendBeacon('x');".to_owned(),
    ];
    for body in &violations {
        match fate_of(&studio, &generate(body)).await {
            Err(DrawError::Refused(refusal)) => assert_eq!(refusal.failures[0].rule, "RUNTIME_VIOLATION", "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    for body in [
        format!("new EventSource('http://{address}/');"),
        format!("new WebTransport('https://{address}/');"),
        format!("importScripts('http://{address}/x.js');"),
        "new BroadcastChannel('x');".to_owned(),
        "postMessage('x');".to_owned(),
        "caches.open('x');".to_owned(),
        "new Blob(['x']);".to_owned(),
    ] {
        match fate_of(&studio, &generate(&body)).await {
            Err(DrawError::Refused(refusal)) => assert_eq!(refusal.failures[0].rule, "EXECUTION_THREW", "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    // An import may be tried; the page's policy and the held network stop it.
    let import = generate(&format!(
        "import('http://{address}/x.js').catch(() => {{}}); import('data:text/javascript,0').catch(() => {{}});"
    ));
    fate_of(&studio, &import).await.expect("its object is drawn");
    let fixed = format!("import 'http://{address}/x.js'; export default (THREE) => {BOX};");
    assert!(matches!(fate_of(&studio, &fixed).await, Err(DrawError::Refused(_))));

    studio.close().await;
    assert!(listener.accept().is_err(), "somebody connected");
}

#[tokio::test]
async fn nothing_of_one_module_reaches_the_next() {
    let Some(studio) = studio().await else { return };
    let leave_traces = generate(
        "Object.prototype.trace = 1; Array.prototype.trace = 1; THREE.Object3D.prototype.trace = 1; \
         Symbol.for('trace').description; Math.trace = 1; const o = new THREE.Group(); o.userData.trace = 1;",
    );
    let look_for_traces = generate(
        "if ('trace' in {} || 'trace' in [] || 'trace' in new THREE.Group() || 'trace' in Math) throw new Error('a trace'); \
         if (new THREE.Group().id > 30) throw new Error('three has counted on');",
    );
    for _ in 0..2 {
        // Its own drawing may well stumble over the traces.
        drop(fate_of(&studio, &leave_traces).await);
        fate_of(&studio, &look_for_traces).await.expect("no trace");
    }
    studio.close().await;
}

#[tokio::test]
async fn drawing_has_a_limit_of_its_own() {
    let Some(mut options) = options().await else { return };
    options.draw_limit = std::time::Duration::from_millis(1);
    let studio = Studio::new(options);
    let slow = generate("");
    assert!(matches!(fate_of(&studio, &slow).await, Err(DrawError::TooSlow { .. })));
    studio.close().await;
}
