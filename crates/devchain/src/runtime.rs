//! The runtime: the outer call and event types, the checks before a block and the execution of one.
//! A deterministic state machine: time, pulses and extrinsics come in as values, nothing is awaited or sent.

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use super::drand::{self, Pulse, PulsesPayload};
use super::extrinsic::{Signed, SignedContext, bare};
use super::primitives::{
    Account, BlockNumber, DispatchClass, DispatchError, DispatchEventInfo, EventRecord, H256, ModuleError, MultiSigner,
    Pays, Phase, Weight,
};
use super::storage::{Changes, Storage};
use super::{commitments, subtensor, system};

/// Every call, under the index of its pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum RuntimeCall {
    #[codec(index = 0)]
    System(system::Call),
    #[codec(index = 2)]
    Timestamp(system::TimestampCall),
    #[codec(index = 18)]
    Commitments(commitments::Call),
    #[codec(index = 26)]
    Drand(drand::Call),
}

/// Every event, under the index of its pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum RuntimeEvent {
    #[codec(index = 0)]
    System(system::Event),
    #[codec(index = 18)]
    Commitments(commitments::Event),
    #[codec(index = 26)]
    Drand(drand::Event),
}

/// Every pallet error, under the index of its pallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum RuntimeError {
    #[codec(index = 0)]
    System(system::Error),
    #[codec(index = 18)]
    Commitments(commitments::Error),
    #[codec(index = 26)]
    Drand(drand::Error),
}

/// Why the pool does not take an extrinsic, or a block leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("Transaction is outdated")]
    Stale,
    #[error("Transaction has a bad signature")]
    BadProof,
    #[error("Transaction has an ancient birth block")]
    AncientBirthBlock,
    #[error("Custom error: {0}")]
    Custom(u8),
}

/// Subtensor's custom error for a hotkey that is not registered on the subnet.
const HOTKEY_NOT_REGISTERED: u8 = 10;

/// The rules of one chain and its state.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) storage: Storage,
    pub(crate) context: SignedContext,
    pub(crate) netuids: Vec<u16>,
    /// Whether the pool refuses commitments of unregistered hotkeys, instead of the call failing in a block.
    pub(crate) pool_checks_registration: bool,
    /// The newest block.
    pub(crate) head: (BlockNumber, H256),
    /// Version of the runtime that the next block brings. The block holds nothing else: a runtime's code fills it.
    pub(crate) upgrade: Option<u32>,
}

/// What goes into a block.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// Unix time in milliseconds.
    pub(crate) timestamp: u64,
    /// New pulses of the beacon.
    pub(crate) pulses: Vec<Pulse>,
    /// Signed extrinsics, in order.
    pub(crate) extrinsics: Vec<Signed>,
}

/// An executed block that has no hash yet.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) number: BlockNumber,
    /// Inherents and signed extrinsics, as bytes, in order.
    pub(crate) extrinsics: Vec<Vec<u8>>,
    pub(crate) changes: Changes,
    /// Signed extrinsics that were no longer valid.
    pub(crate) left_out: Vec<H256>,
}

impl Runtime {
    /// Checks an extrinsic against the newest block. `Ok` is the signer and how many nonces too early it is.
    pub(crate) fn validate(&self, signed: &Signed) -> Result<(Account, u32), Invalid> {
        let birth = signed.era.birth(self.head.0.saturating_add(1));
        let birth_hash = self.block_hash(birth).ok_or(Invalid::AncientBirthBlock)?;
        let account = signed.verified_signer(&self.context, birth_hash).ok_or(Invalid::BadProof)?;
        let next = system::nonce(&self.storage, account);
        let early = signed.nonce.checked_sub(next).ok_or(Invalid::Stale)?;
        if self.pool_checks_registration
            && let RuntimeCall::Commitments(commitments::Call::set_commitment { netuid, .. }) = &signed.call
            && !subtensor::is_registered(&self.storage, *netuid, account)
        {
            return Err(Invalid::Custom(HOTKEY_NOT_REGISTERED));
        }
        Ok((account, early))
    }

    fn block_hash(&self, number: u64) -> Option<H256> {
        let number = BlockNumber::try_from(number).ok()?;
        if number == self.head.0 { Some(self.head.1) } else { system::BLOCK_HASH.get(&self.storage, &number) }
    }

