//! The options of the renderer built into the tool, shared by every command that draws on this machine.
//! They become a studio here; what it draws is the command's business.

use std::path::{Path, PathBuf};

use clap::Args;
use etcetera::BaseStrategy;
use gen404_renderer::{
    Chromium, ChromiumError, Failure, GraphicsBackend, Studio, StudioOptions, TextRules, ThreeSource, VERIFIED_VERSION,
};
use gen404_validator::{Finding, Validator};

use crate::errors::CommandError;
use crate::ui::Ui;

/// Options of the browser that modules are run in.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Built-in renderer")]
pub(crate) struct BrowserArguments {
    /// Chromium or Chrome to draw with, when it is not on PATH
    #[arg(long, value_name = "PATH", env = "CHROMIUM_PATH")]
    pub(crate) chromium: Option<PathBuf>,
    /// build/three.module.js of three@0.183.2, with three.core.js beside it; fetched once through npm when not given
    #[arg(long, value_name = "FILE", env = "GEN404_THREE_MODULE")]
    pub(crate) three_module: Option<PathBuf>,
    /// Browsers that draw at the same time, one a core when not given
    #[arg(long, value_name = "N", env = "GEN404_BROWSERS", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) browsers: Option<u16>,
}

/// Options of the built-in renderer.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Built-in renderer")]
pub(crate) struct StudioArguments {
    #[command(flatten)]
    pub(crate) browser: BrowserArguments,
    /// Draw with the system's OpenGL: faster, but not pixel for pixel what the judges see
    #[arg(long)]
    pub(crate) fast: bool,
}

impl BrowserArguments {
    /// The same options as words of a command line.
    fn as_flags(&self) -> impl Iterator<Item = String> {
        let chromium = self.chromium.as_ref().map(|path| format!("--chromium={}", path.display()));
        let three = self.three_module.as_ref().map(|path| format!("--three-module={}", path.display()));
        let browsers = self.browsers.map(|number| format!("--browsers={number}"));
        [chromium, three, browsers].into_iter().flatten()
    }

    async fn find(&self) -> Result<Chromium, ChromiumError> {
        Chromium::find(self.chromium.as_deref(), std::env::var_os("PATH").as_deref()).await
    }

    /// The options of a studio with this browser.
    fn options(&self, chromium: Chromium) -> Result<StudioOptions, CommandError> {
        let three = match &self.three_module {
            Some(file) => ThreeSource::File(file.clone()),
            None => ThreeSource::Cache(cache_folder()?),
        };
        let mut options = StudioOptions::new(chromium, three);
        if let Some(browsers) = self.browsers {
            options.browsers = browsers.into();
        }
        Ok(options)
    }

    /// A studio that runs modules and draws none.
    pub(crate) async fn without_pictures(&self) -> Result<Studio, CommandError> {
        let chromium = self.find().await?;
        Ok(Studio::new(StudioOptions { pictures: false, ..self.options(chromium)? }))
    }
}

impl StudioArguments {
    /// The same options as words of a command line.
    pub(crate) fn as_flags(&self) -> Vec<String> {
        self.browser.as_flags().chain(self.fast.then(|| "--fast".to_owned())).collect()
    }

    /// A studio with these options, which has started nothing but a look at the browser's version.
    pub(crate) async fn studio(&self, ui: &Ui) -> Result<Studio, CommandError> {
        let chromium = self.browser.find().await.map_err(or_a_service)?;
        let mut options = self.browser.options(chromium)?;
        options.text_rules = Some(TextRules(broken_in_the_service));
        if self.fast {
            ui.warning("--fast: edges and shades differ a little from the pictures that the judges get");
            options.graphics = GraphicsBackend::System;
            // Mesa's software driver needs more for scenes with glass than the exact one does.
            options.memory_limit = 4 * 1024 * 1024 * 1024;
        } else if !options.chromium.version().starts_with(VERIFIED_VERSION) {
            ui.faint(format!(
                "Chromium {} draws; equal pixels are verified with {VERIFIED_VERSION}, others have differed by 2 at most",
                options.chromium.version()
            ));
        }
        Ok(Studio::new(options))
    }
}

/// Pictures can be had without a browser of this machine.
fn or_a_service(error: ChromiumError) -> CommandError {
    let missing = matches!(error, ChromiumError::NotFound);
    let error = CommandError::from(error);
    if missing { error.with_hint("--endpoint URL renders on a service instead") } else { error }
}

/// The rules that the render service finds broken in a module's text, before it runs anything.
pub(crate) fn broken_in_the_service(source: &str) -> Vec<Failure> {
    let report = gen404_validator::validate(source);
    report.verdict(Validator::RenderService).map(failure).collect()
}

/// A finding as the render service records it.
pub(crate) fn failure(finding: &Finding) -> Failure {
    let Finding { stage, rule, detail, .. } = finding;
    Failure { stage: stage.to_string(), rule: rule.to_string(), detail: detail.clone() }
}

/// `~/.cache/404-cli`, or where `XDG_CACHE_HOME` says.
fn cache_folder() -> Result<PathBuf, CommandError> {
    let folders = etcetera::choose_base_strategy()
        .map_err(|error| CommandError::usage(format!("no home folder to keep three in: {error}")))?;
    Ok(folders.cache_dir().join(Path::new("404-cli")))
}
