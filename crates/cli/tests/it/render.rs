//! `render` and `render-server` as a user runs them, with the Chromium of this machine: results, files, and nothing left behind.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};

use crate::binary::{Home, three_module, transcript};

const BOX: &str = "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5), \
                   new THREE.MeshStandardMaterial({ color: 0x336699 }));";
const HANGING: &str = "while (true); export default () => {};";
/// Keeps the graphics process so busy that it hears nothing of what goes on around it.
const STUCK: &str = "export default (THREE) => { const m = new THREE.Mesh(new THREE.BoxGeometry(0.9, 0.9, 0.9)); \
                     m.material.onBeforeCompile = (shader) => { shader.fragmentShader = 'void main() { vec4 a = vec4(0.1); \
                     for (int i = 0; i < 2000000000; i++) { a += sin(a) * 1.01; } gl_FragColor = a; }'; }; return m; };";
/// Time for processes to end after a signal, generous because browsers share the machine with everything else.
const PATIENCE: Duration = Duration::from_mins(1);

/// A home with modules in `in`, temporary files in `tmp`, and what a browser needs; nothing when this machine lacks it.
pub(crate) struct Workshop {
    home: Home,
    three: PathBuf,
    chromium: Option<PathBuf>,
}

impl Workshop {
    pub(crate) fn open(modules: &[(&str, &str)]) -> Option<Self> {
        let chromium = std::env::var_os("CHROMIUM_PATH").map(PathBuf::from);
        let on_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| {
            ["chromium", "chromium-browser", "google-chrome"].iter().any(|name| folder.join(name).is_file())
        });
        if chromium.is_none() && !on_path {
            return missing("Chromium: run scripts/setup, or set CHROMIUM_PATH");
        }
        let three = three_module();
        if !three.is_file() {
            return missing("three@0.183.2: run scripts/setup, or set GEN404_THREE_MODULE to its three.module.js");
        }
        let home = Home::new();
        std::fs::create_dir(home.path().join("tmp")).expect("a folder");
        // As /tmp is: root's browsers run as somebody else, who must get to it.
        for (folder, mode) in [(home.path().to_owned(), 0o711), (home.path().join("tmp"), 0o1777)] {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).expect("permissions");
        }
        std::fs::create_dir(home.path().join("in")).expect("a folder");
        for (name, source) in modules {
            std::fs::write(home.path().join(format!("in/{name}.js")), source).expect("a file");
        }
        Some(Self { home, three, chromium })
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin!("404-cli"));
        command.args(arguments).env_clear().env("HOME", self.path()).current_dir(self.path());
        command.env("TMPDIR", self.path().join("tmp")).env("GEN404_THREE_MODULE", &self.three);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.chromium.as_ref().map(|path| ("CHROMIUM_PATH", path)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end; the JSON object, after comparing the exit code.
    fn run(&self, arguments: &[&str], code: i32) -> Value {
        let output = self.command(arguments).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(code), "{}", transcript(&output));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }

    /// Processes that work in this home's temporary folder, browsers and their supervisors: folder in `/proc`, and command.
    fn processes(&self) -> impl Iterator<Item = (PathBuf, String)> {
        let folder = self.path().join("tmp").display().to_string();
        let processes = std::fs::read_dir("/proc").expect("a Linux machine").filter_map(Result::ok);
        let lines = processes.filter_map(|process| {
            let line = std::fs::read(process.path().join("cmdline")).ok()?;
            Some((process.path(), String::from_utf8_lossy(&line).replace('\0', " ")))
        });
        lines.filter(move |(_, line)| line.contains(&folder))
    }

    fn browsers(&self) -> Vec<String> {
        self.processes().map(|(_, line)| line).collect()
    }

    /// Processor time of the graphics processes in user mode, in clock ticks.
    fn graphics_ticks(&self) -> u64 {
        let graphics = self.processes().filter(|(_, line)| line.contains("=gpu-process"));
        let stats = graphics.filter_map(|(process, _)| std::fs::read_to_string(process.join("stat")).ok());
        // The fields after the name in brackets; user time is the 14th of all.
        stats.filter_map(|stat| stat.rsplit(')').next()?.split_whitespace().nth(11)?.parse::<u64>().ok()).sum()
    }

    fn profiles(&self) -> usize {
        std::fs::read_dir(self.path().join("tmp")).expect("a folder").count()
    }

    pub(crate) fn assert_nothing_left(&self, after: &str) {
        eventually(&format!("no browser and no profile after {after}"), || {
            self.browsers().is_empty() && self.profiles() == 0
        });
    }
}

