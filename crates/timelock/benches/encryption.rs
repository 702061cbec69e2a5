//! How long one encryption of a commitment takes; `cargo bench -p gen404-timelock` prints one JSON line.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::time::Instant;

use gen404_timelock::{QUICKNET, Randomness, encrypt};

const RUNS: u32 = 200;

fn main() {
    let plaintext = [b'a'; 56];
    let mut milliseconds: Vec<f64> = (0..RUNS)
        .map(|run| {
            let mut random = [7; Randomness::BYTES];
            random[..4].copy_from_slice(&run.to_le_bytes());
            let begin = Instant::now();
            let encrypted = encrypt(&QUICKNET.public_key, u64::from(run), &plaintext, &Randomness::from_bytes(&random));
            assert!(encrypted.is_ok(), "quicknet's key is a key");
            begin.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    println!(r#"{{"encryptions":{RUNS},"median_ms":{:.3}}}"#, milliseconds[milliseconds.len() / 2]);
}
