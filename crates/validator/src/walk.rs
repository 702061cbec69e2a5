//! One walk over the syntax tree, in the order of the subnet's validators: it builds the scopes, notes what the rules
//! ask about, adds up the literals, and measures how deep the tree goes.
//!
//! Decides nothing that depends on declarations: those are complete only when the walk is over.

mod declarations;
mod expressions;
mod functions;
mod members;
mod modules;
mod patterns;
mod statements;

pub(crate) use declarations::constructor;
use gen404_round::module_rule::Rule;

use oxc_ast::ast::{BindingIdentifier, Expression, IdentifierReference, Program, StringLiteral, TemplateElement};
use oxc_span::Span;
use rustc_hash::FxHashSet;

use crate::depth::{Cost, Depth};
use crate::event::{Event, What};
use crate::names::{GlobalName, Tables};
use crate::scope::{Binding, Definition, Manner, ScopeId, ScopeKind, Scopes};

/// What is said of a name that may not be declared again.
pub(crate) const DECLARED_TWICE: &str = "a name is declared twice";

/// What a walk brings home.
#[derive(Debug)]
pub(crate) struct Walked<'a> {
    pub(crate) scopes: Scopes<'a>,
    pub(crate) events: Vec<Event<'a>>,
    /// Bytes of all literals.
    pub(crate) literals: usize,
    /// What our parser takes and the subnet's does not: a phrase and its place.
    pub(crate) foreign: Vec<(&'static str, Span)>,
    /// What our parser refuses here and the subnet's takes.
    pub(crate) forgiven: FxHashSet<u32>,
    pub(crate) depth: Depth,
}

pub(crate) struct Walker<'a> {
    source: &'a str,
    tables: &'static Tables,
    scopes: Scopes<'a>,
    scope: ScopeId,
    events: Vec<Event<'a>>,
    literals: usize,
    foreign: Vec<(&'static str, Span)>,
    depth: Depth,
    /// Async functions around here.
    async_around: usize,
    /// The scope of the `switch` of which this is what it chooses by.
    switch_ahead: Option<ScopeId>,
    /// The function around here, if any.
    function_around: Option<Asynchrony>,
    /// What `break` and `continue` can reach here.
    reach: Reach<'a>,
    /// Begins of names that our parser objects to and the subnet's does not.
    forgiven: FxHashSet<u32>,
}

/// Loops, switches and labels around here, within the function.
#[derive(Debug, Default)]
struct Reach<'a> {
    loops: usize,
    switches: usize,
    labels: Vec<&'a str>,
}

/// Whether a function is async.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asynchrony {
    Sync,
    Async,
}

/// Walks a whole module.
pub(crate) fn walk<'a>(program: &'a Program<'a>) -> Walked<'a> {
    let mut scopes = Scopes::default();
    let scope = scopes.open(None, ScopeKind::Function);
    let mut walker = Walker {
        source: program.source_text,
        tables: Tables::get(),
        scopes,
        scope,
        events: vec![Event::Enter(scope)],
        literals: 0,
        foreign: Vec::new(),
        depth: Depth::default(),
        async_around: 0,
        switch_ahead: None,
        function_around: None,
        reach: Reach::default(),
        forgiven: FxHashSet::default(),
    };
    walker.statements(&program.body);
    walker.events.push(Event::Leave);
    let Walker { scopes, events, literals, foreign, forgiven, depth, .. } = walker;
    Walked { scopes, events, literals, foreign, forgiven, depth }
}

impl<'a> Walker<'a> {
    fn broken(&mut self, rule: Rule, what: What<'a>, span: Span) {
        self.events.push(Event::Broken { rule, what, span });
    }

    fn foreign(&mut self, phrase: &'static str, span: Span) {
        self.foreign.push((phrase, span));
    }

    /// Goes one level down the tree.
    fn deeper(&mut self, cost: Cost, visit: impl FnOnce(&mut Self)) {
        self.depth.down(cost);
        visit(self);
        self.depth.up(cost);
    }

    /// Goes into a function, async or not.
    fn in_function(&mut self, is_async: bool, visit: impl FnOnce(&mut Self)) {
        let around = self.function_around.replace(if is_async { Asynchrony::Async } else { Asynchrony::Sync });
        let reach = std::mem::take(&mut self.reach);
        self.async_around += usize::from(is_async);
        visit(self);
        self.async_around -= usize::from(is_async);
        self.reach = reach;
        self.function_around = around;
    }

    fn in_scope(&mut self, kind: ScopeKind, visit: impl FnOnce(&mut Self)) {
        let switch = self.switch_ahead.take();
        let around = self.scope;
        self.events.extend(switch.map(Event::Enter));
        self.scope = self.scopes.open(Some(switch.unwrap_or(around)), kind);
        self.events.push(Event::Enter(self.scope));
        visit(self);
        self.events.push(Event::Leave);
        self.events.extend(switch.map(|_| Event::Leave));
        self.scope = around;
        self.switch_ahead = switch;
    }

