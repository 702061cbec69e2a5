//! Client of a generator's batch API.
