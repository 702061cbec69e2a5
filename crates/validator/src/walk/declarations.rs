//! Variables and classes.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{
    Class, ClassElement, MethodDefinition, MethodDefinitionKind, PropertyDefinition, PropertyKey, VariableDeclaration,
    VariableDeclarationKind,
};

use super::{Walker, three};
use crate::depth::Cost;
use crate::event::{Event, Target, What};
use crate::scope::{Definition, ScopeKind};

impl<'a> Walker<'a> {
    pub(super) fn variables(&mut self, declaration: &'a VariableDeclaration<'a>) {
        let scope = match declaration.kind {
            VariableDeclarationKind::Var => self.scopes.for_var(self.scope),
            VariableDeclarationKind::Let
            | VariableDeclarationKind::Const
            | VariableDeclarationKind::Using
            | VariableDeclarationKind::AwaitUsing => self.scopes.for_lexical(self.scope),
        };
        for declarator in &declaration.declarations {
            self.declare_pattern(scope, &declarator.id, Definition::Declarator(declarator));
        }
        for declarator in &declaration.declarations {
            let gives_three = declarator.init.as_ref().is_some_and(|init| three(init).is_some());
            if gives_three {
                self.events.push(Event::ThreeTo { target: Target::Declared(&declarator.id), span: declarator.span });
            }
            self.pattern(&declarator.id);
            if let Some(init) = &declarator.init {
                self.followed(init);
            }
        }
    }

    pub(super) fn class_declaration(&mut self, class: &'a Class<'a>) {
        if let Some(id) = &class.id {
            let scope = self.scopes.for_lexical(self.scope);
            self.declare(scope, id.name.as_str(), Definition::Class(class));
        }
        self.class(class);
    }

    pub(super) fn class(&mut self, class: &'a Class<'a>) {
        self.no_decorators(&class.decorators);
        self.deeper(Cost::CLASS, |this| {
            this.in_scope(ScopeKind::Class, |this| {
                if let Some(id) = &class.id {
                    if class.is_declaration() {
                        this.declare(this.scope, id.name.as_str(), Definition::Class(class));
                    } else {
                        this.declare_own(id.name.as_str());
                    }
                    this.unread(id.name.as_str(), id.span);
                }
                if let Some(heritage) = &class.heritage {
                    this.expression(&heritage.expression);
                }
                // The body is a node of its own.
                this.deeper(Cost::LOOP, |this| {
                    for element in &class.body.body {
                        this.class_element(element);
                    }
                });
            });
        });
    }

    fn class_element(&mut self, element: &'a ClassElement<'a>) {
        match element {
            ClassElement::StaticBlock(block) => {
                self.deeper(Cost::BLOCK, |this| {
                    this.in_scope(ScopeKind::Function, |this| this.statements(&block.body));
                });
            }
            ClassElement::MethodDefinition(method) => self.class_method(method),
            ClassElement::PropertyDefinition(property) => self.class_property(property),
            ClassElement::AccessorProperty(property) => {
                self.foreign("`accessor` is not enabled in the subnet's parser", property.span);
            }
            ClassElement::TSIndexSignature(signature) => self.foreign("TypeScript", signature.span),
        }
    }

    fn class_method(&mut self, method: &'a MethodDefinition<'a>) {
        self.no_decorators(&method.decorators);
        self.method(&method.value, &method.key, method.computed, method.span);
    }

    fn class_property(&mut self, property: &'a PropertyDefinition<'a>) {
        self.no_decorators(&property.decorators);
        self.deeper(Cost::LOOP, |this| {
            this.key(&property.key, property.computed);
            this.optional(property.value.as_ref());
        });
    }

    pub(super) fn key(&mut self, key: &'a PropertyKey<'a>, computed: bool) {
        match key {
            PropertyKey::StaticIdentifier(_) => (),
            PropertyKey::PrivateIdentifier(name) => self.unread(name.name.as_str(), name.span),
            PropertyKey::Identifier(identifier) if computed => self.read(identifier, false),
            other => self.expression(other.to_expression()),
        }
    }

    pub(super) fn no_decorators(&mut self, decorators: &[oxc_ast::ast::Decorator<'a>]) {
        if let Some(first) = decorators.first() {
            self.foreign("decorators are not enabled in the subnet's parser", first.span);
        }
    }
}

/// The parameters of a class's constructor, if it has one.
pub(crate) fn constructor<'a>(class: &'a Class<'a>) -> Option<&'a MethodDefinition<'a>> {
    class.body.body.iter().find_map(|element| match element {
        ClassElement::MethodDefinition(method) if method.kind == MethodDefinitionKind::Constructor => Some(&**method),
        ClassElement::MethodDefinition(_)
        | ClassElement::StaticBlock(_)
        | ClassElement::PropertyDefinition(_)
        | ClassElement::AccessorProperty(_)
        | ClassElement::TSIndexSignature(_) => None,
    })
}

impl Walker<'_> {
    pub(super) fn async_function(&mut self, span: oxc_span::Span) {
        self.broken(Rule::AsyncNotAllowed, What::Phrase("async function"), span);
    }
}