    /// Executes the next block. The order is the real one: hooks of all pallets, inherents, then signed extrinsics.
    pub(crate) fn execute(&mut self, proposal: Proposal) -> Executed {
        let number = self.head.0.saturating_add(1);
        let mut block = OpenBlock { number, events: Vec::new(), extrinsics: Vec::new() };
        system::initialize(&mut self.storage, number, self.head.1);
        subtensor::on_initialize(&mut self.storage, number, &self.netuids);
        for event in commitments::on_initialize(&mut self.storage, number) {
            block.deposit(Phase::Initialization, RuntimeEvent::Commitments(event));
        }

        system::NOW.put(&mut self.storage, &proposal.timestamp);
        let set_time = RuntimeCall::Timestamp(system::TimestampCall::set { now: proposal.timestamp });
        block.apply(bare(&set_time), DispatchClass::Mandatory, |_| Ok(None));
        if !proposal.pulses.is_empty() {
            let payload = PulsesPayload {
                block_number: number,
                pulses: proposal.pulses.clone(),
                public: MultiSigner::Sr25519([0; 32]),
            };
            let write = RuntimeCall::Drand(drand::Call::write_pulse { pulses_payload: payload, signature: None });
            block.apply(bare(&write), DispatchClass::Operational, |_| {
                let written = drand::write_pulse(&mut self.storage, number, proposal.pulses);
                written.map(|event| event.map(RuntimeEvent::Drand)).map_err(|error| module(drand::INDEX, &error))
            });
        }
        let mut left_out = Vec::new();
        for signed in proposal.extrinsics {
            // Earlier extrinsics of this block count: a nonce that is used twice is stale the second time.
            match self.validate(&signed) {
                Ok((account, 0)) => {
                    system::increase_nonce(&mut self.storage, account);
                    block.apply(signed.bytes.clone(), DispatchClass::Normal, |_| {
                        self.dispatch(number, account, signed.call.clone())
                    });
                }
                Ok(_) | Err(_) => left_out.push(signed.hash),
            }
        }
        system::finalize(&mut self.storage, &block.events);
        let changes = self.storage.seal(number);
        if let Some(spec_version) = self.upgrade.take() {
            self.context.spec_version = spec_version;
        }
        Executed { number, extrinsics: block.extrinsics, changes, left_out }
    }

    fn dispatch(
        &mut self,
        number: BlockNumber,
        who: Account,
        call: RuntimeCall,
    ) -> Result<Option<RuntimeEvent>, DispatchError> {
        match call {
            RuntimeCall::System(system::Call::remark { .. }) => Ok(None),
            RuntimeCall::Commitments(commitments::Call::set_commitment { netuid, info }) => {
                let subnet = commitments::Subnet {
                    registered: subtensor::is_registered(&self.storage, netuid, who),
                    epoch: subtensor::epoch(&self.storage, netuid),
                };
                commitments::set_commitment(&mut self.storage, number, who, netuid, subnet, info)
                    .map(|event| Some(RuntimeEvent::Commitments(event)))
                    .map_err(|error| module(commitments::INDEX, &error))
            }
            RuntimeCall::Commitments(commitments::Call::set_max_space { .. })
            | RuntimeCall::Timestamp(_)
            | RuntimeCall::Drand(_) => Err(DispatchError::BadOrigin),
        }
    }
}

fn module(index: u8, error: &impl Encode) -> DispatchError {
    let mut bytes = [0; 4];
    error.using_encoded(|encoded| bytes[0] = encoded.first().copied().unwrap_or(0));
    DispatchError::Module(ModuleError { index, error: bytes })
}

struct OpenBlock {
    number: BlockNumber,
    events: Vec<EventRecord<RuntimeEvent>>,
    extrinsics: Vec<Vec<u8>>,
}

impl OpenBlock {
    fn deposit(&mut self, phase: Phase, event: RuntimeEvent) {
        self.events.push(EventRecord { phase, event, topics: Vec::new() });
    }

    /// Adds an extrinsic with the events of its dispatch.
    fn apply(
        &mut self,
        bytes: Vec<u8>,
        class: DispatchClass,
        dispatch: impl FnOnce(BlockNumber) -> Result<Option<RuntimeEvent>, DispatchError>,
    ) {
        let index = u32::try_from(self.extrinsics.len()).unwrap_or(u32::MAX);
        let phase = Phase::ApplyExtrinsic(index);
        let dispatch_info = DispatchEventInfo { weight: Weight::default(), class, pays_fee: Pays::No };
        let outcome = match dispatch(self.number) {
            Ok(event) => {
                if let Some(event) = event {
                    self.deposit(phase, event);
                }
                system::Event::ExtrinsicSuccess { dispatch_info }
            }
            Err(dispatch_error) => system::Event::ExtrinsicFailed { dispatch_error, dispatch_info },
        };
        self.deposit(phase, RuntimeEvent::System(outcome));
        self.extrinsics.push(bytes);
    }
}
