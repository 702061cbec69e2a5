//! `404-cli render-server`.

use std::net::{IpAddr, SocketAddr};

use clap::Args;
use serde::Serialize;

use crate::arguments::StudioArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::render_service::{self, Proof};

/// Serve the built-in renderer behind the official render service's HTTP API
///
/// Any client that was written for the official service works with it: /health, /ping, /render, /render/grid. Prints one
/// JSON line with its address and runs until Ctrl-C. Requests that find the queue full get 503 and Retry-After.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Address to listen on; there is no key, so leave it on the loopback unless the network is yours
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    port: u16,
    /// Most requests that wait for a browser
    #[arg(long, value_name = "N", default_value_t = 64)]
    queue: u16,
    #[command(flatten)]
    studio: StudioArguments,
}

#[derive(Serialize)]
struct Serving {
    success: bool,
    url: String,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let address = SocketAddr::new(arguments.host, arguments.port);
    // Whoever reads that it serves sends modules at once, and may be a machine that replaces what does not come up.
    let proof = Proof::ReadyBrowser;
    let start = render_service::start(&context.ui, &arguments.studio, proof, address, arguments.queue.into());
    let server = context.until_interrupted(start).await?;
    context.ui.result(&Serving { success: true, url: server.url().to_string().trim_end_matches('/').to_owned() })?;
    context.ui.status("the render server runs until Ctrl-C");
    context.interrupt.requested().await;
    server.stop().await;
    Ok(())
}
