//! What both commit commands do with their payload: find the hotkey, connect, open, and commit or rehearse.
//! Only puts wallet and chain together; the rules of a commitment are the chain crate's.

use std::future::Future;
use std::sync::Arc;

use gen404_chain::{Aimed, Chain, Check, CommitRequest, Commitment, ConnectOptions, HotkeySigner, Rehearsal};
use gen404_outside::time::SystemClock;
use gen404_round::{BlockNumber, Hotkey, Reveal, aim};
use serde::Serialize;

use crate::arguments::{Committing, Subtensor, Wallet};
use crate::chain_status::{ChainStatus, time};
use crate::context::Context;
use crate::errors::{Blame, CommandError};
use crate::hotkey;
use crate::round_check::{self, RevealAt, RoundCheck};

/// The options of both commands.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    wallet: Wallet,
    #[command(flatten)]
    subtensor: Subtensor,
    #[command(flatten)]
    committing: Committing,
    /// Have the reveal fall on a block: its number, or window for the first block of the next window. Waits until then,
    /// and may be stopped and run again
    #[arg(long, value_name = "window|BLOCK", help_heading = "Commitment")]
    reveal_at: Option<RevealAt>,
    #[command(flatten)]
    round_check: RoundCheck,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Committed {
        #[serde(flatten)]
        commitment: Commitment,
        /// The round that the reveal counts for, once it is known in which block it is; null where that was not looked up.
        counts_for_round: Option<u64>,
        /// The block that the reveal was aimed at.
        #[serde(skip_serializing_if = "Option::is_none")]
        aimed_at: Option<BlockNumber>,
    },
    /// An earlier run has hit the block.
    RevealedBefore { revealed_block: BlockNumber, counts_for_round: Option<u64>, aimed_at: BlockNumber },
    Rehearsed {
        dry_run: bool,
        #[serde(flatten)]
        rehearsal: Rehearsal,
    },
    /// What a commitment now would be encrypted to says nothing of the one that is aimed.
    Planned {
        dry_run: bool,
        aimed_at: BlockNumber,
        /// Where a fallback would certainly be committed; null when the block is too near or the epoch may have no room for it.
        fallback_at: Option<BlockNumber>,
        hotkey: Hotkey,
        payload: String,
        call: &'static str,
        checks: Vec<Check>,
    },
}

impl Outcome {
    /// Whether something is on chain now.
    pub(crate) fn is_committed(&self) -> bool {
        matches!(self, Self::Committed { .. })
    }
}

/// Commits the payload. `check` looks at the outside world meanwhile, and nothing is signed before it succeeds.
pub(crate) async fn commit(
    context: &Context,
    options: &Options,
    reveal: Reveal,
    check: impl Future<Output = Result<(), CommandError>>,
) -> Result<Outcome, CommandError> {
    let status = Arc::new(ChainStatus::new(&context.ui, options.committing.wait.into()));
    let outcome = context.until_interrupted(work(context, options, reveal, check, &status)).await;
    outcome.map_err(|error| status.explain(error))
}

async fn work(
    context: &Context,
    options: &Options,
    reveal: Reveal,
    check: impl Future<Output = Result<(), CommandError>>,
    status: &Arc<ChainStatus>,
) -> Result<Outcome, CommandError> {
    let Options { wallet, subtensor, committing, reveal_at, round_check } = options;
    let keyfile = hotkey::find(&context.ui, wallet)?;

    // The network is asked before the user is: nobody likes to type a password for nothing.
    let connecting = tokio::spawn({
        let patience = committing.wait_limit();
        let (options, status) = (ConnectOptions { patience, ..subtensor.connect_options() }, status.clone());
        async move { Chain::connect(options, &*status).await }
    });
    check.await?;
    let chain = connecting.await.map_err(|_| CommandError::panicked())??;
    let signer = Signer(hotkey::open(context, keyfile).await?);

    let intent =
        round_check::Intent { chain: &chain, netuid: subtensor.netuid, hotkey: signer.hotkey(), reveal: &reveal };
    // Boxed, because they read from two services at once.
    let (target, forecast) = match reveal_at {
        Some(at) => {
            let aimed = Box::pin(round_check::target(context, round_check, *at, &intent, &**status)).await?;
            (Some(aimed.0), aimed.1)
        }
        None => (None, Box::pin(round_check::check(context, round_check, &intent, &**status)).await?),
    };
    let request = CommitRequest {
        netuid: subtensor.netuid,
        reveal,
        wait: committing.wait.into(),
        wait_limit: committing.wait_limit(),
    };
    if committing.dry_run {
        let rehearsal = chain.rehearse(&request, signer.hotkey(), &SystemClock::start(), &**status).await?;
        return judge(context, rehearsal, target);
    }
    let round_of = |block: Option<BlockNumber>| {
        let round = forecast.zip(block).and_then(|(forecast, block)| forecast.round_of(block));
        if let Some(round) = round {
            context.ui.done(format!("the reveal counts for round {round}"));
        }
        round
    };
    let Some(target) = target else {
        let commitment = chain.commit(&request, &signer, &SystemClock::start(), &**status).await?;
        let counts_for_round = round_of(commitment.revealed_block);
        return Ok(Outcome::Committed { commitment, counts_for_round, aimed_at: None });
    };
    match Box::pin(chain.commit_at(&request, target, &signer, &SystemClock::start(), &**status)).await? {
        Aimed::Committed(commitment) => {
            if let Some(late) = commitment.revealed_block.and_then(|block| block.checked_sub(target)) {
                context.ui.done(match late {
                    0 => format!("the reveal is in block {target}, as aimed"),
                    late => format!("the reveal is {late} blocks behind block {target}"),
                });
            }
            let counts_for_round = round_of(commitment.revealed_block);
            Ok(Outcome::Committed { commitment, counts_for_round, aimed_at: Some(target) })
        }
        Aimed::RevealedBefore { block } => {
            context.ui.done(format!("block {block} has revealed it already"));
            Ok(Outcome::RevealedBefore {
                revealed_block: block,
                counts_for_round: round_of(Some(block)),
                aimed_at: target,
            })
        }
    }
}

