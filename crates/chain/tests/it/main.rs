//! The chain crate against a development chain, over real connections on this machine.

mod aimed;
mod commit;
mod connecting;
mod limits;
mod listing;
mod proxy;
mod refusals;
mod support;
mod tls;
mod upgrade;
mod weather;
