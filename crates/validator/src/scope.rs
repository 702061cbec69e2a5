//! Scopes and bindings as the subnet's validators see them, which is not quite as the language has them: a function's
//! parameters and body share a scope, and so do a catch clause's parameter and body.
//!
//! Building and asking are apart: a walk builds the scopes, and [`Visible`] answers while the walk's events are gone
//! through again in order. Every answer takes constant time, however deeply scopes are nested.

use std::collections::hash_map::Entry;

use oxc_ast::ast::{Class, Function, VariableDeclarator};
use rustc_hash::FxHashMap;

/// Number of a scope, in the order in which the walk enters them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ScopeId(u32);

/// Number of a name that is declared anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NameId(u32);

/// What opens a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    /// The module, a function or a static block: `var` stops here.
    Function,
    /// A block, loop, switch or catch clause.
    Block,
    /// A class: holds only its own name.
    Class,
    /// A parameter that is a pattern or has a default.
    Pattern,
}

/// What a name was first declared as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Definition<'a> {
    Function(&'a Function<'a>),
    Class(&'a Class<'a>),
    Declarator(&'a VariableDeclarator<'a>),
    /// A parameter, an import, a caught value, a class expression's own name.
    Other,
}

/// How a name is declared, as far as it forbids another declaration of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// `var`, or a function right in another function.
    Var,
    /// `let`, `const`, classes, imports, functions elsewhere, patterns of catch clauses.
    Lexical,
    /// A parameter of a function.
    Parameter,
    /// The plain parameter of a catch clause: a `var` may have its name.
    Caught,
    /// An expression's own name: anything may have it again.
    Own,
}

impl Manner {
    /// Whether a name declared so may be declared again in the other manner, in the same scope.
    fn allows(self, other: Self) -> bool {
        match (self, other) {
            (Self::Own, _)
            | (_, Self::Own)
            | (Self::Var | Self::Parameter | Self::Caught, Self::Var)
            | (Self::Var, Self::Parameter | Self::Caught) => true,
            (Self::Lexical, _)
            | (_, Self::Lexical)
            | (Self::Parameter | Self::Caught, Self::Parameter | Self::Caught) => false,
        }
    }
}

/// A declared name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) definition: Definition<'a>,
    pub(crate) manner: Manner,
}

impl Binding<'_> {
    /// Whether the defaults of parameters may call it.
    fn seen_by_patterns(&self) -> bool {
        matches!(self.manner, Manner::Parameter | Manner::Own)
    }
}

#[derive(Debug)]
struct Scope<'a> {
    kind: ScopeKind,
    /// The scopes that take a `var`, and a `let`, class or function, written here.
    for_var: ScopeId,
    for_lexical: ScopeId,
    bindings: Vec<(NameId, Binding<'a>)>,
}

/// All scopes of a module.
#[derive(Debug, Default)]
pub(crate) struct Scopes<'a> {
    all: Vec<Scope<'a>>,
    names: FxHashMap<&'a str, NameId>,
    /// What each scope has, and what weighs most against another declaration.
    declared: FxHashMap<(ScopeId, NameId), Manner>,
}

impl<'a> Scopes<'a> {
    pub(crate) fn open(&mut self, parent: Option<ScopeId>, kind: ScopeKind) -> ScopeId {
        let id = ScopeId(u32::try_from(self.all.len()).expect("a module has fewer scopes than bytes"));
        let around = parent.map(|parent| &self.all[parent.0 as usize]);
        let for_var = around.filter(|_| kind != ScopeKind::Function).map_or(id, |around| around.for_var);
        let takes_lexical = matches!(kind, ScopeKind::Function | ScopeKind::Block);
        let for_lexical = around.filter(|_| !takes_lexical).map_or(id, |around| around.for_lexical);
        self.all.push(Scope { kind, for_var, for_lexical, bindings: Vec::new() });
        id
    }

