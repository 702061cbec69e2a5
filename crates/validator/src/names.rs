//! The lists of names that the rules speak of, exactly as the subnet's validators have them.
//! Knows no syntax: a name is a text here.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Names that may not appear as an identifier, declared or not.
pub const FORBIDDEN: &[&str] = &[
    "eval",
    "Function",
    "setTimeout",
    "setInterval",
    "setImmediate",
    "queueMicrotask",
    "fetch",
    "XMLHttpRequest",
    "WebSocket",
    "document",
    "window",
    "navigator",
    "localStorage",
    "sessionStorage",
    "indexedDB",
    "OffscreenCanvas",
    "HTMLCanvasElement",
    "crypto",
    "Date",
    "performance",
    "Proxy",
    "Reflect",
    "WeakRef",
    "FinalizationRegistry",
    "SharedArrayBuffer",
    "Atomics",
    "Worker",
    "process",
    "module",
    "global",
    "globalThis",
    "self",
    "require",
];

/// Globals that may be read without being declared.
pub const ALLOWED_GLOBALS: &[&str] = &[
    "Math",
    "Number",
    "String",
    "Array",
    "Object",
    "Symbol",
    "JSON",
    "Map",
    "Set",
    "Boolean",
    "Error",
    "TypeError",
    "RangeError",
    "Infinity",
    "NaN",
    "undefined",
    "parseInt",
    "parseFloat",
    "isFinite",
    "isNaN",
    "BigInt",
    "ArrayBuffer",
    "DataView",
    "Int8Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "Float32Array",
    "Float64Array",
    "BigInt64Array",
    "BigUint64Array",
];

/// Globals that no document lists, and that both validators take because their scope tracker knows them.
pub const HIDDEN_GLOBALS: &[&str] = &[
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "unescape",
    "AggregateError",
    "EvalError",
    "ReferenceError",
    "SyntaxError",
    "URIError",
    "Float16Array",
    "Intl",
    "Iterator",
    "Promise",
    "RegExp",
    "WeakMap",
    "WeakSet",
    "arguments",
];

/// Members of `THREE` that may be used.
pub const ALLOWED_THREE: &[&str] = &[
    "BufferGeometry",
    "BufferAttribute",
    "InterleavedBuffer",
    "InterleavedBufferAttribute",
    "Float32BufferAttribute",
    "Uint8BufferAttribute",
    "Uint16BufferAttribute",
    "Uint32BufferAttribute",
    "Int8BufferAttribute",
    "Int16BufferAttribute",
    "Int32BufferAttribute",
    "BoxGeometry",
    "SphereGeometry",
    "CylinderGeometry",
    "CapsuleGeometry",
    "ConeGeometry",
    "TorusGeometry",
    "TorusKnotGeometry",
    "PlaneGeometry",
    "CircleGeometry",
    "RingGeometry",
    "TetrahedronGeometry",
    "OctahedronGeometry",
    "DodecahedronGeometry",
    "IcosahedronGeometry",
    "PolyhedronGeometry",
    "ExtrudeGeometry",
    "LatheGeometry",
    "ShapeGeometry",
    "TubeGeometry",
    "EdgesGeometry",
    "WireframeGeometry",
    "MeshStandardMaterial",
    "MeshPhysicalMaterial",
    "MeshBasicMaterial",
    "PointsMaterial",
    "LineBasicMaterial",
    "LineDashedMaterial",
    "DataTexture",
    "Vector2",
    "Vector3",
    "Vector4",
    "Matrix3",
    "Matrix4",
    "Quaternion",
    "Euler",
    "Box2",
    "Box3",
    "Sphere",
    "Plane",
    "Ray",
    "Line3",
    "Triangle",
    "Spherical",
    "Cylindrical",
    "Color",
    "MathUtils",
    "Curve",
    "CurvePath",
    "Shape",
    "Path",
    "CatmullRomCurve3",
    "CubicBezierCurve3",
    "LineCurve3",
    "QuadraticBezierCurve3",
    "EllipseCurve",
    "ArcCurve",
    "LineCurve",
    "SplineCurve",
    "QuadraticBezierCurve",
    "CubicBezierCurve",
    "Object3D",
    "Group",
    "Mesh",
    "InstancedMesh",
    "Line",
    "LineSegments",
    "Points",
    "SRGBColorSpace",
    "LinearSRGBColorSpace",
    "NoColorSpace",
    "FrontSide",
    "BackSide",
    "DoubleSide",
    "NormalBlending",
    "AdditiveBlending",
    "SubtractiveBlending",
    "MultiplyBlending",
    "NoBlending",
    "NearestFilter",
    "LinearFilter",
    "NearestMipmapNearestFilter",
    "LinearMipmapNearestFilter",
    "NearestMipmapLinearFilter",
    "LinearMipmapLinearFilter",
    "RepeatWrapping",
    "ClampToEdgeWrapping",
    "MirroredRepeatWrapping",
    "RGBAFormat",
    "RGBFormat",
    "RGFormat",
    "RedFormat",
    "LuminanceFormat",
    "UnsignedByteType",
    "HalfFloatType",
    "FloatType",
    "StaticDrawUsage",
    "DynamicDrawUsage",
    "StreamDrawUsage",
];

