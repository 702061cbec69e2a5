//! Everything that can go wrong while a pod is started, times every moment at which the start can be interrupted: for tests
//! that show that no machine is left running. Knows no client.

use super::fault::{Call, Fault, PullWords};
use crate::faults::Rule;

/// Moments at which somebody may stop a start: while the answer to such a request is on its way.
pub const MOMENTS: [(&str, Option<Call>); 6] = [
    ("never", None),
    ("before registering", Some(Call::List)),
    ("between registering and deploying", Some(Call::Create)),
    ("while deploying", Some(Call::Deploy)),
    ("while pending", Some(Call::State)),
    ("while unhealthy", Some(Call::Health)),
];

/// Every fault as a start of a pod may meet it, with its name. A client that waits for real is asked to wait 0 seconds.
pub fn faults(retry_after_seconds: u32) -> Vec<(&'static str, Vec<Rule<Fault>>)> {
    let cut = |call| vec![Rule::times(Fault::Cut { call: Some(call) }, 2)];
    vec![
        ("no fault", vec![]),
        ("refused deploy", vec![Fault::DeployRefused.into()]),
        ("deploy 502 that goes ahead", vec![Rule::times(Fault::DeployBadGateway, 1)]),
        ("crash loop", vec![Fault::CrashLoop.into()]),
        ("image cannot be pulled", vec![Fault::PullFails { words: PullWords::Message }.into()]),
        ("one restart", vec![Fault::Restarts { count: 1 }.into()]),
        ("two restarts", vec![Fault::Restarts { count: 2 }.into()]),
        (
            "deleted elsewhere",
            vec![Fault::DeletedElsewhere { looks: 1, forgotten: true }.into(), Fault::NeverHealthy.into()],
        ),
        ("never visible", vec![Fault::NeverVisible.into()]),
        ("never healthy", vec![Fault::NeverHealthy.into()]),
        ("delete fails once", vec![Fault::NeverHealthy.into(), Rule::times(Fault::DeleteFails, 1)]),
        ("delete fails always", vec![Fault::NeverHealthy.into(), Fault::DeleteFails.into()]),
        ("list larger than a page", vec![Fault::SmallPages { size: 3 }.into()]),
        ("429 with Retry-After", vec![Rule::times(Fault::RateLimited { retry_after_seconds, as_date: false }, 4)]),
        ("slow", vec![Fault::Slow { milliseconds: 5 }.into()]),
        ("cut at listing", cut(Call::List)),
        ("cut at registering", cut(Call::Create)),
        ("cut at deploying", cut(Call::Deploy)),
        ("cut at the state", cut(Call::State)),
        ("cut at deleting", vec![Fault::NeverVisible.into(), Rule::times(Fault::Cut { call: Some(Call::Delete) }, 2)]),
        ("name taken", vec![Fault::NameTaken.into()]),
    ]
}
