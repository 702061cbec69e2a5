//! Options of the commands that talk to Targon, and of those that start a pod there.
//! Only shapes and help texts; [`crate::targon`] turns them into a client and an order.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gen404_outside::http::parse_address;
use secrecy::SecretString;

use super::{KeyParser, seconds_between};

/// Account and state of every Targon command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Targon")]
pub(crate) struct TargonArguments {
    /// The API key. Better set the variable: a flag shows in the list of processes. Without either, the official
    /// client's files below ~/.targon and ~/.config/targon are read
    #[arg(long, value_name = "KEY", env = "TARGON_API_KEY", value_parser = KeyParser, global = true)]
    pub(crate) targon_api_key: Option<SecretString>,
    /// Address of the API, for example that of `404-cli sandbox` [default: <https://api.targon.com>]
    #[arg(long, value_name = "URL", env = "TARGON_BASE_URL", value_parser = parse_address, global = true)]
    pub(crate) targon_base_url: Option<url::Url>,
    /// Where it is remembered which machines were bought [default: ~/.local/state/404-cli]
    #[arg(long, value_name = "DIR", env = "GEN404_STATE_DIR", global = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Seconds between two looks at a pod
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds, env = "GEN404_POLL_INTERVAL", global = true)]
    pub(crate) poll_interval: std::time::Duration,
}

/// What kind of machine a pod gets, and how long it may take to come to life.
#[derive(Debug, Clone, Args)]
pub(crate) struct PodArguments {
    /// The machine, for example h200-small [default: the pod's own]
    #[arg(long, value_name = "NAME")]
    pub(crate) resource: Option<gen404_targon::ResourceName>,
    /// What the machine is rented as
    #[arg(long, value_name = "TYPE", value_enum, default_value_t)]
    pub(crate) targon_type: TypeChoice,
    /// Seconds until the pod must have an address
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub(crate) deploy_timeout: std::time::Duration,
    /// Seconds from then until its health check must answer
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    pub(crate) health_timeout: std::time::Duration,
    /// Environment variable for the pod; NAME alone passes on your own. May be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) environment: Vec<SecretString>,
    /// For a private image: name of the environment variable that holds user:password of its registry
    // Whoever mistakes it puts the login itself here.
    #[arg(long, value_name = "VARIABLE", hide_default_value = true)]
    pub(crate) registry_auth_env: Option<String>,
    #[command(flatten)]
    pub(crate) targon: TargonArguments,
}

/// How a pod is started.
#[derive(Debug, Clone, Args)]
pub(crate) struct StartArguments {
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    /// Stop a pod of the same name first
    #[arg(long)]
    pub(crate) replace: bool,
    /// Return as soon as the pod is deployed
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Show what would be bought, and its price; buy nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What a machine is rented as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeChoice {
    /// What the inventory has the machine free for
    #[default]
    Auto,
    /// RENTAL
    Rental,
    /// SERVERLESS
    Serverless,
}

fn seconds(text: &str) -> Result<std::time::Duration, &'static str> {
    seconds_between(text, 0.0..=1e7, "not a number of seconds between 0 and 10000000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_have_a_fraction() {
        assert_eq!(seconds("0.5"), Ok(std::time::Duration::from_millis(500)));
        for bad in ["", "-1", "NaN", "1e99", "5 s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
