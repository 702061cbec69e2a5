// Takes away from the worker's realm what a module may not have: everything that is not ECMAScript for good, and
// a fixed set of names behind getters that throw while the module runs. It knows nothing of three or of scenes.

// What stays: the language itself, as the submission rules allow it.
const KEPT_GLOBALS = new Set([
  'Math', 'Number', 'String', 'Array', 'Object', 'Symbol', 'JSON', 'Map', 'Set', 'Boolean', 'Error', 'TypeError',
  'RangeError', 'Infinity', 'NaN', 'undefined', 'parseInt', 'parseFloat', 'isFinite', 'isNaN', 'BigInt', 'ArrayBuffer',
  'DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array',
  'decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'unescape', 'AggregateError',
  'EvalError', 'ReferenceError', 'SyntaxError', 'URIError', 'Intl', 'Iterator', 'Promise', 'RegExp', 'WeakMap', 'WeakSet',
]);

// The rest of the language. Nothing traps it where the miners' validator runs a module, so it stays until traps are armed.
const LANGUAGE_GLOBALS = new Set([
  'eval', 'Function', 'Date', 'WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics', 'Proxy', 'Reflect', 'globalThis',
]);

// Read while a module runs, these throw. What is part of the language keeps its trap afterwards; three needs none of it.
const TRAPPED_GLOBALS = [
  'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'XMLHttpRequest', 'WebSocket', 'crypto', 'Date',
  'performance', 'eval', 'Function', 'process', 'global', 'WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics',
  'document', 'navigator', 'localStorage', 'sessionStorage', 'indexedDB', 'OffscreenCanvas', 'HTMLCanvasElement', 'Proxy',
  'Reflect', 'Worker', 'globalThis', 'self', 'require', 'window',
];
// three asks for these with `typeof` while it draws, so they must be plainly absent then.
const ABSENT_WHILE_DRAWING = ['document', 'navigator', 'OffscreenCanvas', 'HTMLCanvasElement', 'self', 'window'];

// A console that goes nowhere: three warns through it.
const silentConsole = () => {
  const silent = {};
  for (const name of ['debug', 'error', 'info', 'log', 'trace', 'warn']) silent[name] = () => {};
  return Object.freeze(silent);
};

// To be called once three stands, before any module runs. Gives back the two switches of the traps.
const lockDown = () => {
  const realm = globalThis;
  const define = Object.defineProperty;
  let sprung = false;
  const violation = (name) => {
    sprung = true;
    return new TypeError(`Runtime violation: ${name} is forbidden`);
  };
  for (let owner = realm; owner && owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (KEPT_GLOBALS.has(name) || LANGUAGE_GLOBALS.has(name)) continue;
      const { configurable, writable } = Object.getOwnPropertyDescriptor(owner, name);
      if (configurable) delete owner[name];
      else if (writable) owner[name] = undefined;
    }
  }
  define(realm, 'console', { value: silentConsole() });

  const functionKinds = [() => {}, function* () {}, async () => {}, async function* () {}].map(Object.getPrototypeOf);
  return {
    arm() {
      for (const name of TRAPPED_GLOBALS) {
        define(realm, name, { configurable: true, get() { throw violation(name); } });
      }
      for (const prototype of functionKinds) {
        define(prototype, 'constructor', { configurable: true, get() { throw violation('Function constructor'); } });
      }
    },
    // Whether anything was caught, also when the module went on.
    sprung: () => sprung,
    disarm() {
      for (const name of ABSENT_WHILE_DRAWING) delete realm[name];
    },
  };
};
