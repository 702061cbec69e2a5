//! JSON as Python's parsers take it: NaN and infinities are numbers, repeated keys are kept (the last one wins), half of a
//! surrogate pair is replaced and no error. Standard parsers refuse one or the other, which would turn an answer into a failure.

/// Objects and arrays inside each other; deeper is refused, as the subnet's judge does.
const DEEPEST: usize = 200;

/// A JSON value. Integers are numbers like all others: 2⁵³ is far beyond any penalty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// A field of an object; of repeated ones the last.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Parses a whole text, white space around it allowed.
pub(super) fn parse(text: &str) -> Option<Json> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    (parser.at == text.len()).then_some(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_space();
        match self.peek()? {
            b'{' if depth < DEEPEST => self.object(depth),
            b'[' if depth < DEEPEST => self.array(depth),
            b'"' => self.string().map(Json::Text),
            _ => {
                const WORDS: [(&str, Json); 6] = [
                    ("null", Json::Null),
                    ("true", Json::Bool(true)),
                    ("false", Json::Bool(false)),
                    ("NaN", Json::Number(f64::NAN)),
                    ("Infinity", Json::Number(f64::INFINITY)),
                    ("-Infinity", Json::Number(f64::NEG_INFINITY)),
                ];
                for (word, value) in WORDS {
                    if self.eat(word) {
                        return Some(value);
                    }
                }
                self.number()
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut fields = Vec::new();
        self.skip_space();
        if self.eat("}") {
            return Some(Json::Object(fields));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return None;
            }
            let key = self.string()?;
            self.skip_space();
            if !self.eat(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            fields.push((key, value));
            self.skip_space();
            if self.eat("}") {
                return Some(Json::Object(fields));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.eat("]") {
            return Some(Json::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.eat("]") {
                return Some(Json::Array(values));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        self.eat("-");
        if !self.eat("0") && self.digits() == 0 {
            return None;
        }
        if self.eat(".") && self.digits() == 0 {
            return None;
        }
        if self.eat("e") || self.eat("E") {
            let _sign = self.eat("+") || self.eat("-");
            if self.digits() == 0 {
                return None;
            }
        }
        self.text[start..self.at].parse().ok().map(Json::Number)
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += count;
        count
    }

    /// The string that begins here.
    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain = self.rest().find(|c: char| c == '"' || c == '\\' || c < ' ')?;
            text.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(text);
                }
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        self.at += 1;
        let letter = self.peek()?;
        self.at += 1;
        match letter {
            b'"' | b'\\' | b'/' => Some(letter as char),
            b'b' => Some('\u{8}'),
            b'f' => Some('\u{c}'),
            b'n' => Some('\n'),
            b'r' => Some('\r'),
            b't' => Some('\t'),
            b'u' => self.unicode(),
            _ => None,
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let unit = self.hex4()?;
        let after_first = self.at;
        if (0xD800..0xDC00).contains(&unit) && self.eat("\\u") {
            let low = self.hex4()?;
            if (0xDC00..0xE000).contains(&low) {
                return char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
            }
            self.at = after_first;
        }
        Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: &str) -> Json {
        Json::Text(value.to_owned())
    }

    #[test]
    fn escapes_and_surrogates() {
        assert_eq!(parse(r#""a\"\\\/\b\f\n\r\té""#), Some(text("a\"\\/\u{8}\u{c}\n\r\té")));
        assert_eq!(parse(r#""\ud83d\ude00\u00E9""#), Some(text("😀é")));
        assert_eq!(parse(r#""\ud83d x""#), Some(text("\u{fffd} x")));
        assert_eq!(parse(r#""\ude00""#), Some(text("\u{fffd}")));
        assert_eq!(parse(r#""\ud83d\u0041""#), Some(text("\u{fffd}A")));
        for broken in [r#""\x""#, r#""\u12g4""#, r#""\u12"#, "\"a\nb\"", r#"""#, r#""\"#] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(DEEPEST)).is_some());
        assert!(parse(&nested(DEEPEST + 1)).is_none());
        assert!(parse(&"[".repeat(1_000_000)).is_none());
    }

    proptest! {
        /// Whatever a strict parser takes, this one takes, and it sees the same.
        #[test]
        fn agrees_with_a_strict_parser(text in r#"[\[\]{}:," \\0-9a-fnrtu.eE+\-é]{0,24}"#) {
            if let Ok(strict) = serde_json::from_str::<serde_json::Value>(&text) {
                let ours = parse(&text);
                prop_assert!(ours.is_some(), "{text}");
                if let (serde_json::Value::String(want), Some(Json::Text(got))) = (&strict, &ours) {
                    prop_assert_eq!(want, got);
                }
                if let (serde_json::Value::Number(want), Some(Json::Number(got))) = (&strict, &ours) {
                    prop_assert_eq!(want.as_f64(), Some(*got));
                }
            }
        }

        #[test]
        fn never_panics(text in any::<String>(), cut in 0usize..64) {
            let _ = parse(&text);
            let good = r#"{"a": [1, -2.5e3, "\ud83d\ude00é", null, true], "b": {"c": NaN}}"#;
            let _ = parse(good.get(..cut).unwrap_or(good));
        }
    }
}
