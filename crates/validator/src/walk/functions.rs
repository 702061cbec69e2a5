//! Functions, arrows and methods. Parameters and body share a scope; a parameter that is a pattern or has a default
//! has one of its own.

use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, BindingPattern, Expression, FormalParameters, Function, PropertyKey,
};
use oxc_span::Span;

use super::Walker;
use crate::depth::Cost;
use crate::scope::{Definition, Manner, ScopeKind, Scopes};

impl<'a> Walker<'a> {
    pub(super) fn function_declaration(&mut self, function: &'a Function<'a>) {
        if let Some(id) = &function.id {
            let scope = self.scopes.for_lexical(self.scope);
            let in_function = self.scopes.kind(scope) == ScopeKind::Function && !Scopes::is_module(scope);
            let manner = if in_function { Manner::Var } else { Manner::Lexical };
            self.declare(scope, id, Definition::Function(function), manner);
        }
        self.function(function, function.span);
    }

    /// A function with whatever own name it has; `span` is where an async one is reported.
    pub(super) fn function(&mut self, function: &'a Function<'a>, span: Span) {
        if function.r#async {
            self.async_function(span);
        }
        self.deeper(Cost::FUNCTION, |this| {
            this.in_function(function.r#async, |this| this.function_scope(function));
        });
    }

    fn function_scope(&mut self, function: &'a Function<'a>) {
        self.in_scope(ScopeKind::Function, |this| {
            this.declare_parameters(&function.params);
            if let Some(id) = &function.id {
                if function.is_expression() {
                    // Behind the parameters: one of the same name comes first.
                    this.declare(this.scope, id, Definition::Function(function), Manner::Own);
                }
                this.unread(id.name.as_str(), id.span);
            }
            this.parameters(&function.params);
            this.deeper(Cost::LOOP, |this| {
                if let Some(body) = &function.body {
                    this.statements(&body.statements);
                }
            });
        });
    }

    /// A method: its key stands outside its scope, its asynchrony is seen before its key.
    pub(super) fn method(&mut self, function: &'a Function<'a>, key: &'a PropertyKey<'a>, computed: bool, span: Span) {
        if function.r#async {
            self.async_function(span);
        }
        self.deeper(Cost::FUNCTION, |this| {
            this.key(key, computed);
            this.in_function(function.r#async, |this| this.function_scope(function));
        });
    }

    pub(super) fn arrow(&mut self, arrow: &'a ArrowFunctionExpression<'a>) {
        if arrow.r#async {
            self.async_function(arrow.span);
        }
        self.deeper(Cost::ARROW, |this| {
            this.in_function(arrow.r#async, |this| {
                this.in_scope(ScopeKind::Function, |this| this.arrow_scope(arrow));
            });
        });
    }

    fn arrow_scope(&mut self, arrow: &'a ArrowFunctionExpression<'a>) {
        self.declare_parameters(&arrow.params);
        self.parameters(&arrow.params);
        match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => {
                self.deeper(Cost::ARROW, |this| this.statements(&body.statements));
            }
            other => self.expression(other.to_expression()),
        }
    }

    fn declare_parameters(&mut self, parameters: &'a FormalParameters<'a>) {
        let rest = parameters.rest.iter().map(|rest| &rest.rest.argument);
        for pattern in parameters.items.iter().map(|parameter| &parameter.pattern).chain(rest) {
            self.declare_pattern(self.scope, pattern, Definition::Other, Manner::Parameter);
        }
    }

    fn parameters(&mut self, parameters: &'a FormalParameters<'a>) {
        for parameter in &parameters.items {
            self.no_decorators(&parameter.decorators);
            self.parameter_pattern(&parameter.pattern, parameter.initializer.as_deref());
        }
        if let Some(rest) = &parameters.rest {
            self.no_decorators(&rest.decorators);
            self.pattern(&rest.rest.argument);
        }
    }

    /// A parameter of a function or of a catch clause.
    pub(super) fn parameter_pattern(&mut self, pattern: &'a BindingPattern<'a>, default: Option<&'a Expression<'a>>) {
        let plain = matches!(pattern, BindingPattern::BindingIdentifier(_)) && default.is_none();
        if plain {
            self.pattern(pattern);
            return;
        }
        self.in_scope(ScopeKind::Pattern, |this| {
            this.pattern(pattern);
            this.optional(default);
        });
    }
}
