//! Prompt pictures from the network, kept beside the results so that a report needs no network.
//! A picture that cannot be had is a warning: the page says so in its place.

use std::path::{Path, PathBuf};

use gen404_outside::http::missing_authorities;
use gen404_outside::pictures::{FetchError, Fetcher, Shelf};
use gen404_report::RemotePrompt;
use url::Url;

use crate::commands::judge::prompt_hosts;
use crate::errors::sentence;
use crate::ui::Ui;
use crate::waiting;

/// Fetches what is missing, but for what this fetcher has already asked for in vain.
pub(super) async fn fetch(ui: &Ui, fetcher: &Fetcher, prompts: &[RemotePrompt]) {
    let Some(folder) = prompts.first().and_then(|prompt| prompt.file.parent()) else { return };
    // What `judge` fetched is found by its address already; what it left to the model's server is not.
    let wanted = prompts.iter().filter_map(|prompt| Some((prompt, prompt.url.parse::<Url>().ok()?)));
    let wanted: Vec<_> = wanted.filter(|(_, url)| !fetcher.has_failed(url)).collect();
    if wanted.is_empty() {
        return;
    }
    ui.status(format!("fetching prompt pictures: {}", wanted.len()));
    let (shelf, hosts) = (Shelf::beside(folder), || prompt_hosts(fetcher));
    let pictures = waiting::telling(ui, hosts, fetcher.fetch_all(&shelf, wanted)).await;
    let kept =
        pictures.into_iter().map(|(prompt, picture)| (prompt, picture.and_then(|picture| keep(&picture, prompt))));
    let missed: Vec<(&RemotePrompt, FetchError)> =
        kept.filter_map(|(prompt, kept)| kept.err().map(|error| (prompt, error))).collect();
    if let Some((prompt, error)) = missed.first() {
        let reason = sentence(error);
        ui.warning(format!("prompt pictures that could not be had: {} ({}: {reason})", missed.len(), prompt.stem));
        if let Some(hint) = missing_authorities(error) {
            ui.hint(hint);
        }
    }
}

/// Gives the picture its prompt's name besides, for people and other tools.
fn keep(picture: &Path, prompt: &RemotePrompt) -> Result<(), FetchError> {
    // A stem may hold dots, so the extension is appended, not replaced.
    let mut name = prompt.file.clone().into_os_string();
    name.push(".");
    name.push(picture.extension().unwrap_or_default());
    let named = PathBuf::from(name);
    let linked = std::fs::hard_link(picture, &named).or_else(|_| std::fs::copy(picture, &named).map(drop));
    linked.map_err(|source| FetchError::Disk { folder: named.parent().unwrap_or(Path::new(".")).to_owned(), source })
}
