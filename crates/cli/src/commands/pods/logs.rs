//! `404-cli pods logs`.

use clap::Args;
use futures::StreamExt as _;
use gen404_targon::{Uid, Workload};
use serde::Serialize;

use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::Account;

/// Print the log of a pod
///
/// One JSON object a line, or plain text with --plain.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Name or identifier of the pod
    name: String,
    /// Go on as new lines come, until the pod ends
    #[arg(long, short)]
    follow: bool,
    /// How many of the last lines
    #[arg(long, value_name = "LINES", default_value = "100", conflicts_with = "follow")]
    tail: usize,
    /// Print the lines as they are, for people
    #[arg(long)]
    plain: bool,
}

#[derive(Serialize)]
struct LineJson<'a> {
    line: &'a str,
}

pub(super) async fn run(context: &Context, account: &Account, arguments: &Arguments) -> Result<(), CommandError> {
    let workload = find(account, &arguments.name).await?;
    let print = |line: &str| {
        if arguments.plain { context.ui.document(&format!("{line}\n")) } else { context.ui.result(&LineJson { line }) }
    };
    if arguments.follow {
        let mut lines = account.client.follow_logs(&workload.uid).await?;
        while let Some(line) = lines.next().await {
            print(&line?)?;
        }
        context.ui.status("the log has ended");
        return Ok(());
    }
    let lines = account.client.logs(&workload.uid, arguments.tail).await?;
    if lines.is_empty() {
        context.ui.status(format!("no log yet: the pod is {}", workload.state.status));
    }
    lines.iter().try_for_each(|line| print(line))
}

/// The newest pod of exactly that name, else the one of that identifier.
async fn find(account: &Account, name: &str) -> Result<Workload, CommandError> {
    let named = account.client.workloads_named(name).await?;
    let alive = named.into_iter().filter(|workload| !workload.state.status.is_gone());
    if let Some(newest) = alive.max_by_key(|workload| workload.created_at) {
        return Ok(newest);
    }
    match name.parse::<Uid>() {
        Ok(uid) => match account.client.workload(&uid).await {
            Err(gen404_targon::TargonError::NotFound { .. }) => Err(unknown(name)),
            outcome => Ok(outcome?),
        },
        Err(_) => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> CommandError {
    CommandError::failed(format!("no pod is named `{name}`")).with_hint("`404-cli pods` lists them")
}
