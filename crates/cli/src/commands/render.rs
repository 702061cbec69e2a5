//! `404-cli render`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use gen404_outside::http::parse_address;
use gen404_outside::observer::Observer;
use gen404_renderer::{
    Batch, BatchEvent, Health, OutputFolder, RenderError, RenderService, Renderer, SERVICE_PATIENCE, Summary,
    contact_sheet,
};
use gen404_round::view::ViewSet;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::arguments::StudioArguments;
use crate::context::Context;
use crate::errors::{Blame, CommandError, sentence};
use crate::shares::shares;
use crate::ui::{Progress, Ui};

/// Time for one answer of a service; it gives up on a module after 30 seconds itself, but queues without bound.
const ANSWER_LIMIT: Duration = Duration::from_mins(5);

/// Render every *.js of a folder, with a render service or with the renderer built into this tool
///
/// Writes for every `<stem>.js` the picture `<stem>.png` (the grid of four views) and, for the judge, `<stem>/grid.png`,
/// `<stem>/white/*.png` and `<stem>/gray/*.png`. What is up to date is skipped. With --endpoint the official service draws;
/// without, a Chromium of this machine gives the same pixels. --sheet alone makes a contact sheet of an output folder.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder with the modules
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of a render service; the built-in renderer is not used then. Give it several times, and they share the work
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    endpoint: Vec<Url>,
    /// Where the pictures go
    #[arg(long, value_name = "DIR", default_value = "results")]
    output_dir: PathBuf,
    /// Whose pictures: those of the command-line judge, of the official pipeline, or both
    #[arg(long, value_name = "SET", value_enum, default_value_t = Views::All)]
    views: Views,
    /// Modules that each service renders at the same time; more than two gain nothing at the official one
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Render also what is up to date
    #[arg(long)]
    force: bool,
    /// Put every object of the output folder, small and with its name, on this one picture
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
    #[command(flatten)]
    studio: StudioArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Views {
    /// front, not `front_below`
    Cli,
    /// `front_below`, not front
    Official,
    /// Both
    All,
}

impl From<Views> for ViewSet {
    fn from(views: Views) -> Self {
        match views {
            Views::Cli => Self::Cli,
            Views::Official => Self::Official,
            Views::All => Self::All,
        }
    }
}

#[derive(Serialize)]
struct Outcome<'a> {
    success: bool,
    output_dir: &'a Path,
    rendered: usize,
    up_to_date: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<&'a Path>,
    /// What each of several services did.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<Value>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let (summary, endpoints) = match &arguments.data_dir {
        Some(modules) => render(context, &arguments, modules).await?,
        None if arguments.sheet.is_none() => return Err(CommandError::usage("--data-dir is missing")),
        None => (Summary::default(), None),
    };
    let failure = failure(&summary, &arguments.output_dir);
    let sheet = match &arguments.sheet {
        Some(file) => make_sheet(&context.ui, &arguments.output_dir, file).await,
        None => Ok(()),
    };
    // What failed first is told first; a missing sheet is then no surprise.
    let told = |failure: CommandError| match &endpoints {
        Some(endpoints) => failure.with_field("endpoints", endpoints.clone()),
        None => failure,
    };
    failure.map(told).map_or(sheet, Err)?;
    context.ui.result(&Outcome {
        success: true,
        output_dir: &arguments.output_dir,
        rendered: summary.rendered.len(),
        up_to_date: summary.up_to_date.len(),
        sheet: arguments.sheet.as_deref(),
        endpoints,
    })
}

/// Returns what became of the modules, and what each of several services did.
async fn render(
    context: &Context,
    arguments: &Arguments,
    modules: &Path,
) -> Result<(Summary, Option<Value>), CommandError> {
    let batch = |concurrency: usize| Batch {
        modules: modules.to_owned(),
        output: OutputFolder::new(&arguments.output_dir),
        views: arguments.views.into(),
        force: arguments.force,
        concurrency,
    };
    if !arguments.endpoint.is_empty() {
        let work = async {
            let (service, _) = service(context, &arguments.endpoint).await?;
            let at_once = usize::from(arguments.concurrency) * arguments.endpoint.len();
            let summary = watched(context, &batch(at_once), &service).await?;
            Ok((summary, (arguments.endpoint.len() > 1).then(|| shares(service.shares()))))
        };
        return context.until_interrupted(work).await;
    }
    let studio = arguments.studio.studio(&context.ui).await?;
    // One module more than browsers, so that none waits while another module's files are written.
    let batch = batch(studio.options().browsers + 1);
    let outcome = context.until_interrupted(watched(context, &batch, &studio)).await;
    studio.close().await;
    Ok((outcome?, None))
}

