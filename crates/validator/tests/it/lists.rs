//! Every name of every list that the rules have, as the subnet's documents list them: a list of ours that lost or gained a name
//! would agree with itself.

use gen404_validator::{Caution, names, validate};

use crate::rules::{body, both};

/// Names that are forbidden, declared or not.
const FORBIDDEN: &str = "\
    eval Function setTimeout setInterval setImmediate queueMicrotask fetch XMLHttpRequest \
    WebSocket document window navigator localStorage sessionStorage indexedDB OffscreenCanvas \
    HTMLCanvasElement crypto Date performance Proxy Reflect WeakRef FinalizationRegistry SharedArrayBuffer \
    Atomics Worker process module global globalThis self require";

/// Names that may be read undeclared.
const ALLOWED: &str = "\
    Math Number String Array Object Symbol JSON Map Set Boolean Error TypeError RangeError Infinity NaN \
    undefined parseInt parseFloat isFinite isNaN BigInt ArrayBuffer DataView Int8Array Uint8Array \
    Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array \
    BigUint64Array";

/// Names that pass because the validators' scope tracker knows them.
const HIDDEN: &str = "\
    decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape AggregateError EvalError \
    ReferenceError SyntaxError URIError Float16Array Intl Iterator Promise RegExp WeakMap WeakSet arguments";

/// Members of `THREE` that may be used.
const THREE: &str = "\
    BufferGeometry BufferAttribute InterleavedBuffer InterleavedBufferAttribute Float32BufferAttribute \
    Uint8BufferAttribute Uint16BufferAttribute Uint32BufferAttribute Int8BufferAttribute Int16BufferAttribute \
    Int32BufferAttribute BoxGeometry SphereGeometry CylinderGeometry CapsuleGeometry ConeGeometry \
    TorusGeometry TorusKnotGeometry PlaneGeometry CircleGeometry RingGeometry TetrahedronGeometry \
    OctahedronGeometry DodecahedronGeometry IcosahedronGeometry PolyhedronGeometry ExtrudeGeometry \
    LatheGeometry ShapeGeometry TubeGeometry EdgesGeometry WireframeGeometry MeshStandardMaterial \
    MeshPhysicalMaterial MeshBasicMaterial PointsMaterial LineBasicMaterial LineDashedMaterial DataTexture \
    Vector2 Vector3 Vector4 Matrix3 Matrix4 Quaternion Euler Box2 Box3 Sphere Plane Ray Line3 Triangle \
    Spherical Cylindrical Color MathUtils Curve CurvePath Shape Path CatmullRomCurve3 CubicBezierCurve3 \
    LineCurve3 QuadraticBezierCurve3 EllipseCurve ArcCurve LineCurve SplineCurve QuadraticBezierCurve \
    CubicBezierCurve Object3D Group Mesh InstancedMesh Line LineSegments Points SRGBColorSpace \
    LinearSRGBColorSpace NoColorSpace FrontSide BackSide DoubleSide NormalBlending AdditiveBlending \
    SubtractiveBlending MultiplyBlending NoBlending NearestFilter LinearFilter NearestMipmapNearestFilter \
    LinearMipmapNearestFilter NearestMipmapLinearFilter LinearMipmapLinearFilter RepeatWrapping \
    ClampToEdgeWrapping MirroredRepeatWrapping RGBAFormat RGBFormat RGFormat RedFormat LuminanceFormat \
    UnsignedByteType HalfFloatType FloatType StaticDrawUsage DynamicDrawUsage StreamDrawUsage";

