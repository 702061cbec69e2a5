//! The one extrinsic this tool sends: `Commitments.set_commitment` with a single timelocked field, signed by the hotkey.
//! Pure: everything that ends up in the bytes comes in as a value, and the metadata says how each is encoded.

use frame_decode::extrinsics::{
    ExtrinsicEncodeError, TransactionExtensions, TransactionExtensionsError, encode_call_data, encode_v4_signed,
    encode_v4_signer_payload,
};
use gen404_outside::text::excerpt;
use gen404_round::{BlockNumber, Hotkey, Netuid};
use parity_scale_codec::{Compact, Encode};
use scale_info::PortableRegistry;
use scale_value::{Composite, Value};

use crate::error::SHOWN;
use crate::hashes::{BlockHash, ExtrinsicHash};
use crate::node::RuntimeVersion;
use crate::runtime::{IncompatibleChain, Runtime};

pub(crate) const PALLET: &str = "Commitments";
const CALL: &str = "set_commitment";

/// Blocks during which a signed extrinsic may be included; a power of two.
pub(crate) const ERA_PERIOD: u64 = 128;

/// Whoever can sign for a hotkey. The key itself stays where it is.
pub trait HotkeySigner: Send + Sync {
    /// The account that signs.
    fn hotkey(&self) -> Hotkey;

    /// An sr25519 signature (context `substrate`) of exactly these bytes.
    fn sign(&self, payload: &[u8]) -> [u8; 64];
}

/// What a signature covers besides the call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SigningContext {
    pub(crate) genesis: BlockHash,
    /// Block at which the era of [`ERA_PERIOD`] blocks begins, and its hash.
    pub(crate) anchor: (BlockNumber, BlockHash),
    pub(crate) nonce: u64,
}

/// Ready to be sent; the same bytes can be included only once.
#[derive(Debug, Clone)]
pub(crate) struct SignedExtrinsic {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: ExtrinsicHash,
    pub(crate) nonce: u64,
    /// Last block in which it may be included.
    pub(crate) last_block: BlockNumber,
    /// The runtime that it was signed for; another one takes it no longer.
    pub(crate) version: RuntimeVersion,
}

/// The call with its arguments, not yet encoded.
pub(crate) struct SetCommitment(Composite<()>);

impl SetCommitment {
    /// `encrypted` has at most 1024 bytes; more and the node cannot decode the extrinsic.
    pub(crate) fn new(netuid: Netuid, encrypted: &[u8], reveal_round: u64) -> Self {
        let field = Value::named_variant(
            "TimelockEncrypted",
            [("encrypted", Value::from_bytes(encrypted)), ("reveal_round", Value::u128(u128::from(reveal_round)))],
        );
        let info = Value::named_composite([("fields", Value::unnamed_composite([Value::unnamed_composite([field])]))]);
        Self(Composite::named([("netuid", Value::u128(u128::from(netuid))), ("info", info)]))
    }

    /// The encoded call, as explorers show it.
    pub(crate) fn encode(&self, runtime: &Runtime) -> Result<Vec<u8>, IncompatibleChain> {
        encode_call_data(PALLET, CALL, &self.0, &runtime.metadata, runtime.metadata.types())
            .map_err(|error| incompatible(&error))
    }

    /// The bytes that a signature is made over: hashed when they would be longer than 256.
    pub(crate) fn signer_payload(
        &self,
        runtime: &Runtime,
        context: &SigningContext,
    ) -> Result<Vec<u8>, IncompatibleChain> {
        let extensions = Extensions { runtime, context };
        encode_v4_signer_payload(PALLET, CALL, &self.0, &extensions, &runtime.metadata, runtime.metadata.types())
            .map_err(|error| incompatible(&error))
    }