    /// Declares a name. If the scope has it already, the first declaration goes on deciding what it stands for.
    ///
    /// Answers whether the scope may have both.
    pub(crate) fn declare(&mut self, scope: ScopeId, name: &'a str, binding: Binding<'a>) -> bool {
        let next = NameId(u32::try_from(self.names.len()).expect("a module has fewer names than bytes"));
        let name = *self.names.entry(name).or_insert(next);
        match self.declared.entry((scope, name)) {
            Entry::Vacant(vacant) => {
                vacant.insert(binding.manner);
                self.all[scope.0 as usize].bindings.push((name, binding));
                true
            }
            Entry::Occupied(mut before) => {
                let allowed = before.get().allows(binding.manner);
                if matches!(before.get(), Manner::Own | Manner::Var) {
                    before.insert(binding.manner);
                }
                allowed
            }
        }
    }

    /// Whether the scope is the module's own.
    pub(crate) fn is_module(scope: ScopeId) -> bool {
        scope == ScopeId(0)
    }

    pub(crate) fn kind(&self, scope: ScopeId) -> ScopeKind {
        self.all[scope.0 as usize].kind
    }

    /// The scope that takes a `var` written here.
    pub(crate) fn for_var(&self, scope: ScopeId) -> ScopeId {
        self.all[scope.0 as usize].for_var
    }

    /// The scope that takes a `let`, a class or a function written here.
    pub(crate) fn for_lexical(&self, scope: ScopeId) -> ScopeId {
        self.all[scope.0 as usize].for_lexical
    }
}

/// What is visible at one point of the walk.
#[derive(Debug)]
pub(crate) struct Visible<'s, 'a> {
    scopes: &'s Scopes<'a>,
    open: Vec<ScopeId>,
    /// Positions in `open` at which functions begin, the module's own scope included.
    functions: Vec<usize>,
    /// By name: the declarations in open scopes, innermost last, with the position of their scope in `open`.
    bindings: Vec<Vec<(usize, Binding<'a>)>>,
}

impl<'s, 'a> Visible<'s, 'a> {
    pub(crate) fn new(scopes: &'s Scopes<'a>) -> Self {
        Self { scopes, open: Vec::new(), functions: Vec::new(), bindings: vec![Vec::new(); scopes.names.len()] }
    }

    pub(crate) fn enter(&mut self, scope: ScopeId) {
        let position = self.open.len();
        self.open.push(scope);
        if self.scopes.kind(scope) == ScopeKind::Function {
            self.functions.push(position);
        }
        for (name, binding) in &self.scopes.all[scope.0 as usize].bindings {
            self.bindings[name.0 as usize].push((position, *binding));
        }
    }

    pub(crate) fn leave(&mut self) {
        let scope = self.open.pop().expect("every scope is left once");
        if self.scopes.kind(scope) == ScopeKind::Function {
            self.functions.pop();
        }
        for (name, _) in &self.scopes.all[scope.0 as usize].bindings {
            self.bindings[name.0 as usize].pop();
        }
    }

    /// Whether a `var` of this name, written here, goes past another kind of declaration on its way to its function.
    pub(crate) fn var_clashes(&self, name: &str) -> bool {
        let Some(id) = self.scopes.names.get(name) else { return false };
        let function = self.functions.last().copied().unwrap_or(0);
        let on_the_way = self.bindings[id.0 as usize].iter().rev().take_while(|(position, _)| *position > function);
        on_the_way.into_iter().any(|(_, binding)| binding.manner == Manner::Lexical)
    }

    /// Whether anything of this name is declared around here.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.scopes.names.get(name).is_some_and(|id| !self.bindings[id.0 as usize].is_empty())
    }

    /// Whether what is visible under this name was declared at the top level, and something since keeps it for later:
    /// a function is around here.
    pub(crate) fn is_of_module(&self, name: &str) -> bool {
        let Some(id) = self.scopes.names.get(name) else { return false };
        let innermost = self.bindings[id.0 as usize].last();
        innermost.is_some_and(|(position, _)| *position == 0) && self.functions.len() > 1
    }

    /// What a called name stands for. From inside a parameter's pattern, names of the body are not seen.
    pub(crate) fn definition(&self, name: &str) -> Option<Definition<'a>> {
        let id = self.scopes.names.get(name)?;
        let seen = |(position, binding): &&(usize, Binding<'a>)| {
            let inner = self.open.get(position + 1);
            let from_pattern = inner.is_some_and(|id| self.scopes.all[id.0 as usize].kind == ScopeKind::Pattern);
            !from_pattern || binding.seen_by_patterns()
        };
        self.bindings[id.0 as usize].iter().rev().find(seen).map(|(_, binding)| binding.definition)
    }
}
