//! What a browser writes to its error output before it goes: the one line that tells the reason, found among stack traces.
//! It knows the words of Chromium, of the dynamic loader and of snap; what is done about them is the error's business.

use std::collections::VecDeque;

use gen404_outside::text::excerpt;

/// Lines that are kept when none tells the reason.
const MOST_LINES: usize = 4;
/// Longest line that is kept, in characters.
const LONGEST_LINE: usize = 500;

/// What is wrong with this machine, as far as a browser's own words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The program only says that the real one has to be installed.
    Advice,
    /// A shared library is missing.
    Library,
    /// The kernel does not let it build its sandbox.
    Sandbox,
    /// It may not use the folder of its profile, as programs out of a snap may not use `/tmp`.
    Folder,
}

impl Trouble {
    /// Words that only one trouble has, the most telling ones first.
    const SIGNS: [(&str, Self); 14] = [
        ("snap install", Self::Advice),
        ("snap to be installed", Self::Advice),
        ("error while loading shared libraries", Self::Library),
        ("Error loading shared library", Self::Library),
        ("No usable sandbox", Self::Sandbox),
        ("SUID sandbox helper", Self::Sandbox),
        ("Running as root without --no-sandbox", Self::Sandbox),
        ("Failed to move to new namespace", Self::Sandbox),
        ("zygote_host_impl_linux", Self::Sandbox),
        ("credentials.cc", Self::Sandbox),
        ("SingletonLock", Self::Folder),
        ("ProcessSingleton", Self::Folder),
        ("cannot create user data directory", Self::Folder),
        ("Failed to create data directory", Self::Folder),
    ];

    fn of_line(line: &str) -> Option<Self> {
        Self::SIGNS.iter().find(|(sign, _)| line.contains(sign)).map(|(_, trouble)| *trouble)
    }

    /// What the user can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Advice => {
                "install a browser (`apt install chromium`, `snap install chromium`, or any Chrome), or name another one \
                 with --chromium or CHROMIUM_PATH"
            }
            Self::Library => {
                "install the package that has this library (`ldd` of the browser's program lists all that are missing), \
                 or the distribution's own Chromium package, which brings them"
            }
            Self::Sandbox => {
                "this system does not let Chromium build its sandbox: allow user namespaces (`sysctl -w \
                 kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu, `--security-opt seccomp=unconfined` for a \
                 Docker container), or install the distribution's own Chromium package with its sandbox helper"
            }
            Self::Folder => {
                "this Chromium may not use the folder for temporary files (one out of a snap sees no /tmp and no hidden \
                 folders): set TMPDIR to a folder it may use, such as ~/snap/chromium/common"
            }
        }
    }
}

/// The telling part of an error output that is read line by line.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    /// The first line that tells what is wrong.
    decisive: Option<(Trouble, String)>,
    /// The first line that calls itself fatal.
    fatal: Option<String>,
    last: VecDeque<String>,
}

impl LastWords {
    /// The words of an output that has come to its end.
    pub(super) fn of(output: &[u8]) -> Self {
        let mut words = Self::default();
        String::from_utf8_lossy(output).lines().for_each(|line| words.hear(line));
        words
    }

    pub(super) fn hear(&mut self, line: &str) {
        let line = excerpt(line, LONGEST_LINE);
        if is_noise(&line) {
            return;
        }
        if self.decisive.is_none() {
            self.decisive = Trouble::of_line(&line).map(|trouble| (trouble, without_origin(&line).to_owned()));
        }
        if self.fatal.is_none() && line.contains(":FATAL:") {
            self.fatal = Some(without_origin(&line).to_owned());
        }
        if self.last.len() == MOST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.decisive.as_ref().map(|(trouble, _)| *trouble)
    }

    /// The decisive line, or else the last ones.
    pub(super) fn text(&self) -> String {
        match (&self.decisive, &self.fatal) {
            (Some((_, line)), _) | (None, Some(line)) => line.clone(),
            (None, None) => self.last.iter().map(String::as_str).collect::<Vec<_>>().join(" / "),
        }
    }
}

/// Lines that explain nothing: complaints about services that a headless browser does not need, and stack traces.
fn is_noise(line: &str) -> bool {
    const SERVICES: &str = "dbus";
    let is_frame = || {
        let number = line.strip_prefix('#').and_then(|rest| rest.split_once(' '));
        number.is_some_and(|(number, rest)| number.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with("0x"))
    };
    // `r8: 0000000000000000 r9: …`
    let is_registers = || {
        let mut words = line.split_whitespace();
        let name = words.next().and_then(|word| word.strip_suffix(':'));
        name.is_some_and(|name| name.len() <= 3)
            && words.next().is_some_and(|value| value.len() == 16 && value.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    line.is_empty() || line.contains(SERVICES) || line == "[end of stack trace]" || is_frame() || is_registers()
}

/// The line without `[process:thread:time:FATAL:file(line)]`.
fn without_origin(line: &str) -> &str {
    let origin = line.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    match origin {
        Some((origin, message)) if origin.starts_with(|c: char| c.is_ascii_digit()) => message,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(output: &str) -> (Option<Trouble>, String) {
        let words = LastWords::of(output.as_bytes());
        (words.trouble(), words.text())
    }

    #[test]
    fn the_decisive_line_is_found_above_a_stack_trace() {
        let frames = "#11 0x55d0c0ffee0b base::debug::Frame()\n".repeat(12);
        let registers = "  r8: 0000000000000000 r9: 0000000000000000\n[end of stack trace]\n";
        let origin = "[7:7:1124/090807.101010:FATAL:content/browser/zygote_host/zygote_host_impl_linux.cc:128] ";
        assert_eq!(
            words(&format!(
                "[7:9:1124/09:ERROR:dbus/bus.cc:405] no bus\n{origin}No usable sandbox! See x.\n{frames}{registers}"
            )),
            (Some(Trouble::Sandbox), "No usable sandbox! See x.".to_owned())
        );
        assert_eq!(
            words(&format!("[1:1:1:FATAL:gpu.cc(1)] Check failed\n{frames}{registers}Received signal 6\n")),
            (None, "Check failed".to_owned())
        );
    }

    #[test]
    fn every_trouble_is_known_by_its_words() {
        for (line, trouble) in [
            ("Command '/usr/bin/chromium-browser' requires the chromium snap to be installed.", Trouble::Advice),
            (
                "chrome: error while loading shared libraries: libnss3.so: cannot open shared object file",
                Trouble::Library,
            ),
            (
                "Failed to move to new namespace: PID namespaces supported, but failed: errno = Operation not permitted",
                Trouble::Sandbox,
            ),
            (
                "[1:1:1:ERROR:zygote_host_impl_linux.cc(90)] Running as root without --no-sandbox is not supported.",
                Trouble::Sandbox,
            ),
            (
                "[5:5:1:ERROR:process_singleton_posix.cc(340)] Failed to create /tmp/x/SingletonLock: Permission denied (13)",
                Trouble::Folder,
            ),
        ] {
            assert_eq!(words(&format!("something before\n{line}\nsomething after\n")).0, Some(trouble), "{line}");
        }
    }

    #[test]
    fn without_a_known_reason_the_last_lines_speak() {
        assert_eq!(words("a\nb\n\nc\nd\u{1b}[31m\ne\n"), (None, "b / c / d / e".to_owned()));
        assert_eq!(words(""), (None, String::new()));
    }
}
