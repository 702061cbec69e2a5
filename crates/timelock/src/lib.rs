//! Timelock encryption to a drand beacon and its opening; pure.
