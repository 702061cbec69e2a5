//! The tables of the subnet's rules row by row, where `rules` has no case of its own for a row, and the order of what is found.

use crate::rules::{ALIAS, ASYNC, BUDGET, COMPUTED, EXCLUDED, FORBIDDEN, FREE, MANY, MISSING, PARSE, TOP, UNKNOWN};
use crate::rules::{body, both, rules};
use gen404_validator::{Validator, validate};

/// So many times the same rule.
fn times(rule: &str, count: usize) -> String {
    vec![rule; count].join(" ")
}

fn several(rules: &[&str]) -> String {
    rules.join(" ")
}

#[test]
fn the_export_in_every_other_shape() {
    for (source, expected) in [
        ("export default async function* () {}", ASYNC),
        ("export default (async () => 1)", ASYNC),
        ("export default (async function () {})", ASYNC),
        ("export default class A { constructor(THREE) {} }", MISSING),
        ("export default 'text'", MISSING),
        ("export default {}", MISSING),
        ("export default null", MISSING),
        ("let f; export default f = () => 1", MISSING),
        ("export default true && (() => 1)", MISSING),
        ("export default (() => 1)()", MISSING),
        ("export default (0, () => 1)", MISSING),
        ("export const generate = () => 1", MISSING),
        ("export * from 'm'", MISSING),
        ("const a = 1, b = 2; export { a, b }; export default () => 1", MANY),
        ("export function f() {} export class A {} export default () => 1", MANY),
        ("export * as all from 'm'; export default () => 1", MANY),
        ("export { a } from 'm'; export default () => 1", MANY),
        ("export default () => 1; export default 2;", PARSE),
        ("export { zzz }; export default () => 1", PARSE),
    ] {
        both(source, expected);
    }
    // one record for all of them, which says how many there are
    let report = validate("const a = 1, b = 2; export { a, b }; export {}; export default () => 1");
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].detail.starts_with("3 export statements"), "{}", report.findings[0].detail);
}

#[test]
fn findings_come_in_the_order_of_the_walk() {
    let long = format!("'{}'", "x".repeat(51_201));
    // Where the look at the top level ends it, nothing else is found, the budget included.
    both(&format!("fetch; THREE; {long}; const a = 1;"), MISSING);
    both(&format!("export default [fetch, {long}]"), MISSING);
    both(&format!("export default async () => [fetch, {long}]"), ASYNC);
    both(&format!("export {{}}; export default async () => [fetch, {long}]"), &several(&[MANY, ASYNC]));
    // The top level, then the walk, then the budget.
    let all = format!("({long}); export {{}}; export default (THREE) => [zzz, fetch, THREE['Mesh'], THREE.Foo]");
    both(&all, &several(&[MANY, FREE, FORBIDDEN, COMPUTED, UNKNOWN, BUDGET]));
    // The size of the file, then the syntax, then all else.
    both(&format!("export default fetch(((({}", " ".repeat(1_048_577)), "FILE_SIZE_EXCEEDED");
    both(&format!("fetch; {long}; export default () => {{"), PARSE);
    for (code, expected) in [
        // what stands outside comes first
        ("o.h(fetch, THREE)", &*several(&[ALIAS, FORBIDDEN])),
        ("o.h(THREE, fetch)", &several(&[ALIAS, FORBIDDEN])),
        ("fetch(THREE)", &several(&[ALIAS, FORBIDDEN])),
        ("zzz(THREE)", &several(&[ALIAS, FREE])),
        ("new THREE.Foo(THREE, fetch)", &several(&[ALIAS, UNKNOWN, FORBIDDEN])),
        ("const fetch = THREE", &several(&[ALIAS, FORBIDDEN])),
        ("const { Foo, process } = THREE", &several(&[UNKNOWN, UNKNOWN, FORBIDDEN])),
        ("o[fetch].x[zzz]", &several(&[FORBIDDEN, FREE])),
        ("Array[fetch]", &several(&[COMPUTED, FORBIDDEN])),
        ("THREE[zzz]", &several(&[COMPUTED, FREE])),
        ("THREE.Foo[fetch]", &several(&[UNKNOWN, FORBIDDEN])),
        ("async function fetch() {}", &several(&[ASYNC, FORBIDDEN])),
        ("async () => { for await (const x of fetch) await zzz; }", &several(&[ASYNC, ASYNC, FORBIDDEN, FREE])),
        // nothing is left out because it was said before
        ("fetch; fetch; fetch", &times(FORBIDDEN, 3)),
        ("THREE.Foo; THREE.Foo", &times(UNKNOWN, 2)),
    ] {
        body(code, expected);
    }
    both("THREE['x'].fetch; fetch; export default () => 1", &several(&[COMPUTED, TOP, FORBIDDEN]));
    // The service looks at the name of a property before it looks at anything else of the node.
    let report = validate("export default (THREE) => THREE.constructor");
    assert_eq!(rules(&report, Validator::Miners), UNKNOWN);
    assert_eq!(rules(&report, Validator::RenderService), several(&["FORBIDDEN_PROPERTY_ACCESS", UNKNOWN]));
}

