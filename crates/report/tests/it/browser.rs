//! A headless Chromium for tests, driven over its `DevTools` protocol by a blocking client.
//! It must not know what page it shows.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// Longest wait for an answer of the browser.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one empty tab; it ends when dropped.
pub(crate) struct Browser {
    process: Child,
    _profile: TempDir,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    last_id: u64,
    /// What the tab said since it was opened.
    events: Vec<Value>,
}

/// Starts a browser, or says loudly that the test is left out because there is none.
pub(crate) fn browser() -> Option<Browser> {
    let Some(program) = find() else {
        gen404_testing::skipped("Chromium: run scripts/setup, or set CHROMIUM_PATH");
        return None;
    };
    Some(Browser::start(&program))
}

fn find() -> Option<PathBuf> {
    let chosen = std::env::var_os("CHROMIUM_PATH").map(PathBuf::from);
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let installed = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    chosen.into_iter().chain(installed).find(|path| path.is_file())
}

impl Browser {
    fn start(program: &Path) -> Self {
        let profile = TempDir::new().unwrap();
        let mut process = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-extensions",
            ])
            .args(["--remote-debugging-port=0", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned))
            .expect("Chromium says where its DevTools listen");
        std::thread::spawn(move || lines.for_each(drop));
        let place = address.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(place).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(&address, stream).unwrap();
        let mut browser = Self { process, _profile: profile, socket, session: None, last_id: 0, events: Vec::new() };
        let tab = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": tab["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.size(1280, 900, false);
        browser
    }

    /// Calls a method and waits for its result; events on the way are kept.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let mut message = self.read();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("Chromium answers in time") {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Sets the size of the tab in CSS pixels.
    pub(crate) fn size(&mut self, width: u32, height: u32, phone: bool) {
        let scale = if phone { 2 } else { 1 };
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Opens a page and waits until it and its pictures are loaded.
    pub(crate) fn open(&mut self, page: &Path, fragment: &str) {
        // from an empty page, so that a mere change of the fragment loads the page too
        self.events.clear();
        self.call("Page.navigate", &json!({"url": "about:blank"}));
        self.wait_for("Page.loadEventFired");
        self.events.clear();
        self.call("Page.navigate", &json!({"url": format!("file://{}{fragment}", page.display())}));
        self.wait_for("Page.loadEventFired");
    }

    fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|message| message["method"] == event) {
            let message = self.read();
            self.events.push(message);
        }
    }

    /// Value of a script expression in the page; promises are awaited.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", &parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Waits until a script expression in the page is true.
    pub(crate) fn until(&mut self, expression: &str) {
        self.value(&format!(
            "new Promise(done => {{ const look = () => ({expression}) ? done() : setTimeout(look, 5); look(); }})"
        ));
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().map(str::to_owned).unwrap_or_default()
    }

    pub(crate) fn count(&mut self, expression: &str) -> u64 {
        self.value(expression).as_u64().unwrap()
    }

    /// Presses a key: `ArrowLeft`, `Escape`, or a letter.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "Escape" => 27,
            "Enter" => 13,
            _ => 0,
        };
        let mut down = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        if key.len() == 1 {
            down["text"] = json!(key);
        } else if key == "Enter" {
            down["text"] = json!("\r");
        }
        self.call("Input.dispatchKeyEvent", &down);
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    pub(crate) fn click(&mut self, selector: &str) {
        self.value(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Errors and warnings of the page, its scripts and its policy.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.value("0");
        let is_complaint = |event: &Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => matches!(event["params"]["entry"]["level"].as_str(), Some("error" | "warning")),
            Some("Runtime.consoleAPICalled") => {
                matches!(event["params"]["type"].as_str(), Some("error" | "warning" | "assert"))
            }
            _ => false,
        };
        self.events.iter().filter(|event| is_complaint(event)).map(Value::to_string).collect()
    }

    /// Addresses the page asked for, and how each began.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        self.value("0");
        self.events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // it may be gone already, which is as good
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