/// Whether these tests run as root, whose browsers are confined in another way.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// Writes a program that is a shell script.
fn program(path: &Path, script: &str) {
    // By another process: one that is forked meanwhile would keep the file open, and it could not be run.
    let mut shell = Command::new("sh");
    shell.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"]).arg(path).arg(script);
    assert!(shell.status().expect("a shell").success());
}

fn missing<T>(what: &str) -> Option<T> {
    gen404_testing::skipped(what);
    None
}

/// Waits for something that other processes do.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A run of the binary that does not outlive a failing test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the binary runs"))
    }

    /// Sends a signal and waits for the end; gives back the exit code.
    fn end_with(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn render_writes_the_documented_files_and_fails_module_by_module() {
    let Some(workshop) = Workshop::open(&[("box", BOX), ("hanging", HANGING)]) else { return };
    let arguments = ["render", "--data-dir", "in", "--output-dir", "images", "--views", "cli", "--browsers", "1"];
    let result = workshop.run(&arguments, 1);
    assert_eq!(result["success"], false);
    assert_eq!(result["error"], "1 of 2 modules could not be rendered");
    assert_eq!((&result["rendered"], &result["failed"][0]["stem"]), (&json!(1), &json!("hanging")));
    assert_eq!(result["failed"][0]["failures"][0]["rule"], "TIMEOUT_EXCEEDED");
    workshop.assert_nothing_left("a failure");

    let images = workshop.path().join("images");
    let names = |folder: &str| {
        let entries = std::fs::read_dir(images.join(folder)).expect("a folder").filter_map(Result::ok);
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names(""), "box box.png");
    assert_eq!(names("box"), ".render.json gray grid.png white");
    assert_eq!(names("box/gray"), "front.png front_above.png front_left.png front_right.png");
    let white = "back.png front.png front_above.png front_left.png front_right.png left.png right.png top_down.png";
    assert_eq!(names("box/white"), white);

    std::fs::remove_file(workshop.path().join("in/hanging.js")).expect("it is there");
    let again = workshop.run(&[&arguments[..], &["--sheet", "sheet.png"]].concat(), 0);
    let expected =
        json!({"success": true, "output_dir": "images", "rendered": 0, "up_to_date": 1, "sheet": "sheet.png"});
    assert_eq!(again, expected);
    let sheet = workshop.run(&["render", "--output-dir", "images", "--sheet", "other.png"], 0);
    assert_eq!(sheet["sheet"], "other.png");
    workshop.assert_nothing_left("success");
}

#[test]
fn render_leaves_no_browser_behind_however_it_ends() {
    let Some(workshop) = Workshop::open(&[("hanging", HANGING)]) else { return };
    for (name, code) in [("-INT", Some(130)), ("-TERM", Some(130)), ("-KILL", None)] {
        let running = Running::start(&mut workshop.command(&["render", "--data-dir", "in"]));
        eventually("a renderer process is there", || workshop.browsers().iter().any(|line| line.contains("=renderer")));
        assert_eq!(running.end_with(name), code, "{name}");
        workshop.assert_nothing_left(name);
    }
}

#[test]
fn render_leaves_no_browser_behind_that_is_stuck_in_a_drawing() {
    let Some(workshop) = Workshop::open(&[("stuck", STUCK)]) else { return };
    let running = Running::start(&mut workshop.command(&["render", "--data-dir", "in", "--browsers", "1"]));
    eventually("the graphics process is busy", || workshop.graphics_ticks() > 400);
    assert_eq!(running.end_with("-KILL"), None);
    workshop.assert_nothing_left("kill -9");
}

#[test]
fn render_uses_a_render_server_like_the_official_service() {
    let Some(workshop) = Workshop::open(&[("box", BOX)]) else { return };
    let mut server = Running::start(&mut workshop.command(&["render-server", "--port", "0", "--browsers", "1"]));
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("one line");
    let serving: Value = serde_json::from_str(&line).expect("one JSON object");
    let url = serving["url"].as_str().expect("its address");

    let result = workshop.run(&["render", "--data-dir", "in", "--output-dir", "served", "--endpoint", url], 0);
    assert_eq!(result["rendered"], 1);
    workshop.run(&["render", "--data-dir", "in", "--output-dir", "drawn", "--browsers", "1"], 0);
    for picture in ["box.png", "box/white/front.png", "box/gray/front_below.png"] {
        let read = |folder: &str| std::fs::read(workshop.path().join(folder).join(picture)).expect("a picture");
        assert!(read("served") == read("drawn"), "{picture} differs");
    }
    // What is refused by its text is refused in the same words.
    std::fs::write(
        workshop.path().join("in/bad.js"),
        "export default (THREE) => {\n  fetch(THREE.Scene.constructor);\n};",
    )
    .expect("a file");
    let failure = |stage: &str, rule: &str, detail: &str| json!({ "stage": stage, "rule": rule, "detail": detail });
    let failures = [
        failure("static_analysis", "FORBIDDEN_IDENTIFIER", "fetch at line 2"),
        failure("static_analysis", "FORBIDDEN_PROPERTY_ACCESS", ".constructor at line 2"),
        failure("static_analysis", "FORBIDDEN_THREE_API", "THREE.Scene at line 2"),
    ];
    for (folder, way) in [("served", ["--endpoint", url]), ("drawn", ["--browsers", "1"])] {
        let output = [&["render", "--data-dir", "in", "--output-dir", folder], &way[..]].concat();
        let result = workshop.run(&output, 1);
        assert_eq!(result["failed"][0]["failures"], json!(failures), "{way:?}");
    }
    assert_eq!(server.end_with("-INT"), Some(0));
    workshop.assert_nothing_left("the server");
}

#[test]
fn render_says_what_is_missing() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("in")).expect("a folder");
    std::fs::write(home.path().join("in/box.js"), BOX).expect("a file");
    let render = ["render", "--data-dir", "in"];
    let output = home.command(&render).env("PATH", home.path()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
    let result: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(result["error"], "no Chromium found on PATH");
    assert!(result["hint"].as_str().is_some_and(|hint| hint.contains("apt install chromium")), "{result}");

    let output = home.run(&["render"]);
    assert_eq!(output.status.code(), Some(2));
    let output = home.run(&["render", "--data-dir", "in", "--endpoint", "ftp://example.com"]);
    assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
}

