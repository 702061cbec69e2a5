//! What passes both validators and may still go wrong, or goes wrong only when the module is run. Never a verdict.

use oxc_ast::ast::{
    BindingPattern, Declaration, ExportDefaultDeclarationKind, Expression, FormalParameters, Program, Statement,
};
use oxc_span::{GetSpan, Span};
use rustc_hash::FxHashMap;

use gen404_round::module_rule::LITERAL_BYTES;

use crate::depth::Fate;
use crate::event::Event;
use crate::finding::{Caution, Warning};
use crate::judge::TopLevel;
use crate::names::{IGNORED_MEMBERS, IGNORED_PROPERTIES, MISSING_IN_THREE};
use crate::scope::Visible;
use crate::source::Lines;

/// Warnings as they come up.
#[derive(Debug)]
pub(crate) struct Collected<'l, 's, 'a> {
    lines: &'l Lines<'s>,
    warnings: Vec<(Span, Warning)>,
    /// Names that are initialised behind the export, until one is used: the first use is enough.
    late: FxHashMap<&'a str, Span>,
}

impl<'l, 's, 'a> Collected<'l, 's, 'a> {
    pub(crate) fn new(program: &'a Program<'a>, top: &TopLevel<'a>, lines: &'l Lines<'s>) -> Self {
        let mut collected = Self { lines, warnings: Vec::new(), late: FxHashMap::default() };
        if let Some(hashbang) = &program.hashbang {
            collected.add(Caution::Hashbang, "the render service cannot compile a `#!` line; remove it", hashbang.span);
        }
        let Some(function) = top.function else { return collected };
        if let Some(Expression::ParenthesizedExpression(outer)) = function.declaration.as_expression() {
            let detail = "the render service cannot compile an exported function in parentheses; take them away";
            collected.add(Caution::ParenthesisedExport, detail, outer.span);
        }
        let (parameters, generator) = match function.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => (&function.params, function.generator),
            other => match other.as_expression().map(Expression::without_parentheses) {
                Some(Expression::FunctionExpression(function)) => (&function.params, function.generator),
                Some(Expression::ArrowFunctionExpression(arrow)) => (&arrow.params, false),
                _ => return collected,
            },
        };
        if generator {
            let detail = "a generator function returns an iterator, which is not a scene; remove the `*`";
            collected.add(Caution::GeneratorFunction, detail, head(function.statement, parameters));
        }
        collected.parameter(parameters);
        for statement in program.body.iter().filter(|statement| statement.span().start >= function.statement.end) {
            collected.declared_late(statement);
        }
        collected
    }

    fn add(&mut self, caution: Caution, detail: impl Into<String>, span: Span) {
        let place = self.lines.place(span.start as usize, span.end as usize);
        let detail = format!("{} (line {})", detail.into(), place.line);
        self.warnings.push((span, Warning { caution, detail, place: Some(place) }));
    }

    fn parameter(&mut self, parameters: &FormalParameters<'_>) {
        let Some(first) = parameters.items.first() else { return };
        let detail = match &first.pattern {
            BindingPattern::BindingIdentifier(identifier) if identifier.name == "THREE" => return,
            BindingPattern::BindingIdentifier(identifier) => format!(
                "the parameter is called `{}`, so no rule for THREE can check how it is used; call it THREE",
                identifier.name
            ),
            _ => "the parameter is a pattern, so no rule for THREE can check what is taken; call it THREE and take it apart inside".to_owned(),
        };
        self.add(Caution::ParameterNotThree, detail, first.pattern.span());
    }

    /// Names that a statement behind the export would initialise. Functions are hoisted and work.
    fn declared_late(&mut self, statement: &'a Statement<'a>) {
        let (variables, class) = match statement {
            Statement::VariableDeclaration(variables) => (Some(variables), None),
            Statement::ClassDeclaration(class) => (None, Some(class)),
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(variables) => (Some(variables), None),
                Declaration::ClassDeclaration(class) => (None, Some(class)),
                _ => return,
            },
            _ => return,
        };
        for declarator in variables.iter().flat_map(|variables| &variables.declarations) {
            for identifier in declarator.id.get_binding_identifiers() {
                self.late.insert(identifier.name.as_str(), identifier.span);
            }
        }
        if let Some(id) = class.and_then(|class| class.id.as_ref()) {
            self.late.insert(id.name.as_str(), id.span);
        }
    }

    /// Hears everything the judge goes through.
    pub(crate) fn hear(&mut self, event: &Event<'a>, visible: &Visible<'_, 'a>) {
        match event {
            Event::Read { name, .. } if self.late.contains_key(name) && visible.is_of_module(name) => {
                if let Some(span) = self.late.remove(name) {
                    let detail = format!(
                        "the render service runs nothing after the export except function declarations, so `{name}` \
                         is never set there; move it above the export"
                    );
                    self.add(Caution::DeclaredAfterExport, detail, span);
                }
            }
            Event::HiddenRead { name, span } if !visible.has(name) => {
                let detail = format!(
                    "`{name}` passes today, though no document of the subnet lists it; do without it to be safe"
                );
                self.add(Caution::HiddenGlobal, detail, *span);
            }
            Event::Assigned { name, span } if !visible.has(name) => {
                let detail = format!(
                    "`{name}` is declared nowhere, so assigning to it throws; declare it with `const` or `let`"
                );
                self.add(Caution::UndeclaredAssignment, detail, *span);
            }
            Event::ThreeMember { member, span } if visible.has("THREE") => {
                if let Some((_, instead)) = MISSING_IN_THREE.iter().find(|(name, _)| name == member) {
                    let detail = format!(
                        "THREE.{member} is allowed, but three r183 has none: reading it throws; use THREE.{instead}"
                    );
                    self.add(Caution::MissingInThree, detail, *span);
                }
                if let Some((_, advice)) = IGNORED_MEMBERS.iter().find(|(name, _)| name == member) {
                    self.add(Caution::IgnoredByThree, format!("THREE.{member}: {advice}"), *span);
                }
            }
            Event::Ignored { name, span } => {
                if let Some((_, advice)) = IGNORED_PROPERTIES.iter().find(|(ignored, _)| ignored == name) {
                    self.add(Caution::IgnoredByThree, format!("`{name}`: {advice}"), *span);
                }
            }
            Event::Enter(_)
            | Event::Leave
            | Event::Broken { .. }
            | Event::Read { .. }
            | Event::HiddenRead { .. }
            | Event::ThreeRead { .. }
            | Event::ThreeMember { .. }
            | Event::ThreeTo { .. }
            | Event::ThreeSpread { .. }
            | Event::ThreePassed { .. }
            | Event::Assigned { .. }
            | Event::Var { .. }
            | Event::Crash { .. } => (),
        }
    }

    /// The warnings, by place, with what concerns the whole module at the end.
    pub(crate) fn finish(mut self, fate: Fate, literals: usize) -> Vec<Warning> {
        self.warnings.sort_by_key(|(span, _)| span.start);
        let mut warnings: Vec<_> = self.warnings.into_iter().map(|(_, warning)| warning).collect();
        if fate == Fate::Close {
            let detail = "nested so deeply that the subnet's programs may run out of stack; build long sums, chains and lists in a loop".to_owned();
            warnings.push(Warning { caution: Caution::DeepNesting, detail, place: None });
        }
        if literals > LITERAL_BYTES / 10 * 9 {
            let detail = format!(
                "{literals} of {LITERAL_BYTES} bytes for literals are used; compute values instead of writing them down"
            );
            warnings.push(Warning { caution: Caution::LiteralBudgetNearlyUsed, detail, place: None });
        }
        warnings
    }
}

/// The statement up to its parameters.
fn head(statement: Span, parameters: &FormalParameters<'_>) -> Span {
    Span::new(statement.start, parameters.span.start.max(statement.start))
}
