//! Every request of a full duel as it is on the wire: labels, seeds, temperatures, limits and pictures in their order.

use std::collections::BTreeMap;

use gen404_judge::{ChatClient, ChatSettings};

use crate::flow::judge;
use crate::folders::Folders;
use crate::model::{Model, Seen, sensible, serve};

/// A duel that needs every stage; its pictures are pale and the model sees no difference.
fn undecided() -> Folders {
    let folders = Folders::new();
    folders.prompt("a");
    for side in ["left", "right"] {
        folders.side(side, "a", side);
        folders.gray(side, "a", [250; 3]);
    }
    folders.embeddings("left", "a", "back");
    folders.embeddings("right", "a", "top_down");
    folders
}

async fn requests(profile: &str, model: Model) -> Vec<Seen> {
    let endpoint = serve(model.clone()).await;
    let client =
        ChatClient::new(ChatSettings::new(endpoint.parse().expect("an address"), "scripted")).expect("a client");
    judge(undecided().contest(profile, &["a"]), &client).await;
    model.seen()
}

/// `label|pictures|seed|max_tokens`, sorted. Prompt `P`; pictures of the sides by their first letter.
fn lines(seen: &[Seen]) -> Vec<String> {
    let short = |picture: &String| match picture.split_once(' ') {
        Some(("prompt", _)) => "P".to_owned(),
        Some(("left", view)) => format!("L/{view}"),
        Some(("right", view)) => format!("R/{view}"),
        _ => "gray".to_owned(),
    };
    let line = |seen: &Seen| {
        let pictures: Vec<_> = seen.pictures.iter().map(short).collect();
        format!("{}|{}|{}|{}", seen.label, pictures.join(","), seen.seed, seen.max_tokens)
    };
    let mut lines: Vec<_> = seen.iter().map(line).collect();
    lines.sort();
    lines
}

/// The run's seed is 1000, and every first attempt adds 100.
fn expected(fronts: [&str; 4], reference: &str) -> Vec<String> {
    let mut lines = vec![
        "explain|P,L/grid,R/grid|1100|300".to_owned(),
        "s2ac_ab|P,L/grid,R/grid|1100|1024".to_owned(),
        "s2ac_ba|P,R/grid,L/grid|1100|1024".to_owned(),
        "s2bv_ab|P,L/back,R/top_down|1100|1024".to_owned(),
        "s2bv_ba|P,R/top_down,L/back|1100|1024".to_owned(),
        "s2cl_decompose|P|1100|400".to_owned(),
        "s2cl_verify|P,L/grid|1200|600".to_owned(),
        "s2cl_verify|P,R/grid|1300|600".to_owned(),
        "s3_gray_ab|P,gray,gray|1100|1024".to_owned(),
        "s3_gray_ba|P,gray,gray|1107|1024".to_owned(),
    ];
    for view in fronts {
        lines.push(format!("s1_prompt_match|P,L/{view},R/{view}|1100|1024"));
        lines.push(format!("s1_prompt_match|P,R/{view},L/{view}|1100|1024"));
    }
    for (index, view) in ["right", "back", "left", "top_down"].iter().enumerate() {
        lines.push(format!("s4_per_angle|L/{reference},L/{view}|{}|220", 6100 + 100 * index));
        lines.push(format!("s4_per_angle|R/{reference},R/{view}|{}|220", 7100 + 100 * index));
    }
    lines.sort();
    lines
}

#[tokio::test]
async fn a_full_duel_of_the_official_profile() {
    let seen = requests("official", Model::sighted()).await;
    assert_eq!(lines(&seen), expected(["front_left", "front_right", "front_below", "front_above"], "front_left"));
    assert!(seen.iter().all(|request| request.temperature == 0.0));
}

#[tokio::test]
async fn a_full_duel_of_the_cli_profile() {
    let seen = requests("cli", Model::sighted()).await;
    assert_eq!(lines(&seen), expected(["front", "front_left", "front_right", "front_above"], "front"));
}

#[tokio::test]
async fn attempts_climb_in_seed_and_temperature() {
    // One answer for each stage, so that the next one follows; everything else fails on every attempt.
    let model = Model::scripted(|seen| {
        let of_view = |view: &str| seen.pictures.last().is_some_and(|picture| picture.ends_with(view));
        let answered = match seen.label.as_str() {
            "explain" | "s2ac_ab" | "s3_gray_ab" => true,
            "s1_prompt_match" => of_view("right front_above"),
            _ => false,
        };
        if answered { sensible(seen) } else { "{".to_owned() }
    });
    let seen = requests("official", model).await;
    let mut by_call = BTreeMap::<_, Vec<Seen>>::new();
    for request in seen {
        by_call.entry((request.label.clone(), request.pictures.clone())).or_default().push(request);
    }
    let temperatures = [0.0, 0.15, 0.2, 0.25, 0.3];
    for ((label, pictures), attempts) in &by_call {
        let wanted = match label.as_str() {
            "explain" | "s2ac_ab" | "s3_gray_ab" => 1,
            "s1_prompt_match" if pictures.last().is_some_and(|last| last == "right front_above") => 1,
            "s4_per_angle" => 4,
            _ => 5,
        };
        assert_eq!(attempts.len(), wanted, "{label}");
        for ((attempt, request), temperature) in (0..).zip(attempts).zip(temperatures) {
            assert!((request.temperature - temperature).abs() < 1e-9, "{label} {attempt}: {}", request.temperature);
            assert_eq!(request.seed, attempts[0].seed + attempt, "{label}");
            assert_eq!(request.max_tokens, attempts[0].max_tokens, "{label}");
        }
    }
    let labels: Vec<_> = by_call.keys().map(|(label, _)| label.as_str()).collect();
    assert!(!labels.contains(&"s2cl_verify"), "there is nothing to verify");
    assert!(labels.contains(&"s4_per_angle"));
    assert!(labels.contains(&"s3_gray_ba"), "failed sub-judges draw, and the pictures are pale");
}
