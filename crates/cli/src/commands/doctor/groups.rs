//! The groups of checks, in the order in which they are shown. A room's checks become part of the doctor by
//! a line in each of the two lists here.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use gen404_round::check::Check;

use super::{Arguments, LIMIT, MODEL_LIMIT, account, machine, model, newest, storage, submission};
use crate::context::Context;

/// Checks that are made together.
pub(super) struct Group<'a> {
    pub(super) names: Vec<&'static str>,
    pub(super) limit: Duration,
    pub(super) checks: Pin<Box<dyn Future<Output = Vec<Check>> + 'a>>,
}

fn group<'a>(names: &[&'static str], limit: Duration, checks: impl Future<Output = Vec<Check>> + 'a) -> Group<'a> {
    Group { names: names.to_vec(), limit, checks: Box::pin(checks) }
}

/// All of them.
pub(super) fn groups<'a>(context: &'a Context, arguments: &'a Arguments) -> Vec<Group<'a>> {
    vec![
        group(&machine::CHECKS, LIMIT, machine::checks()),
        group(&newest::CHECKS, LIMIT, newest::checks(arguments)),
        group(&gen404_wallet::checks::CHECKS, LIMIT, async move { account::wallet(arguments).0 }),
        group(&submission::NAMES, LIMIT, submission::checks(context, arguments)),
        group(&gen404_storage::checks::CHECKS, LIMIT, storage::checks(arguments)),
        group(&gen404_targon::checks::CHECKS, LIMIT, account::targon(context, arguments)),
        group(&gen404_renderer::checks::CHECKS, LIMIT, account::renderer(arguments)),
        group(&gen404_judge::checks::CHECKS, MODEL_LIMIT, model::checks(arguments)),
    ]
}

/// The names of all checks, for `--only`.
pub(super) fn names() -> Vec<&'static str> {
    [
        &machine::CHECKS[..],
        &newest::CHECKS,
        &gen404_wallet::checks::CHECKS,
        &submission::NAMES,
        &gen404_storage::checks::CHECKS,
        &gen404_targon::checks::CHECKS,
        &gen404_renderer::checks::CHECKS,
        &gen404_judge::checks::CHECKS,
    ]
    .concat()
}
