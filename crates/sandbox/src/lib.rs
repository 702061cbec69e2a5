//! Every outside service on this machine: development chain, Targon API, generator, judge model, CDN.

pub mod cdn;
pub mod chain;
pub mod generator;
pub mod judge;
pub mod pictures;
pub mod targon;
pub mod wallets;

mod service;
