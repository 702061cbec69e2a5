//! The client against the sandbox's storage, whose signatures are checked by somebody else's code.
#![expect(clippy::tests_outside_test_module, reason = "this whole crate is tests")]

mod faults;
mod refusals;
mod unchanged;
mod world;
