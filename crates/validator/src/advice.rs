//! What to do about a finding, in a sentence. docs/rules.md says more, with an example for each rule.

use std::borrow::Cow;

use gen404_round::module_rule::Rule;
use strsim::osa_distance;

use crate::finding::Finding;
use crate::names::ALLOWED_THREE;

/// What to do about this finding: more than [`fix`] says of its rule, where its place shows what was meant.
pub fn fix_of(finding: &Finding) -> Cow<'static, str> {
    if let Some(name) = finding.instead {
        return format!("use THREE.{name}, which is allowed").into();
    }
    particular(finding.rule, &finding.detail).unwrap_or_else(|| fix(finding.rule)).into()
}

/// What to do where the detail shows more than the rule does.
fn particular(rule: Rule, detail: &str) -> Option<&'static str> {
    let begins = |phrase| detail.starts_with(phrase);
    let holds = |phrase| detail.contains(phrase);
    Some(match rule {
        Rule::ParseError if holds("not UTF-8") || holds("to be binary") => "save the file as UTF-8",
        Rule::ParseError | Rule::ValidatorCrashed if begins("nested") => {
            "nest less: build long sums, chains and lists in a loop"
        }
        Rule::ForbiddenIdentifier if begins("Math.random") => {
            "draw numbers from a small generator of your own with a fixed seed; docs/rules.md has one in three lines"
        }
        Rule::ForbiddenIdentifier if begins("import") || begins("dynamic import") => {
            "remove it: THREE comes as the parameter of the exported function, and a module can have nothing else"
        }
        Rule::IdentifierNotAllowed if begins("console") => "remove it: a module cannot print",
        Rule::ComputedPropertyAccess if begins("computed key") => "take it by its plain name: `const { Mesh } = THREE`",
        Rule::ComputedPropertyAccess if !begins("THREE") => {
            "write `Math.sin`, not `Math[\"sin\"]`; a variable of your own needs another name than Math, Object, Array or \
             Symbol"
        }
        Rule::ThreeAliasForbidden if begins("the rest of THREE") => {
            "name each member that you need: `const { Mesh, BoxGeometry } = THREE`"
        }
        Rule::ExecutionThrew if holds("before initialization") => {
            "declare it above the line that uses it and above the export: the render service runs nothing after the \
             export except function declarations"
        }
        Rule::ExecutionThrew if begins("compilation failed") => {
            "write `export default function generate(THREE) { … }` without parentheses around it, no `#!` line, and \
             check regular expressions"
        }
        Rule::ExecutionThrew if begins("THREE.") => "use a member of THREE that is allowed; docs/rules.md lists them",
        Rule::ExecutionThrew if holds("is not defined") => "declare the name with `const` or `let` before it is used",
        _ => return None,
    })
}

