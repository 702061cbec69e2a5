//! Whole duels through every stage, in both profiles, and what becomes of failures.
use gen404_judge::{Concurrency, Cost, Event, Failure, Match, Outcome, Plan, Vlm, run};
use gen404_outside::explain::{Blame, Explain as _};
use gen404_outside::observer::Observer;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::StoppedClock;
use crate::folders::{Folders, read_json};
use crate::model::{Model, Seen, sensible};

pub(crate) async fn judge(contest: Match, model: &impl Vlm) -> Outcome {
    judge_at(contest, model, Concurrency { duels: 2, requests: 8 }).await
}

pub(crate) async fn judge_at(contest: Match, model: &impl Vlm, concurrency: Concurrency) -> Outcome {
    let plan = Plan::make(contest, false);
    run(plan, model, &StoppedClock, concurrency, &(), &CancellationToken::new()).await.expect("records can be written")
}

/// Judges one duel of two looks.
async fn duel(profile: &str, left: &str, right: &str, prepare: impl Fn(&Folders)) -> Value {
    let folders = Folders::new();
    folders.prompt("a");
    folders.side("left", "a", left);
    folders.side("right", "a", right);
    prepare(&folders);
    judge(folders.contest(profile, &["a"]), &Model::sighted()).await;
    folders.record("a")
}

fn verdict(record: &Value) -> (&str, &str) {
    (record["winner"].as_str().expect("a winner"), record["detail"]["decided_by"].as_str().expect("a stage"))
}

#[tokio::test]
async fn stage_1_decides_and_nothing_follows() {
    for profile in ["cli", "official"] {
        let record = duel(profile, "q2", "q6", |_| {}).await;
        assert_eq!(verdict(&record), ("left", "S1"));
        let detail = &record["detail"];
        assert_eq!((&detail["s2"], &detail["s3"], &detail["s4"]), (&Value::Null, &Value::Null, &Value::Null));
        assert_eq!(detail["issues"], "A: thin legs. B: wrong colour.");
        assert_eq!(detail["elapsed_seconds"], Value::Null, "only when stage 1 drew");
        assert_eq!(detail["s1"]["angles"][0]["ba"], json!([2.0, 6.0]));
        assert_eq!(
            record["calls"],
            json!({"calls": 9, "attempts": 9, "transport_failed": 0, "json_failed": 0, "unanswered": 0})
        );
        assert_eq!(
            record["inputs"]["files"].as_object().expect("files").len(),
            4 * 2 + 2 + 1,
            "only what was looked at"
        );
    }
}

#[tokio::test]
async fn stage_2_decides_by_a_strong_voter_or_by_count() {
    let best = |folders: &Folders| {
        folders.embeddings("left", "a", "back");
        folders.embeddings("right", "a", "left");
    };
    let record = duel("official", "q3 s2bv:q1", "q3 s2bv:q3", best).await;
    assert_eq!(verdict(&record), ("left", "S2 strong_voter [bv|-2.0|]"));
    let s2 = &record["detail"]["s2"];
    assert_eq!((&s2["best_view"]["view_a"], &s2["best_view"]["view_b"]), (&json!("back"), &json!("left")));
    assert_eq!((&s2["votes"]["best_view"], &s2["votes"]["checklist"]), (&json!("A"), &Value::Null));
    assert_eq!(record["detail"]["elapsed_seconds"], 0.0);

    let record = duel("cli", "q3 s2bv:q1", "q3 s2bv:q3", best).await;
    assert_eq!(verdict(&record), ("draw", "S3 (gate did not fire) -> draw"), "2.0 is not 2.5");
    let record = duel("cli", "q3 bad", "q3", |_| {}).await;
    assert_eq!(verdict(&record), ("right", "S2 strong_voter [cl|-11|]"));
    let record = duel("cli", "q3 s2bv:q1 s2ac:q2", "q3 s2bv:q3 s2ac:q5", best).await;
    assert_eq!(verdict(&record), ("left", "S2 consensus"));
    assert_eq!(record["detail"]["s2"]["vote_counts"], json!({"A": 2, "B": 0}));
    assert_eq!(record["detail"]["s2"]["strong_tag"], Value::Null);
}