#[test]
fn nodes_of_the_walk() {
    for (code, expected) in [
        ("({ async m() {} }); ({ async *m() {} })", &*times(ASYNC, 2)),
        ("class A { async #m() {} static async s() {} async *g() {} }", &times(ASYNC, 3)),
        ("async () => { await 1; await 2; }", ASYNC),
        ("async () => async () => await 1", &times(ASYNC, 2)),
        ("({ async: 1, await: 2 }); o.async; o.await", ""),
        ("class A { async = 1; get async2() { return 1; } }", ""),
        ("function f() { new.target; }", ""),
        ("import('m').then((m) => m)", FORBIDDEN),
        ("import.meta.fetch", FORBIDDEN),
        ("f(...THREE); new f(...THREE); function f(THREE) {}", &times(ALIAS, 2)),
        ("await 1", PARSE),
        ("for await (const x of []);", PARSE),
        ("import 'm'", PARSE),
    ] {
        body(code, expected);
    }
    both("for await (const x of []); export default () => 1", ASYNC);
    both("for (await using x of []); export default () => 1", "");
    both("using x = null; export default () => { using y = null; }", "");
    both("import a, { b as c } from 'm'; import * as d from 'm'; export default () => [a, c, d]", &times(FORBIDDEN, 2));
}

#[test]
fn places_of_names() {
    for (code, expected) in [
        // inspected: 6.1
        ("class A { #module; m() { return this.#module; } }", &*times(FORBIDDEN, 2)),
        ("class A { #self() {} static m(x) { return #self in x; } }", &times(FORBIDDEN, 2)),
        ("self: for (;;) continue self", &times(FORBIDDEN, 2)),
        ("self: { break self; }", &times(FORBIDDEN, 2)),
        ("class Worker {}", FORBIDDEN),
        ("(class Worker {})", FORBIDDEN),
        ("(function process() {})", FORBIDDEN),
        ("(...window) => 1", FORBIDDEN),
        ("([document]) => 1", FORBIDDEN),
        ("try {} catch (process) {}", FORBIDDEN),
        ("try {} catch { performance; }", FORBIDDEN),
        ("let self = 1; self", &times(FORBIDDEN, 2)),
        ("const { a: process } = o", FORBIDDEN),
        ("const { process = 1 } = o", FORBIDDEN),
        ("({ [fetch]: 1 })", FORBIDDEN),
        ("class B { [fetch]() {} static [fetch] = 1 }", &times(FORBIDDEN, 2)),
        ("o[fetch]", FORBIDDEN),
        ("o?.[fetch]", FORBIDDEN),
        ("o?.a.fetch", FORBIDDEN),
        ("`${fetch}`", FORBIDDEN),
        ("fetch`x`", FORBIDDEN),
        ("process.env.self", FORBIDDEN),
        // left alone: 6.1
        ("({ set document(v) {}, async: 1, *window() {} })", ""),
        ("class A { static fetch() {} get self() { return 1; } static { } 'eval' = 1; 1 = 2 }", ""),
        ("'fetch'; `fetch`; /fetch/; // fetch\n", ""),
        ("\\u0066etch", FORBIDDEN),
        // read, and so to be declared: 6.4
        ("++zzz; zzz--", &times(FREE, 2)),
        ("for (zzz in o);", FREE),
        ("for (zzz.x of []);", FREE),
        ("zzz.x = 1; zzz[0] = 1", &times(FREE, 2)),
        ("[a = zzz] = []", FREE),
        ("({ a = zzz } = o)", FREE),
        ("({ [zzz]: a } = o)", FREE),
        ("const { [zzz]: x } = o", FREE),
        ("({ zzz })", FREE),
        ("({ ...zzz })", FREE),
        ("typeof zzz", FREE),
        ("zzz?.x", FREE),
        ("class A extends zzz {}", FREE),
        ("class A { [zzz] = 1 }", FREE),
        ("(x = zzz) => 1", FREE),
        ("switch (zzz) { case zzz: }", &times(FREE, 2)),
        ("zzz`x`", FREE),
        // not read: 6.4
        ("[[zzz]] = [[1]]; [...zzz] = []; ({ ...zzz } = o); ({ zzz } = o); ({ zzz = 1 } = o); [zzz = 1] = []", ""),
        ("for ([zzz] of []); for ({ zzz } of []);", ""),
        ("zzz -= 1; zzz **= 2; zzz ||= 1; zzz &&= 1; zzz ??= 1", ""),
        ("zzz: for (;;) { if (a) continue zzz; break zzz; }", ""),
        ("class A { #zzz; m() { return this.#zzz; } }", ""),
        ("o.zzz; o?.zzz; ({ zzz: 1 }); ({ zzz() {} })", ""),
        ("try {} catch (zzz) { zzz; }", ""),
        // declared somewhere, and seen from where it is read
        ("zzz; var zzz", ""),
        ("zzz(); function zzz() {}", ""),
        ("{ let zzz; } zzz", FREE),
        ("{ var zzz; } zzz", ""),
        ("{ function zzz() {} } zzz", FREE),
        ("(function zzz() { zzz; }); zzz", FREE),
        ("for (let zzz of []) zzz; zzz", FREE),
        ("try {} catch (zzz) {} zzz", FREE),
        ("class A { static { var zzz; } m() { return zzz; } }", FREE),
    ] {
        body(code, expected);
    }
    both("export default () => late; const late = 1;", "");
    both("export default function generate(THREE) { generate; }", "");
    both("import zzz from 'm'; export default () => zzz", FORBIDDEN);
}

