//! `404-cli rehearse`.

mod journal;
mod machines;
mod repeats;
mod sameness;
mod verdict;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, value_parser};
use gen404_generator::{Endpoint, Limits, Request};
use gen404_round::audit::{self, Against, AuditMatch, AuditRules, Repeat, ReportFault};
use gen404_round::{Prompt, PromptImage};
use gen404_targon::ImageReference;
use serde_json::json;

use self::journal::{Identity, Journal};
use self::machines::{Machines, Source};
use self::repeats::{Ended, Rehearsal};
use self::sameness::Sameness;
use self::verdict::Verdict;
use super::generate::LimitArguments;
use super::r#match::{Defender, Player, Playing};
use crate::arguments::targon::PodArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::prompts_file;

/// Rehearse the audit: have everything made anew and judged as the subnet does before it crowns a winner
///
/// Sends the prompts of the submitted modules to your generator, three times over, in batches of 32 and with the subnet's limits. Each
/// repeat is judged against the submitted modules and against the leader's; the first failure ends the rehearsal, as it ends the audit.
/// The result has the verdict in the subnet's words and what was left to its limits. A rerun goes on where the last one stopped.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Modules as they were, or would be, submitted
    #[arg(long, value_name = "DIR")]
    submitted: PathBuf,
    /// Modules of the leader
    #[arg(long, value_name = "DIR", required_unless_present = "against", conflicts_with = "against")]
    leader: Option<PathBuf>,
    /// Address of the generator with its port, 10006 in the subnet
    #[arg(long, value_name = "URL", required_unless_present = "image_url", conflicts_with = "image_url")]
    endpoint: Option<Endpoint>,
    /// Your generator's container image: a machine is rented for it as `start-generator` does, and given back at the end
    #[arg(long, value_name = "IMAGE")]
    image_url: Option<ImageReference>,
    /// The hardware.json of your repository, which says what kind of machine is rented
    #[arg(long, value_name = "FILE", requires = "image_url")]
    hardware_json: Option<PathBuf>,
    /// Folder for modules, matches and the journal; made when missing
    #[arg(long, value_name = "DIR", default_value = "rehearsal")]
    output_dir: PathBuf,
    /// Times that everything is made anew; the subnet takes 3
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u32).range(1..=20))]
    repeats: u32,
    /// Go on after a failure, to see all repeats
    #[arg(long)]
    no_early_exit: bool,
    /// Prompts of a repeat that may fail; the subnet allows 12
    #[arg(long, value_name = "N", default_value_t = 12)]
    failed_prompts: usize,
    /// Prompts sent at once; the subnet sends 32
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = value_parser!(u16).range(1..))]
    batch_size: u16,
    /// New machines the generator is told it may still ask for; the subnet gives 3
    #[arg(long, value_name = "N", default_value_t = 3)]
    replacements: u32,
    #[command(flatten)]
    playing: Playing,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    defender: Defender,
    #[command(flatten)]
    pod: PodArguments,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let judging = &arguments.playing.judging;
    let prompts = prompts_file::read(&judging.prompts_json)?;
    let seed = judging.seed.or(prompts.seed).ok_or_else(|| {
        CommandError::usage("no --seed, and the prompts file has none either")
            .with_hint("give the seed of the round that the modules were submitted to")
    })?;
    let source = Source::of(&arguments)?;
    let request = Request {
        // Each repeat goes to the machine that is there for it.
        endpoint: source.first_address(),
        pictures_folder: judging.prompts_json.parent().map(Path::to_owned).unwrap_or_default(),
        prompts: delivered(&arguments.submitted, prompts.prompts)?,
        seed,
        output_folder: arguments.output_dir.clone(),
        batch_size: arguments.batch_size.into(),
        replacements: arguments.replacements,
        force: false,
        limits: Limits::from(&arguments.limits),
    };
    let is_file = |prompt: &&Prompt| matches!(prompt.image, PromptImage::Path(_));
    if arguments.image_url.is_some()
        && let Some(prompt) = request.prompts.iter().find(is_file)
    {
        return Err(CommandError::usage(format!(
            "the picture of {} is a file of this machine, which a rented one cannot reach",
            prompt.stem
        ))
        .with_hint("use prompts whose pictures are URLs, as `404-cli round prompts` writes them"));
    }
    let opponent = arguments.defender.fetch(context, &request.prompts, &arguments.output_dir).await?;
    let leader = match (&opponent, &arguments.leader) {
        (Some(opponent), _) => &opponent.modules,
        (None, Some(leader)) if leader.is_dir() => leader,
        (None, Some(leader)) => return Err(CommandError::usage(format!("{} is not a folder", leader.display()))),
        (None, None) => return Err(CommandError::usage("--leader is missing")),
    };
    let win_margin = opponent.as_ref().and_then(|opponent| opponent.win_margin);
    let player = Player::new(context, &arguments.playing, win_margin)?;
    let rules = AuditRules {
        repeats: arguments.repeats,
        generation: Duration::from_secs(arguments.limits.generation_limit),
        failed_prompts: arguments.failed_prompts,
        margin: player.win_margin().get(),
    };
    let audit = Audit { context, arguments: &arguments, rules, leader, request: &request, source, player: &player };
    if judging.dry_run {
        return audit.says_what_it_takes();
    }
    let verdict = audit.run().await;
    player.close().await;
    verdict?.tell(context)
}

