//! What the subnet will read of a hotkey's submission: reveals or the published entry, the repository, every stem.
//! Puts rooms together for `verify` and `doctor`; the rules are those of the rooms.

mod building;
mod delivering;
mod likeness;
mod placing;
mod report;

use std::sync::Arc;

use gen404_chain::{Chain, Wait};
use gen404_competition::StateClient;
use gen404_delivery::{Downloader, Manners};
use gen404_repository::Origin;
use gen404_round::Hotkey;
use gen404_round::lock::Rho;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::arguments::{State, Subtensor};
use crate::chain_status::ChainStatus;
use crate::competition;
use crate::context::Context;
use crate::errors::{Blame, CommandError};
use crate::ui::Ui;

pub(crate) use building::Building;
pub(crate) use delivering::Stems;
pub(crate) use placing::{Phase, Placed};
pub(crate) use report::{StemState, Verified};

/// Whose submission, and what of it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) hotkey: Hotkey,
    /// The current round when not given.
    pub(crate) round: Option<u64>,
    /// Other hotkeys whose files must not be the same.
    pub(crate) also: Vec<Hotkey>,
    /// Whether the leader's files must not be the same either.
    pub(crate) leader: bool,
    /// Where to read the repository instead of its public place.
    pub(crate) repository: Option<Origin>,
    pub(crate) required: Rho,
    /// So many stems stand for all; all when not given.
    pub(crate) sample: Option<usize>,
}

/// Whoever verifies, with standing connections.
pub(crate) struct Verifier {
    client: StateClient,
    state: State,
    subtensor: Subtensor,
    chain: OnceCell<Arc<Chain>>,
    status: ChainStatus,
    downloader: Downloader,
    ui: Ui,
    /// The last tree that was fetched: a commit never changes.
    built: tokio::sync::Mutex<Option<Building>>,
}

impl Verifier {
    pub(crate) fn new(ui: &Ui, state: &State, subtensor: &Subtensor, manners: Manners) -> Result<Self, CommandError> {
        let downloader = Downloader::new(manners).map_err(|error| CommandError::from_error(Blame::Here, &error))?;
        Ok(Self {
            client: competition::client(state)?,
            state: state.clone(),
            subtensor: subtensor.clone(),
            chain: OnceCell::new(),
            status: ChainStatus::new(ui, Wait::Inclusion),
            downloader,
            ui: ui.clone(),
            built: tokio::sync::Mutex::new(None),
        })
    }

    /// With a chain that somebody has connected already.
    pub(crate) fn on(self, chain: Arc<Chain>) -> Self {
        Self { chain: OnceCell::new_with(Some(chain)), ..self }
    }

    /// The chain, connected when it is first needed.
    pub(crate) async fn chain(&self) -> Result<&Chain, CommandError> {
        let connect = || async { Chain::connect(self.subtensor.connect_options(), &self.status).await.map(Arc::new) };
        let chain = self.chain.get_or_try_init(connect).await?;
        competition::require(&self.state, chain, self.subtensor.netuid)?;
        Ok(chain)
    }

    /// The chain's newest block.
    pub(crate) async fn head(&self) -> Result<u64, CommandError> {
        Ok(self.chain().await?.head(&self.status).await?.0)
    }

    /// Looks once at everything.
    pub(crate) async fn verify(&self, context: &Context, question: &Question) -> Result<Verified, CommandError> {
        let look = self.client.look(Timestamp::now());
        let placed = self.place(&look, question).await?;
        let (building, stems) = futures::join!(
            self.building(&placed, question),
            // The stems are what takes long, and what a bar is for.
            self.stems(context, &look, &placed, question)
        );
        Ok(Verified::new(question, placed, building, stems?))
    }
}