#[test]
fn members_of_every_kind() {
    for name in ["THREE", "Math", "Object", "Array", "Symbol"] {
        body(&format!("{name}['x']; {name}[a]; {name}[0]; {name}[`x`]"), &times(COMPUTED, 4));
        body(&format!("({name})[a] = 1; delete {name}['x']; {name}['x']()"), &times(COMPUTED, 3));
    }
    for (code, expected) in [
        ("(Array) => Array[0]", COMPUTED),
        ("Math?.['random']; Object?.[a]; o.Math[a]; o.THREE[a]", ""),
        ("({ *[Symbol.iterator]() {} }); o[Symbol.iterator]; class A { static [Symbol.species] = 1 }", ""),
        ("Math['random']", COMPUTED),
        ("Math.random; Math.random = a; delete Math.random; (Math).random()", &times(FORBIDDEN, 4)),
        ("o.Math.random(); Math.max(1)", ""),
        ("(Math) => Math.random()", FORBIDDEN),
        ("const { random: r } = Math; const { ['random']: s } = Math", ""),
        ("THREE.Mesh = 1; delete THREE.Mesh; THREE.Mesh.prototype.x = 1", ""),
        ("THREE.Scene = 1; delete THREE.Scene", &times(EXCLUDED, 2)),
        ("(THREE).Foo; THREE\n.Foo; THREE./* */Foo; THREE.\\u0046oo", &times(UNKNOWN, 4)),
        ("THREE.Mesh.Foo; THREE.Color.NAMES; THREE.MathUtils.lerp; THREE.MathUtils.Foo", ""),
        ("THREE.MathUtils.seededRandom = 1; delete THREE.MathUtils.generateUUID", &times(EXCLUDED, 2)),
        ("(THREE.MathUtils).seededRandom", EXCLUDED),
        ("const { seededRandom } = THREE.MathUtils; const M = THREE.MathUtils; M.generateUUID()", ""),
        ("THREE.MathUtils?.seededRandom", ""),
        ("THREE?.MathUtils.seededRandom", ALIAS),
        ("const { constructor } = o; o?.constructor; o?.a.constructor; ({ __proto__: o })", ""),
    ] {
        body(code, expected);
    }
    for code in
        ["this.constructor", "o.a.constructor", "(() => 1).constructor", "o.__proto__ = a", "delete o.__proto__"]
    {
        let report = validate(&format!("export default function generate(THREE) {{ let a, o; {code} }}"));
        assert_eq!(rules(&report, Validator::Miners), "", "{code}");
        assert_eq!(rules(&report, Validator::RenderService), "FORBIDDEN_PROPERTY_ACCESS", "{code}");
    }
}