/// A Chromium that builds no sandbox, on a machine that forbids it.
fn without_sandbox(chromium: &str) -> String {
    format!(
        "case \"$*\" in
         *--version*|*--no-sandbox*) exec {chromium} \"$@\" ;;
         esac
         echo '[7:7:1124/090807.101010:FATAL:zygote_host_impl_linux.cc(128)] No usable sandbox! See elsewhere.' >&2
         i=0; while [ $i -lt 12 ]; do echo \"#$i 0x55d0c0ffee0$i base::debug::Frame()\" >&2; i=$((i + 1)); done
         echo '  r8: 0000000000000000 r9: 0000000000000000' >&2
         echo '[end of stack trace]' >&2
         exit 134"
    )
}

#[test]
fn render_says_once_when_there_is_no_sandbox() {
    let Some(workshop) = Workshop::open(&[("one", BOX), ("two", BOX), ("three", BOX)]) else { return };
    let real = workshop.chromium.as_ref().map_or_else(|| "chromium".to_owned(), |path| path.display().to_string());
    let chromium = workshop.path().join("chromium");
    program(&chromium, &without_sandbox(&real));
    let mut command = workshop.command(&["render", "--data-dir", "in", "--views", "cli", "--browsers", "2"]);
    let output = command.env("CHROMIUM_PATH", &chromium).output().expect("the binary runs");
    let shown = transcript(&output);
    if is_root() {
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert_eq!(shown.matches("No usable sandbox! See elsewhere.").count(), 1, "{shown}");
        assert_eq!(shown.matches("by a browser that runs as nobody").count(), 1, "{shown}");
        assert!(!shown.contains("base::debug"), "{shown}");
    } else {
        assert_eq!(output.status.code(), Some(2), "{shown}");
        let result: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(
            result["error"],
            "no browser can be used: Chromium ended unexpectedly: No usable sandbox! See elsewhere."
        );
        assert!(result["hint"].as_str().is_some_and(|hint| hint.contains("user namespaces")), "{result}");
    }
    workshop.assert_nothing_left("a browser without a sandbox");
}

