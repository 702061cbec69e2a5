//! Modules of bad shapes: nothing panics, nothing runs out of stack, and what the subnet's programs die of is refused.

use gen404_round::module_rule::Rule;
use gen404_validator::{Validator, validate};
use proptest::prelude::*;

use crate::grammar::{piece, statement};

fn first(source: &str) -> Option<Rule> {
    validate(source).findings.first().map(|finding| finding.rule)
}

/// Constructs that nest, and how often the subnet's parser or its walk takes them on Node 20.
const NESTED: &[(&str, &str, &str, usize)] = &[
    ("(", "1", ")", 486),
    ("[", "", "]", 434),
    ("{a:", "1", "}", 386),
    ("f(", "", ")", 405),
    ("a=>", "1", "", 597),
    ("()=>{", "", "}", 299),
    ("`${", "1", "}`", 491),
    ("(class extends ", "a", "{})", 378),
    ("!", "1", "", 1_243),
    ("a?b:", "1", "", 1_315),
    ("a=", "1", "", 1_243),
    ("", "a", ".a", 1_200),
    ("", "a", "()", 1_200),
    ("", "1", "+1", 1_243),
    ("", "a", "?.a", 1_200),
];

fn nested((open, middle, close, _): &(&str, &str, &str, usize), times: usize) -> String {
    let names = "let a, b, f;";
    format!("{names} x = {}{middle}{}; export default () => 1; let x;", open.repeat(times), close.repeat(times))
}

#[test]
fn nesting_is_refused_about_where_the_subnets_programs_die() {
    for shape in NESTED {
        let limit = shape.3;
        assert_eq!(first(&nested(shape, limit / 3)), None, "{} times {shape:?}", limit / 3);
        let refused = first(&nested(shape, limit * 13 / 10));
        assert!(matches!(refused, Some(Rule::ParseError | Rule::ValidatorCrashed)), "{refused:?} for {shape:?}");
    }
}

#[test]
fn no_depth_overflows_the_stack() {
    for shape in NESTED {
        let most = 1_000_000 / (shape.0.len() + shape.2.len());
        for times in [3_000, 15_000, most.min(100_000)] {
            let refused = first(&nested(shape, times));
            assert!(matches!(refused, Some(Rule::ParseError | Rule::ValidatorCrashed)), "{refused:?} for {shape:?}");
        }
    }
    // points that look like parts of numbers
    for number in ["1n", "1.", "1.5", ".5", "0x1", "1e3", "1_0.5"] {
        for member in [".a", ".a1n", ".a1"] {
            let chain = format!("export default () => {number}{}", member.repeat(100_000));
            assert!(matches!(first(&chain), Some(Rule::ParseError | Rule::ValidatorCrashed)), "{number}{member}");
        }
    }
    for open in [
        "@", "@a ", "@a.", "(", "[", "{", "`${", "if(a)", "a?", "!", "-", "new ", "async ", "do ", "l:", "for(;;)",
        "x=>", "(x,", "else ",
    ] {
        assert_eq!(first(&open.repeat(100_000)), Some(Rule::ParseError), "{open}");
    }
    // a slash behind `}` may begin a regular expression or not
    assert_eq!(first(&format!("x = {{}} /'/; {}", "(".repeat(100_000))), Some(Rule::ParseError));
    let chain: String = (0..60_000).map(|_| "if(a);else ").collect();
    assert_eq!(first(&format!("{chain};")), Some(Rule::ParseError));
}

#[test]
fn a_mebibyte_of_any_shape_is_judged() {
    let fill = |unit: &str| unit.repeat((1_048_576 - 100) / unit.len());
    for unit in [
        "a;",
        "é;",
        "{let a}",
        "`${a}`;",
        "THREE.x;",
        "f(THREE);",
        "const{Mesh}=THREE;",
        "try{}catch(e){var e}",
        "class A{}",
        "fetch;",
        "\\u0061;",
        "1n;",
        "/a/;",
        "'\\\n",
        "\u{2028}",
    ] {
        let module = format!("export default (THREE) => {{ {} }}", fill(unit));
        let _judged = validate(&module);
    }
    let _judged = validate(&format!("x = 0x{}n; export default () => 1", fill("f")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_judged(text in "\\PC{0,200}") {
        let _judged = validate(&text);
    }

    #[test]
    fn any_tokens_are_judged(pieces in prop::collection::vec(piece(), 0..80)) {
        let _judged = validate(&pieces.concat());
        let _judged = validate(&format!("export default (THREE) => {{ {} }}", pieces.concat()));
    }

    /// What both validators say differs by one rule only, and places lie within the source.
    #[test]
    fn verdicts_hang_together(statements in prop::collection::vec(statement(), 1..6)) {
        let source = format!("export default function generate(THREE) {{ {} }}", statements.join("\n"));
        let report = validate(&source);
        let of = |validator| -> Vec<Rule> { report.verdict(validator).map(|finding| finding.rule).collect() };
        let service = of(Validator::RenderService);
        let shared: Vec<Rule> = service.iter().copied().filter(|rule| *rule != Rule::ForbiddenPropertyAccess).collect();
        prop_assert_eq!(of(Validator::Miners), shared);
        for place in report.findings.iter().filter_map(|finding| finding.place) {
            prop_assert!(source.get(place.start..place.end).is_some());
            prop_assert!(place.line >= 1 && place.column >= 1);
        }
    }
}
