//! The words before the name of a class member. Our parser passes over some that no JavaScript has there.

use oxc_ast::ast::{MethodDefinition, MethodDefinitionKind, PropertyDefinition};
use oxc_span::{GetSpan, Span};

use super::Walker;

impl<'a> Walker<'a> {
    /// Only what makes it the method that it is may stand before its name.
    pub(super) fn method_words(&mut self, method: &MethodDefinition<'a>) {
        let kind = match method.kind {
            MethodDefinitionKind::Get => Some("get"),
            MethodDefinitionKind::Set => Some("set"),
            MethodDefinitionKind::Constructor | MethodDefinitionKind::Method => None,
        };
        let is_static = method.r#static.then_some("static");
        let is_async = method.value.r#async.then_some("async");
        self.only_words(method.span, method.key.span(), [is_static, is_async, kind]);
    }

    /// Only `static` may stand before the name of a property.
    pub(super) fn property_words(&mut self, property: &PropertyDefinition<'a>) {
        let is_static = property.r#static.then_some("static");
        self.only_words(property.span, property.key.span(), [is_static, None, None]);
    }

    fn only_words(&mut self, member: Span, key: Span, expected: [Option<&str>; 3]) {
        let before = self.source.get(member.start as usize..key.start as usize).unwrap_or_default();
        if !Words(before).eq(expected.into_iter().flatten()) {
            self.foreign("a word that does not belong before the name of a class member", member);
        }
    }
}

/// The words of a text that has no strings in it.
struct Words<'s>(&'s str);

impl<'s> Iterator for Words<'s> {
    type Item = &'s str;

    fn next(&mut self) -> Option<&'s str> {
        loop {
            let rest = self.0;
            let first = rest.chars().next()?;
            let skipped = if rest.starts_with("//") {
                rest.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else if is_part_of_word(first) {
                let end = rest.find(|letter| !is_part_of_word(letter)).unwrap_or(rest.len());
                self.0 = &rest[end..];
                return Some(&rest[..end]);
            } else {
                first.len_utf8()
            };
            self.0 = &rest[skipped..];
        }
    }
}

fn is_part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$' | '\\')
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn words_are_found_between_signs_and_comments() {
        let words: Vec<&str> = Words("static/* async */ // get\n\u{2003}async\u{feff}*\u{2028}[ (").collect();
        assert_eq!(words, ["static", "async"]);
        assert_eq!(Words("/*").next(), None);
    }
}
