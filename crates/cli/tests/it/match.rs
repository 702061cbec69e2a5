//! `404-cli match` against the scripted judge and the built-in renderer: the same as `render` and `judge` one after the other, with
//! fewer pictures, and nothing twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use gen404_sandbox::judge::{Options, ScriptedJudge};
use serde_json::{Value, json};

use crate::binary::{Home, transcript};
use crate::render::Workshop;
use crate::running::Running;

const THROWS: &str = "export default () => { throw new Error('no'); };";
const FORBIDDEN: &str = "export default (THREE) => { fetch('x'); return new THREE.Group(); };";
const STEMS: [&str; 6] = ["clear", "twins", "throws", "forbidden", "absent", "alike"];

fn block(colour: &str, height: f64) -> String {
    format!(
        "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(0.5, {height}, 0.5), \
         new THREE.MeshStandardMaterial({{ color: 0x{colour} }}));"
    )
}

/// Modules of two sides and of what the prompts show.
fn prepare(workshop: &Workshop) {
    let (red, low, pale) = (block("cc3311", 0.8), block("3366cc", 0.2), block("f4f4f4", 0.5));
    let file = |folder: &str, stem: &str, text: &str| {
        let path = workshop.path().join(folder);
        std::fs::create_dir_all(&path).expect("a folder");
        std::fs::write(path.join(format!("{stem}.js")), text).expect("a file");
    };
    for stem in STEMS {
        file("shown", stem, if stem == "alike" { &pale } else { &red });
        if stem != "absent" {
            file(
                "left",
                stem,
                match stem {
                    "clear" => &low,
                    "alike" => &pale,
                    _ => &red,
                },
            );
        }
        file(
            "right",
            stem,
            match stem {
                "throws" => THROWS,
                "forbidden" => FORBIDDEN,
                "alike" => &pale,
                _ => &red,
            },
        );
    }
    let prompts: Vec<Value> = STEMS
        .iter()
        .map(|stem| json!({"stem": stem, "image_url": format!("shown-pictures/{stem}/white/front_left.png")}))
        .collect();
    std::fs::write(workshop.path().join("prompts.json"), json!({"prompts": prompts, "seed": 7}).to_string())
        .expect("a file");
}

fn run(workshop: &Workshop, line: &[&str], code: i32) -> Value {
    let output = workshop.command(line).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(code), "{}", transcript(&output));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn draw(workshop: &Workshop, side: &str, code: i32) -> Value {
    let output = format!("{side}-pictures");
    run(
        workshop,
        &["render", "--data-dir", side, "--output-dir", &output, "--views", "official", "--browsers", "1"],
        code,
    )
}

fn match_line<'a>(judge: &'a str, output: &'a str, cache: &'a str) -> Vec<&'a str> {
    let line = "match --prompts-json prompts.json --left left --right right --browsers 1";
    line.split(' ').chain(["--judge", judge, "--output-dir", output, "--picture-cache", cache]).collect()
}

/// Every picture below a folder, by its path.
fn pictures(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "png") {
                let name = path.strip_prefix(folder).expect("below").to_owned();
                found.insert(name, std::fs::read(path).expect("readable"));
            }
        }
    }
    found
}

