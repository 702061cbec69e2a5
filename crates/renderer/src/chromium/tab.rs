//! The one tab of a browser: our page on a host that does not exist, cut off from every network, with a realm ready for
//! the next module. It carries modules in and pictures out as bytes; time limits are its caller's.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::connection::{Nothing, SessionId};
use super::{Browser, ChromiumError};
use crate::failure::{Failure, Metrics, clean};
use crate::shot::Shot;
use crate::three::Three;

/// An address nobody can resolve; the page's bytes are handed to the browser by us.
const PAGE_URL: &str = "http://renderer.invalid/";
const PAGE: &str = "<!doctype html><title>404-cli renderer</title>";
/// Scripts and workers only from what the page itself makes; nothing else from anywhere. Text may become a function because
/// the official service runs modules that way.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src blob: 'unsafe-eval'; worker-src blob:";
const STAGE: &str = include_str!("../page/stage.js");
/// One module out of parts that each do one thing; they share its scope.
const WORKER: &str = concat!(
    include_str!("../page/lockdown.js"),
    include_str!("../page/guard.js"),
    include_str!("../page/inspection.js"),
    include_str!("../page/miners.js"),
    include_str!("../page/visibility.js"),
    include_str!("../page/digest.js"),
    include_str!("../page/module.js"),
    include_str!("../page/shortcuts.js"),
    include_str!("../page/scene.js"),
    include_str!("../page/trial.js"),
    include_str!("../page/worker.js"),
);

/// The prepared page of a browser.
#[derive(Debug)]
pub(crate) struct Tab {
    session: SessionId,
}

/// What became of a module that was run.
#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    /// Broken rules; none when it can be drawn.
    pub(crate) failures: Vec<Failure>,
    pub(crate) metrics: Option<Metrics>,
    /// Whether it failed for want of memory.
    #[serde(default)]
    pub(crate) starved: bool,
    /// Whether it may do something else when it is run as the module it is, which then is what is drawn.
    #[serde(default)]
    pub(crate) again: bool,
}

/// What became of a module that was run for its verdicts.
#[derive(Debug, Deserialize)]
pub(crate) struct Tried {
    #[serde(default)]
    pub(crate) service: Option<Judged>,
    #[serde(default)]
    pub(crate) miners: Option<Judged>,
    /// Whether the module drew random numbers.
    #[serde(default)]
    pub(crate) random: bool,
    /// Whether it failed for want of memory.
    #[serde(default)]
    pub(crate) starved: bool,
    /// Where in its text it threw, as far as the engine knows.
    #[serde(default)]
    pub(crate) place: Option<ThrownAt>,
    /// Whether a camera in front could not see any of its scene.
    #[serde(default)]
    pub(crate) unseen: bool,
    /// What its scene is made of, where another run is to be compared.
    #[serde(default)]
    pub(crate) scene: Option<String>,
}

/// A place in a module's text, both counted from 1 and columns in UTF-16 code units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ThrownAt {
    /// The line.
    pub line: usize,
    /// The column, if it is known.
    pub column: Option<usize>,
}

/// One verdict: broken rules, and what was counted.
#[derive(Debug, Deserialize)]
pub(crate) struct Judged {
    pub(crate) failures: Vec<Failure>,
    pub(crate) metrics: Option<Metrics>,
}

/// How a module is run for its verdicts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// As the render service does.
    Service,
    /// As the miners' validator does.
    Miners,
}

/// One picture as it leaves the browser.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Run-length words of pixels.
    Runs(Vec<u8>),
    /// Drawing threw: the module's objects are not what three expects.
    Threw(String),
    /// The graphics process is gone.
    ContextLost,
}

