//! The last hand on the type registry: official paths, and the two types too regular to write out in Rust.
//! Knows names and shapes; which types there are is decided by the pallets.

use scale_info::form::PortableForm;
use scale_info::{Field, Path, PortableRegistry, PortableType, Type, TypeDef, TypeDefArray, TypeDefPrimitive, Variant};

/// Where a type of ours (by module and name) stands in the real runtime. Clients know some types by this path: an
/// account is shown as an address only if it is called `sp_core::crypto::AccountId32`.
const OFFICIAL_PATHS: &[(&str, &str)] = &[
    ("primitives::Account", "sp_core::crypto::AccountId32"),
    ("primitives::H256", "primitive_types::H256"),
    ("primitives::BoundedVec", "bounded_collections::bounded_vec::BoundedVec"),
    ("primitives::MultiAddress", "sp_runtime::multiaddress::MultiAddress"),
    ("primitives::MultiSignature", "sp_runtime::MultiSignature"),
    ("primitives::MultiSigner", "sp_runtime::MultiSigner"),
    ("primitives::Era", "sp_runtime::generic::era::Era"),
    ("primitives::Weight", "sp_weights::weight_v2::Weight"),
    ("primitives::DispatchClass", "frame_support::dispatch::DispatchClass"),
    ("primitives::Pays", "frame_support::dispatch::Pays"),
    ("primitives::DispatchEventInfo", "frame_system::DispatchEventInfo"),
    ("primitives::DispatchError", "sp_runtime::DispatchError"),
    ("primitives::ModuleError", "sp_runtime::ModuleError"),
    ("primitives::Phase", "frame_system::Phase"),
    ("primitives::EventRecord", "frame_system::EventRecord"),
    ("primitives::AccountInfo", "frame_system::AccountInfo"),
    ("primitives::AccountData", "pallet_balances::types::AccountData"),
    ("primitives::ExtraFlags", "pallet_balances::types::ExtraFlags"),
    ("system::Call", "frame_system::pallet::Call"),
    ("system::Event", "frame_system::pallet::Event"),
    ("system::Error", "frame_system::pallet::Error"),
    ("system::TimestampCall", "pallet_timestamp::pallet::Call"),
    ("commitments::Call", "pallet_commitments::pallet::Call"),
    ("commitments::Event", "pallet_commitments::pallet::Event"),
    ("commitments::Error", "pallet_commitments::pallet::Error"),
    ("data::Data", "pallet_commitments::types::Data"),
    ("data::CommitmentInfo", "pallet_commitments::types::CommitmentInfo"),
    ("data::Registration", "pallet_commitments::types::Registration"),
    ("data::UsageTracker", "pallet_commitments::types::UsageTracker"),
    ("drand::Call", "pallet_drand::pallet::Call"),
    ("drand::Event", "pallet_drand::pallet::Event"),
    ("drand::Error", "pallet_drand::pallet::Error"),
    ("drand::BeaconConfiguration", "pallet_drand::types::BeaconConfiguration"),
    ("drand::Metadata", "pallet_drand::types::Metadata"),
    ("drand::Pulse", "pallet_drand::types::Pulse"),
    ("drand::PulsesPayload", "pallet_drand::types::PulsesPayload"),
    ("subtensor::LockState", "pallet_subtensor::staking::lock::LockState"),
    ("subtensor::FixedU128", "substrate_fixed::FixedU128"),
    ("subtensor::NeuronInfoLite", "pallet_subtensor::rpc_info::neuron_info::NeuronInfoLite"),
    ("subtensor::AxonInfo", "pallet_subtensor::pallet::AxonInfo"),
    ("subtensor::PrometheusInfo", "pallet_subtensor::pallet::PrometheusInfo"),
    ("runtime::RuntimeCall", "node_subtensor_runtime::RuntimeCall"),
    ("runtime::RuntimeEvent", "node_subtensor_runtime::RuntimeEvent"),
    ("runtime::RuntimeError", "node_subtensor_runtime::RuntimeError"),
    ("validity::TransactionSource", "sp_runtime::transaction_validity::TransactionSource"),
    ("validity::ValidTransaction", "sp_runtime::transaction_validity::ValidTransaction"),
    ("validity::TransactionValidityError", "sp_runtime::transaction_validity::TransactionValidityError"),
    ("validity::InvalidTransaction", "sp_runtime::transaction_validity::InvalidTransaction"),
    ("validity::UnknownTransaction", "sp_runtime::transaction_validity::UnknownTransaction"),
    ("apis::RuntimeVersion", "sp_version::RuntimeVersion"),
    ("apis::OpaqueMetadata", "sp_core::OpaqueMetadata"),
    ("extensions::Runtime", "node_subtensor_runtime::Runtime"),
    ("extensions::CheckNonZeroSender", "frame_system::extensions::check_non_zero_sender::CheckNonZeroSender"),
    ("extensions::CheckSpecVersion", "frame_system::extensions::check_spec_version::CheckSpecVersion"),
    ("extensions::CheckTxVersion", "frame_system::extensions::check_tx_version::CheckTxVersion"),
    ("extensions::CheckGenesis", "frame_system::extensions::check_genesis::CheckGenesis"),
    ("extensions::CheckMortality", "node_subtensor_runtime::check_mortality::CheckMortality"),
    ("extensions::CheckNonce", "node_subtensor_runtime::check_nonce::CheckNonce"),
    ("extensions::CheckWeight", "frame_system::extensions::check_weight::CheckWeight"),
    ("extensions::ChargeTransactionPayment", "pallet_transaction_payment::ChargeTransactionPayment"),
    ("extensions::SudoTransactionExtension", "node_subtensor_runtime::sudo_wrapper::SudoTransactionExtension"),
    ("extensions::CheckShieldedTxValidity", "pallet_shield::extension::CheckShieldedTxValidity"),
    (
        "extensions::SubtensorTransactionExtension",
        "pallet_subtensor::extensions::subtensor::SubtensorTransactionExtension",
    ),
    ("extensions::DrandPriority", "pallet_drand::drand_priority::DrandPriority"),
    ("extensions::CheckMetadataHash", "frame_metadata_hash_extension::CheckMetadataHash"),
    ("extensions::Mode", "frame_metadata_hash_extension::Mode"),
];

