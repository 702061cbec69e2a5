//! Strangers with reveals, to see how tools cope with many: most are ordinary miners, some write what strangers write.
//! Pure: the same crowd for the same number.

use gen404_devchain::PastReveals;
use gen404_round::AccountId;
use parity_scale_codec::Encode as _;
use sha2::{Digest, Sha256};

/// The chain keeps the ten newest reveals of a hotkey.
const REVEALS: u64 = 10;

/// `count` hotkeys with ten reveals each.
pub(crate) fn reveals(count: u32) -> Vec<PastReveals> {
    (0..count).map(stranger).collect()
}

fn stranger(number: u32) -> PastReveals {
    let hotkey = AccountId(Sha256::digest(format!("stranger {number}")).into());
    let reveals = (0..REVEALS).map(|reveal| (payload(number, reveal), 1_000 + u64::from(number) * 7 + reveal * 360));
    PastReveals { hotkey, reveals: reveals.collect() }
}

fn payload(number: u32, reveal: u64) -> Vec<u8> {
    let text = match (u64::from(number) + reveal) % 10 {
        0..=5 => {
            let hash = hex::encode(&Sha256::digest(format!("{number}/{reveal}"))[..20]);
            format!(r#"{{"commit":"{hash}"}}"#)
        }
        6..=8 => {
            format!(r#"{{"repo":"miner-{number}/pipeline","cdn_url":"https://cdn-{number}.example.com/{reveal}"}}"#)
        }
        _ => "\u{1b}[2Jnot JSON at all".to_owned(),
    };
    text.encode()
}
