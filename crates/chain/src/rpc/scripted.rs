//! A far side for unit tests: answers by a function and remembers what was asked.
//! Strict: a question the script does not know is an error of the node, never a made-up answer.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{Notifications, Reply, Rpc, RpcError};

/// What the far side says to one question.
pub(crate) type Answer = Result<Value, RpcError>;

type Script = dyn Fn(&str, &[Value]) -> Answer + Send + Sync;

/// A node made of a function.
#[derive(Clone)]
pub(crate) struct ScriptedRpc {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ScriptedRpc {
    pub(crate) fn new(script: impl Fn(&str, &[Value]) -> Answer + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), asked: Arc::default() }
    }

    pub(crate) fn asked(&self, method: &str) -> usize {
        let asked = self.asked.lock().expect("no test panics while asking");
        asked.iter().filter(|name| *name == method).count()
    }

    fn answer(&self, method: &'static str, params: &[Value]) -> Answer {
        let answer = (self.script)(method, params);
        self.asked.lock().expect("no test panics while asking").push(method.to_owned());
        answer
    }
}

/// The node's answer to a method the script does not play.
pub(crate) fn unknown_method() -> Answer {
    Err(RpcError::Refused { method: "scripted", code: -32601, message: "Method not found".to_owned(), data: None })
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("JSON values are JSON")
}

impl Rpc for ScriptedRpc {
    fn call(&self, method: &'static str, params: Vec<Value>) -> BoxFuture<'_, Reply> {
        let reply = self.answer(method, &params).map(|value| raw(&value));
        async move { reply }.boxed()
    }

    /// The script's answer is an array: the notifications, in order; `null` in it breaks the connection.
    fn subscribe(
        &self,
        method: &'static str,
        params: Vec<Value>,
        _unsubscribe: &'static str,
    ) -> BoxFuture<'_, Result<Notifications, RpcError>> {
        let started = self.answer(method, &params).map(|value| {
            let notifications = value.as_array().cloned().unwrap_or_default();
            let broken = notifications.iter().position(Value::is_null);
            let before = broken.unwrap_or(notifications.len());
            let heard: Vec<_> = notifications[..before].iter().map(|value| Ok(raw(value))).collect();
            if broken.is_some() {
                stream::iter(heard).boxed()
            } else {
                stream::iter(heard).chain(stream::pending()).boxed()
            }
        });
        async move { started }.boxed()
    }
}
