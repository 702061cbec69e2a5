//! The client and the life of a pod, against a strict, stateful API on loopback.
#![expect(clippy::tests_outside_test_module, clippy::unwrap_used, reason = "this whole crate is tests")]

mod client;
mod matrix;
mod pods;
mod ready;
mod vectors;
