//! `404-cli start-renderer`.

use clap::Args;
use gen404_targon::PodKind;

use crate::arguments::targon::StartArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::start;

/// Rent a machine and run the official render service on it
///
/// Runs it as the pod `render` on Targon, waits until its /health answers, and prints its address. `404-cli render`
/// without --endpoint draws the same on your own machine and costs nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    start: StartArguments,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    start::run(context, PodKind::Renderer, None, &arguments.start).await
}
