//! The Targon cloud: the only crate that buys and stops machines.
