//! Starting a pod, the same for all three commands: from options to an order, and from a started pod to JSON.
//! Everything that can go wrong in between is the room's business.

use gen404_outside::time::in_words;
use gen404_targon::{
    EnvironmentVariable, ImageReference, Order, Patience, PodKind, PodSpecification, RegistryLogin, StartError,
    TypeChoice, Usd, WorkloadType, price_in_words, start,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::{Account, Watching};
use crate::arguments::targon::{self as arguments, PodArguments, StartArguments};
use crate::context::Context;
use crate::errors::CommandError;
use crate::settings::login_in_variable;

/// The JSON of a started pod; the first two keys are the contract.
#[derive(Serialize)]
struct StartedJson<'a> {
    success: bool,
    /// Null when nobody waited for it.
    container_url: Option<String>,
    name: &'a str,
    uid: &'a str,
    resource: &'a str,
    targon_type: &'a str,
    cost_per_hour: Option<f64>,
    elapsed_seconds: u64,
}

/// The JSON of a dry run.
#[derive(Serialize)]
struct QuotedJson<'a> {
    success: bool,
    dry_run: bool,
    name: &'a str,
    image: &'a str,
    resource: &'a str,
    targon_type: &'a str,
    cost_per_hour: Option<f64>,
    available: i64,
    /// Identifiers of pods of the name that are there already; null without a key.
    already_there: Option<Vec<String>>,
    /// What is left on the account; null without a key.
    credits: Option<f64>,
}

/// Starts a pod of that kind and prints where it answers.
pub(crate) async fn run(
    context: &Context,
    kind: PodKind,
    image: Option<ImageReference>,
    arguments: &StartArguments,
) -> Result<(), CommandError> {
    let order = Order { replace: arguments.replace, wait: !arguments.no_wait, ..order(kind, image, &arguments.pod)? };
    if arguments.dry_run {
        let account = Account::open(&context.ui, &arguments.pod.targon)?;
        return context.until_interrupted(quote(context, &account, &order)).await;
    }
    let account = Account::open_with_key(&context.ui, &arguments.pod.targon)?;
    context.until_interrupted(account.warn_of_left_overs(context)).await?;
    let observer = Watching::new(&context.ui, kind.name());
    let outcome = start(&account.client, &account.leases, &order, context.interrupt.token(), &observer).await;
    let started = outcome.inspect_err(|error| show_log(context, error))?;
    let url = started.url.map(|url| url.to_string());
    match &url {
        Some(url) => context.ui.status(url),
        None => context.ui.status("deployed, not waited for: `404-cli pods` shows its address once it has one"),
    }
    let cost = price_in_words(started.pod.cost_per_hour);
    context.ui.hint(format!("it costs {cost} until `404-cli stop-pods` stops it"));
    context.ui.result(&StartedJson {
        success: true,
        container_url: url,
        name: &started.pod.name,
        uid: started.pod.uid.as_str(),
        resource: started.quote.resource.as_str(),
        targon_type: started.quote.workload_type.as_str(),
        cost_per_hour: started.pod.cost_per_hour.map(|price| price.an_hour().dollars()),
        elapsed_seconds: started.elapsed.as_secs(),
    })
}

async fn quote(context: &Context, account: &Account, order: &Order) -> Result<(), CommandError> {
    let client = &account.client;
    let name = order.pod.name.as_str();
    let quote = client.quote(&order.pod.resource, order.choice).await?;
    context.ui.status(format!(
        "would rent {} as {} for {} ({} free)",
        quote.resource,
        quote.workload_type,
        price_in_words(quote.cost_per_hour),
        quote.available
    ));
    let (mut already_there, mut credits) = (None, None);
    if account.has_key {
        let named = client.workloads_named(name).await?;
        let alive = named.into_iter().filter(|workload| !workload.state.status.is_over());
        already_there = Some(alive.map(|workload| workload.uid.to_string()).collect::<Vec<_>>());
        // Nice to know, not worth failing for.
        credits = client.credits().await.ok().map(|left| left.credits);
    }
    if let Some(uid) = already_there.iter().flatten().next() {
        context.ui.warning(format!("`{name}` is there already ({uid}); --replace would stop it first"));
    }
    if let (Some(credits), Some(an_hour)) = (credits.and_then(Usd::from_dollars), quote.cost_per_hour) {
        let hours = credits.dollars() / an_hour.an_hour().dollars().max(1e-6);
        let time = std::time::Duration::try_from_secs_f64(hours * 3_600.0).unwrap_or_default();
        context.ui.status(format!("{credits} of credits last for {}", in_words(time)));
    }
    context.ui.result(&QuotedJson {
        success: true,
        dry_run: true,
        name,
        image: order.pod.image.as_str(),
        resource: quote.resource.as_str(),
        targon_type: quote.workload_type.as_str(),
        cost_per_hour: quote.cost_per_hour.map(|price| price.an_hour().dollars()),
        available: quote.available,
        already_there,
        credits,
    })
}