/// Members of `THREE` that are known and excluded.
const EXCLUDED: &str = "\
    AmbientLight DirectionalLight PointLight SpotLight HemisphereLight RectAreaLight LightProbe \
    AmbientLightProbe HemisphereLightProbe DirectionalLightShadow PointLightShadow SpotLightShadow LightShadow \
    Loader LoadingManager FileLoader TextureLoader ImageLoader ImageBitmapLoader CubeTextureLoader \
    DataTextureLoader BufferGeometryLoader MaterialLoader ObjectLoader FontLoader AudioLoader AnimationLoader \
    CompressedTextureLoader GLTFLoader OBJLoader MTLLoader FBXLoader ColladaLoader STLLoader PLYLoader \
    3MFLoader DRACOLoader KTX2Loader KTXLoader RGBELoader EXRLoader HDRCubeTextureLoader BasisTextureLoader \
    TGALoader TIFFLoader SVGLoader USDZLoader VRMLLoader XYZLoader ShaderMaterial RawShaderMaterial \
    MeshPhongMaterial MeshLambertMaterial MeshToonMaterial MeshNormalMaterial MeshMatcapMaterial \
    MeshDepthMaterial MeshDistanceMaterial ShadowMaterial SpriteMaterial Material Texture CanvasTexture \
    VideoTexture CompressedTexture CompressedArrayTexture CompressedCubeTexture CubeTexture Data3DTexture \
    DataArrayTexture DepthTexture FramebufferTexture WebGLRenderer WebGL1Renderer WebGLRenderTarget \
    WebGL3DRenderTarget WebGLArrayRenderTarget WebGLCubeRenderTarget WebGLMultipleRenderTargets Camera \
    PerspectiveCamera OrthographicCamera ArrayCamera StereoCamera CubeCamera Scene Fog FogExp2 AnimationMixer \
    AnimationAction AnimationClip AnimationObjectGroup AnimationUtils KeyframeTrack NumberKeyframeTrack \
    VectorKeyframeTrack QuaternionKeyframeTrack ColorKeyframeTrack StringKeyframeTrack BooleanKeyframeTrack \
    PropertyBinding PropertyMixer Bone Skeleton SkinnedMesh SkeletonHelper Audio PositionalAudio AudioAnalyser \
    AudioContext AudioListener Sprite LOD BatchedMesh ArrowHelper AxesHelper BoxHelper Box3Helper CameraHelper \
    GridHelper PolarGridHelper HemisphereLightHelper DirectionalLightHelper PointLightHelper SpotLightHelper \
    PlaneHelper Raycaster Clock EventDispatcher Layers";

/// Members that three has and neither list names.
const ELSEWHERE: &str = "\
    LineLoop InstancedBufferAttribute InstancedBufferGeometry Float16BufferAttribute ShapeUtils ShapePath \
    Frustum Matrix2 SphericalHarmonics3 ObjectSpaceNormalMap CustomBlending Uint8ClampedBufferAttribute";

/// A list as a set to compare.
fn set(names: &[&'static str]) -> Vec<&'static str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

fn words(list: &'static str) -> Vec<&'static str> {
    list.split_whitespace().collect()
}

#[test]
fn the_lists_are_those_of_the_documents() {
    for (list, ours, length) in [
        (FORBIDDEN, names::FORBIDDEN, 33),
        (ALLOWED, names::ALLOWED_GLOBALS, 34),
        (HIDDEN, names::HIDDEN_GLOBALS, 19),
        (THREE, names::ALLOWED_THREE, 109),
        (EXCLUDED, names::EXCLUDED_THREE, 130),
    ] {
        let listed = words(list);
        assert_eq!(listed.len(), length, "{list}");
        assert_eq!(set(&listed), set(ours));
    }
}

#[test]
fn names_on_no_list_are_unknown() {
    for name in words(ELSEWHERE) {
        body(&format!("THREE.{name}"), "UNKNOWN_THREE_API");
        body(&format!("const {{ {name} }} = THREE"), "UNKNOWN_THREE_API");
    }
}

#[test]
fn a_forbidden_name_may_be_a_key_and_nothing_else() {
    for name in words(FORBIDDEN) {
        body(&format!("o.{name}; ({{ {name}: 1 }}); class A {{ {name}() {{}} static {name} = 1 }}"), "");
        body(&format!("const {{ {name}: x }} = o; o['{name}']"), "");
        body(&format!("o?.{name}"), "FORBIDDEN_IDENTIFIER");
        // `eval` can be declared by nobody, whatever the rules say
        let declared = if name == "eval" { "PARSE_ERROR" } else { "FORBIDDEN_IDENTIFIER" };
        body(&format!("let {name}"), declared);
    }
}

#[test]
fn hidden_names_pass_with_a_warning_and_listed_ones_without() {
    let cautions = |name: &str| -> Vec<Caution> {
        let report = validate(&format!("export default function generate(THREE) {{ return {name}; }}"));
        assert!(report.passed(), "{name}: {report:?}");
        report.warnings.iter().map(|warning| warning.caution).collect()
    };
    for name in words(HIDDEN) {
        assert_eq!(cautions(name), [Caution::HiddenGlobal], "{name}");
    }
    for name in words(ALLOWED) {
        assert_eq!(cautions(name), [], "{name}");
    }
    both(&format!("export default () => {{ const [{}] = []; }}", words(HIDDEN)[..18].join(", ")), "");
}
