//! The browser protocol over the debugging pipe: JSON messages that end with a zero byte.
//! It matches answers to questions and notices crashes; what the questions mean is the tab's business.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::ChromiumError;
use super::last_words::LastWords;
use crate::failure::clean;

/// Longest message that is read; the largest picture as text is far below.
const LONGEST_MESSAGE: usize = 64 * 1024 * 1024;
/// What V8 writes there before it crashes a tab whose heap is full; the crash itself does not say why.
const HEAP_IS_FULL: &str = "V8 javascript OOM";
/// The two outputs are read by two tasks, so the reason may come a little after the crash.
const REASON_LIMIT: Duration = Duration::from_millis(500);

/// Which tab a question is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SessionId(String);

/// What can end a conversation before its answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Condition {
    #[default]
    Well,
    TabCrashed {
        out_of_memory: bool,
    },
    Ended,
}

/// An event that somebody may wait for.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) method: String,
    pub(super) parameters: Box<RawValue>,
}

/// An answer as text, or the browser's message about what is wrong with the question.
type Answer = Result<Box<RawValue>, String>;
type Questions = HashMap<u64, oneshot::Sender<Answer>>;
type Waiting = Arc<Mutex<Questions>>;
type Words = Arc<Mutex<LastWords>>;

/// The tool's end of the debugging pipe.
#[derive(Debug)]
pub(super) struct Connection {
    pipe: tokio::sync::Mutex<Option<ChildStdin>>,
    next_id: AtomicU64,
    waiting: Waiting,
    condition: watch::Receiver<Condition>,
    events: tokio::sync::Mutex<mpsc::Receiver<Event>>,
    words: Words,
    heard: watch::Receiver<Heard>,
}

/// What came of the error output so far.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    heap_is_full: bool,
    /// Whether nothing more will come.
    everything: bool,
}

impl Connection {
    /// Talks through the supervisor's stdin and stdout, which are the browser's pipe.
    pub(super) fn over(supervisor: &mut Child) -> Self {
        let pipe = supervisor.stdin.take();
        let answers = supervisor.stdout.take().expect("stdout is piped");
        let errors = supervisor.stderr.take().expect("stderr is piped");
        let waiting = Waiting::default();
        let words = Words::default();
        let (condition_sender, condition) = watch::channel(Condition::Well);
        // The only events let through are asked for one at a time; a flood of others is dropped.
        let (event_sender, events) = mpsc::channel(64);
        tokio::spawn(listen(answers, Arc::clone(&waiting), condition_sender, event_sender));
        let (hearing, heard) = watch::channel(Heard::default());
        tokio::spawn(keep_last_words(errors, Arc::clone(&words), hearing));
        Self {
            pipe: tokio::sync::Mutex::new(pipe),
            next_id: AtomicU64::new(1),
            waiting,
            condition,
            events: tokio::sync::Mutex::new(events),
            words,
            heard,
        }
    }

    /// Asks the browser, or one of its tabs.
    pub(super) async fn ask<A: DeserializeOwned>(
        &self,
        session: Option<&SessionId>,
        method: &'static str,
        parameters: impl Serialize,
    ) -> Result<A, ChromiumError> {
        let answer = self.ask_raw(session, method, parameters).await?;
        serde_json::from_str(answer.get()).map_err(|_| ChromiumError::Unintelligible { method })
    }

    /// As [`Self::ask`], the answer still as text.
    pub(super) async fn ask_raw(
        &self,
        session: Option<&SessionId>,
        method: &'static str,
        parameters: impl Serialize,
    ) -> Result<Box<RawValue>, ChromiumError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Question<'a, P> {
            id: u64,
            method: &'static str,
            params: P,
            #[serde(skip_serializing_if = "Option::is_none")]
            session_id: Option<&'a SessionId>,
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut message = serde_json::to_vec(&Question { id, method, params: parameters, session_id: session })
            .expect("parameters are plain data");
        message.push(0);

