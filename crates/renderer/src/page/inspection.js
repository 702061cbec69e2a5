// The rules on what a module has returned: kind of root, depth, limits, bounding box, in the service's order.
// It measures and judges; it draws nothing and runs no module.

const LIMITS = { vertices: 250_000, drawCalls: 200, depth: 32, instances: 50_000, textureBytes: 4_194_304 };
const HALF_CUBE = 0.5;
const TEXTURE_SLOTS = [
  'map', 'normalMap', 'roughnessMap', 'metalnessMap', 'aoMap', 'emissiveMap', 'displacementMap', 'bumpMap', 'alphaMap',
  'lightMap', 'specularIntensityMap', 'specularColorMap', 'sheenRoughnessMap', 'sheenColorMap', 'transmissionMap',
  'thicknessMap', 'clearcoatMap', 'clearcoatNormalMap', 'clearcoatRoughnessMap', 'iridescenceMap', 'iridescenceThicknessMap',
  'anisotropyMap',
];

// `visited` and `textures` are asked with methods taken before any module could replace them.
const setHas = Function.prototype.call.bind(Set.prototype.has);
const setAdd = Function.prototype.call.bind(Set.prototype.add);
const isArray = Array.isArray;
const fixed = Function.prototype.call.bind(Number.prototype.toFixed);

const refused = (rule, detail, stage = 'post_validation') => ({ stage, rule, detail });

// Walks the scene below `root`; gives metrics, or the one failure that ends the walk.
const measure = (three, root) => {
  const metrics = { vertices: 0, drawCalls: 0, depth: 0, instances: 0, textureBytes: 0, bbox: null };
  const visited = new Set();
  const textures = new Set();
  const countTextures = (material) => {
    for (let i = 0; i < TEXTURE_SLOTS.length; i++) {
      const texture = material[TEXTURE_SLOTS[i]];
      if (!texture || !texture.isDataTexture || setHas(textures, texture)) continue;
      setAdd(textures, texture);
      metrics.textureBytes += texture.image?.data?.byteLength ?? 0;
    }
  };
  const walk = (node, depth) => {
    if (setHas(visited, node)) return refused('CYCLE_DETECTED', 'an object is reached twice');
    if (depth > LIMITS.depth) return refused('DEPTH_LIMIT_EXCEEDED', `${depth} > ${LIMITS.depth}`);
    setAdd(visited, node);
    if (depth > metrics.depth) metrics.depth = depth;
    if (node.isMesh || node.isLine || node.isPoints) {
      metrics.drawCalls += 1;
      metrics.vertices += node.geometry?.attributes?.position?.count ?? 0;
      if (node.isInstancedMesh) metrics.instances += node.count;
      // A hole in a list of materials throws, as it does in the service.
      if (isArray(node.material)) for (let i = 0; i < node.material.length; i++) countTextures(node.material[i]);
      else if (node.material) countTextures(node.material);
    }
    const children = node.children;
    for (let i = 0; i < children.length; i++) {
      const failure = walk(children[i], depth + 1);
      if (failure) return failure;
    }
    return null;
  };
  const failure = walk(root, 0);
  return failure ? { failure } : { metrics, box: new three.Box3().setFromObject(root) };
};

const checkBox = (box, metrics) => {
  if (box.isEmpty()) return refused('EMPTY_SCENE', 'the scene has no geometry');
  const { min, max } = box;
  metrics.bbox = { min: { x: min.x, y: min.y, z: min.z }, max: { x: max.x, y: max.y, z: max.z } };
  let detail = '';
  for (let i = 0; i < 3; i++) {
    const axis = 'xyz'[i];
    if (min[axis] < -HALF_CUBE || max[axis] > HALF_CUBE) {
      detail += `${detail ? ', ' : ''}${axis}:[${fixed(min[axis], 4)},${fixed(max[axis], 4)}]`;
    }
  }
  return detail ? refused('BOUNDING_BOX_OUT_OF_RANGE', `out of [-0.5, 0.5]: ${detail}`) : null;
};

// Judges what `generate` returned: `{failures, metrics}`, failures empty when it may be drawn.
const inspect = (three, root) => {
  if (!root || !root.isObject3D) {
    return { failures: [refused('INVALID_RETURN_TYPE', 'generate did not return a THREE object')], metrics: null };
  }
  if (!root.isGroup && !root.isMesh && !root.isLineSegments && !root.isPoints) {
    const detail = 'the root must be a Group, Mesh, LineSegments or Points';
    return { failures: [refused('INVALID_RETURN_TYPE', detail)], metrics: null };
  }
  let measured = root;
  if (!root.isGroup) {
    measured = new three.Group();
    measured.add(root);
  }
  const { failure, metrics, box } = measure(three, measured);
  if (failure) return { failures: [failure], metrics: null };
  const failures = [];
  const add = (found) => { if (found) failures[failures.length] = found; };
  add(checkBox(box, metrics));
  const limit = (name, rule) => {
    if (metrics[name] > LIMITS[name]) add(refused(rule, `${metrics[name]} > ${LIMITS[name]}`));
  };
  limit('vertices', 'VERTEX_LIMIT_EXCEEDED');
  limit('drawCalls', 'DRAW_CALL_LIMIT_EXCEEDED');
  limit('instances', 'INSTANCE_LIMIT_EXCEEDED');
  limit('textureBytes', 'TEXTURE_DATA_EXCEEDED');
  return { failures, metrics };
};
