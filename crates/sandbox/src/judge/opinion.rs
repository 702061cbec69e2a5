//! The script's answers, computed from what is in the pictures and from nothing else.
//! It must not know seeds, temperatures or the wording of a prompt, so the same pictures always get the same answer.

use serde_json::{Value, json};

use super::look::{COLOUR_NAMES, Difference, Look, Picture};
use super::request::Question;

/// Differences up to this are no fault: the prompt was never rendered by the same renderer.
const UNAVOIDABLE: f32 = 0.05;
/// The difference from which the penalty is the full 10.
const HOPELESS: f32 = 0.65;
/// Up to this difference the main object counts as the right one.
const SAME_OBJECT: f32 = 0.45;
/// Less of the frame than this is an empty picture.
const EMPTY_FRAME: f32 = 0.002;
/// A side that covers less than this share of what the front covers is paper-thin.
const PAPER_THIN: f32 = 0.04;
/// A side that has less than this share of its colours in common with the front shows something else.
const UNRELATED_COLOURS: f32 = 0.03;

/// Answers a question about pictures that came in the question's order.
pub(crate) fn answer(question: Question, pictures: &[&Picture]) -> Value {
    match (question, pictures) {
        (Question::Penalties, [prompt, one, two]) => penalties(one.difference(prompt), two.difference(prompt)),
        (Question::Decompose, [prompt]) => decompose(prompt.first()),
        (Question::Verify, [prompt, grid]) => verify(prompt, grid),
        (Question::SideGuard, [front, side]) => side_guard(front.first(), side.first()),
        (Question::Explain, [prompt, one, two]) => explain(one.difference(prompt), two.difference(prompt)),
        _ => unreachable!("a request is read only with its question's number of pictures"),
    }
}

/// 0 for the same picture to 10 for one with nothing in common.
fn penalty(difference: Difference) -> u8 {
    let share = ((difference.total() - UNAVOIDABLE) / (HOPELESS - UNAVOIDABLE)).clamp(0.0, 1.0);
    (1..=10).rev().find(|step| share * 10.0 >= f32::from(*step) - 0.5).unwrap_or(0)
}

fn in_words(difference: Difference) -> String {
    let percent = |share: f32| (share * 100.0).round();
    format!("outline {} % and colours {} % unlike the prompt", percent(difference.outline), percent(difference.colour))
}

fn penalties(one: Difference, two: Difference) -> Value {
    json!({
        "penalty_1": penalty(one),
        "penalty_2": penalty(two),
        "issues": format!("Model 1: {}. Model 2: {}.", in_words(one), in_words(two)),
    })
}

fn explain(left: Difference, right: Difference) -> Value {
    json!({ "issues": format!("Measured by a script: left has {}; right has {}.", in_words(left), in_words(right)) })
}

/// A property of the prompt picture that another picture has, has nearly, or lacks.
struct Feature {
    description: String,
    category: &'static str,
    /// How far a picture is from having it; [`Feature::mark`] says what is near.
    distance: Box<dyn Fn(&Look) -> f32>,
}

impl Feature {
    fn mark(&self, look: &Look) -> &'static str {
        match (self.distance)(look) {
            _ if look.coverage < EMPTY_FRAME => "no",
            near if near < 0.2 => "yes",
            near if near < 0.5 => "partial",
            _ => "no",
        }
    }
}

/// Six features of a prompt picture, always in the same words for the same picture.
fn features(prompt: &Look) -> Vec<Feature> {
    let [main, second] = strongest_colours(prompt);
    let (main_share, second_share) = (prompt.shares[main], prompt.shares[second]);
    let (aspect, fill, symmetry, pieces) = (prompt.aspect.max(0.01), prompt.fill, prompt.symmetry, prompt.pieces);
    let feature = |description: String, category, distance| Feature { description, category, distance };
    vec![
        feature(
            format!("the main colour is {}", COLOUR_NAMES[main]),
            "material_color",
            Box::new(move |look: &Look| (1.0 - look.shares[main] / main_share.max(0.01)).max(0.0)),
        ),
        feature(
            format!("some {} parts", COLOUR_NAMES[second]),
            "material_color",
            Box::new(move |look: &Look| (look.shares[second] - second_share).abs() * 2.0),
        ),
        feature(
            match aspect {
                tall if tall < 0.8 => "taller than wide".to_owned(),
                wide if wide > 1.25 => "wider than tall".to_owned(),
                _ => "about as wide as tall".to_owned(),
            },
            "shape",
            Box::new(move |look: &Look| (look.aspect.max(0.01) / aspect).ln().abs()),
        ),
        feature(
            if fill > 0.6 { "a full, closed body" } else { "an open or slender body" }.to_owned(),
            "presence",
            Box::new(move |look: &Look| (look.fill - fill).abs() * 2.0),
        ),
        feature(
            if symmetry > 0.8 { "left and right mirror each other" } else { "left and right differ" }.to_owned(),
            "shape",
            Box::new(move |look: &Look| (look.symmetry - symmetry).abs()),
        ),
        feature(
            match pieces {
                0 | 1 => "one connected piece".to_owned(),
                many => format!("{many} separate pieces"),
            },
            "count",
            Box::new(move |look: &Look| match look.pieces.abs_diff(pieces) {
                0 => 0.0,
                1 => 0.4,
                _ => 1.0,
            }),
        ),
    ]
}

