//! The verdicts: goes through the walk's events with all declarations known, and says what both validators say.

use gen404_round::module_rule::{LITERAL_BYTES, Rule, Stage};
use oxc_ast::ast::{ExportDefaultDeclarationKind, Expression, Program, Statement};
use oxc_span::{GetSpan, Span};

use crate::event::{Event, What};
use crate::finding::{Concerns, Finding, Validator};
use crate::scope::Visible;
use crate::source::Lines;
use crate::three::{self, Breach};
use crate::walk::Walked;

/// What the top level shows, before the tree is walked.
#[derive(Debug)]
pub(crate) struct TopLevel<'a> {
    pub(crate) breaches: Vec<Breach>,
    /// Whether the validators go on to the walk.
    pub(crate) goes_on: bool,
    /// The exported function, if it is one.
    pub(crate) function: Option<ExportedFunction<'a>>,
}

/// The exported function and its statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExportedFunction<'a> {
    pub(crate) declaration: &'a ExportDefaultDeclarationKind<'a>,
    pub(crate) statement: Span,
}

/// The look at the direct children of the module.
pub(crate) fn top_level<'a>(program: &'a Program<'a>) -> TopLevel<'a> {
    let mut top = TopLevel { breaches: Vec::new(), goes_on: false, function: None };
    let exports = program.body.iter().filter(|statement| is_export(statement)).count();
    let default = program.body.iter().find_map(|statement| match statement {
        Statement::ExportDefaultDeclaration(export) => Some(export),
        _ => None,
    });
    let whole = Span::new(0, 0);
    let mut breach = |rule, detail: &str, span| {
        top.breaches.push(Breach::new(rule, detail, span));
    };
    let Some(export) = default else {
        breach(Rule::MissingDefaultExport, "no `export default`", whole);
        return top;
    };
    if exports > 1 {
        // The one that is to go.
        let other = program
            .body
            .iter()
            .find(|statement| is_export(statement) && !matches!(statement, Statement::ExportDefaultDeclaration(_)));
        let span = other.map_or(export.span, GetSpan::span);
        breach(Rule::MultipleTopLevelExports, &format!("{exports} export statements instead of one"), span);
    }
    match is_async(&export.declaration) {
        None => {
            breach(Rule::MissingDefaultExport, "no function written in place after `export default`", export.span);
        }
        Some(true) => breach(Rule::AsyncNotAllowed, "the default export is async", export.span),
        Some(false) => {
            top.goes_on = true;
            top.function = Some(ExportedFunction { declaration: &export.declaration, statement: export.span });
        }
    }
    top
}

fn is_export(statement: &Statement<'_>) -> bool {
    matches!(
        statement,
        Statement::ExportAllDeclaration(_)
            | Statement::ExportDefaultDeclaration(_)
            | Statement::ExportDeclaration(_)
            | Statement::ExportNamedDeclaration(_)
            | Statement::ExportFromDeclaration(_)
    )
}

