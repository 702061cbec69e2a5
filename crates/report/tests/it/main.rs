//! The report as a reader gets it: the page's text, and the page in a real Chromium.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod browser;
mod in_browser;
mod page;
mod sample;
