//! Manners toward the outside that every service room shares: HTTP, text and pictures from strangers, files written whole.
//! Knows no service and no rule of the competition, and decides nothing about what an answer means.

pub mod disk;
pub mod explain;
pub mod http;
pub mod observer;
pub mod pictures;
pub mod pool;
pub mod retry;
pub mod secrets;
pub mod text;
pub mod time;
