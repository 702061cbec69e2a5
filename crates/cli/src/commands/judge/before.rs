//! What happens between the plan and the first question of a match: prompt pictures are fetched, the endpoint is greeted, and
//! the questions are rehearsed. The match itself is judged elsewhere.

use gen404_judge::{ChatClient, Event, Fetched, Greeting, Plan, Trait, unlike_answers, unlike_models};
use gen404_outside::observer::Observer;
use gen404_outside::pictures::Fetcher;
use gen404_outside::time::SystemClock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::context::Context;
use crate::errors::{CommandError, sentence};
use crate::ui::Ui;
use crate::waiting;

/// The means of a match.
pub(super) struct Means<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) client: Option<&'a ChatClient>,
    /// The option that names its endpoints.
    pub(super) flag: &'static str,
    /// Requests at once.
    pub(super) requests: usize,
    /// Whether the user wants a rehearsal.
    pub(super) rehearsal: bool,
}

/// A match that can begin.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// The models that the endpoint says it has.
    pub(super) models: Option<Vec<String>>,
    pub(super) rehearsal_calls: u32,
}

/// Greets, fetches and rehearses, as far as there is a reason to: nothing to ask, nobody to greet.
pub(super) async fn prepare(context: &Context, mut plan: Plan, means: Means<'_>) -> Result<Prepared, CommandError> {
    if plan.cost().to_judge == 0 && plan.cost().to_fetch > 0 {
        // Only what has changed since is judged again, and so nothing can be asked before.
        let fetched = fetch(context, &mut plan, means.fetcher).await?;
        warn(&context.ui, &plan, fetched);
    }
    if plan.cost().to_judge == 0 {
        return Ok(Prepared { plan, models: None, rehearsal_calls: 0 });
    }
    let client = means.client.ok_or_else(|| missing(means.flag))?;
    let models = greet(context, client, plan.model()).await?;
    if means.rehearsal && plan.profile().rehearsal {
        let (fetched, rehearsal_calls) = rehearse(context, &mut plan, &means, client, models.as_deref()).await?;
        warn(&context.ui, &plan, fetched);
        return Ok(Prepared { plan, models, rehearsal_calls });
    }
    context.ui.status(if means.rehearsal {
        let name = &plan.profile().name;
        format!("no rehearsal: the profile {name} does without; the first questions are watched instead")
    } else {
        "no rehearsal (--no-rehearsal): what the endpoint cannot do shows during the match".to_owned()
    });
    let fetched = fetch(context, &mut plan, means.fetcher).await?;
    warn(&context.ui, &plan, fetched);
    Ok(Prepared { plan, models, rehearsal_calls: 0 })
}

/// Has missing prompt pictures fetched.
async fn fetch(context: &Context, plan: &mut Plan, fetcher: &Fetcher) -> Result<Fetched, CommandError> {
    announce(&context.ui, plan);
    let hosts = || prompt_hosts(fetcher);
    let fetching = async { Ok(plan.fetch_prompts(fetcher).await) };
    context.until_interrupted(waiting::telling(&context.ui, hosts, fetching)).await
}

fn announce(ui: &Ui, plan: &Plan) {
    let wanted = plan.cost().to_fetch;
    if wanted > 0 {
        ui.status(format!("fetching prompt pictures: {wanted}"));
    }
}

/// Whoever is asked for prompt pictures now.
pub(in crate::commands) fn prompt_hosts(fetcher: &Fetcher) -> Option<String> {
    let hosts = fetcher.waits_for();
    let first = hosts.first()?;
    let more = hosts.len() - 1;
    let more = if more > 0 { format!(" and {more} other hosts") } else { String::new() };
    Some(format!("prompt pictures of {first}{more}"))
}

/// Pictures that could not be had are warnings here, and failures of duels that are to be judged.
fn warn(ui: &Ui, plan: &Plan, Fetched { fetched, missed, changed }: Fetched) {
    if missed > 0 {
        let first = plan.impossible().find(|(_, error)| error.is_of_the_network());
        let first = first.map(|(stem, error)| format!(" ({stem}: {})", sentence(error))).unwrap_or_default();
        ui.warning(format!("prompt pictures that could not be fetched: {missed} of {}{first}", fetched + missed));
    }
    if changed > 0 {
        ui.warning(format!(
            "prompt pictures that are no longer those that were judged: {changed}; their duels are judged again"
        ));
    }
    if let Some((stem, error)) = plan.unconfirmed().next() {
        let first = format!("{stem}: {}", sentence(error));
        ui.warning(format!(
            "prompt pictures that could not be fetched to see whether they have changed: {} ({first}); the earlier results of \
             their duels stand",
            plan.unconfirmed().count(),
        ));
    }
}

