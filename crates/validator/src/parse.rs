//! The one place that asks the JavaScript parser: a source as a syntax tree, or why the subnet's parser takes none.
//!
//! Where our parser's grammar is wider than the subnet's, the walk notes it; where it is narrower, this file forgives.

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::SemanticBuilder;
use oxc_span::{SourceType, Span};

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
    if let Some(refusal) = first(parsed.diagnostics.iter()) {
        return Err(refusal);
    }
    if parsed.panicked {
        return Err(Refusal { message: "this is not JavaScript".into(), span: None });
    }
    Ok(parsed.program)
}

/// What is wrong with a tree that has the right form: names declared twice, labels that lead nowhere, and so on.
pub(crate) fn early_error(program: &Program<'_>) -> Option<Refusal> {
    let checked = SemanticBuilder::new().with_check_syntax_error(true).build(program);
    first(checked.diagnostics.iter())
}

/// The first refusal in the text.
fn first<'d>(diagnostics: impl Iterator<Item = &'d OxcDiagnostic>) -> Option<Refusal> {
    let refusal = |diagnostic: &OxcDiagnostic| {
        let label = diagnostic.labels.first();
        let span = label.map(|label| {
            let start = u32::try_from(label.offset()).unwrap_or(u32::MAX);
            Span::new(start, start.saturating_add(u32::try_from(label.len()).unwrap_or(0)))
        });
        Refusal { message: diagnostic.message.to_string(), span }
    };
    diagnostics.map(refusal).min_by_key(|refusal| refusal.span.map_or(0, |span| span.start))
}
