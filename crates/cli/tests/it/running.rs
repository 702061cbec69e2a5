//! The binary while it runs: waiting for what it says, interrupting it, and taking its last words.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::binary::Home;

/// Nothing here takes nearly as long; only a defect does.
const PATIENCE: Duration = Duration::from_mins(1);

/// A run that has not ended yet. It is killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Running {
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
        command.env_clear().env("HOME", home.path()).current_dir(home.path()).args(arguments);
        Self::spawn(&mut command)
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_reading(command, Stdio::null())
    }

    /// For commands that somebody types something into.
    pub(crate) fn on_terminal(command: &mut Command) -> Self {
        Self::spawn_reading(command, Stdio::piped())
    }

    fn spawn_reading(command: &mut Command, stdin: Stdio) -> Self {
        let command = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, stdout: Vec::new(), stderr: String::new() }
    }

    /// Waits until a line of stderr contains the text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("`{text}` was never said:\n{}", self.stderr);
            };
            let found = line.contains(text);
            self.stderr.push_str(&line);
            self.stderr.push('\n');
            if found {
                return;
            }
        }
    }

    /// Waits until stdout (of a terminal: everything) contains the text; it need not be a whole line.
    pub(crate) fn wait_for_output(&mut self, text: &str) {
        let stdout = self.child.stdout.as_mut().expect("piped");
        while !String::from_utf8_lossy(&self.stdout).contains(text) {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap_or_else(|_| panic!("`{text}` was never said"));
            self.stdout.extend(byte);
        }
    }

    /// The next line of stdout.
    pub(crate) fn line(&mut self) -> String {
        let start = self.stdout.len();
        let stdout = self.child.stdout.as_mut().expect("piped");
        while self.stdout.last() != Some(&b'\n') || self.stdout.len() == start {
            let mut byte = [0];
            if stdout.read_exact(&mut byte).is_err() {
                break;
            }
            self.stdout.extend(byte);
        }
        String::from_utf8_lossy(&self.stdout[start..]).into_owned()
    }

    /// Types something.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().expect("piped").write_all(text.as_bytes()).expect("somebody reads");
    }

    /// What Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Output {
        let mut stdout = std::mem::take(&mut self.stdout);
        self.child.stdout.take().expect("piped").read_to_end(&mut stdout).expect("readable");
        let status = self.child.wait().expect("it ends");
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.stderr.push_str(&line);
            self.stderr.push('\n');
        }
        Output { status, stdout, stderr: std::mem::take(&mut self.stderr).into_bytes() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended by itself, which is the normal case.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
