//! Signed extrinsics of version 4: their bytes, their signature payload, the checks that need no state.
//! Knows the transaction extensions in their order; whether nonce and era fit is the runtime's question.

use parity_scale_codec::{Compact, Decode, Encode};
use schnorrkel::{PublicKey, Signature};

use super::hashing::blake2_256;
use super::primitives::{Account, Era, H256, MultiAddress, MultiSignature};
use super::runtime::RuntimeCall;

/// Version 4 with the bit that says "signed".
const SIGNED_V4: u8 = 0x84;
/// Version 4 without a signature: an inherent.
const BARE_V4: u8 = 0x04;
/// Payloads longer than this are hashed before they are signed.
const LONGEST_PLAIN_PAYLOAD: usize = 256;
/// Context of all signatures of Substrate chains.
const SIGNING_CONTEXT: &[u8] = b"substrate";

/// What a signature covers besides the bytes of the extrinsic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedContext {
    pub(crate) spec_version: u32,
    pub(crate) transaction_version: u32,
    pub(crate) genesis: H256,
}

/// Why bytes are no extrinsic that could be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error("the length in front of the extrinsic is wrong")]
    Length,
    #[error("the extrinsic could not be decoded: {0}")]
    Contents(#[from] parity_scale_codec::Error),
    #[error("extrinsics of format {0:#04x} are not known here")]
    Format(u8),
    #[error("{0} bytes are left over after the call")]
    LeftOver(usize),
}

/// A decoded signed extrinsic, with the bytes it came in.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: H256,
    pub(crate) signer: MultiAddress,
    pub(crate) signature: MultiSignature,
    pub(crate) era: Era,
    pub(crate) nonce: u32,
    pub(crate) call: RuntimeCall,
    metadata_hash_enabled: bool,
    /// The extensions' own bytes (era, nonce, tip, mode), as they came.
    extensions: Vec<u8>,
    /// The call's own bytes, as they came.
    call_bytes: Vec<u8>,
}

/// An extrinsic as somebody submitted it.
#[derive(Debug, Clone)]
pub(crate) enum Submitted {
    Signed(Box<Signed>),
    /// Without a signature. Only a block's author may put those into a block.
    Bare,
}

impl Submitted {
    /// Reads a whole extrinsic, length prefix included.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Undecodable> {
        let mut rest = bytes;
        let length = Compact::<u32>::decode(&mut rest).map_err(|_| Undecodable::Length)?.0;
        if rest.len() != length as usize {
            return Err(Undecodable::Length);
        }
        match u8::decode(&mut rest)? {
            SIGNED_V4 => {}
            BARE_V4 => {
                whole_call(rest)?;
                return Ok(Self::Bare);
            }
            format => return Err(Undecodable::Format(format)),
        }
        let signer = MultiAddress::decode(&mut rest)?;
        let signature = MultiSignature::decode(&mut rest)?;
        let before = rest;
        let era = Era::decode(&mut rest)?;
        let nonce = Compact::<u32>::decode(&mut rest)?.0;
        let _tip = Compact::<u64>::decode(&mut rest)?;
        let metadata_hash_enabled = bool::decode(&mut rest)?;
        let extensions = before[..before.len() - rest.len()].to_vec();
        let call = whole_call(rest)?;
        Ok(Self::Signed(Box::new(Signed {
            bytes: bytes.to_vec(),
            hash: H256(blake2_256(bytes)),
            signer,
            signature,
            era,
            nonce,
            call,
            metadata_hash_enabled,
            extensions,
            call_bytes: rest.to_vec(),
        })))
    }
}

fn whole_call(mut bytes: &[u8]) -> Result<RuntimeCall, Undecodable> {
    let call = RuntimeCall::decode(&mut bytes)?;
    if bytes.is_empty() { Ok(call) } else { Err(Undecodable::LeftOver(bytes.len())) }
}

impl Signed {
    /// The account that signed, if the signature over everything (and the block the era began at) is right.
    ///
    /// Only sr25519 signatures are known here; a metadata hash is refused, because nobody here could check it.
    pub(crate) fn verified_signer(&self, context: &SignedContext, birth: H256) -> Option<Account> {
        let (MultiAddress::Id(account), MultiSignature::Sr25519(signature)) = (&self.signer, &self.signature) else {
            return None;
        };
        if self.metadata_hash_enabled {
            return None;
        }
        let key = PublicKey::from_bytes(&account.0).ok()?;
        let signature = Signature::from_bytes(signature).ok()?;
        key.verify_simple(SIGNING_CONTEXT, &self.payload(context, birth), &signature).ok()?;
        Some(*account)
    }

    /// The bytes that are signed.
    fn payload(&self, context: &SignedContext, birth: H256) -> Vec<u8> {
        let mut payload = self.call_bytes.clone();
        payload.extend(&self.extensions);
        (context.spec_version, context.transaction_version, context.genesis, birth).encode_to(&mut payload);
        // No metadata hash.
        payload.push(0);
        if payload.len() > LONGEST_PLAIN_PAYLOAD { blake2_256(&payload).to_vec() } else { payload }
    }
}

/// An extrinsic without a signature, with its length in front.
pub(crate) fn bare(call: &RuntimeCall) -> Vec<u8> {
    let mut body = vec![BARE_V4];
    call.encode_to(&mut body);
    body.encode()
}
