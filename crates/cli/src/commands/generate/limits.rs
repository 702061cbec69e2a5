//! How long and how much `generate` lets a generator take: every number of the subnet, with its own value as the default.
//! It knows options only; what happens at a limit is decided by the client.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, value_parser};
use gen404_generator::{ArchiveLimits, Limits};

/// Seconds that a clock can add to any time without trouble: a year.
const YEAR: u64 = 366 * 24 * 3600;
/// Bytes that still fit a 32-bit length in an archive.
const GIBIBYTE: u64 = 1 << 30;

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::commands) struct LimitArguments {
    /// Seconds until the generator answers /health; the subnet gives a new machine 1800
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds())]
    start_timeout: u64,
    /// Seconds the generator may warm up, the wait for /health included; the subnet gives 4 hours
    #[arg(long, value_name = "SECONDS", default_value_t = 14_400, value_parser = seconds())]
    ready_timeout: u64,
    /// Seconds a batch may take; the subnet gives 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = seconds())]
    batch_timeout: u64,
    /// Seconds the subnet gives for all batches together. Nothing is stopped at this limit: the time
    /// taken is shown beside it at the end, with a warning from 80 %
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200, value_parser = seconds())]
    pub(in crate::commands) generation_limit: u64,
    /// Seconds until a batch that was sent is answered. Without an answer the status tells whether the generator has it
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    submit_timeout: u64,
    /// Seconds for /health and /status
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    request_timeout: u64,
    /// Seconds of silence in the middle of the results; the subnet gives 180
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = seconds())]
    results_timeout: u64,
    /// Seconds for one whole download of the results
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = seconds())]
    download_timeout: u64,
    /// Times a batch's results are downloaded before they are given up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..=100))]
    downloads: u32,
    /// Times a failed call is made again
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u32).range(0..=100))]
    retries: u32,
    /// Seconds between two looks at the status when nothing moves; the subnet looks every 10
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = seconds())]
    status_interval: u64,
    /// Failed looks at the status in a row that count as a crash; the subnet takes 18
    #[arg(long, value_name = "N", default_value_t = 18, value_parser = value_parser!(u32).range(1..))]
    failed_polls: u32,
    /// Most bytes of the results archive the subnet takes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = bytes())]
    archive_bytes: u64,
    /// Most entries of the results archive the subnet takes
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u64).range(2..=60_000))]
    archive_entries: u64,
    /// Most bytes of a module the subnet takes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = bytes())]
    module_bytes: u64,
    /// Most bytes of _failed.json the subnet takes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 10, value_parser = bytes())]
    failures_bytes: u64,
}

fn seconds() -> RangedU64ValueParser {
    value_parser!(u64).range(1..=YEAR)
}

fn bytes() -> RangedU64ValueParser {
    value_parser!(u64).range(1..=GIBIBYTE)
}

impl From<&LimitArguments> for Limits {
    fn from(arguments: &LimitArguments) -> Self {
        let seconds = Duration::from_secs;
        let usual = Self::default();
        Self {
            start: seconds(arguments.start_timeout),
            ready: seconds(arguments.ready_timeout),
            batch: seconds(arguments.batch_timeout),
            request: seconds(arguments.request_timeout),
            submit: seconds(arguments.submit_timeout),
            silence: seconds(arguments.results_timeout),
            download: seconds(arguments.download_timeout),
            downloads: arguments.downloads,
            retries: arguments.retries,
            longest_poll: seconds(arguments.status_interval),
            failed_polls: arguments.failed_polls,
            archive: ArchiveLimits {
                bytes: arguments.archive_bytes,
                entries: arguments.archive_entries,
                module_bytes: arguments.module_bytes,
                failures_bytes: arguments.failures_bytes,
            },
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitArguments,
    }

    #[test]
    fn the_defaults_are_the_clients_own() {
        let limits = Limits::from(&Line::parse_from(["generate"]).limits);
        assert_eq!(format!("{limits:?}"), format!("{:?}", Limits::default()));
        assert_eq!((limits.ready.as_secs(), limits.batch.as_secs(), limits.failed_polls), (4 * 3600, 3600, 18));
        assert_eq!(Line::parse_from(["generate"]).limits.generation_limit, 7_200);
    }
}