    /// What a `switch` chooses by, and its cases. Names right in what it chooses by are looked up outside its scope,
    /// but functions and classes there see the names of its cases: so the subnet's scope tracker has it.
    fn in_switch(&mut self, chosen_by: impl FnOnce(&mut Self), cases: impl FnOnce(&mut Self)) {
        let around = self.scope;
        let switch = self.scopes.open(Some(around), ScopeKind::Block);
        let before = self.switch_ahead.replace(switch);
        chosen_by(self);
        self.switch_ahead = before;
        self.scope = switch;
        self.events.push(Event::Enter(switch));
        cases(self);
        self.events.push(Event::Leave);
        self.scope = around;
    }

    fn declare(&mut self, scope: ScopeId, id: &'a BindingIdentifier<'a>, definition: Definition<'a>, manner: Manner) {
        if !self.scopes.declare(scope, id.name.as_str(), Binding { definition, manner }) {
            self.foreign(DECLARED_TWICE, id.span);
        }
    }

    /// A name that is not read: declared, assigned to, a label, a private name, a member behind `?.`.
    fn unread(&mut self, name: &'a str, span: Span) {
        if self.tables.global(name) == GlobalName::Forbidden {
            self.broken(Rule::ForbiddenIdentifier, What::Name(name), span);
        }
    }

    /// A name that is read; `followed` if the rules can follow `THREE` in this position.
    fn read(&mut self, identifier: &'a IdentifierReference<'a>, followed: bool) {
        let (name, span) = (identifier.name.as_str(), identifier.span);
        if name == "THREE" {
            self.events.push(Event::ThreeRead { followed, span });
            return;
        }
        if matches!(name, "eval" | "arguments") {
            self.forgiven.insert(span.start);
        }
        match self.tables.global(name) {
            GlobalName::Forbidden => self.broken(Rule::ForbiddenIdentifier, What::Name(name), span),
            GlobalName::Allowed => (),
            GlobalName::Hidden => self.events.push(Event::HiddenRead { name, span }),
            GlobalName::Other => self.events.push(Event::Read { name, span }),
        }
    }

    /// An expression in a position in which the rules can follow `THREE`.
    fn followed(&mut self, expression: &'a Expression<'a>) {
        match three(expression) {
            Some(identifier) => self.read(identifier, true),
            None => self.expression(expression),
        }
    }

    fn string(&mut self, literal: &StringLiteral<'_>) {
        self.literals += text_bytes(literal.value.as_str(), literal.lone_surrogates);
    }

    fn template_element(&mut self, element: &TemplateElement<'_>) {
        let lone = element.lone_surrogates;
        self.literals += match &element.value.cooked {
            Some(cooked) => text_bytes(cooked.as_str(), lone),
            None => element.value.raw.len(),
        };
    }
}

/// The identifier `THREE` that the expression is, parentheses taken off.
pub(crate) fn three<'a>(expression: &'a Expression<'a>) -> Option<&'a IdentifierReference<'a>> {
    named(expression).filter(|identifier| identifier.name == "THREE")
}

/// The identifier that the expression is, parentheses taken off.
pub(crate) fn named<'a>(expression: &'a Expression<'a>) -> Option<&'a IdentifierReference<'a>> {
    match expression.without_parentheses() {
        Expression::Identifier(identifier) => Some(identifier),
        _ => None,
    }
}

/// UTF-8 bytes of a decoded text; a lone surrogate has three.
///
/// With `lone_surrogates` the parser writes a surrogate, and U+FFFD itself, as U+FFFD and four hex digits. Two
/// surrogates that stand for one character may have been written so that only their sum is one.
fn text_bytes(text: &str, lone_surrogates: bool) -> usize {
    if !lone_surrogates {
        return text.len();
    }
    let mut rest = text;
    let mut bytes = 0;
    let mut high_before = false;
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        let unit = (next == char::REPLACEMENT_CHARACTER)
            .then(|| rest.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok()))
            .flatten();
        if unit.is_some() {
            rest = &rest[4..];
        }
        let low = unit.is_some_and(|unit| (0xdc00..=0xdfff).contains(&unit));
        // The high half counted three already; the pair has four.
        bytes += if high_before && low { 1 } else { unit.map_or(next.len_utf8(), |_| 3) };
        high_before = unit.is_some_and(|unit| (0xd800..=0xdbff).contains(&unit));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::text_bytes;

    #[test]
    fn surrogates_count_as_the_text_would_in_utf8() {
        assert_eq!(text_bytes("é😀", false), 6);
        assert_eq!(text_bytes("\u{fffd}d800", true), 3);
        assert_eq!(text_bytes("a\u{fffd}fffd\u{fffd}dc00é", true), 1 + 3 + 3 + 2);
        assert_eq!(text_bytes("\u{fffd}d83d\u{fffd}de00", true), 4, "a pair");
        assert_eq!(text_bytes("\u{fffd}d83d\u{fffd}d83d\u{fffd}de00", true), 7);
    }
}
