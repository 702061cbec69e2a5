//! The subnet's rules on JavaScript modules: source in, findings out, as both of the subnet's validators judge it.
//!
//! Two programs judge a module: the validator that miners run (`mr`) and the render service (`rs`), whose verdict
//! decides. This room says what both say, in their order, from one parse. It is pure, it runs no module, and it is the
//! only one that names a JavaScript parser. It must not know a service, a disk or a terminal.

pub mod advice;
mod depth;
mod event;
mod finding;
mod judge;
pub mod names;
mod nesting;
mod parse;
pub mod record;
mod scope;
mod source;
mod three;
mod walk;
mod warnings;

use std::borrow::Cow;

use gen404_round::module_rule::{LITERAL_BYTES, MODULE_BYTES, Rule, Stage};
use oxc_allocator::Allocator;
use oxc_span::Span;

pub use finding::{Caution, Concerns, Finding, Place, Report, Validator, Warning};
pub use source::Lines;

use depth::Fate;
use nesting::PARSED_LEVELS;

/// Judges the bytes of a file. What is not UTF-8 the subnet fails before its render service sees it; the miners' validator
/// reads U+FFFD instead.
pub fn validate_bytes(bytes: &[u8]) -> (Cow<'_, str>, Report) {
    if bytes.len() > MODULE_BYTES {
        return (Cow::Borrowed(""), too_large(bytes.len() as u64));
    }
    let source = String::from_utf8_lossy(bytes);
    let mut report = validate(&source);
    if matches!(source, Cow::Owned(_)) {
        let detail = "the file is not UTF-8 text".to_owned();
        let refused = judge::finding(Stage::Parse, Rule::ParseError, detail, None, &Lines::new(""));
        let of_miners = report.findings.into_iter().filter(|finding| finding.concerns.includes(Validator::Miners));
        let of_miners = of_miners.map(|finding| Finding { concerns: Concerns::Only(Validator::Miners), ..finding });
        let refused = Finding { concerns: Concerns::Only(Validator::RenderService), ..refused };
        report.findings = std::iter::once(refused).chain(of_miners).collect();
    }
    (source, report)
}

/// The verdict on a module that is too large to be looked at.
pub fn too_large(bytes: u64) -> Report {
    let detail = format!("{bytes} bytes (limit {MODULE_BYTES})");
    let finding = judge::finding(Stage::Parse, Rule::FileSizeExceeded, detail, None, &Lines::new(""));
    Report { findings: vec![finding], warnings: Vec::new() }
}

/// Judges a module by its text: the stages `parse` and `static_analysis`.
///
/// Takes time and memory in proportion to the text, whatever its shape. Deeply nested text is judged on a thread of
/// its own, with as much stack as it can need.
pub fn validate(source: &str) -> Report {
    if source.len() > MODULE_BYTES {
        return too_large(source.len() as u64);
    }
    let nesting = nesting::scan(source);
    if nesting.levels > PARSED_LEVELS {
        return refused_by_parser(TOO_DEEP.into(), None, &Lines::new(source));
    }
    nesting.with_stack(source.len(), || validate_here(source)).unwrap_or_else(|| {
        let detail = "nested too deeply, and this machine has no memory to look closer".into();
        refused_by_parser(detail, None, &Lines::new(source))
    })
}

const TOO_DEEP: &str = "nested too deeply for the subnet's parser";

fn refused_by_parser(detail: String, span: Option<Span>, lines: &Lines<'_>) -> Report {
    let finding = judge::finding(Stage::Parse, Rule::ParseError, detail, span, lines);
    Report { findings: vec![finding], warnings: Vec::new() }
}

fn validate_here(source: &str) -> Report {
    let lines = Lines::new(source);
    let allocator = Allocator::default();
    let program = match parse::program(&allocator, source) {
        Ok(program) => program,
        Err(refusal) => return refused_by_parser(refusal.message, refusal.span, &lines),
    };
    let walked = walk::walk(&program);
    let fate = walked.depth.fate();
    if fate == Fate::ParserDies {
        return refused_by_parser(TOO_DEEP.into(), None, &lines);
    }
    if let Some((phrase, span)) = walked.foreign.iter().min_by_key(|(_, span)| span.start) {
        return refused_by_parser((*phrase).to_owned(), Some(*span), &lines);
    }
    if let Some(refusal) = parse::early_error(&program, &walked.forgiven) {
        return refused_by_parser(refusal.message, refusal.span, &lines);
    }
    let top = judge::top_level(&program);
    let mut warnings = warnings::Collected::new(&program, &top, &lines);
    let judged = judge::judge(&walked, |event, visible| warnings.hear(event, visible));
    if let Some(span) = judged.declared_twice {
        return refused_by_parser(walk::DECLARED_TWICE.into(), Some(span), &lines);
    }
    let mut breaches = top.breaches;
    let mut findings = Vec::new();
    if top.goes_on {
        let dies = (fate == Fate::WalkDies).then_some((None, "nested so deeply that the validators crash on it"));
        let dies = judged
            .crash
            .map(|span| (Some(span), "the validators crash on a name that THREE inherits, like every object"))
            .or(dies);
        if let Some((span, detail)) = dies {
            let stage = Stage::StaticAnalysis;
            findings.push(judge::finding(stage, Rule::ValidatorCrashed, detail.into(), span, &lines));
            return Report { findings, warnings: warnings.finish(fate, 0) };
        }
        breaches.extend(judged.breaches);
    }
    findings.extend(judge::findings(breaches, &lines));
    let spent = if walked.literals > LITERAL_BYTES { 0 } else { walked.literals };
    Report { findings, warnings: warnings.finish(fate, spent) }
}
