//! The check of a CDN address, against networks on loopback with the habits of real ones.
#![expect(clippy::tests_outside_test_module, clippy::unwrap_used, reason = "this whole crate is tests")]

mod habits;
mod reading;
mod scripted;
