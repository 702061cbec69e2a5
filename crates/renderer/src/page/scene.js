// The scene recipe of the official render service: renderer settings, camera, lights, environment.
// It draws one root for one shot at a time and knows nothing of modules, files or view names.

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
  const transmission = narrowTransmission(three, renderer);

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
    transmission.look(root, camera);
    renderer.render(rig.scene, camera);
  };

  // Premultiplied RGBA, bottom row first; into the spare buffer where that is of the right size.
  const readPixels = (size, spare) => {
    const length = size * size * 4;
    const pixels = new Uint8Array(spare?.byteLength === length ? spare : length);
    gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    return pixels;
  };

  return { draw, readPixels, isLost: () => gl.isContextLost() };
};