/// Gives every type its official path and fills in the variants of eras and of raw commitment fields.
pub(super) fn finish(registry: &mut PortableRegistry) {
    let byte = registry
        .types
        .iter()
        .find(|known| matches!(known.ty.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)))
        .map(|known| known.id)
        .expect("every registry of ours holds bytes");
    for index in 0..registry.types.len() {
        let segments = &registry.types[index].ty.path.segments;
        let Some(ours) = segments.last_chunk::<2>().map(|[module, name]| format!("{module}::{name}")) else {
            continue;
        };
        let Some((_, official)) = OFFICIAL_PATHS.iter().find(|(path, _)| *path == ours) else { continue };
        registry.types[index].ty.path.segments = official.split("::").map(str::to_owned).collect();
        let variants = match *official {
            "sp_runtime::generic::era::Era" => (0..=u8::MAX).map(|lead| era(lead, byte)).collect(),
            "pallet_commitments::types::Data" => raw_fields(registry, byte),
            _ => continue,
        };
        if let TypeDef::Variant(definition) = &mut registry.types[index].ty.type_def {
            definition
                .variants
                .retain(|known| variants.iter().all(|new: &Variant<PortableForm>| new.index != known.index));
            definition.variants.extend(variants);
            definition.variants.sort_by_key(|variant| variant.index);
        }
    }
}

/// An era is told by its first byte; all but 0 have a second one.
fn era(lead: u8, byte: u32) -> Variant<PortableForm> {
    match lead {
        0 => variant("Immortal".to_owned(), lead, vec![]),
        _ => variant(format!("Mortal{lead}"), lead, vec![unnamed(byte)]),
    }
}

/// `Raw0` to `Raw128`, each with an array of its own length.
fn raw_fields(registry: &mut PortableRegistry, byte: u32) -> Vec<Variant<PortableForm>> {
    (0..=128_u8)
        .map(|length| variant(format!("Raw{length}"), length + 1, vec![unnamed(array(registry, byte, length))]))
        .collect()
}

fn array(registry: &mut PortableRegistry, byte: u32, length: u8) -> u32 {
    let definition = TypeDef::Array(TypeDefArray { len: u32::from(length), type_param: byte.into() });
    if let Some(known) = registry.types.iter().find(|known| known.ty.type_def == definition) {
        return known.id;
    }
    let id = u32::try_from(registry.types.len()).expect("a few hundred types");
    let ty = Type { path: Path { segments: vec![] }, type_params: vec![], type_def: definition, docs: vec![] };
    registry.types.push(PortableType { id, ty });
    id
}

fn unnamed(ty: u32) -> Field<PortableForm> {
    Field { name: None, ty: ty.into(), type_name: None, docs: vec![] }
}

fn variant(name: String, index: u8, fields: Vec<Field<PortableForm>>) -> Variant<PortableForm> {
    Variant { name, fields, index, docs: vec![] }
}
