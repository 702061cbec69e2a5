//! `404-cli pods`.

mod logs;

use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table};
use gen404_outside::time::in_words;
use gen404_targon::{Pod, Usd, pods};
use serde::Serialize;

use crate::arguments::targon::TargonArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::Account;

/// List what runs on the Targon account, with age and cost
///
/// One JSON object a line: everything that is not deleted, the pods that stop-pods would stop first. The cost so far is
/// price times age.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print a table for people
    #[arg(long)]
    table: bool,
    #[command(flatten)]
    targon: TargonArguments,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Logs(logs::Arguments),
}

/// One line of the list.
#[derive(Serialize)]
struct PodJson<'a> {
    name: &'a str,
    uid: &'a str,
    status: String,
    targon_type: &'a str,
    resource: Option<&'a str>,
    age_seconds: Option<u64>,
    cost_per_hour: Option<f64>,
    cost_so_far: Option<f64>,
    url: Option<String>,
    /// stop-pods would stop it.
    ours: bool,
    /// Started from this machine.
    started_here: bool,
    /// Its run died before handing it over.
    left_over: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let account = Account::open_with_key(&context.ui, &arguments.targon)?;
    match &arguments.action {
        Some(Action::Logs(logs)) => context.until_interrupted(logs::run(context, &account, logs)).await,
        None => context.until_interrupted(list(context, &account, arguments.table)).await,
    }
}

async fn list(context: &Context, account: &Account, table: bool) -> Result<(), CommandError> {
    account.warn_of_left_overs(context).await?;
    let pods = pods(&account.client, &account.leases).await?;
    let running = pods.iter().filter(|pod| pod.costs_money());
    let an_hour = running
        .filter_map(|pod| pod.workload.cost_per_hour)
        .fold(Usd::default(), |sum, price| sum.plus(price.an_hour()));
    if table {
        let lines: Vec<String> = as_table(&pods).lines().map(|line| line.trim().to_owned()).collect();
        context.ui.document(&format!("{}\n", lines.join("\n")))?;
    } else {
        for pod in &pods {
            context.ui.result(&json(pod))?;
        }
    }
    match pods.len() {
        0 => context.ui.status("no pods on this account"),
        1 => context.ui.status(format!("1 pod, {an_hour} an hour")),
        count => context.ui.status(format!("{count} pods, {an_hour} an hour")),
    }
    Ok(())
}

fn json(pod: &Pod) -> PodJson<'_> {
    let workload = &pod.workload;
    PodJson {
        name: &workload.name,
        uid: workload.uid.as_str(),
        status: workload.state.status.to_string(),
        targon_type: &workload.workload_type,
        resource: workload.resource(),
        age_seconds: pod.age.map(|age| age.as_secs()),
        cost_per_hour: workload.cost_per_hour.map(|price| price.an_hour().dollars()),
        cost_so_far: pod.cost_so_far.map(|cost| (cost.dollars() * 1e4).round() / 1e4),
        url: url(pod),
        ours: pod.kind.is_some(),
        started_here: pod.lease.is_some(),
        left_over: pod.is_left_over(),
    }
}

/// The address of the kind's own port; of any port for a pod that is not ours.
fn url(pod: &Pod) -> Option<String> {
    let state = &pod.workload.state;
    let url = pod.kind.map_or_else(|| state.any_url(), |kind| state.url(kind.port()));
    url.map(|url| url.to_string())
}

fn as_table(pods: &[Pod]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["NAME", "UID", "STATUS", "RESOURCE", "AGE", "AN HOUR", "SO FAR", "OURS", "URL"]);
    for column in 4..=6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let unknown = || "?".to_owned();
    for pod in pods {
        let workload = &pod.workload;
        let ours = match (pod.is_left_over(), pod.kind) {
            (true, _) => "left over",
            (false, Some(_)) => "yes",
            (false, None) => "no",
        };
        table.add_row([
            workload.name.clone(),
            workload.uid.to_string(),
            workload.state.status.to_string(),
            workload.resource().map_or_else(unknown, str::to_owned),
            pod.age.map_or_else(unknown, in_words),
            workload.cost_per_hour.map_or_else(unknown, |price| price.an_hour().to_string()),
            pod.cost_so_far.map_or_else(unknown, |cost| cost.to_string()),
            ours.to_owned(),
            url(pod).unwrap_or_default(),
        ]);
    }
    table
}
