// Whether a camera in front of a scene could see any of it: a hint for authors, never a verdict. It draws nothing and takes
// "perhaps" for yes.

const FRONT_CAMERA = [0, 0, 2];
const SAMPLED_TRIANGLES = 20_000;

// Whether any face of a mesh shows its front to the camera; that matters where only fronts are drawn.
const facesCamera = (three, mesh, side) => {
  const { position } = mesh.geometry.attributes;
  const { index } = mesh.geometry;
  const corners = (index ?? position).count;
  const camera = new three.Vector3(...FRONT_CAMERA);
  const [a, b, c] = [new three.Vector3(), new three.Vector3(), new three.Vector3()];
  const [normal, toCamera] = [new three.Vector3(), new three.Vector3()];
  const corner = (target, at) => target.fromBufferAttribute(position, index ? index.getX(at) : at).applyMatrix4(mesh.matrixWorld);
  const mirrored = mesh.matrixWorld.determinant() < 0;
  const wanted = (side === three.BackSide) !== mirrored ? -1 : 1;
  const last = Math.min(corners - 2, SAMPLED_TRIANGLES * 3);
  for (let at = 0; at < last; at += 3) {
    corner(a, at); corner(b, at + 1); corner(c, at + 2);
    normal.copy(b).sub(a).cross(toCamera.copy(c).sub(a));
    if (normal.dot(toCamera.copy(camera).sub(a)) * wanted > 0) return true;
  }
  return last < corners - 2;
};

const mayBeSeen = (three, object) => {
  const materials = isArray(object.material) ? object.material : [object.material];
  for (let i = 0; i < materials.length; i++) {
    const material = materials[i];
    if (!material || material.visible === false || (material.transparent && material.opacity <= 0)) continue;
    if (!(object.geometry?.attributes?.position?.count > 0) || object.geometry.drawRange?.count === 0) continue;
    if (!object.isMesh || object.isInstancedMesh || material.side === three.DoubleSide) return true;
    if (facesCamera(three, object, material.side)) return true;
  }
  return false;
};

const visibleFromFront = (three, root) => {
  const seen = (node) => {
    if (!node.visible) return false;
    if ((node.isMesh || node.isLine || node.isPoints) && (node.layers.mask & 1) !== 0 && mayBeSeen(three, node)) return true;
    for (let i = 0; i < node.children.length; i++) if (seen(node.children[i])) return true;
    return false;
  };
  try {
    root.updateWorldMatrix(true, true);
    return seen(root);
  } catch {
    return true; // whatever is odd about it is not for a hint to say
  }
};
