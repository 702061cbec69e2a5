//! One running browser: its flags, its supervisor, and its end.
//! Whatever happens to this process, the browser sees its pipe close and goes, and its supervisor removes the profile.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::confinement::Confinement;
use super::connection::Connection;
use super::profile::{self, Profile};
use super::{Chromium, ChromiumError};

/// A POSIX script, so that no code of ours has to work between fork and exec.
const SUPERVISOR: &str = include_str!("supervisor.sh");
const LAUNCH_LIMIT: Duration = Duration::from_mins(1);
const EXIT_LIMIT: Duration = Duration::from_secs(5);

/// What draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphicsBackend {
    /// Chromium's own software renderer; its pixels are the official service's.
    SwiftShader,
    /// The system's OpenGL: faster, but edges and shades differ a little.
    System,
}

/// How a browser is started.
#[derive(Debug, Clone)]
pub(crate) struct LaunchOptions {
    pub(crate) chromium: Chromium,
    pub(crate) graphics: GraphicsBackend,
    /// Bytes of heap that JavaScript may have.
    pub(crate) heap_limit: u64,
    /// Bytes of memory that each of the browser's processes may have in all.
    pub(crate) memory_limit: u64,
    /// Folder for the temporary profile.
    pub(crate) temporary_folder: PathBuf,
}

/// A browser that answers.
#[derive(Debug)]
pub(crate) struct Browser {
    pub(super) connection: Connection,
    supervisor: Child,
    profile: Profile,
    /// Product and version, as in `Chrome/156.0.8078.79`.
    pub(crate) product: String,
}

impl Browser {
    /// Starts a browser and waits until it answers.
    pub(crate) async fn launch(options: &LaunchOptions, confinement: Confinement) -> Result<Self, ChromiumError> {
        let folder = std::path::absolute(&options.temporary_folder).unwrap_or(options.temporary_folder.clone());
        let no_profile = |source| ChromiumError::Profile { folder: options.temporary_folder.clone(), source };
        let profile = tokio::task::spawn_blocking(move || {
            profile::sweep(&folder, SystemTime::now());
            Profile::create(&folder, confinement.account)
        })
        .await
        .expect("making a folder does not panic")
        .map_err(no_profile)?;

        let mut command = Command::new("sh");
        command
            .args(["-c", SUPERVISOR, "404-cli-chromium"])
            .arg(std::process::id().to_string())
            .arg(profile.path())
            .arg((options.memory_limit / 1024).to_string())
            .arg(options.chromium.path())
            .args(flags(options, confinement))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal goes to our process group; the browser hears of it through its pipe.
            .process_group(0);
        if let Some(account) = confinement.account {
            // The folders of the user who started us are closed to it.
            let home = profile.path();
            command.uid(account.user).gid(account.group).current_dir(home);
            command.env("HOME", home).env("XDG_CONFIG_HOME", home).env("XDG_CACHE_HOME", home);
        }
        let mut supervisor = match command.spawn() {
            Ok(supervisor) => supervisor,
            Err(source) => {
                profile.remove();
                return Err(match confinement.account {
                    Some(_) if source.kind() == std::io::ErrorKind::PermissionDenied => no_profile(source),
                    _ => ChromiumError::Start { path: options.chromium.path().to_owned(), source },
                });
            }
        };
        let connection = Connection::over(&mut supervisor);
        let mut browser = Self { connection, supervisor, profile, product: String::new() };
        match timeout(LAUNCH_LIMIT, browser.connection.product()).await {
            Ok(Ok(product)) => {
                browser.product = product;
                Ok(browser)
            }
            Ok(Err(error)) => {
                browser.close().await;
                Err(error)
            }
            Err(_) => {
                browser.close().await;
                Err(ChromiumError::Unresponsive { what: "start", limit: LAUNCH_LIMIT })
            }
        }
    }

    /// Ends the browser and waits until it and its profile are gone.
    pub(crate) async fn close(mut self) {
        self.connection.hang_up().await;
        let group = self.supervisor.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if timeout(EXIT_LIMIT, self.supervisor.wait()).await.is_err() {
            if let Some(group) = group {
                // Fails only when nobody is left in the group.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = timeout(EXIT_LIMIT, self.supervisor.wait()).await;
        }
        // The supervisor has done it, unless it was killed or may not write to the folder that the profile is in.
        self.profile.remove();
    }
}

fn flags(options: &LaunchOptions, confinement: Confinement) -> Vec<String> {
    let angle = match options.graphics {
        GraphicsBackend::SwiftShader => "swiftshader",
        GraphicsBackend::System => "gl-egl",
    };
    let mut flags: Vec<String> = [
        "--headless=new",
        "--remote-debugging-pipe",
        "--no-first-run",
        "--no-default-browser-check",
        // drawing
        "--use-gl=angle",
        "--enable-webgl",
        "--enable-unsafe-swiftshader",
        "--ignore-gpu-blocklist",
        "--disable-gpu-watchdog",
        "--force-color-profile=srgb",
        // Nobody sees the page itself: its compositor would only start shaders of its own.
        "--disable-gpu-compositing",
        // Neither are pages of the browser's own of any use, or processes for what never comes: half of all its start.
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess",
        "--disable-component-extensions-with-background-pages",
        "--enable-features=NetworkServiceInProcess2",
        // nothing leaves this machine
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-extensions",
        "--disable-sync",
        "--no-pings",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--proxy-server=http://127.0.0.1:9",
        "--proxy-bypass-list=<-loopback>",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        // nothing slows down or stays behind
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        "--disable-breakpad",
        "--disable-crash-reporter",
        "--disable-hang-monitor",
        "--mute-audio",
        "--password-store=basic",
        "--use-mock-keychain",
    ]
    .map(str::to_owned)
    .into();
    flags.push(format!("--use-angle={angle}"));
    if !has_roomy_shared_memory() {
        flags.push("--disable-dev-shm-usage".to_owned());
    }
    flags.push(format!("--js-flags=--max-old-space-size={}", options.heap_limit / (1024 * 1024)));
    if !confinement.sandbox {
        flags.push("--no-sandbox".to_owned());
    }
    flags
}

/// Containers often have only 64 MB of shared memory, in which Chromium crashes; it can use temporary files instead.
fn has_roomy_shared_memory() -> bool {
    const ENOUGH: u64 = 1024 * 1024 * 1024;
    rustix::fs::statvfs("/dev/shm").is_ok_and(|room| room.f_bavail.saturating_mul(room.f_frsize) >= ENOUGH)
}