fn strongest_colours(look: &Look) -> [usize; 2] {
    let mut order: Vec<usize> = (0..look.shares.len()).collect();
    order.sort_by(|one, other| look.shares[*other].total_cmp(&look.shares[*one]));
    [order[0], order[1]]
}

fn decompose(prompt: &Look) -> Value {
    let [main, _] = strongest_colours(prompt);
    let features: Vec<Value> = features(prompt)
        .iter()
        .map(|feature| json!({ "description": feature.description, "category": feature.category }))
        .collect();
    json!({ "main_object": format!("{} object", COLOUR_NAMES[main]), "features": features })
}

/// The features come from the prompt picture again, in the words of [`decompose`], so the prompt's text is not needed.
fn verify(prompt: &Picture, grid: &Picture) -> Value {
    let look = grid.nearest(prompt.first());
    let checks: Vec<Value> = features(prompt.first())
        .iter()
        .map(|feature| {
            let mark = feature.mark(look);
            let note = match mark {
                "yes" => "measured close to the prompt",
                "partial" => "measured near, but not quite",
                _ => "measured far from the prompt",
            };
            json!({ "feature": feature.description, "match": mark, "note": note })
        })
        .collect();
    json!({ "checks": checks, "main_object_correct": grid.difference(prompt).total() < SAME_OBJECT })
}

fn side_guard(front: &Look, side: &Look) -> Value {
    let (verdict, reason) = if side.coverage < EMPTY_FRAME {
        ("garbage", "The frame is empty.")
    } else if side.coverage < front.coverage * PAPER_THIN {
        ("garbage", "The object is paper-thin from here.")
    } else if side.shared_colours(front) < UNRELATED_COLOURS {
        ("garbage", "No colour of the front is seen from here.")
    } else {
        ("ok", "Size and colours fit the front.")
    };
    json!({ "verdict": verdict, "reason": reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::drawing::Drawing;

    const RED: [u8; 3] = [200, 30, 30];
    const BLUE: [u8; 3] = [30, 60, 200];

    fn picture(drawing: Drawing) -> Picture {
        Picture::decode(&drawing.png()).unwrap()
    }

    fn marks(value: &Value) -> Vec<&str> {
        value["checks"].as_array().unwrap().iter().map(|check| check["match"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_nearer_picture_gets_the_lower_penalty_in_both_orders() {
        let (prompt, near, far) =
            (picture(Drawing::disc(RED)), picture(Drawing::disc([180, 50, 40])), picture(Drawing::bar(BLUE)));
        let ab = answer(Question::Penalties, &[&prompt, &near, &far]);
        let ba = answer(Question::Penalties, &[&prompt, &far, &near]);
        assert!(ab["penalty_1"].as_u64().unwrap() + 3 < ab["penalty_2"].as_u64().unwrap(), "{ab}");
        assert_eq!((&ab["penalty_1"], &ab["penalty_2"]), (&ba["penalty_2"], &ba["penalty_1"]));
    }

    #[test]
    fn penalties_run_from_nothing_to_ten() {
        let prompt = picture(Drawing::disc(RED));
        let value = answer(Question::Penalties, &[&prompt, &prompt, &picture(Drawing::empty())]);
        assert_eq!((&value["penalty_1"], &value["penalty_2"]), (&json!(0), &json!(10)));
    }

    #[test]
    fn a_faithful_grid_fulfils_the_list_and_another_object_does_not() {
        let prompt = picture(Drawing::disc(RED));
        let features = answer(Question::Decompose, &[&prompt]);
        let same = Picture::decode(&Drawing::disc(RED).on([128; 3]).grid(5)).unwrap();
        let other = Picture::decode(&Drawing::bar(BLUE).on([128; 3]).grid(5)).unwrap();
        let (same, other) = (answer(Question::Verify, &[&prompt, &same]), answer(Question::Verify, &[&prompt, &other]));
        let asked: Vec<&Value> = features["features"].as_array().unwrap().iter().map(|f| &f["description"]).collect();
        let checked: Vec<&Value> = same["checks"].as_array().unwrap().iter().map(|check| &check["feature"]).collect();
        assert_eq!(asked, checked, "a verification speaks of the features asked for");
        assert!((4..=7).contains(&asked.len()));
        assert!(marks(&same).iter().all(|mark| *mark == "yes"), "{same}");
        assert!(marks(&other).iter().filter(|mark| **mark == "no").count() >= 2, "{other}");
        assert_eq!((&same["main_object_correct"], &other["main_object_correct"]), (&json!(true), &json!(false)));
    }

    #[test]
    fn sides_that_do_not_fit_the_front_are_garbage() {
        let front = picture(Drawing::disc(RED));
        let verdict = |side: Drawing| answer(Question::SideGuard, &[&front, &picture(side)])["verdict"].clone();
        assert_eq!(verdict(Drawing::disc(RED)), "ok");
        assert_eq!(verdict(Drawing::bar(RED)), "ok", "another outline is what a side is expected to have");
        assert_eq!(verdict(Drawing::empty()), "garbage");
        assert_eq!(verdict(Drawing::disc([20, 220, 220])), "garbage");
        assert_eq!(verdict(Drawing::disc(RED).at(80, 80, 4)), "garbage");
    }
}
