//! A whole run: what is already there, which prompts make which batch, and what came of all of them.
//! It goes on where an earlier run stopped, and never believes results that this folder's journal did not ask for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_round::Stem;
use tokio::time::Instant;

use crate::api::Status;
use crate::batch::{BatchError, Collected, Conversation, Followed, Holding};
use crate::client::{ClientError, GeneratorClient};
use crate::event::{Event, Listener};
use crate::folder::{FolderError, Held, OutputFolder};
use crate::local::{LocalPictureError, PictureServer};
use crate::request::{Request, RequestError, Wish};

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The request itself is wrong.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The output folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Pictures of this machine cannot be served.
    #[error(transparent)]
    LocalPictures(#[from] LocalPictureError),
    /// No client can be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Explain for GenerateError {
    fn blame(&self) -> Blame {
        match self {
            Self::Request(_) | Self::Folder(FolderError::InUse { .. }) => Blame::User,
            Self::Folder(FolderError::Unusable { .. }) | Self::LocalPictures(_) | Self::Client(_) => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let hint = match self {
            Self::Request(error) => error.hint(),
            Self::Folder(FolderError::InUse { .. }) => {
                Some("wait for that run to end, or choose another --output-folder")
            }
            Self::Client(error) => error.hint(),
            Self::Folder(FolderError::Unusable { .. }) | Self::LocalPictures(_) => None,
        };
        hint.map(Hint::Borrowed)
    }
}

/// What came of a run. Every stem of the request is in exactly one of the four groups.
#[derive(Debug, Default)]
pub struct Summary {
    /// Stems whose files an earlier run had finished.
    pub kept: BTreeSet<Stem>,
    /// Stems whose files this run saved.
    pub generated: BTreeSet<Stem>,
    /// Stems the service said it could not make, with its reasons (raw text from outside).
    pub failed: BTreeMap<Stem, String>,
    /// Stems that nobody accounts for, with what is known.
    pub missing: BTreeMap<Stem, String>,
    /// Those of [`Self::missing`] that the service would not take.
    pub refused: BTreeSet<Stem>,
    /// Time from the sending of each batch of this run until the service had made it, all batches together.
    pub generation: Duration,
    /// Why the run ended before its end.
    pub stopped_by: Option<BatchError>,
}

impl Summary {
    /// Whether every stem has its file.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.missing.is_empty()
    }
}

/// Has every prompt of the request made and its module saved, as far as the generator and the network let it.
///
/// Dropping the future stops the run: every file is whole, and the next run goes on. Needs the process-wide TLS
/// provider and a tokio runtime with time and network.
pub async fn generate(request: &Request, observer: &Listener<'_>) -> Result<Summary, GenerateError> {
    let mut wishes = request.wishes()?;
    let folder = OutputFolder::open(&request.output_folder, request.limits.archive.module_bytes)?;
    let kept = finished(&folder, &wishes, request.force, observer)?;
    let _server = serve_local_pictures(&mut wishes).await?;
    let summary = Summary { kept, ..Summary::default() };
    if summary.kept.len() == wishes.len() {
        return Ok(summary);
    }
    let conversation = Conversation {
        client: GeneratorClient::new(request.endpoint.clone(), &request.limits)?,
        endpoint: request.endpoint.to_string(),
        folder: Arc::new(Mutex::new(folder)),
        limits: &request.limits,
        replacements: request.replacements,
        seed: request.seed,
        observer,
        holding: Holding::Unknown,
        warming_up_since: None,
    };
    let run = Run { request, wishes, conversation, observer, summary, begin: Instant::now(), number: 0 };
    Ok(run.finish().await)
}

/// Stems whose files this very request made before.
fn finished(
    folder: &OutputFolder,
    wishes: &[Wish],
    force: bool,
    observer: &Listener<'_>,
) -> Result<BTreeSet<Stem>, FolderError> {
    let (mut kept, mut replaced) = (BTreeSet::new(), 0);
    for wish in wishes {
        match folder.holds(&wish.stem, &wish.origin)? {
            Held::Finished if !force => {
                kept.insert(wish.stem.clone());
            }
            Held::Finished | Held::SomethingElse => replaced += 1,
            Held::Nothing => {}
        }
    }
    observer.on(Event::Found { kept: kept.len(), replaced });
    Ok(kept)
}

