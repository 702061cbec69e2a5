//! `404-cli stop-pods`.

use clap::Args;
use gen404_targon::{NotStopped, stop_all};

use crate::arguments::targon::TargonArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::{Account, Watching};

/// Stop the pods generator, render and judge
///
/// Deletes every pod of exactly these names, checks that they are gone, and leaves all others alone. Prints nothing on
/// stdout when it succeeds.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targon: TargonArguments,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let account = Account::open_with_key(&context.ui, &arguments.targon)?;
    let work = async {
        account.warn_of_left_overs(context).await?;
        let observer = Watching::new(&context.ui, "stop-pods");
        let stopped = stop_all(&account.client, &account.leases, &observer).await?;
        if stopped.stopped.is_empty() && stopped.failed.is_empty() {
            context.ui.status("nothing to stop: no pod is named generator, render or judge");
        }
        if stopped.failed.is_empty() { Ok(()) } else { Err(NotStopped(stopped.failed).into()) }
    };
    context.until_interrupted(work).await
}
