//! The demo's second half: a rented generator makes modules for a few prompts, the leader's older pipeline makes worse ones,
//! both are rendered and judged. Types commands through the miner; the only thing it starts itself is the leader's generator.

use std::path::{Path, PathBuf};

use gen404_sandbox::Sandbox;
use gen404_sandbox::generator::{self, Quality, SampleGenerator};
use serde_json::Value;

use super::miner::Miner;
use crate::arguments::StudioArguments;
use crate::context::Context;
use crate::errors::CommandError;

/// Prompts of the demo: enough for a match, few enough for a minute.
const PROMPTS: usize = 6;

/// Any key but `bad-key` opens the sandbox's Targon API.
const KEY: &str = "demo-key";

pub(super) struct Workshop<'a> {
    context: &'a Context,
    miner: &'a Miner<'a>,
    sandbox: &'a Sandbox,
    folder: &'a Path,
    prompts: String,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(
        context: &'a Context,
        miner: &'a Miner<'a>,
        sandbox: &'a Sandbox,
        folder: &'a Path,
    ) -> Result<Self, CommandError> {
        let prompts = few_prompts(&sandbox.directory().prompts_json, folder)
            .map_err(|error| CommandError::failed(format!("the demo cannot prepare its prompts: {error}")))?;
        Ok(Self { context, miner, sandbox, folder, prompts })
    }

    /// Rents a machine, generates on it, gives it back. Returns the folder of modules.
    pub(super) async fn generate(&self) -> Result<PathBuf, CommandError> {
        let targon = self.sandbox.directory().targon.as_str();
        let account = ["--targon-base-url", targon, "--targon-api-key", KEY];
        self.miner.chapter("Rent a machine for the pipeline");
        let image = ["start-generator", "--image-url", "registry.example/demo-miner/pipeline:1"];
        let pod = self.miner.command(&[&image[..], &account].concat()).await?;
        let url = pod["container_url"].as_str().unwrap_or_default().to_owned();

        self.miner.chapter("Generate a module for every prompt");
        let modules = self.make("challenger", &url).await?;
        self.miner.chapter("Give the machine back: it costs money as long as it runs");
        self.miner.command(&[&["stop-pods"][..], &account].concat()).await?;
        Ok(modules)
    }

    /// Has the leader's pipeline do the same, renders both, lets the judge decide. Returns the report.
    pub(super) async fn judge(&self, studio: &StudioArguments) -> Result<PathBuf, CommandError> {
        self.miner.chapter("The same prompts with the leader's pipeline, an older and coarser one");
        let options = generator::Options { quality: Quality::Coarse, ..generator::Options::default() };
        let leader = SampleGenerator::start(options)
            .await
            .map_err(|error| CommandError::failed(format!("the leader's generator did not start: {error}")))?;
        self.make("leader", leader.url().as_str()).await?;

        self.miner.chapter("See what the judges will see");
        let studio = studio.as_flags();
        for side in ["leader", "challenger"] {
            let (modules, pictures) = (self.path(side), self.path(&format!("{side}-pictures")));
            let sheet = self.path(&format!("{side}.png"));
            let line = ["render", "--data-dir", &modules, "--output-dir", &pictures, "--sheet", &sheet];
            self.miner.command(&[&line[..], &studio.iter().map(String::as_str).collect::<Vec<_>>()].concat()).await?;
        }
        self.miner.chapter("Let the judge compare them, prompt by prompt");
        let (left, right) = (self.path("leader-pictures"), self.path("challenger-pictures"));
        let results = self.path("judge-results");
        let line = ["judge", "--prompts-json", &self.prompts, "--image-dir-1", &left, "--image-dir-2", &right];
        let endpoint = ["--endpoint", &self.sandbox.directory().judge, "--seed", "404", "--output-dir", &results];
        self.miner.command(&[&line[..], &endpoint].concat()).await?;
        Ok(Path::new(&results).join("report.html"))
    }

    async fn make(&self, side: &str, endpoint: &str) -> Result<PathBuf, CommandError> {
        let modules = self.path(side);
        let line = ["generate", "--prompts-json", &self.prompts, "--endpoint", endpoint, "--output-folder", &modules];
        self.miner.command(&line).await?;
        self.context.ui.faint(format!("the modules are in {modules}"));
        Ok(modules.into())
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

/// A prompts file with the first few of the sandbox's prompts.
fn few_prompts(all: &Path, folder: &Path) -> std::io::Result<String> {
    let mut set: Value = serde_json::from_slice(&std::fs::read(all)?)?;
    if let Some(prompts) = set["prompts"].as_array_mut() {
        prompts.truncate(PROMPTS);
    }
    let file = folder.join("prompts.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&set)?)?;
    Ok(file.to_string_lossy().into_owned())
}
