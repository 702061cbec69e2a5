//! From options to the Targon room: the key and the address, the folder of leases, and what earlier runs left behind.
//! The rules of all that live in the room itself.

pub(crate) mod start;
mod watching;

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;
use gen404_outside::time::SystemClock;
use gen404_targon::{DEFAULT_BASE_URL, Leases, TargonClient, find_key, left_overs, price_in_words};

use crate::arguments::targon::TargonArguments;
use crate::context::Context;
use crate::errors::{Blame, CommandError};
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
        let home = etcetera::home_dir().map_err(|error| CommandError::from_error(Blame::User, &error))?;
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
        if account.has_key { Ok(account) } else { Err(no_key()) }
    }

    /// Warns about machines that an earlier run left behind when it died.
    pub(crate) async fn warn_of_left_overs(&self, context: &Context) -> Result<(), CommandError> {
        for left in left_overs(&self.client, &self.leases).await? {
            let lease = &left.lease;
            let pod = format!("`{}` ({}, {})", lease.name, lease.uid, price_in_words(lease.cost_per_hour));
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

fn no_key() -> CommandError {
    CommandError::usage("no Targon API key: neither option, nor variable, nor a file of the official client has one")
        .with_hint("set TARGON_API_KEY: a flag would show the key to everybody who lists the machine's processes")
}

fn state_folder(arguments: &TargonArguments) -> Result<PathBuf, CommandError> {
    if let Some(folder) = &arguments.state_dir {
        return Ok(folder.clone());
    }
    let folders = etcetera::choose_base_strategy().map_err(|error| CommandError::from_error(Blame::User, &error))?;
    Ok(folders.state_dir().unwrap_or_else(|| folders.data_dir()).join("404-cli"))
}
