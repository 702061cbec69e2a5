//! Expressions.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, AssignmentExpression, AssignmentOperator, AssignmentTarget, BinaryOperator,
    CallExpression, ChainElement, ChainExpression, Expression, ImportExpression, MemberExpression, NewExpression,
    ObjectExpression, ObjectProperty, ObjectPropertyKind, PropertyKey, PropertyKind, SimpleAssignmentTarget,
    SpreadElement, TemplateLiteral, UpdateExpression,
};
use oxc_span::{GetSpan, Span};

use super::{Walker, named, three};
use crate::depth::Cost;
use crate::event::{Callee, Event, Target, What};
use crate::names::{BLOCKED_MATH_UTILS, FORBIDDEN_PROPERTIES, IGNORED_PROPERTIES, INHERITED, NO_COMPUTED_ACCESS};

impl<'a> Walker<'a> {
    pub(super) fn expression(&mut self, expression: &'a Expression<'a>) {
        match expression {
            Expression::BooleanLiteral(_)
            | Expression::NullLiteral(_)
            | Expression::RegExpLiteral(_)
            | Expression::Super(_)
            | Expression::ThisExpression(_)
            | Expression::NewTarget(_) => (),
            Expression::NumericLiteral(literal) => self.literals += span_bytes(literal.span),
            Expression::BigIntLiteral(literal) => self.literals += span_bytes(literal.span),
            Expression::StringLiteral(literal) => self.string(literal),
            Expression::Identifier(identifier) => self.read(identifier, false),
            Expression::ImportMeta(meta) => {
                self.broken(Rule::ForbiddenIdentifier, What::Phrase("import.meta"), meta.span);
            }
            Expression::ParenthesizedExpression(inner) => {
                // No level of the subnet's tree, but the parser went through it.
                self.deeper(Cost::PARENTHESES, |this| this.expression(&inner.expression));
            }
            Expression::TemplateLiteral(template) => self.deeper(Cost::TEMPLATE, |this| this.template(template)),
            Expression::TaggedTemplateExpression(tagged) => self.deeper(Cost::LOOP, |this| {
                this.expression(&tagged.tag);
                this.template(&tagged.quasi);
            }),
            Expression::ArrayExpression(array) => self.deeper(Cost::ARRAY, |this| {
                for element in &array.elements {
                    match element {
                        ArrayExpressionElement::SpreadElement(spread) => this.spread(spread),
                        ArrayExpressionElement::Elision(_) => (),
                        other => this.expression(other.to_expression()),
                    }
                }
            }),
            Expression::ObjectExpression(object) => self.deeper(Cost::PROPERTY, |this| this.object(object)),
            Expression::ArrowFunctionExpression(arrow) => self.arrow(arrow),
            Expression::FunctionExpression(function) => self.function(function, function.span),
            Expression::ClassExpression(class) => self.class(class),
            Expression::AssignmentExpression(assignment) => {
                self.deeper(Cost::ASSIGNMENT, |this| this.assignment(assignment));
            }
            Expression::UnaryExpression(unary) => self.deeper(Cost::PREFIX, |this| this.expression(&unary.argument)),
            Expression::UpdateExpression(update) => self.deeper(Cost::PREFIX, |this| this.update(update)),
            Expression::AwaitExpression(wait) => {
                if self.async_around == 0 {
                    self.broken(Rule::AsyncNotAllowed, What::Phrase("top-level await"), wait.span);
                }
                self.deeper(Cost::PREFIX, |this| this.expression(&wait.argument));
            }
            Expression::YieldExpression(give) => {
                self.deeper(Cost::PREFIX, |this| this.optional(give.argument.as_ref()));
            }
            Expression::BinaryExpression(binary) => {
                let power = binary.operator == BinaryOperator::Exponential;
                self.deeper(if power { Cost::POWER } else { Cost::OPERATOR }, |this| {
                    this.expression(&binary.left);
                    this.expression(&binary.right);
                });
            }
            Expression::LogicalExpression(logical) => self.deeper(Cost::OPERATOR, |this| {
                this.expression(&logical.left);
                this.expression(&logical.right);
            }),
            Expression::PrivateInExpression(check) => self.deeper(Cost::OPERATOR, |this| {
                this.unread(check.left.name.as_str(), check.left.span);
                this.expression(&check.right);
            }),
            Expression::ConditionalExpression(choice) => self.deeper(Cost::CONDITION, |this| {
                this.expression(&choice.test);
                this.expression(&choice.consequent);
                this.expression(&choice.alternate);
            }),
            Expression::SequenceExpression(sequence) => self.deeper(Cost::LOOP, |this| {
                for expression in &sequence.expressions {
                    this.expression(expression);
                }
            }),
            Expression::CallExpression(call) => self.call(call, None),
            Expression::NewExpression(new) => self.deeper(Cost::NEW, |this| this.construction(new)),
            Expression::ImportExpression(import) => self.deeper(Cost::ARGUMENTS, |this| this.dynamic_import(import)),
            Expression::ChainExpression(chain) => self.chain(chain),
            Expression::ComputedMemberExpression(_)
            | Expression::StaticMemberExpression(_)
            | Expression::PrivateFieldExpression(_) => self.member(expression.to_member_expression(), None),
            Expression::JSXElement(_)
            | Expression::JSXFragment(_)
            | Expression::TSAsExpression(_)
            | Expression::TSSatisfiesExpression(_)
            | Expression::TSTypeAssertion(_)
            | Expression::TSNonNullExpression(_)
            | Expression::TSInstantiationExpression(_)
            | Expression::V8IntrinsicExpression(_) => self.foreign("not JavaScript", expression.span()),
        }
    }

