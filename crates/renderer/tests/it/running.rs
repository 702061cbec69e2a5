//! Modules run as the official service runs them: judged as a function whose body ends at the export, drawn as modules.

use gen404_renderer::{DrawError, Image, Refusal, RefusalKind, Studio};

use crate::equipment::{module, studio, thumbnail};

const BOX: &str = "new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), new THREE.MeshBasicMaterial())";

/// `BOX` in a module's text stands for a small object.
fn with_box(source: &str) -> String {
    source.replace("BOX", BOX)
}

async fn draw(studio: &Studio, source: &str) -> Result<Image, DrawError> {
    let mut images = studio.draw(source, &[thumbnail()], studio.options().draw_limit).await?;
    Ok(images.remove(0))
}

async fn refusal(studio: &Studio, source: &str) -> Refusal {
    match draw(studio, source).await {
        Err(DrawError::Refused(refusal)) => *refusal,
        other => panic!("{source}: {other:?}"),
    }
}

fn middle(image: &Image) -> [u8; 3] {
    let at = (32 * 64 + 32) * 4;
    image.pixels()[at..at + 3].try_into().expect("three bytes")
}

#[tokio::test]
async fn what_the_service_refuses_in_the_field_is_refused() {
    let Some(studio) = studio().await else { return };
    for (name, detail) in [
        ("tdz", "Cannot access 'heights' before initialization"),
        ("multi_material_hole", "Cannot read properties of undefined (reading 'map')"),
    ] {
        let refusal = refusal(&studio, &module(name)).await;
        assert_eq!((refusal.kind, refusal.failures.len()), (RefusalKind::AfterRun, 1), "{name}");
        let failure = &refusal.failures[0];
        assert_eq!((&*failure.stage, &*failure.rule), ("execution", "EXECUTION_THREW"), "{name}");
        assert_eq!(failure.detail, detail, "{name}");
    }
    studio.close().await;
}

/// Modules that cannot be run, with the stage and rule that refuse them and how its detail begins.
const REFUSED: [(&str, &str, &str, &str); 25] = [
    // Nothing after the export runs.
    (
        "export default (THREE) => { new Part(); return BOX; }; class Part {}",
        "execution",
        "EXECUTION_THREW",
        "Cannot access 'Part' before",
    ),
    (
        "export default (THREE) => { part(); return BOX; }; let part = () => 1;",
        "execution",
        "EXECUTION_THREW",
        "Cannot access 'part' before",
    ),
    (
        "export default (THREE) => { part(); return BOX; }; var part = () => 1;",
        "execution",
        "EXECUTION_THREW",
        "part is not a function",
    ),
    // The function's own name is known in itself alone.
    (
        "function part(THREE) { return generate.name; }\nexport default function generate(THREE) { part(THREE); return BOX; }",
        "execution",
        "EXECUTION_THREW",
        "generate is not defined",
    ),
    // What follows a function declaration continues an expression there.
    (
        "export default function generate(THREE) { return BOX; }\n(function () {})();",
        "execution",
        "EXECUTION_THREW",
        "",
    ),
    (
        "export default function generate(THREE) { return BOX; }\n/x/.test('x');",
        "execution",
        "EXECUTION_THREW",
        "compilation failed: Unexpected token '.'",
    ),
    ("export default ((THREE) => BOX);", "execution", "EXECUTION_THREW", "compilation failed: Unexpected token ')'"),
    (
        "export default /* a */ ( // b\n (function (THREE) { return BOX; }));",
        "execution",
        "EXECUTION_THREW",
        "compilation failed: Unexpected token ')'",
    ),
    ("#!/usr/bin/env node\nexport default (THREE) => BOX;", "execution", "EXECUTION_THREW", "compilation failed: "),
    (
        "export const a = 1; export default (THREE) => BOX;",
        "execution",
        "EXECUTION_THREW",
        "compilation failed: Unexpected token 'export'",
    ),
    ("await 1; export default (THREE) => BOX;", "execution", "EXECUTION_THREW", "compilation failed: await"),
    (
        "import 'data:text/javascript,0'; export default (THREE) => BOX;",
        "execution",
        "EXECUTION_THREW",
        "compilation failed: ",
    ),
    (
        "const a = /(/; export default (THREE) => BOX;",
        "execution",
        "EXECUTION_THREW",
        "compilation failed: Invalid regular expression",
    ),
    // THREE is in reach of nothing but what takes it.
    (
        "const size = THREE.MathUtils.clamp(1, 0, 0.5); export default (THREE) => BOX;",
        "execution",
        "EXECUTION_THREW",
        "THREE is not defined",
    ),
    (
        "function part() { return BOX; } export default (THREE) => part();",
        "execution",
        "EXECUTION_THREW",
        "THREE is not defined",
    ),
    // A function's body that is no module.
    ("if (true) export default (THREE) => BOX;", "parse", "PARSE_ERROR", "Unexpected token 'export'"),
    ("if (false) return 1; export default (THREE) => BOX;", "parse", "PARSE_ERROR", "Illegal return"),
    ("export default (THREE) => BOX; export default (THREE) => BOX;", "parse", "PARSE_ERROR", ""),
    // No function written in place.
    (
        "function generate(THREE) { return BOX; } export default generate;",
        "static_analysis",
        "MISSING_DEFAULT_EXPORT",
        "",
    ),
    (
        "function generate(THREE) { return BOX; } export { generate as default };",
        "static_analysis",
        "MISSING_DEFAULT_EXPORT",
        "",
    ),
    ("// export default (THREE) => BOX\nconst a = (THREE) => BOX;", "static_analysis", "MISSING_DEFAULT_EXPORT", ""),
    ("let a; export default a = (THREE) => BOX;", "static_analysis", "MISSING_DEFAULT_EXPORT", ""),
    ("export default true ? (THREE) => BOX : 0;", "static_analysis", "MISSING_DEFAULT_EXPORT", ""),
    ("export default class {}", "static_analysis", "MISSING_DEFAULT_EXPORT", ""),
    ("export default async (THREE) => BOX;", "execution", "ASYNC_NOT_ALLOWED", ""),
];

