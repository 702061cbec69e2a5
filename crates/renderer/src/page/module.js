// How the render service runs a module: its text with `return` in place of `export default`, as the body of a function. What
// runs before the export and which functions are hoisted then follows from the language. Where the export stands and where its
// function ends is asked of the engine's own parser, so no comment, string or regular expression can feign either.

// Taken before the realm is locked, and before a module could replace them.
const NativeFunction = Function;
const sourceOf = Function.prototype.call.bind(Function.prototype.toString);
const beginsWith = Function.prototype.call.bind(String.prototype.startsWith);

const INSTEAD = 'return ';
const STATEMENT = 'export';
const KIND = 'default';
// As long as the words they replace, and without a sign that could open or close a string, a comment or anything else.
const BLANK = ' '.repeat(STATEMENT.length);
const OPERAND = 'void 0,';

const TRIVIA = /\s+|\/\/.*|\/\*[^]*?\*\//y;
const PART_OF_WORD = /[\p{ID_Continue}$\u200c\u200d\\]/u;
const FUNCTION_WORD = /(?:async[^\S\n\r\u2028\u2029]+)?function(?![\p{ID_Continue}$\u200c\u200d\\])/uy;
// A function's head up to its parameters, and its name if it has one; heads with comments in them are not understood.
const FUNCTION_HEAD = /((?:async[^\S\n\r\u2028\u2029]+)?function\s*\*?)\s*([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)?\s*\(/uy;

// The service's function would have THREE in reach of the whole text, but its rules refuse every use of it outside of a
// function that takes it; here such a use throws.
const compile = (text) => new NativeFunction(`'use strict';${text}`);

const compiles = (text) => {
  try { compile(text); return true; } catch { return false; }
};

const matchAt = (expression, text, at) => {
  expression.lastIndex = at;
  return expression.exec(text);
};

// The first place from `at` on that is neither white space nor comment.
const skipTrivia = (text, at) => {
  for (let match; (match = matchAt(TRIVIA, text, at)); at += match[0].length);
  return at;
};

// Every place where `export default` might stand: the two words, and where what follows them begins.
const exportsIn = (text) => {
  const places = [];
  for (let first = text.indexOf(STATEMENT); first >= 0; first = text.indexOf(STATEMENT, first + STATEMENT.length)) {
    const second = skipTrivia(text, first + STATEMENT.length);
    const after = second + KIND.length;
    if (second === first + STATEMENT.length || !text.startsWith(KIND, second) || PART_OF_WORD.test(text[after] ?? '')) continue;
    places.push({ first, second, exported: skipTrivia(text, after) });
  }
  return places;
};

// The text with the two words of some places overwritten by others of the same length. It compiles only where one of them was
// the export: written over inside of a string or comment they leave the real one, which no function can hold.
const overwritten = (text, places) => {
  let [result, done] = ['', 0];
  for (const { first, second } of places) {
    result += text.slice(done, first) + BLANK + text.slice(first + STATEMENT.length, second) + OPERAND;
    done = second + KIND.length;
  }
  return result + text.slice(done);
};

// The one place that is the export.
const statementAmong = (text, places) => {
  if (!compiles(overwritten(text, places))) return places.find((place) => compiles(overwritten(text, [place])));
  while (places.length > 1) { // all others are harmless; halving ends soon however many there are
    const half = places.slice(0, places.length >> 1);
    places = compiles(overwritten(text, half)) ? half : places.slice(half.length);
  }
  return places[0];
};

const compileError = (text) => {
  try { compile(text); return null; } catch (error) { return error; }
};

// The words of the function declared at the beginning of `text`, as the engine understood them; null when that is unknown.
// Declarations are hoisted, so the function is there before any other statement, and none runs.
const declaredAtStart = (text) => {
  const [head, before, name] = matchAt(FUNCTION_HEAD, text, 0) ?? [];
  if (!head) return null;
  const inserted = name ? '' : ' nameless';
  const named = before + inserted + text.slice(before.length);
  try {
    const words = sourceOf(compile(`return ${name ?? 'nameless'};${named}`)());
    return named.startsWith(words) ? { name, length: words.length - inserted.length } : null;
  } catch {
    return null;
  }
};

// Whether nothing in `text` does anything when it is reached: white space, comments, semicolons, declarations of functions.
const isInert = (text) => {
  for (;;) {
    let at = skipTrivia(text, 0);
    while (text[at] === ';') at = skipTrivia(text, at + 1);
    if (at === text.length) return true;
    const rest = text.slice(at);
    const declared = declaredAtStart(rest);
    if (!declared?.name) return false;
    text = rest.slice(declared.length);
  }
};

const mentions = (text, word) => {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!PART_OF_WORD.test(text[at - 1] ?? '') && !PART_OF_WORD.test(text[at + word.length] ?? '')) return true;
  }
  return false;
};

