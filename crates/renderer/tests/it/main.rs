//! The room from outside: real Chromium, real three, servers on the loopback.
#![expect(clippy::tests_outside_test_module, reason = "this whole crate is tests")]

mod confinement;
mod equipment;
mod hostile;
mod pixels;
mod pool;
mod preparation;
mod running;
mod server;
mod service;
mod trial;
mod trial_tables;
