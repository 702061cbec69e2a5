//! The transaction extensions of Finney in their order, and the type of an extrinsic.
//! Types only: what the extensions check is the business of the extrinsic and runtime rooms.

use frame_metadata::v16::TransactionExtensionMetadata;
use scale_info::build::{FieldBuilder, Fields};
use scale_info::form::MetaForm;
use scale_info::{Path, Type, TypeInfo, TypeParameter, meta_type};

use crate::primitives::{Era, H256, MultiAddress, MultiSignature};
use crate::runtime::RuntimeCall;

macro_rules! empty_extensions {
    ($($name:ident),*) => { $(
        #[derive(TypeInfo)]
        pub(crate) struct $name;
    )* };
}
empty_extensions!(
    CheckNonZeroSender,
    CheckSpecVersion,
    CheckTxVersion,
    CheckGenesis,
    CheckWeight,
    SudoTransactionExtension,
    CheckShieldedTxValidity,
    SubtensorTransactionExtension,
    DrandPriority
);

#[derive(TypeInfo)]
pub(crate) struct CheckMortality(#[expect(dead_code, reason = "described, never built")] Era);

#[derive(TypeInfo)]
pub(crate) struct CheckNonce(
    #[codec(compact)]
    #[expect(dead_code, reason = "described, never built")]
    u32,
);

#[derive(TypeInfo)]
pub(crate) struct ChargeTransactionPayment(
    #[codec(compact)]
    #[expect(dead_code, reason = "described, never built")]
    u64,
);

#[derive(TypeInfo)]
pub(crate) struct CheckMetadataHash {
    #[expect(dead_code, reason = "described, never built")]
    mode: Mode,
}

#[derive(TypeInfo)]
#[expect(dead_code, reason = "described, never built")]
pub(crate) enum Mode {
    Disabled,
    Enabled,
}

/// The extensions as one tuple.
pub(super) type SignedExtra = (
    CheckNonZeroSender,
    CheckSpecVersion,
    CheckTxVersion,
    CheckGenesis,
    CheckMortality,
    CheckNonce,
    CheckWeight,
    ChargeTransactionPayment,
    SudoTransactionExtension,
    CheckShieldedTxValidity,
    SubtensorTransactionExtension,
    DrandPriority,
    CheckMetadataHash,
);

/// Every extension with its own type and what it adds to the signature payload.
pub(super) fn all() -> Vec<TransactionExtensionMetadata> {
    vec![
        extension::<CheckNonZeroSender, ()>("CheckNonZeroSender"),
        extension::<CheckSpecVersion, u32>("CheckSpecVersion"),
        extension::<CheckTxVersion, u32>("CheckTxVersion"),
        extension::<CheckGenesis, H256>("CheckGenesis"),
        extension::<CheckMortality, H256>("CheckMortality"),
        extension::<CheckNonce, ()>("CheckNonce"),
        extension::<CheckWeight, ()>("CheckWeight"),
        extension::<ChargeTransactionPayment, ()>("ChargeTransactionPayment"),
        extension::<SudoTransactionExtension, ()>("SudoTransactionExtension"),
        extension::<CheckShieldedTxValidity, ()>("CheckShieldedTxValidity"),
        extension::<SubtensorTransactionExtension, ()>("SubtensorTransactionExtension"),
        extension::<DrandPriority, ()>("DrandPriority"),
        extension::<CheckMetadataHash, Option<[u8; 32]>>("CheckMetadataHash"),
    ]
}

fn extension<T: TypeInfo + 'static, Implicit: TypeInfo + 'static>(
    identifier: &'static str,
) -> TransactionExtensionMetadata {
    TransactionExtensionMetadata { identifier, ty: meta_type::<T>(), implicit: meta_type::<Implicit>() }
}

/// The type of a whole extrinsic; its parameters are what old metadata tells address, call and signature by.
pub(super) struct UncheckedExtrinsic;

impl TypeInfo for UncheckedExtrinsic {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["sp_runtime", "generic", "unchecked_extrinsic", "UncheckedExtrinsic"]))
            .type_params(vec![
                TypeParameter::new("Address", Some(meta_type::<MultiAddress>())),
                TypeParameter::new("Call", Some(meta_type::<RuntimeCall>())),
                TypeParameter::new("Signature", Some(meta_type::<MultiSignature>())),
                TypeParameter::new("Extra", Some(meta_type::<SignedExtra>())),
            ])
            .composite(Fields::unnamed().field(FieldBuilder::<MetaForm>::ty::<Vec<u8>>))
    }
}

/// The runtime itself, which metadata names without saying anything of it.
#[derive(TypeInfo)]
pub(crate) struct Runtime;
