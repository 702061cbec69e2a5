//! What became of an extrinsic in its block: the events say success, or an error that the metadata can explain.
//! Reads only; never decides what to do about it.

use std::fmt;

use gen404_outside::text::excerpt;
use scale_value::{At, Value, ValueDef};

use super::{Decoded, Runtime, bytes, number};
use crate::error::SHOWN;

/// An error of the runtime, explained by the metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchError {
    /// The pallet, or `None` for an error of the runtime itself.
    pub pallet: Option<String>,
    /// Name of the error.
    pub name: String,
    /// Its documentation; may be empty.
    pub documentation: String,
}

impl fmt::Display for DispatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pallet) = &self.pallet {
            write!(formatter, "{pallet}.")?;
        }
        formatter.write_str(&self.name)?;
        if self.documentation.is_empty() { Ok(()) } else { write!(formatter, " ({})", self.documentation) }
    }
}

/// How an extrinsic ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DispatchResult {
    Success,
    Failed(DispatchError),
    /// The events could not be read or do not mention the extrinsic.
    Unknown,
}

impl Runtime {
    /// Finds the end of the extrinsic at `index` in a block's decoded `System.Events`.
    pub(crate) fn dispatch_result(&self, events: &Decoded, index: u32) -> DispatchResult {
        let ValueDef::Composite(records) = &events.value else { return DispatchResult::Unknown };
        let of_extrinsic = records.values().filter(|record| applied_index(record) == Some(index));
        for record in of_extrinsic {
            let Some(event) = record.at("event") else { continue };
            let ValueDef::Variant(pallet) = &event.value else { continue };
            if pallet.name != "System" {
                continue;
            }
            let Some(Value { value: ValueDef::Variant(event), .. }) = pallet.values.values().next() else { continue };
            match event.name.as_str() {
                "ExtrinsicSuccess" => return DispatchResult::Success,
                "ExtrinsicFailed" => {
                    let error = event.values.values().next();
                    return DispatchResult::Failed(
                        error.map_or_else(|| unnamed("ExtrinsicFailed"), |error| self.explain(error)),
                    );
                }
                _ => {}
            }
        }
        DispatchResult::Unknown
    }

    /// Names a value of type `DispatchError`.
    pub(crate) fn explain(&self, error: &Decoded) -> DispatchError {
        let ValueDef::Variant(kind) = &error.value else { return unnamed("unknown error") };
        if kind.name == "Module"
            && let Some(explained) = kind.values.values().next().and_then(|module| self.explain_module(module))
        {
            return explained;
        }
        // Errors like Token(FundsUnavailable) carry their cause in a variant of its own.
        let inner = kind.values.values().next().and_then(|value| match &value.value {
            ValueDef::Variant(inner) => Some(inner.name.as_str()),
            _ => None,
        });
        unnamed(&inner.map_or_else(|| kind.name.clone(), |inner| format!("{}.{inner}", kind.name)))
    }

    /// `kind` is the fields of `Module`: a `ModuleError { index, error: [u8; 4] }`, or its fields directly.
    fn explain_module(&self, module: &Decoded) -> Option<DispatchError> {
        let pallet_index = u8::try_from(module.at("index").and_then(number)?).ok()?;
        let error = module.at("error")?;
        let error_index = bytes(error)
            .and_then(|bytes| bytes.first().copied())
            .or_else(|| number(error).and_then(|index| u8::try_from(index).ok()))?;
        let pallet = self.metadata.pallet_by_error_index(pallet_index)?;
        let Some(variant) = pallet.error_variant_by_index(error_index) else {
            return Some(DispatchError {
                pallet: Some(excerpt(pallet.name(), SHOWN)),
                name: format!("error {error_index}"),
                documentation: String::new(),
            });
        };
        Some(DispatchError {
            pallet: Some(excerpt(pallet.name(), SHOWN)),
            name: excerpt(&variant.name, SHOWN),
            documentation: excerpt(&variant.docs.join(" "), SHOWN),
        })
    }
}

fn applied_index(record: &Decoded) -> Option<u32> {
    let ValueDef::Variant(phase) = &record.at("phase")?.value else { return None };
    if phase.name != "ApplyExtrinsic" {
        return None;
    }
    phase.values.values().next().and_then(number).and_then(|index| u32::try_from(index).ok())
}

fn unnamed(name: &str) -> DispatchError {
    DispatchError { pallet: None, name: excerpt(name, SHOWN), documentation: String::new() }
}
