//! `THREE` where it goes on: into a pattern, into a call. Whoever asks has found out that `THREE` is declared there.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{
    AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, BindingPattern, Class, Expression,
    FormalParameters, PropertyKey,
};
use oxc_span::{GetSpan, Span};

use crate::event::{Callee, Target};
use crate::names::{BLOCKED_MATH_UTILS, Tables, ThreeMember};
use crate::scope::{Definition, Visible};
use crate::walk::constructor;

/// A broken rule with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) rule: Rule,
    pub(crate) detail: String,
    pub(crate) span: Span,
    /// An allowed member of `THREE` that does what was probably meant.
    pub(crate) instead: Option<&'static str>,
}

impl Breach {
    pub(crate) fn new(rule: Rule, detail: impl Into<String>, span: Span) -> Self {
        Self { rule, detail: detail.into(), span, instead: None }
    }
}

/// Takes what breaks a rule.
pub(crate) type Breaches<'b> = &'b mut Vec<Breach>;

/// Whether `THREE.name` may be used.
pub(crate) fn member(name: &str, how: &str, span: Span, breaches: Breaches<'_>) {
    let rule = match Tables::get().three(name) {
        ThreeMember::Allowed => return,
        ThreeMember::Excluded => Rule::ForbiddenThreeApi,
        ThreeMember::Unknown => Rule::UnknownThreeApi,
    };
    let instead = crate::advice::instead(name);
    breaches.push(Breach { instead, ..Breach::new(rule, format!("THREE.{name}{how}"), span) });
}

/// `target = THREE`.
pub(crate) fn assigned(target: Target<'_>, span: Span, breaches: Breaches<'_>) {
    let name = match target {
        Target::Declared(BindingPattern::ObjectPattern(pattern)) => {
            let elements = pattern.properties.iter().map(Element::from);
            return destructured(elements, pattern.rest.as_ref().map(|rest| rest.span), None, breaches);
        }
        Target::Assigned(AssignmentTarget::ObjectAssignmentTarget(pattern)) => {
            let elements = pattern.properties.iter().map(Element::from);
            return destructured(elements, pattern.rest.as_ref().map(|rest| rest.span), None, breaches);
        }
        Target::Declared(BindingPattern::BindingIdentifier(identifier)) => Some(identifier.name.as_str()),
        Target::Assigned(AssignmentTarget::AssignmentTargetIdentifier(identifier)) => Some(identifier.name.as_str()),
        Target::Declared(_) | Target::Assigned(_) => None,
    };
    let detail = name.map_or_else(|| "aliasing THREE".to_owned(), |name| format!("aliasing THREE as `{name}`"));
    breaches.push(Breach::new(Rule::ThreeAliasForbidden, detail, span));
}

/// One element of an object pattern, of a declaration or of an assignment.
struct Element<'p> {
    key: Key<'p>,
    span: Span,
    /// The elements of a pattern within, and its rest.
    inner: Option<Inner<'p>>,
}

enum Key<'p> {
    Computed,
    Named(&'p str),
    /// A number.
    Other,
}

struct Inner<'p> {
    keys: Vec<(Key<'p>, Span)>,
    rest: Option<Span>,
}

impl<'p> Key<'p> {
    fn new(key: &'p PropertyKey<'_>, computed: bool) -> Self {
        match key {
            _ if computed => Self::Computed,
            PropertyKey::StaticIdentifier(name) => Self::Named(name.name.as_str()),
            PropertyKey::StringLiteral(literal) => Self::Named(literal.value.as_str()),
            _ => Self::Other,
        }
    }
}

impl<'p, 'a> From<&'p oxc_ast::ast::BindingProperty<'a>> for Element<'p> {
    fn from(property: &'p oxc_ast::ast::BindingProperty<'a>) -> Self {
        let value = match &property.value {
            BindingPattern::AssignmentPattern(with_default) => &with_default.left,
            other => other,
        };
        let inner = match value {
            BindingPattern::ObjectPattern(pattern) => Some(Inner {
                keys: pattern
                    .properties
                    .iter()
                    .map(|property| (Key::new(&property.key, property.computed), property.span))
                    .collect(),
                rest: pattern.rest.as_ref().map(|rest| rest.span),
            }),
            BindingPattern::BindingIdentifier(_)
            | BindingPattern::ArrayPattern(_)
            | BindingPattern::AssignmentPattern(_) => None,
        };
        Self { key: Key::new(&property.key, property.computed), span: property.span, inner }
    }
}

impl<'p, 'a> From<&'p AssignmentTargetProperty<'a>> for Element<'p> {
    fn from(property: &'p AssignmentTargetProperty<'a>) -> Self {
        match property {
            AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(shorthand) => {
                Self { key: Key::Named(shorthand.binding.name.as_str()), span: shorthand.span, inner: None }
            }
            AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
                let value = match &property.binding {
                    AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(with) => Some(&with.binding),
                    other => other.as_assignment_target(),
                };
                let inner = match value {
                    Some(AssignmentTarget::ObjectAssignmentTarget(pattern)) => Some(Inner {
                        keys: pattern.properties.iter().map(target_key).collect(),
                        rest: pattern.rest.as_ref().map(|rest| rest.span),
                    }),
                    _ => None,
                };
                Self { key: Key::new(&property.name, property.computed), span: property.span, inner }
            }
        }
    }
}

fn target_key<'p>(property: &'p AssignmentTargetProperty<'_>) -> (Key<'p>, Span) {
    match property {
        AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(shorthand) => {
            (Key::Named(shorthand.binding.name.as_str()), shorthand.span)
        }
        AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
            (Key::new(&property.name, property.computed), property.span)
        }
    }
}

