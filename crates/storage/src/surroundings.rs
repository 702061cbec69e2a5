//! What the signing library may use of this machine to find keys: variables, files, a helper program, a web address of the
//! cloud. It brings none of this itself.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use gen404_outside::http::{self, read_at_most};
use reqsign_core::{CommandExecute, CommandOutput, Context, Error, FileRead, HttpSend, StaticEnv};

/// Keys and their files are small.
const LARGEST_ANSWER: usize = 1 << 20;

/// Whoever hands out keys is near, or not there at all: an address of the machine's own cloud answers nobody elsewhere.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A helper may ask somebody for a code.
const LIMIT: Duration = Duration::from_mins(1);

/// Variables and home folder, in which keys and settings are looked for.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    home: Option<PathBuf>,
}

impl Environment {
    /// Of these variables; white space around a value is not part of it, and an empty one is not set.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, home: Option<PathBuf>) -> Self {
        let trimmed = variables.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self { variables: trimmed.filter(|(_, value)| !value.is_empty()).collect(), home }
    }

    /// Of this process.
    pub fn of_this_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::new(std::env::vars_os().filter_map(text), std::env::home_dir())
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A path that a variable names, else one below the home folder.
    pub(crate) fn file(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        match self.variable(variable) {
            Some(named) => match (named.strip_prefix("~/"), &self.home) {
                (Some(rest), Some(home)) => Some(home.join(rest)),
                _ => Some(named.into()),
            },
            None => self.home.as_ref().map(|home| home.join(below_home)),
        }
    }

    pub(crate) fn context(&self) -> Context {
        let env = StaticEnv { home_dir: self.home.clone(), envs: self.variables.clone() };
        Context::new().with_env(env).with_file_read(Files).with_http_send(Web).with_command_execute(Programs)
    }
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        tokio::fs::read(path).await.map_err(|error| Error::unexpected("cannot read the file").with_source(error))
    }
}

#[derive(Debug)]
struct Web;

impl HttpSend for Web {
    async fn http_send(&self, request: ::http::Request<Bytes>) -> reqsign_core::Result<::http::Response<Bytes>> {
        // Neither address nor answer may get into an error: both can hold keys.
        let failed = |_| Error::unexpected("the service that hands out keys does not answer");
        let client = http::client().connect_timeout(CONNECT_LIMIT).timeout(LIMIT).build().map_err(failed)?;
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let answer = client.execute(request).await.map_err(failed)?;
        let status = answer.status();
        let body = read_at_most(answer, LARGEST_ANSWER).await;
        let body = body.map_err(|_| Error::unexpected("the answer of the service that hands out keys broke off"))?;
        let mut response = ::http::Response::new(Bytes::from(body));
        *response.status_mut() = status;
        Ok(response)
    }
}

#[derive(Debug)]
struct Programs;

impl CommandExecute for Programs {
    async fn command_execute(&self, program: &str, arguments: &[&str]) -> reqsign_core::Result<CommandOutput> {
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(LIMIT, command.output()).await;
        let output = output.map_err(|_| Error::unexpected("credential_process does not end"))?;
        let output = output.map_err(|error| Error::unexpected("credential_process does not run").with_source(error))?;
        let status = output.status.code().unwrap_or(-1);
        Ok(CommandOutput { status, stdout: output.stdout, stderr: output.stderr })
    }
}