#[tokio::test]
async fn stage_3_asks_only_for_pale_pictures() {
    // The gray pictures are the same file but for their colour; the model is told which is better by their place.
    let by_colour = Model::scripted(|seen| match seen.label.as_str() {
        "s3_gray_ab" => r#"{"penalty_1": 6, "penalty_2": 2, "issues": "pale"}"#.to_owned(),
        "s3_gray_ba" => r#"{"penalty_1": 2, "penalty_2": 6, "issues": "pale"}"#.to_owned(),
        _ => sensible(seen),
    });
    for (profile, colour, fired) in
        [("cli", [250, 250, 250], true), ("official", [250, 250, 250], true), ("cli", [200, 0, 0], false)]
    {
        let folders = Folders::new();
        folders.prompt("a");
        for side in ["left", "right"] {
            folders.side(side, "a", "q3");
            folders.gray(side, "a", colour);
        }
        judge(folders.contest(profile, &["a"]), &by_colour).await;
        let record = folders.record("a");
        let want = if fired { ("right", "S3 gray-rescue") } else { ("draw", "S3 (gate did not fire) -> draw") };
        assert_eq!(verdict(&record), want);
        assert_eq!(record["detail"]["s3"]["fired"], fired);
        assert_eq!(record["detail"]["s3"]["pale_fraction"], if fired { 1.0 } else { 0.0 });
    }
    let record = duel("cli", "q3", "q3", |folders| folders.gray("left", "a", [250; 3])).await;
    assert_eq!(record["detail"]["s3"]["unmeasured"], "right/gray/front.png is missing");
}

#[tokio::test]
async fn stage_4_takes_one_step_down() {
    let junk = "q3 right:junk back:junk top_down:junk";
    let record = duel("cli", junk, "q3", |_| {}).await;
    assert_eq!(verdict(&record), ("right", "S4 step-down (was draw)"));
    assert_eq!(
        record["detail"]["s4"]["per_angle"]["a"],
        json!({"right": "garbage", "back": "garbage", "left": "ok", "top_down": "garbage"})
    );
    assert_eq!(record["detail"]["s4"]["side_verdicts"], json!({"a": "garbage", "b": "ok"}));
    assert_eq!(record["detail"]["s4"]["reasons"]["b"]["back"], "the back");
    let record = duel("official", "q3", &format!("bad {junk}"), |_| {}).await;
    assert_eq!(verdict(&record), ("left", "S2 strong_voter [cl|+11|]"));
    let record = duel("official", junk, "q3 bad", |_| {}).await;
    assert_eq!(verdict(&record), ("draw", "S4 step-down (was A)"));
}

#[tokio::test]
async fn a_side_without_pictures_decides_without_a_call() {
    let folders = Folders::new();
    folders.side("left", "a", "q3");
    folders.side("right", "b", "q3");
    let model = Model::sighted();
    let outcome = judge(folders.contest("cli", &["a", "b", "c"]), &model).await;
    let records: Vec<_> =
        outcome.file.results.iter().map(|record| serde_json::to_value(record).expect("JSON")).collect();
    let want =
        [("left", "no preview from right"), ("right", "no preview from left"), ("draw", "no previews on either side")];
    for (record, (winner, reason)) in records.iter().zip(want) {
        assert_eq!((&record["winner"], &record["detail"]), (&json!(winner), &json!({"reason": reason})));
    }
    assert!(model.seen().is_empty());
}

