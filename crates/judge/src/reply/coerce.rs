//! Lenient reading of single values, as Python's `float`, `round` and the subnet's validation library do it.
//! Knows values only, neither replies nor what they are for.

use super::UnusableReply;
use super::json::Json;

/// A whole number: rounded to even when it has a fraction, read from text, true as 1.
pub(super) fn whole(value: &Json, field: &'static str) -> Result<f64, UnusableReply> {
    let number = match value {
        Json::Number(number) => Some(*number),
        Json::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Json::Text(text) => python_float(text),
        _ => None,
    };
    match number {
        Some(number) if number.is_infinite() => Err(UnusableReply::Infinite { field }),
        // Adding zero turns a negative zero into a plain one.
        Some(number) if !number.is_nan() => Ok(number.round_ties_even() + 0.0),
        _ => Err(UnusableReply::Field { field }),
    }
}

/// Yes or no: a JSON bool, 0 or 1, or one of the usual words in any case, unpadded.
pub(super) fn flag(value: &Json, field: &'static str) -> Result<bool, UnusableReply> {
    match value {
        Json::Bool(flag) => Ok(*flag),
        Json::Number(0.0) => Ok(false),
        Json::Number(1.0) => Ok(true),
        Json::Text(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Ok(true),
            "0" | "off" | "f" | "false" | "n" | "no" => Ok(false),
            _ => Err(UnusableReply::Field { field }),
        },
        _ => Err(UnusableReply::Field { field }),
    }
}

/// A text; nothing else is turned into one.
pub(super) fn text<'a>(value: &'a Json, field: &'static str) -> Result<&'a str, UnusableReply> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(UnusableReply::Field { field }),
    }
}

/// `float(text)`: white space around it, single underscores between digits.
fn python_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let digit = |index: Option<usize>| index.and_then(|index| bytes.get(index)).is_some_and(u8::is_ascii_digit);
    let well_placed =
        |(index, &byte): (usize, &u8)| byte != b'_' || (digit(index.checked_sub(1)) && digit(Some(index + 1)));
    if !bytes.iter().enumerate().all(well_placed) {
        return None;
    }
    text.replace('_', "").parse().ok()
}