#[test]
fn three_goes_into_a_pattern() {
    for (code, expected) in [
        // 6.6
        ("let x = THREE; var y = THREE", &*times(ALIAS, 2)),
        ("for (let x = THREE; ; );", ALIAS),
        ("o.a.b = THREE; o['x'] = THREE; o[0] = (THREE)", &times(ALIAS, 3)),
        ("class A { static m() { this.t = THREE; } }", ALIAS),
        ("[a, b] = THREE; [o.x] = THREE; [] = THREE", &times(ALIAS, 3)),
        ("a -= THREE; a *= THREE; a /= THREE; a %= THREE; a **= THREE; a &&= THREE", ""),
        ("a <<= THREE; a >>= THREE; a >>>= THREE; a &= THREE; a |= THREE; a ^= THREE", ""),
        ("o.x ||= THREE; o[0] += THREE", ""),
        // 6.7
        ("({ Mesh: a, ...b } = THREE)", ALIAS),
        ("({ Foo: a } = THREE); ({ Scene: a = 1 } = THREE)", &several(&[UNKNOWN, EXCLUDED])),
        ("let Mesh; ({ Mesh } = THREE); ({ Mesh = 1 } = THREE)", ""),
        ("let Foo; ({ Foo } = THREE)", UNKNOWN),
        ("({ [a]: b } = THREE); ({ ['Mesh']: b } = THREE)", &times(COMPUTED, 2)),
        ("({ 0: a, '': b, 1n: o.x } = THREE)", ""),
        ("const { Mesh: Foo, 'Group': Scene } = THREE", ""),
        ("const { Foo: { x } } = THREE; const { Mesh: [y] } = THREE", UNKNOWN),
        ("const { Mesh: { ...rest }, Group: { [a]: x } } = THREE", ""),
        ("const { ...rest } = THREE; const {} = THREE", ALIAS),
        ("const { Foo, [a]: x, Scene, ...r } = THREE", &several(&[UNKNOWN, COMPUTED, EXCLUDED, ALIAS])),
        ("const { MathUtils: { generateUUID: x = 1 } = {} } = THREE", EXCLUDED),
        ("const { MathUtils: { 'seededRandom': x } } = THREE", EXCLUDED),
        ("const { MathUtils: { seededRandom: x, generateUUID: y, ...r } } = THREE", &times(EXCLUDED, 3)),
        ("const { MathUtils: M, MathUtils: [x], MathUtils: { lerp } } = THREE", ""),
        ("({ MathUtils: { seededRandom: a } } = THREE); ({ MathUtils: { ...b } } = THREE)", &times(EXCLUDED, 2)),
        ("({ MathUtils: { generateUUID: a } = {} } = THREE); ({ MathUtils: { [a]: b } } = THREE)", EXCLUDED),
        ("const { toString: { x } } = THREE", UNKNOWN),
    ] {
        body(code, expected);
    }
    both("const { Foo, ...r } = THREE; export default () => 1", TOP);
}