#[tokio::test]
async fn what_cannot_be_a_functions_body_is_refused() {
    let Some(studio) = studio().await else { return };
    for (source, stage, rule, detail) in REFUSED {
        let refusal = refusal(&studio, &with_box(source)).await;
        let failure = &refusal.failures[0];
        assert_eq!((&*failure.stage, &*failure.rule), (stage, rule), "{source}: {refusal}");
        assert!(failure.detail.starts_with(detail), "{source}: {refusal}");
        let kind = if stage == "execution" { RefusalKind::AfterRun } else { RefusalKind::Static };
        assert_eq!(refusal.kind, kind, "{source}");
    }
    studio.close().await;
}

#[tokio::test]
async fn no_text_lies_about_where_the_export_is() {
    let Some(studio) = studio().await else { return };
    let plain = draw(&studio, &with_box("export default (THREE) => BOX;")).await.expect("a picture");
    let many = format!("const a = [{}]; export default (THREE) => BOX;", "'export default', ".repeat(2000));
    for source in [
        many.as_str(),
        "export default function generate(THREE) { return BOX; }",
        "export default function (THREE) { return BOX; };;\n// the end\n/* of it */",
        "export\ndefault\n\nfunction generate(THREE) { return BOX; }",
        "export/* a\n */default/* b */// c\n(THREE) => BOX",
        "export default THREE => BOX;",
        "\u{feff}export default (THREE) => BOX;",
        "// export default (THREE) => 1\n/* export default function () {} */ export default (THREE) => BOX; // export default 2",
        "const a = ['export default (x) =>', \"export default\", `export default ${1} export default`, /export default (a)/];\n\
         export default (THREE) => BOX;",
        "const a = 'export default /*'; export default function generate(THREE) { return BOX; } /* ' */",
        "export default function generate(THREE) { const a = 'export default x'; return BOX; }\nfunction part() { return `export default`; }",
        "const o = { export: 1 }; function part(x) { switch (x) { case 1: o.export\n default: return 2; } }\n\
         export default (THREE) => { part(1); return BOX; };",
        "class A { export\n default = 1 }\nexport default (THREE) => BOX;",
        // Functions are hoisted, wherever they are, whatever is in them.
        "export default function generate(THREE) { more('}'); return part(THREE); }\n\
         function part(THREE) { return BOX; } function* more(x) { yield /}/; }\n",
        "const half = 0.5; function part(THREE) { return BOX; }\nexport default (THREE) => part(THREE);",
    ] {
        let image = draw(&studio, &with_box(source)).await;
        assert_eq!(image.unwrap_or_else(|error| panic!("{source}: {error}")), plain, "{source}");
    }
    studio.close().await;
}

#[tokio::test]
async fn what_follows_the_export_is_not_judged_but_drawn() {
    let Some(studio) = studio().await else { return };
    let source = |before: &str, after: &str| {
        format!(
            "let colour = 0xff0000, size = 0.5, part = () => 1; {before}
             export default function generate(THREE) {{
               part();
               return new THREE.Mesh(new THREE.SphereGeometry(size), new THREE.MeshBasicMaterial({{ color: colour }}));
             }}
             {after}"
        )
    };
    let red = middle(&draw(&studio, &source("", "")).await.expect("a picture"));
    let green = middle(&draw(&studio, &source("colour = 0x00ff00;", "")).await.expect("a picture"));
    assert!(red[0] > red[1] && green[1] > green[0], "{red:?} {green:?}");
    // The service judges the one and draws the other.
    assert_eq!(middle(&draw(&studio, &source("", "colour = 0x00ff00;")).await.expect("a picture")), green);
    let too_large = refusal(&studio, &source("size = 2;", "size = 0.5;")).await;
    assert_eq!(too_large.failures[0].rule, "BOUNDING_BOX_OUT_OF_RANGE");
    let later = draw(&studio, &source("", "part = () => { throw new Error('too late'); };")).await;
    assert!(matches!(&later, Err(DrawError::Threw { detail }) if detail == "too late"), "{later:?}");
    // It is judged as a function, where nothing after the export runs, and fails when it is drawn as a module.
    let after = draw(&studio, &source("", "generate.x = (() => { throw new Error('after'); })();")).await;
    let after = after.expect_err("it throws");
    assert_eq!(after.to_string(), "RENDER_RUN_FAILED: after");
    let [failure] = &after.failures()[..] else { panic!("{after:?}") };
    assert_eq!((&*failure.stage, &*failure.rule, &*failure.detail), ("render", "RENDER_RUN_FAILED", "after"));
    // Names that are in reach in one of the two only, and caught there.
    let asks = "try { generate.name; colour = 0x00ff00; } catch { colour = 0xff0000; }";
    let source = source("", "").replace("part();", "ask();") + &format!("\nfunction ask() {{ {asks} }}");
    assert_eq!(middle(&draw(&studio, &source).await.expect("a picture")), green);
    // Random numbers begin anew.
    let random =
        "const r = Math.random(); export default (THREE) => new THREE.Mesh(new THREE.SphereGeometry(r * 0.5));";
    let once = draw(&studio, random).await.expect("a picture");
    assert_eq!(draw(&studio, &format!("{random} r;")).await.expect("a picture"), once);
    studio.close().await;
}
