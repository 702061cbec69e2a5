// What a scene is made of, as a short text: where two runs of a module give different ones, their scenes differ. A hint for authors,
// never a verdict; names and numbers that three gives to objects do not count.

const [DigestFloats, DigestWords, DigestSet] = [Float64Array, Uint32Array, Set];
const { imul } = Math;
const namesOf = Object.keys;

const digestOf = (root) => {
  let [low, high] = [0x811c9dc5, 0x2545f491];
  const float = new DigestFloats(1);
  const words = new DigestWords(float.buffer);
  const word = (value) => {
    low = imul(low ^ value, 0x01000193);
    high = imul(((high << 5) | (high >>> 27)) ^ value, 0x85ebca6b);
  };
  const number = (value) => { float[0] = value; word(words[0]); word(words[1]); };
  const list = (numbers) => {
    number(numbers?.length ?? -1);
    for (let i = 0; i < (numbers?.length ?? 0); i++) number(Number(numbers[i]));
  };
  const seen = new DigestSet();
  const once = (thing) => thing && !seen.has(thing) && seen.add(thing);
  const geometry = (shape) => {
    if (!once(shape)) return;
    list(shape.index?.array);
    for (const name of namesOf(shape.attributes)) list(shape.attributes[name].array);
  };
  const material = (surface) => {
    if (!once(surface)) return;
    for (const name of namesOf(surface)) {
      const value = surface[name];
      if (typeof value === 'boolean' || (typeof value === 'number' && name !== 'id' && name !== '_id' && name !== 'version')) {
        number(Number(value));
      } else if (value?.isColor) list([value.r, value.g, value.b]);
      else if (value?.isDataTexture && once(value)) list(value.image?.data);
    }
  };
  const walk = (node) => {
    list(node.matrixWorld.elements);
    number(Number(node.visible));
    if (node.geometry) geometry(node.geometry);
    if (isArray(node.material)) node.material.forEach(material);
    else if (node.material) material(node.material);
    if (node.isInstancedMesh) {
      number(node.count);
      list(node.instanceMatrix.array);
      list(node.instanceColor?.array);
    }
    number(node.children.length);
    node.children.forEach(walk);
  };
  try {
    walk(root);
  } catch {
    return null; // a scene that can be judged and yet not be read
  }
  return `${low >>> 0}.${high >>> 0}`;
};
