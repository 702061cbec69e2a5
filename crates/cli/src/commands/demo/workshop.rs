//! The demo's work on modules: a rented generator makes them for the round's prompts; when the round is over, they are rendered and
//! judged against the leader's. Only types commands through the miner.

use std::path::{Path, PathBuf};

use gen404_sandbox::Sandbox;

use super::miner::Miner;
use crate::arguments::StudioArguments;
use crate::context::Context;
use crate::errors::CommandError;

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
    pub(super) fn new(context: &'a Context, miner: &'a Miner<'a>, sandbox: &'a Sandbox, folder: &'a Path) -> Self {
        let prompts = folder.join("prompts.json").to_string_lossy().into_owned();
        Self { context, miner, sandbox, folder, prompts }
    }

    /// Fetches the prompts, rents a machine, generates on it, gives it back. Returns the folder of modules.
    pub(super) async fn generate(&self) -> Result<PathBuf, CommandError> {
        self.miner.chapter("Fetch the round's prompts and seed");
        self.miner.state(&["round", "prompts", "-o", &self.prompts]).await?;
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

    /// Puts the modules where the CDN serves them, and reads them as the subnet will. The CDN's own folder takes them, because keys
    /// of a storage would have to come from this process's environment, where the user's own may be.
    pub(super) async fn deliver(&self, modules: &Path, place: &Path, cdn_url: &str) -> Result<(), CommandError> {
        self.miner.chapter("Upload the modules before the deadline; each is read back");
        let (modules, place) = (modules.to_string_lossy(), place.to_string_lossy());
        let line = ["upload", "--data-dir", &modules, "--copy-to", &place, "--public-url", cdn_url];
        self.miner.command(&[&line[..], &["--prompts-json", &self.prompts]].concat()).await?;
        self.miner.chapter("See what the subnet will read: entry, repository, files");
        let verified = self.miner.on_chain(&["verify", "--repository", &self.path("pipeline")]).await?;
        if verified["success"] == true {
            Ok(())
        } else {
            Err(CommandError::failed("the submission is not as it should be"))
        }
    }

    /// Fetches what the leader had for this round, renders both, lets the judge decide. Returns the report.
    pub(super) async fn judge(&self, studio: &StudioArguments, round: u64) -> Result<PathBuf, CommandError> {
        self.miner.chapter("See why: what did the leader have?");
        let (leader, round) = (self.path("leader"), round.to_string());
        self.miner.state(&["round", "outputs", "--of", "leader", "--round", &round, "--dir", &leader]).await?;

        self.miner.chapter("See what the judges see");
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
