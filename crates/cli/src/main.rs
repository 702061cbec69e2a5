//! 404-cli.
fn main() {}