    fn template(&mut self, template: &'a TemplateLiteral<'a>) {
        for quasi in &template.quasis {
            self.template_element(quasi);
        }
        for expression in &template.expressions {
            self.expression(expression);
        }
    }

    fn spread(&mut self, spread: &'a SpreadElement<'a>) {
        if three(&spread.argument).is_some() {
            self.events.push(Event::ThreeSpread { span: spread.span });
        }
        self.deeper(Cost::LOOP, |this| this.followed(&spread.argument));
    }

    fn object(&mut self, object: &'a ObjectExpression<'a>) {
        for property in &object.properties {
            match property {
                ObjectPropertyKind::SpreadProperty(spread) => self.spread(spread),
                ObjectPropertyKind::ObjectProperty(property) => self.property(property),
            }
        }
    }

    fn property(&mut self, property: &'a ObjectProperty<'a>) {
        let is_method = property.method || matches!(property.kind, PropertyKind::Get | PropertyKind::Set);
        match &property.value {
            Expression::FunctionExpression(function) if is_method => {
                self.method(function, &property.key, property.computed, property.span);
            }
            value => self.deeper(Cost::LOOP, |this| {
                if let PropertyKey::StaticIdentifier(name) = &property.key {
                    this.sets(name.name.as_str(), name.span);
                }
                this.key(&property.key, property.computed);
                this.expression(value);
            }),
        }
    }

    fn assignment(&mut self, assignment: &'a AssignmentExpression<'a>) {
        if assignment.operator == AssignmentOperator::Assign && three(&assignment.right).is_some() {
            self.events.push(Event::ThreeTo { target: Target::Assigned(&assignment.left), span: assignment.span });
        }
        if let AssignmentTarget::StaticMemberExpression(member) = &assignment.left {
            self.sets(member.property.name.as_str(), member.property.span);
        }
        self.target(&assignment.left);
        self.followed(&assignment.right);
    }

    /// A property is set, on whatever object.
    fn sets(&mut self, name: &'a str, span: Span) {
        if IGNORED_PROPERTIES.iter().any(|(ignored, _)| *ignored == name) {
            self.events.push(Event::Ignored { name, span });
        }
    }

