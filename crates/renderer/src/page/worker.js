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

const boot = async ({ three: threeUrl, draws }, port) => {
  const three = await import(threeUrl);
  const studio = draws ? createStudio(three, new OffscreenCanvas(1024, 1024)) : null;
  const namespace = guardedNamespace(three);
  const { stringify } = JSON;
  const [NativePromise, NativeSyntaxError, NativeRangeError] = [Promise, SyntaxError, RangeError];
  const BlobMaker = Blob;
  const { createObjectURL, revokeObjectURL } = URL;
  const traps = lockDown();
  let root;

  const imported = async (source) => {
    const url = createObjectURL(new BlobMaker([source], { type: 'text/javascript' }));
    try { return await import(url); } finally { revokeObjectURL(url); }
  };

  // What is wrong with the text as a module, if anything. The added import has an address that cannot be one: engines look at
  // addresses after parsing and before anything is fetched or run.
  const parseFailure = async (source) => {
    try {
      await imported(`${source}\nimport '-';`);
    } catch (error) {
      if (!(error instanceof NativeSyntaxError)) return null;
      const message = messageOf(error);
      // The service's parser leaves regular expressions to the engine that runs them.
      if (message.startsWith('Invalid regular expression: /')) return executionFailure(error, false);
      return refused('PARSE_ERROR', message, 'parse');
    }
    throw new Error('a module was run that cannot be linked');
  };

  // Runs the module as the service does to judge it, and judges what came out; answers with the failures, none when it can be
  // drawn, and with whether it has to be run as a module for that.
  const build = async (source) => {
    const only = (failure) => ({ failures: [failure], metrics: null });
    const unparsed = await parseFailure(source);
    if (unparsed) return only(unparsed);
    Math.random = seededRandom(MATH_SEED);
    traps.arm();
    try {
      const { failure, run, alike } = understood(source);
      if (failure) return only(failure);
      const generate = run();
      if (typeof generate !== 'function') {
        return only(refused('INVALID_RETURN_TYPE', 'the default export is not a function', 'execution'));
      }
      const made = generate(namespace);
      if (made instanceof NativePromise) {
        return only(refused('ASYNC_NOT_ALLOWED', 'generate returned a promise', 'execution'));
      }
      const verdict = inspect(three, made);
      if (verdict.failures.length === 0) root = made;
      return { ...verdict, again: !alike };
    } catch (error) {
      const starved = error instanceof NativeRangeError; // what a failed allocation throws
      return { ...only(executionFailure(error, true)), starved };
    } finally {
      traps.disarm();
    }
  };

  // Runs the module as the module it is, which is what the service draws.
  const load = async (source) => {
    Math.random = seededRandom(MATH_SEED);
    traps.arm();
    try {
      root = (await imported(source)).default(namespace);
      if (!root?.isObject3D) throw new TypeError('the module gave no THREE object when it was run again');
    } finally {
      traps.disarm();
    }
  };

  const trial = createTrial({ three, namespace, traps, imported });

  const shoot = (shot, spare) => {
    studio.draw(root, shot);
    const pixels = studio.readPixels(shot.size, spare);
    return studio.isLost() ? { kind: 'lost' } : { kind: 'pixels', data: pixels.buffer };
  };

  port.listen(async ({ source, tried, as, judged, shot, spare }) => {
    try {
      if (source !== undefined) {
        port.post({ kind: 'built', verdict: stringify(await build(source)) });
        return;
      }
      if (tried !== undefined) {
        port.post({ kind: 'tried', outcome: stringify(await trial[as](tried)) });
        return;
      }
      if (judged !== undefined) {
        await load(judged);
        port.post({ kind: 'loaded' });
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

port.listen((first) => {
  boot(first, port).catch((error) => port.post({ kind: 'broken', detail: messageOf(error) }));
});
