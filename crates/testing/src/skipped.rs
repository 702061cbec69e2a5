//! Proofs that this machine cannot give: said loudly, counted at the end of `make test`, and failures where all are
//! required.

use std::fs::OpenOptions;
use std::io::Write;

/// Notes that nothing was tested because the machine lacks `what`.
///
/// # Panics
///
/// When the variable `GEN404_REQUIRE` is `all`: there, every proof must be given.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub fn skipped(what: &str) {
    let required = std::env::var_os("GEN404_REQUIRE").is_some_and(|required| required == "all");
    assert!(!required, "GEN404_REQUIRE=all, but this machine lacks {what}");
    eprintln!("SKIPPED, nothing was tested: this machine lacks {what}");
    let Some(list) = std::env::var_os("GEN404_SKIPPED") else { return };
    let noted = OpenOptions::new().create(true).append(true).open(&list).and_then(|mut list| writeln!(list, "{what}"));
    noted.expect("the list of skipped proofs can be written");
}
