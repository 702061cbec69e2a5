//! Public git repositories over smart HTTP, as a code host serves them: real git behind a door of this machine.
//! Anonymous and read-only; knows nothing of what is in the repositories.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use url::Url;

use crate::service::Service;

/// No question of a client is longer.
const LARGEST_QUESTION: usize = 4 << 20;

/// A habit of code hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Every repository asks for a login, as private ones and those that do not exist do.
    Private,
    /// Filters are not understood: all contents are sent.
    NoFilter,
    /// 503 for everything.
    Down,
    /// Nothing is answered, and the connection stays.
    Silent,
}

#[derive(Debug, Clone)]
struct Host {
    root: PathBuf,
    faults: Arc<Mutex<Vec<Fault>>>,
    agents: Arc<Mutex<Vec<String>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running host; it stops when dropped.
#[derive(Debug)]
pub struct Repositories {
    service: Service,
    host: Host,
}

impl Repositories {
    /// Serves the repositories below `folder` as `<url>/<owner>/<name>`.
    pub async fn start(folder: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let host = Host { root: folder.canonicalize()?, faults: Arc::default(), agents: Arc::default() };
        let router = Router::new().fallback(answer).with_state(host.clone());
        Ok(Self { service: Service::start(listener, router)?, host })
    }

    /// Where they are; ends with `/`.
    pub fn url(&self) -> &Url {
        self.service.url()
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        *locked(&self.host.faults) = faults;
    }

    /// What of `Authorization` and `Cookie` was sent so far, which should be nothing.
    pub fn logins(&self) -> Vec<String> {
        locked(&self.host.agents).clone()
    }
}

async fn answer(State(host): State<Host>, request: Request) -> Response {
    let faults = locked(&host.faults).clone();
    for name in [header::AUTHORIZATION, header::COOKIE] {
        if let Some(value) = request.headers().get(&name) {
            locked(&host.agents).push(format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
    }
    if faults.contains(&Fault::Silent) {
        std::future::pending::<()>().await;
    }
    if faults.contains(&Fault::Down) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let private = faults.contains(&Fault::Private);
    if private || request.uri().path().split('/').any(|part| part == "..") {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"code\"")]).into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_QUESTION).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let filter = !faults.contains(&Fault::NoFilter);
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    match backend(&host.root, filter, asked).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

struct Asked {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// git's own server side, as a CGI program.
async fn backend(root: &Path, filter: bool, asked: Asked) -> io::Result<Response> {
    let text =
        |name: HeaderName| asked.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "3")
        .env("GIT_CONFIG_KEY_0", "uploadpack.allowFilter")
        .env("GIT_CONFIG_VALUE_0", filter.to_string())
        .env("GIT_CONFIG_KEY_1", "uploadpack.allowAnySHA1InWant")
        .env("GIT_CONFIG_VALUE_1", "true")
        .env("GIT_CONFIG_KEY_2", "safe.directory")
        .env("GIT_CONFIG_VALUE_2", "*")
        .env("REQUEST_METHOD", &asked.method)
        .env("PATH_INFO", &asked.path)
        .env("QUERY_STRING", &asked.query)
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("GIT_PROTOCOL", text(HeaderName::from_static("git-protocol")))
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It reads the whole question before it answers, or none of it.
        let _gone = stdin.write_all(&asked.body).await;
    }
    let output = child.wait_with_output().await?.stdout;
    Ok(from_cgi(&output).unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

/// `Status: …` and headers, an empty line, the body.
fn from_cgi(output: &[u8]) -> Option<Response> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut answer = Response::new(axum::body::Body::from(output[end + 4..].to_vec()));
    for line in str::from_utf8(&output[..end]).ok()?.split("\r\n") {
        let (name, value) = line.split_once(": ")?;
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next()?.parse::<u16>().ok()?;
            *answer.status_mut() = StatusCode::from_u16(code).ok()?;
        } else {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            answer.headers_mut().insert(name, HeaderValue::from_str(value).ok()?);
        }
    }
    Some(answer)
}
