// The namespace a module gets as `THREE`: the real members of the allow list, and a clear refusal for all others.
// It knows the names of the submission rules, not what they do.

const ALLOWED_MEMBERS = [
  'BufferGeometry', 'BufferAttribute', 'InterleavedBuffer', 'InterleavedBufferAttribute', 'Float32BufferAttribute',
  'Uint8BufferAttribute', 'Uint16BufferAttribute', 'Uint32BufferAttribute', 'Int8BufferAttribute', 'Int16BufferAttribute',
  'Int32BufferAttribute',
  'BoxGeometry', 'SphereGeometry', 'CylinderGeometry', 'CapsuleGeometry', 'ConeGeometry', 'TorusGeometry',
  'TorusKnotGeometry', 'PlaneGeometry', 'CircleGeometry', 'RingGeometry', 'TetrahedronGeometry', 'OctahedronGeometry',
  'DodecahedronGeometry', 'IcosahedronGeometry', 'PolyhedronGeometry', 'ExtrudeGeometry', 'LatheGeometry', 'ShapeGeometry',
  'TubeGeometry', 'EdgesGeometry', 'WireframeGeometry',
  'MeshStandardMaterial', 'MeshPhysicalMaterial', 'MeshBasicMaterial', 'PointsMaterial', 'LineBasicMaterial',
  'LineDashedMaterial',
  'DataTexture',
  'Vector2', 'Vector3', 'Vector4', 'Matrix3', 'Matrix4', 'Quaternion', 'Euler', 'Box2', 'Box3', 'Sphere', 'Plane', 'Ray',
  'Line3', 'Triangle', 'Spherical', 'Cylindrical', 'Color', 'MathUtils',
  'Curve', 'CurvePath', 'Shape', 'Path', 'CatmullRomCurve3', 'CubicBezierCurve3', 'LineCurve3', 'QuadraticBezierCurve3',
  'EllipseCurve', 'ArcCurve', 'LineCurve', 'SplineCurve', 'QuadraticBezierCurve', 'CubicBezierCurve',
  'Object3D', 'Group', 'Mesh', 'InstancedMesh', 'Line', 'LineSegments', 'Points',
  'SRGBColorSpace', 'LinearSRGBColorSpace', 'NoColorSpace', 'FrontSide', 'BackSide', 'DoubleSide', 'NormalBlending',
  'AdditiveBlending', 'SubtractiveBlending', 'MultiplyBlending', 'NoBlending', 'NearestFilter', 'LinearFilter',
  'NearestMipmapNearestFilter', 'LinearMipmapNearestFilter', 'NearestMipmapLinearFilter', 'LinearMipmapLinearFilter',
  'RepeatWrapping', 'ClampToEdgeWrapping', 'MirroredRepeatWrapping', 'RGBAFormat', 'RGBFormat', 'RGFormat', 'RedFormat',
  'LuminanceFormat', 'UnsignedByteType', 'HalfFloatType', 'FloatType', 'StaticDrawUsage', 'DynamicDrawUsage',
  'StreamDrawUsage',
];
// Members that are known and excluded: the service words their refusal otherwise than that of any other name. Not all are three's own.
const EXCLUDED_MEMBERS = new Set([
  'AmbientLight', 'DirectionalLight', 'PointLight', 'SpotLight', 'HemisphereLight', 'RectAreaLight', 'LightProbe',
  'AmbientLightProbe', 'HemisphereLightProbe', 'DirectionalLightShadow', 'PointLightShadow', 'SpotLightShadow',
  'LightShadow', 'Loader', 'LoadingManager', 'FileLoader', 'TextureLoader', 'ImageLoader', 'ImageBitmapLoader',
  'CubeTextureLoader', 'DataTextureLoader', 'BufferGeometryLoader', 'MaterialLoader', 'ObjectLoader', 'FontLoader',
  'AudioLoader', 'AnimationLoader', 'CompressedTextureLoader', 'GLTFLoader', 'OBJLoader', 'MTLLoader', 'FBXLoader',
  'ColladaLoader', 'STLLoader', 'PLYLoader', '3MFLoader', 'DRACOLoader', 'KTX2Loader', 'KTXLoader', 'RGBELoader',
  'EXRLoader', 'HDRCubeTextureLoader', 'BasisTextureLoader', 'TGALoader', 'TIFFLoader', 'SVGLoader', 'USDZLoader',
  'VRMLLoader', 'XYZLoader', 'ShaderMaterial', 'RawShaderMaterial', 'MeshPhongMaterial', 'MeshLambertMaterial',
  'MeshToonMaterial', 'MeshNormalMaterial', 'MeshMatcapMaterial', 'MeshDepthMaterial', 'MeshDistanceMaterial',
  'ShadowMaterial', 'SpriteMaterial', 'Material', 'Texture', 'CanvasTexture', 'VideoTexture', 'CompressedTexture',
  'CompressedArrayTexture', 'CompressedCubeTexture', 'CubeTexture', 'Data3DTexture', 'DataArrayTexture',
  'DepthTexture', 'FramebufferTexture', 'WebGLRenderer', 'WebGL1Renderer', 'WebGLRenderTarget', 'WebGL3DRenderTarget',
  'WebGLArrayRenderTarget', 'WebGLCubeRenderTarget', 'WebGLMultipleRenderTargets', 'Camera', 'PerspectiveCamera',
  'OrthographicCamera', 'ArrayCamera', 'StereoCamera', 'CubeCamera', 'Scene', 'Fog', 'FogExp2', 'AnimationMixer',
  'AnimationAction', 'AnimationClip', 'AnimationObjectGroup', 'AnimationUtils', 'KeyframeTrack',
  'NumberKeyframeTrack', 'VectorKeyframeTrack', 'QuaternionKeyframeTrack', 'ColorKeyframeTrack',
  'StringKeyframeTrack', 'BooleanKeyframeTrack', 'PropertyBinding', 'PropertyMixer', 'Bone', 'Skeleton',
  'SkinnedMesh', 'SkeletonHelper', 'Audio', 'PositionalAudio', 'AudioAnalyser', 'AudioContext', 'AudioListener',
  'Sprite', 'LOD', 'BatchedMesh', 'ArrowHelper', 'AxesHelper', 'BoxHelper', 'Box3Helper', 'CameraHelper',
  'GridHelper', 'PolarGridHelper', 'HemisphereLightHelper', 'DirectionalLightHelper', 'PointLightHelper',
  'SpotLightHelper', 'PlaneHelper', 'Raycaster', 'Clock', 'EventDispatcher', 'Layers',
]);
const BLOCKED_MATH = ['seededRandom', 'generateUUID'];

// A read-only view of `members`; `refusal(name)` words the error for a name that is not among them.
const readOnlyView = (members, refusal) => {
  const has = Object.hasOwn;
  return new Proxy(members, {
    get(target, name) {
      if (typeof name === 'symbol' || has(target, name)) return target[name];
      throw new TypeError(refusal(name));
    },
    has: (target, name) => has(target, name),
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  });
};

const guardedNamespace = (three) => {
  const isExcluded = Set.prototype.has.bind(EXCLUDED_MEMBERS); // taken before any module could replace it
  const members = {};
  for (const name of ALLOWED_MEMBERS) if (name in three) members[name] = three[name];
  const math = { ...three.MathUtils };
  for (const name of BLOCKED_MATH) delete math[name];
  members.MathUtils = readOnlyView(math, (name) =>
    BLOCKED_MATH.includes(name) ? `THREE.MathUtils.${name} is forbidden` : `THREE.MathUtils.${name} does not exist`);
  return readOnlyView(members, (name) =>
    isExcluded(name) ? `THREE.${name} is forbidden` : `THREE.${name} is not a recognized Three.js API`);
};