/// The service at these addresses, of which at least one is there, and none is known to draw other pixels than the others.
///
/// With it comes what the pixels depend on, where the services say so.
pub(super) async fn service(
    context: &Context,
    addresses: &[Url],
) -> Result<(RenderService, Option<String>), CommandError> {
    let service = RenderService::new(addresses.iter().cloned(), SERVICE_PATIENCE, ANSWER_LIMIT)?;
    context.ui.status(format!("asking {} for its health", service.addresses().join(", ")));
    let Health { there, missing } = service.health().await?;
    for error in &missing {
        context.ui.warning(format!("{}; the other services do its work", sentence(error)));
    }
    let mut known = there.iter().filter_map(|(address, renderer)| Some((address, renderer.as_ref()?)));
    if let Some((first, renderer)) = known.next()
        && let Some((other, unlike)) = known.find(|(_, other)| *other != renderer)
    {
        return Err(CommandError::usage(format!(
            "the render services draw different pixels: {first} has {renderer}, {other} has {unlike}"
        ))
        .with_hint("use one version of the renderer, and --fast everywhere or nowhere"));
    }
    let renderer = there.iter().find_map(|(_, renderer)| renderer.clone());
    Ok((service, renderer))
}

async fn watched(context: &Context, batch: &Batch, renderer: &impl Renderer) -> Result<Summary, CommandError> {
    let watch = Watch { ui: context.ui.clone(), progress: std::sync::OnceLock::new(), done: AtomicU64::new(0) };
    Ok(batch.run(renderer, &watch).await?)
}

/// Shows how the batch gets on, and every failure when it happens.
struct Watch {
    ui: Ui,
    progress: std::sync::OnceLock<Progress>,
    done: AtomicU64,
}

impl Observer<BatchEvent<'_>> for Watch {
    fn on(&self, event: BatchEvent<'_>) {
        let name = match event {
            BatchEvent::Found { modules } => {
                let total = u64::try_from(modules).ok();
                self.progress.get_or_init(|| self.ui.progress(total, "rendering"));
                return;
            }
            BatchEvent::Failed { name, error } => {
                self.ui.warning(format!("{name}.js: {}", reason(error)));
                name
            }
            BatchEvent::UpToDate { name } | BatchEvent::Rendered { name } => name,
        };
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = self.progress.get() {
            progress.update(done, name);
        }
    }
}

/// What is wrong with a module, rule by rule where it breaks rules.
fn reason(error: &RenderError) -> String {
    error.refusal().map_or_else(|| sentence(error), ToString::to_string)
}

async fn make_sheet(ui: &Ui, folder: &Path, file: &Path) -> Result<(), CommandError> {
    let (folder, target) = (folder.to_owned(), file.to_owned());
    let objects = tokio::task::spawn_blocking(move || contact_sheet(&folder, &target))
        .await
        .expect("making a contact sheet does not panic")?;
    ui.done(format!("{objects} objects on {}", file.display()));
    Ok(())
}

/// One sentence for a run in which something failed; its JSON names every module and its broken rules.
fn failure(summary: &Summary, output_dir: &Path) -> Option<CommandError> {
    let (_, first) = summary.failed.first()?;
    let tried = summary.rendered.len() + summary.up_to_date.len() + summary.failed.len();
    let total = tried + summary.not_tried;
    let fatal = summary.failed.iter().map(|(_, error)| error).find(|error| error.is_fatal());
    let mut failure = match fatal {
        // The reason is one for all; which module met it first does not matter.
        Some(error) => CommandError::from(error),
        None if total == 1 => CommandError::from(first),
        None => {
            let all_of_service = summary.failed.iter().all(|(_, error)| error.is_service_failure());
            let blame = if all_of_service { Blame::Service } else { Blame::Here };
            CommandError::new(blame, format!("{} of {total} modules could not be rendered", summary.failed.len()))
        }
    };
    let entry = |(name, error): &(String, RenderError)| match error.failures() {
        failures if failures.is_empty() => json!({"stem": name, "error": reason(error)}),
        failures => json!({"stem": name, "error": reason(error), "failures": failures}),
    };
    let failed: Vec<Value> = summary.failed.iter().map(entry).collect();
    for (name, value) in [
        ("output_dir", json!(output_dir)),
        ("rendered", json!(summary.rendered.len())),
        ("up_to_date", json!(summary.up_to_date.len())),
        ("not_tried", json!(summary.not_tried)),
        ("failed", json!(failed)),
    ] {
        failure = failure.with_field(name, value);
    }
    Some(failure)
}
