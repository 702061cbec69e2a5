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
    let begins = |phrase| finding.detail.starts_with(phrase);
    let particular = match finding.rule {
        Rule::ForbiddenIdentifier if begins("Math.random") => {
            "draw numbers from a small generator of your own with a fixed seed; docs/rules.md has one in three lines"
        }
        Rule::ForbiddenIdentifier if begins("import") || begins("dynamic import") => {
            "remove it: THREE comes as the parameter of the exported function, and nothing else can be had"
        }
        rule => fix(rule),
    };
    particular.into()
}

/// What to do about a broken rule.
pub const fn fix(rule: Rule) -> &'static str {
    match rule {
        Rule::FileSizeExceeded => "make the file smaller: build shapes in loops instead of listing their numbers",
        Rule::ParseError => {
            "mend the syntax at the mark or just before it: plain ES2024 module code, no TypeScript, no JSX"
        }
        Rule::MissingDefaultExport => "end with `export default function generate(THREE) { … }`, written in place",
        Rule::MultipleTopLevelExports => "keep the one `export default` and remove every other export",
        Rule::AsyncNotAllowed => "do everything synchronously: no `async`, no `await`, no promise as the result",
        Rule::ForbiddenIdentifier => {
            "if it is a name of your own, rename it; what it means in a browser or in Node is not to be had in a module"
        }
        Rule::IdentifierNotAllowed => "declare the name, or do without it: only a few built-ins may be used undeclared",
        Rule::ForbiddenThreeApi => {
            "use an allowed member of THREE; lights, cameras, loaders and shaders are not for modules"
        }
        Rule::UnknownThreeApi => {
            "check the spelling and the version: only the listed members of three r183 are allowed"
        }
        Rule::ThreeAtTopLevel => "use THREE inside the exported function, or give the helper a parameter called THREE",
        Rule::ThreeAliasForbidden => {
            "write THREE.Something where you need it, without `?.`; pass THREE only to a function of this module whose \
             parameter is called THREE"
        }
        Rule::ComputedPropertyAccess => {
            "write `THREE.Mesh`, not `THREE[\"Mesh\"]`; copy into an object of your own to look up by name"
        }
        Rule::ForbiddenPropertyAccess => "do without `.constructor`, `.__proto__` and their like",
        Rule::LiteralBudgetExceeded => {
            "compute values instead of writing them down: numbers and texts together may have 51200 bytes"
        }
        Rule::ValidatorCrashed => {
            "write it in another way: the subnet's validators die on this, and the module is lost"
        }
        Rule::ExecutionThrew => {
            "mend what it throws; for the render service, move constants and classes above the export"
        }
        Rule::InvalidReturnType => "return a Group, Mesh, LineSegments or Points",
        Rule::TimeoutExceeded => "do less: five seconds are all there is",
        Rule::HeapExceeded => "use less memory: 256 MB are all there is",
        Rule::RuntimeViolation => "touch no forbidden global, in no way",
        Rule::EmptyScene => "return something with geometry in it",
        Rule::CycleDetected => "add each object to one parent, once",
        Rule::VertexLimitExceeded => "use fewer segments: 250000 vertices, counted for each mesh that uses them",
        Rule::DrawCallLimitExceeded => "merge geometries or use InstancedMesh: 200 meshes, lines and points",
        Rule::DepthLimitExceeded => "flatten the scene: 32 levels below the root",
        Rule::InstanceLimitExceeded => "use fewer instances: 50000 in all",
        Rule::TextureDataExceeded => "use smaller textures: 4194304 bytes in all",
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
        ] {
            let report = crate::validate(&source);
            let advice = fix_of(&report.findings[0]);
            assert!(advice.contains(says), "{source}: {advice}");
        }
    }

    #[test]
    fn every_fix_is_one_line() {
        for rule in Rule::ALL {
            assert!(!fix(*rule).contains('\n') && fix(*rule).len() > 20, "{rule}");
        }
    }
}
