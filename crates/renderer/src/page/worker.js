// One module's whole life: a realm of its own, made for it and ended after it. Boots three, locks the realm, runs the
// module, hands its pictures out. Nothing here is trusted by the stage beyond the shape of a message.

const MATH_SEED = 0x12345678;
const LONGEST_DETAIL = 400;

// The generator that stands in for Math.random: mulberry32.
const seededRandom = (seed) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};

// Taken before any module could replace them.
const cut = Function.prototype.call.bind(String.prototype.slice);
const holds = Function.prototype.call.bind(String.prototype.includes);

const messageOf = (error) => {
  try {
    const text = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
    return cut(`${text}`, 0, LONGEST_DETAIL);
  } catch {
    return 'threw something that cannot be shown';
  }
};

const executionFailure = (error, compiled) => {
  const message = messageOf(error);
  if (holds(message, 'Runtime violation')) return refused('RUNTIME_VIOLATION', message, 'execution');
  const detail = compiled ? message : `compilation failed: ${message}`;
  return refused('EXECUTION_THREW', detail, 'execution');
};

const boot = async (threeUrl, port) => {
  const three = await import(threeUrl);
  const canvas = new OffscreenCanvas(1024, 1024);
  const studio = createStudio(three, canvas);
  const namespace = guardedNamespace(three);
  const { stringify } = JSON;
  const [NativePromise, NativeSyntaxError, NativeRangeError] = [Promise, SyntaxError, RangeError];
  const BlobMaker = Blob;
  const { createObjectURL, revokeObjectURL } = URL;
  const traps = lockDown();
  let root;

  // Runs the module and judges what came out; answers with the failures, none when it can be drawn.
  const build = async (source) => {
    Math.random = seededRandom(MATH_SEED);
    traps.arm();
    const url = createObjectURL(new BlobMaker([source], { type: 'text/javascript' }));
    let made;
    try {
      let generate;
      try {
        generate = (await import(url)).default;
      } catch (error) {
        return { failures: [executionFailure(error, !(error instanceof NativeSyntaxError))], metrics: null };
      } finally {
        revokeObjectURL(url);
      }
      if (typeof generate !== 'function') {
        const detail = 'the default export is not a function';
        return { failures: [refused('INVALID_RETURN_TYPE', detail, 'execution')], metrics: null };
      }
      made = generate(namespace);
      if (made instanceof NativePromise) {
        const detail = 'generate returned a promise';
        return { failures: [refused('ASYNC_NOT_ALLOWED', detail, 'execution')], metrics: null };
      }
      const verdict = inspect(three, made);
      if (verdict.failures.length === 0) root = made;
      return verdict;
    } catch (error) {
      const starved = error instanceof NativeRangeError; // what a failed allocation throws
      return { failures: [executionFailure(error, true)], metrics: null, starved };
    } finally {
      traps.disarm();
    }
  };

  const shoot = (shot, spare) => {
    studio.draw(root, shot);
    const pixels = studio.readPixels(shot.size, spare);
    return studio.isLost() ? { kind: 'lost' } : { kind: 'pixels', data: pixels.buffer };
  };

  port.listen(async ({ source, shot, spare }) => {
    try {
      if (source !== undefined) {
        port.post({ kind: 'built', verdict: stringify(await build(source)) });
        return;
      }
      const picture = shoot(shot, spare);
      port.post(picture, picture.data ? [picture.data] : []);
    } catch (error) {
      port.post({ kind: 'threw', detail: messageOf(error) });
    }
  });
  port.post({ kind: 'ready' });
};

// The way to the stage, taken before the realm is locked.
const port = ((realm) => {
  const post = realm.postMessage.bind(realm);
  let handler = () => {};
  realm.onmessage = (event) => handler(event.data);
  return { post, listen(next) { handler = next; } };
})(globalThis);

port.listen(({ three }) => {
  boot(three, port).catch((error) => port.post({ kind: 'broken', detail: messageOf(error) }));
});
