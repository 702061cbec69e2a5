//! The room from outside: real Chromium, real three, local servers.
#![expect(clippy::unwrap_used, reason = "tests")]

mod pixels;