/// Whether the exported function is async; nothing if it is not a function.
fn is_async(declaration: &ExportDefaultDeclarationKind<'_>) -> Option<bool> {
    if let ExportDefaultDeclarationKind::FunctionDeclaration(function) = declaration {
        return Some(function.r#async);
    }
    match declaration.as_expression()?.without_parentheses() {
        Expression::FunctionExpression(function) => Some(function.r#async),
        Expression::ArrowFunctionExpression(arrow) => Some(arrow.r#async),
        _ => None,
    }
}

/// What became of the events.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) breaches: Vec<Breach>,
    /// Where the validators die, if they do.
    pub(crate) crash: Option<Span>,
    /// The first `var` that clashes with another declaration: the parser would have refused it.
    pub(crate) declared_twice: Option<Span>,
}

/// Answers every question the walk noted. `remark` hears what is no breach but may be worth a warning.
pub(crate) fn judge<'a>(walked: &Walked<'a>, mut remark: impl FnMut(&Event<'a>, &Visible<'_, 'a>)) -> Judged {
    let mut visible = Visible::new(&walked.scopes);
    let mut judged = Judged::default();
    let breaches = &mut judged.breaches;
    for event in &walked.events {
        match event {
            Event::Enter(scope) => visible.enter(*scope),
            Event::Leave => visible.leave(),
            Event::Broken { rule, what, span } => {
                breaches.push(Breach::new(*rule, described(*what), *span));
            }
            Event::Read { name, span } if !visible.has(name) => {
                breaches.push(Breach::new(Rule::IdentifierNotAllowed, (*name).to_owned(), *span));
            }
            Event::ThreeRead { followed, span } => three_read(*followed, *span, visible.has("THREE"), breaches),
            Event::ThreeMember { member, span } if visible.has("THREE") => three::member(member, "", *span, breaches),
            Event::ThreeTo { target, span } if visible.has("THREE") => three::assigned(*target, *span, breaches),
            Event::ThreeSpread { span } if visible.has("THREE") => {
                let detail = "spread of THREE".to_owned();
                breaches.push(Breach::new(Rule::ThreeAliasForbidden, detail, *span));
            }
            Event::ThreePassed { callee, positions, span } if visible.has("THREE") => {
                three::passed(*callee, positions, *span, &visible, breaches);
            }
            Event::Var { name, span } => {
                if visible.var_clashes(name) {
                    judged.declared_twice = judged.declared_twice.or(Some(*span));
                }
            }
            Event::Crash { span } => judged.crash = judged.crash.or(Some(*span)),
            Event::Read { .. }
            | Event::HiddenRead { .. }
            | Event::ThreeMember { .. }
            | Event::ThreeTo { .. }
            | Event::ThreeSpread { .. }
            | Event::ThreePassed { .. }
            | Event::Assigned { .. }
            | Event::Ignored { .. } => (),
        }
        remark(event, &visible);
    }
    if walked.literals > LITERAL_BYTES {
        let detail = format!("{} bytes (limit {LITERAL_BYTES})", walked.literals);
        breaches.push(Breach::new(Rule::LiteralBudgetExceeded, detail, Span::new(0, 0)));
    }
    judged
}

fn three_read(followed: bool, span: Span, declared: bool, breaches: &mut Vec<Breach>) {
    let (rule, detail) = match (declared, followed) {
        (false, _) => (Rule::ThreeAtTopLevel, "THREE is not declared here"),
        (true, false) => (Rule::ThreeAliasForbidden, "THREE used as a value"),
        (true, true) => return,
    };
    breaches.push(Breach::new(rule, detail, span));
}

fn described(what: What<'_>) -> String {
    match what {
        What::Name(name) => name.to_owned(),
        What::Phrase(phrase) => phrase.to_owned(),
        What::Property(name) => format!(".{name}"),
        What::Computed(name) => format!("{name}[…]"),
        What::MathUtils(name) => format!("THREE.MathUtils.{name}"),
    }
}

/// Breaches as findings of static analysis, with their lines.
pub(crate) fn findings(breaches: Vec<Breach>, lines: &Lines<'_>) -> Vec<Finding> {
    breaches
        .into_iter()
        .map(|Breach { rule, mut detail, span, instead }| {
            let whole = span.is_empty();
            let place = (!whole).then(|| lines.place(span.start as usize, span.end as usize));
            if let Some(place) = place {
                detail = format!("{detail} at line {}", place.line);
            }
            let concerns = match rule {
                Rule::ForbiddenPropertyAccess => Concerns::Only(Validator::RenderService),
                _ => Concerns::Both,
            };
            Finding { stage: Stage::StaticAnalysis, rule, detail, place, concerns, instead }
        })
        .collect()
}

/// A finding of whatever stage.
pub(crate) fn finding(stage: Stage, rule: Rule, detail: String, span: Option<Span>, lines: &Lines<'_>) -> Finding {
    let place = span.map(|span| lines.place(span.start as usize, span.end as usize));
    Finding { stage, rule, detail, place, concerns: Concerns::Both, instead: None }
}
