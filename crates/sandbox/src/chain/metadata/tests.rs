//! The metadata says the same in every version, and what it says of shared things is what Finney's says.
//! Finney's own metadata (spec 393) lies outside the project: at `FINNEY_METADATA`, or in `shared/data` next to it.

use std::path::Path;

use frame_metadata::v16::{RuntimeMetadataV16, StorageEntryType};
use scale_info::form::PortableForm;
use scale_info::{PortableRegistry, TypeDef};

use super::*;

const BLOCK_TIME_MS: u64 = 1000;

fn decode(bytes: &[u8]) -> RuntimeMetadata {
    RuntimeMetadataPrefixed::decode(&mut &*bytes).expect("metadata").1
}

fn ours() -> RuntimeMetadataV16 {
    match decode(&render(16, BLOCK_TIME_MS).expect("on offer")) {
        RuntimeMetadata::V16(metadata) => metadata,
        other => panic!("version {}", other.version()),
    }
}

#[expect(clippy::print_stderr, reason = "a test that skips must say so")]
fn finney() -> Option<RuntimeMetadataV16> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/finney-metadata-spec393-v16.scale");
    let path = std::env::var_os("FINNEY_METADATA").map_or(beside, Into::into);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no Finney metadata at {}", path.display());
        return None;
    };
    match decode(&bytes) {
        RuntimeMetadata::V16(metadata) => Some(metadata),
        other => panic!("version {}", other.version()),
    }
}

/// A type written out to its leaves: names of paths, fields and variants, and indices.
fn shape(types: &PortableRegistry, id: u32) -> String {
    let ty = types.resolve(id).expect("a registered type");
    let fields = |fields: &[scale_info::Field<PortableForm>]| {
        let fields: Vec<_> =
            fields.iter().map(|field| format!("{:?}: {}", field.name, shape(types, field.ty.id))).collect();
        fields.join(", ")
    };
    let definition = match &ty.type_def {
        TypeDef::Composite(composite) => format!("{{{}}}", fields(&composite.fields)),
        TypeDef::Variant(variants) => {
            let variants = variants.variants.iter();
            let variants: Vec<_> = variants
                .map(|variant| format!("{} {}({})", variant.index, variant.name, fields(&variant.fields)))
                .collect();
            format!("<{}>", variants.join(" | "))
        }
        TypeDef::Sequence(sequence) => format!("[{}]", shape(types, sequence.type_param.id)),
        TypeDef::Array(array) => format!("[{}; {}]", shape(types, array.type_param.id), array.len),
        TypeDef::Tuple(tuple) => {
            let parts: Vec<_> = tuple.fields.iter().map(|field| shape(types, field.id)).collect();
            format!("({})", parts.join(", "))
        }
        TypeDef::Primitive(primitive) => format!("{primitive:?}"),
        TypeDef::Compact(compact) => format!("compact {}", shape(types, compact.type_param.id)),
        TypeDef::BitSequence(_) => "bits".to_owned(),
    };
    format!("{}{definition}", ty.path.segments.join("::"))
}

#[test]
fn all_versions_say_the_same() {
    let newest = ours();
    let names = |pallets: &[v15::PalletMetadata<PortableForm>]| {
        pallets.iter().map(|pallet| (pallet.index, pallet.name.clone())).collect::<Vec<_>>()
    };
    let reduced = metadata_v15(&render(16, BLOCK_TIME_MS).expect("on offer")).expect("reducible");
    let direct = render(15, BLOCK_TIME_MS).expect("on offer");
    let (RuntimeMetadata::V15(reduced), RuntimeMetadata::V15(direct)) = (decode(&reduced), decode(&direct)) else {
        panic!("both are of version 15");
    };
    assert_eq!(names(&reduced.pallets), names(&direct.pallets));
    assert_eq!(reduced.apis.len(), direct.apis.len());
    let RuntimeMetadata::V14(oldest) = decode(&render(14, BLOCK_TIME_MS).expect("on offer")) else {
        panic!("it is of version 14");
    };
    for (old, new) in oldest.pallets.iter().zip(&newest.pallets) {
        assert_eq!((old.index, &old.name), (new.index, &new.name));
        for (old, new) in
            old.storage.iter().zip(&new.storage).flat_map(|(old, new)| old.entries.iter().zip(&new.entries))
        {
            assert_eq!((&old.name, &old.default), (&new.name, &new.default));
        }
    }
    assert!(render(13, BLOCK_TIME_MS).is_none());
    assert!(metadata_v15(b"meta").is_none());
}

