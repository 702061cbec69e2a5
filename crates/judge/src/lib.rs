//! The duel judge: stages as pure functions over a Vlm trait, and a client for chat completions.
