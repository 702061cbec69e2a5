//! `404-cli upload`.

mod display;
mod folder;
mod modules;
mod read_back;
mod result;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, value_parser};
use gen404_round::CdnUrl;
use gen404_storage::{Acl, Bucket, Delivered, Location, Module, Patience, Upload};

use self::display::Display;
use self::result::Report;
use crate::arguments::StorageArguments;
use crate::context::Context;
use crate::errors::CommandError;

/// Put modules where the subnet downloads them, and read them back there
///
/// Uploads the *.js files of a folder to S3-compatible storage (AWS, R2, B2 and others), or copies them into a folder that a
/// web server serves. What is there already is not touched: the subnet's auditor takes the time of a file for the time of its
/// making. A run that was stopped or killed is completed by giving the same command again. Keys are looked for as S3's own tools
/// do: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or a profile of ~/.aws. docs/upload.md says more.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder with the modules, one per stem: STEM.js
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Copy them into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    copy_to: Option<PathBuf>,
    /// Address below which everybody reads them, as in commit-repo-cdn: every module is read back from there
    #[arg(long, value_name = "URL")]
    public_url: Option<CdnUrl>,
    /// Prompts of the round, as for generate: say which of them have no module, and end with exit code 1 then
    #[arg(long, value_name = "FILE")]
    prompts_json: Option<PathBuf>,
    /// Deliver modules too that the subnet would refuse by their text
    #[arg(long)]
    deliver_refused: bool,
    /// Who may read what is uploaded, for storages that want to be told with each file
    #[arg(long, value_name = "ACL", value_enum)]
    acl: Option<AclChoice>,
    /// Modules under way at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// Look what is there, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    storage: StorageArguments,
}

/// Canned ACLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AclChoice {
    PublicRead,
    BucketOwnerFullControl,
}

impl From<AclChoice> for Acl {
    fn from(choice: AclChoice) -> Self {
        match choice {
            AclChoice::PublicRead => Self::PublicRead,
            AclChoice::BucketOwnerFullControl => Self::BucketOwnerFullControl,
        }
    }
}

/// Where the modules go.
enum Place<'a> {
    Storage(&'a Location),
    Folder(&'a Path),
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    context.until_interrupted(deliver(context, &arguments)).await
}

async fn deliver(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let place = place(arguments)?;
    let folder = modules::read(&arguments.data_dir).await?;
    let prompts = arguments.prompts_json.as_deref().map(crate::prompts_file::read).transpose()?;
    let mut report = Report::new(&folder, prompts.as_ref(), arguments);
    modules::warn(&context.ui, &folder, &report);
    if !folder.refused.is_empty() && !arguments.deliver_refused {
        return Err(report.refused(&folder));
    }
    let display = Display::new(&context.ui, &folder.modules, arguments.dry_run);
    let (delivered, outcome) = match place {
        Place::Storage(location) => upload(arguments, location, &folder.modules, &display).await?,
        Place::Folder(target) => folder::copy(target, &folder.modules, arguments.dry_run, &display).await,
    };
    display.finish(&delivered);
    report.delivered(&delivered);
    if let Err(error) = outcome {
        return Err(report.broken_off(error));
    }
    match &arguments.public_url {
        Some(_) if arguments.dry_run => {}
        Some(url) => {
            let read = read_back::all(&context.ui, url, &folder.modules, arguments.concurrency.into()).await?;
            report.read_back(read);
        }
        None if !arguments.dry_run => {
            context.ui.warning("nothing was read back: give the address that the subnet will ask with --public-url");
        }
        None => {}
    }
    report.conclude(context)
}

/// Also where one of the options comes from a variable or a settings file, of which the parser knows nothing.
fn place(arguments: &Arguments) -> Result<Place<'_>, CommandError> {
    match (&arguments.storage.to, &arguments.copy_to) {
        (Some(location), None) => Ok(Place::Storage(location)),
        (None, Some(folder)) => Ok(Place::Folder(folder)),
        (Some(_), Some(_)) => Err(CommandError::usage("--to and --copy-to do not go together")),
        (None, None) => {
            let error = CommandError::usage("where to is not said");
            Err(error.with_hint("give --to s3://BUCKET/PREFIX, or --copy-to DIR for a folder that a web server serves"))
        }
    }
}

type Uploaded = (Vec<Delivered>, Result<(), CommandError>);

async fn upload(
    arguments: &Arguments,
    location: &Location,
    modules: &[Module],
    display: &Display,
) -> Result<Uploaded, CommandError> {
    let (endpoint, credentials) = arguments.storage.find().await?;
    display.begins(location, &endpoint, &credentials);
    let bucket = Bucket::new(endpoint, location.bucket(), credentials, arguments.acl.map(Into::into))?;
    let upload = Upload {
        bucket: &bucket,
        location,
        modules,
        concurrency: arguments.concurrency.into(),
        patience: Patience::default(),
        dry_run: arguments.dry_run,
    };
    let (delivered, outcome) = upload.run(display).await;
    Ok((delivered, outcome.map_err(Into::into)))
}