/// An audit from its first repeat to its verdict.
struct Audit<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    rules: AuditRules,
    leader: &'a Path,
    request: &'a Request,
    source: Source<'a>,
    player: &'a Player<'a>,
}

impl Audit<'_> {
    async fn run(&self) -> Result<Verdict, CommandError> {
        let identity = Identity::of(self.request, self.source.to_string());
        let journal = Journal::open(&self.arguments.output_dir, &identity)?;
        let mut machines = Machines::new(self.context, &self.source, &journal, self.arguments.replacements)?;
        let verdict = self.repeats(&journal, &mut machines).await;
        // Whatever has happened: nothing that was rented goes on running.
        let given_back = machines.give_back().await;
        match (verdict, given_back) {
            (verdict, Ok(())) => verdict,
            (Ok(_), Err(still_running)) => Err(still_running),
            // Neither hides the other, and money comes first.
            (Err(error), Err(still_running)) => {
                self.context.ui.warning(&error.message);
                Err(still_running)
            }
        }
    }

    async fn repeats(&self, journal: &Journal, machines: &mut Machines<'_>) -> Result<Verdict, CommandError> {
        let Arguments { output_dir, no_early_exit, .. } = self.arguments;
        let generator = Rehearsal { context: self.context, request: self.request, journal };
        let (mut repeats, mut faults, mut matches) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1..=self.rules.repeats {
            self.context.ui.status(format!("repeat {number} of {}", self.rules.repeats));
            let Ended::Made { repeat, exact } = self.repeat(&generator, machines, number).await? else {
                faults.push(ReportFault::NotDeployed);
                break;
            };
            let found = repeat.faults(&self.rules);
            if !exact && found.iter().any(|fault| matches!(fault, ReportFault::Time { .. })) {
                return Err(time_unknown(&repeat));
            }
            faults.extend(found);
            repeats.push(repeat);
            if faults.is_empty() || *no_early_exit {
                self.judge(number, &mut matches).await?;
            }
            if audit::reason(&faults, &matches, &self.rules).is_some() && !no_early_exit {
                break;
            }
        }
        let stems = self.request.prompts.iter().map(|prompt| prompt.stem.clone()).collect();
        let sameness = Sameness::of(output_dir, repeats.len(), &stems)?;
        Ok(Verdict { rules: self.rules, repeats, faults, matches, sameness, output_dir: output_dir.clone() })
    }

    /// One repeat, on as many machines as the subnet would give it. Never [`Ended::Gone`].
    async fn repeat(
        &self,
        generator: &Rehearsal<'_>,
        machines: &mut Machines<'_>,
        number: u32,
    ) -> Result<Ended, CommandError> {
        if let Some(ended) = generator.ended(number) {
            return Ok(ended);
        }
        // Hours of generating are not spent before it is known that somebody can draw and judge.
        self.player.get_ready().await?;
        loop {
            let Some(endpoint) = machines.endpoint().await? else { return Ok(Ended::NeverReady) };
            match generator.repeat(number, &endpoint, machines.replacements()).await? {
                Ended::Gone { why } => {
                    if !machines.replace(why).await? {
                        return generator.give_up(number);
                    }
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Both matches of a repeat; the second is not played when the first has failed, unless everything is wanted.
    async fn judge(&self, repeat: u32, matches: &mut Vec<AuditMatch>) -> Result<(), CommandError> {
        let Arguments { output_dir, no_early_exit, submitted, .. } = self.arguments;
        let made = output_dir.join(repeats::folder(repeat));
        for (against, left) in [(Against::Submitted, submitted.as_path()), (Against::Leader, self.leader)] {
            self.context.ui.status(format!("{against} against generated #{repeat}"));
            let output = output_dir.join(sameness::match_folder(against, repeat));
            let margin = self.margin([left, &made], &output).await?;
            let judged = AuditMatch { against, repeat, margin };
            let needed = 100.0 * against.needed(&self.rules);
            if judged.passes(&self.rules) {
                self.context.ui.done(format!("{judged}, as at least {needed:+.2}% is needed"));
            } else {
                self.context.ui.warning(format!("{judged}, and at least {needed:+.2}% is needed"));
            }
            matches.push(judged);
            if !no_early_exit && audit::reason(&[], matches, &self.rules).is_some() {
                break;
            }
        }
        Ok(())
    }

    async fn margin(&self, sides: [&Path; 2], output: &Path) -> Result<f64, CommandError> {
        let ended = self.player.play(sides, output).await?.expect("a dry run has ended before");
        match (ended.failure, ended.margin) {
            (Some(failure), _) => Err(failure),
            (None, Some(margin)) => Ok(margin),
            (None, None) => Err(CommandError::failed(format!("{} holds no verdict", output.display()))),
        }
    }

    fn says_what_it_takes(&self) -> Result<(), CommandError> {
        let Self { context, rules, request, .. } = self;
        let prompts = request.prompts.len();
        let batches = prompts.div_ceil(request.batch_size);
        context.ui.status(format!(
            "{} repeats of {prompts} prompts in {batches} batches, {} s each at most; then up to {} matches at a margin of {}",
            rules.repeats,
            rules.generation.as_secs(),
            2 * rules.repeats,
            rules.margin
        ));
        context.ui.result(&json!({
            "success": true,
            "dry_run": true,
            "prompts": prompts,
            "batches": batches,
            "repeats": rules.repeats,
            "matches_at_most": 2 * rules.repeats,
            "generation_limit_seconds": rules.generation.as_secs(),
            "failed_prompts_allowed": rules.failed_prompts,
            "win_margin": rules.margin,
        }))
    }
}

/// Nobody watched a batch to its end, so its time is known from above only, and that is over the limit.
fn time_unknown(repeat: &Repeat) -> CommandError {
    let number = repeat.repeat_index;
    CommandError::failed(format!(
        "repeat {number} took {:.0} s at most, over the limit, but a run was interrupted in between: nobody knows the time it took",
        repeat.generation_time.unwrap_or_default()
    ))
    .with_hint("rehearse again with another --output-dir, without an interruption")
}

/// The prompts whose modules are there: the subnet has only those made anew.
fn delivered(folder: &Path, prompts: Vec<Prompt>) -> Result<Vec<Prompt>, CommandError> {
    if !folder.is_dir() {
        return Err(CommandError::usage(format!("{} is not a folder", folder.display())));
    }
    let there: Vec<Prompt> =
        prompts.into_iter().filter(|prompt| folder.join(format!("{}.js", prompt.stem)).is_file()).collect();
    if there.is_empty() {
        return Err(CommandError::usage(format!("{} has no module for any of the prompts", folder.display()))
            .with_hint("--submitted names the folder with <stem>.js, and --prompts-json the prompts of that round"));
    }
    Ok(there)
}
