//! `404-cli start-generator`.

use clap::Args;
use gen404_targon::{ImageReference, PodKind};

use crate::arguments::targon::StartArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::start;

/// Rent a machine and run your generator on it
///
/// Runs your image as the pod `generator` on Targon, waits until its /health answers, and prints its address. If that
/// fails, or you press Ctrl-C, the machine is given back. It costs money until `404-cli stop-pods`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Your generator's container image; it listens on port 10006
    #[arg(long, value_name = "IMAGE")]
    image_url: ImageReference,
    #[command(flatten)]
    start: StartArguments,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    start::run(context, PodKind::Generator, Some(arguments.image_url.clone()), &arguments.start).await
}