/// The end of the log says more than any error about a pod that did not come to life.
pub(crate) fn show_log(context: &Context, error: &StartError) {
    let (StartError::GivenBack { log, .. } | StartError::LeftRunning { log, .. }) = error else { return };
    if !log.is_empty() {
        context.ui.status(format!("the last {} lines of its log:", log.len()));
    }
    for line in log {
        context.ui.status(format!("  │ {line}"));
    }
}

/// A pod that takes nobody's place and is waited for.
pub(crate) fn order(
    kind: PodKind,
    image: Option<ImageReference>,
    arguments: &PodArguments,
) -> Result<Order, CommandError> {
    let pod = kind.specification(image).ok_or_else(|| CommandError::usage("--image-url is missing"))?;
    let registry = arguments.registry_auth_env.as_deref().map(|variable| login(variable, &pod.image)).transpose()?;
    let environment = arguments.environment.iter().map(variable).collect::<Result<_, _>>()?;
    let resource = arguments.resource.clone().unwrap_or_else(|| pod.resource.clone());
    Ok(Order {
        pod: PodSpecification { resource, environment, registry, ..pod },
        choice: match arguments.targon_type {
            arguments::TypeChoice::Auto => TypeChoice::Automatic,
            arguments::TypeChoice::Rental => TypeChoice::Only(WorkloadType::Rental),
            arguments::TypeChoice::Serverless => TypeChoice::Only(WorkloadType::Serverless),
        },
        replace: false,
        wait: true,
        patience: Patience { visible: arguments.deploy_timeout, healthy: arguments.health_timeout },
    })
}

/// `NAME=VALUE`, or `NAME` for the value this process has. No error quotes it: it may be a token.
fn variable(text: &SecretString) -> Result<EnvironmentVariable, CommandError> {
    let text = text.expose_secret();
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let begins_well = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    if !begins_well || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let text = "--env is written NAME=VALUE, and a name has letters, digits and underscores";
        return Err(CommandError::usage(text));
    }
    let value = match value {
        Some(value) => value.into(),
        None => read_variable("--env", name)?.into(),
    };
    Ok(EnvironmentVariable { name: name.to_owned(), value })
}

fn login(variable: &str, image: &ImageReference) -> Result<RegistryLogin, CommandError> {
    let text = login_in_variable(variable)?.ok_or_else(|| not_set("--registry-auth-env"))?;
    RegistryLogin::parse(&text, image)
        .map_err(|error| CommandError::usage(format!("the variable that --registry-auth-env names: {error}")))
}

/// The error leaves the name out: whoever mistakes the option puts the secret itself there.
fn read_variable(option: &str, name: &str) -> Result<String, CommandError> {
    std::env::var(name).map_err(|_| not_set(option))
}

fn not_set(option: &str) -> CommandError {
    CommandError::usage(format!("{option} names an environment variable that is not set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_names() {
        let good = variable(&"HF_TOKEN=a=b".into()).unwrap();
        assert_eq!((good.name.as_str(), good.value.expose_secret()), ("HF_TOKEN", "a=b"));
        for bad in ["", "=5ecret", "1A=5ecret", "A B=5ecret", "hf-token=5ecret", "5ecret"] {
            assert!(!variable(&bad.into()).unwrap_err().message.contains("5ecret"), "{bad}");
        }
    }
}