impl Tab {
    /// Loads the page, with or without what draws `pictures`, and lets the first realm boot.
    pub(crate) async fn open(browser: &Browser, three: &Three, pictures: bool) -> Result<Self, ChromiumError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Created {
            target_id: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Attached {
            session_id: SessionId,
        }
        let connection = &browser.connection;
        connection.ask_raw(None, "Target.setDiscoverTargets", json!({"discover": true})).await?;
        let created: Created = connection.ask(None, "Target.createTarget", json!({"url": "about:blank"})).await?;
        let attach = json!({"targetId": created.target_id, "flatten": true});
        let attached: Attached = connection.ask(None, "Target.attachToTarget", attach).await?;
        let tab = Self { session: attached.session_id };
        tab.load_page(browser).await?;
        tab.evaluate_raw(browser, STAGE.to_owned()).await?;
        let [core, module, worker] = [three.core(), three.module(), WORKER].map(literal);
        let open = format!("stage.open({core}, {module}, {worker}, {pictures})");
        tab.evaluate_raw(browser, open).await?;
        Ok(tab)
    }

    /// From now on every request that the page could make is held, and this one alone is answered.
    async fn load_page(&self, browser: &Browser) -> Result<(), ChromiumError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Paused {
            request_id: String,
        }
        let connection = &browser.connection;
        let session = Some(&self.session);
        connection.ask_raw(session, "Fetch.enable", Nothing {}).await?;
        let answer = async {
            let event = connection.event("Fetch.requestPaused").await?;
            let paused: Paused = serde_json::from_str(event.parameters.get())
                .map_err(|_| ChromiumError::Unintelligible { method: "Fetch.requestPaused" })?;
            let response = json!({
                "requestId": paused.request_id,
                "responseCode": 200,
                "responseHeaders": [
                    {"name": "content-type", "value": "text/html; charset=utf-8"},
                    {"name": "content-security-policy", "value": CONTENT_SECURITY_POLICY},
                ],
                "body": BASE64_STANDARD.encode(PAGE),
            });
            connection.ask_raw(session, "Fetch.fulfillRequest", response).await
        };
        let navigate = connection.ask_raw(session, "Page.navigate", json!({"url": PAGE_URL}));
        tokio::try_join!(navigate, answer)?;
        Ok(())
    }

    /// Waits until the next module's realm has booted.
    pub(crate) async fn enter(&self, browser: &Browser) -> Result<(), ChromiumError> {
        match self.evaluate::<Message>(browser, "stage.enter()".to_owned()).await? {
            Message::Ready => Ok(()),
            message => Err(message.unexpected()),
        }
    }

    /// Runs a module in the realm that was entered.
    pub(crate) async fn build(&self, browser: &Browser, source: &str) -> Result<Verdict, ChromiumError> {
        match self.evaluate::<Message>(browser, format!("stage.build({})", literal(source))).await? {
            Message::Built { verdict } => {
                serde_json::from_str(&verdict).map_err(|_| ChromiumError::Unintelligible { method: "stage.build" })
            }
            message => Err(message.unexpected()),
        }
    }

    /// Runs a module in the realm that was entered, for its verdicts alone.
    pub(crate) async fn try_module(
        &self,
        browser: &Browser,
        source: &str,
        manner: Manner,
    ) -> Result<Tried, ChromiumError> {
        let manner = match manner {
            Manner::Service => "asService",
            Manner::Miners => "asMiners",
        };
        match self.evaluate::<Message>(browser, format!("stage.try({}, '{manner}')", literal(source))).await? {
            Message::Tried { outcome } => {
                serde_json::from_str(&outcome).map_err(|_| ChromiumError::Unintelligible { method: "stage.try" })
            }
            message => Err(message.unexpected()),
        }
    }

    /// Runs the module that was just judged as the module it is, in a fresh realm; gives back what it threw, if anything.
    pub(crate) async fn load(&self, browser: &Browser, source: &str) -> Result<Option<String>, ChromiumError> {
        match self.evaluate::<Message>(browser, format!("stage.load({})", literal(source))).await? {
            Message::Loaded => Ok(None),
            Message::Threw { detail } => Ok(Some(clean(&detail))),
            message => Err(message.unexpected()),
        }
    }

    /// Starts to draw; the pictures are to be taken one by one, in order.
    pub(crate) async fn draw(&self, browser: &Browser, shots: &[Shot]) -> Result<(), ChromiumError> {
        let shots = serde_json::to_string(&shots.iter().map(PageShot::from).collect::<Vec<_>>())
            .expect("shots are plain numbers and words");
        self.evaluate_raw(browser, format!("stage.draw({shots})")).await.map(drop)
    }

    /// The next picture.
    pub(crate) async fn take(&self, browser: &Browser) -> Result<Taken, ChromiumError> {
        let bytes = |text: &str| {
            BASE64_STANDARD.decode(text).map_err(|_| ChromiumError::Unintelligible { method: "stage.take" })
        };
        match self.evaluate::<Message>(browser, "stage.take()".to_owned()).await? {
            Message::Runs { data } => Ok(Taken::Runs(bytes(&data)?)),
            Message::Threw { detail } => Ok(Taken::Threw(clean(&detail))),
            Message::Lost => Ok(Taken::ContextLost),
            message => Err(message.unexpected()),
        }
    }

    /// Ends the module's realm.
    pub(crate) async fn leave(&self, browser: &Browser) -> Result<(), ChromiumError> {
        self.evaluate_raw(browser, "stage.leave()".to_owned()).await.map(drop)
    }

    async fn evaluate<A: serde::de::DeserializeOwned>(
        &self,
        browser: &Browser,
        expression: String,
    ) -> Result<A, ChromiumError> {
        let value = self.evaluate_raw(browser, expression).await?;
        value
            .and_then(|value| serde_json::from_str(value.get()).ok())
            .ok_or(ChromiumError::Unintelligible { method: "Runtime.evaluate" })
    }

    /// The value of an expression in the trusted page.
    async fn evaluate_raw(
        &self,
        browser: &Browser,
        expression: String,
    ) -> Result<Option<Box<RawValue>>, ChromiumError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Evaluated {
            result: RemoteObject,
            exception_details: Option<ExceptionDetails>,
        }
        #[derive(Deserialize)]
        struct RemoteObject {
            value: Option<Box<RawValue>>,
            description: Option<String>,
        }
        #[derive(Deserialize)]
        struct ExceptionDetails {}
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let evaluated: Evaluated = browser.connection.ask(Some(&self.session), "Runtime.evaluate", parameters).await?;
        if evaluated.exception_details.is_some() {
            let detail = evaluated.result.description.unwrap_or_default();
            return Err(ChromiumError::Page { detail: clean(&detail) });
        }
        Ok(evaluated.result.value)
    }
}

/// The stage's answers.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Message {
    Ready,
    Built { verdict: String },
    Tried { outcome: String },
    Loaded,
    Runs { data: String },
    Threw { detail: String },
    Lost,
    Broken { detail: String },
}

impl Message {
    fn unexpected(self) -> ChromiumError {
        match self {
            Self::Broken { detail } | Self::Threw { detail } => ChromiumError::Page { detail: clean(&detail) },
            _ => ChromiumError::Unintelligible { method: "the render page" },
        }
    }
}

/// A shot in the words of `scene.js`.
#[derive(Serialize)]
struct PageShot {
    theta: f64,
    phi: f64,
    radius: f64,
    fov: f64,
    size: u32,
    background: String,
    lighting: &'static str,
}

impl From<&Shot> for PageShot {
    fn from(shot: &Shot) -> Self {
        Self {
            theta: shot.theta,
            phi: shot.phi,
            radius: shot.radius,
            fov: shot.field_of_view,
            size: shot.size,
            background: shot.background.to_string(),
            lighting: shot.lighting.name(),
        }
    }
}

/// A text as a JavaScript string literal; JSON is one.
fn literal(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}
