// A module run for its verdicts alone: as the render service runs it, and as the validator that miners run does, which is as the
// plain module it is, with nothing trapped. One run is both where the two come to the same.

// A generator of random numbers that remembers whether the module itself asked it. Three asks too, for the name of every
// object it makes.
const watched = (random) => {
  const ErrorMaker = Error;
  const { captureStackTrace } = ErrorMaker;
  let asked = false;
  const watching = () => {
    if (!asked) {
      const here = {};
      const usual = ErrorMaker.stackTraceLimit;
      ErrorMaker.stackTraceLimit = 1;
      captureStackTrace(here, watching);
      ErrorMaker.stackTraceLimit = usual;
      asked = !holds(`${here.stack}`, 'at generateUUID (blob:');
    }
    return random();
  };
  return { watching, asked: () => asked };
};

const LINE_END = /\r\n|[\n\r\u2028\u2029]/;
// The two lines that an engine puts before the text of a function.
const LINES_BEFORE = 2;
const FRAME = /<anonymous>:(\d+):(\d+)\)$/;

// Where in the text of a module that ran as a function an error comes from, as far as the engine tells: {line, column} or null.
// Columns of the first line and of the export's are not those of the text, because something else was put there.
const placeOf = (error, before) => {
  try {
    const frames = `${error.stack}`.split('\n');
    for (let i = 0; i < frames.length; i++) {
      const [, line, column] = FRAME.exec(frames[i]) ?? [];
      if (!line) continue;
      const at = line - LINES_BEFORE;
      return { line: at, column: at === 1 || at === before.split(LINE_END).length ? null : Number(column) };
    }
  } catch { /* an error that does not tell */ }
  return null;
};

const isThenable = (value) => ((typeof value === 'object' && value !== null) || typeof value === 'function')
  && typeof value.then === 'function';

const createTrial = ({ three, namespace, traps, imported }) => {
  const [NativePromise, NativeRangeError] = [Promise, RangeError];
  const only = (failure) => ({ failures: [failure], metrics: null });
  const threw = (error, stage) => only(refused('EXECUTION_THREW', messageOf(error), stage));
  const notCallable = (stage) => only(refused('INVALID_RETURN_TYPE', 'the default export is not a function', stage));

  // Both ways of calling, up to the scene: {made}, or {thrown} or {uncallable} with the stage where.
  const called = (run) => {
    let stage = 'module_load';
    try {
      const generate = run();
      if (typeof generate !== 'function') return { stage, uncallable: true };
      stage = 'execution';
      return { stage, made: generate(namespace) };
    } catch (error) {
      return { stage, thrown: error, failed: true };
    }
  };

  const ofService = ({ made, thrown, failed, uncallable }) => {
    if (failed) return only(executionFailure(thrown, true));
    if (uncallable) return notCallable('execution');
    if (made instanceof NativePromise) {
      return only(refused('ASYNC_NOT_ALLOWED', 'generate returned a promise', 'execution'));
    }
    try {
      return inspect(three, made);
    } catch (error) {
      return only(executionFailure(error, true));
    }
  };

  const ofMiners = ({ stage, made, thrown, failed, uncallable }) => {
    if (failed) return threw(thrown, stage);
    if (uncallable) return notCallable(stage);
    try {
      if (isThenable(made)) return only(refused('ASYNC_NOT_ALLOWED', 'generate returned something with a `then`', stage));
    } catch (error) {
      return threw(error, stage);
    }
    try {
      return inspectAsMiners(three, made);
    } catch (error) {
      return threw(error, 'post_validation');
    }
  };

  const digest = ({ failures }, { made }) => (failures.length === 0 ? digestOf(made) : null);
  const unseen = ({ failures }, { made }) => failures.length === 0 && !visibleFromFront(three, made);

  // The service's verdict, and the miners' with it when it needs no run of its own.
  const asService = (source) => {
    const { watching, asked } = watched(seededRandom(MATH_SEED));
    Math.random = watching;
    traps.arm();
    try {
      const { failure, run, alike, before } = understood(source);
      if (failure) return { service: only(failure) };
      const outcome = called(run);
      const service = ofService(outcome);
      const random = asked();
      const miners = alike && !random && !traps.sprung() ? ofMiners(outcome) : null;
      const starved = outcome.thrown instanceof NativeRangeError; // what a failed allocation throws
      const place = outcome.failed ? placeOf(outcome.thrown, before) : null;
      // Only where another run is to come is there anything to compare.
      const scene = miners ? null : digest(service, outcome);
      return { service, miners, random, starved, place, scene, unseen: unseen(service, outcome) };
    } finally {
      traps.disarm();
    }
  };

  const asMiners = async (source) => {
    let module;
    try {
      module = await imported(source);
    } catch (error) {
      return { miners: threw(error, 'module_load'), starved: error instanceof NativeRangeError };
    }
    const outcome = called(() => module.default);
    const miners = ofMiners(outcome);
    const starved = outcome.thrown instanceof NativeRangeError;
    return { miners, starved, scene: digest(miners, outcome), unseen: unseen(miners, outcome) };
  };

  return { asService, asMiners };
};