/// What to do about a broken rule.
pub const fn fix(rule: Rule) -> &'static str {
    match rule {
        Rule::FileSizeExceeded => "make the file smaller: build shapes in loops instead of listing their numbers",
        Rule::ParseError => {
            "correct the syntax at the mark or just before it: plain ES2024 module code, no TypeScript, no JSX"
        }
        Rule::MissingDefaultExport => "end with `export default function generate(THREE) { … }`, written in place",
        Rule::MultipleTopLevelExports => "keep the one `export default` and remove every other export",
        Rule::AsyncNotAllowed => "do everything synchronously: no `async`, no `await`, no promise as the result",
        Rule::ForbiddenIdentifier => {
            "rename it if it is a name of your own; what browsers and Node have under this name is not available to a module"
        }
        Rule::IdentifierNotAllowed => {
            "declare the name, or do without it: only the built-ins that docs/rules.md lists may be used undeclared"
        }
        Rule::ForbiddenThreeApi => {
            "use an allowed member of THREE; lights, cameras, loaders and shaders are not for modules"
        }
        Rule::UnknownThreeApi => {
            "check the spelling and the version: only the members of three r183 that docs/rules.md lists are allowed"
        }
        Rule::ThreeAtTopLevel => "use THREE inside the exported function, or give the helper a parameter called THREE",
        Rule::ThreeAliasForbidden => {
            "write THREE.Something where you need it, without `?.`; pass THREE only to a function of this module whose \
             parameter is called THREE"
        }
        Rule::ComputedPropertyAccess => {
            "write `THREE.Mesh`, not `THREE[\"Mesh\"]`; to choose by name, make an object first: `{ box: THREE.BoxGeometry }`"
        }
        Rule::ForbiddenPropertyAccess => {
            "write the class's name instead of `.constructor`, and Object.getPrototypeOf(o) instead of `o.__proto__`"
        }
        Rule::LiteralBudgetExceeded => {
            "compute values instead of writing them down: numbers and texts together may have 51200 bytes"
        }
        Rule::ValidatorCrashed => {
            "remove this, or write it in another way: the subnet's validators crash on it and reject the module"
        }
        Rule::ExecutionThrew => {
            "find out why this line throws; the module runs with THREE alone, without a page or Node"
        }
        Rule::InvalidReturnType => {
            "return a Group, Mesh, LineSegments or Points; put a Line, an Object3D or several objects into a Group, and \
             do not forget `return`"
        }
        Rule::TimeoutExceeded => "do less: the module and `generate` have five seconds together",
        Rule::HeapExceeded => "keep less in memory: 256 MB is the limit; numbers in a Float32Array do not count",
        Rule::RuntimeViolation => {
            "do not reach for a forbidden global or a function's constructor, not even as `f[\"constructor\"]`"
        }
        Rule::EmptyScene => {
            "return something with geometry: a Mesh, Line or Points whose geometry has a position attribute"
        }
        Rule::CycleDetected => "add each object to one parent, once; use `.clone()` for copies",
        Rule::VertexLimitExceeded => {
            "use fewer segments: 250000 vertices at most, and a geometry counts for each mesh that has it"
        }
        Rule::DrawCallLimitExceeded => {
            "merge geometries, or use InstancedMesh for copies: 200 meshes, lines and points at most"
        }
        Rule::DepthLimitExceeded => {
            "flatten the scene: 32 levels below the root at most; a root that is a Mesh counts as one"
        }
        Rule::InstanceLimitExceeded => "use fewer instances: 50000 at most, over all InstancedMesh",
        Rule::TextureDataExceeded => {
            "use smaller textures: 4194304 bytes at most over all, as one of 1024 × 1024 RGBA pixels has"
        }
        Rule::BoundingBoxOutOfRange => "scale the object so that its longest side is 0.95, and centre it",
    }
}

/// Names of older versions, of add-ons and of excluded classes, and what does their work among the allowed ones.
const INSTEAD: &[(&str, &str)] = &[
    ("Geometry", "BufferGeometry"),
    ("Math", "MathUtils"),
    ("Vector", "Vector3"),
    ("Matrix", "Matrix4"),
    ("Texture", "DataTexture"),
    ("CanvasTexture", "DataTexture"),
    ("Scene", "Group"),
    ("LOD", "Group"),
    ("SkinnedMesh", "Mesh"),
    ("BatchedMesh", "InstancedMesh"),
    ("LineLoop", "LineSegments"),
    ("LinePieces", "LineSegments"),
    ("PointCloud", "Points"),
    ("ParticleSystem", "Points"),
    ("Sprite", "Points"),
    ("PointCloudMaterial", "PointsMaterial"),
    ("ParticleSystemMaterial", "PointsMaterial"),
    ("SpriteMaterial", "PointsMaterial"),
    ("Material", "MeshStandardMaterial"),
    ("MeshPhongMaterial", "MeshStandardMaterial"),
    ("MeshLambertMaterial", "MeshStandardMaterial"),
    ("MeshToonMaterial", "MeshStandardMaterial"),
    ("MeshNormalMaterial", "MeshStandardMaterial"),
    ("MeshMatcapMaterial", "MeshStandardMaterial"),
    ("MeshDepthMaterial", "MeshStandardMaterial"),
    ("ShaderMaterial", "MeshPhysicalMaterial"),
    ("RawShaderMaterial", "MeshPhysicalMaterial"),
    ("ParametricGeometry", "BufferGeometry"),
    ("ConvexGeometry", "PolyhedronGeometry"),
    ("TextGeometry", "ExtrudeGeometry"),
    ("RoundedBoxGeometry", "ExtrudeGeometry"),
    ("CubeGeometry", "BoxGeometry"),
    ("sRGBEncoding", "SRGBColorSpace"),
    ("LinearEncoding", "LinearSRGBColorSpace"),
    ("LuminanceAlphaFormat", "RGFormat"),
    ("InstancedBufferAttribute", "BufferAttribute"),
    ("InstancedBufferGeometry", "BufferGeometry"),
    ("Float64BufferAttribute", "Float32BufferAttribute"),
    ("Float16BufferAttribute", "Float32BufferAttribute"),
    ("Uint8ClampedBufferAttribute", "Uint8BufferAttribute"),
];

