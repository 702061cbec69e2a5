//! Whether the Targon account can be used, and what on it costs money now. Buys and stops nothing.

use gen404_outside::explain::Explain as _;
use gen404_round::check::Check;

use crate::client::TargonClient;
use crate::error::TargonError;
use crate::lease::Leases;
use crate::listing::pods;
use crate::stop::StopAllError;

/// Names of the checks.
pub const CHECKS: [&str; 3] = ["targon", "credits", "pods"];

/// Less than this buys no hour of the usual machine.
const LITTLE: f64 = 20.0;

/// Where there is no key.
pub fn without_key() -> Vec<Check> {
    let skip = |name| Check::skipped(name, "no Targon key is set", "set TARGON_API_KEY");
    CHECKS.into_iter().map(skip).collect()
}

/// Key, credits, and pods of ours.
pub async fn checks(client: &TargonClient, leases: &Leases) -> Vec<Check> {
    let (credits, listed) = tokio::join!(client.credits(), pods(client, leases));
    let (account, credits) = match credits {
        Ok(credits) => {
            let left = format!("{:.2} {}", credits.credits, credits.currency);
            let fix = "add credits to the Targon account before the window closes";
            let credits = if credits.credits <= 0.0 {
                Check::fail("credits", format!("{left} left: nothing can be rented"), fix)
            } else if credits.credits < LITTLE {
                Check::warn("credits", format!("{left} left"), fix)
            } else {
                Check::pass("credits", format!("{left} left"))
            };
            (Check::pass("targon", format!("{} takes the key", client.address())), credits)
        }
        Err(error) => {
            let skipped = Check::skipped("credits", "the account cannot be read", "mend `targon` first");
            (Check::fail("targon", error.sentence(), fix_of(&error)), skipped)
        }
    };
    let pods = match listed {
        Ok(pods) => of_pods(&pods),
        Err(StopAllError::Targon(_)) => Check::skipped("pods", "the account cannot be read", "mend `targon` first"),
        Err(error) => Check::fail("pods", error.sentence(), "look at the folder that --state-dir names"),
    };
    vec![account, credits, pods]
}

fn of_pods(pods: &[crate::listing::Pod]) -> Check {
    let running: Vec<_> = pods.iter().filter(|pod| pod.kind.is_some() && pod.costs_money()).collect();
    if running.is_empty() {
        return Check::pass("pods", "none of ours costs money");
    }
    let names: Vec<_> = running.iter().map(|pod| pod.workload.name.clone()).collect();
    let prices: f64 =
        running.iter().filter_map(|pod| pod.workload.cost_per_hour).map(|price| price.an_hour().dollars()).sum();
    let words = format!("{} of ours cost ${prices:.2}/h together: {}", running.len(), names.join(", "));
    let fix = "`404-cli stop-pods` stops them, `404-cli pods --table` shows age and cost";
    if running.iter().any(|pod| pod.is_left_over()) {
        return Check::fail("pods", format!("{words}; the run that started one of them has died"), fix);
    }
    Check::warn("pods", words, fix)
}

fn fix_of(error: &TargonError) -> &'static str {
    match error {
        TargonError::KeyMissing { .. } | TargonError::KeyRefused { .. } => {
            "set TARGON_API_KEY to a key that the account's page shows as valid"
        }
        TargonError::BadAddress { .. } | TargonError::NotFound { .. } => "see --targon-base-url",
        TargonError::NoCredits { .. } => "add credits to the account",
        _ => "try again in a minute",
    }
}