    fn update(&mut self, update: &'a UpdateExpression<'a>) {
        match &update.argument {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(identifier) => {
                self.takes_a_value(identifier);
                self.read(identifier, false);
            }
            other => self.simple_target(other),
        }
    }

    /// A chain of members and calls. From the first `?.` on its links are of another kind, which few rules look at;
    /// the links before it are plain ones.
    fn chain(&mut self, chain: &'a ChainExpression<'a>) {
        let first_optional = first_optional(chain);
        match &chain.expression {
            ChainElement::CallExpression(call) => self.call(call, first_optional),
            ChainElement::TSNonNullExpression(expression) => self.foreign("TypeScript", expression.span),
            other => self.member(other.to_member_expression(), first_optional),
        }
    }

    /// A link's object or callee: the next link, or where the chain begins.
    fn link(&mut self, expression: &'a Expression<'a>, first_optional: Option<u32>) {
        match expression {
            Expression::CallExpression(call) => self.call(call, first_optional),
            Expression::ComputedMemberExpression(_)
            | Expression::StaticMemberExpression(_)
            | Expression::PrivateFieldExpression(_) => self.member(expression.to_member_expression(), first_optional),
            other => self.expression(other),
        }
    }

    /// A member access. `first_optional` is where the innermost `?.` link of the chain around it ends.
    pub(super) fn member(&mut self, member: &'a MemberExpression<'a>, first_optional: Option<u32>) {
        let plain = first_optional.is_none_or(|end| member.span().end < end);
        if plain {
            self.plain_member(member);
        }
        self.deeper(Cost::LOOP, |this| {
            match three(member.object()) {
                Some(identifier) => this.read(identifier, plain),
                None => this.link(member.object(), first_optional),
            }
            match member {
                MemberExpression::ComputedMemberExpression(member) => {
                    this.deeper(Cost::ARGUMENTS, |this| this.expression(&member.expression));
                }
                MemberExpression::StaticMemberExpression(member) => {
                    if !plain {
                        this.unread(member.property.name.as_str(), member.property.span);
                    }
                }
                MemberExpression::PrivateFieldExpression(member) => {
                    this.unread(member.field.name.as_str(), member.field.span);
                }
            }
        });
    }

    /// The rules for members, which see plain ones only.
    fn plain_member(&mut self, member: &'a MemberExpression<'a>) {
        let object = named(member.object()).map(|identifier| identifier.name.as_str());
        match member {
            MemberExpression::StaticMemberExpression(access) => {
                let (property, span) = (access.property.name.as_str(), access.span);
                if FORBIDDEN_PROPERTIES.contains(&property) {
                    self.broken(Rule::ForbiddenPropertyAccess, What::Property(property), span);
                }
                match object {
                    Some("Math") if property == "random" => {
                        self.broken(Rule::ForbiddenIdentifier, What::Phrase("Math.random"), span);
                    }
                    Some("THREE") => self.events.push(Event::ThreeMember { member: property, span }),
                    _ => self.member_of_member(&access.object, property, span),
                }
            }
            MemberExpression::ComputedMemberExpression(access) => {
                if let Some(object) = object.filter(|name| NO_COMPUTED_ACCESS.contains(name)) {
                    self.broken(Rule::ComputedPropertyAccess, What::Computed(object), access.span);
                }
            }
            MemberExpression::PrivateFieldExpression(_) => (),
        }
    }

    /// `THREE.<between>.<property>`.
    fn member_of_member(&mut self, object: &'a Expression<'a>, property: &'a str, span: Span) {
        let Expression::StaticMemberExpression(inner) = object.without_parentheses() else { return };
        if three(&inner.object).is_none() || inner.optional {
            return;
        }
        match inner.property.name.as_str() {
            "MathUtils" if BLOCKED_MATH_UTILS.contains(&property) => {
                self.broken(Rule::ForbiddenThreeApi, What::MathUtils(property), span);
            }
            between if INHERITED.contains(&between) => self.events.push(Event::Crash { span }),
            _ => (),
        }
    }

