//! `404-cli start-judge`.

use clap::Args;
use gen404_targon::PodKind;

use crate::arguments::targon::StartArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::start;

/// Rent a machine and run the judge's model on it
///
/// Runs GLM-4.6V-Flash behind vLLM as the pod `judge` on Targon, waits until its /health answers (the model loads for
/// several minutes), and prints its address.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    start: StartArguments,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    start::run(context, PodKind::Judge, None, &arguments.start).await
}
