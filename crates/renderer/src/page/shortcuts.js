// What is left out of drawing because it cannot change a pixel. It knows how three draws, and nothing of views or recipes.

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

const materialsOf = (object) => (object.material ? [object.material].flat() : []);

// Whether no code of the module takes part in drawing.
const isQuiet = (three, root) => {
  const { Object3D, Material } = three;
  const own = (thing, prototype, ...hooks) => hooks.some((hook) => thing[hook] !== prototype[hook]);
  let quiet = true;
  root.traverse((object) => {
    quiet &&= !own(object, Object3D.prototype, 'onBeforeRender', 'onAfterRender')
      && !materialsOf(object).some((material) => own(material, Material.prototype, 'onBeforeRender', 'onBeforeCompile'));
  });
  return quiet;
};

// Whether every sample of a drawing is either the object's alone or the background's alone, and the object's the same before
// any background: nothing shines through, nothing is drawn without depth, and no code of the module takes part.
const standsAlone = (three, root) => {
  const solid = (material) => !material.transparent && !(material.transmission > 0)
    && material.blending === three.NormalBlending && material.depthFunc === three.LessEqualDepth
    && material.depthTest && material.depthWrite && material.colorWrite
    && !material.polygonOffset && !material.alphaToCoverage && !material.stencilWrite;
  let alone = isQuiet(three, root);
  root.traverse((object) => { alone &&= materialsOf(object).every(solid); });
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

// A box of the world around all that is drawn of a quiet `root`; null where vertices alone do not tell.
const boxAround = (three, root) => {
  const plain = (object) => !object.isPoints && !object.isSkinnedMesh && !object.isBatchedMesh
    && !object.geometry?.morphAttributes.position
    && materialsOf(object).every((material) => !material.displacementMap && !material.isShaderMaterial);
  const [box, part, whole, place] = [new three.Box3(), new three.Box3(), new three.Box3(), new three.Matrix4()];
  let known = true;
  root.traverse((object) => {
    known &&= plain(object);
    const positions = object.geometry?.attributes.position;
    if (!known || !positions) return;
    box.setFromBufferAttribute(positions);
    if (!object.isInstancedMesh) whole.union(part.copy(box).applyMatrix4(object.matrixWorld));
    else for (let i = 0; i < object.count; i++) {
      object.getMatrixAt(i, place);
      whole.union(part.copy(box).applyMatrix4(place.premultiply(object.matrixWorld)));
    }
  });
  return known ? whole : null;
};

// The pixels [x, y, width, height] of a square picture outside of which nothing of `box` is seen; null when that is unknown.
const rectangleAround = (three, box, camera, size) => {
  const edge = 2; // more than what rounding and the width of a line can add
  const view = new three.Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
  const low = [size, size];
  const high = [0, 0];
  for (let i = 0; i < 8; i++) {
    const [x, y, z] = ['x', 'y', 'z'].map((axis, bit) => (i >> bit & 1 ? box.max : box.min)[axis]);
    const corner = new three.Vector4(x, y, z, 1).applyMatrix4(view);
    if (!(corner.w > camera.near)) return null; // reaches behind the camera, or is no number
    [corner.x, corner.y].forEach((along, axis) => {
      const pixel = (along / corner.w + 1) / 2 * size;
      low[axis] = Math.min(low[axis], Math.floor(pixel) - edge);
      high[axis] = Math.max(high[axis], Math.ceil(pixel) + edge);
    });
  }
  const [left, bottom] = low.map((pixel) => Math.max(pixel, 0));
  const [right, top] = high.map((pixel) => Math.min(pixel, size));
  return right > left && top > bottom ? [left, bottom, right - left, top - bottom] : null;
};

// Whether no texel of the bound square texture of half floats, mipmaps included, can be infinite. Texels of `LEVEL` are
// averages of 64 by 64: what is too large for a half float shows in them, also where it was cut off.
const createCheckOfRange = (gl) => {
  const LEVEL = 6;
  const framebuffer = gl.createFramebuffer();
  return (size) => {
    const side = size >> LEVEL;
    if (!Number.isInteger(Math.log2(size)) || side < 1) return false; // averages of odd sizes leave texels out
    const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
    const bound = gl.getParameter(gl.READ_FRAMEBUFFER_BINDING);
    const texels = new Float32Array(4 * side * side);
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.READ_FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, LEVEL);
    gl.readPixels(0, 0, side, side, gl.RGBA, gl.FLOAT, texels);
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, bound);
    return texels.every((value) => Math.abs(value) < 2 ** 16 / 4 ** LEVEL);
  };
};

// Cheaper transmission: three draws what is behind glass into a buffer of four half-float samples a pixel, averages them and
// makes mipmaps, twice for glass of two sides. Outside of a rectangle around the object that buffer holds the background
// alone, so it is cleared, drawn and averaged inside only. And three's shader asks for whole mipmap levels alone, so filtering
// between two of them, half the samples, is in vain where nothing is infinite. `look` tells what the next drawing shows.
const narrowTransmission = (three, renderer) => {
  const gl = renderer.getContext();
  let shown = { root: null, camera: null };
  let boxed = { root: null, box: null };
  let buffer = null;
  let outsideIsOld = false;
  const rectangle = (size) => {
    const { root, camera } = shown;
    if (boxed.root !== root) boxed = { root, box: boxAround(three, root) };
    return boxed.box && rectangleAround(three, boxed.box, camera, size);
  };
  const setRenderTarget = renderer.setRenderTarget.bind(renderer);
  renderer.setRenderTarget = (target, ...face) => {
    // The one target of three's that has mipmaps.
    buffer = target?.texture.generateMipmaps && isQuiet(three, shown.root) ? target : null;
    if (buffer) {
      const inside = rectangle(buffer.width);
      buffer.scissorTest = outsideIsOld = inside !== null;
      if (inside) buffer.scissor.set(...inside);
    }
    setRenderTarget(target, ...face);
  };
  const blitFramebuffer = gl.blitFramebuffer.bind(gl);
  gl.blitFramebuffer = (...areas) => {
    if (buffer && outsideIsOld) {
      const mask = gl.getParameter(gl.COLOR_WRITEMASK);
      gl.colorMask(true, true, true, true);
      gl.disable(gl.SCISSOR_TEST);
      gl.clear(gl.COLOR_BUFFER_BIT); // to the background, which three has just cleared the samples to
      gl.enable(gl.SCISSOR_TEST);
      gl.colorMask(...mask);
      outsideIsOld = false;
    }
    blitFramebuffer(...areas);
  };
  const isInRange = createCheckOfRange(gl);
  const generateMipmap = gl.generateMipmap.bind(gl);
  gl.generateMipmap = (kind) => {
    generateMipmap(kind);
    if (!buffer) return;
    const filter = isInRange(buffer.width) ? gl.LINEAR_MIPMAP_NEAREST : gl.LINEAR_MIPMAP_LINEAR;
    gl.texParameteri(kind, gl.TEXTURE_MIN_FILTER, filter);
  };
  return { look(root, camera) { shown = { root, camera }; } };
};