/// An object pattern fed from `THREE`. `call` is where to report, if it is a parameter of a called function.
fn destructured<'p>(
    elements: impl Iterator<Item = Element<'p>>,
    rest: Option<Span>,
    call: Option<Span>,
    breaches: Breaches<'_>,
) {
    for element in elements {
        let span = call.unwrap_or(element.span);
        match element.key {
            Key::Computed => {
                breaches.push(Breach::new(Rule::ComputedPropertyAccess, "computed key taken from THREE", span));
            }
            // The validators overlook an empty key.
            Key::Named("") | Key::Other => (),
            Key::Named(name) => {
                member(name, " (destructured)", span, breaches);
                if let Some(inner) = element.inner.filter(|_| name == "MathUtils") {
                    math_utils(&inner, call, breaches);
                }
            }
        }
    }
    if let Some(rest) = rest {
        let detail = "the rest of THREE".to_owned();
        breaches.push(Breach::new(Rule::ThreeAliasForbidden, detail, call.unwrap_or(rest)));
    }
}

/// The pattern within `MathUtils: {…}`.
fn math_utils(inner: &Inner<'_>, call: Option<Span>, breaches: Breaches<'_>) {
    let mut forbidden = |what: &str, span: Span| {
        let detail = format!("THREE.MathUtils{what} (destructured)");
        breaches.push(Breach::new(Rule::ForbiddenThreeApi, detail, call.unwrap_or(span)));
    };
    for (key, span) in &inner.keys {
        match key {
            Key::Named(name) if BLOCKED_MATH_UTILS.contains(name) => forbidden(&format!(".{name}"), *span),
            Key::Named(_) | Key::Computed | Key::Other => (),
        }
    }
    if let Some(rest) = inner.rest {
        forbidden(", the rest of it", rest);
    }
}

/// A call with `THREE` at some positions of its arguments.
pub(crate) fn passed<'a>(
    callee: Callee<'a>,
    positions: &[usize],
    span: Span,
    visible: &Visible<'_, 'a>,
    breaches: Breaches<'_>,
) {
    let mut alias = |detail: String| breaches.push(Breach::new(Rule::ThreeAliasForbidden, detail, span));
    let expression = match callee {
        Callee::NewThreeMember => return alias("THREE passed to a THREE constructor".into()),
        Callee::Import => return alias("THREE passed to import()".into()),
        Callee::Expression(expression) => expression,
    };
    let parameters = match resolved(expression, visible) {
        Resolved::Parameters(parameters) => Some(parameters),
        Resolved::None => None,
        Resolved::Unknown => {
            return alias("THREE passed to something that is not a plain function or class of this module".into());
        }
    };
    for position in positions {
        parameter(parameters, *position, span, breaches);
    }
}

/// The parameter that takes `THREE`.
fn parameter(parameters: Option<&FormalParameters<'_>>, position: usize, span: Span, breaches: Breaches<'_>) {
    let mut alias = |detail: String| breaches.push(Breach::new(Rule::ThreeAliasForbidden, detail, span));
    match parameters.and_then(|parameters| parameters.items.get(position)).map(|parameter| &parameter.pattern) {
        None if parameters.is_some_and(|parameters| parameters.rest.is_some()) => {
            alias("THREE passed to a rest parameter".into());
        }
        None => alias("THREE passed as an extra argument".into()),
        Some(BindingPattern::BindingIdentifier(identifier)) if identifier.name == "THREE" => (),
        Some(BindingPattern::BindingIdentifier(identifier)) => {
            alias(format!("THREE passed to a parameter called `{}`", identifier.name));
        }
        Some(BindingPattern::ObjectPattern(pattern)) => {
            let elements = pattern.properties.iter().map(Element::from);
            destructured(elements, pattern.rest.as_ref().map(|rest| rest.span()), Some(span), breaches);
        }
        Some(BindingPattern::ArrayPattern(_) | BindingPattern::AssignmentPattern(_)) => {
            alias("THREE passed to a parameter that is an array pattern".into());
        }
    }
}

/// What is known of a callee's parameters.
enum Resolved<'a> {
    Parameters(&'a FormalParameters<'a>),
    /// A class without constructor.
    None,
    Unknown,
}

fn resolved<'a>(callee: &'a Expression<'a>, visible: &Visible<'_, 'a>) -> Resolved<'a> {
    let Expression::Identifier(identifier) = callee else { return written_in_place(callee) };
    match visible.definition(identifier.name.as_str()) {
        Some(Definition::Function(function)) => Resolved::Parameters(&function.params),
        Some(Definition::Class(class)) => of_class(class),
        Some(Definition::Declarator(declarator)) => match &declarator.init {
            Some(init) => written_in_place(init.without_parentheses()),
            None => Resolved::Unknown,
        },
        Some(Definition::Other) | None => Resolved::Unknown,
    }
}

fn written_in_place<'a>(expression: &'a Expression<'a>) -> Resolved<'a> {
    match expression {
        Expression::FunctionExpression(function) => Resolved::Parameters(&function.params),
        Expression::ArrowFunctionExpression(arrow) => Resolved::Parameters(&arrow.params),
        Expression::ClassExpression(class) => of_class(class),
        _ => Resolved::Unknown,
    }
}

fn of_class<'a>(class: &'a Class<'a>) -> Resolved<'a> {
    constructor(class).map_or(Resolved::None, |method| Resolved::Parameters(&method.value.params))
}
