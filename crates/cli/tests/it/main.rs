//! The binary as a user runs it, and the rules of the house.
#![expect(clippy::tests_outside_test_module, reason = "this whole crate is tests")]

mod addresses;
mod architecture;
mod binary;
mod cdn;
mod cdn_check;
mod chain_weather;
mod commit;
mod demo;
mod doctor;
mod frame;
mod generate;
mod judge;
mod judge_habits;
mod list;
mod manners;
mod miner;
mod named;
mod newest;
mod pods;
mod reference;
mod render;
mod report;
mod round;
mod round_commit;
mod round_moving;
mod round_stale;
mod running;
mod sandbox;
mod submission;
mod upload;
mod upload_killed;
mod validate;
mod validate_serve;
mod verify;
mod wallets;
