//! The wallet crate against keyfiles made by the official library (`tests/data`, password `Passw0rd!x`).

mod encrypted;
mod keyfiles;
mod search;
mod support;
