//! Random modules for as long as one likes: `scripts/fuzz-validator SECONDS`. Nothing may panic, overflow the stack or take
//! more than a second.
//!
//! The module at hand lies in `tmp/fuzz-case.js` below the target folder, so that whatever ends the process can be tried again.
//! Each comes from its own number: `GEN404_FUZZ_FIRST` says where to begin.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use gen404_round::module_rule::Rule;
use gen404_validator::{Report, Validator, validate, validate_bytes};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::grammar::{piece, statement};
use crate::recorded::texts;

/// The time that any module may take, whatever its shape.
const LONGEST: Duration = Duration::from_secs(1);
const LARGEST: usize = 1_048_576;

fn in_function(code: &str) -> String {
    format!("export default function generate(THREE) {{ let a, b, o = {{}}; {code}\n}}")
}

/// Small modules of every kind.
fn small(recorded: &'static [String]) -> impl Strategy<Value = String> {
    let pieces = || prop::collection::vec(piece(), 0..120).prop_map(|pieces| pieces.concat());
    let statements = || prop::collection::vec(statement(), 1..8).prop_map(|lines| lines.join("\n"));
    let known = || prop::sample::select(recorded);
    let cut = |text: &str, at: prop::sample::Index| {
        let mut at = at.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let index = any::<prop::sample::Index>;
    prop_oneof![
        1 => "\\PC{0,400}",
        2 => pieces(),
        2 => pieces().prop_map(|code| in_function(&code)),
        3 => statements().prop_map(|code| in_function(&code)),
        // a recorded module with something put in
        4 => (known(), index(), pieces()).prop_map(move |(text, at, code)| {
            let at = cut(&text, at);
            format!("{}{}{}", &text[..at], code.get(..code.len().min(12)).unwrap_or(""), &text[at..])
        }),
        // one without a part of it, and with a part twice
        3 => (known(), index(), index()).prop_map(move |(text, one, other)| {
            let (one, other) = (cut(&text, one), cut(&text, other));
            format!("{}{}", &text[..one], &text[other..])
        }),
        // the head of one and the tail of another
        3 => (known(), known(), index(), index()).prop_map(move |(left, right, end, start)| {
            format!("{}{}", &left[..cut(&left, end)], &right[cut(&right, start)..])
        }),
    ]
}

/// As much of a few pieces as a module may have: in a row, or opened and closed again.
fn large() -> impl Strategy<Value = String> {
    let unit = || prop::collection::vec(piece(), 1..7).prop_map(|pieces| pieces.concat());
    let fill = |unit: &str, room: usize| unit.repeat(room / unit.len().max(1));
    prop_oneof![
        unit().prop_map(move |unit| fill(&unit, LARGEST)),
        unit().prop_map(move |unit| in_function(&fill(&unit, LARGEST - 100))),
        (unit(), unit(), 1..100_000_usize).prop_map(|(open, close, times)| {
            let times = times.min((LARGEST - 200) / (open.len() + close.len()).max(1));
            in_function(&format!("x = {}1{}", open.repeat(times), close.repeat(times)))
        }),
        statement().prop_map(move |line| in_function(&fill(&format!("{{ {line} }}\n"), LARGEST - 100))),
    ]
}

/// What must hold of every verdict.
fn complaint(source: &str, report: &Report) -> Option<String> {
    let of = |validator| -> Vec<Rule> { report.verdict(validator).map(|finding| finding.rule).collect() };
    let mut service = of(Validator::RenderService);
    service.retain(|rule| *rule != Rule::ForbiddenPropertyAccess);
    if of(Validator::Miners) != service {
        return Some("the verdicts differ by more than the one rule".to_owned());
    }
    let places = report.findings.iter().filter_map(|finding| finding.place);
    let places = places.chain(report.warnings.iter().filter_map(|warning| warning.place));
    let mut outside = places.filter(|place| source.get(place.start..place.end).is_none());
    outside.next().map(|place| format!("a place outside of the text: {place:?}"))
}

/// Judges one case; what is wrong with that, if anything.
fn tried(source: &str) -> Option<String> {
    let once = || {
        let begin = Instant::now();
        let report = catch_unwind(|| validate(source));
        (begin.elapsed(), report)
    };
    let (mut time, report) = once();
    let Ok(report) = report else { return Some("a panic".to_owned()) };
    // A busy machine is no fault of the text.
    for _ in 0..4 {
        if time > LONGEST {
            time = time.min(once().0);
        }
    }
    if time > LONGEST {
        return Some(format!("{} bytes took {time:?}", source.len()));
    }
    complaint(source, &report)
}

#[test]
#[ignore = "runs for as long as GEN404_FUZZ_SECONDS says"]
fn random_modules() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("GEN404_FUZZ_SECONDS").unwrap_or(60);
    let first = number("GEN404_FUZZ_FIRST").unwrap_or(0);
    let recorded: &'static [String] = texts().leak();
    let note = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz-case.js")).expect("a file");
    let (small, large) = (small(recorded), large());
    let mut found = String::new();
    let (begin, mut case, mut bytes, mut parsed) = (Instant::now(), first, 0, 0_u64);
    while begin.elapsed().as_secs() < seconds {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&case.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
        let source = if case % 400 == 0 {
            large.new_tree(&mut runner).expect("a module").current()
        } else {
            small.new_tree(&mut runner).expect("a module").current()
        };
        note.set_len(0).and_then(|()| note.write_all_at(source.as_bytes(), 0)).expect("written");
        bytes += source.len();
        parsed += u64::from(validate(&source).findings.first().is_none_or(|finding| finding.rule != Rule::ParseError));
        if let Some(complaint) = tried(&source) {
            let shown: String = source.chars().take(300).collect();
            let _ = writeln!(found, "case {case}: {complaint}: {shown}");
        }
        // Bytes that are no text, too.
        let mut raw = source.into_bytes();
        if let Some(byte) =
            raw.len().checked_sub(1).and_then(|last| raw.get_mut(usize::try_from(case).unwrap_or(0) % (last + 1)))
        {
            *byte = 0xff;
        }
        if catch_unwind(AssertUnwindSafe(|| drop(validate_bytes(&raw)))).is_err() {
            let _ = writeln!(found, "case {case}: a panic on bytes that are no text");
        }
        case += 1;
    }
    let report = format!("{} modules, {parsed} of which parse, {} MiB, {seconds} s", case - first, bytes >> 20);
    assert!(found.is_empty(), "{report}\n{found}");
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz-report"), &report).expect("written");
}
