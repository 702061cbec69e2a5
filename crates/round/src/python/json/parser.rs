//! The grammar, character by character as Python's scanner goes through it.
//! Knows nothing of what the values mean.

use std::collections::HashMap;

use super::{Json, NotJson, Text};

/// Python's reader gives up at about a thousand levels; a reveal is too short to come near.
const DEEPEST: usize = 900;

/// Objects up to this size are searched for a repeated key one by one.
const SMALL: usize = 8;

pub(super) fn parse(text: &str) -> Result<Json, NotJson> {
    let mut parser = Parser { text: text.as_bytes(), at: 0, depth: 0 };
    parser.skip_white_space();
    let value = parser.value()?;
    parser.skip_white_space();
    if parser.at == parser.text.len() { Ok(value) } else { parser.malformed() }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn malformed<T>(&self) -> Result<T, NotJson> {
        Err(NotJson::Malformed { at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Takes the bytes when they come next.
    fn take(&mut self, expected: &[u8]) -> bool {
        let comes = self.text[self.at..].starts_with(expected);
        if comes {
            self.at += expected.len();
        }
        comes
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Json, NotJson> {
        match self.peek() {
            Some(b'"') => self.text().map(Json::Text),
            Some(b'[') => self.deeper(Self::list),
            Some(b'{') => self.deeper(Self::object),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.take(b"null") => Ok(Json::Null),
            _ if self.take(b"true") => Ok(Json::Bool(true)),
            _ if self.take(b"false") => Ok(Json::Bool(false)),
            _ if self.take(b"NaN") => Ok(Json::Float(f64::NAN)),
            _ if self.take(b"Infinity") => Ok(Json::Float(f64::INFINITY)),
            _ => self.malformed(),
        }
    }

    fn deeper(&mut self, read: fn(&mut Self) -> Result<Json, NotJson>) -> Result<Json, NotJson> {
        if self.depth == DEEPEST {
            return Err(NotJson::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        self.skip_white_space();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Json, NotJson> {
        let mut items = Vec::new();
        if self.take(b"]") {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_white_space();
            if self.take(b"]") {
                return Ok(Json::List(items));
            }
            if !self.take(b",") {
                return self.malformed();
            }
            self.skip_white_space();
        }
    }

    fn object(&mut self) -> Result<Json, NotJson> {
        let mut entries = Vec::new();
        if self.take(b"}") {
            return Ok(Json::Object(entries));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.malformed();
            }
            let key = self.text()?;
            self.skip_white_space();
            if !self.take(b":") {
                return self.malformed();
            }
            self.skip_white_space();
            entries.push((key, self.value()?));
            self.skip_white_space();
            if self.take(b"}") {
                return Ok(Json::Object(last_of_equal_keys(entries)));
            }
            if !self.take(b",") {
                return self.malformed();
            }
            self.skip_white_space();
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    /// What cannot be part of a number is left for whoever comes next, as Python's pattern does.
    fn number(&mut self) -> Result<Json, NotJson> {
        let start = self.at;
        let negative = self.take(b"-");
        if negative && self.take(b"Infinity") {
            return Ok(Json::Float(f64::NEG_INFINITY));
        }
        if !self.take(b"0") && self.digits() == 0 {
            return self.malformed();
        }
        let mut whole = true;
        let before_fraction = self.at;
        if self.take(b".") {
            if self.digits() == 0 {
                self.at = before_fraction;
            } else {
                whole = false;
            }
        }
        let before_exponent = self.at;
        if self.take(b"e") || self.take(b"E") {
            let _sign = self.take(b"+") || self.take(b"-");
            if self.digits() == 0 {
                self.at = before_exponent;
            } else {
                whole = false;
            }
        }
        let written = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        if whole {
            return Ok(Json::Integer(written));
        }
        // Too large is infinite for both languages.
        Ok(Json::Float(written.parse().expect("digits, a fraction and an exponent are a number")))
    }

    fn text(&mut self) -> Result<Text, NotJson> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            bytes.extend_from_slice(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text(bytes));
                }
                Some(b'\\') => self.escape(&mut bytes)?,
                _ => return self.malformed(),
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), NotJson> {
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.code_point(bytes),
            _ => return self.malformed(),
        };
        self.at += 1;
        bytes.push(plain);
        Ok(())
    }

    /// The four digits behind the `u` that the parser stands at.
    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at + 1..self.at + 5)?;
        let unit = digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))?;
        self.at += 5;
        Some(unit)
    }

    fn code_point(&mut self, bytes: &mut Vec<u8>) -> Result<(), NotJson> {
        let Some(mut point) = self.code_unit() else { return self.malformed() };
        if (0xd800..0xdc00).contains(&point) {
            let behind = self.at;
            let low = if self.take(b"\\") && self.peek() == Some(b'u') { self.code_unit() } else { None };
            match low.filter(|low| (0xdc00..0xe000).contains(low)) {
                Some(low) => point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00),
                None => self.at = behind,
            }
        }
        if let Some(character) = char::from_u32(point) {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            // Half a pair: three bytes as UTF-8 would write it if it could.
            let six = |shift: u32| 0x80 | ((point >> shift) & 0x3f);
            bytes.extend([0xe0 | (point >> 12), six(6), six(0)].map(|byte| byte.to_le_bytes()[0]));
        }
        Ok(())
    }
}

/// As in a Python dictionary: the first place, the last value.
fn last_of_equal_keys(entries: Vec<(Text, Json)>) -> Vec<(Text, Json)> {
    let mut places: HashMap<Text, usize> = HashMap::new();
    let mut single: Vec<(Text, Json)> = Vec::with_capacity(entries.len());
    let many = entries.len() > SMALL;
    for (key, value) in entries {
        let place = if many { places.get(&key).copied() } else { single.iter().position(|(known, _)| *known == key) };
        if let Some(place) = place {
            single[place].1 = value;
        } else {
            if many {
                places.insert(key.clone(), single.len());
            }
            single.push((key, value));
        }
    }
    single
}
