//! Wallet, Targon account and renderer: options into the rooms' own checks.

use gen404_renderer::ThreeSource;
use gen404_round::Hotkey;
use gen404_round::check::Check;
use gen404_targon::checks as targon;
use gen404_wallet::{HotkeyFile, WalletFolder};

use super::Arguments;
use crate::context::Context;
use crate::errors::sentence;
use crate::targon::Account;

/// The keyfile's checks, and the keyfile.
pub(super) fn wallet(arguments: &Arguments) -> (Vec<Check>, Option<HotkeyFile>) {
    let own = &arguments.submission.own;
    let enable = "give --wallet.name and --wallet.hotkey";
    let skipped =
        |why: &str| (gen404_wallet::checks::CHECKS.map(|name| Check::skipped(name, why, enable)).to_vec(), None);
    match (&own.name, &own.hotkey) {
        (Some(name), Some(hotkey)) => {
            let folder = WalletFolder::new(&own.path, std::env::home_dir().as_deref());
            gen404_wallet::checks::checks(&folder, name, hotkey)
        }
        (None, Some(hotkey)) if hotkey.trim().parse::<Hotkey>().is_ok() => skipped("only an address is given"),
        (Some(_), None) | (None, Some(_) | None) => skipped("no hotkey is named"),
    }
}

/// Whose submission is looked at, or why there is nobody's.
pub(super) fn hotkey(arguments: &Arguments) -> Result<Hotkey, &'static str> {
    if let Some(address) = arguments.submission.own.hotkey.as_ref().and_then(|hotkey| hotkey.trim().parse().ok()) {
        return Ok(address);
    }
    let (checks, file) = wallet(arguments);
    match file {
        Some(file) => file.public_address().ok_or("the hotkey's address is not known without its password"),
        None if checks.iter().any(|check| check.outcome == gen404_round::check::Outcome::Fail) => {
            Err("the hotkey was not found (see `wallet`)")
        }
        None => Err("no hotkey is named"),
    }
}

pub(super) async fn targon(context: &Context, arguments: &Arguments) -> Vec<Check> {
    match Account::open(&context.ui, &arguments.targon) {
        Ok(account) if account.has_key => targon::checks(&account.client, &account.leases).await,
        Ok(_) => targon::without_key(),
        Err(error) => {
            let [first, others @ ..] = targon::CHECKS;
            let fix = error.hints.first().cloned().unwrap_or_else(|| "see docs/pods.md".to_owned());
            let failed = Check::fail(first, error.message, fix);
            let skip = |name| Check::skipped(name, "the account is not open", "mend `targon` first");
            [failed].into_iter().chain(others.map(skip)).collect()
        }
    }
}

pub(super) async fn renderer(arguments: &Arguments) -> Vec<Check> {
    let browser = &arguments.browser;
    let three = match (&browser.three_module, crate::folders::cache()) {
        (Some(file), _) => ThreeSource::File(file.clone()),
        (None, Some(folder)) => ThreeSource::Cache(folder),
        (None, None) => {
            let why = "no home folder to keep three in";
            return gen404_renderer::checks::CHECKS.map(|name| Check::fail(name, why, "set HOME")).to_vec();
        }
    };
    let path = std::env::var_os("PATH");
    gen404_renderer::checks::checks(browser.chromium.as_deref(), path.as_deref(), &three).await
}

/// An error in one sentence.
pub(super) fn words(error: &dyn std::error::Error) -> String {
    sentence(error)
}