#[test]
fn commitment_fields_and_eras_have_all_their_variants() {
    let types = ours().types;
    let variants = |name: &str| {
        let ty = types.types.iter().find(|known| known.ty.path.segments.last().is_some_and(|last| last == name));
        let TypeDef::Variant(variants) = &ty.expect(name).ty.type_def else { panic!("{name} is an enum") };
        variants.variants.iter().map(|variant| variant.index).collect::<Vec<_>>()
    };
    assert_eq!(variants("Data"), (0..=136).collect::<Vec<_>>());
    assert_eq!(variants("Era"), (0..=255).collect::<Vec<_>>());
}

#[test]
fn what_is_shared_with_finney_has_finneys_types() {
    let Some(finney) = finney() else { return };
    let ours = ours();
    let mut compared = 0;
    for pallet in &ours.pallets {
        let other = finney.pallets.iter().find(|other| other.name == pallet.name).expect("no pallet of our own");
        assert_eq!(pallet.index, other.index, "{}", pallet.name);
        for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
            let place = format!("{}.{}", pallet.name, entry.name);
            // Newer than 393, and the events of pallets that are not here.
            if ["SubtensorModule.SubnetEpochIndex", "System.Events"].contains(&place.as_str()) {
                continue;
            }
            let theirs = other.storage.iter().flat_map(|storage| &storage.entries);
            let theirs = theirs.clone().find(|theirs| theirs.name == entry.name).expect(&place);
            assert_eq!((&entry.modifier, &entry.default), (&theirs.modifier, &theirs.default), "{place}");
            match (&entry.ty, &theirs.ty) {
                (StorageEntryType::Plain(a), StorageEntryType::Plain(b)) => {
                    assert_eq!(shape(&ours.types, a.id), shape(&finney.types, b.id), "{place}");
                }
                (
                    StorageEntryType::Map { hashers: a, key: key_a, value: value_a },
                    StorageEntryType::Map { hashers: b, key: key_b, value: value_b },
                ) => {
                    assert_eq!(a, b, "{place}");
                    assert_eq!(shape(&ours.types, key_a.id), shape(&finney.types, key_b.id), "{place}");
                    assert_eq!(shape(&ours.types, value_a.id), shape(&finney.types, value_b.id), "{place}");
                }
                _ => panic!("{place}: a map on one side only"),
            }
            compared += 1;
        }
        let ids = |pallet: &v16::PalletMetadata<PortableForm>| {
            [
                pallet.calls.as_ref().map(|calls| calls.ty.id),
                pallet.event.as_ref().map(|event| event.ty.id),
                pallet.error.as_ref().map(|error| error.ty.id),
            ]
        };
        for (a, b) in ids(pallet).into_iter().zip(ids(other)) {
            let Some(a) = a else { continue };
            let b = b.expect("calls, events and errors are where ours are");
            let variants = |types: &PortableRegistry, id: u32| match &types.resolve(id).expect("registered").type_def {
                TypeDef::Variant(variants) => variants.variants.clone(),
                _ => panic!("an enum"),
            };
            for variant in variants(&ours.types, a) {
                let theirs = variants(&finney.types, b);
                let theirs = theirs.iter().find(|theirs| theirs.index == variant.index).expect(&variant.name);
                assert_eq!(variant.name, theirs.name);
                for (field, other) in variant.fields.iter().zip(&theirs.fields) {
                    let place = format!("{}.{}", pallet.name, variant.name);
                    // Our dispatch errors are fewer than theirs, with the same indices.
                    if variant.name != "ExtrinsicFailed" {
                        assert_eq!(shape(&ours.types, field.ty.id), shape(&finney.types, other.ty.id), "{place}");
                    }
                    assert_eq!(field.name, other.name, "{place}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "{compared}");
    let extensions = |metadata: &RuntimeMetadataV16| {
        let extensions = metadata.extrinsic.transaction_extensions.iter();
        extensions.map(|extension| extension.identifier.clone()).collect::<Vec<_>>()
    };
    assert_eq!(extensions(&ours), extensions(&finney));
    for (a, b) in ours.extrinsic.transaction_extensions.iter().zip(&finney.extrinsic.transaction_extensions) {
        assert_eq!(shape(&ours.types, a.implicit.id), shape(&finney.types, b.implicit.id), "{}", a.identifier);
    }
}
