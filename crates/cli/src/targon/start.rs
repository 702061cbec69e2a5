//! Starting a pod, the same for all three commands: from options to an order, and from a started pod to JSON.
//! Everything that can go wrong in between is the room's business.

use gen404_targon::{
    EnvironmentVariable, Order, Patience, PodKind, PodSpecification, QuoteError, RegistryLogin, TypeChoice, Usd,
    WorkloadType, start,
};
use serde::Serialize;

use super::{Account, Watching, age, price};
use crate::arguments::targon::{self as arguments, StartArguments};
use crate::context::Context;
use crate::errors::CommandError;
use crate::errors::targon as errors;

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
    image: Option<String>,
    arguments: &StartArguments,
) -> Result<(), CommandError> {
    let order = order(kind, image, arguments)?;
    let account = Account::open(&arguments.targon)?;
    if arguments.dry_run {
        return context.until_interrupted(quote(context, &account, &order)).await;
    }
    if !account.has_key {
        return Err(errors::no_key());
    }
    context.until_interrupted(account.warn_of_left_overs(context)).await?;
    let observer = Watching::new(&context.ui, kind.name());
    let outcome = start(&account.client, &account.leases, &order, context.interrupt.token(), &observer).await;
    let started = outcome.map_err(|error| errors::start(&context.ui, &error))?;
    let url = started.url.map(|url| url.to_string());
    match &url {
        Some(url) => context.ui.status(url),
        None => context.ui.status("deployed, not waited for: `404-cli pods` shows its address once it has one"),
    }
    let cost = price(started.pod.cost_per_hour);
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
    let quote = client.quote(&order.pod.resource, order.choice).await.map_err(|error| errors::quote(&error))?;
    context.ui.status(format!(
        "would rent {} as {} for {} ({} free)",
        quote.resource,
        quote.workload_type,
        price(quote.cost_per_hour),
        quote.available
    ));
    let (mut already_there, mut credits) = (None, None);
    if account.has_key {
        let failed = |error| errors::quote(&QuoteError::Targon(error));
        let named = client.workloads_named(name).await.map_err(failed)?;
        let alive = named.into_iter().filter(|workload| !workload.state.status.is_over());
        already_there = Some(alive.map(|workload| workload.uid.to_string()).collect::<Vec<_>>());
        // Nice to know, not worth failing for.
        credits = client.credits().await.ok().map(|left| left.credits);
    }
    if let Some((uid, price)) = already_there.as_ref().and_then(|uids| uids.first()).zip(quote.cost_per_hour) {
        context.ui.warning(format!("`{name}` is there already ({uid}); --replace would stop it first"));
        tracing::debug!(%price, "quoted beside an older pod");
    }
    if let (Some(credits), Some(an_hour)) = (credits.and_then(Usd::from_dollars), quote.cost_per_hour) {
        let hours = credits.dollars() / an_hour.an_hour().dollars().max(1e-6);
        let time = std::time::Duration::try_from_secs_f64(hours * 3_600.0).unwrap_or_default();
        context.ui.status(format!("{credits} of credits last for {}", age(time)));
    }
    context.ui.result(&QuotedJson {
        success: true,
        dry_run: true,
        name,
        image: &order.pod.image,
        resource: quote.resource.as_str(),
        targon_type: quote.workload_type.as_str(),
        cost_per_hour: quote.cost_per_hour.map(|price| price.an_hour().dollars()),
        available: quote.available,
        already_there,
        credits,
    })
}

fn order(kind: PodKind, image: Option<String>, arguments: &StartArguments) -> Result<Order, CommandError> {
    let pod = kind.specification(image).ok_or_else(|| CommandError::usage("--image-url is missing"))?;
    if pod.image.is_empty() || pod.image.contains(char::is_whitespace) || pod.image.contains("://") {
        return Err(CommandError::usage(
            "the image must be a reference such as ghcr.io/me/generator:1, without https://",
        ));
    }
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
        replace: arguments.replace,
        wait: !arguments.no_wait,
        patience: Patience { visible: arguments.deploy_timeout, healthy: arguments.health_timeout },
    })
}

fn variable(variable: &arguments::Variable) -> Result<EnvironmentVariable, CommandError> {
    let name = variable.name.clone();
    let value = match &variable.value {
        Some(value) => value.clone(),
        None => read_variable("--env", &name)?.into(),
    };
    Ok(EnvironmentVariable { name, value })
}

fn login(variable: &str, image: &str) -> Result<RegistryLogin, CommandError> {
    let text = read_variable("--registry-auth-env", variable)?;
    RegistryLogin::parse(&text, image)
        .map_err(|error| CommandError::usage(format!("the variable {variable} of --registry-auth-env: {error}")))
}

fn read_variable(option: &str, name: &str) -> Result<String, CommandError> {
    std::env::var(name)
        .map_err(|_| CommandError::usage(format!("{option} names the variable {name}, which is not set")))
}
