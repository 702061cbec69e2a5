//! The one place that asks the JavaScript parser: a source as a syntax tree, or why the subnet's parser takes none.
//!
//! Where our parser's grammar is wider than the subnet's, the walk notes it; where it is narrower, this file forgives.

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::SemanticBuilder;
use oxc_span::{SourceType, Span};
use rustc_hash::FxHashSet;

/// Why a source is no module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The parser's message.
    pub(crate) message: String,
    /// Where, if the parser says.
    pub(crate) span: Option<Span>,
}

/// The syntax tree of a module.
pub(crate) fn program<'a>(allocator: &'a Allocator, source: &'a str) -> Result<Program<'a>, Refusal> {
    let options = ParseOptions { enable_ident_hashes: true, ..ParseOptions::default() };
    let parsed = Parser::new(allocator, source, SourceType::mjs()).with_options(options).parse();
    if let Some(refusal) = first(parsed.diagnostics.iter().map(refusal)) {
        return Err(refusal);
    }
    if parsed.panicked {
        return Err(Refusal { message: "this is not JavaScript".into(), span: None });
    }
    Ok(parsed.program)
}

/// What is wrong with a tree that has the right form: labels that lead nowhere, exports of nothing, and so on.
///
/// Names declared twice are not asked for: the walk knows them better. (Ours refuses a `var` in a block when the
/// function around has a function of that name.) Nor is what `forgiven` begins: names that ours takes for assigned to.
pub(crate) fn early_error(program: &Program<'_>, forgiven: &FxHashSet<u32>) -> Option<Refusal> {
    let checked = SemanticBuilder::new().with_check_syntax_error(true).build(program);
    // `{ __proto__: a, __proto__: b }` has the same message.
    let redeclared = |refusal: &Refusal| {
        let name = refusal.message.strip_prefix("Identifier `");
        let name = name.and_then(|rest| rest.strip_suffix("` has already been declared"));
        name.is_some_and(|name| name != "__proto__")
    };
    let forgiven = |refusal: &Refusal| {
        let begins = refusal.span.is_some_and(|span| forgiven.contains(&span.start));
        begins && refusal.message.starts_with("Cannot assign to")
    };
    let refusals = checked.diagnostics.iter().map(refusal);
    first(refusals.filter(|refusal| !redeclared(refusal) && !forgiven(refusal)))
}

/// The first refusal in the text.
fn first(refusals: impl Iterator<Item = Refusal>) -> Option<Refusal> {
    refusals.min_by_key(|refusal| refusal.span.map_or(0, |span| span.start))
}

fn refusal(diagnostic: &OxcDiagnostic) -> Refusal {
    let label = diagnostic.labels.first();
    let span = label.map(|label| {
        let start = label.offset();
        Span::new(start, start.saturating_add(label.len()))
    });
    Refusal { message: diagnostic.message.to_string(), span }
}
