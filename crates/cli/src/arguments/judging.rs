//! The options of every command that judges a match: prompts, model, and how it is asked.
//! Where pictures and endpoints come from is the command's own.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gen404_judge::PromptPictures;
use gen404_round::duel::WinMargin;
use secrecy::SecretString;

use super::KeyParser;

/// How a match is judged.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "a flag is a bool, and a match has four")]
pub(crate) struct Judging {
    /// Prompts file; the prompt pictures may be URLs or files
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts_json: PathBuf,
    /// Seed of the round [default: the prompts file's]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Margin from which on the challenger wins, 0 to 1 [default: the profile's, else the running competition's 0.07]
    #[arg(long, value_name = "MARGIN")]
    pub(crate) win_margin: Option<WinMargin>,
    /// Name of the model at the endpoint
    #[arg(long, value_name = "NAME", default_value = "glm-4.6v-flash")]
    pub(crate) model: String,
    /// Key of the endpoint, when it wants one
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", value_parser = KeyParser)]
    pub(crate) api_key: Option<SecretString>,
    /// Requests at once, over all duels, for each endpoint
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) vlm_concurrency: u16,
    /// Seconds a request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) call_timeout: u64,
    /// How often a request is sent again when connection or server fail
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) transport_retries: u32,
    /// How prompt pictures with a URL reach the model: fetched here and sent along, or fetched by the model's server
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ByWay::Data)]
    pub(crate) prompt_pictures: ByWay,
    /// Ask no question of each kind before the match
    #[arg(long)]
    pub(crate) no_rehearsal: bool,
    /// Judge every duel anew, recorded ones too
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Say what it takes and stop before the first call
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write no report.html
    #[arg(long)]
    pub(crate) no_report: bool,
}

/// The words for [`PromptPictures`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ByWay {
    /// Fetched once by this machine, kept in the output folder, and sent along
    Data,
    /// As their addresses, which the model's server fetches
    Url,
}

impl From<ByWay> for PromptPictures {
    fn from(way: ByWay) -> Self {
        match way {
            ByWay::Data => Self::Data,
            ByWay::Url => Self::Url,
        }
    }
}
