//! Prompt pictures from the network, kept beside the results so that a report needs no network.
//! A picture that cannot be had is a warning: the page says so in its place.

use std::path::PathBuf;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use gen404_outside::http;
use gen404_report::{RemotePrompt, prompt_extension};
use reqwest::Client;
use reqwest::redirect::Policy;

use crate::errors::{CommandError, Kind};
use crate::ui::Ui;

/// Time limit of one picture.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest picture.
const LARGEST: usize = 32 << 20;
/// Redirects followed on the way to one.
const REDIRECTS: usize = 5;
/// Pictures fetched at once.
const AT_ONCE: usize = 8;

/// Why a picture could not be had.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error("{}", .0)]
    Http(reqwest::Error),
    #[error("larger than {LARGEST} bytes")]
    TooLarge,
    #[error("no PNG, JPEG or WebP picture")]
    NoPicture,
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("cannot be kept: {0}")]
    Unkept(#[from] std::io::Error),
}

impl From<reqwest::Error> for Missed {
    fn from(error: reqwest::Error) -> Self {
        // an address may carry credentials
        Self::Http(error.without_url())
    }
}

/// Fetches what is missing; only a broken network stack is an error.
pub(super) async fn fetch(ui: &Ui, prompts: &[RemotePrompt]) -> Result<(), CommandError> {
    if prompts.is_empty() {
        return Ok(());
    }
    ui.status(format!("fetching prompt pictures: {}", prompts.len()));
    // Pictures are anybody's, so a redirect does no harm.
    let client = http::client().redirect(Policy::limited(REDIRECTS)).build();
    let client = &client.map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    let fetched = stream::iter(prompts).map(|prompt| async move {
        let picture = tokio::time::timeout(PATIENCE, keep(client, prompt)).await;
        (prompt, picture.unwrap_or(Err(Missed::Late)))
    });
    let missed: Vec<(&RemotePrompt, Missed)> = fetched
        .buffer_unordered(AT_ONCE)
        .filter_map(async |(prompt, picture)| picture.err().map(|missed| (prompt, missed)))
        .collect()
        .await;
    if let Some((prompt, reason)) = missed.first() {
        ui.warning(format!("prompt pictures that could not be had: {} ({}: {reason})", missed.len(), prompt.stem));
        if let Missed::Http(error) = reason
            && let Some(hint) = http::missing_authorities(error)
        {
            ui.hint(hint);
        }
    }
    Ok(())
}

async fn keep(client: &Client, prompt: &RemotePrompt) -> Result<(), Missed> {
    let response = client.get(&prompt.url).send().await?.error_for_status()?;
    let mut body = response.bytes_stream();
    let mut picture = Vec::new();
    while let Some(chunk) = body.next().await {
        picture.extend_from_slice(&chunk?);
        if picture.len() > LARGEST {
            return Err(Missed::TooLarge);
        }
    }
    let extension = prompt_extension(&picture).ok_or(Missed::NoPicture)?;
    if let Some(folder) = prompt.file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    // a stem may hold dots, so the extension is appended, not replaced
    let named = |ending: &str| {
        let mut name = prompt.file.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let part = named(".part");
    tokio::fs::write(&part, &picture).await?;
    tokio::fs::rename(part, named(&format!(".{extension}"))).await?;
    Ok(())
}