/// Members of `THREE` that are known and excluded; every other name is unknown, real ones included.
pub const EXCLUDED_THREE: &[&str] = &[
    "AmbientLight",
    "DirectionalLight",
    "PointLight",
    "SpotLight",
    "HemisphereLight",
    "RectAreaLight",
    "LightProbe",
    "AmbientLightProbe",
    "HemisphereLightProbe",
    "DirectionalLightShadow",
    "PointLightShadow",
    "SpotLightShadow",
    "LightShadow",
    "Loader",
    "LoadingManager",
    "FileLoader",
    "TextureLoader",
    "ImageLoader",
    "ImageBitmapLoader",
    "CubeTextureLoader",
    "DataTextureLoader",
    "BufferGeometryLoader",
    "MaterialLoader",
    "ObjectLoader",
    "FontLoader",
    "AudioLoader",
    "AnimationLoader",
    "CompressedTextureLoader",
    "GLTFLoader",
    "OBJLoader",
    "MTLLoader",
    "FBXLoader",
    "ColladaLoader",
    "STLLoader",
    "PLYLoader",
    "3MFLoader",
    "DRACOLoader",
    "KTX2Loader",
    "KTXLoader",
    "RGBELoader",
    "EXRLoader",
    "HDRCubeTextureLoader",
    "BasisTextureLoader",
    "TGALoader",
    "TIFFLoader",
    "SVGLoader",
    "USDZLoader",
    "VRMLLoader",
    "XYZLoader",
    "ShaderMaterial",
    "RawShaderMaterial",
    "MeshPhongMaterial",
    "MeshLambertMaterial",
    "MeshToonMaterial",
    "MeshNormalMaterial",
    "MeshMatcapMaterial",
    "MeshDepthMaterial",
    "MeshDistanceMaterial",
    "ShadowMaterial",
    "SpriteMaterial",
    "Material",
    "Texture",
    "CanvasTexture",
    "VideoTexture",
    "CompressedTexture",
    "CompressedArrayTexture",
    "CompressedCubeTexture",
    "CubeTexture",
    "Data3DTexture",
    "DataArrayTexture",
    "DepthTexture",
    "FramebufferTexture",
    "WebGLRenderer",
    "WebGL1Renderer",
    "WebGLRenderTarget",
    "WebGL3DRenderTarget",
    "WebGLArrayRenderTarget",
    "WebGLCubeRenderTarget",
    "WebGLMultipleRenderTargets",
    "Camera",
    "PerspectiveCamera",
    "OrthographicCamera",
    "ArrayCamera",
    "StereoCamera",
    "CubeCamera",
    "Scene",
    "Fog",
    "FogExp2",
    "AnimationMixer",
    "AnimationAction",
    "AnimationClip",
    "AnimationObjectGroup",
    "AnimationUtils",
    "KeyframeTrack",
    "NumberKeyframeTrack",
    "VectorKeyframeTrack",
    "QuaternionKeyframeTrack",
    "ColorKeyframeTrack",
    "StringKeyframeTrack",
    "BooleanKeyframeTrack",
    "PropertyBinding",
    "PropertyMixer",
    "Bone",
    "Skeleton",
    "SkinnedMesh",
    "SkeletonHelper",
    "Audio",
    "PositionalAudio",
    "AudioAnalyser",
    "AudioContext",
    "AudioListener",
    "Sprite",
    "LOD",
    "BatchedMesh",
    "ArrowHelper",
    "AxesHelper",
    "BoxHelper",
    "Box3Helper",
    "CameraHelper",
    "GridHelper",
    "PolarGridHelper",
    "HemisphereLightHelper",
    "DirectionalLightHelper",
    "PointLightHelper",
    "SpotLightHelper",
    "PlaneHelper",
    "Raycaster",
    "Clock",
    "EventDispatcher",
    "Layers",
];

