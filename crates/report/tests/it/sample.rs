//! A judged match on disk, with a duel of every kind and small pictures.
//! It must not know how the page shows them.

use std::fs;
use std::path::{Path, PathBuf};

use gen404_report::{Request, write};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Something a hostile model, prompts file or folder might say.
pub(crate) const HOSTILE: &str = r#"<img src=x onerror="alert(1)">"'</script><script>alert(2)</script>"#;

/// A match in a folder of its own.
pub(crate) struct Sample {
    folder: TempDir,
    request: Request,
}

/// The kinds repeat in this order.
const KINDS: [&str; 8] = ["left", "right", "draw", "strong", "consensus", "guard", "contradictory", "unseen"];

impl Sample {
    /// A match of so many duels, and one more that failed.
    pub(crate) fn new(duels: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path();
        let records: Vec<Value> = (0..duels).map(|number| record(number, KINDS[number % KINDS.len()])).collect();
        for (number, record) in records.iter().enumerate() {
            let shade = u8::try_from(number * 7 % 200).unwrap();
            pictures(root, record["stem"].as_str().unwrap(), shade, KINDS[number % KINDS.len()] != "unseen");
        }
        pictures(root, "failed0", 9, true);
        let results = root.join("results");
        fs::create_dir(&results).unwrap();
        let file = json!({
            "results": records,
            "failures": [{"stem": "failed0", "prompt_url": "prompts/failed0.png", "error": format!("no answer {HOSTILE}")}],
            "run": {
                "prompts_json": root.join("prompts.json"),
                "image_dir_1": root.join("old pipeline"),
                "image_dir_2": root.join("new#1?"),
                "profile": "cli", "model": HOSTILE, "seed": 42,
                "pictures": {
                    "front": ["front", "front_left"], "sides": ["right", "back"], "reference": "front", "gray": "front",
                },
            },
        });
        fs::write(results.join("duels.json"), file.to_string()).unwrap();
        let request = Request { results, ..Request::default() };
        write(&request).unwrap();
        Self { folder, request }
    }

    pub(crate) fn page(&self) -> PathBuf {
        self.request.results.join("report.html")
    }

    pub(crate) fn html(&self) -> String {
        fs::read_to_string(self.page()).unwrap()
    }

