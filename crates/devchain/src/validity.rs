//! What `TaggedTransactionQueue_validate_transaction` answers: whether the next block would take an extrinsic.
//! Translates the runtime's own checks into the types of that API.

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use super::extrinsic::Submitted;
use super::runtime::{Invalid, Runtime};

/// Where an extrinsic comes from; all sources are treated alike here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Decode, TypeInfo)]
pub(crate) enum TransactionSource {
    InBlock,
    Local,
    External,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct ValidTransaction {
    priority: u64,
    requires: Vec<Vec<u8>>,
    provides: Vec<Vec<u8>>,
    longevity: u64,
    propagate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) enum TransactionValidityError {
    #[codec(index = 0)]
    Invalid(InvalidTransaction),
    #[codec(index = 1)]
    Unknown(UnknownTransaction),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) enum InvalidTransaction {
    #[codec(index = 3)]
    Stale,
    #[codec(index = 4)]
    BadProof,
    #[codec(index = 5)]
    AncientBirthBlock,
    #[codec(index = 7)]
    Custom(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) enum UnknownTransaction {
    #[codec(index = 1)]
    NoUnsignedValidator,
}

/// Asks the runtime about an extrinsic. `None` when the bytes are none.
pub(crate) fn of(runtime: &Runtime, extrinsic: &[u8]) -> Option<Result<ValidTransaction, TransactionValidityError>> {
    let Submitted::Signed(signed) = Submitted::decode(extrinsic).ok()? else {
        return Some(Err(TransactionValidityError::Unknown(UnknownTransaction::NoUnsignedValidator)));
    };
    Some(match runtime.validate(&signed) {
        Ok((account, early)) => {
            let tag = |nonce: u32| (account, nonce).encode();
            Ok(ValidTransaction {
                priority: 0,
                requires: if early == 0 { vec![] } else { vec![tag(signed.nonce - 1)] },
                provides: vec![tag(signed.nonce)],
                longevity: u64::MAX,
                propagate: true,
            })
        }
        Err(invalid) => Err(TransactionValidityError::Invalid(match invalid {
            Invalid::Stale => InvalidTransaction::Stale,
            Invalid::BadProof => InvalidTransaction::BadProof,
            Invalid::AncientBirthBlock => InvalidTransaction::AncientBirthBlock,
            Invalid::Custom(code) => InvalidTransaction::Custom(code),
        })),
    })
}
