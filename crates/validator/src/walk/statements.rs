//! Statements.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{
    BindingPattern, BlockStatement, CatchClause, Declaration, Expression, ForInStatement, ForOfStatement, ForStatement,
    ForStatementInit, ForStatementLeft, LabelIdentifier, Statement, SwitchStatement, TryStatement,
};
use oxc_span::{GetSpan, Span};

use super::Walker;
use crate::depth::Cost;
use crate::event::What;
use crate::scope::{Definition, Manner, ScopeKind};

impl<'a> Walker<'a> {
    pub(super) fn statements(&mut self, statements: &'a [Statement<'a>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Statement<'a>) {
        match statement {
            Statement::BlockStatement(block) => self.deeper(Cost::BLOCK, |this| this.block(block)),
            Statement::BreakStatement(end) => {
                let reached = self.reach.loops + self.reach.switches > 0;
                self.jump(end.label.as_ref(), reached, end.span);
            }
            Statement::ContinueStatement(end) => self.jump(end.label.as_ref(), self.reach.loops > 0, end.span),
            Statement::DebuggerStatement(_) | Statement::EmptyStatement(_) => (),
            Statement::DoWhileStatement(repeat) => self.deeper(Cost::LOOP_STATEMENT, |this| {
                this.in_scope(ScopeKind::Block, |this| {
                    this.repeated(&repeat.body);
                    this.expression(&repeat.test);
                });
            }),
            Statement::ExpressionStatement(statement) => self.expression(&statement.expression),
            Statement::ForInStatement(repeat) => self.deeper(Cost::LOOP_STATEMENT, |this| this.for_in(repeat)),
            Statement::ForOfStatement(repeat) => self.deeper(Cost::LOOP_STATEMENT, |this| this.for_of(repeat)),
            Statement::ForStatement(repeat) => self.deeper(Cost::LOOP_STATEMENT, |this| this.for_loop(repeat)),
            Statement::IfStatement(choice) => self.deeper(Cost::STATEMENT, |this| {
                this.expression(&choice.test);
                this.statement(&choice.consequent);
                if let Some(alternate) = &choice.alternate {
                    this.statement(alternate);
                }
            }),
            Statement::LabeledStatement(labelled) => self.deeper(Cost::STATEMENT, |this| {
                let label = labelled.label.name.as_str();
                this.unread(label, labelled.label.span);
                this.reach.labels.push(label);
                this.statement(&labelled.body);
                this.reach.labels.pop();
            }),
            Statement::ReturnStatement(end) => self.optional(end.argument.as_ref()),
            Statement::SwitchStatement(choice) => self.deeper(Cost::BLOCK, |this| this.switch(choice)),
            Statement::ThrowStatement(end) => self.expression(&end.argument),
            Statement::TryStatement(attempt) => self.deeper(Cost::BLOCK, |this| this.attempt(attempt)),
            Statement::WhileStatement(repeat) => self.deeper(Cost::LOOP_STATEMENT, |this| {
                this.in_scope(ScopeKind::Block, |this| {
                    this.expression(&repeat.test);
                    this.repeated(&repeat.body);
                });
            }),
            // Strict code has none: the parser refused it.
            Statement::WithStatement(with) => self.foreign("`with` in strict code", with.span),
            Statement::VariableDeclaration(declaration) => self.variables(declaration),
            Statement::FunctionDeclaration(function) => self.function_declaration(function),
            Statement::ClassDeclaration(class) => self.class_declaration(class),
            Statement::ImportDeclaration(import) => self.import(import),
            Statement::ExportAllDeclaration(export) => self.export_all(export),
            Statement::ExportDefaultDeclaration(export) => self.export_default(export),
            Statement::ExportDeclaration(export) => self.declaration(&export.declaration),
            Statement::ExportNamedDeclaration(export) => self.export_specifiers(&export.specifiers),
            Statement::ExportFromDeclaration(export) => {
                self.export_specifiers(&export.specifiers);
                self.string(&export.source);
                self.attributes(export.with_clause.as_deref());
            }
            other => self.foreign("TypeScript", other.span()),
        }
    }