/// What a match has left behind, without the time that it took and where its pictures are.
fn records(folder: &Path) -> BTreeMap<String, Value> {
    let names = STEMS.iter().chain(&["duels"]).map(|stem| format!("{stem}.json"));
    let read = |name: String| {
        let text = std::fs::read(folder.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut value: Value = serde_json::from_slice(&text).expect("JSON");
        timeless(&mut value);
        (name, value)
    };
    names.map(read).collect()
}

/// Questions that the records of a match tell of.
fn questions_on_record(folder: &Path) -> u64 {
    let read = |stem: &&str| std::fs::read(folder.join(format!("{stem}.json"))).ok();
    let calls = |text: Vec<u8>| {
        let record: Value = serde_json::from_slice(&text).expect("JSON");
        record["calls"]["calls"].as_u64()
    };
    STEMS.iter().filter_map(read).filter_map(calls).sum()
}

fn timeless(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for passing in ["elapsed_seconds", "image_dir_1", "image_dir_2"] {
                fields.remove(passing);
            }
            fields.values_mut().for_each(timeless);
        }
        Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_as_render_and_judge_do_with_fewer_pictures_and_nothing_twice() {
    let Some(workshop) = Workshop::open(&[]) else { return };
    prepare(&workshop);
    let judge = ScriptedJudge::start(Options::default()).await.expect("a judge");
    let url = judge.url().to_string();
    draw(&workshop, "shown", 0);
    draw(&workshop, "left", 0);
    draw(&workshop, "right", 1);
    let line = "judge --prompts-json prompts.json --image-dir-1 left-pictures --image-dir-2 right-pictures --profile official \
                --output-dir pair --endpoint";
    let line: Vec<&str> = line.split_whitespace().chain([&*url]).collect();
    let pair = run(&workshop, &line, 0);
    let asked = judge.call_count();

    let first = run(&workshop, &match_line(&url, "matched", "cache"), 0);
    assert_eq!(judge.call_count(), 2 * asked, "the same questions");
    for key in [
        "left_wins",
        "right_wins",
        "draws",
        "score",
        "margin",
        "win_margin",
        "score_needed",
        "challenger_wins",
        "judged",
        "calls",
    ] {
        assert_eq!(first[key], pair[key], "{key}");
    }
    assert!(first["draws"].as_u64() > Some(0), "some duels go through all stages: {first}");
    let [matched, folder] = ["matched", "pair"].map(|name| records(&workshop.path().join(name)));
    assert_eq!(matched, folder);
    assert_eq!(matched["throws.json"]["detail"]["reason"], "no preview from right");
    assert_eq!(matched["absent.json"]["detail"]["reason"], "no preview from left");
    assert_eq!(matched["clear.json"]["detail"]["decided_by"], "S1");
    let refused: Vec<_> =
        first["refused"].as_array().expect("a list").iter().map(|entry| (&entry["side"], &entry["stem"])).collect();
    assert_eq!(refused, [(&json!("right"), &json!("forbidden")), (&json!("right"), &json!("throws"))]);
    assert_eq!(first["refused"][1]["failures"][0]["rule"], "EXECUTION_THREW");

    for side in ["left", "right"] {
        let drawn = pictures(&workshop.path().join("matched").join(side));
        let all = pictures(&workshop.path().join(format!("{side}-pictures")));
        assert!(!drawn.is_empty());
        for (name, file) in &drawn {
            assert!(all[name] == *file, "{side}/{} is exactly the picture of render", name.display());
        }
        assert_eq!(drawn.keys().filter(|name| name.starts_with("clear")).count(), 5, "four views and the grid");
        assert!(drawn.keys().filter(|name| name.starts_with("alike")).count() >= 5 + 4, "and its other sides");
        assert!(
            !drawn.keys().any(|name| name.starts_with("absent") || name.starts_with("forbidden")),
            "no picture for nothing"
        );
    }
    let cached = pictures(&workshop.path().join("cache"));
    assert_eq!(first["pictures_drawn"], cached.len(), "each is drawn once, for both sides and under all names");

    let again = run(&workshop, &match_line(&url, "matched", "cache"), 0);
    assert_eq!((&again["pictures_drawn"], &again["calls"]), (&json!(0), &json!(0)));
    assert_eq!(again["margin"], first["margin"]);
    let elsewhere = run(&workshop, &match_line(&url, "elsewhere", "cache"), 0);
    assert_eq!((&elsewhere["pictures_drawn"], &elsewhere["calls"]), (&json!(0), &first["calls"]));

    // Another module in the challenger's place: its duel alone is drawn and judged again.
    std::fs::write(workshop.path().join("right/clear.js"), block("11cc33", 0.3)).expect("a file");
    let changed = run(&workshop, &match_line(&url, "matched", "cache"), 0);
    assert_eq!(changed["pictures_drawn"].as_u64().map(|drawn| drawn >= 5), Some(true), "{changed}");
    let unjudged = 3;
    assert_eq!(changed["judged"], 1 + unjudged, "those without pictures are written anew each time: {changed}");
    workshop.assert_nothing_left("a match");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_match_goes_on_where_it_was() {
    let Some(workshop) = Workshop::open(&[]) else { return };
    prepare(&workshop);
    draw(&workshop, "shown", 0);
    let judge = ScriptedJudge::start(Options { latency: Duration::from_millis(30), ..Options::default() })
        .await
        .expect("a judge");
    let url = judge.url().to_string();
    let whole = run(&workshop, &match_line(&url, "whole", "other-cache"), 0);

    let line = [match_line(&url, "killed", "cache"), vec!["--concurrency", "1"]].concat();
    let mut command: Command = workshop.command(&line);
    let mut running = Running::spawn(command.stdin(Stdio::null()));
    running.wait_for("clear final:");
    // Dropped is killed.
    drop(running);
    let paid = questions_on_record(&workshop.path().join("killed"));
    assert!(paid > 0, "the duel that was through is on record");
    let drawn = pictures(&workshop.path().join("cache")).len();
    let rest = run(&workshop, &line, 0);
    assert_eq!(
        rest["pictures_drawn"].as_u64(),
        whole["pictures_drawn"].as_u64().map(|all| all - drawn as u64),
        "none is drawn twice"
    );
    assert_eq!(rest["calls"].as_u64().map(|calls| calls + paid), whole["calls"].as_u64(), "no judged question twice");
    // A duel without pictures has nothing to be kept for; writing its record again asks nobody.
    assert!(rest["judged"].as_u64() < Some(STEMS.len() as u64), "the duel that was through is kept: {rest}");
    assert_eq!(records(&workshop.path().join("killed")), records(&workshop.path().join("whole")));
}

#[test]
fn what_cannot_begin_is_said_before_anything_is_drawn() {
    let home = Home::new();
    let said = |line: &str, code: i32| {
        let output = home.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(code), "{}", transcript(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    std::fs::write(home.path().join("prompts.json"), r#"{"prompts": [{"image_url": "a.png"}], "seed": 7}"#)
        .expect("a file");
    std::fs::create_dir(home.path().join("left")).expect("a folder");
    let begin = "match --prompts-json prompts.json --right right";
    assert!(said(begin, 2).contains("--left"), "neither --left nor --against");
    assert!(said(&format!("{begin} --left left --against leader"), 2).contains("--against"));
    assert!(said(&format!("{begin} --left left --round 3"), 2).contains("--against"));
    assert!(said(&format!("{begin} --left left"), 2).contains("right is not a folder"));
    assert!(said(&format!("{begin} --against somebody"), 2).contains("neither `leader` nor a hotkey"));
    std::fs::create_dir(home.path().join("right")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", home.path().join("right/a.js")).expect("a link");
    assert!(said(&format!("{begin} --left left"), 2).contains("a.js"), "unreadable is not lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_of_a_round_is_a_defender_like_any_other() {
    let Some(workshop) = Workshop::open(&[]) else { return };
    let (red, low) = (block("cc3311", 0.8), block("3366cc", 0.2));
    let place = |path: &str| workshop.path().join(path);
    let write = |path: &str, text: &str| crate::round::write(&place(path), text);
    let (good, failed) = ("a1", "b2");
    for stem in [good, failed] {
        write(&format!("shown/{stem}.js"), &red);
        write(&format!("right/{stem}.js"), &red);
    }
    draw(&workshop, "shown", 0);
    let image = |stem: &str| json!({"stem": stem, "image_url": format!("shown-pictures/{stem}/white/front_left.png")});
    write("prompts.json", &json!({"prompts": [image(good), image(failed)], "seed": 7}).to_string());

    write("cdn/a1.js", &low);
    let cdn = gen404_sandbox::cdn::Cdn::start(&place("cdn")).await.expect("a port");
    let url = cdn.url();
    write("state/state.json", &json!({"current_round": 3, "stage": "duels", "next_stage_eta": null}).to_string());
    write("state/config.json", &json!({"name": "threejs", "win_margin": 0.75}).to_string());
    write("state/rounds/3/prompts.txt", &format!("{url}a1.png\n{url}b2.png"));
    let hotkeys = [[7; 32], [8; 32]].map(|bytes| gen404_round::AccountId(bytes).to_string());
    let entry = json!({"repo": "a/b", "commit": "0123456789abcdef0123456789abcdef01234567", "cdn_url": "https://c.example/x",
                       "revealed_at_block": 3, "round": "threejs-3"});
    write("state/rounds/3/submissions.json", &json!({&hotkeys[0]: entry, &hotkeys[1]: entry}).to_string());
    let matrix = format!("left,right,margin\nleader,{},0.5\nleader,{},1.0\n", hotkeys[0], hotkeys[1]);
    write("state/rounds/3/matches_matrix.csv", &matrix);
    let output = |stem: &str, js: Value, size: usize| {
        (
            stem.to_owned(),
            json!({"js": js, "views": js.as_str().map(|js| js.trim_end_matches(".js")), "failure_reason": null, "size": size}),
        )
    };
    let outputs = |entries: Vec<(String, Value)>| {
        let map: serde_json::Map<String, Value> = entries.into_iter().collect();
        write("state/rounds/3/leader/generated_1.json", &Value::Object(map).to_string());
    };

    let judge = ScriptedJudge::start(Options::default()).await.expect("a judge");
    let address = judge.url().to_string();
    let line =
        "match --prompts-json prompts.json --against leader --state-url file:state --right right --browsers 1 --judge";
    let line: Vec<&str> = line.split(' ').chain([&*address]).collect();
    // Half a file of outputs is no defeat of the leader.
    outputs(vec![output(good, json!(format!("{url}a1.js")), low.len())]);
    let early = run(&workshop, &line, 3);
    assert!(early["error"].as_str().is_some_and(|said| said.contains("not complete: 1 prompts")), "{early}");

    outputs(vec![output(good, json!(format!("{url}a1.js")), low.len()), output(failed, Value::Null, 0)]);
    let said = run(&workshop, &line, 0);
    assert_eq!((&said["right_wins"], &said["margin"], &said["win_margin"]), (&json!(2), &json!(1.0), &json!(0.75)));
    assert_eq!(said["challenger_wins"], true);
    assert_eq!((&said["against"]["who"], &said["against"]["round"]), (&json!("leader"), &json!(3)));
    assert_eq!((&said["against"]["place"], &said["against"]["of"]), (&json!(1), &json!(3)), "{said}");
    assert!(place("match-results/leader-3/a1.js").is_file());
    let own = run(&workshop, &[&line[..], &["--win-margin", "1"]].concat(), 0);
    assert_eq!(own["win_margin"], 1.0);

    write(
        "prompts.json",
        &json!({"prompts": [image(good), {"stem": "c3", "image_url": "c3.png"}], "seed": 7}).to_string(),
    );
    let foreign = run(&workshop, &line, 2);
    assert!(foreign["error"].as_str().is_some_and(|said| said.contains("1 of 2 prompts are not among")), "{foreign}");
}
