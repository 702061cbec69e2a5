//! What the node's metadata says: storage keys, types, constants, calls. Nothing about the chain is a constant of ours.
//! Pure: the metadata comes in as bytes; fetching and caching it is `runtime::cache`'s and `connection`'s business.

pub(crate) mod cache;
pub(crate) mod dispatch;

use frame_decode::storage::encode_storage_key;
use gen404_outside::text::excerpt;
use parity_scale_codec::Decode;
use scale_info::TypeDef;
use scale_info::form::PortableForm;
use scale_value::{At, Composite, Primitive, Value, ValueDef};
use subxt_metadata::Metadata;

use crate::error::SHOWN;
use crate::node::RuntimeVersion;

/// A value decoded by its type in the metadata.
pub(crate) type Decoded = Value<u32>;

/// Why this chain cannot be used for what was asked: it is another network, or its runtime has moved on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncompatibleChain {
    /// The runtime has no such pallet.
    #[error("this chain has no {pallet} pallet")]
    NoPallet {
        /// Name of the pallet.
        pallet: &'static str,
    },
    /// The pallet lacks something.
    #[error("the {pallet} pallet of this chain has no {item}")]
    NoItem {
        /// Name of the pallet or runtime API.
        pallet: &'static str,
        /// Name of the storage item, call, constant or function.
        item: &'static str,
    },
    /// Something has another shape than this tool knows.
    #[error("{pallet}.{item} of this chain has a form this version does not know")]
    UnknownForm {
        /// Name of the pallet.
        pallet: &'static str,
        /// Name of the item.
        item: &'static str,
    },
    /// An extrinsic needs more than this tool can fill in.
    #[error("this chain asks for a transaction extension this version does not know: {reason}")]
    UnknownExtension {
        /// Which one.
        reason: String,
    },
    /// The node's metadata cannot be read.
    #[error("the metadata of this chain cannot be read: {reason}")]
    Metadata {
        /// What the decoder says.
        reason: String,
    },
}

impl IncompatibleChain {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoPallet { .. } => "check --subtensor.endpoint: it must be a Bittensor (Subtensor) node",
            _ => "look for a newer version of this tool: the chain's runtime has changed",
        }
    }
}

/// A storage item's place: the pallet and entry for decoding, the key for asking.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) pallet: &'static str,
    pub(crate) entry: &'static str,
    pub(crate) key: Vec<u8>,
}

/// One runtime of one chain.
pub(crate) struct Runtime {
    pub(crate) metadata: Metadata,
    pub(crate) version: RuntimeVersion,
}

impl Runtime {
    /// Reads SCALE metadata, version 14 to 16.
    pub(crate) fn read(metadata: &[u8], version: RuntimeVersion) -> Result<Self, IncompatibleChain> {
        let metadata = Metadata::decode(&mut &*metadata)
            .map_err(|error| IncompatibleChain::Metadata { reason: excerpt(&error.to_string(), SHOWN) })?;
        Ok(Self { metadata, version })
    }

    /// The key of a storage item, hashed as the metadata says. Fewer `keys` than the map has make a prefix.
    pub(crate) fn item(
        &self,
        pallet: &'static str,
        entry: &'static str,
        keys: &[Value<()>],
    ) -> Result<Item, IncompatibleChain> {
        self.entry(pallet, entry)?;
        let key = encode_storage_key(pallet, entry, keys.to_vec(), &self.metadata, self.metadata.types())
            .map_err(|_| IncompatibleChain::UnknownForm { pallet, item: entry })?;
        Ok(Item { pallet, entry, key })
    }

    /// Whether the metadata has a storage item; for items that came or went with a runtime.
    pub(crate) fn has_item(&self, pallet: &'static str, entry: &'static str) -> bool {
        self.entry(pallet, entry).is_ok()
    }

    fn entry(
        &self,
        pallet: &'static str,
        entry: &'static str,
    ) -> Result<&subxt_metadata::StorageEntryMetadata, IncompatibleChain> {
        self.metadata
            .pallet_by_name(pallet)
            .ok_or(IncompatibleChain::NoPallet { pallet })?
            .storage()
            .and_then(|storage| storage.entry_by_name(entry))
            .ok_or(IncompatibleChain::NoItem { pallet, item: entry })
    }

