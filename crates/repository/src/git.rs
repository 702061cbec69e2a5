//! The system's git as a child process that can neither ask, nor remember, nor run anything of the user's or the server's.
//! Knows how git is started and ended; what it is asked for is the caller's business.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// Largest file that git may write, in blocks of 512 bytes (some shells count 1,024): far more than a tree and its texts.
const LARGEST_FILE: u32 = 262_144;

/// What git says of a failure is short.
const MOST_COMPLAINTS: u64 = 64 << 10;

/// Settings that no file may override. Hooks, helpers and monitors are what a configuration could make git run.
const SETTINGS: [&str; 13] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=/bin/false",
    "credential.helper=",
    "credential.interactive=false",
    "http.followRedirects=initial",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=20",
    "protocol.version=2",
    "transfer.bundleURI=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// Variables that say how the network is reached.
const NETWORK: [&str; 8] =
    ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "SSL_CERT_DIR", "TMPDIR", "PATH"];

/// git in one folder of ours.
pub(crate) struct Git {
    folder: PathBuf,
}

/// What a run ended with.
pub(crate) struct Ran {
    pub(crate) succeeded: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Why there is no end.
#[derive(Debug)]
pub(crate) enum RunError {
    Start(io::Error),
    Talk(io::Error),
    TooMuch,
    TimedOut,
}

/// Ends git and whatever it has started, also when the caller is dropped in the middle.
struct Group(Option<Pid>);

impl Group {
    /// Its number may be somebody else's from now on.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ended = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Git {
    /// For a bare repository in this folder, which is also git's home.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Runs git with `input` on its stdin; reads at most `most` bytes of its answer.
    pub(crate) async fn run(
        &self,
        arguments: &[&str],
        input: &[u8],
        most: usize,
        limit: Duration,
    ) -> Result<Ran, RunError> {
        let mut child = self.command(arguments).spawn().map_err(RunError::Start)?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
        let ran =
            tokio::time::timeout(limit, talk(&mut child, input, most)).await.map_err(|_| RunError::TimedOut)??;
        group.has_ended();
        Ok(ran)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        // A server that sends without end meets the end of this file.
        command.arg("-c").arg(format!("ulimit -f {LARGEST_FILE} && exec git \"$@\"")).arg("git");
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        command
            .arg("--git-dir")
            .arg(&self.folder)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(NETWORK.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
            .env("no_proxy", without_proxy())
            .env("HOME", &self.folder)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/false")
            .env("GIT_SSH_COMMAND", "/bin/false")
            .env("GIT_ALLOW_PROTOCOL", "https:http:file")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(authorities) = std::env::var_os("SSL_CERT_FILE") {
            command.env("GIT_SSL_CAINFO", authorities);
        }
        command
    }
}

/// This machine is reached without a proxy, as the other rooms do it.
fn without_proxy() -> OsString {
    let given = ["no_proxy", "NO_PROXY"].into_iter().find_map(std::env::var_os).unwrap_or_default();
    let mut list = OsString::from("localhost,127.0.0.1,::1");
    if !given.is_empty() {
        list.push(",");
        list.push(given);
    }
    list
}

async fn talk(child: &mut Child, input: &[u8], most: usize) -> Result<Ran, RunError> {
    let (mut stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(stdin) = &mut stdin {
            // Whoever ends early says why on stderr.
            let _gone = stdin.write_all(input).await;
        }
        stdin = None;
    };
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let listen = async {
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(most.saturating_add(1)).read_to_end(&mut bytes).await.map_err(RunError::Talk)?;
        }
        // With the pipe closed a git that goes on ends.
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most { Err(RunError::TooMuch) } else { Ok(bytes) }
    };
    let complaints = async {
        let mut bytes = Vec::new();
        if let Some(mut stderr) = stderr {
            (&mut stderr).take(MOST_COMPLAINTS).read_to_end(&mut bytes).await.map_err(RunError::Talk)?;
            tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await.map_err(RunError::Talk)?;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let ((), stdout, stderr) = tokio::join!(feed, listen, complaints);
    let (stdout, stderr) = (stdout?, stderr?);
    let status = child.wait().await.map_err(RunError::Talk)?;
    tracing::debug!(%status, bytes = stdout.len(), "git has ended");
    Ok(Ran { succeeded: status.success(), stdout, stderr })
}