        let (sender, answer) = oneshot::channel();
        let slot = Slot { id, waiting: &self.waiting };
        lock(&self.waiting).insert(id, sender);
        let mut condition = self.condition.clone();
        let converse = async {
            let mut pipe = self.pipe.lock().await;
            let written = match pipe.as_mut() {
                Some(pipe) => pipe.write_all(&message).await.is_ok(),
                None => false,
            };
            drop(pipe);
            if !written {
                return Err(self.ended().await);
            }
            match answer.await {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(message)) => Err(ChromiumError::Refused { method, message }),
                Err(_) => Err(self.ended().await),
            }
        };
        let trouble = async {
            let changed = condition.wait_for(|condition| *condition != Condition::Well).await;
            changed.map_or(Condition::Ended, |condition| *condition)
        };
        let outcome = tokio::select! {
            biased;
            outcome = converse => outcome,
            condition = trouble => Err(self.explain(condition).await),
        };
        drop(slot);
        outcome
    }

    /// The next event of that name.
    pub(super) async fn event(&self, method: &str) -> Result<Event, ChromiumError> {
        let mut events = self.events.lock().await;
        loop {
            let Some(event) = events.recv().await else { return Err(self.ended().await) };
            if event.method == method {
                return Ok(event);
            }
        }
    }

    /// Product and version of the browser.
    pub(super) async fn product(&self) -> Result<String, ChromiumError> {
        #[derive(Deserialize)]
        struct Version {
            product: String,
        }
        let version: Version = self.ask(None, "Browser.getVersion", Nothing {}).await?;
        Ok(clean(&version.product))
    }

    /// Closes our end of the pipe, upon which the browser goes.
    pub(super) async fn hang_up(&self) {
        *self.pipe.lock().await = None;
    }

    async fn explain(&self, condition: Condition) -> ChromiumError {
        let Condition::TabCrashed { out_of_memory } = condition else { return self.ended().await };
        let out_of_memory = out_of_memory || self.has_heard(|heard| heard.heap_is_full).await;
        ChromiumError::TabCrashed { out_of_memory }
    }

    async fn ended(&self) -> ChromiumError {
        self.has_heard(|heard| heard.everything).await;
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        ChromiumError::Ended { last_words: words.text(), trouble: words.trouble() }
    }

    /// Whether something is heard within the time in which it should be.
    async fn has_heard(&self, what: impl Fn(&Heard) -> bool) -> bool {
        let mut heard = self.heard.clone();
        matches!(timeout(REASON_LIMIT, heard.wait_for(|heard| what(heard))).await, Ok(Ok(_)))
    }
}

/// Parameters of a method that takes none.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// Forgets a question whose asker went away.
struct Slot<'a> {
    id: u64,
    waiting: &'a Waiting,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(&self.id);
    }
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, Questions> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
struct Incoming<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<IncomingError>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct IncomingError {
    message: String,
}

async fn listen(
    answers: impl AsyncRead + Unpin,
    waiting: Waiting,
    condition: watch::Sender<Condition>,
    events: mpsc::Sender<Event>,
) {
    let mut reader = BufReader::with_capacity(256 * 1024, answers);
    while let Some(message) = read_message(&mut reader).await {
        let Ok(incoming) = serde_json::from_slice::<Incoming<'_>>(&message) else { continue };
        if let Some(id) = incoming.id {
            let Some(asker) = lock(&waiting).remove(&id) else { continue };
            let answer = match (incoming.result, incoming.error) {
                (Some(result), _) => Ok(result.to_owned()),
                (None, Some(error)) => Err(clean(&error.message)),
                (None, None) => Err("neither result nor error".to_owned()),
            };
            let _ = asker.send(answer);
        } else if let (Some(method), Some(parameters)) = (incoming.method, incoming.params) {
            match method.as_str() {
                "Target.targetCrashed" => {
                    let out_of_memory = is_out_of_memory(parameters);
                    condition.send_replace(Condition::TabCrashed { out_of_memory });
                }
                "Fetch.requestPaused" => {
                    let _ = events.try_send(Event { method, parameters: parameters.to_owned() });
                }
                _ => {}
            }
        }
    }
    condition.send_replace(Condition::Ended);
    lock(&waiting).clear();
}

fn is_out_of_memory(parameters: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Crashed {
        status: String,
    }
    serde_json::from_str::<Crashed>(parameters.get()).is_ok_and(|crashed| crashed.status == "oom")
}

/// The next message without its zero byte; nothing at the end of the pipe or when a message grows beyond all measure.
async fn read_message(reader: &mut BufReader<impl AsyncRead + Unpin>) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let available = reader.fill_buf().await.ok().filter(|bytes| !bytes.is_empty())?;
        let end = available.iter().position(|byte| *byte == 0);
        let taken = end.unwrap_or(available.len());
        if message.len() + taken > LONGEST_MESSAGE {
            return None;
        }
        message.extend_from_slice(&available[..taken]);
        reader.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Some(message);
        }
    }
}

/// Reads the error output to its end, so that the browser never blocks on it, and keeps what it tells.
async fn keep_last_words(errors: ChildStderr, words: Words, hearing: watch::Sender<Heard>) {
    const LONGEST_LINE: usize = 4096;
    let mut reader = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        let available = reader.fill_buf().await.unwrap_or_default();
        let is_over = available.is_empty();
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend_from_slice(&available[..taken.min(room)]);
        reader.consume(taken);
        if end.is_some() || is_over {
            let text = String::from_utf8_lossy(&line);
            if text.contains(HEAP_IS_FULL) {
                hearing.send_modify(|heard| heard.heap_is_full = true);
            }
            words.lock().unwrap_or_else(PoisonError::into_inner).hear(&text);
            line.clear();
        }
        if is_over {
            hearing.send_modify(|heard| heard.everything = true);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_end_with_a_zero_byte() {
        let mut reader = BufReader::with_capacity(4, &b"{\"id\":1}\0{}\0half"[..]);
        assert_eq!(read_message(&mut reader).await.as_deref(), Some(&b"{\"id\":1}"[..]));
        assert_eq!(read_message(&mut reader).await.as_deref(), Some(&b"{}"[..]));
        assert_eq!(read_message(&mut reader).await, None);
    }
}
