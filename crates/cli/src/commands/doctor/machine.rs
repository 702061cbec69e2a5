//! This machine: proxies, disk and memory. Knows no service.

use std::path::Path;
use std::time::Duration;

use gen404_outside::http::proxies_in_use;
use gen404_round::check::Check;
use tokio::net::TcpStream;

pub(super) const CHECKS: [&str; 3] = ["network", "disk", "memory"];

/// A proxy that is there answers at once.
const PROXY_LIMIT: Duration = Duration::from_secs(3);
const GIB: u64 = 1 << 30;

pub(super) async fn checks() -> Vec<Check> {
    let folder = crate::folders::cache()
        .and_then(|folder| folder.ancestors().find(|folder| folder.exists()).map(Path::to_owned));
    let folder = folder.unwrap_or_else(|| ".".into());
    let free = rustix::fs::statvfs(&folder).ok().map(|facts| facts.f_bavail.saturating_mul(facts.f_frsize));
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    vec![network().await, disk(&folder, free), memory(available)]
}

/// Whether the proxies that requests go through are there. Services themselves are asked by other checks.
async fn network() -> Check {
    let proxies = proxies_in_use();
    let mut reached = Vec::new();
    for proxy in proxies {
        let fix = format!("start it, or unset {}", proxy.variable);
        let Some((host, port)) = &proxy.place else {
            return Check::fail("network", format!("{} is not an address of a proxy", proxy.variable), fix);
        };
        let connecting = tokio::time::timeout(PROXY_LIMIT, TcpStream::connect((host.as_str(), *port))).await;
        match connecting {
            Ok(Ok(_)) => reached.push(format!("{} ({host}:{port})", proxy.variable)),
            Ok(Err(error)) => {
                return Check::fail("network", format!("the proxy of {}, {host}:{port}: {error}", proxy.variable), fix);
            }
            Err(_) => {
                return Check::fail(
                    "network",
                    format!("the proxy of {}, {host}:{port}, does not answer", proxy.variable),
                    fix,
                );
            }
        }
    }
    if reached.is_empty() {
        Check::pass("network", "no proxy is set")
    } else {
        Check::pass("network", format!("through {}", reached.join(", ")))
    }
}

/// A round is small; pictures, metadata, three and a browser's profile want room.
fn disk(folder: &Path, free: Option<u64>) -> Check {
    let Some(free) = free else { return Check::warn("disk", "the free space is not known", "look at it with df -h") };
    let words = format!("{} free at {}", size(free), folder.display());
    let fix = "make room: pictures of a round take a gigabyte, an image more";
    match free {
        ..GIB => Check::fail("disk", words, fix),
        GIB..4_294_967_296 => Check::warn("disk", words, fix),
        _ => Check::pass("disk", words),
    }
}

/// A browser that draws takes up to two gigabytes.
fn memory(available: Option<u64>) -> Check {
    let Some(available) = available else {
        return Check::warn("memory", "the free memory is not known", "look at it with free -h");
    };
    let words = format!("{} available", size(available));
    let fix = "end what takes it, or draw elsewhere: render --endpoint";
    match available {
        ..536_870_912 => Check::fail("memory", words, fix),
        536_870_912..2_147_483_648 => Check::warn("memory", words, fix),
        _ => Check::pass("memory", words),
    }
}

/// `MemAvailable` in bytes.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// `12.3 GB`.
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let gigabytes = bytes as f64 / 1e9;
    format!("{gigabytes:.1} GB")
}

#[cfg(test)]
mod tests {
    use gen404_round::check::Outcome;

    use super::*;

    #[test]
    fn too_little_room_fails_and_little_warns() {
        let folder = Path::new("/x");
        for (free, outcome) in [(0, Outcome::Fail), (GIB, Outcome::Warn), (5 * GIB, Outcome::Pass)] {
            assert_eq!(disk(folder, Some(free)).outcome, outcome, "{free}");
            assert_eq!(memory(Some(free / 2)).outcome, outcome, "{free}");
        }
        assert_eq!((disk(folder, None).outcome, memory(None).outcome), (Outcome::Warn, Outcome::Warn));
        let meminfo = "MemTotal:       16000000 kB\nMemAvailable:    2000000 kB\n";
        assert_eq!((available(meminfo), available("")), (Some(2_048_000_000), None));
    }
}