// The service runs a module as a function to judge it and as the module it is to draw it. Whether both come to the same: only
// when nothing but hoisted functions follows, and nobody asks for what is different in the two.
const runsAlike = (before, exported, after) => exported !== null && isInert(after)
  && !(exported.name && mentions(`${before}\n${after}`, exported.name)) // not in reach of others within a function
  && !mentions(before, 'arguments') // there in a function alone
  && !`${before}${after}`.includes('\\u') // which can spell either
  && !/<!--|-->/.test(`${before}${after}`); // comments in functions alone

// The rules on what stands after `export default`, found by asking what it cannot be: {text} of the service's function, or
// {failure}. `alike` tells whether the module itself would do the same.
const asFunctionBody = (source, { first, exported: at }) => {
  const before = source.slice(0, first);
  const rest = source.slice(at);
  const text = before + INSTEAD + rest;
  const notInPlace = { failure: refused('MISSING_DEFAULT_EXPORT', 'the default export is not a function written in place', 'static_analysis') };
  if (matchAt(FUNCTION_WORD, rest, 0)) {
    const declared = declaredAtStart(rest);
    return { text, alike: runsAlike(before, declared, declared ? rest.slice(declared.length) : '') };
  }
  // No operator may stand before an arrow function, nor before an assignment.
  if (compiles(`${before}${INSTEAD}void ${rest}`)) {
    // To the service the function begins behind the parenthesis, so its closing one is left over.
    return rest[0] === '(' ? { text: before + INSTEAD + rest.slice(1), alike: true } : notInPlace;
  }
  // An arrow function is made here and not called. Whatever else this runs is no function whose words stand here.
  let made;
  try { made = compile(INSTEAD + rest)(); } catch { return notInPlace; }
  if (typeof made !== 'function') return notInPlace;
  const words = sourceOf(made);
  if (!beginsWith(rest, words)) return notInPlace;
  return { text, alike: runsAlike(before, { name: undefined }, rest.slice(words.length)) };
};

// What the service makes of a module's text, which parses as a module: {run, alike} and the text before the export, or {failure}.
const understood = (source) => {
  const none = { failure: refused('MISSING_DEFAULT_EXPORT', 'no export default statement', 'static_analysis') };
  const places = exportsIn(source);
  if (places.length === 0 || compiles(source)) return none;
  const statement = statementAmong(source, places);
  if (!statement) {
    // A try that stumbles over an export was not at the statement itself.
    const errors = places.slice(0, 8).map((place) => compileError(overwritten(source, [place])));
    const error = errors.find(({ message }) => message !== "Unexpected token 'export'") ?? errors[0];
    return { failure: executionFailure(error, false) };
  }
  const { failure, text, alike } = asFunctionBody(source, statement);
  if (failure) return { failure };
  try {
    return { run: compile(text), alike, before: source.slice(0, statement.first) };
  } catch (error) {
    return { failure: executionFailure(error, false) };
  }
};
