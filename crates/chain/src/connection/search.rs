//! Which endpoint to try when: in their order, the next one beside a silent one, and again those that asked for a pause.
//! Does not know what is tried; ends when something works, or nothing can.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use gen404_outside::observer::Observer;
use gen404_outside::text::excerpt;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::{ConnectError, EndpointError, SHOWN};
use crate::event::{Event, Repeating};
use crate::network::{Endpoint, Network};
use crate::rpc::limit::Pauses;

/// Where to look, and how patiently.
pub(super) struct Search<'a> {
    pub(super) network: &'a Network,
    /// Best first; never empty.
    pub(super) endpoints: &'a [Endpoint],
    /// Another endpoint is tried beside one that has kept silent this long.
    pub(super) head_start: Duration,
    /// Most time to wait for endpoints that have had enough of us for now.
    pub(super) patience: Duration,
    pub(super) observer: &'a dyn Observer<Event>,
}

/// An endpoint that is left alone until then, and why.
struct Closed<'a> {
    endpoint: &'a Endpoint,
    until: Instant,
    error: EndpointError,
}

impl<'a> Search<'a> {
    /// The first endpoint at which the attempt succeeds. When all fail, those that only asked for a pause are tried again
    /// after it, as long as the patience lasts.
    pub(super) async fn first_that_works<T, Attempt>(
        &self,
        attempt: impl Fn(&'a Endpoint) -> Attempt,
    ) -> Result<(&'a Endpoint, T), ConnectError>
    where
        Attempt: Future<Output = Result<T, EndpointError>>,
    {
        let started = Instant::now();
        let deadline = started + self.patience;
        let repeating = Repeating(self.observer);
        let mut observer = self.observer;
        let mut pauses = Pauses::default();
        let mut closed: Vec<Closed<'a>> = Vec::new();
        loop {
            // Those whose pause is over are open again.
            let now = Instant::now();
            closed.retain(|closed| closed.until > now);
            let open: Vec<_> = self
                .endpoints
                .iter()
                .filter(|endpoint| !closed.iter().any(|closed| closed.endpoint == *endpoint))
                .collect();
            let mut last = None;
            let failures = match self.round(&open, observer, &attempt).await {
                Ok(found) => return Ok(found),
                Err(failures) => failures,
            };
            for (endpoint, error) in failures {
                if let EndpointError::Busy(limit) = &error {
                    closed.push(Closed { endpoint, until: Instant::now() + pauses.after(limit), error });
                } else {
                    last = Some((endpoint, error));
                }
            }
            pauses.grow();
            closed.sort_by_key(|closed| closed.until);
            let waited = started.elapsed();
            let Some(next) = closed.first().filter(|next| next.until <= deadline) else {
                // Waiting helps with those, so they are worth more words than one that is not there at all.
                let busy = closed.into_iter().next().map(|closed| (closed.endpoint, closed.error));
                let (endpoint, source) = busy.or(last).expect("every endpoint failed, and there is one");
                return Err(ConnectError {
                    network: self.network.clone(),
                    endpoint: endpoint.clone(),
                    tried: self.endpoints.len(),
                    waited,
                    source,
                });
            };
            let pause = next.until.saturating_duration_since(Instant::now());
            observer.on(Event::AskedToWait { endpoint: next.endpoint.clone(), pause });
            sleep_until(next.until).await;
            observer = &repeating;
        }
    }

    /// Tries endpoints in their order. The next one starts when one has failed, or when nothing has worked for a while.
    async fn round<T, Attempt>(
        &self,
        endpoints: &[&'a Endpoint],
        observer: &dyn Observer<Event>,
        attempt: &impl Fn(&'a Endpoint) -> Attempt,
    ) -> Result<(&'a Endpoint, T), Vec<(&'a Endpoint, EndpointError)>>
    where
        Attempt: Future<Output = Result<T, EndpointError>>,
    {
        let begin = |endpoint: &&'a Endpoint| {
            let endpoint = *endpoint;
            attempt(endpoint).map(move |ended| (endpoint, ended))
        };
        let mut failures = Vec::new();
        let mut waiting = endpoints.iter();
        let mut running: FuturesUnordered<_> = waiting.next().map(begin).into_iter().collect();
        loop {
            tokio::select! {
                ended = running.next() => match ended {
                    Some((endpoint, Ok(found))) => return Ok((endpoint, found)),
                    Some((endpoint, Err(error))) => {
                        let reason = excerpt(&error.to_string(), SHOWN);
                        observer.on(Event::EndpointFailed { endpoint: endpoint.clone(), reason });
                        failures.push((endpoint, error));
                        running.extend(waiting.next().map(begin));
                    }
                    None => return Err(failures),
                },
                () = sleep(self.head_start), if waiting.len() > 0 => running.extend(waiting.next().map(begin)),
            }
        }
    }
}