/// Nobody to ask.
pub(super) fn missing(flag: &str) -> CommandError {
    CommandError::usage(format!("{flag} is missing"))
        .with_hint("give the address of the model's server; `404-cli start-judge` rents one")
}

/// A dead endpoint or a wrong key is found out before anything else. Returns the models it says it has.
pub(super) async fn greet(
    context: &Context,
    client: &ChatClient,
    model: &str,
) -> Result<Option<Vec<String>>, CommandError> {
    let greeting = async { Ok(client.greet().await?) };
    let endpoint = || Some("the endpoint's list of models".to_owned());
    let greeting: Greeting = context.until_interrupted(waiting::telling(&context.ui, endpoint, greeting)).await?;
    for error in &greeting.missing {
        context.ui.warning(format!("{}; the other endpoints do its work", sentence(error)));
    }
    if let Some(unlike) = unlike_models(&greeting.there, model) {
        return Err(unlike.into());
    }
    Ok(greeting.names())
}

const ALL_THE_SAME: &str = "--no-rehearsal judges all the same; what stays unanswered is counted";

/// Asks one question of each kind while prompt pictures are fetched. Returns what came of both.
async fn rehearse(
    context: &Context,
    plan: &mut Plan,
    means: &Means<'_>,
    client: &ChatClient,
    models: Option<&[String]>,
) -> Result<(Fetched, u32), CommandError> {
    let (clock, fetcher, ui) = (SystemClock::start(), means.fetcher, &context.ui);
    announce(ui, plan);
    let model = plan.model().to_owned();
    let watching = Watching { ui, asking: AtomicBool::new(false) };
    let waits_for = || {
        let asking = watching.asking.load(Ordering::Relaxed);
        match (prompt_hosts(fetcher), asking.then(|| "the endpoint's answers to the rehearsal".to_owned())) {
            (Some(hosts), Some(answers)) => Some(format!("{hosts} and {answers}")),
            (hosts, answers) => hosts.or(answers),
        }
    };
    // Its questions hold whole pictures' worth of state.
    let asking = Box::pin(async {
        gen404_judge::rehearse(plan, fetcher, &client.each(), &clock, means.requests, &watching).await.map_err(
            |error| {
                let other = models.filter(|_| error.is_hopeless()).and_then(|models| other_models(models, &model));
                let all_the_same = error.is_of_the_reply().then_some(ALL_THE_SAME);
                CommandError::from(error).with_hints(all_the_same).with_hints(other)
            },
        )
    });
    let (counts, rehearsed) = context.until_interrupted(waiting::telling(ui, waits_for, asking)).await?;
    // Who answers is known now.
    if let Some(unlike) = unlike_answers(&client.heard()) {
        if unlike.what != Trait::Fingerprints {
            return Err(unlike.into());
        }
        ui.warning(format!("{unlike}: they may answer otherwise"));
    }
    let endpoints = u32::try_from(client.endpoints()).unwrap_or(u32::MAX);
    Ok((counts, rehearsed.calls * endpoints))
}

/// Says how the rehearsal goes.
struct Watching<'a> {
    ui: &'a Ui,
    /// Questions are put now.
    asking: AtomicBool,
}

impl Observer<Event<'_>> for Watching<'_> {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Rehearses => self.asking.store(true, Ordering::Relaxed),
            Event::Waits { error, pause } => {
                self.ui.status(format!("{error}; asking again in {:.1} s", pause.as_secs_f64()));
            }
            Event::Rehearsed { stem, calls, took } => {
                self.asking.store(false, Ordering::Relaxed);
                let seconds = took.as_secs_f64();
                self.ui.status(format!("rehearsed with the pictures of {stem}: {calls} requests in {seconds:.1} s"));
            }
            // The questions of the match itself are the display's.
            Event::Attempt { .. }
            | Event::Stage { .. }
            | Event::Oddity { .. }
            | Event::Decided { .. }
            | Event::Failed { .. } => {}
        }
    }
}

/// What the endpoint serves, when it is not the model that is asked for.
pub(super) fn other_models(models: &[String], wanted: &str) -> Option<String> {
    let other = !models.iter().any(|model| model == wanted);
    other.then(|| format!("the endpoint serves {}, not {wanted}", models.join(", ")))
}
