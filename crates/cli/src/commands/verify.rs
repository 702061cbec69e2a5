//! `404-cli verify`.

mod screen;
mod until;

use std::time::Duration;

use clap::Args;
use gen404_delivery::Manners;
use gen404_round::Hotkey;

use crate::arguments::SubmissionArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::hotkey;
use crate::verification::{Question, Verified, Verifier};

/// Say what the subnet will read of a submission: reveals, repository, and every file at the CDN
///
/// Reads as the subnet does and without any key: what counts for the round and its place in line, the commit at its public
/// place with docker/Dockerfile and hardware.json, and every stem of the round's prompts at the CDN, judged by its text. Of a
/// round whose files were read already it says what the subnet has written down. Exit code 1 when something costs a stem or
/// the round, 3 when that cannot be known now. See docs/verify.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The hotkey's SS58 address; the wallet options name one as well
    #[arg(value_name = "HOTKEY", conflicts_with = "hotkey")]
    address: Option<Hotkey>,
    /// The round; the current one when not given
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    /// Another hotkey of yours whose files must not have the same bytes. May be repeated
    #[arg(long, value_name = "HOTKEY")]
    also: Vec<Hotkey>,
    /// Compare with the leader's files too, which fetches all of them
    #[arg(long)]
    compare_leader: bool,
    /// Maximum seconds for one file; the subnet waits up to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    cdn_timeout: u32,
    /// Check again and again until the round's deadline block
    #[arg(long)]
    until_deadline: bool,
    /// Seconds between two checks
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..), requires = "until_deadline")]
    interval: u32,
    /// Command for the shell to run on every change, with the JSON on its stdin
    #[arg(long, value_name = "COMMAND", requires = "until_deadline")]
    on_change: Option<String>,
    #[command(flatten)]
    submission: SubmissionArguments,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let SubmissionArguments { required_lock, repository, own, subtensor, state } = &arguments.submission;
    let hotkey = match arguments.address {
        Some(hotkey) => hotkey,
        None => hotkey::address(own)?.ok_or_else(|| {
            CommandError::usage("whose submission? No hotkey is named")
                .with_hint("give its SS58 address, or --wallet.name and --wallet.hotkey")
        })?,
    };
    let question = Question {
        hotkey,
        round: arguments.round,
        also: arguments.also.iter().copied().filter(|also| *also != hotkey).collect(),
        leader: arguments.compare_leader,
        repository: repository.repository.clone(),
        required: *required_lock,
        sample: None,
    };
    let manners = Manners { time_limit: Duration::from_secs(arguments.cdn_timeout.into()), ..Manners::default() };
    let reader = Verifier::new(&context.ui, state, subtensor, manners)?;
    context
        .until_interrupted(async {
            if arguments.until_deadline {
                let interval = Duration::from_secs(arguments.interval.into());
                Box::pin(until::deadline(context, &reader, question, interval, arguments.on_change.as_deref())).await
            } else {
                let verified = Box::pin(reader.verify(context, &question)).await?;
                screen::show(&context.ui, &verified);
                answer(context, &verified)
            }
        })
        .await
}

/// The JSON of a good submission, or the failure that names what is wrong.
fn answer(context: &Context, verified: &Verified) -> Result<(), CommandError> {
    match verified.failure() {
        Some(failure) => Err(failure),
        None => context.ui.result(verified),
    }
}
