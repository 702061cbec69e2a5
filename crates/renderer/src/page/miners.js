// What the validator that miners run makes of a returned scene. It goes its own ways in a few places: it asks the name of the
// root's type, walks on behind a cycle, lists limits before the box, and knows another texture slot than the service.

const MINERS_ROOTS = ['Group', 'Mesh', 'LineSegments', 'Points'];
const MINERS_SLOTS = TEXTURE_SLOTS.map((slot) => (slot === 'anisotropyMap' ? 'envMap' : slot));
// The deepest level that is still looked at: one more than the limit.
const MINERS_DEPTH = LIMITS.depth + 1;
const includes = Function.prototype.call.bind(Array.prototype.includes);

const measureAsMiners = (root) => {
  const metrics = { vertices: 0, drawCalls: 0, depth: 0, instances: 0, textureBytes: 0, bbox: null };
  const visited = new Set();
  const textures = new Set();
  let [cycle, tooDeep] = [false, false];
  const countTextures = (material) => {
    for (let i = 0; i < MINERS_SLOTS.length; i++) {
      const texture = material?.[MINERS_SLOTS[i]]; // it overlooks holes in lists of materials
      if (!texture || !texture.isDataTexture || setHas(textures, texture)) continue;
      setAdd(textures, texture);
      metrics.textureBytes += texture.image?.data?.byteLength ?? 0;
    }
  };
  const walk = (node, depth) => {
    if (setHas(visited, node)) { cycle = true; return; }
    if (depth > MINERS_DEPTH) { tooDeep = true; return; }
    setAdd(visited, node);
    if (depth > metrics.depth) metrics.depth = depth;
    if (node.isMesh || node.isLine || node.isPoints) {
      metrics.drawCalls += 1;
      metrics.vertices += node.geometry?.attributes?.position?.count ?? 0;
      if (node.isInstancedMesh) metrics.instances += node.count;
      if (isArray(node.material)) for (let i = 0; i < node.material.length; i++) countTextures(node.material[i]);
      else countTextures(node.material);
    }
    const children = node.children;
    for (let i = 0; i < children.length; i++) walk(children[i], depth + 1);
  };
  walk(root, 0);
  return { metrics, cycle, tooDeep };
};

// Judges what `generate` returned: `{failures, metrics}`, failures empty when the miners' validator takes it.
const inspectAsMiners = (three, root) => {
  const nothing = (detail) => ({ failures: [refused('INVALID_RETURN_TYPE', detail)], metrics: null });
  if (!root || !root.isObject3D) return nothing('generate did not return a THREE object');
  if (!includes(MINERS_ROOTS, root.type)) return nothing('the root must be a Group, Mesh, LineSegments or Points');
  let measured = root;
  if (root.type !== 'Group') {
    measured = new three.Group();
    measured.add(root);
  }
  const { metrics, cycle, tooDeep } = measureAsMiners(measured);
  if (cycle) return { failures: [refused('CYCLE_DETECTED', 'an object is reached twice')], metrics };
  const failures = [];
  const add = (found) => { if (found) failures[failures.length] = found; };
  const limit = (name, rule) => {
    if (metrics[name] > LIMITS[name]) add(refused(rule, `${metrics[name]} ${name} (limit ${LIMITS[name]})`));
  };
  if (tooDeep) add(refused('DEPTH_LIMIT_EXCEEDED', `deeper than ${MINERS_DEPTH}`));
  limit('vertices', 'VERTEX_LIMIT_EXCEEDED');
  limit('drawCalls', 'DRAW_CALL_LIMIT_EXCEEDED');
  limit('depth', 'DEPTH_LIMIT_EXCEEDED');
  limit('instances', 'INSTANCE_LIMIT_EXCEEDED');
  limit('textureBytes', 'TEXTURE_DATA_EXCEEDED');
  add(checkBox(new three.Box3().setFromObject(measured), metrics));
  return { failures, metrics };
};
