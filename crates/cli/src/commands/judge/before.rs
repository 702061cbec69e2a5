//! What happens between the plan and the first question of a match: prompt pictures are fetched, the endpoint is greeted, and
//! the questions are rehearsed. The match itself is judged elsewhere.

use std::time::Instant;

use gen404_judge::{ChatClient, Fetched, Plan, RealClock};
use gen404_outside::pictures::FetchLimits;

use crate::context::Context;
use crate::errors::{CommandError, Kind, sentence};

/// Has missing prompt pictures fetched. Those that cannot be had are warnings here, and failures of duels that are to be judged.
pub(super) async fn fetch_prompts(context: &Context, mut plan: Plan) -> Result<Plan, CommandError> {
    let wanted = plan.cost().to_fetch;
    if wanted == 0 {
        return Ok(plan);
    }
    context.ui.status(format!("fetching prompt pictures: {wanted}"));
    let fetching = plan.fetch_prompts(FetchLimits::default());
    let Fetched { fetched, missed, changed } = context
        .until_interrupted(async { fetching.await.map_err(|error| CommandError::from_error(Kind::Failed, &error)) })
        .await?;
    if missed > 0 {
        let first = plan.impossible().find(|(_, error)| error.is_of_the_network());
        let first = first.map(|(stem, error)| format!(" ({stem}: {})", sentence(error))).unwrap_or_default();
        context
            .ui
            .warning(format!("prompt pictures that could not be fetched: {missed} of {}{first}", fetched + missed));
    }
    if changed > 0 {
        context.ui.warning(format!(
            "prompt pictures that are no longer those that were judged: {changed}; their duels are judged again"
        ));
    }
    if let Some((stem, error)) = plan.unconfirmed().next() {
        let first = format!("{stem}: {}", sentence(error));
        context.ui.warning(format!(
            "prompt pictures that could not be fetched to see whether they have changed: {} ({first}); the earlier results of \
             their duels stand",
            plan.unconfirmed().count(),
        ));
    }
    Ok(plan)
}

/// A dead endpoint or a wrong key is found out before anything else. Returns the models it says it has.
pub(super) async fn greet(context: &Context, client: &ChatClient) -> Result<Option<Vec<String>>, CommandError> {
    context.until_interrupted(async { Ok(client.models().await?) }).await
}

/// Asks one question of each kind, unless it was told not to. Returns the number of requests.
pub(super) async fn rehearse(
    context: &Context,
    plan: &Plan,
    client: &ChatClient,
    requests: usize,
    models: Option<&[String]>,
) -> Result<u32, CommandError> {
    if !plan.profile().rehearsal {
        let name = &plan.profile().name;
        context
            .ui
            .status(format!("no rehearsal: the profile {name} does without; the first questions are watched instead"));
        return Ok(0);
    }
    let (clock, started) = (RealClock::start(), Instant::now());
    let asking = async {
        gen404_judge::rehearse(plan, client, &clock, requests).await.map_err(|error| {
            let other = models.filter(|_| error.is_hopeless()).and_then(|models| other_models(models, plan.model()));
            CommandError::from(error).with_hints(other)
        })
    };
    let rehearsed = context.until_interrupted(asking).await?;
    if let Some(stem) = &rehearsed.stem {
        let seconds = started.elapsed().as_secs_f64();
        context
            .ui
            .status(format!("rehearsed with the pictures of {stem}: {} requests in {seconds:.1} s", rehearsed.calls));
    }
    Ok(rehearsed.calls)
}

/// What the endpoint serves, when it is not the model that is asked for.
pub(super) fn other_models(models: &[String], wanted: &str) -> Option<String> {
    let other = !models.iter().any(|model| model == wanted);
    other.then(|| format!("the endpoint serves {}, not {wanted}", models.join(", ")))
}
