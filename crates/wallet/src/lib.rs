//! Bittensor wallets on disk: the only crate that touches secrets.
