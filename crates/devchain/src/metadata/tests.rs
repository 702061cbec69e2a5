//! The metadata says the same in every version, and what it says of shared things is what Finney's says.
//! Finney's own metadata (spec 393) lies packed in `testdata`.

use std::io::Read as _;

use flate2::read::GzDecoder;
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

fn finney() -> RuntimeMetadataV16 {
    let packed: &[u8] = include_bytes!("../../../../testdata/finney-spec393-v16.scale.gz");
    let mut metadata = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut metadata).expect("the metadata unpacks");
    match decode(&metadata) {
        RuntimeMetadata::V16(metadata) => metadata,
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

/// What differs between two chains in the things that both have.
struct Comparison<'a> {
    ours: &'a RuntimeMetadataV16,
    theirs: &'a RuntimeMetadataV16,
    compared: usize,
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, place: &str, ours: &T, theirs: &T) {
        self.compared += 1;
        if ours != theirs {
            self.differences.push(format!("{place}: ours {ours:?}, theirs {theirs:?}"));
        }
    }

    fn types(&mut self, place: &str, ours: u32, theirs: u32) {
        let (ours, theirs) = (shape(&self.ours.types, ours), shape(&self.theirs.types, theirs));
        self.equal(place, &ours, &theirs);
    }

    fn entry(&mut self, place: &str, ours: &StorageEntry, theirs: &StorageEntry) {
        self.equal(place, &(&ours.modifier, &ours.default), &(&theirs.modifier, &theirs.default));
        match (&ours.ty, &theirs.ty) {
            (StorageEntryType::Plain(a), StorageEntryType::Plain(b)) => self.types(place, a.id, b.id),
            (
                StorageEntryType::Map { hashers: a, key: key_a, value: value_a },
                StorageEntryType::Map { hashers: b, key: key_b, value: value_b },
            ) => {
                self.equal(place, a, b);
                self.types(place, key_a.id, key_b.id);
                self.types(place, value_a.id, value_b.id);
            }
            _ => self.differences.push(format!("{place}: a map on one side only")),
        }
    }

    /// Calls, events or errors.
    fn variants(&mut self, pallet: &str, ours: Option<u32>, theirs: Option<u32>) {
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            return self.equal(pallet, &ours.is_some(), &theirs.is_some());
        };
        let theirs = variants(&self.theirs.types, theirs);
        for ours in variants(&self.ours.types, ours) {
            let place = format!("{pallet}.{}", ours.name);
            let theirs = theirs.iter().find(|theirs| theirs.index == ours.index).expect(&place);
            self.equal(&place, &ours.name, &theirs.name);
            self.equal(&place, &ours.fields.len(), &theirs.fields.len());
            for (a, b) in ours.fields.iter().zip(&theirs.fields) {
                self.equal(&place, &a.name, &b.name);
                // Our dispatch errors are the first four of theirs.
                if a.name.as_deref() != Some("dispatch_error") {
                    self.types(&place, a.ty.id, b.ty.id);
                }
            }
        }
    }
}

type StorageEntry = v16::StorageEntryMetadata<PortableForm>;

fn variants(types: &PortableRegistry, id: u32) -> Vec<scale_info::Variant<PortableForm>> {
    match &types.resolve(id).expect("registered").type_def {
        TypeDef::Variant(variants) => variants.variants.clone(),
        _ => panic!("an enum"),
    }
}

#[test]
fn what_is_shared_with_finney_has_finneys_types() {
    let theirs = finney();
    let ours = ours();
    let mut comparison = Comparison { ours: &ours, theirs: &theirs, compared: 0, differences: vec![] };
    for pallet in &ours.pallets {
        let other = theirs.pallets.iter().find(|other| other.name == pallet.name).expect("no pallet of our own");
        comparison.equal(&pallet.name, &pallet.index, &other.index);
        let others: Vec<_> = other.storage.iter().flat_map(|storage| &storage.entries).collect();
        for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
            let place = format!("{}.{}", pallet.name, entry.name);
            // Newer than 393; and the events of pallets that are not here.
            if !["SubtensorModule.SubnetEpochIndex", "System.Events"].contains(&place.as_str()) {
                let other = others.iter().find(|other| other.name == entry.name).expect(&place);
                comparison.entry(&place, entry, other);
            }
        }
        for constant in &pallet.constants {
            let place = format!("{}::{}", pallet.name, constant.name);
            let other = other.constants.iter().find(|other| other.name == constant.name).expect(&place);
            comparison.types(&place, constant.ty.id, other.ty.id);
        }
        let call = |pallet: &v16::PalletMetadata<PortableForm>| pallet.calls.as_ref().map(|calls| calls.ty.id);
        let event = |pallet: &v16::PalletMetadata<PortableForm>| pallet.event.as_ref().map(|event| event.ty.id);
        let error = |pallet: &v16::PalletMetadata<PortableForm>| pallet.error.as_ref().map(|error| error.ty.id);
        if call(pallet).is_some() {
            comparison.variants(&pallet.name, call(pallet), call(other));
        }
        if event(pallet).is_some() {
            comparison.variants(&pallet.name, event(pallet), event(other));
            comparison.variants(&pallet.name, error(pallet), error(other));
        }
    }
    let pairs = ours.extrinsic.transaction_extensions.iter().zip(&theirs.extrinsic.transaction_extensions);
    for (ours, theirs) in pairs {
        comparison.equal("extension", &ours.identifier, &theirs.identifier);
        comparison.types(&ours.identifier, ours.ty.id, theirs.ty.id);
        comparison.types(&ours.identifier, ours.implicit.id, theirs.implicit.id);
    }
    assert_eq!(ours.extrinsic.transaction_extensions.len(), theirs.extrinsic.transaction_extensions.len());
    assert_eq!(comparison.differences, Vec::<String>::new());
    assert!(comparison.compared > 100, "{}", comparison.compared);
}