    /// Signs the call.
    pub(crate) fn sign(
        &self,
        runtime: &Runtime,
        context: &SigningContext,
        signer: &dyn HotkeySigner,
    ) -> Result<SignedExtrinsic, IncompatibleChain> {
        let signature = signer.sign(&self.signer_payload(runtime, context)?);
        let bytes = encode_v4_signed(
            PALLET,
            CALL,
            &self.0,
            &Extensions { runtime, context },
            &Value::unnamed_variant("Id", [Value::from_bytes(signer.hotkey().as_bytes())]),
            &Value::unnamed_variant("Sr25519", [Value::from_bytes(signature)]),
            &runtime.metadata,
            runtime.metadata.types(),
        )
        .map_err(|error| incompatible(&error))?;
        let hash = ExtrinsicHash::of(&bytes);
        // Valid from the block after the anchor; the block at anchor + period is already too late.
        let last_block = context.anchor.0.saturating_add(ERA_PERIOD - 1);
        Ok(SignedExtrinsic { bytes, hash, nonce: context.nonce, last_block, version: runtime.version.clone() })
    }
}

/// A mortal era of [`ERA_PERIOD`] blocks from `anchor`, as the two bytes of an extrinsic.
fn mortal_era(anchor: BlockNumber) -> [u8; 2] {
    let phase = u16::try_from(anchor % ERA_PERIOD).expect("the period fits u16");
    let exponent = u16::try_from(ERA_PERIOD.trailing_zeros() - 1).expect("below 16");
    (exponent | (phase << 4)).to_le_bytes()
}

struct Extensions<'a> {
    runtime: &'a Runtime,
    context: &'a SigningContext,
}

impl TransactionExtensions<PortableRegistry> for Extensions<'_> {
    fn contains_extension(&self, name: &str) -> bool {
        matches!(
            name,
            "CheckSpecVersion"
                | "CheckTxVersion"
                | "CheckGenesis"
                | "CheckMortality"
                | "CheckEra"
                | "CheckNonce"
                | "ChargeTransactionPayment"
                | "CheckMetadataHash"
        )
    }

    /// What stands in the extrinsic. Extensions without a value never get here.
    fn encode_extension_value_to(
        &self,
        name: &str,
        _type_id: u32,
        _types: &PortableRegistry,
        out: &mut Vec<u8>,
    ) -> Result<(), TransactionExtensionsError> {
        match name {
            "CheckMortality" | "CheckEra" => out.extend_from_slice(&mortal_era(self.context.anchor.0)),
            "CheckNonce" => Compact(self.context.nonce).encode_to(out),
            // The tip.
            "ChargeTransactionPayment" => Compact(0_u64).encode_to(out),
            // Mode "disabled".
            "CheckMetadataHash" => out.push(0),
            _ => return Err(TransactionExtensionsError::NotFound(name.to_owned())),
        }
        Ok(())
    }

    /// What both sides know and only the signature covers.
    fn encode_extension_implicit_to(
        &self,
        name: &str,
        _type_id: u32,
        _types: &PortableRegistry,
        out: &mut Vec<u8>,
    ) -> Result<(), TransactionExtensionsError> {
        match name {
            "CheckSpecVersion" => self.runtime.version.spec_version.encode_to(out),
            "CheckTxVersion" => self.runtime.version.transaction_version.encode_to(out),
            "CheckGenesis" => out.extend_from_slice(&self.context.genesis.0),
            "CheckMortality" | "CheckEra" => out.extend_from_slice(&self.context.anchor.1.0),
            // No hash of the metadata.
            "CheckMetadataHash" => out.push(0),
            _ => return Err(TransactionExtensionsError::NotFound(name.to_owned())),
        }
        Ok(())
    }
}

fn incompatible(error: &ExtrinsicEncodeError) -> IncompatibleChain {
    match error {
        ExtrinsicEncodeError::TransactionExtensions(error) => {
            IncompatibleChain::UnknownExtension { reason: excerpt(&error.to_string(), SHOWN) }
        }
        ExtrinsicEncodeError::CannotGetInfo(_) => IncompatibleChain::NoItem { pallet: PALLET, item: CALL },
        _ => IncompatibleChain::UnknownForm { pallet: PALLET, item: CALL },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_are_encoded_as_the_runtime_reads_them() {
        assert_eq!(mortal_era(8_000_000), [0x06, 0x00]);
        assert_eq!(mortal_era(8_000_001), [0x16, 0x00]);
        assert_eq!(mortal_era(8_000_127), [0xf6, 0x07]);
    }
}
