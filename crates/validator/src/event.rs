//! What a walk over the syntax tree notes, in the order in which the subnet's validators come by it.
//! Whatever depends on what is declared where is noted as a question; `judge` answers when all declarations are known.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{AssignmentTarget, BindingPattern, Expression};
use oxc_span::Span;

use crate::scope::ScopeId;

/// One thing the walk came by.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A scope begins.
    Enter(ScopeId),
    /// The innermost scope ends.
    Leave,
    /// A rule is broken, whatever is declared where.
    Broken { rule: Rule, what: What<'a>, span: Span },
    /// A name other than `THREE` is read. It is none of the allowed or forbidden globals.
    Read { name: &'a str, span: Span },
    /// A global that no document lists is read.
    HiddenRead { name: &'a str, span: Span },
    /// `THREE` is read; `followed` if the rules can follow it in this position.
    ThreeRead { followed: bool, span: Span },
    /// `THREE.member`.
    ThreeMember { member: &'a str, span: Span },
    /// `THREE` is assigned to something, or initialises it.
    ThreeTo { target: Target<'a>, span: Span },
    /// `...THREE`.
    ThreeSpread { span: Span },
    /// `THREE` is among the arguments of a call.
    ThreePassed {
        callee: Callee<'a>,
        /// Positions of `THREE`.
        positions: Vec<usize>,
        span: Span,
    },
    /// A name is assigned to; read nowhere here.
    Assigned { name: &'a str, span: Span },
    /// A `var` that is not right in its function.
    Var { name: &'a str, span: Span },
    /// A property is set that three ignores.
    Ignored { name: &'a str, span: Span },
    /// `THREE.<inherited name>.<name>`: the validators die here.
    Crash { span: Span },
}

/// What a broken rule is about; becomes the detail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What<'a> {
    /// A name.
    Name(&'a str),
    /// A fixed phrase.
    Phrase(&'static str),
    /// `.name`.
    Property(&'a str),
    /// `name[…]`.
    Computed(&'a str),
    /// `THREE.MathUtils.name`.
    MathUtils(&'a str),
}

/// Where `THREE` goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A declaration.
    Declared(&'a BindingPattern<'a>),
    /// An assignment.
    Assigned(&'a AssignmentTarget<'a>),
}

/// What is called with `THREE`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Callee<'a> {
    /// `new THREE.X(…)`.
    NewThreeMember,
    /// An expression in callee position, parentheses taken off.
    Expression(&'a Expression<'a>),
    /// `import(…)`.
    Import,
}