#[tokio::test]
async fn a_missing_picture_is_a_failure_that_names_it() {
    let folders = Folders::new();
    for stem in ["a", "b"] {
        folders.prompt(stem);
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    std::fs::remove_file(folders.path("right/a/white/back.png")).expect("it was there");
    let plan = Plan::make(folders.contest("cli", &["a", "b"]), false);
    assert_eq!(plan.impossible().map(|(stem, _)| stem.as_str()).collect::<Vec<_>>(), ["a"]);
    let outcome = judge(folders.contest("cli", &["a", "b"]), &Model::sighted()).await;
    assert!(
        matches!(&outcome.first_failure, Some(failure @ Failure::Picture { .. }) if failure.blame() == Blame::Here)
    );
    let file = read_json(&folders.path("results/duels.json"));
    assert_eq!((file["results"].as_array().map(Vec::len), file["failures"][0]["stem"].as_str()), (Some(1), Some("a")));
    assert!(file["failures"][0]["error"].as_str().expect("a sentence").contains("right/a/white/back.png is missing"));
    let of_match = ["left_wins", "failed", "margin"].map(|key| file["match"].get(key).cloned());
    assert_eq!(of_match, [Some(json!(1)), Some(json!(1)), None], "no verdict");
    assert!(!folders.path("results/a.json").exists());
}

#[tokio::test]
async fn embeddings_that_cannot_be_used_are_said_and_do_not_stop() {
    struct Oddities(Mutex<Vec<String>>);
    impl Observer<Event<'_>> for Oddities {
        fn on(&self, event: Event<'_>) {
            if let Event::Oddity { what, .. } = event {
                self.0.lock().expect("not poisoned").push(what.to_owned());
            }
        }
    }
    let folders = Folders::new();
    folders.prompt("a");
    for side in ["left", "right"] {
        folders.side(side, "a", "q3");
        folders.embeddings(side, "a", "back");
    }
    folders.write("right/a/embeddings.npz", b"nonsense");
    let oddities = Oddities(Mutex::default());
    let plan = Plan::make(folders.contest("cli", &["a"]), false);
    let concurrency = Concurrency { duels: 1, requests: 1 };
    run(plan, &Model::sighted(), &StoppedClock, concurrency, &oddities, &CancellationToken::new())
        .await
        .expect("writes");
    let record = folders.record("a");
    assert_eq!(record["detail"]["s2"]["best_view"], Value::Null);
    assert_eq!(record["detail"]["s2"]["best_view_absent"], "right/embeddings.npz: it is not a readable archive");
    assert_eq!(
        *oddities.0.lock().expect("not poisoned"),
        ["no best view: right/embeddings.npz: it is not a readable archive"]
    );
}

