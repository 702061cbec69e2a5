//! Runs that are killed at any moment: what was recorded stays, is never judged again, and the match ends the same.
//! The killed process is this test binary once more, running only the ignored test below.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gen404_judge::{ChatClient, ChatSettings, Concurrency, Match};
use tokio::sync::Notify;

use crate::flow::judge_at;
use crate::folders::{Folders, read_json};
use crate::model::{Model, sensible, serve};

const STEMS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
const ROOT: &str = "GEN404_TEST_KILLED_ROOT";
const ENDPOINT: &str = "GEN404_TEST_KILLED_ENDPOINT";

fn contest(folders: &Folders) -> Match {
    folders.contest("official", &STEMS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other test runs and kills"]
async fn judging_until_killed() {
    let (Ok(root), Ok(endpoint)) = (std::env::var(ROOT), std::env::var(ENDPOINT)) else { return };
    let root = PathBuf::from(root);
    let like_the_parents = contest(&Folders::new());
    let contest = Match {
        prompts_file: root.join("prompts.json"),
        left: root.join("left"),
        right: root.join("right"),
        output: root.join("results"),
        ..like_the_parents
    };
    let client =
        ChatClient::new(ChatSettings::new(endpoint.parse().expect("an address"), "scripted")).expect("a client");
    judge_at(contest, &client, Concurrency { duels: 3, requests: 8 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_that_was_recorded() {
    let folders = Folders::new();
    for (index, stem) in STEMS.into_iter().enumerate() {
        folders.prompt(stem);
        folders.side("left", stem, &format!("q{}", 2 + index % 3));
        folders.side("right", stem, &format!("q{} right:junk back:junk left:junk", 2 + index % 2));
    }
    // The model counts requests and tells when the one arrives at which the process shall die.
    let (asked, deadline, reached) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(Notify::new()));
    let stems_asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let model = {
        let (asked, deadline, reached, stems_asked) =
            (Arc::clone(&asked), Arc::clone(&deadline), Arc::clone(&reached), Arc::clone(&stems_asked));
        Model::scripted(move |seen| {
            if let Some(stem) = seen.pictures[0].strip_prefix("prompt ") {
                stems_asked.lock().expect("not poisoned").push(stem.to_owned());
            }
            if asked.fetch_add(1, Ordering::SeqCst) + 1 == deadline.load(Ordering::SeqCst) {
                reached.notify_one();
            }
            sensible(seen)
        })
    };
    let endpoint = serve(model).await;
    let child = || {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", "killed::judging_until_killed", "--ignored", "--nocapture"]);
        command.env(ROOT, folders.path("")).env(ENDPOINT, &endpoint);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    };
    let recorded = || -> Vec<&str> {
        STEMS.into_iter().filter(|stem| folders.path(&format!("results/{stem}.json")).exists()).collect()
    };
    let whole = || recorded().iter().for_each(|stem| drop(folders.record(stem)));

    let mut kills = 0;
    for round in 0u64.. {
        if kills == 20 {
            break;
        }
        let before = recorded();
        stems_asked.lock().expect("not poisoned").clear();
        asked.store(0, Ordering::SeqCst);
        // Any request of a duel may be the one: the multiplier scatters the rounds over the first forty.
        let moment = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        deadline.store(1 + usize::try_from(moment % 40).expect("small"), Ordering::SeqCst);
        let mut process = child();
        let ended = tokio::task::spawn_blocking({
            let (reached, handle) = (Arc::clone(&reached), tokio::runtime::Handle::current());
            move || {
                // Killed when the request arrives; a process that needs fewer requests ends by itself.
                let dies = handle.block_on(async {
                    tokio::select! {
                        () = reached.notified() => true,
                        () = async { while process.try_wait().expect("it is ours").is_none() { tokio::task::yield_now().await; } } => false,
                    }
                });
                if dies {
                    process.kill().expect("SIGKILL");
                }
                process.wait().expect("it is ours");
                dies
            }
        });
        let killed = ended.await.expect("waits");
        whole();
        let asked = stems_asked.lock().expect("not poisoned").clone();
        assert!(asked.iter().all(|stem| !before.contains(&stem.as_str())), "{before:?} were judged again: {asked:?}");
        if killed {
            kills += 1;
        } else {
            // Through before the moment came: some records go, and the rest is judged once more.
            for stem in STEMS.into_iter().step_by(2) {
                std::fs::remove_file(folders.path(&format!("results/{stem}.json"))).expect("it was through");
            }
        }
    }
    deadline.store(usize::MAX, Ordering::SeqCst);
    let status = tokio::task::spawn_blocking({
        let mut process = child();
        move || process.wait()
    });
    assert!(status.await.expect("waits").expect("it is ours").success());

    let undisturbed = Match { output: folders.path("undisturbed"), ..contest(&folders) };
    judge_at(undisturbed, &Model::sighted(), Concurrency { duels: 1, requests: 1 }).await;
    assert_eq!(read_json(&folders.path("results/duels.json")), read_json(&folders.path("undisturbed/duels.json")));
}
