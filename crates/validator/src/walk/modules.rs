//! Imports and exports. Names inside their specifiers are not inspected; texts there count as literals.

use gen404_round::module_rule::Rule;
use oxc_ast::ast::{
    ExportAllDeclaration, ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportSpecifier, ImportAttributeKey,
    ImportDeclaration, ImportDeclarationSpecifier, ModuleExportName, WithClause, WithClauseKeyword,
};

use super::Walker;
use crate::event::What;
use crate::scope::{Definition, Manner};

impl<'a> Walker<'a> {
    pub(super) fn import(&mut self, import: &'a ImportDeclaration<'a>) {
        self.broken(Rule::ForbiddenIdentifier, What::Phrase("import statement"), import.span);
        if import.phase.is_some() {
            self.foreign("import phases are not enabled in the subnet's parser", import.span);
        }
        for specifier in import.specifiers.iter().flatten() {
            let local = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(specifier) => {
                    self.module_name(&specifier.imported);
                    &specifier.local
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(specifier) => &specifier.local,
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(specifier) => &specifier.local,
            };
            self.declare(self.scope, local, Definition::Other, Manner::Lexical);
        }
        self.string(&import.source);
        self.attributes(import.with_clause.as_deref());
    }

    fn module_name(&mut self, name: &ModuleExportName<'_>) {
        match name {
            ModuleExportName::StringLiteral(literal) => self.string(literal),
            ModuleExportName::IdentifierName(_) | ModuleExportName::IdentifierReference(_) => (),
        }
    }

    pub(super) fn attributes(&mut self, clause: Option<&'a WithClause<'a>>) {
        let Some(clause) = clause else { return };
        if clause.keyword == WithClauseKeyword::Assert {
            self.foreign("`assert` is not enabled in the subnet's parser", clause.span);
        }
        for attribute in &clause.with_entries {
            match &attribute.key {
                ImportAttributeKey::Identifier(name) => self.unread(name.name.as_str(), name.span),
                ImportAttributeKey::StringLiteral(literal) => self.string(literal),
            }
            self.string(&attribute.value);
        }
    }

    pub(super) fn export_specifiers(&mut self, specifiers: &'a [ExportSpecifier<'a>]) {
        for specifier in specifiers {
            self.module_name(&specifier.local);
            self.module_name(&specifier.exported);
        }
    }

    pub(super) fn export_all(&mut self, export: &'a ExportAllDeclaration<'a>) {
        match &export.exported {
            Some(ModuleExportName::StringLiteral(literal)) => self.string(literal),
            // The one specifier whose name the validators do inspect.
            Some(ModuleExportName::IdentifierName(name)) => self.unread(name.name.as_str(), name.span),
            Some(ModuleExportName::IdentifierReference(_)) | None => (),
        }
        self.string(&export.source);
        self.attributes(export.with_clause.as_deref());
    }

    pub(super) fn export_default(&mut self, export: &'a ExportDefaultDeclaration<'a>) {
        match &export.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => self.function_declaration(function),
            ExportDefaultDeclarationKind::ClassDeclaration(class) => self.class_declaration(class),
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(interface) => {
                self.foreign("TypeScript", interface.span);
            }
            other => self.expression(other.to_expression()),
        }
    }
}
