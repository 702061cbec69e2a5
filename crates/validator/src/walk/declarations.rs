//! Variables and classes.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{
    Class, ClassElement, Expression, MethodDefinition, MethodDefinitionKind, MethodDefinitionType, PropertyDefinition,
    PropertyDefinitionType, PropertyKey, VariableDeclaration, VariableDeclarationKind,
};

use oxc_span::Span;
use rustc_hash::FxHashMap;

use super::{Asynchrony, Walker, three};
use crate::depth::Cost;
use crate::event::{Event, Target, What};
use crate::scope::{Definition, Manner, ScopeKind};

impl<'a> Walker<'a> {
    pub(super) fn variables(&mut self, declaration: &'a VariableDeclaration<'a>) {
        let (scope, manner) = match declaration.kind {
            VariableDeclarationKind::Var => (self.scopes.for_var(self.scope), Manner::Var),
            VariableDeclarationKind::Let
            | VariableDeclarationKind::Const
            | VariableDeclarationKind::Using
            | VariableDeclarationKind::AwaitUsing => (self.scopes.for_lexical(self.scope), Manner::Lexical),
        };
        let waits = declaration.kind == VariableDeclarationKind::AwaitUsing;
        if waits && self.function_around == Some(Asynchrony::Sync) {
            self.foreign("`await using` outside of async functions", declaration.span);
        }
        for declarator in &declaration.declarations {
            self.declare_pattern(scope, &declarator.id, Definition::Declarator(declarator), manner);
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
            self.declare(scope, id, Definition::Class(class), Manner::Lexical);
        }
        self.class(class);
    }

    pub(super) fn class(&mut self, class: &'a Class<'a>) {
        self.no_decorators(&class.decorators);
        self.class_oddities(class);
        self.deeper(Cost::CLASS, |this| {
            this.in_scope(ScopeKind::Class, |this| {
                if let Some(id) = &class.id {
                    // Only a declaration's name leads to its constructor.
                    let declared = class.is_declaration();
                    let definition = if declared { Definition::Class(class) } else { Definition::Other };
                    this.declare(this.scope, id, definition, Manner::Own);
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

    /// Where the subnet's parser and ours differ on classes.
    fn class_oddities(&mut self, class: &'a Class<'a>) {
        if let Some(id) = &class.id
            && matches!(id.name.as_str(), "eval" | "arguments")
        {
            self.forgiven.insert(id.span.start);
        }
        if let Some(heritage) = &class.heritage
            && let Expression::Identifier(identifier) = &heritage.expression
            && identifier.name == "module"
        {
            let between = &self.source[identifier.span.end as usize..class.body.span.start as usize];
            if !between.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
                self.foreign("module blocks are not enabled in the subnet's parser", identifier.span);
            }
        }
        let mut seen = FxHashMap::default();
        for element in &class.body.body {
            let Some(private) = Private::of(element) else { continue };
            let complete = seen.entry(private.name).or_insert_with(Vec::new);
            let pairs = |other: &Private<'_>| private.is_static == other.is_static && private.part.pairs(other.part);
            if complete.len() > 1 || complete.iter().any(|other| !pairs(other)) {
                self.foreign("a private name is declared twice", private.span);
            }
            complete.push(private);
        }
    }

    fn class_element(&mut self, element: &'a ClassElement<'a>) {
        match element {
            ClassElement::StaticBlock(block) => {
                self.deeper(Cost::BLOCK, |this| {
                    this.in_function(false, |this| {
                        this.in_scope(ScopeKind::Function, |this| this.statements(&block.body));
                    });
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
        let marked = method.r#type != MethodDefinitionType::MethodDefinition || method.accessibility.is_some();
        if marked || method.optional || method.r#override {
            self.foreign("TypeScript", method.span);
        }
        self.method_words(method);
        self.method(&method.value, &method.key, method.computed, method.span);
    }

    fn class_property(&mut self, property: &'a PropertyDefinition<'a>) {
        self.no_decorators(&property.decorators);
        let marked = property.r#type != PropertyDefinitionType::PropertyDefinition
            || property.accessibility.is_some()
            || property.type_annotation.is_some();
        if marked
            || property.declare
            || property.r#override
            || property.optional
            || property.definite
            || property.readonly
        {
            self.foreign("TypeScript", property.span);
        }
        self.property_words(property);
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

/// What declares a private name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Getter,
    Setter,
    Whole,
}

impl Part {
    /// Whether the two may share a name.
    fn pairs(self, other: Self) -> bool {
        matches!((self, other), (Self::Getter, Self::Setter) | (Self::Setter, Self::Getter))
    }
}

struct Private<'c> {
    name: &'c str,
    part: Part,
    is_static: bool,
    span: Span,
}

impl<'c> Private<'c> {
    fn of(element: &'c ClassElement<'_>) -> Option<Self> {
        let (key, part, is_static) = match element {
            ClassElement::MethodDefinition(method) => {
                let part = match method.kind {
                    MethodDefinitionKind::Get => Part::Getter,
                    MethodDefinitionKind::Set => Part::Setter,
                    MethodDefinitionKind::Constructor | MethodDefinitionKind::Method => Part::Whole,
                };
                (&method.key, part, method.r#static)
            }
            ClassElement::PropertyDefinition(property) => (&property.key, Part::Whole, property.r#static),
            ClassElement::StaticBlock(_) | ClassElement::AccessorProperty(_) | ClassElement::TSIndexSignature(_) => {
                return None;
            }
        };
        let PropertyKey::PrivateIdentifier(name) = key else { return None };
        Some(Self { name: name.name.as_str(), part, is_static, span: name.span })
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
    pub(super) fn async_function(&mut self, span: Span) {
        self.broken(Rule::AsyncNotAllowed, What::Phrase("async function"), span);
    }
}
