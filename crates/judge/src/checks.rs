//! Whether a model's server can judge: one question of each kind, as before every match, about pictures that are made up
//! here. Decides nothing and keeps nothing.

use std::path::Path;

use gen404_outside::explain::Explain as _;
use gen404_outside::pictures::{FetchLimits, Fetcher};
use gen404_outside::time::SystemClock;
use gen404_round::PromptSet;
use gen404_round::check::Check;
use gen404_round::view::ViewSet;

use crate::plan::{Match, Plan, PromptPictures};
use crate::profile::Profile;
use crate::rehearsal::rehearse;
use crate::vlm::ChatClient;

/// Names of the checks.
pub const CHECKS: [&str; 1] = ["model"];

/// A grey box, as large as the pictures of a match are when they are sent.
const PICTURE: &[u8] = include_bytes!("../assets/rehearsal.png");
const STEM: &str = "rehearsal";
/// Questions of each kind that may be on their way.
const AT_ONCE: usize = 8;

/// Where there is no server.
pub fn without_endpoint() -> Vec<Check> {
    vec![Check::skipped("model", "no model's server is named", "give its address as --model-endpoint")]
}

/// Asks the server.
pub async fn checks(client: &ChatClient, model: &str, profile: Profile) -> Vec<Check> {
    vec![ask(client, model, profile).await]
}

async fn ask(client: &ChatClient, model: &str, profile: Profile) -> Check {
    let folder = match prepare() {
        Ok(folder) => folder,
        Err(error) => {
            return Check::fail("model", format!("no place for pictures to ask about: {error}"), "see TMPDIR");
        }
    };
    let Ok(fetcher) = Fetcher::new(FetchLimits::default()) else {
        return Check::fail("model", "no HTTP client could be made", "see the certificate authorities of this machine");
    };
    let models = match client.greet().await {
        Ok(greeting) => greeting.names(),
        Err(error) => {
            return Check::fail(
                "model",
                error.sentence(),
                "is the server running, and is this its address? `404-cli start-judge` rents one",
            );
        }
    };
    let mut plan = plan(folder.path(), model, profile);
    // Its questions hold whole pictures' worth of state.
    match Box::pin(rehearse(&mut plan, &fetcher, client, &SystemClock::start(), AT_ONCE, &())).await {
        Ok((_, rehearsed)) if rehearsed.stem.is_some() => {
            Check::pass("model", format!("{model} answers every kind of question ({} requests)", rehearsed.calls))
        }
        Ok(_) => Check::fail("model", "there was nothing to ask", "please report this"),
        Err(error) => {
            let others = models.filter(|models| !models.iter().any(|known| known == model)).unwrap_or_default();
            let mut fix = error.hint().unwrap_or_default().into_owned();
            if !others.is_empty() {
                fix = format!("{fix}; the server has: {}", others.join(", "));
            }
            Check::fail("model", error.sentence(), fix)
        }
    }
}

/// The pictures of both sides and of the prompt.
fn prepare() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("404-cli-rehearsal-").tempdir()?;
    std::fs::write(folder.path().join("prompt.png"), PICTURE)?;
    for side in ["left", "right"] {
        for picture in ViewSet::All.pictures() {
            let path = folder.path().join(side).join(STEM).join(format!("{picture}.png"));
            std::fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
            std::fs::write(path, PICTURE)?;
        }
    }
    Ok(folder)
}

fn plan(folder: &Path, model: &str, profile: Profile) -> Plan {
    let prompts = format!(r#"{{"prompts": [{{"stem": "{STEM}", "image_url": "prompt.png"}}]}}"#);
    let contest = Match {
        prompts: PromptSet::parse(prompts.as_bytes()).expect("one good prompt"),
        prompts_file: folder.join("prompts.json"),
        left: folder.join("left"),
        right: folder.join("right"),
        output: folder.join("out"),
        profile,
        model: model.to_owned(),
        seed: 0,
        prompt_pictures: PromptPictures::Data,
    };
    Plan::make(contest, true)
}