    fn call(&mut self, call: &'a CallExpression<'a>, first_optional: Option<u32>) {
        let plain = first_optional.is_none_or(|end| call.span.end < end);
        if plain {
            self.passes_three(Callee::Expression(call.callee.without_parentheses()), &call.arguments, call.span);
        }
        self.deeper(Cost::LOOP, |this| {
            this.link(&call.callee, first_optional);
            this.arguments(&call.arguments, plain);
        });
    }

    fn construction(&mut self, new: &'a NewExpression<'a>) {
        let callee = new.callee.without_parentheses();
        let member = matches!(callee, Expression::StaticMemberExpression(member) if three(&member.object).is_some());
        let callee = if member { Callee::NewThreeMember } else { Callee::Expression(callee) };
        self.passes_three(callee, &new.arguments, new.span);
        self.expression(&new.callee);
        self.arguments(&new.arguments, true);
    }

    fn passes_three(&mut self, callee: Callee<'a>, arguments: &'a [Argument<'a>], span: Span) {
        let is_three = |argument: &'a Argument<'a>| argument.as_expression().and_then(three).is_some();
        if arguments.iter().any(is_three) {
            let numbered = arguments.iter().enumerate();
            let positions = numbered.filter(|(_, argument)| is_three(argument)).map(|(position, _)| position).collect();
            self.events.push(Event::ThreePassed { callee, positions, span });
        }
    }

    fn arguments(&mut self, arguments: &'a [Argument<'a>], plain: bool) {
        self.depth.down(Cost::ARGUMENTS);
        for argument in arguments {
            match argument {
                Argument::SpreadElement(spread) => self.spread(spread),
                other if plain => self.followed(other.to_expression()),
                other => self.expression(other.to_expression()),
            }
        }
        self.depth.up(Cost::ARGUMENTS);
    }

    /// To the subnet's parser a call of something called `import`.
    fn dynamic_import(&mut self, import: &'a ImportExpression<'a>) {
        if import.phase.is_some() {
            self.foreign("import phases are not enabled in the subnet's parser", import.span);
        }
        let arguments = [Some(&import.source), import.options.as_ref()];
        let of_three = |argument: Option<&'a Expression<'a>>| argument.is_some_and(|source| three(source).is_some());
        let positions: Vec<usize> =
            arguments.iter().enumerate().filter(|(_, argument)| of_three(**argument)).map(|(at, _)| at).collect();
        if !positions.is_empty() {
            self.events.push(Event::ThreePassed { callee: Callee::Import, positions, span: import.span });
        }
        self.broken(Rule::ForbiddenIdentifier, What::Phrase("dynamic import()"), import.span);
        for argument in arguments.into_iter().flatten() {
            self.followed(argument);
        }
    }
}

/// Where the innermost `?.` link of a chain ends. All links begin at the same place, so their ends tell them apart.
fn first_optional(chain: &ChainExpression<'_>) -> Option<u32> {
    let mut first = None;
    let mut next = match &chain.expression {
        ChainElement::CallExpression(call) => {
            first = call.optional.then_some(call.span.end);
            &call.callee
        }
        ChainElement::TSNonNullExpression(_) => return None,
        other => {
            let member = other.to_member_expression();
            first = member.optional().then_some(member.span().end).or(first);
            member.object()
        }
    };
    loop {
        next = match next {
            Expression::CallExpression(call) => {
                first = call.optional.then_some(call.span.end).or(first);
                &call.callee
            }
            Expression::ComputedMemberExpression(_)
            | Expression::StaticMemberExpression(_)
            | Expression::PrivateFieldExpression(_) => {
                let member = next.to_member_expression();
                first = member.optional().then_some(member.span().end).or(first);
                member.object()
            }
            _ => return first,
        };
    }
}

fn span_bytes(span: Span) -> usize {
    span.size() as usize
}
