//! Every rule with what breaks it and what does not, boundaries included. Where both validators agree, one list is given.

use gen404_round::module_rule::Rule;
use gen404_validator::{Caution, Report, Validator, names, validate};

/// The rules, without their stage, that a validator names.
pub(crate) fn rules(report: &Report, validator: Validator) -> String {
    report.verdict(validator).map(|finding| finding.rule.code()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn both(source: &str, expected: &str) {
    let report = validate(source);
    assert_eq!(rules(&report, Validator::Miners), expected, "mr: {source}");
    assert_eq!(rules(&report, Validator::RenderService), expected, "rs: {source}");
}

/// In the body of an ordinary module.
pub(crate) fn body(code: &str, expected: &str) {
    both(&format!("export default function generate(THREE) {{ let a, b, o = {{}}; {code} }}"), expected);
}

pub(crate) const PARSE: &str = "PARSE_ERROR";
pub(crate) const MISSING: &str = "MISSING_DEFAULT_EXPORT";
pub(crate) const MANY: &str = "MULTIPLE_TOP_LEVEL_EXPORTS";
pub(crate) const ASYNC: &str = "ASYNC_NOT_ALLOWED";
pub(crate) const FORBIDDEN: &str = "FORBIDDEN_IDENTIFIER";
pub(crate) const FREE: &str = "IDENTIFIER_NOT_ALLOWED";
pub(crate) const EXCLUDED: &str = "FORBIDDEN_THREE_API";
pub(crate) const UNKNOWN: &str = "UNKNOWN_THREE_API";
pub(crate) const TOP: &str = "THREE_AT_TOP_LEVEL";
pub(crate) const ALIAS: &str = "THREE_ALIAS_FORBIDDEN";
pub(crate) const COMPUTED: &str = "COMPUTED_PROPERTY_ACCESS";
pub(crate) const BUDGET: &str = "LITERAL_BUDGET_EXCEEDED";

#[test]
fn shapes_of_the_export() {
    for (source, expected) in [
        ("export default function generate(THREE) {}", ""),
        ("export default function (THREE) {}", ""),
        ("export default (THREE) => 1", ""),
        ("export default function* (THREE) {}", ""),
        ("export default ((THREE) => 1)", ""),
        ("export default (function (THREE) {})", ""),
        ("function generate() {} export default generate;", MISSING),
        ("function generate() {} export { generate as default };", MISSING),
        ("export default class {}", MISSING),
        ("export default 42", MISSING),
        ("", MISSING),
        ("export default async function () {}", ASYNC),
        ("export default async () => fetch", ASYNC),
        ("export default () => 1; export default () => 2;", PARSE),
        ("export default () => 1; export {};", MANY),
        ("export default () => 1; export * from 'm';", MANY),
        ("export default () => fetch; export const a = 1, b = 2;", "MULTIPLE_TOP_LEVEL_EXPORTS FORBIDDEN_IDENTIFIER"),
        ("export const a = 1; export default 5;", "MULTIPLE_TOP_LEVEL_EXPORTS MISSING_DEFAULT_EXPORT"),
        ("export const a = 1; export default async () => 1;", "MULTIPLE_TOP_LEVEL_EXPORTS ASYNC_NOT_ALLOWED"),
    ] {
        both(source, expected);
    }
}

#[test]
fn asynchrony_and_imports() {
    for (code, expected) in [
        ("async function f() { await 1; }", ASYNC),
        ("(async () => 1)", ASYNC),
        ("({ async [fetch]() {} })", "ASYNC_NOT_ALLOWED FORBIDDEN_IDENTIFIER"),
        ("class A { async m() {} }", ASYNC),
        ("async function* f() {}", ASYNC),
        ("async () => { for await (const x of a) {} }", "ASYNC_NOT_ALLOWED ASYNC_NOT_ALLOWED"),
        ("import('m')", FORBIDDEN),
        ("import(THREE)", "THREE_ALIAS_FORBIDDEN FORBIDDEN_IDENTIFIER"),
        ("import.meta", FORBIDDEN),
        ("new.target", ""),
    ] {
        body(code, expected);
    }
    both("await 1; export default () => 1", ASYNC);
    both("import 'm'; export default () => 1", FORBIDDEN);
    both("import { fetch, window as eval1 } from 'm'; export default () => 1", FORBIDDEN);
    both(
        "import z from 'm' with { fetch: 'json' }; export default () => 1",
        "FORBIDDEN_IDENTIFIER FORBIDDEN_IDENTIFIER",
    );
    both("export * as fetch from 'm'; export default () => 1", "MULTIPLE_TOP_LEVEL_EXPORTS FORBIDDEN_IDENTIFIER");
    both("await using fetch1 = null; export default () => 1", "");
}

#[test]
fn names_that_are_inspected_and_names_that_are_not() {
    for (code, expected) in [
        ("o.fetch; ({ fetch: 1 }); ({ eval() {} }); ({ get document() { return 1; } })", ""),
        ("class A { fetch = 1; window() {} }", ""),
        ("o?.fetch", FORBIDDEN),
        ("class A { #module }", FORBIDDEN),
        ("self: for (;;) break self", "FORBIDDEN_IDENTIFIER FORBIDDEN_IDENTIFIER"),
        ("function process() {}", FORBIDDEN),
        ("(fetch) => 1", FORBIDDEN),
        ("({ fetch })", FORBIDDEN),
        ("const { process } = o", FORBIDDEN),
        ("const { process: p } = o", ""),
        ("typeof window", FORBIDDEN),
        ("zzz", FREE),
        ("zzz = 1; zzz += 1; [zzz] = [1]; ({ a: zzz } = {})", ""),
        ("zzz++", FREE),
        ("for (zzz of []);", FREE),
        (
            "console; structuredClone; URL; btoa",
            "IDENTIFIER_NOT_ALLOWED IDENTIFIER_NOT_ALLOWED IDENTIFIER_NOT_ALLOWED IDENTIFIER_NOT_ALLOWED",
        ),
        ("arguments; undefined; NaN; Infinity", ""),
    ] {
        body(code, expected);
    }
    for name in names::FORBIDDEN {
        body(&format!("typeof {name}"), FORBIDDEN);
    }
    for name in names::ALLOWED_GLOBALS.iter().chain(names::HIDDEN_GLOBALS) {
        body(&format!("typeof {name}"), "");
    }
}

#[test]
fn members() {
    for name in names::ALLOWED_THREE {
        body(&format!("THREE.{name}"), "");
        body(&format!("const {{ {name}: x }} = THREE"), "");
    }
    for name in names::EXCLUDED_THREE.iter().filter(|name| **name != "3MFLoader") {
        body(&format!("THREE.{name}"), EXCLUDED);
        body(&format!("const {{ '{name}': x }} = THREE"), EXCLUDED);
    }
    body("const { '3MFLoader': x } = THREE", EXCLUDED);
    for name in ["LineLoop", "InstancedBufferAttribute", "Frustum", "CustomBlending", "Nonsense"] {
        body(&format!("THREE.{name}"), UNKNOWN);
    }
    for (code, expected) in [
        ("THREE.Foo = 1", UNKNOWN),
        ("delete THREE.Foo", UNKNOWN),
        ("THREE['Mesh']; Math[0]; Object[a]; Array[a]; Symbol[a]", &*[COMPUTED; 5].join(" ")),
        ("JSON['parse']; Number['x']; THREE.MathUtils['seededRandom']; THREE.Mesh[a]", ""),
        ("{ const Array = []; Array[0] }", COMPUTED),
        ("Math.random()", FORBIDDEN),
        ("Math?.random(); const { random } = Math; const M = Math; M.random()", ""),
        ("THREE.MathUtils.seededRandom(1)", EXCLUDED),
        ("THREE.MathUtils.generateUUID()", EXCLUDED),
        ("const { MathUtils } = THREE; MathUtils.seededRandom(1)", ""),
        ("o['constructor']; o?.constructor; class A { constructor() {} } ({ constructor: 1 })", ""),
    ] {
        body(code, expected);
    }
    for name in names::FORBIDDEN_PROPERTIES {
        let report = validate(&format!("export default function generate(THREE) {{ let o; o.{name}; }}"));
        assert_eq!(rules(&report, Validator::Miners), "");
        assert_eq!(rules(&report, Validator::RenderService), "FORBIDDEN_PROPERTY_ACCESS", "{name}");
    }
}

#[test]
fn three_on_the_right() {
    for (code, expected) in [
        ("const X = THREE", ALIAS),
        ("const X = (THREE)", ALIAS),
        ("a = THREE", ALIAS),
        ("const [x] = THREE", ALIAS),
        ("o.t = THREE", ALIAS),
        ("class A { #t; m() { this.#t = THREE; } }", ALIAS),
        ("[a] = THREE", ALIAS),
        ("f(...THREE); function f(THREE) {}", ALIAS),
        ("class A extends Map { constructor(THREE) { super(THREE); } }", ALIAS),
        ("a += THREE; a ||= THREE; a ??= THREE", ""),
        ("a = b = THREE", ALIAS),
        ("const { Mesh, ...rest } = THREE", ALIAS),
        ("const { [a]: x } = THREE", COMPUTED),
        ("const { 0: x, '': y } = THREE", ""),
        ("const { Mesh: { prototype } } = THREE", ""),
        ("({ Mesh: o.m } = THREE)", ""),
        ("const { MathUtils: { seededRandom, clamp } } = THREE", EXCLUDED),
        ("const { MathUtils: { ...rest } = {} } = THREE", EXCLUDED),
        ("const { MathUtils: { ['seededRandom']: x } } = THREE", ""),
        ("const { Foo, Scene = 1 } = THREE", "UNKNOWN_THREE_API FORBIDDEN_THREE_API"),
        ("[...THREE]", ALIAS),
        ("({ ...THREE })", ALIAS),
    ] {
        body(code, expected);
    }
}

#[test]
fn three_passed_on() {
    for (code, expected) in [
        ("new THREE.Mesh(THREE, THREE)", ALIAS),
        ("((THREE) => 1)(THREE)", ""),
        ("((t) => 1)(THREE)", ALIAS),
        ("new (class { constructor(THREE) {} })(THREE)", ""),
        ("new (class {})(THREE)", ALIAS),
        ("class A { constructor(THREE) {} } new A(THREE)", ""),
        ("class A { static constructor(THREE) {} } new A(THREE)", ALIAS),
        ("const h = function (THREE) {}; h(THREE)", ""),
        ("let h; h = function (THREE) {}; h(THREE)", ALIAS),
        ("let h = (THREE) => 1; h = (t) => 1; h(THREE)", ""),
        ("var h = (THREE) => 1; var h = (t) => 1; h(THREE)", ""),
        ("o.h(THREE)", ALIAS),
        ("const h = (...all) => 1; h(THREE)", ALIAS),
        ("const h = () => 1; h(THREE)", ALIAS),
        ("const h = (THREE = 1) => 1; h(THREE)", ""),
        ("const h = ({ Mesh, Foo }) => 1; h(THREE)", UNKNOWN),
        ("const h = ([x]) => 1; h(THREE)", ALIAS),
        ("const h = (x, THREE) => 1; h(...[1], THREE)", ""),
        ("const h = (THREE) => 1; h?.(THREE)", ALIAS),
        ("function f(g) { g(THREE); }", ALIAS),
        // exceptions 4 and 5 of the measured ones
        ("(function f(THREE) { var f = (t) => 1; f(THREE); })", ""),
    ] {
        body(code, expected);
    }
    both("export default function generate(THREE, f) { function f(THREE) {} f(THREE); }", ALIAS);
}

#[test]
fn three_itself() {
    for (code, expected) in [
        ("THREE = 1", ""),
        ("return THREE", ALIAS),
        ("() => THREE", ALIAS),
        ("[THREE]; ({ a: THREE }); ({ THREE })", &*[ALIAS; 3].join(" ")),
        (
            "`${THREE}`; THREE ? 1 : 2; THREE || 1; THREE == 1; 'a' in THREE; typeof THREE; THREE",
            &*[ALIAS; 7].join(" "),
        ),
        ("if (THREE) a; for (const x of THREE); throw THREE", &*[ALIAS; 3].join(" ")),
        ("THREE?.Mesh", ALIAS),
        ("class A { x = THREE }", ALIAS),
        ("function* g() { yield THREE; }", ALIAS),
        ("function g(x = THREE) {}", ALIAS),
        ("for (const k in THREE);", ALIAS),
        ("switch (THREE) {}", ALIAS),
        ("new THREE", ALIAS),
        ("THREE.Mesh?.x", ""),
        ("{ const THREE = {}; THREE.ShaderMaterial }", EXCLUDED),
    ] {
        body(code, expected);
    }
    both("const x = new THREE.Mesh(); export default function generate(THREE) {}", TOP);
    both("const THREE = {}; THREE.Mesh; export default () => 1", "");
    both("export default function generate(T) { T.Scene; T['x']; return T; }", "");
    both("THREE['x']; export default () => 1", "COMPUTED_PROPERTY_ACCESS THREE_AT_TOP_LEVEL");
}

#[test]
fn measured_exceptions() {
    for name in names::INHERITED {
        body(&format!("THREE.{name}.x"), "VALIDATOR_CRASHED");
        both(&format!("THREE.{name}.x; fetch; export default () => 1"), "VALIDATOR_CRASHED");
        assert!(!validate(&format!("THREE.{name}.x; export default 1")).passed(), "the walk is never reached");
    }
    both("THREE.toString.x; export default 1", MISSING);
    body("THREE.toString['x']", UNKNOWN);
    body("THREE.toString?.x", UNKNOWN);
    body("function g(p = v) { let v; }", "");
    both("export default () => { function g(p = THREE) { var THREE; } }", ALIAS);
    body("try {} catch ({ q = v }) { const v = 1; }", "");
    body("function g(p = h(THREE)) { const h = (THREE) => 1; }", ALIAS);
    body("switch ((() => v)()) { case 0: let v; }", "");
    body("switch (v) { case 0: let v; }", FREE);
}

#[test]
fn the_literal_budget() {
    let module = |literal: &str| format!("const L = {literal}; export default () => L");
    for (unit, bytes) in
        [("x", 1), ("é", 2), ("\\n", 1), ("\\u00e9", 2), ("😀", 4), ("\\ud800", 3), ("\\ud83d\\ude00", 4)]
    {
        for quote in ['"', '`'] {
            let times = 51_200 / bytes;
            let fill = "y".repeat(51_200 % bytes);
            both(&module(&format!("{quote}{}{fill}{quote}", unit.repeat(times))), "");
            both(&module(&format!("{quote}{}{fill}z{quote}", unit.repeat(times))), BUDGET);
        }
    }
    let full = format!("\"{}\"", "x".repeat(51_190));
    for (more, bytes) in [
        ("0", 1),
        ("0xff", 4),
        ("1e3", 3),
        ("1_000", 5),
        ("-5", 1),
        (".5", 2),
        ("5.", 2),
        ("123n", 4),
        ("`a${1}b`", 3),
        ("``", 0),
        ("({\"abcdef\":1})", 7),
        ("({12:1})", 3),
        ("f`\\u`", 2),
        ("/abc/", 0),
        ("true", 0),
        ("Infinity", 0),
        ("({abc:f})", 0),
        ("(() => { 'use strict'; })", 0),
    ] {
        let with = |rest: usize| format!("let f = ({full}, {more}, \"{}\"); export default () => f", "r".repeat(rest));
        both(&with(10 - bytes), "");
        both(&with(11 - bytes), BUDGET);
    }
    both("const L = 1; THREE; export default () => 1", TOP);
}

#[test]
fn the_size_of_the_file() {
    let module = "export default () => 1;//";
    let sized = |bytes: usize| format!("{module}{}", " ".repeat(bytes - module.len()));
    both(&sized(1_048_576), "");
    both(&sized(1_048_577), "FILE_SIZE_EXCEEDED");
    both(&format!("((({}", " ".repeat(1_048_574)), "FILE_SIZE_EXCEEDED");
}

#[test]
fn grammar_as_the_subnets_parser_has_it() {
    for code in
        ["/(/", "/{/u", "/\\p{Foo}/u", "/(?<a>)(?<a>)/", "a <!--b", "function f() {} { var f }", "class eval1 {}"]
    {
        body(code, "");
    }
    for code in [
        "let x: number",
        "<div/>",
        "@d class A {}",
        "with (o) {}",
        "a() = 1",
        "a()++",
        "for (a() of []);",
        "delete a",
        "010",
        "'\\01'",
        "({ __proto__: 1, __proto__: 2 })",
        "let let1, let1",
        "for (;;) { () => { break } }",
        "class A { accessor x }",
        "class A { accessor x() {} }",
        "class A { static accessor get x() {} }",
        "class A { default x() {} }",
        "class A { static default x = 1 }",
        "class A { const constructor() {} }",
        "class A { readonly get x() {} }",
        "class A { async x = 1 }",
        "class A { static async #x }",
        "class A { public x }",
        "class A { get #g() {} set #g(v) {} get #g() {} }",
        "for (arguments of []);",
        "({ a: arguments } = {})",
        "/a/gg",
        "import.source('x')",
        "await using x = 1",
    ] {
        body(code, PARSE);
    }
    body(
        "class A { static /* default */ *x() {} static get [(b)]() {} set 'default'(v) {} static static() {} get; async\n x }",
        "",
    );
    // Parsed, and refused for another reason.
    body("class A { static async /* default */ x() {} }", "ASYNC_NOT_ALLOWED");
    body("({ a: b = arguments } = {})", "");
    both("return 1; export default () => 1", PARSE);
    both("#!/usr/bin/env node\nexport default () => 1", "");
    both("\u{feff}export default () => 1", "");
    both("\u{feff}#!x\nexport default () => 1", PARSE);
    both("import defer * as a from 'b'; export default () => 1", PARSE);
    both("import a from 'b' assert { type: 'json' }; export default () => 1", PARSE);
}

#[test]
fn places_are_lines_and_columns() {
    let report = validate("// é😀\r\nexport default (THREE) => {\u{2028}  /* é😀 */ fetch; }");
    let place = report.findings[0].place.expect("a place");
    assert_eq!((place.line, place.column, place.end - place.start), (3, 13, 5));
    assert_eq!(report.findings[0].detail, "fetch at line 3");
}

#[test]
fn warnings() {
    let cautions = |source: &str| -> Vec<Caution> {
        let report = validate(source);
        assert!(report.passed(), "{source}: {report:?}");
        report.warnings.iter().map(|warning| warning.caution).collect()
    };
    for (source, expected) in [
        ("export default function generate(T) {}", Some(Caution::ParameterNotThree)),
        ("export default ({ Mesh }) => 1", Some(Caution::ParameterNotThree)),
        ("export default () => h(); const S = 1; function h() { return S; }", Some(Caution::DeclaredAfterExport)),
        ("export default () => new A(); class A {}", Some(Caution::DeclaredAfterExport)),
        ("export default () => h(); function h() {}", None),
        ("export default () => 1; const S = 1; S;", None),
        ("export default () => { const S = 2; return S; }; const S = 1;", None),
        ("const S = 1; export default () => S;", None),
        ("export default (() => 1)", Some(Caution::ParenthesisedExport)),
        ("#!x\nexport default () => 1", Some(Caution::Hashbang)),
        ("export default function* () {}", Some(Caution::GeneratorFunction)),
        ("export default () => new Promise(() => 1)", Some(Caution::HiddenGlobal)),
        ("export default () => arguments", Some(Caution::HiddenGlobal)),
        ("export default (THREE) => THREE.LuminanceFormat", Some(Caution::MissingInThree)),
        ("export default (THREE) => THREE.RGBFormat", Some(Caution::IgnoredByThree)),
        ("export default (THREE) => { THREE.Mesh.encoding = 1; }", Some(Caution::IgnoredByThree)),
        ("export default (THREE) => { zzz = 1; }", Some(Caution::UndeclaredAssignment)),
    ] {
        assert_eq!(cautions(source), expected.into_iter().collect::<Vec<_>>(), "{source}");
    }
    let nearly = format!("const L = '{}'; export default () => L", "x".repeat(46_081));
    assert_eq!(cautions(&nearly), [Caution::LiteralBudgetNearlyUsed]);
    let (_, report) = gen404_validator::validate_bytes(b"// \xff\nexport default () => 1");
    let refusing = |validator| report.verdict(validator).map(|finding| finding.rule).collect::<Vec<_>>();
    assert_eq!(refusing(Validator::RenderService), [Rule::ParseError], "the subnet reads no such file");
    assert_eq!(refusing(Validator::Miners), [], "it reads U+FFFD");
}