/// Names on which `[…]` is forbidden, whatever they are bound to.
pub const NO_COMPUTED_ACCESS: &[&str] = &["THREE", "Math", "Object", "Array", "Symbol"];

/// Members of `THREE.MathUtils` that are forbidden.
pub const BLOCKED_MATH_UTILS: &[&str] = &["seededRandom", "generateUUID"];

/// Members that only the render service forbids.
pub const FORBIDDEN_PROPERTIES: &[&str] =
    &["constructor", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"];

/// Names that every object inherits. `THREE.<one of these>.<name>` kills both validators.
pub const INHERITED: &[&str] = &[
    "constructor",
    "__defineGetter__",
    "__defineSetter__",
    "hasOwnProperty",
    "__lookupGetter__",
    "__lookupSetter__",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toString",
    "valueOf",
    "__proto__",
    "toLocaleString",
];

/// An allowed member of `THREE` that three r183 does not have.
pub const MISSING_IN_THREE: &[(&str, &str)] = &[("LuminanceFormat", "RedFormat")];

/// Allowed members of `THREE` that do not do what they seem to, and what to do instead.
pub const IGNORED_MEMBERS: &[(&str, &str)] = &[
    ("RGBFormat", "WebGL 2 has no storage for it, so the texture stays empty; give four bytes a pixel and RGBAFormat"),
    ("SubtractiveBlending", "three blends so only with `premultipliedAlpha: true` on the material"),
    ("MultiplyBlending", "three blends so only with `premultipliedAlpha: true` on the material"),
];

/// Properties that older versions of three had, or that WebGL ignores, and what to do instead.
pub const IGNORED_PROPERTIES: &[(&str, &str)] = &[
    ("encoding", "three r183 has no encodings; set `colorSpace = THREE.SRGBColorSpace`"),
    ("linewidth", "WebGL draws all lines one pixel wide; use thin meshes"),
    ("wireframeLinewidth", "WebGL draws all lines one pixel wide"),
    ("skinning", "three r183 has no such property"),
    ("morphTargets", "three r183 has no such property"),
];

/// What a name is to the rules. One look-up answers for every identifier of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GlobalName {
    Forbidden,
    Allowed,
    Hidden,
    Other,
}

/// How a member of `THREE` is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThreeMember {
    Allowed,
    Excluded,
    Unknown,
}

/// The lists as tables.
#[derive(Debug)]
pub(crate) struct Tables {
    globals: FxHashMap<&'static str, GlobalName>,
    three: FxHashMap<&'static str, ThreeMember>,
}

impl Tables {
    /// The tables, built once per process.
    pub(crate) fn get() -> &'static Self {
        static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
            globals: entries(FORBIDDEN, GlobalName::Forbidden)
                .chain(entries(ALLOWED_GLOBALS, GlobalName::Allowed))
                .chain(entries(HIDDEN_GLOBALS, GlobalName::Hidden))
                .collect(),
            three: entries(ALLOWED_THREE, ThreeMember::Allowed)
                .chain(entries(EXCLUDED_THREE, ThreeMember::Excluded))
                .collect(),
        });
        &TABLES
    }

    pub(crate) fn global(&self, name: &str) -> GlobalName {
        self.globals.get(name).copied().unwrap_or(GlobalName::Other)
    }

    pub(crate) fn three(&self, name: &str) -> ThreeMember {
        self.three.get(name).copied().unwrap_or(ThreeMember::Unknown)
    }
}

fn entries<K: Copy>(names: &'static [&'static str], kind: K) -> impl Iterator<Item = (&'static str, K)> {
    names.iter().map(move |name| (*name, kind))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_lists_have_the_sizes_of_the_documents_and_no_name_twice() {
        let sizes = [FORBIDDEN, ALLOWED_GLOBALS, HIDDEN_GLOBALS, ALLOWED_THREE, EXCLUDED_THREE].map(<[_]>::len);
        assert_eq!(sizes, [33, 34, 19, 109, 130]);
        let globals: BTreeSet<_> = [FORBIDDEN, ALLOWED_GLOBALS, HIDDEN_GLOBALS].into_iter().flatten().collect();
        let three: BTreeSet<_> = [ALLOWED_THREE, EXCLUDED_THREE].into_iter().flatten().collect();
        assert_eq!((globals.len(), three.len()), (86, 239));
    }
}
