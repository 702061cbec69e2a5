//! From options to the Targon room: the key and the address, the folder of leases, and what earlier runs left behind.
//! The rules of all that live in the room itself.

pub(crate) mod start;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;
use gen404_targon::{DEFAULT_BASE_URL, HourlyPrice, Leases, SystemClock, TargonClient, find_key, left_overs};

use crate::arguments::targon::TargonArguments;
use crate::context::Context;
use crate::errors::{CommandError, Kind};
use crate::ui::Ui;

pub(crate) use watching::Watching;

/// An account and the leases of this machine.
pub(crate) struct Account {
    pub(crate) client: TargonClient,
    pub(crate) leases: Leases,
    /// Whether there is a key at all.
    pub(crate) has_key: bool,
}

impl Account {
    /// Opens the account that options, environment and files name. Without a key only the inventory can be read.
    pub(crate) fn open(ui: &Ui, arguments: &TargonArguments) -> Result<Self, CommandError> {
        let home = etcetera::home_dir().map_err(|error| CommandError::from_error(Kind::Usage, &error))?;
        let found = find_key(arguments.targon_api_key.as_ref(), &home)?;
        let (key, address_of_key) = found.map_or((None, None), |found| (Some(found.key), found.base_url));
        let default = || DEFAULT_BASE_URL.parse().expect("the service's address is a URL");
        let base = arguments.targon_base_url.clone().or(address_of_key).unwrap_or_else(default);
        let has_key = key.is_some();
        let client = TargonClient::new(base, key, Arc::new(SystemClock::start()))?
            .with_poll_interval(arguments.poll_interval)
            .with_observer(Arc::new(Watching::new(ui, "Targon")));
        Ok(Self { client, leases: Leases::in_folder(state_folder(arguments)?.join("pods")), has_key })
    }

    /// The same, for what cannot be done without a key.
    pub(crate) fn open_with_key(ui: &Ui, arguments: &TargonArguments) -> Result<Self, CommandError> {
        let account = Self::open(ui, arguments)?;
        if account.has_key { Ok(account) } else { Err(CommandError::no_targon_key()) }
    }

    /// Warns about machines that an earlier run left behind when it died.
    pub(crate) async fn warn_of_left_overs(&self, context: &Context) -> Result<(), CommandError> {
        for left in left_overs(&self.client, &self.leases).await? {
            let lease = &left.lease;
            let pod = format!("`{}` ({}, {})", lease.name, lease.uid, price(lease.cost_per_hour));
            let status = match &left.found {
                Ok(workload) => format!("is {}", workload.state.status),
                Err(error) => format!("could not be checked: {error}"),
            };
            context.ui.warning(format!("a run that died has left {pod}, bought {:.0}: it {status}", lease.created_at));
            context.ui.hint("`404-cli stop-pods` stops it, `404-cli pods` shows what it costs");
        }
        Ok(())
    }
}

fn state_folder(arguments: &TargonArguments) -> Result<PathBuf, CommandError> {
    if let Some(folder) = &arguments.state_dir {
        return Ok(folder.clone());
    }
    let folders = etcetera::choose_base_strategy().map_err(|error| CommandError::from_error(Kind::Usage, &error))?;
    Ok(folders.state_dir().unwrap_or_else(|| folders.data_dir()).join("404-cli"))
}

/// `$13.00/h`, or that it is not known.
pub(crate) fn price(price: Option<HourlyPrice>) -> String {
    price.map_or_else(|| "price unknown".to_owned(), |price| price.to_string())
}

/// `1 h 05 min`, `12 min`, `40 s`.
pub(crate) fn age(age: std::time::Duration) -> String {
    let seconds = age.as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes:02} min"),
        (days, hours, _) => format!("{days} d {hours:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn ages_are_short() {
        for (seconds, text) in [(0, "0 s"), (65, "1 min 05 s"), (3_900, "1 h 05 min"), (180_000, "2 d 02 h")] {
            assert_eq!(super::age(Duration::from_secs(seconds)), text);
        }
    }
}
