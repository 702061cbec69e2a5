//! The chain's description of itself, in the three versions that clients ask for.
//! Described once in the newest version and reduced for the older ones, so that all three say the same.

mod apis;
mod extensions;
mod pallets;
mod registry;

use std::collections::BTreeMap;

use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v14, v15, v16};
use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::form::Form;
use scale_info::meta_type;

use self::extensions::{SignedExtra, UncheckedExtrinsic};
use super::primitives::{MultiAddress, MultiSignature};
use super::runtime::{RuntimeCall, RuntimeError, RuntimeEvent};

pub(crate) use self::apis::{API_VERSIONS, OpaqueMetadata, RuntimeVersion};

/// The versions on offer, oldest first.
pub(crate) const VERSIONS: [u32; 3] = [14, 15, 16];

/// Format of the extrinsics that this chain takes.
const EXTRINSIC_VERSION: u8 = 4;

/// The metadata in one version, with its magic number and version in front; `None` for one that is not on offer.
pub(crate) fn render(version: u32, block_time_ms: u64) -> Option<Vec<u8>> {
    let pallets = pallets::all(block_time_ms);
    let outer_enums = v16::OuterEnums {
        call_enum_ty: meta_type::<RuntimeCall>(),
        event_enum_ty: meta_type::<RuntimeEvent>(),
        error_enum_ty: meta_type::<RuntimeError>(),
    };
    let prefixed: RuntimeMetadataPrefixed = match version {
        14 => {
            let extrinsic = v14::ExtrinsicMetadata {
                ty: meta_type::<UncheckedExtrinsic>(),
                version: EXTRINSIC_VERSION,
                signed_extensions: extensions::all().iter().map(extension_v14).collect(),
            };
            let pallets = pallets.into_iter().map(pallet_v14).collect();
            let mut metadata = v14::RuntimeMetadataV14::new(pallets, extrinsic, meta_type::<extensions::Runtime>());
            registry::finish(&mut metadata.types);
            metadata.into()
        }
        15 => {
            let extrinsic = v15::ExtrinsicMetadata {
                version: EXTRINSIC_VERSION,
                address_ty: meta_type::<MultiAddress>(),
                call_ty: meta_type::<RuntimeCall>(),
                signature_ty: meta_type::<MultiSignature>(),
                extra_ty: meta_type::<SignedExtra>(),
                signed_extensions: extensions::all().into_iter().map(extension_v15).collect(),
            };
            let mut metadata = v15::RuntimeMetadataV15::new(
                pallets.into_iter().map(pallet_v15).collect(),
                extrinsic,
                meta_type::<extensions::Runtime>(),
                apis::all().into_iter().map(api_v15).collect(),
                outer_enums,
                v15::CustomMetadata { map: BTreeMap::new() },
            );
            registry::finish(&mut metadata.types);
            metadata.into()
        }
        16 => {
            let transaction_extensions = extensions::all();
            let count = u32::try_from(transaction_extensions.len()).expect("a handful of extensions");
            let extrinsic = v16::ExtrinsicMetadata {
                versions: vec![EXTRINSIC_VERSION],
                address_ty: meta_type::<MultiAddress>(),
                call_ty: meta_type::<RuntimeCall>(),
                signature_ty: meta_type::<MultiSignature>(),
                transaction_extensions_by_version: BTreeMap::from([(0, (0..count).map(Compact).collect())]),
                transaction_extensions,
            };
            let custom = v16::CustomMetadata { map: BTreeMap::new() };
            let mut metadata = v16::RuntimeMetadataV16::new(pallets, extrinsic, apis::all(), outer_enums, custom);
            registry::finish(&mut metadata.types);
            metadata.into()
        }
        _ => return None,
    };
    Some(prefixed.encode())
}

/// Metadata of version 15 made from version 16; `None` when the bytes are no such metadata.
///
/// Version 16 has no type for all extensions together: the call's stands there, which no client of ours looks at.
pub fn metadata_v15(v16: &[u8]) -> Option<Vec<u8>> {
    let RuntimeMetadataPrefixed(_, RuntimeMetadata::V16(metadata)) =
        RuntimeMetadataPrefixed::decode(&mut &*v16).ok()?
    else {
        return None;
    };
    let extrinsic = v15::ExtrinsicMetadata {
        version: EXTRINSIC_VERSION,
        address_ty: metadata.extrinsic.address_ty,
        call_ty: metadata.extrinsic.call_ty,
        signature_ty: metadata.extrinsic.signature_ty,
        extra_ty: metadata.extrinsic.call_ty,
        signed_extensions: metadata.extrinsic.transaction_extensions.into_iter().map(extension_v15).collect(),
    };
    let reduced = v15::RuntimeMetadataV15 {
        types: metadata.types,
        pallets: metadata.pallets.into_iter().map(pallet_v15).collect(),
        ty: extrinsic.call_ty,
        extrinsic,
        apis: metadata.apis.into_iter().map(api_v15).collect(),
        outer_enums: metadata.outer_enums,
        custom: metadata.custom,
    };
    Some(RuntimeMetadataPrefixed::from(reduced).encode())
}

fn extension_v15<T: Form>(extension: v16::TransactionExtensionMetadata<T>) -> v15::SignedExtensionMetadata<T> {
    v15::SignedExtensionMetadata {
        identifier: extension.identifier,
        ty: extension.ty,
        additional_signed: extension.implicit,
    }
}

fn extension_v14(extension: &v16::TransactionExtensionMetadata) -> v14::SignedExtensionMetadata {
    v14::SignedExtensionMetadata {
        identifier: extension.identifier,
        ty: extension.ty,
        additional_signed: extension.implicit,
    }
}

fn pallet_v14(pallet: v16::PalletMetadata) -> v14::PalletMetadata {
    let v15::PalletMetadata { name, storage, calls, event, constants, error, index, docs: _ } = pallet_v15(pallet);
    v14::PalletMetadata { name, storage, calls, event, constants, error, index }
}

fn pallet_v15<T: Form>(pallet: v16::PalletMetadata<T>) -> v15::PalletMetadata<T> {
    let storage = pallet.storage.map(|storage| v14::PalletStorageMetadata {
        prefix: storage.prefix,
        entries: storage
            .entries
            .into_iter()
            .map(|entry| v14::StorageEntryMetadata {
                name: entry.name,
                modifier: entry.modifier,
                ty: entry.ty,
                default: entry.default,
                docs: entry.docs,
            })
            .collect(),
    });
    let constants = pallet.constants.into_iter().map(|constant| v14::PalletConstantMetadata {
        name: constant.name,
        ty: constant.ty,
        value: constant.value,
        docs: constant.docs,
    });
    v15::PalletMetadata {
        name: pallet.name,
        storage,
        calls: pallet.calls.map(|calls| v14::PalletCallMetadata { ty: calls.ty }),
        event: pallet.event.map(|event| v14::PalletEventMetadata { ty: event.ty }),
        constants: constants.collect(),
        error: pallet.error.map(|error| v14::PalletErrorMetadata { ty: error.ty }),
        index: pallet.index,
        docs: pallet.docs,
    }
}

fn api_v15<T: Form>(api: v16::RuntimeApiMetadata<T>) -> v15::RuntimeApiMetadata<T> {
    let methods = api.methods.into_iter().map(|method| v15::RuntimeApiMethodMetadata {
        name: method.name,
        inputs: method.inputs,
        output: method.output,
        docs: method.docs,
    });
    v15::RuntimeApiMetadata { name: api.name, methods: methods.collect(), docs: api.docs }
}

#[cfg(test)]
mod tests;
