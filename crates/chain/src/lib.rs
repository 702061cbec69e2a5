//! Subtensor: commitments, their proof, and reads; the only crate that names subxt.
