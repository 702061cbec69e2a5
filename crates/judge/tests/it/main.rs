//! The judge from outside: the golden duels of the subnet's own service, whole duels against a scripted model, the requests on the
//! wire, runs that are killed, and endpoints that misbehave.

mod client;
mod clock;
mod flow;
mod folders;
mod golden;
mod killed;
mod model;
mod on_demand;
mod pool;
mod prompts;
mod properties;
mod rehearsal;
mod wire;
