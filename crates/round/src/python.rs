//! What the subnet's services do because they are written in Python, wherever it decides something for miners:
//! how JSON is read, and how prompts are drawn. Knows no rule of the competition.

mod json;
mod random;

pub use json::{Json, NotJson, Text};
pub use random::sample;
