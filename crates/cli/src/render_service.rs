//! The built-in renderer as a service: of its own command, and of the sandbox where this machine can have one.
//! Knows how a sandbox goes on without: rehearsals of everything else must not need a browser.

use std::net::SocketAddr;

use gen404_renderer::RenderError;
use gen404_renderer::server::{RenderServer, ServerOptions};

use crate::arguments::StudioArguments;
use crate::errors::CommandError;
use crate::ui::Ui;

/// What is asked of the renderer before it counts as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// That there is a browser; the rest shows with the first request, which may never come.
    Program,
    /// That three is there and a browser is ready to draw.
    ReadyBrowser,
}

/// Starts it on a free port of the loopback; says why not, and goes on, when there is no Chromium or no three.
pub(crate) async fn start_if_possible(ui: &Ui, studio: &StudioArguments, proof: Proof) -> Option<RenderServer> {
    /// Callers of a sandbox are few; what they send in one go may wait.
    const QUEUE: usize = 64;
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    match start(ui, studio, proof, address, QUEUE).await {
        Ok(server) => Some(server),
        Err(error) => {
            ui.warning(format!("no renderer: {error}"));
            error.hints.iter().for_each(|hint| ui.hint(hint));
            None
        }
    }
}

/// Starts it.
pub(crate) async fn start(
    ui: &Ui,
    studio: &StudioArguments,
    proof: Proof,
    address: SocketAddr,
    queue: usize,
) -> Result<RenderServer, CommandError> {
    let studio = studio.studio(ui).await?;
    if proof == Proof::ReadyBrowser
        && let Err(error) = studio.warm_up().await
    {
        studio.close().await;
        return Err(CommandError::from(&RenderError::from(error)));
    }
    Ok(RenderServer::start(ServerOptions { address, studio, queue, warm_up: false }).await?)
}