#[test]
fn three_goes_into_a_call() {
    for (code, expected) in [
        // 6.8 (1): one record, whatever else stands there
        ("new THREE.Mesh(a, THREE); new THREE.Mesh(...a, THREE)", &*times(ALIAS, 2)),
        ("new THREE.Mesh(...THREE)", ALIAS),
        ("new (THREE.Mesh)(THREE)", ALIAS),
        // (2): whose parameters are known
        ("(function (THREE) {})(THREE); (function f(THREE) {})(THREE); new (function (THREE) {})(THREE)", ""),
        ("(function* (THREE) {})(THREE); function* g(THREE) {} g(THREE)", ""),
        ("new (class { 'constructor'(THREE) {} })(THREE)", ""),
        ("new (class extends Map { constructor(THREE) { super(); } })(THREE)", ""),
        ("class A { constructor(THREE) {} } class B extends A {} new B(THREE)", ALIAS),
        ("const A = class { constructor(THREE) {} }; new A(THREE)", ""),
        ("const A = class B { constructor(THREE) {} }; new A(THREE); (h)(THREE); function h(THREE) {}", ""),
        ("(function again(THREE) { again(THREE); })(THREE)", ""),
        ("h(THREE); function h(THREE) {}", ""),
        ("new h(THREE); function h(THREE) {}", ""),
        ("const h = ((THREE) => 1); h(THREE)", ""),
        ("function h(t) {} function h(THREE) {} h(THREE)", ALIAS),
        ("function h(THREE) {} function h(t) {} h(THREE)", ""),
        ("function h(THREE) {} h = 1; h(THREE)", ""),
        ("function h(THREE) {} { const h = (t) => 1; h(THREE); }", ALIAS),
        ("function h(t) {} { const h = (THREE) => 1; h(THREE); }", ""),
        // whose are not
        ("o.h(THREE); o['h'](THREE); o.h.call(null, THREE); o.h.bind(null, THREE)", &times(ALIAS, 4)),
        ("function h(THREE) {} h.call(null, THREE); (a ? h : h)(THREE); (0, h)(THREE)", &times(ALIAS, 3)),
        ("function h(THREE) {} const k = h; k(THREE)", ALIAS),
        ("let k; k(THREE)", ALIAS),
        ("a?.b(THREE)", ALIAS),
        ("Object(THREE); Map(THREE); new Map(THREE)", &times(ALIAS, 3)),
        ("const { h } = o; h(THREE)", ALIAS),
        ("const { h = (THREE) => 1 } = o; h(THREE)", ALIAS),
        ("for (const h of []) h(THREE)", ALIAS),
        ("try {} catch (h) { h(THREE); }", ALIAS),
        ("(() => (THREE) => 1)()(THREE)", ALIAS),
        ("generate(THREE)", ""),
        // (3): which parameter takes it
        ("((THREE, x) => 1)(THREE, THREE); ((t, u) => 1)(THREE, THREE)", &times(ALIAS, 3)),
        ("((THREE) => 1)(1, THREE)", ALIAS),
        ("((x, ...r) => 1)(1, THREE); ((...THREE) => 1)(THREE); ((...r) => 1)(1, 2, THREE)", &times(ALIAS, 3)),
        ("((THREE, ...r) => 1)(THREE)", ""),
        ("((THREE = {}) => 1)(THREE); (({ Mesh } = {}) => 1)(THREE)", ""),
        ("((t = 1) => 1)(THREE); (([x] = []) => 1)(THREE)", &times(ALIAS, 2)),
        ("(({ Foo, Scene, ...r }) => 1)(THREE)", &several(&[UNKNOWN, EXCLUDED, ALIAS])),
        ("(({ [a]: x, MathUtils: { seededRandom: y } }) => 1)(THREE)", &several(&[COMPUTED, EXCLUDED])),
        ("((x, THREE) => 1)(...[], THREE); ((THREE) => 1)(...[], THREE)", ALIAS),
    ] {
        body(code, expected);
    }
    both("import h from 'm'; export default (THREE) => h(THREE)", &several(&[FORBIDDEN, ALIAS]));
    both("h(THREE); function h(THREE) {} export default () => 1", TOP);
    // A finding in a parameter's pattern has the line of the call.
    let report = validate("export default (THREE) => {\n const h = ({\n Foo }) => 1;\n\n h(THREE);\n}");
    assert_eq!(report.findings[0].place.map(|place| place.line), Some(5), "{report:?}");
}