    /// The page with everything inside, alone in a folder.
    pub(crate) fn embedded(&self) -> (TempDir, PathBuf) {
        let alone = TempDir::new().unwrap();
        let page = alone.path().join("match.html");
        write(&Request { embed: true, output: Some(page.clone()), ..self.request.clone() }).unwrap();
        (alone, page)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// Stem of a duel: `duel000`, `duel001`, …
pub(crate) fn stem(number: usize) -> String {
    format!("duel{number:03}")
}

fn record(number: usize, kind: &str) -> Value {
    let prompt_url = if kind == "draw" {
        "https://prompts.invalid/picture.png".to_owned()
    } else {
        format!("prompts/{}.png", stem(number))
    };
    if kind == "unseen" {
        let detail = json!({"reason": "no preview from left"});
        return json!({"stem": stem(number), "prompt_url": prompt_url, "winner": "right", "detail": detail});
    }
    let gap = 1.0 + f64::from(u8::try_from(number % 40).unwrap()) / 10.0;
    let (winner, left, right) = match kind {
        "left" => ("left", 2.0, 2.0 + gap),
        "right" | "contradictory" => ("right", 2.0 + gap, 2.0),
        "strong" | "consensus" => ("right", 3.0, 3.0),
        _ => ("draw", 3.0, 3.0),
    };
    let choice = match winner {
        "left" => "A",
        "right" => "B",
        _ => "draw",
    };
    let decided_by = match kind {
        "strong" => "S2 strong_voter [bv|+3.0|+cl|-8|]",
        "consensus" => "S2 consensus",
        "guard" => "S4 step-down (was A)",
        "draw" => "S3 (gate did not fire) -> draw",
        _ => "S1",
    };
    let lost = kind == "contradictory";
    let angle = |label: &str, contradictory: bool| {
        json!({"label": label, "pen_a": left, "pen_b": right, "weight": 1.5, "contradictory": contradictory,
            "ab": [left, right], "ba": [left, right], "notes": [HOSTILE, "Model 2 lacks a handle."]})
    };
    let mut detail = json!({
        "s1": {"choice": if decided_by == "S1" { choice } else { "draw" }, "n_total": 2, "n_consistent": if lost { 1 } else { 2 },
            "angles": [angle("front", false), angle("front_left", lost)], "reason": "weighted difference above 0.7"},
        "decided_by": decided_by,
        "issues": format!("Left: pale handle. Right: {HOSTILE}"),
    });
    if decided_by != "S1" {
        detail["s2"] = sub_judges(kind);
        detail["s4"] = side_guard(kind);
        if matches!(kind, "draw" | "guard") {
            detail["s3"] = json!({"fired": false, "choice": null, "pale_fraction": 0.04, "grayish_fraction": 0.5});
        }
    }
    let calls =
        json!({"calls": 9, "attempts": 11, "transport_failed": 1, "json_failed": 1, "unanswered": u8::from(lost)});
    json!({"stem": stem(number), "prompt_url": prompt_url, "winner": winner, "detail": detail, "calls": calls})
}

fn sub_judges(kind: &str) -> Value {
    let compared = json!({"penalty_a": 5.0, "penalty_b": 2.0, "view_a": "front", "view_b": "front_left"});
    let strong = kind == "strong";
    json!({
        "choice": if matches!(kind, "strong" | "consensus") { "B" } else { "draw" },
        "source": if strong { "strong_voter" } else { "consensus_3" },
        "best_view": if strong { compared } else { Value::Null },
        "artifact_compare": {"penalty_a": 4.0, "penalty_b": 3.0},
        "checklist": if kind == "draw" {
            json!({"decompose_failed": true, "score_a": 0, "score_b": 0, "gap": 0, "choice": "draw"})
        } else {
            json!({"main_object": "striped roof", "main_object_correct_a": false, "main_object_correct_b": true, "score_a": 1, "score_b": 9,
                "features": [
                    {"feature": format!("4 arches {HOSTILE}"), "side_a": "no", "side_b": "yes", "note_b": HOSTILE},
                    {"feature": "a red door", "side_a": null, "side_b": "partial"},
                ]})
        },
        "votes": {"best_view": if strong { json!("B") } else { Value::Null }, "artifact_compare": "B", "checklist": "B"},
        "strong_tag": if strong { json!("bv|+3.0|+cl|-8|") } else { Value::Null },
        "vote_counts": if strong { Value::Null } else { json!({"A": 0, "B": 2}) },
    })
}

fn side_guard(kind: &str) -> Value {
    let left = if kind == "guard" { "garbage" } else { "ok" };
    json!({
        "choice": "draw",
        "side_verdicts": {"a": left, "b": "ok"},
        "per_angle": {"a": {"right": left, "back": left}, "b": {"right": "ok", "back": "ok"}},
        "reasons": {"a": {"right": HOSTILE}, "b": {}},
    })
}

fn pictures(root: &Path, stem: &str, shade: u8, left: bool) {
    let draw = |path: PathBuf, colour: [u8; 3]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, png(colour)).unwrap();
    };
    draw(root.join("prompts").join(format!("{stem}.png")), [shade, 80, 200]);
    for (side, colour, there) in [("old pipeline", [shade, 90, 180], left), ("new#1?", [200, shade, 90], true)] {
        let folder = root.join(side).join(stem);
        for name in ["grid", "white/front", "white/front_left", "white/right", "white/back", "gray/front"] {
            if there {
                draw(folder.join(format!("{name}.png")), colour);
            }
        }
    }
}

fn png(colour: [u8; 3]) -> Vec<u8> {
    let edge = 48_u32;
    let pixels: Vec<u8> = (0..edge * edge)
        .flat_map(|index| {
            let (x, y) = ((index % edge).abs_diff(24), (index / edge).abs_diff(24));
            if x * x + y * y < 400 { colour } else { [255; 3] }
        })
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, edge, edge);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}
