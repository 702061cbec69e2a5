//! The rules against cases that went through the subnet's own programs.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod decode;
mod reveals;
mod standings;

/// The cases of a golden file.
fn cases(json: &str) -> Vec<serde_json::Value> {
    let file: serde_json::Value = serde_json::from_str(json).unwrap();
    file["cases"].as_array().unwrap().clone()
}
