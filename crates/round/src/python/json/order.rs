//! How Python compares values: what is equal, which is greater, and what it refuses to compare.
//! Knows nothing of where the values come from.

use std::cmp::Ordering;

use super::Json;

/// Python raises a `TypeError`: the two have no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incomparable;

impl Json {
    /// Whether Python's `max` prefers this value to the other one, which it saw first.
    pub(crate) fn is_greater(&self, other: &Self) -> Result<bool, Incomparable> {
        if self.is_equal(other) {
            return Ok(false);
        }
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Ok(left > right),
            (Self::List(left), Self::List(right)) => match left.iter().zip(right).find(|(l, r)| !l.is_equal(r)) {
                Some((left, right)) => left.is_greater(right),
                None => Ok(left.len() > right.len()),
            },
            _ if self.is_number() && other.is_number() => Ok(self.against(other) == Some(Ordering::Greater)),
            _ => Err(Incomparable),
        }
    }

    /// Equality inside containers, where a `NaN` of the JSON reader is itself: there is only one.
    fn is_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.is_equal(right))
            }
            (Self::Object(left), Self::Object(right)) => {
                let same = |key, value: &Self| {
                    right.iter().find(|(name, _)| name == key).is_some_and(|(_, found)| value.is_equal(found))
                };
                left.len() == right.len() && left.iter().all(|(key, value)| same(key, value))
            }
            (Self::Float(left), Self::Float(right)) if left.is_nan() && right.is_nan() => true,
            _ => self.is_number() && other.is_number() && self.against(other) == Some(Ordering::Equal),
        }
    }

    /// Truth values are numbers, too.
    fn is_number(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Integer(_) | Self::Float(_))
    }

    /// Two numbers against each other; whole ones exactly, however large.
    fn against(&self, other: &Self) -> Option<Ordering> {
        let (Some((left_negative, left)), Some((right_negative, right))) = (self.whole(), other.whole()) else {
            return self.number()?.partial_cmp(&other.number()?);
        };
        let size = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
        Some(match (left_negative, right_negative) {
            (false, false) => size,
            (true, true) => size.reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        })
    }

    /// Sign and digits of a whole number; zero has neither.
    fn whole(&self) -> Option<(bool, &str)> {
        match self {
            Self::Bool(value) => Some((false, if *value { "1" } else { "" })),
            Self::Integer(written) => {
                let digits = written.trim_start_matches('-').trim_start_matches('0');
                Some((written.starts_with('-') && !digits.is_empty(), digits))
            }
            Self::Null | Self::Float(_) | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Integer(written) => written.parse().ok(),
            Self::Float(value) => Some(*value),
            Self::Null | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_as_in_python() {
        // (left, right, left > right), each as Python answers for values from json.loads inside a tuple.
        for (left, right, expected) in [
            (r#""b""#, r#""a""#, Ok(true)),
            (r#""\ud800""#, r#""\uffff""#, Ok(false)),
            (r#""😀""#, r#""\uffff""#, Ok(true)),
            ("2", "1.5", Ok(true)),
            ("true", "0", Ok(true)),
            ("true", "1", Ok(false)),
            ("-2", "-10", Ok(true)),
            ("100000000000000000001", "100000000000000000000", Ok(true)),
            ("NaN", "1", Ok(false)),
            ("1", "NaN", Ok(false)),
            ("[1,2]", "[1]", Ok(true)),
            (r#"[NaN,"a"]"#, "[NaN,2]", Err(Incomparable)),
            (r#"[1,"a"]"#, "[2,2]", Ok(false)),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1.0}"#, Ok(false)),
            (r#"{"a":1}"#, r#"{"a":2}"#, Err(Incomparable)),
            (r#""1""#, "1", Err(Incomparable)),
            ("[1]", "1", Err(Incomparable)),
        ] {
            let read = |text| Json::parse(text).expect("JSON");
            assert_eq!(read(left).is_greater(&read(right)), expected, "{left} > {right}");
        }
    }
}