/// A rehearsal succeeds when the commitment would.
fn judge(context: &Context, rehearsal: Rehearsal, aimed_at: Option<BlockNumber>) -> Result<Outcome, CommandError> {
    for check in &rehearsal.checks {
        let line = format!("{}: {}", check.name, check.detail);
        if check.passed { context.ui.done(line) } else { context.ui.warning(line) }
    }
    match aimed_at {
        None => context.ui.status(format!(
            "{} would be revealed in beacon round {} ({}); nothing was signed or sent",
            rehearsal.payload,
            rehearsal.reveal_round,
            time(rehearsal.reveal_time)
        )),
        Some(target) => context.ui.status(plan(&rehearsal, target)),
    }
    // What is pending or in the pool now is waited for until the block that is aimed at is near.
    let passes = |name: &str| aimed_at.is_some() && matches!(name, "pending" | "pool");
    let failed = rehearsal.checks.iter().filter(|check| !check.passed && !passes(check.name));
    let failed: Vec<_> = failed.map(|check| check.detail.as_str()).collect();
    if failed.is_empty() {
        return Ok(match aimed_at {
            None => Outcome::Rehearsed { dry_run: true, rehearsal },
            Some(aimed_at) => {
                let fallback_at = fallback(&rehearsal, aimed_at);
                let Rehearsal { hotkey, payload, call, checks, .. } = rehearsal;
                Outcome::Planned { dry_run: true, aimed_at, fallback_at, hotkey, payload, call, checks }
            }
        });
    }
    let message = format!("it could not be committed now: {}", failed.join("; "));
    let fields = serde_json::to_value(&rehearsal).expect("a rehearsal is plain data");
    Err(CommandError::new(Blame::Here, message).with_field("dry_run", true).with_field("rehearsal", fields))
}

/// The block at which a fallback would certainly be committed.
fn fallback(rehearsal: &Rehearsal, target: BlockNumber) -> Option<BlockNumber> {
    aim::fallback_block(target, rehearsal.block).filter(|_| rehearsal.fits_twice == Some(true))
}

/// What would be done for a reveal in a block. The odds are those of docs/commit.md.
fn plan(rehearsal: &Rehearsal, target: BlockNumber) -> String {
    let last = target.saturating_sub(aim::LAST_CALL);
    let fallback = match (aim::fallback_block(target, rehearsal.block), rehearsal.fits_twice) {
        (None, _) => {
            format!("without a fallback, because block {target} is too near, committed right after block {last}")
        }
        (Some(block), Some(true)) => format!("a fallback at block {block}, replaced right after block {last}"),
        (Some(block), Some(false)) => format!(
            "committed right after block {last}, with no fallback unless a new epoch has begun by block {block}: this one has no \
             room for two commitments"
        ),
        (Some(block), None) => {
            format!("a fallback at block {block} if the epoch has room for it, replaced right after block {last}")
        }
    };
    format!(
        "{} would be revealed in block {target}: {fallback}; never earlier, and by simulation in 989 of 1,000 windows in exactly \
         this block; nothing was signed or sent",
        rehearsal.payload
    )
}

/// The wallet's key at the chain's service.
struct Signer(gen404_wallet::HotkeySigner);

impl HotkeySigner for Signer {
    fn hotkey(&self) -> Hotkey {
        self.0.account()
    }

    fn sign(&self, payload: &[u8]) -> [u8; 64] {
        self.0.sign(payload)
    }
}
