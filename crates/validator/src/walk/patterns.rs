//! Patterns: of declarations, and of assignments.

use oxc_ast::ast::{
    AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, BindingIdentifier, BindingPattern,
    IdentifierReference, SimpleAssignmentTarget,
};
use oxc_span::GetSpan;

use super::Walker;
use crate::depth::Cost;
use crate::event::Event;
use crate::scope::{Definition, Manner, ScopeId};

impl<'a> Walker<'a> {
    /// Declares every name of a pattern.
    pub(super) fn declare_pattern(
        &mut self,
        scope: ScopeId,
        pattern: &'a BindingPattern<'a>,
        definition: Definition<'a>,
        manner: Manner,
    ) {
        let on_its_way = manner == Manner::Var && self.scope != scope;
        self.each_name(pattern, &mut |this, id| {
            this.declare(scope, id, definition, manner);
            if on_its_way {
                this.events.push(Event::Var { name: id.name.as_str(), span: id.span });
            }
        });
    }

    fn each_name(
        &mut self,
        pattern: &'a BindingPattern<'a>,
        declare: &mut impl FnMut(&mut Self, &'a BindingIdentifier<'a>),
    ) {
        match pattern {
            BindingPattern::BindingIdentifier(identifier) => declare(self, identifier),
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    self.each_name(&property.value, declare);
                }
                if let Some(rest) = &object.rest {
                    self.each_name(&rest.argument, declare);
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for element in array.elements.iter().flatten() {
                    self.each_name(element, declare);
                }
                if let Some(rest) = &array.rest {
                    self.each_name(&rest.argument, declare);
                }
            }
            BindingPattern::AssignmentPattern(assignment) => self.each_name(&assignment.left, declare),
        }
    }

    pub(super) fn pattern(&mut self, pattern: &'a BindingPattern<'a>) {
        match pattern {
            BindingPattern::BindingIdentifier(identifier) => self.unread(identifier.name.as_str(), identifier.span),
            BindingPattern::ObjectPattern(object) => self.deeper(Cost::PROPERTY, |this| {
                for property in &object.properties {
                    this.key(&property.key, property.computed);
                    this.pattern(&property.value);
                }
                if let Some(rest) = &object.rest {
                    this.pattern(&rest.argument);
                }
            }),
            BindingPattern::ArrayPattern(array) => self.deeper(Cost::ARRAY, |this| {
                for element in array.elements.iter().flatten() {
                    this.pattern(element);
                }
                if let Some(rest) = &array.rest {
                    this.pattern(&rest.argument);
                }
            }),
            BindingPattern::AssignmentPattern(assignment) => self.deeper(Cost::ASSIGNMENT, |this| {
                this.pattern(&assignment.left);
                this.expression(&assignment.right);
            }),
        }
    }

    /// The left side of an assignment, or a part of it: names here are not read.
    pub(super) fn target(&mut self, target: &'a AssignmentTarget<'a>) {
        match target {
            AssignmentTarget::ObjectAssignmentTarget(object) => self.deeper(Cost::PROPERTY, |this| {
                for property in &object.properties {
                    this.target_property(property);
                }
                if let Some(rest) = &object.rest {
                    this.target(&rest.target);
                }
            }),
            AssignmentTarget::ArrayAssignmentTarget(array) => self.deeper(Cost::ARRAY, |this| {
                for element in array.elements.iter().flatten() {
                    this.target_or_default(element);
                }
                if let Some(rest) = &array.rest {
                    this.target(&rest.target);
                }
            }),
            AssignmentTarget::AssignmentTargetIdentifier(identifier) => self.assigned(identifier),
            other => self.simple_target(other.to_simple_assignment_target()),
        }
    }

    /// A member on the left side, or the operand of `++` and `--`.
    pub(super) fn simple_target(&mut self, target: &'a SimpleAssignmentTarget<'a>) {
        match target.as_member_expression() {
            Some(member) => self.member(member, None),
            None => self.foreign("TypeScript", target.span()),
        }
    }

    /// A name that is assigned to.
    pub(super) fn takes_a_value(&mut self, identifier: &'a IdentifierReference<'a>) {
        if matches!(identifier.name.as_str(), "eval" | "arguments") {
            self.foreign("`eval` and `arguments` take no value in strict code", identifier.span);
        }
    }

    fn assigned(&mut self, identifier: &'a IdentifierReference<'a>) {
        let (name, span) = (identifier.name.as_str(), identifier.span);
        self.takes_a_value(identifier);
        self.unread(name, span);
        self.events.push(Event::Assigned { name, span });
    }

    fn target_or_default(&mut self, target: &'a AssignmentTargetMaybeDefault<'a>) {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(with) => self.deeper(Cost::ASSIGNMENT, |this| {
                this.target(&with.binding);
                this.expression(&with.init);
            }),
            other => self.target(other.to_assignment_target()),
        }
    }

    fn target_property(&mut self, property: &'a AssignmentTargetProperty<'a>) {
        match property {
            AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(shorthand) => {
                self.assigned(&shorthand.binding);
                self.optional(shorthand.init.as_ref());
            }
            AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
                self.key(&property.name, property.computed);
                self.target_or_default(&property.binding);
            }
        }
    }
}