    /// The value of a storage item; an absent one is its default, or `None` when it has none.
    pub(crate) fn decode(&self, item: &Item, value: Option<&[u8]>) -> Result<Option<Decoded>, IncompatibleChain> {
        let entry = self.entry(item.pallet, item.entry)?;
        let Some(mut bytes) = value.or(entry.default_value()) else { return Ok(None) };
        scale_value::scale::decode_as_type(&mut bytes, entry.value_ty(), self.metadata.types())
            .map(Some)
            .map_err(|_| IncompatibleChain::UnknownForm { pallet: item.pallet, item: item.entry })
    }

    /// The type of a storage item's value.
    pub(crate) fn value_type(&self, item: &Item) -> Result<&TypeDef<PortableForm>, IncompatibleChain> {
        let entry = self.entry(item.pallet, item.entry)?;
        self.inner_type(entry.value_ty())
            .ok_or(IncompatibleChain::UnknownForm { pallet: item.pallet, item: item.entry })
    }

    /// A type with its wrappers of a single field taken off (bounded vectors, newtypes).
    pub(crate) fn inner_type(&self, id: u32) -> Option<&TypeDef<PortableForm>> {
        let mut id = id;
        // Types can refer to themselves; wrappers are never nested this deep.
        for _ in 0..16 {
            match &self.metadata.types().resolve(id)?.type_def {
                TypeDef::Composite(composite) if composite.fields.len() == 1 => id = composite.fields[0].ty.id,
                other => return Some(other),
            }
        }
        None
    }

    /// A whole number among a pallet's constants.
    pub(crate) fn constant(&self, pallet: &str, name: &str) -> Option<u128> {
        let constant = self.metadata.pallet_by_name(pallet)?.constant_by_name(name)?;
        let value =
            scale_value::scale::decode_as_type(&mut constant.value(), constant.ty(), self.metadata.types()).ok()?;
        number(&value)
    }

    /// Seconds between two blocks. Aura's slot where the metadata has it, else twice the smallest distance of timestamps.
    pub(crate) fn block_time(&self) -> Result<f64, IncompatibleChain> {
        let milliseconds = self
            .constant("Aura", "SlotDuration")
            .or_else(|| self.constant("Babe", "ExpectedBlockTime"))
            .or_else(|| self.constant("Timestamp", "MinimumPeriod").map(|period| period.saturating_mul(2)))
            .and_then(|milliseconds| u32::try_from(milliseconds).ok())
            .filter(|milliseconds| *milliseconds > 0)
            .ok_or(IncompatibleChain::NoItem { pallet: "Timestamp", item: "MinimumPeriod" })?;
        Ok(f64::from(milliseconds) / 1_000.0)
    }
}

/// A whole number, with wrappers of a single field taken off.
pub(crate) fn number<T>(value: &Value<T>) -> Option<u128> {
    match &value.value {
        ValueDef::Primitive(primitive) => primitive.as_u128(),
        ValueDef::Composite(composite) if composite.len() == 1 => composite.values().next().and_then(number),
        _ => None,
    }
}

/// A whole number of a field, in the width we hold it in.
pub(crate) fn field_number<N: TryFrom<u128>>(value: &Decoded, field: &str) -> Option<N> {
    value.at(field).and_then(number).and_then(|number| N::try_from(number).ok())
}

/// Bytes, whether the type is an array, a vector or a wrapper of one.
pub(crate) fn bytes<T>(value: &Value<T>) -> Option<Vec<u8>> {
    let ValueDef::Composite(composite) = &value.value else { return None };
    let as_byte = |value: &Value<T>| match &value.value {
        ValueDef::Primitive(Primitive::U128(byte)) => u8::try_from(*byte).ok(),
        _ => None,
    };
    if let Some(bytes) = composite.values().map(as_byte).collect::<Option<Vec<u8>>>() {
        return Some(bytes);
    }
    match composite {
        Composite::Named(fields) if fields.len() == 1 => bytes(&fields[0].1),
        Composite::Unnamed(fields) if fields.len() == 1 => bytes(&fields[0]),
        _ => None,
    }
}
