//! The runtime APIs in metadata: what `state_call` answers.
//! Types only; the answers are given by the RPC room.

use frame_metadata::v16::{FunctionParamMetadata, ItemDeprecationInfo, RuntimeApiMetadata, RuntimeApiMethodMetadata};
use parity_scale_codec::{Compact, Encode};
use scale_info::{TypeInfo, meta_type};

use super::extensions::UncheckedExtrinsic;
use crate::primitives::{Account, H256};
use crate::subtensor::{LockState, NeuronInfoLite};
use crate::validity::{TransactionSource, TransactionValidityError, ValidTransaction};

/// Names and versions of the APIs.
pub(crate) const API_VERSIONS: [(&str, u32); 6] = [
    ("Core", 5),
    ("Metadata", 2),
    ("TaggedTransactionQueue", 3),
    ("AccountNonceApi", 1),
    ("NeuronInfoRuntimeApi", 1),
    ("StakeInfoRuntimeApi", 1),
];

/// What `Core_version` answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct RuntimeVersion {
    pub(crate) spec_name: String,
    pub(crate) impl_name: String,
    pub(crate) authoring_version: u32,
    pub(crate) spec_version: u32,
    pub(crate) impl_version: u32,
    pub(crate) apis: Vec<([u8; 8], u32)>,
    pub(crate) transaction_version: u32,
    pub(crate) system_version: u8,
}

/// Metadata as bytes with a length in front.
#[derive(Debug, Clone, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct OpaqueMetadata(pub(crate) Vec<u8>);

pub(super) fn all() -> Vec<RuntimeApiMetadata> {
    let methods = |name: &str| match name {
        "Core" => vec![method::<RuntimeVersion>("version", vec![])],
        "Metadata" => vec![
            method::<OpaqueMetadata>("metadata", vec![]),
            method::<Option<OpaqueMetadata>>("metadata_at_version", vec![input::<u32>("version")]),
            method::<Vec<u32>>("metadata_versions", vec![]),
        ],
        "TaggedTransactionQueue" => vec![method::<Result<ValidTransaction, TransactionValidityError>>(
            "validate_transaction",
            vec![input::<TransactionSource>("source"), input::<UncheckedExtrinsic>("tx"), input::<H256>("block_hash")],
        )],
        "AccountNonceApi" => vec![method::<u32>("account_nonce", vec![input::<Account>("account")])],
        "NeuronInfoRuntimeApi" => {
            vec![method::<Vec<NeuronInfoLite>>("get_neurons_lite", vec![input::<u16>("netuid")])]
        }
        "StakeInfoRuntimeApi" => vec![method::<Option<LockState>>(
            "get_coldkey_lock",
            vec![input::<Account>("coldkey"), input::<u16>("netuid")],
        )],
        _ => vec![],
    };
    API_VERSIONS
        .into_iter()
        .map(|(name, version)| RuntimeApiMetadata {
            name,
            methods: methods(name),
            docs: vec![],
            version: Compact(version),
            deprecation_info: ItemDeprecationInfo::NotDeprecated,
        })
        .collect()
}

fn method<Output: TypeInfo + 'static>(
    name: &'static str,
    inputs: Vec<FunctionParamMetadata<scale_info::form::MetaForm>>,
) -> RuntimeApiMethodMetadata {
    RuntimeApiMethodMetadata {
        name,
        inputs,
        output: meta_type::<Output>(),
        docs: vec![],
        deprecation_info: ItemDeprecationInfo::NotDeprecated,
    }
}

fn input<T: TypeInfo + 'static>(name: &'static str) -> FunctionParamMetadata<scale_info::form::MetaForm> {
    FunctionParamMetadata { name, ty: meta_type::<T>() }
}