/// The allowed member of `THREE` that somebody who wrote `name` probably wants.
pub fn instead(name: &str) -> Option<&'static str> {
    let known = INSTEAD.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
    let allowed = |wanted: &str| ALLOWED_THREE.iter().copied().find(|allowed| *allowed == wanted);
    // `BoxBufferGeometry` was `BoxGeometry` until r144.
    let unbuffered = || name.strip_suffix("BufferGeometry").and_then(|shape| allowed(&format!("{shape}Geometry")));
    known.or_else(unbuffered).or_else(|| nearest(name))
}

/// An allowed name that differs in case, or by one or two letters.
fn nearest(name: &str) -> Option<&'static str> {
    if !(3..=40).contains(&name.len()) {
        return None;
    }
    let case = ALLOWED_THREE.iter().copied().find(|allowed| allowed.eq_ignore_ascii_case(name));
    let within = if name.len() < 8 { 1 } else { 2 };
    // Two letters that changed places count as one mistake.
    let distances = ALLOWED_THREE.iter().map(|allowed| (osa_distance(name, allowed), *allowed));
    case.or_else(|| distances.min().filter(|(distance, _)| *distance <= within).map(|(_, allowed)| allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_advised_name_is_allowed() {
        for (old, new) in INSTEAD {
            assert!(ALLOWED_THREE.contains(new), "{new}");
            assert!(!ALLOWED_THREE.contains(old), "{old}");
        }
    }

    #[test]
    fn names_lead_to_what_was_meant() {
        let pairs = [
            ("BoxBufferGeometry", Some("BoxGeometry")),
            ("MeshPhongMaterial", Some("MeshStandardMaterial")),
            ("boxgeometry", Some("BoxGeometry")),
            ("SphereGeometery", Some("SphereGeometry")),
            ("Vector33", Some("Vector3")),
            ("Mehs", Some("Mesh")),
            ("Mseh", Some("Mesh")),
            ("Mhes", None),
            ("AmbientLight", None),
            ("Qx", None),
        ];
        for (name, wanted) in pairs {
            assert_eq!(instead(name), wanted, "{name}");
        }
    }

    #[test]
    fn the_place_decides_about_the_fix() {
        let module = |code: &str| format!("export default function generate(THREE) {{ {code} }}");
        for (source, says) in [
            (module("Math.random();"), "generator of your own"),
            ("import 'three'; export default () => 1".to_owned(), "THREE comes as the parameter"),
            (module("import('three')"), "THREE comes as the parameter"),
            (module("import.meta"), "THREE comes as the parameter"),
            (module("let self;"), "rename it"),
            (module("new THREE.Mehs()"), "use THREE.Mesh, which is allowed"),
            (module("new THREE.PointLight()"), "lights, cameras"),
            (module("THREE?.Mesh"), "without `?.`"),
            (module("console.log(1)"), "cannot print"),
            (module("btoa('x')"), "declare the name"),
            (module("const { [1]: x } = THREE"), "by its plain name"),
            (module("const Array = [1]; Array[0]"), "another name"),
            (module("THREE['Mesh']"), "write `THREE.Mesh`"),
            (module("const { Mesh, ...rest } = THREE"), "name each member"),
            (module("THREE.constructor.name"), "remove this"),
            (module(&format!("{}1{}", "(".repeat(3000), ")".repeat(3000))), "nest less"),
        ] {
            let report = crate::validate(&source);
            let advice = fix_of(&report.findings[0]);
            assert!(advice.contains(says), "{source}: {advice}");
        }
    }

    #[test]
    fn what_was_thrown_decides_about_the_fix() {
        for (detail, says) in [
            ("Cannot access 'S' before initialization", "above the export"),
            ("compilation failed: Unexpected token ')'", "without parentheses"),
            ("THREE.LuminanceFormat is not a recognized Three.js API", "a member of THREE that is allowed"),
            ("zzz is not defined", "declare the name"),
            ("of mine", "why this line throws"),
        ] {
            let advice = particular(Rule::ExecutionThrew, detail).unwrap_or_else(|| fix(Rule::ExecutionThrew));
            assert!(advice.contains(says), "{detail}: {advice}");
        }
        let (_, report) = crate::validate_bytes(b"// caf\xe9\nexport default () => 1");
        assert_eq!(fix_of(&report.findings[0]), "save the file as UTF-8");
    }

    #[test]
    fn every_fix_is_one_line() {
        for rule in Rule::ALL {
            assert!(!fix(*rule).contains('\n') && fix(*rule).len() > 20, "{rule}");
        }
    }
}