    fn declaration(&mut self, declaration: &'a Declaration<'a>) {
        match declaration {
            Declaration::VariableDeclaration(declaration) => self.variables(declaration),
            Declaration::FunctionDeclaration(function) => self.function_declaration(function),
            Declaration::ClassDeclaration(class) => self.class_declaration(class),
            other => self.foreign("TypeScript", other.span()),
        }
    }

    /// The body of a loop.
    fn repeated(&mut self, body: &'a Statement<'a>) {
        self.reach.loops += 1;
        self.statement(body);
        self.reach.loops -= 1;
    }

    /// `break` and `continue`. Our parser lets them leave an arrow function.
    fn jump(&mut self, label: Option<&'a LabelIdentifier<'a>>, reached: bool, span: Span) {
        let reached = match label {
            Some(label) => {
                self.unread(label.name.as_str(), label.span);
                self.reach.labels.contains(&label.name.as_str())
            }
            None => reached,
        };
        if !reached {
            self.foreign("a jump out of the function", span);
        }
    }

    pub(super) fn optional(&mut self, expression: Option<&'a Expression<'a>>) {
        if let Some(expression) = expression {
            self.expression(expression);
        }
    }

    fn block(&mut self, block: &'a BlockStatement<'a>) {
        self.in_scope(ScopeKind::Block, |this| this.statements(&block.body));
    }

    fn for_loop(&mut self, repeat: &'a ForStatement<'a>) {
        self.in_scope(ScopeKind::Block, |this| {
            match &repeat.init {
                Some(ForStatementInit::VariableDeclaration(declaration)) => this.variables(declaration),
                Some(other) => this.expression(other.to_expression()),
                None => (),
            }
            this.optional(repeat.test.as_ref());
            this.optional(repeat.update.as_ref());
            this.repeated(&repeat.body);
        });
    }

    fn for_in(&mut self, repeat: &'a ForInStatement<'a>) {
        self.in_scope(ScopeKind::Block, |this| {
            this.for_left(&repeat.left);
            this.expression(&repeat.right);
            this.repeated(&repeat.body);
        });
    }

    fn for_of(&mut self, repeat: &'a ForOfStatement<'a>) {
        if repeat.r#await {
            self.broken(Rule::AsyncNotAllowed, What::Phrase("for await loop"), repeat.span);
        }
        self.in_scope(ScopeKind::Block, |this| {
            this.for_left(&repeat.left);
            this.expression(&repeat.right);
            this.repeated(&repeat.body);
        });
    }

    fn for_left(&mut self, left: &'a ForStatementLeft<'a>) {
        match left {
            ForStatementLeft::VariableDeclaration(declaration) => self.variables(declaration),
            // A plain name here counts as read.
            ForStatementLeft::AssignmentTargetIdentifier(identifier) => {
                self.takes_a_value(identifier);
                self.read(identifier, false);
            }
            other => self.target(other.to_assignment_target()),
        }
    }

    fn switch(&mut self, choice: &'a SwitchStatement<'a>) {
        self.in_switch(
            |this| this.expression(&choice.discriminant),
            |this| {
                this.reach.switches += 1;
                for case in &choice.cases {
                    this.optional(case.test.as_ref());
                    this.statements(&case.consequent);
                }
                this.reach.switches -= 1;
            },
        );
    }

    fn attempt(&mut self, attempt: &'a TryStatement<'a>) {
        self.block(&attempt.block);
        if let Some(handler) = &attempt.handler {
            self.catch(handler);
        }
        if let Some(finalizer) = &attempt.finalizer {
            self.block(finalizer);
        }
    }

    /// Parameter and body share a scope.
    fn catch(&mut self, clause: &'a CatchClause<'a>) {
        self.in_scope(ScopeKind::Block, |this| {
            if let Some(parameter) = &clause.param {
                let scope = this.scope;
                let plain = matches!(parameter.pattern, BindingPattern::BindingIdentifier(_));
                let manner = if plain { Manner::Caught } else { Manner::Lexical };
                this.declare_pattern(scope, &parameter.pattern, Definition::Other, manner);
                this.parameter_pattern(&parameter.pattern, None);
            }
            this.statements(&clause.body.body);
        });
    }
}