#[test]
fn render_says_nothing_of_a_sandbox_that_is_there() {
    let Some(workshop) = Workshop::open(&[("box", BOX)]) else { return };
    let output = workshop.command(&["render", "--data-dir", "in", "--views", "cli"]).output().expect("the binary runs");
    let shown = transcript(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    // Where the machine forbids it, one warning says so.
    assert!(!shown.contains("runs as root"), "{shown}");
    workshop.assert_nothing_left("success");
}

/// Its version is told by something that then does not start.
#[test]
fn a_browser_that_does_not_start_is_no_modules_fault() {
    let Some(workshop) = Workshop::open(&[("one", BOX), ("two", BOX)]) else { return };
    let chromium = workshop.path().join("chromium");
    program(&chromium, "case \"$*\" in *--version*) echo 'Chromium 156.0.8078.79' ;; *) exit 1 ;; esac");
    // A server that could draw nothing must not say that it serves.
    for line in [&["render", "--data-dir", "in"][..], &["render-server", "--port", "0"]] {
        let output = workshop.command(line).env("CHROMIUM_PATH", &chromium).output().expect("the binary runs");
        let shown = transcript(&output);
        assert_eq!(output.status.code(), Some(2), "{shown}");
        let result: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert!(result["error"].as_str().is_some_and(|error| error.starts_with("no browser can be used: ")), "{shown}");
        assert!(result["hint"].as_str().is_some_and(|hint| hint.contains("--chromium PATH")), "{shown}");
        assert!(!shown.contains("one.js") && !shown.contains("two.js"), "{shown}");
    }
    workshop.assert_nothing_left("a browser that does not start");
}

#[test]
fn render_passes_over_programs_that_only_tell_what_to_install() {
    const STUB: &str = "echo \"Command '$0' requires the chromium snap to be installed.\" >&2
                        echo 'Please install it with: snap install chromium' >&2; exit 1";
    let home = Home::new();
    std::fs::create_dir(home.path().join("in")).expect("a folder");
    std::fs::write(home.path().join("in/box.js"), BOX).expect("a file");
    let programs = home.path().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    let stub = programs.join("chromium");
    program(&stub, STUB);
    let fail = |arguments: &[&str]| {
        let output = home.command(arguments).env("PATH", &programs).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{}", transcript(&output));
        assert!(!transcript(&output).contains("box.js"), "no module's fault: {}", transcript(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("one JSON object")
    };
    let render = ["render", "--data-dir", "in", "--three-module", "three.module.js"];
    let result = fail(&render);
    assert!(result["error"].as_str().is_some_and(|error| error.contains("requires the chromium snap")), "{result}");
    assert!(result["hint"].as_str().is_some_and(|hint| hint.contains("apt install chromium")), "{result}");

    // The next name is a browser, and what is missing now is three.
    program(&programs.join("google-chrome"), "echo 'Google Chrome 143.0.7499.40'");
    let result = fail(&render);
    assert!(result["error"].as_str().is_some_and(|error| error.contains("three.module.js")), "{result}");
    // A program that is named has to be the one.
    let result = fail(&[&render[..], &["--chromium", stub.to_str().expect("UTF-8")]].concat());
    assert!(result["error"].as_str().is_some_and(|error| error.contains("requires the chromium snap")), "{result}");

    program(&stub, "echo \"$0: error while loading shared libraries: libnss3.so: cannot open\" >&2; exit 127");
    std::fs::remove_file(programs.join("google-chrome")).expect("it is there");
    let result = fail(&render);
    assert!(result["error"].as_str().is_some_and(|error| error.contains("libnss3.so")), "{result}");
    assert!(result["hint"].as_str().is_some_and(|hint| hint.contains("ldd")), "{result}");
}
