// The trusted page: keeps one worker warm ahead of need, passes a module and its shots in, and pixels out as text.
// No module's code runs in this realm, and no message of a worker is more to it than bytes and a word.
'use strict';

const stage = (() => {
  const blobUrl = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  let urls = null;
  let draws = true;
  let standby = null;
  let seat = null;

  // A worker and what it has answered so far.
  const open = () => {
    const worker = new Worker(urls.worker, { type: 'module' });
    const answers = [];
    let waiting = null;
    let shots = [];
    let spare = null; // the pixels of an earlier picture, to be written over
    const answer = (message) => {
      if (waiting) { waiting(message); waiting = null; } else answers.push(message);
    };
    const next = () => answers.length > 0
      ? Promise.resolve(answers.shift())
      : new Promise((resolve) => { waiting = resolve; });
    const advance = () => {
      if (shots.length > 0) worker.postMessage({ shot: shots[0], spare }, spare ? [spare] : []);
      spare = null;
    };
    worker.onmessage = ({ data }) => {
      if (data.kind !== 'pixels') { answer(data); return; }
      const shot = shots.shift();
      advance(); // the worker draws on while this picture is packed
      answer(pack(data.data, shot));
      if (data.data instanceof ArrayBuffer) spare = data.data;
    };
    worker.onerror = (event) => answer({ kind: 'broken', detail: `${event.message}` });
    worker.postMessage({ three: urls.three, draws });
    return {
      ready: next(),
      build(source) { worker.postMessage({ source }); return next(); },
      try(tried, as) { worker.postMessage({ tried, as }); return next(); },
      load(judged) { worker.postMessage({ judged }); return next(); },
      draw(list) { shots = list; advance(); },
      take: next,
      close() { worker.terminate(); },
    };
  };

  const pack = (data, shot) => {
    const wanted = shot.size * shot.size * 4;
    if (!(data instanceof ArrayBuffer) || data.byteLength !== wanted) return { kind: 'broken', detail: 'wrong number of pixels' };
    return { kind: 'runs', data: runs(new Uint32Array(data)).toBase64() };
  };

  let scratch = new Uint32Array(0);

  // Words of 32 bits: a count with the top bit set and one pixel to repeat, or a count and that many pixels.
  const runs = (pixels) => {
    const length = pixels.length;
    const longest = length + (length >> 1) + 2;
    if (scratch.length < longest) scratch = new Uint32Array(longest);
    const out = scratch;
    let used = 0;
    let at = 0;
    while (at < length) {
      const pixel = pixels[at];
      let end = at + 1;
      while (end < length && pixels[end] === pixel) end++;
      if (end - at > 2) {
        out[used++] = (end - at) | 0x80000000;
        out[used++] = pixel;
        at = end;
        continue;
      }
      const head = used++;
      const start = at;
      while (at < length && !(at + 2 < length && pixels[at] === pixels[at + 1] && pixels[at] === pixels[at + 2])) {
        out[used++] = pixels[at++];
      }
      out[head] = at - start;
    }
    return new Uint8Array(out.buffer, 0, used * 4);
  };

  return {
    // Takes the texts of three's two files and of the worker, and whether pictures will be wanted; the first worker starts
    // to boot.
    open(core, three, worker, pictures) {
      draws = pictures;
      const coreUrl = blobUrl(core);
      // The other file holds what draws, and everything that modules may use is in the core.
      const whole = () => blobUrl(three.replaceAll("'./three.core.js'", `'${coreUrl}'`));
      urls = { three: pictures ? whole() : coreUrl, worker: blobUrl(worker) };
      standby = open();
    },
    // Waits for a fresh realm; the same one until a module has been in it.
    async enter() {
      seat ??= standby;
      if (seat === standby) standby = null;
      return seat.ready;
    },
    build: (source) => seat.build(source),
    // Runs a module for its verdicts alone; `as` says whose.
    try: (source, as) => seat.try(source, as),
    // Runs the module that was just judged once more, as a module, in a realm that knows nothing of the first time.
    async load(source) {
      seat.close();
      seat = standby ?? open();
      standby = null;
      const ready = await seat.ready;
      return ready.kind === 'ready' ? seat.load(source) : ready;
    },
    // Starts to draw all shots; the next realm boots meanwhile.
    draw(shots) { seat.draw(shots); standby ??= open(); },
    take: () => seat.take(),
    leave() { seat.close(); seat = null; standby ??= open(); },
  };
})();
