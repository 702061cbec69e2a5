//! The state as it really is, as it is while it is written, and as servers deliver it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod content;
mod delivery;
mod rounds;
mod server;
mod tolerance;
mod view;

use std::path::PathBuf;

use gen404_competition::{StateClient, StateUrl};
use jiff::Timestamp;

/// Files of the running competition.
fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(data().join(path)).unwrap()
}

fn folder_client() -> StateClient {
    StateClient::new(&StateUrl::Folder(data()), None, gen404_competition::Manners::default()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}
