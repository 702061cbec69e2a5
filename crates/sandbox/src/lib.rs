//! Every outside service on this machine: development chain, Targon API, generator, judge model, CDN.

pub mod judge;