#[test]
fn three_in_every_other_place() {
    for (code, expected) in [
        // not read
        ("[THREE] = []; ({ THREE } = o); ({ a: THREE } = o); THREE += 1; [...THREE] = []", ""),
        ("o.THREE; o?.THREE; ({ THREE: 1 }); ({ THREE() {} }); class A { THREE = 1; #THREE }", ""),
        ("THREE: for (;;) break THREE", ""),
        ("{ class THREE {} } { function THREE() {} } (function THREE() {}); (THREE) => 1", ""),
        ("'THREE'; `THREE`; /THREE/", ""),
        // read where it can be followed
        ("a = THREE.Mesh; [THREE.Mesh]; ({ THREE: THREE.Mesh }); THREE.Mesh ? 1 : 2; `${THREE.PI}`", UNKNOWN),
        ("THREE.Mesh?.x; THREE.Mesh?.(1); o[THREE.Mesh]", ""),
        // read elsewhere
        ("THREE++; --THREE", &*times(ALIAS, 2)),
        ("THREE(); new THREE(); THREE`x`; f`${THREE}`; function f() {}", &times(ALIAS, 4)),
        ("!THREE; void THREE; -THREE; typeof THREE", &times(ALIAS, 4)),
        ("a ? THREE : b; a ? b : THREE; a && THREE; a ?? THREE; (a, THREE); (THREE, a)", &times(ALIAS, 6)),
        ("a === THREE; THREE instanceof a; THREE in o; a + THREE", &times(ALIAS, 4)),
        ("o[THREE]; o?.[THREE]; ({ [THREE]: 1 }); class A { [THREE]() {} }", &times(ALIAS, 4)),
        ("class A extends THREE {} class B { static x = THREE }", &times(ALIAS, 2)),
        ("while (THREE); do ; while (THREE); for (; THREE; ); for (THREE; ; );", &times(ALIAS, 4)),
        ("switch (a) { case THREE: }", ALIAS),
        ("function* g() { yield* THREE; }", ALIAS),
        ("const { q = THREE } = o; const [b2 = THREE] = []; [a = THREE] = []", &times(ALIAS, 3)),
        ("THREE?.Mesh; THREE?.['Mesh']; THREE?.Mesh.x; THREE?.(); a?.(THREE)", &times(ALIAS, 5)),
        ("function f() { return (THREE); }", ALIAS),
        ("for (THREE of []); for (THREE in o);", &times(ALIAS, 2)),
        ("({ get a() { return THREE; } })", ALIAS),
    ] {
        body(code, expected);
    }
    // Not declared: one record, and no look at where it stands or what is taken from it.
    for code in [
        "THREE.Foo",
        "const x = THREE",
        "const { ...r } = THREE",
        "f(THREE); function f() {}",
        "[...THREE]",
        "typeof THREE",
        "THREE?.Mesh",
        "function h() { return new THREE.Scene(); }",
        "function h(T) { return new THREE.Mesh(); }",
        "class A { m() { return THREE; } }",
        "{ const THREE = 1; } THREE",
    ] {
        both(&format!("{code}; export default () => 1"), TOP);
    }
    both("THREE; THREE.Mesh; export default () => THREE", &times(TOP, 3));
    both("const THREE = {}; export default () => [THREE.Foo, THREE]", &several(&[UNKNOWN, ALIAS]));
    both("var THREE; export default (T) => { THREE = T; const x = THREE; }", ALIAS);
}

#[test]
fn tokens_of_the_budget() {
    // What is left of the budget when this much of it is taken by a text.
    let full = "x".repeat(51_100);
    for (code, bytes) in [
        ("import 'abcde';", 5),
        ("import z from 'abc' with { type: 'json' };", 7),
        ("export * from 'abcd';", 4),
        ("switch (1) { case 'abc': case 22: }", 6),
        ("({})['abc']; ({})[12345]", 8),
        ("class A { 'abc' = 1; 22() {} }", 6),
        ("const { 'abc': q, 12: r } = {};", 5),
        ("if (false) { 'abc' + 'def'; }", 6),
        ("(() => { 'use strict'; 'use anything at all'; });", 0),
        ("'use strict at the top'; ('abc');", 3),
        ("'a\\\nb' + 1", 3),
        ("`a\r\nb`;", 3),
        ("String.raw`\\u{}\\x${1}`;", 7),
        ("0b101 + 0o17 + 0XFF + 1E-3 + 0.50;", 21),
        ("0xffn + 1_0n;", 9),
        ("-5 + +7;", 2),
        ("/a'b\"c/u; /* 'abc' */ // 'abc'\n", 0),
        ("[true, false, null, undefined, NaN, this, ({ abc: abc2 })]; var abc2;", 0),
        ("`${`${'a'}b`}c`;", 3),
        ("({ __proto__: null, 'a b': 1 });", 4),
    ] {
        let module =
            |rest: usize| format!("{code}\nconst L = ('{full}', '{}'); export default () => L", "r".repeat(rest));
        let without = |source: &str| rules(&validate(source), Validator::Miners).replace(BUDGET, "").trim().to_owned();
        let (fits, over) = (module(100 - bytes), module(101 - bytes));
        let other = without(&fits);
        both(&fits, &other);
        both(&over, format!("{other} {BUDGET}").trim());
    }
}

#[test]
fn the_size_is_that_of_the_bytes() {
    let sized = |fill: &str, bytes: usize| {
        let module = "export default () => 1;//";
        let rest = bytes - module.len();
        format!("{module}{}{}", fill.repeat(rest / fill.len()), " ".repeat(rest % fill.len()))
    };
    for fill in ["é", "😀", "\u{feff}"] {
        both(&sized(fill, 1_048_576), "");
        both(&sized(fill, 1_048_577), "FILE_SIZE_EXCEEDED");
    }
    let report = validate(&sized("é", 1_048_577));
    assert_eq!(report.findings[0].detail, "1048577 bytes (limit 1048576)");
}
