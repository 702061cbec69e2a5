//! What must hold whatever the model thinks: no side is favoured, nobody beats itself, and neither the order of the prompts nor
//! the number of duels at once changes a record.

use std::hash::{DefaultHasher, Hash, Hasher};

use gen404_judge::{Concurrency, Failure, Match};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::flow::judge_at;
use crate::folders::Folders;
use crate::model::{Model, Seen, sensible};

/// A whimsical model: what it thinks of a picture depends on the picture and the kind of question, and it may favour whichever
/// model is shown first. Some questions it never answers.
fn whimsical(salt: u64, bias: i64, silence: u64) -> Model {
    Model::scripted(move |seen| {
        let kind = seen.label.trim_end_matches("_ab").trim_end_matches("_ba").to_owned();
        let thought = |text: &str, range: u64| {
            let mut hasher = DefaultHasher::new();
            (salt, &kind, &seen.pictures[0], text).hash(&mut hasher);
            i64::try_from(hasher.finish() % range).expect("small")
        };
        let mut all = seen.pictures.clone();
        all.sort();
        if silence > 1 && thought(&all.join("|"), silence) == 0 {
            return "…".to_owned();
        }
        let view = |picture: &str| picture.rsplit(' ').next().unwrap_or_default().to_owned();
        match kind.as_str() {
            "s1_prompt_match" | "s2bv" | "s2ac" | "s3_gray" => {
                // Penalties of one prompt's sides lie close together, so that every stage is reached often.
                let penalty = |picture: &str| 3 + thought(picture, 4) + thought(&view(picture), 2);
                json!({"penalty_1": penalty(&seen.pictures[1]), "penalty_2": penalty(&seen.pictures[2]) + bias, "issues": "x"})
                    .to_string()
            }
            "s2cl_verify" => verification(seen, &|text| thought(text, 3)),
            "s4_per_angle" => {
                let verdict = if thought(&seen.pictures[1], 2) == 0 { "garbage" } else { "ok" };
                json!({"verdict": verdict, "reason": "r"}).to_string()
            }
            _ => sensible(seen),
        }
    })
}

fn verification(seen: &Seen, thought: &dyn Fn(&str) -> i64) -> String {
    let check = |feature: &str| {
        let mark = ["yes", "partial", "no"]
            [usize::try_from(thought(&format!("{feature}{}", seen.pictures[1]))).expect("small")];
        json!({"feature": feature, "match": mark, "note": "n"})
    };
    json!({"checks": (["4 legs", "a seat", "a back", "arms"].map(check)), "main_object_correct": thought(&seen.pictures[1]) > 0}).to_string()
}

/// Six prompts; some sides are the same on both, some have no pictures, gray pictures or embeddings.
fn folders(shape: u64) -> (Folders, Vec<String>) {
    let folders = Folders::new();
    let stems: Vec<String> = (0..6).map(|index| format!("p{index}")).collect();
    for (stem, index) in stems.iter().zip(0u64..) {
        folders.prompt(stem);
        for (side, number) in ["left", "right"].into_iter().zip(0u64..) {
            let bit = |of: u64| shape >> ((index * 8 + number * 4 + of) % 64) & 1 == 1;
            if bit(0) && bit(1) && bit(2) {
                continue;
            }
            folders.side(side, stem, &format!("look{}", (shape >> index) % 3 + number));
            if bit(1) {
                folders.gray(side, stem, [250; 3]);
            }
            if bit(2) {
                folders.embeddings(side, stem, "back");
            }
        }
    }
    (folders, stems)
}

/// What became of each duel, in the order of the prompts: its record, or `null` when a stage had no answer. `None` when the
/// model was given up, which depends on the order.
fn run(contest: Match, model: &Model, duels: usize) -> Option<Vec<Value>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let stems: Vec<_> = contest.prompts.prompts.iter().map(|prompt| prompt.stem.clone()).collect();
    let outcome = runtime.block_on(judge_at(contest, model, Concurrency { duels, requests: 3 * duels }));
    if outcome.file.not_judged > 0 {
        return None;
    }
    assert!(
        matches!(outcome.first_failure, None | Some(Failure::NothingAnswered { .. })),
        "{:?}",
        outcome.first_failure
    );
    let record = |stem| {
        let record = outcome.file.results.iter().find(|record| record.stem == stem);
        serde_json::to_value(record).expect("JSON")
    };
    Some(stems.into_iter().map(record).collect())
}

fn into_folder(contest: Match, folders: &Folders, name: &str) -> Match {
    Match { output: folders.path(name), ..contest }
}

/// The side a winner or a choice names.
fn side(value: &Value) -> &'static str {
    match value.as_str() {
        Some("left" | "A") => "left",
        Some("right" | "B") => "right",
        _ => "neither",
    }
}

fn other(side: &'static str) -> &'static str {
    match side {
        "left" => "right",
        "right" => "left",
        neither => neither,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_folders_mirrors_every_decision(salt: u64, shape: u64, bias in -2i64..3, silence in 0u64..9, official: bool) {
        let (folders, stems) = folders(shape);
        let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
        let profile = if official { "official" } else { "cli" };
        let model = whimsical(salt, bias, silence);
        let here = run(folders.contest(profile, &stems), &model, 2);
        let contest = folders.contest(profile, &stems);
        let swapped = Match { left: contest.right.clone(), right: contest.left.clone(), ..into_folder(contest, &folders, "swapped") };
        let there = run(swapped, &model, 2);
        prop_assume!(here.is_some() && there.is_some());
        for (here, there) in here.iter().flatten().zip(there.iter().flatten()) {
            prop_assert_eq!(here.is_null(), there.is_null());
            prop_assert_eq!(side(&here["winner"]), other(side(&there["winner"])));
            for stage in ["s1", "s2", "s3", "s4"] {
                let (here, there) = (&here["detail"][stage], &there["detail"][stage]);
                prop_assert_eq!(here.is_null(), there.is_null());
                prop_assert_eq!(side(&here["choice"]), other(side(&there["choice"])), "{}", stage);
            }
        }
    }

    #[test]
    fn nobody_beats_itself(salt: u64, shape: u64, bias in -2i64..3) {
        let (folders, stems) = folders(shape);
        let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
        let contest = folders.contest("cli", &stems);
        let own = Match { right: contest.left.clone(), ..contest };
        for record in run(own, &whimsical(salt, bias, 0), 3).expect("a model that always answers is not given up") {
            prop_assert_eq!(record["winner"].as_str(), Some("draw"));
        }
    }

    #[test]
    fn order_and_concurrency_change_no_record(salt: u64, shape: u64, silence in 0u64..9) {
        let (folders, stems) = folders(shape);
        let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
        let model = whimsical(salt, 1, silence);
        let mut one_by_one = run(folders.contest("official", &stems), &model, 1);
        let reversed: Vec<&str> = stems.iter().rev().copied().collect();
        let all_at_once = run(into_folder(folders.contest("official", &reversed), &folders, "again"), &model, 8);
        prop_assume!(one_by_one.is_some() && all_at_once.is_some());
        one_by_one.as_mut().expect("just checked").reverse();
        prop_assert_eq!(one_by_one, all_at_once);
    }
}
