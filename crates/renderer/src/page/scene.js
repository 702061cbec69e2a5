// The scene recipe of the official render service: renderer settings, camera, lights, environment.
// It draws one root for one shot at a time and knows nothing of modules, files or view names.

// The service's environment map is zero everywhere. So low a map cannot come from a picture: shaders know it by that.
const ZERO_ENVIRONMENT_SIZE = 2;
const CUBE_UV_MAPPING = 306;

// Sampling a map of this kind takes most of a shader's text, and most of the time of drawing and compiling it. Of the zero
// map every sample is zero, so one texel does, and the sums that it goes into stay as they are: pixels are the same. Other
// maps, which a module may bring, are sampled in full; the compiler drops the branch that is not taken.
const abbreviateZeroEnvironment = (chunks) => {
  const name = 'vec4 textureCubeUV(';
  const [before, after] = chunks.cube_uv_reflection_fragment.split(name);
  chunks.cube_uv_reflection_fragment = `${before}vec4 sampleCubeUV(${after.slice(0, after.lastIndexOf('#endif'))}
    vec4 textureCubeUV(sampler2D map, vec3 direction, float roughness) {
      if (CUBEUV_MAX_MIP < 0.0) { return vec4(texture2D(map, vec2(0.5)).rgb, 1.0); }
      else { return sampleCubeUV(map, direction, roughness); }
    }
  #endif`;
};

const createStudio = (three, canvas) => {
  abbreviateZeroEnvironment(three.ShaderChunk);
  const renderer = new three.WebGLRenderer({ canvas, antialias: true, preserveDrawingBuffer: true, alpha: true });
  renderer.setPixelRatio(1);
  renderer.toneMapping = three.ACESFilmicToneMapping;
  renderer.toneMappingExposure = 1.0;
  renderer.outputColorSpace = three.SRGBColorSpace;
  // Asking for compile errors after every program would stall the pipeline; pixels are the same without.
  renderer.debug.checkShaderErrors = false;
  const gl = renderer.getContext();

  // Light that comes from beside the camera, whatever the view.
  const follow = () => {
    const scene = new three.Scene();
    const light = new three.DirectionalLight(0xffffff, 1.5);
    scene.add(new three.AmbientLight(0xffffff, 0.4), light);
    const offset = new three.Vector3(1, 1, 0);
    return { scene, aim: (camera) => light.position.copy(camera.position).add(offset) };
  };

  // Three fixed lights and an environment map that is zero everywhere but still takes part in the shaders' sums.
  const studio = () => {
    const scene = new three.Scene();
    scene.add(new three.AmbientLight(0xffffff, 0.12));
    for (const [intensity, ...position] of [[1.2, 2, 3, 2], [0.4, -2, 1, 1], [0.3, 0, 2, -3]]) {
      const light = new three.DirectionalLight(0xffffff, intensity);
      light.position.set(...position);
      scene.add(light);
    }
    scene.environment = zeroEnvironment();
    scene.environmentIntensity = 0.8;
    return { scene, aim: () => {} };
  };

  const zeroEnvironment = () => {
    const target = new three.WebGLRenderTarget(ZERO_ENVIRONMENT_SIZE, ZERO_ENVIRONMENT_SIZE, {
      magFilter: three.LinearFilter, minFilter: three.LinearFilter, generateMipmaps: false, type: three.HalfFloatType,
      format: three.RGBAFormat, colorSpace: three.LinearSRGBColorSpace, depthBuffer: false,
    });
    target.texture.mapping = CUBE_UV_MAPPING;
    target.texture.isPMREMTexture = true;
    renderer.setRenderTarget(target);
    renderer.setClearColor(0x000000, 0);
    renderer.clear();
    renderer.setRenderTarget(null);
    return target.texture;
  };

  const makers = { follow, studio };
  const rigs = {};
  // One for all shots: for every camera that sees glass three keeps buffers of tens of megabytes.
  const camera = new three.PerspectiveCamera(50, 1, 0.01, 100);

  // shot: {theta, phi, radius, fov, size, background: "rrggbb", lighting: "follow" | "studio"}; angles in degrees.
  const draw = (root, shot) => {
    const rig = (rigs[shot.lighting] ??= makers[shot.lighting]());
    const theta = (shot.theta ?? NaN) * Math.PI / 180; // JSON has no NaN
    const phi = (shot.phi ?? NaN) * Math.PI / 180;
    camera.position.set(
      shot.radius * Math.cos(phi) * Math.sin(theta),
      -shot.radius * Math.sin(phi),
      shot.radius * Math.cos(phi) * Math.cos(theta),
    );
    camera.lookAt(0, 0, 0);
    camera.fov = shot.fov;
    camera.updateProjectionMatrix();
    rig.aim(camera);
    rig.scene.background = new three.Color(`#${shot.background}`);
    if (root.parent !== rig.scene) rig.scene.add(root);
    renderer.setSize(shot.size, shot.size, false);
    renderer.render(rig.scene, camera);
  };

  // Premultiplied RGBA, bottom row first.
  const readPixels = (size) => {
    const pixels = new Uint8Array(size * size * 4);
    gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    return pixels;
  };

  return { draw, readPixels, isLost: () => gl.isContextLost() };
};
