//! A pod's log: its last lines, or all of them as they are written.
//! Lines come out fit to be shown; what they mean is for the reader.

use std::collections::VecDeque;

use futures::stream::{BoxStream, Stream, StreamExt as _};
use gen404_outside::{http, text};
use reqwest::header::ACCEPT;

use super::{REQUEST_LIMIT, TargonClient, answer};
use crate::error::{Call, TargonError};
use crate::names::Uid;
use crate::wire::Log;

/// A longer line is cut into pieces of this many bytes.
const LONGEST_LINE: usize = 16 << 10;

/// Lines of a log as they arrive.
pub type LogLines = BoxStream<'static, Result<String, TargonError>>;

impl TargonClient {
    /// The last lines of a log, oldest first; none while the pod does not run yet.
    pub async fn logs(&self, uid: &Uid, tail: usize) -> Result<Vec<String>, TargonError> {
        let url = self.url(&format!("/workloads/{uid}/logs"), &[("tail", &tail.to_string())]);
        // One try: before the pod runs the service answers 500, and asking again at once would not change that.
        let request = self.with_key(Call::Logs, self.http.get(url))?.header(ACCEPT, "text/plain");
        let answer = request.timeout(REQUEST_LIMIT).send().await.map_err(|error| answer::broken(Call::Logs, error))?;
        let status = answer.status();
        let retry_after = http::wished_pause(answer.headers(), self.clock.now());
        let body = answer::read_body(Call::Logs, answer).await?;
        if status.as_u16() == 500 {
            return Ok(Vec::new());
        }
        if !status.is_success() {
            return Err(answer::refusal(Call::Logs, status, &body, retry_after, self.secret()));
        }
        let text = unwrap(&body);
        let mut lines: VecDeque<String> = VecDeque::new();
        for line in text.lines() {
            // The service may not know `tail`.
            if lines.len() == tail {
                lines.pop_front();
            }
            lines.push_back(self.fit(line));
        }
        Ok(lines.into())
    }

    /// Every line of a log from now on (and what the service sends of the past), until the pod ends.
    pub async fn follow_logs(&self, uid: &Uid) -> Result<LogLines, TargonError> {
        let url = self.url(&format!("/workloads/{uid}/logs"), &[("follow", "true")]);
        let request = self.with_key(Call::Logs, self.http.get(url))?.header(ACCEPT, "text/plain");
        // No limit on the whole: a log is followed for hours. Beginning to answer has the usual one.
        let answer = tokio::time::timeout(REQUEST_LIMIT, request.send())
            .await
            .map_err(|_| TargonError::TimedOut { call: Call::Logs, limit: REQUEST_LIMIT })?
            .map_err(|error| answer::broken(Call::Logs, error))?;
        let status = answer.status();
        if !status.is_success() {
            let retry_after = http::wished_pause(answer.headers(), self.clock.now());
            let body = answer::read_body(Call::Logs, answer).await.unwrap_or_default();
            return Err(answer::refusal(Call::Logs, status, &body, retry_after, self.secret()));
        }
        let client = self.clone();
        Ok(lines(answer.bytes_stream())
            .map(move |line| match line {
                Ok(line) => Ok(client.fit(&String::from_utf8_lossy(&line))),
                Err(error) => Err(answer::broken(Call::Logs, error)),
            })
            .boxed())
    }

    fn fit(&self, line: &str) -> String {
        text::line(&text::without_secret(line.trim_end(), self.secret()))
    }
}

/// The text of a log, unwrapped where the service sent `{"output": …}`.
fn unwrap(body: &[u8]) -> String {
    match serde_json::from_slice::<Log>(body) {
        Ok(log) => log.output,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Cuts a stream of bytes into lines, without their ends.
fn lines<B: AsRef<[u8]>, E>(bytes: impl Stream<Item = Result<B, E>>) -> impl Stream<Item = Result<Vec<u8>, E>> {
    let bytes = Box::pin(bytes);
    futures::stream::unfold(
        (bytes, Vec::new(), VecDeque::new(), false),
        |(mut bytes, mut rest, mut ready, mut ended): (_, Vec<u8>, VecDeque<Vec<u8>>, bool)| async move {
            loop {
                if let Some(line) = ready.pop_front() {
                    return Some((Ok(line), (bytes, rest, ready, ended)));
                }
                if ended {
                    return None;
                }
                match bytes.next().await {
                    Some(Ok(chunk)) => {
                        for &byte in chunk.as_ref() {
                            if byte == b'\n' || rest.len() == LONGEST_LINE {
                                ready.push_back(std::mem::take(&mut rest));
                            }
                            if byte != b'\n' {
                                rest.push(byte);
                            }
                        }
                    }
                    Some(Err(error)) => {
                        ended = true;
                        return Some((Err(error), (bytes, rest, ready, ended)));
                    }
                    None => {
                        ended = true;
                        if !rest.is_empty() {
                            ready.push_back(std::mem::take(&mut rest));
                        }
                    }
                }
            }
        },
    )
}

/// What is new in a window of a log since the window before: everything after the longest overlap of the two.
pub(crate) fn fresh_lines<'a>(before: &[String], now: &'a [String]) -> &'a [String] {
    let overlap = (0..=before.len().min(now.len()))
        .rev()
        .find(|&length| before[before.len() - length..] == now[..length])
        .unwrap_or(0);
    &now[overlap..]
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cut(chunks: &[&str]) -> Vec<String> {
        lines(futures::stream::iter(chunks.iter().map(|chunk| Ok::<_, ()>(chunk.as_bytes()))))
            .map(|line| String::from_utf8(line.expect("no error")).expect("text"))
            .collect()
            .await
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_chunks_end() {
        assert_eq!(cut(&["bo", "ot\nlist", "ening\n", "\nlast"]).await, ["boot", "listening", "", "last"]);
        assert_eq!(cut(&["a\n"]).await, ["a"]);
        assert!(cut(&[]).await.is_empty());
        let long = "x".repeat(LONGEST_LINE + 3);
        assert_eq!(cut(&[&long]).await.iter().map(String::len).collect::<Vec<_>>(), [LONGEST_LINE, 3]);
    }

    #[test]
    fn a_wrapped_log_is_unwrapped() {
        assert_eq!(unwrap(br#"{"output": "boot\nup\n"}"#), "boot\nup\n");
        assert_eq!(unwrap(br#"{"level": "info"}"#), r#"{"level": "info"}"#);
        assert_eq!(unwrap(b"boot\n"), "boot\n");
    }

    #[test]
    fn only_new_lines_are_fresh() {
        let window = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let before = window(&["a", "b", "c"]);
        assert_eq!(fresh_lines(&before, &window(&["b", "c", "d"])), ["d"]);
        assert_eq!(fresh_lines(&before, &window(&["a", "b", "c"])), [""; 0]);
        assert_eq!(fresh_lines(&before, &window(&["x", "y"])), ["x", "y"]);
        assert_eq!(fresh_lines(&[], &before), ["a", "b", "c"]);
        assert_eq!(fresh_lines(&before, &[]), [""; 0]);
    }
}
