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

// Whether every sample of a drawing is either the object's alone or the background's alone, and the object's the same before
// any background: nothing shines through, nothing is drawn without depth, and no code of the module takes part.
const standsAlone = (three, root) => {
  const { Object3D, Material } = three;
  const quiet = (thing, prototype, ...hooks) => hooks.every((hook) => thing[hook] === prototype[hook]);
  const solid = (material) => !material.transparent && !(material.transmission > 0)
    && material.blending === three.NormalBlending && material.depthFunc === three.LessEqualDepth
    && material.depthTest && material.depthWrite && material.colorWrite
    && !material.polygonOffset && !material.alphaToCoverage && !material.stencilWrite
    && quiet(material, Material.prototype, 'onBeforeRender', 'onBeforeCompile');
  let alone = true;
  root.traverse((object) => {
    const materials = object.material ? [object.material].flat() : [];
    alone &&= quiet(object, Object3D.prototype, 'onBeforeRender', 'onAfterRender') && materials.every(solid);
  });
  return alone;
};

// Paints another colour wherever nothing of a drawing is: the farthest depth tells where that is.
const createBackdrop = (three) => {
  const geometry = new three.BufferGeometry();
  geometry.setAttribute('position', new three.BufferAttribute(new Float32Array([-1, -1, 1, 3, -1, 1, -1, 3, 1]), 3));
  const colour = new three.Color();
  const sheet = new three.Mesh(geometry, new three.RawShaderMaterial({
    vertexShader: 'attribute vec3 position; void main() { gl_Position = vec4(position, 1.0); }',
    fragmentShader: 'precision highp float; uniform vec3 colour; void main() { gl_FragColor = vec4(colour, 1.0); }',
    uniforms: { colour: { value: colour } },
    depthFunc: three.EqualDepth,
    depthWrite: false,
  }));
  sheet.frustumCulled = false;
  const scene = new three.Scene().add(sheet);
  return (renderer, camera, background) => {
    colour.setStyle(`#${background}`, three.LinearSRGBColorSpace); // its bytes as they are
    renderer.autoClear = false;
    renderer.render(scene, camera);
    renderer.autoClear = true;
  };
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

  const paintBackdrop = createBackdrop(three);
  const position = ({ theta, phi, radius, fov, size, lighting }) => [theta, phi, radius, fov, size, lighting].join();
  // What is on the canvas now.
  let drawn = { root: null, position: '' };

  // shot: {theta, phi, radius, fov, size, background: "rrggbb", lighting: "follow" | "studio"}; angles in degrees.
  const draw = (root, shot) => {
    if (drawn.root === root && drawn.position === position(shot) && standsAlone(three, root)) {
      paintBackdrop(renderer, camera, shot.background);
      return;
    }
    drawn = { root, position: position(shot) };
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