#[tokio::test]
async fn a_record_is_kept_until_something_it_was_made_from_changes() {
    let folders = Folders::new();
    for stem in ["a", "b"] {
        folders.prompt(stem);
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    let stems = ["a", "b"];
    judge(folders.contest("cli", &stems), &Model::sighted()).await;
    let first = read_json(&folders.path("results/duels.json"));

    let rerun = async |contest: Match| {
        let model = Model::sighted();
        judge(contest, &model).await;
        let mut judged: Vec<String> = model.seen().iter().map(|seen| seen.pictures[0].clone()).collect();
        judged.sort();
        judged.dedup();
        judged
    };
    assert!(rerun(folders.contest("cli", &stems)).await.is_empty());
    assert_eq!(read_json(&folders.path("results/duels.json")), first, "the file is the same");

    folders.write("left/a/white/front.png", b"q1 front");
    assert_eq!(rerun(folders.contest("cli", &stems)).await, ["prompt a"]);
    folders.write("left/b/white/back.png", b"q1 back");
    assert!(rerun(folders.contest("cli", &stems)).await.is_empty(), "stage 1 decided; nobody looked at the back");
    assert_eq!(rerun(Match { seed: 7, ..folders.contest("cli", &stems) }).await.len(), 2);
    assert_eq!(rerun(Match { seed: 7, model: "other".to_owned(), ..folders.contest("cli", &stems) }).await.len(), 2);
    assert_eq!(rerun(folders.contest("official", &stems)).await.len(), 2);
    std::fs::write(folders.path("results/a.json"), "{").expect("writes");
    assert_eq!(rerun(folders.contest("official", &stems)).await, ["prompt a"]);
    let plan = Plan::make(folders.contest("official", &stems), true);
    assert_eq!((plan.cost().already_judged, plan.cost().to_judge), (0, 2), "fresh");
}

#[tokio::test]
async fn the_plan_knows_what_it_takes_at_most() {
    let folders = Folders::new();
    folders.prompt("a");
    for side in ["left", "right"] {
        folders.side(side, "a", "q3");
        folders.gray(side, "a", [250; 3]);
        folders.embeddings(side, "a", "back");
    }
    let cost = Plan::make(folders.contest("cli", &["a", "b"]), false).cost();
    assert_eq!(
        (cost.duels, cost.without_preview, cost.sides_missing, cost.to_judge, cost.calls),
        (2, 1, [1, 1], 1, 26)
    );
    let model = Model::sighted();
    let outcome = judge(folders.contest("cli", &["a"]), &model).await;
    let sent: u64 = model.seen().iter().flat_map(|seen| &seen.pictures).map(|picture| picture.len() as u64).sum();
    assert_eq!(outcome.calls.calls, 26, "a full duel: everything draws, and the pictures are pale");
    assert!(cost.bytes > sent, "{} for {sent} before encoding", cost.bytes);
    let done = Plan::make(folders.contest("cli", &["a"]), false).cost();
    assert_eq!(done, Cost { duels: 1, already_judged: 1, ..Cost::default() });
}

#[tokio::test]
async fn no_answer_at_all_is_no_draw() {
    let folders = Folders::new();
    let stems = ["a", "b", "c", "d", "e"];
    for stem in stems {
        folders.prompt(stem);
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    // One duel is judged, so that the model is known to be able to.
    let chatty = silent_about(|seen| seen.pictures[0] != "prompt a");
    let one_by_one = Concurrency { duels: 1, requests: 8 };
    let outcome = judge_at(folders.contest("cli", &stems), &chatty, one_by_one).await;
    let failure = outcome.first_failure.expect("a failure");
    let hint = outcome.hint.expect("advice");
    assert!(failure.blame() == Blame::Service && hint.contains("JSON"), "{hint}");
    assert_eq!(outcome.file.results.len(), 1);
    assert_eq!((outcome.file.failures.len(), outcome.file.not_judged), (3, 1), "given up after three in a row");
    let calls = outcome.calls;
    assert_eq!(
        (calls.unanswered, calls.json_failed),
        (calls.calls - 9, calls.attempts - 9),
        "nothing else was answered"
    );
    let of_stage_1 = |seen: &&Seen| seen.label == "s1_prompt_match" && seen.pictures[0] != "prompt a";
    let of_stage_1 = chatty.seen().iter().filter(of_stage_1).count();
    // What explains a duel waits for nothing and is dropped with it, so that it may or may not have been asked.
    assert_eq!(of_stage_1, 3 * 8 * 5, "all of it was asked, as often as the profile says");
    assert!(
        outcome.file.failures[0].error.contains("the reply held no JSON object"),
        "{}",
        outcome.file.failures[0].error
    );
    assert!(!folders.path("results/b.json").exists(), "no record, no draw");
}

/// Whether a question stays without a usable answer.
type Unanswered = fn(&Seen) -> bool;

/// A model that answers sensibly, but not these questions.
fn silent_about(unanswered: Unanswered) -> Model {
    Model::scripted(move |seen| if unanswered(seen) { "I would rather not.".to_owned() } else { sensible(seen) })
}

#[tokio::test]
async fn a_stage_without_any_answer_fails_the_duel_and_the_next_run_judges_it() {
    let cases: [(&str, &str, Unanswered); 5] = [
        ("S1", "q3", |seen| seen.label == "s1_prompt_match"),
        ("S2", "q3", |seen| seen.label.starts_with("s2ac") || seen.label == "s2cl_decompose"),
        ("S2", "q3", |seen| {
            seen.label.starts_with("s2ac") || (seen.label == "s2cl_verify" && seen.pictures[1].starts_with("right"))
        }),
        ("S3", "q3", |seen| seen.label.starts_with("s3")),
        ("S4", "q3", |seen| seen.label == "s4_per_angle" && seen.pictures[1].starts_with("right")),
    ];
    for (stage, look, unanswered) in cases {
        let folders = Folders::new();
        folders.prompt("a");
        for side in ["left", "right"] {
            folders.side(side, "a", &format!("{side} {look}"));
            folders.gray(side, "a", [250; 3]);
        }
        let outcome = judge(folders.contest("official", &["a"]), &silent_about(unanswered)).await;
        let failure = outcome.first_failure.expect(stage);
        assert!(failure.blame() == Blame::Service);
        let error = &outcome.file.failures[0].error;
        assert!(error.starts_with(&format!("stage {stage} had no answer at all (")), "{error}");
        assert!(!folders.path("results/a.json").exists(), "{stage}: no record, no draw");
        let again = judge(folders.contest("official", &["a"]), &Model::sighted()).await;
        assert_eq!((again.judged, again.file.results.len(), again.first_failure.is_none()), (1, 1, true), "{stage}");
    }
}

#[tokio::test]
async fn a_single_answer_makes_a_stage_count_as_on_the_subnet() {
    let folders = Folders::new();
    folders.prompt("a");
    for side in ["left", "right"] {
        folders.side(side, "a", &format!("{side} q3"));
    }
    let mostly_silent = silent_about(|seen| match seen.label.as_str() {
        "s1_prompt_match" => seen.pictures[1] != "left q3 front_left",
        "s2ac_ab" | "s2cl_decompose" | "explain" => true,
        "s4_per_angle" => !seen.pictures[1].ends_with(" back"),
        _ => false,
    });
    let outcome = judge(folders.contest("official", &["a"]), &mostly_silent).await;
    assert!(outcome.first_failure.is_none(), "{:?}", outcome.first_failure);
    assert_eq!(verdict(&folders.record("a")), ("draw", "S3 (gate did not fire) -> draw"));
}

#[tokio::test]
async fn a_record_of_an_older_version_with_an_invented_stage_is_not_kept() {
    let folders = Folders::new();
    folders.prompt("a");
    for side in ["left", "right"] {
        folders.side(side, "a", "q3");
    }
    judge(folders.contest("official", &["a"]), &Model::sighted()).await;
    let path = folders.path("results/a.json");
    let mut record = folders.record("a");
    let marker = json!("JSON_PARSE_FAILED");
    for angle in ["right", "back", "left", "top_down"] {
        assert_eq!(Plan::make(folders.contest("official", &["a"]), false).cost().already_judged, 1, "{angle}");
        record["detail"]["s4"]["reasons"]["b"][angle] = marker.clone();
        std::fs::write(&path, record.to_string()).expect("writes");
    }
    assert_eq!(Plan::make(folders.contest("official", &["a"]), false).cost().to_judge, 1);
}

#[tokio::test]
async fn single_failures_are_counted_in_the_record() {
    let folders = Folders::new();
    folders.prompt("a");
    folders.side("left", "a", "q2");
    folders.side("right", "a", "q6");
    let stubborn = Model::scripted(|seen| if seen.label == "explain" { "no".to_owned() } else { sensible(seen) });
    let outcome = judge(folders.contest("cli", &["a"]), &stubborn).await;
    let record = folders.record("a");
    assert_eq!(verdict(&record), ("left", "S1"));
    assert_eq!(record["detail"]["issues"], "");
    assert_eq!(
        record["calls"],
        json!({"calls": 9, "attempts": 11, "transport_failed": 0, "json_failed": 3, "unanswered": 1})
    );
    assert_eq!(outcome.calls.unanswered, 1);
}

#[tokio::test]
async fn a_stop_leaves_whole_records_and_the_next_run_goes_on() {
    let folders = Folders::new();
    let stems = ["a", "b", "c", "d"];
    for stem in stems {
        folders.prompt(stem);
        folders.side("left", stem, "q2");
        folders.side("right", stem, "q6");
    }
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let model = Model::scripted(move |seen| {
        if seen.pictures[0] == "prompt c" {
            stopping.cancel();
        }
        sensible(seen)
    });
    let concurrency = Concurrency { duels: 1, requests: 4 };
    let plan = Plan::make(folders.contest("cli", &stems), false);
    let outcome = run(plan, &model, &StoppedClock, concurrency, &(), &stop).await.expect("writes");
    assert!(outcome.interrupted);
    assert_eq!((outcome.file.results.len(), outcome.file.not_judged), (2, 2));
    let second = Model::sighted();
    let outcome = judge(folders.contest("cli", &stems), &second).await;
    assert!(second.seen().iter().all(|seen| seen.pictures[0] == "prompt c" || seen.pictures[0] == "prompt d"));
    let order: Vec<_> = outcome.file.results.iter().map(|record| record.stem.to_string()).collect();
    assert_eq!(order, stems, "the order of the prompts file");
}