/// Gives pictures of this machine an address for as long as the server lives.
async fn serve_local_pictures(wishes: &mut [Wish]) -> Result<Option<PictureServer>, LocalPictureError> {
    let files: Vec<_> = wishes.iter().filter_map(|wish| wish.local.clone()).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let server = PictureServer::start(files).await?;
    let local = wishes.iter_mut().filter_map(|wish| wish.local.as_ref().map(|path| (&mut wish.image_url, path)));
    for (number, (image_url, path)) in local.enumerate() {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("png");
        *image_url = server.url(number, extension);
    }
    Ok(Some(server))
}

struct Run<'a> {
    request: &'a Request,
    wishes: Vec<Wish>,
    conversation: Conversation<'a>,
    observer: &'a Listener<'a>,
    summary: Summary,
    begin: Instant,
    /// Batches begun.
    number: usize,
}

impl Run<'_> {
    async fn finish(mut self) -> Summary {
        let outcome = self.all_batches().await;
        let reason =
            outcome.as_ref().err().map_or("the run ended before it", |_| "the run was stopped before it was made");
        for stem in self.pending().map(|wish| wish.stem.clone()).collect::<Vec<_>>() {
            self.summary.missing.insert(stem, reason.to_owned());
        }
        self.summary.stopped_by = outcome.err();
        self.summary
    }

    async fn all_batches(&mut self) -> Result<(), BatchError> {
        self.conversation.start().await?;
        self.take_up_what_is_on_its_way().await?;
        let mut batches = self.batches();
        while let Some(batch) = batches.pop_front() {
            let (batch, later) = self.unlike_what_is_held(batch).await?;
            if !later.is_empty() {
                batches.push_front(later);
            }
            self.number += 1;
            let (number, of) = (self.number, self.number + batches.len());
            self.observer.on(Event::BatchBegins { number, of, prompts: batch.len(), resumed: false });
            match self.one_batch(&batch).await {
                Ok(()) => {}
                Err(BatchError::Client(ClientError::Refused { prompts, .. })) if self.can_do_without(&prompts) => {
                    let rest = self.without(batch, prompts)?;
                    self.number -= 1;
                    if !rest.is_empty() {
                        batches.push_front(rest);
                    }
                }
                Err(error) if error.is_of_this_batch_alone() => self.give_up(&batch, &error)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether leaving out the refused prompts makes another batch: one of this run's prompts is among them.
    fn can_do_without(&self, refused: &BTreeMap<Stem, String>) -> bool {
        self.pending().any(|wish| refused.contains_key(&wish.stem))
    }

    /// What is left of a batch without the prompts that the service does not take.
    fn without(&mut self, batch: Vec<Wish>, refused: BTreeMap<Stem, String>) -> Result<Vec<Wish>, BatchError> {
        self.conversation.folder().journal.collected().map_err(BatchError::Disk)?;
        let pending: BTreeSet<Stem> = self.pending().map(|wish| wish.stem.clone()).collect();
        // A second name of a prompt is not one of its own.
        let rest = batch.into_iter().filter(|wish| pending.contains(&wish.stem) && !refused.contains_key(&wish.stem));
        let rest = rest.collect();
        for (stem, reason) in refused.into_iter().filter(|(stem, _)| pending.contains(stem)) {
            self.observer.on(Event::Refused { stem: &stem, reason: &reason });
            self.summary.refused.insert(stem.clone());
            self.summary.missing.insert(stem, format!("the generator does not take it: {reason}"));
        }
        Ok(rest)
    }

    /// Prompts without a file and without a verdict.
    fn pending(&self) -> impl Iterator<Item = &Wish> {
        let Summary { kept, generated, failed, missing, .. } = &self.summary;
        self.wishes.iter().filter(|wish| {
            let stem = &wish.stem;
            !kept.contains(stem)
                && !generated.contains(stem)
                && !failed.contains_key(stem)
                && !missing.contains_key(stem)
        })
    }

    /// The pending prompts in full batches, in their order.
    fn batches(&self) -> VecDeque<Vec<Wish>> {
        let pending: Vec<_> = self.pending().cloned().collect();
        pending.chunks(self.request.batch_size).map(<[Wish]>::to_vec).collect()
    }

    /// The batch that an earlier run sent and never collected, if the service still has it.
    async fn take_up_what_is_on_its_way(&mut self) -> Result<(), BatchError> {
        let Some(asked) = self.on_its_way() else { return Ok(()) };
        let stems: BTreeSet<Stem> = asked.iter().map(|wish| wish.stem.clone()).collect();
        let mut status = self.conversation.until_usable(true).await?;
        let mut under_way = false;
        if status == Status::Generating {
            match self.conversation.submit(&asked).await {
                Ok(()) => under_way = true,
                // Somebody else's batch, or a service that refuses an equal one too: its results will tell.
                Err(BatchError::Client(ClientError::Conflict { .. } | ClientError::Refused { .. })) => {
                    status = self.conversation.until_usable(false).await?;
                }
                Err(error) => return Err(error),
            }
        }
        if !under_way && status == Status::Complete {
            self.conversation.look().await?;
            under_way = self.conversation.holding == Holding::Stems(stems);
        }
        if !under_way {
            return Ok(());
        }
        self.number += 1;
        let of = self.number + self.batches().len().saturating_sub(1);
        self.observer.on(Event::BatchBegins { number: self.number, of, prompts: asked.len(), resumed: true });
        if self.follow(&asked, Instant::now()).await? == Followed::Forgotten {
            return Ok(());
        }
        let mut collected = Collected::default();
        let outcome = self.collect(&asked, &mut collected).await;
        // What is missing there is asked for again in a new batch.
        collected.missing.clear();
        self.account_for(collected);
        match outcome {
            Ok(()) => self.conversation.folder().journal.collected().map_err(BatchError::Disk),
            Err(error) if error.is_of_this_batch_alone() => {
                self.conversation.holding = Holding::Unreadable;
                self.conversation.folder().journal.collected().map_err(BatchError::Disk)
            }
            Err(error) => Err(error),
        }
    }

    /// The wishes of the journal's last batch, when it was this request's and something of it is still pending.
    fn on_its_way(&self) -> Option<Vec<Wish>> {
        if self.request.force {
            return None;
        }
        let folder = self.conversation.folder();
        let sent = folder.on_its_way().filter(|sent| sent.endpoint == self.conversation.endpoint)?;
        let same = |wish: &&Wish| sent.prompts.get(&wish.stem) == Some(&wish.origin);
        let asked: Vec<_> = self.wishes.iter().filter(same).cloned().collect();
        let whole = asked.len() == sent.stems().len();
        let useful = self.pending().any(|wish| sent.prompts.contains_key(&wish.stem));
        (whole && useful).then_some(asked)
    }

    /// Waits until the service can take a batch, and makes sure that it will really begin this one: the results of an
    /// equal set of stems, from another seed or from somebody else, would simply be handed out again.
    ///
    /// Returns what to send now and what afterwards.
    async fn unlike_what_is_held(&mut self, mut batch: Vec<Wish>) -> Result<(Vec<Wish>, Vec<Wish>), BatchError> {
        if self.conversation.until_usable(false).await? == Status::Complete {
            self.conversation.look().await?;
        }
        let stems: BTreeSet<Stem> = batch.iter().map(|wish| wish.stem.clone()).collect();
        let unlike = matches!(&self.conversation.holding, Holding::Stems(held) if *held != stems);
        if unlike {
            return Ok((batch, Vec::new()));
        }
        self.observer.on(Event::SentDifferently);
        let later = batch.split_off(batch.len().div_ceil(2));
        if later.is_empty() {
            // A single prompt can only be told apart by company.
            let taken: BTreeSet<&Stem> = self.wishes.iter().map(|wish| &wish.stem).collect();
            batch.extend(batch.first().and_then(|wish| companion(wish, &taken)));
        }
        Ok((batch, later))
    }

    async fn one_batch(&mut self, batch: &[Wish]) -> Result<(), BatchError> {
        let mut lost = 0;
        loop {
            let begin = Instant::now();
            match self.conversation.send(batch).await {
                Ok(()) => {}
                // The service changed its mind after the poll that found it usable.
                Err(BatchError::Client(error @ ClientError::Conflict { .. })) => {
                    lost += 1;
                    Conversation::may_send_again(lost).map_err(|_| BatchError::Client(error))?;
                    self.conversation.until_usable(false).await?;
                    continue;
                }
                Err(error) => return Err(error),
            }
            let mut collected = Collected::default();
            let outcome = match self.follow(batch, begin).await? {
                Followed::Complete => self.collect(batch, &mut collected).await,
                Followed::Forgotten => Err(BatchError::Forgotten { times: lost + 1 }),
            };
            self.account_for(collected);
            match outcome {
                Ok(()) => return self.conversation.folder().journal.collected().map_err(BatchError::Disk),
                Err(error) => {
                    let gone = matches!(
                        error,
                        BatchError::Forgotten { .. }
                            | BatchError::Foreign
                            | BatchError::Client(ClientError::Conflict { .. })
                    );
                    lost += 1;
                    if !gone || Conversation::may_send_again(lost).is_err() {
                        return Err(error);
                    }
                    self.conversation.wait_and_retry("batch", &error, lost).await;
                    self.conversation.until_usable(false).await?;
                }
            }
        }
    }

    /// Follows a batch that was sent at `begin`, and counts its time.
    async fn follow(&mut self, batch: &[Wish], begin: Instant) -> Result<Followed, BatchError> {
        let Summary { kept, generated, failed, .. } = &self.summary;
        let (before, this_run) = (kept.len() + generated.len() + failed.len(), generated.len() + failed.len());
        let (total, elapsed, observer) = (self.wishes.len(), self.begin, self.observer);
        let size = batch.len();
        let progress = move |done: u64| {
            // A service may count beyond the batch; nothing is believed beyond its size.
            let done = usize::try_from(done).unwrap_or(usize::MAX).min(size);
            let made = (before + done).min(total);
            let time_left = time_left(elapsed.elapsed(), this_run + done, total - made);
            observer.on(Event::Progress { made, total, time_left });
        };
        let followed = self.conversation.follow(&progress).await;
        let time = begin.elapsed();
        self.summary.generation += time;
        if matches!(followed, Ok(Followed::Complete)) {
            self.observer.on(Event::BatchMade { number: self.number, time });
        }
        followed
    }

    async fn collect(&mut self, batch: &[Wish], collected: &mut Collected) -> Result<(), BatchError> {
        let asked = batch.iter().map(|wish| wish.stem.clone()).collect();
        let pending: BTreeSet<&Stem> = self.pending().map(|wish| &wish.stem).collect();
        let wanted: Vec<_> = batch.iter().filter(|wish| pending.contains(&wish.stem)).cloned().collect();
        self.conversation.collect(&asked, &wanted, collected).await
    }

    fn account_for(&mut self, collected: Collected) {
        self.summary.generated.extend(collected.saved);
        self.summary.failed.extend(collected.failed);
        self.summary.missing.extend(collected.missing);
        let Summary { kept, generated, failed, missing, .. } = &self.summary;
        let made = kept.len() + generated.len() + failed.len();
        let rest = self.wishes.len() - made - missing.len();
        let time_left = time_left(self.begin.elapsed(), generated.len() + failed.len(), rest);
        self.observer.on(Event::Progress { made, total: self.wishes.len(), time_left });
    }

    /// Nothing of the batch that is not saved by now will come.
    fn give_up(&mut self, batch: &[Wish], error: &BatchError) -> Result<(), BatchError> {
        let stems: BTreeSet<&Stem> = batch.iter().map(|wish| &wish.stem).collect();
        let lost: Vec<Stem> =
            self.pending().filter(|wish| stems.contains(&wish.stem)).map(|wish| wish.stem.clone()).collect();
        self.summary.missing.extend(lost.into_iter().map(|stem| (stem, error.to_string())));
        self.conversation.holding = Holding::Unknown;
        self.conversation.folder().journal.collected().map_err(BatchError::Disk)
    }
}

/// The same picture under another name of the same form, which a service takes if it takes the first.
fn companion(wish: &Wish, taken: &BTreeSet<&Stem>) -> Option<Wish> {
    // Stems are ASCII, and never empty.
    let (kept, _last) = wish.stem.as_str().split_at_checked(wish.stem.as_str().len() - 1)?;
    let names = ('0'..='9').chain('a'..='z').filter_map(|last| format!("{kept}{last}").parse::<Stem>().ok());
    let stem = names.into_iter().find(|stem| !taken.contains(stem))?;
    Some(Wish { stem, ..wish.clone() })
}

fn time_left(elapsed: Duration, made: usize, left: usize) -> Option<Duration> {
    let made = u32::try_from(made).ok().filter(|made| *made > 0)?;
    Some((elapsed / made).saturating_mul(u32::try_from(left).ok()?))
}

#[cfg(test)]
mod tests {
    use gen404_round::PromptSet;

    use super::*;
    use crate::journal::Origin;

    #[test]
    fn company_has_a_name_of_the_same_form() {
        let set = PromptSet::parse(br#"{"prompts":[{"stem":"ab-0","image_url":"http://h/a.png"}]}"#).expect("a set");
        let origin = Origin::new(&set.prompts[0], 1, None);
        let wish = Wish { stem: set.prompts[0].stem.clone(), image_url: String::new(), local: None, origin };
        let one: Stem = "ab-1".parse().expect("a stem");
        let named =
            |taken: &[&Stem]| companion(&wish, &taken.iter().copied().collect()).expect("company").stem.to_string();
        assert_eq!(named(&[&wish.stem]), "ab-1");
        assert_eq!(named(&[&wish.stem, &one]), "ab-2");
    }
}
