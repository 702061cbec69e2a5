//! A stage of a duel as one line for a person: `lamp S1  draw  3.00 : 2.41  4 of 4 angles agree`. Left comes first.
//! Knows no thresholds: profiles differ, so a line has the figures and what was made of them.

use gen404_judge::Stage;
use gen404_round::Stem;
use gen404_round::duel::{
    Checklist, Choice, Compared, GrayRescue, Guarded, PerAngle, PromptMatch, SideGuard, StrongTag, SubJudges,
};

/// The line of one stage.
pub(super) fn stage_line(stem: &Stem, stage: Stage<'_>) -> String {
    let (choice, words) = match stage {
        Stage::PromptMatch(stage) => (stage.choice, fronts(stage)),
        Stage::SubJudges(stage) => (stage.choice, sub_judges(stage)),
        Stage::GrayRescue(stage) => (stage.choice.unwrap_or(Choice::Draw), gray(stage)),
        Stage::SideGuard(stage) => (stage.choice, sides(stage)),
    };
    format!("{stem} {}  {}  {words}", stage.name(), side(choice))
}

fn side(choice: Choice) -> &'static str {
    match choice {
        Choice::A => "left",
        Choice::B => "right",
        Choice::Draw => "draw",
    }
}

fn penalties([left, right]: [f64; 2]) -> String {
    format!("{left:.2} : {right:.2}")
}

/// `3.00 : 2.41  4 of 4 angles agree`: mean penalties, and the angles they are of.
fn fronts(stage: &PromptMatch) -> String {
    let figures = stage.mean_penalties().map(|means| penalties(means) + "  ").unwrap_or_default();
    let unanswered = stage.angles.iter().filter(|angle| angle.pair.json_failed == Some(true)).count();
    let unanswered = if unanswered > 0 { format!(", {unanswered} unanswered") } else { String::new() };
    format!("{figures}{} of {} angles agree{unanswered}", stage.n_consistent, stage.n_total)
}

/// `best view left 2.00 : 4.50 · quality abstains 4.00 : 4.50 · checklist left 12 : 9`, who was sure enough to decide alone with `(sure)`.
fn sub_judges(stage: &SubJudges) -> String {
    let (sure_view, sure_list) = match &stage.strong_tag {
        Some(StrongTag::Voters { best_view, checklist }) => (best_view.is_some(), checklist.is_some()),
        Some(StrongTag::Other(_)) | None => (false, false),
    };
    let votes = |pick: fn(&gen404_round::duel::Votes) -> Option<Choice>, strong: bool| match stage
        .votes
        .as_ref()
        .and_then(pick)
    {
        Some(choice) if strong => format!("{} (sure)", side(choice)),
        Some(choice) => side(choice).to_owned(),
        None => "abstains".to_owned(),
    };
    let compared = |name: &str, vote: String, compared: &Compared| {
        let unanswered = if compared.pair.json_failed == Some(true) { " unanswered" } else { "" };
        format!("{name} {vote} {}{unanswered}", penalties([compared.penalty_a, compared.penalty_b]))
    };
    let best_view = match &stage.best_view {
        Some(best) => compared("best view", votes(|votes| votes.best_view, sure_view), best),
        None => "no best view".to_owned(),
    };
    let quality = compared("quality", votes(|votes| votes.artifact_compare, false), &stage.artifact_compare);
    let checklist = match &stage.checklist {
        Checklist::Scored(list) if list.verify_failed => "checklist unanswered".to_owned(),
        Checklist::Scored(list) => {
            format!("checklist {} {} : {}", votes(|votes| votes.checklist, sure_list), list.score_a, list.score_b)
        }
        Checklist::Failed(_) => "checklist unanswered".to_owned(),
    };
    [best_view, quality, checklist].join(" · ")
}

/// `in gray 4.00 : 1.50`, or why it was not asked.
fn gray(stage: &GrayRescue) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    if let Some(compared) = &stage.compare {
        let figures = penalties([compared.penalty_a, compared.penalty_b]);
        let doubt = match (compared.pair.json_failed, compared.pair.contradictory, stage.choice) {
            (Some(true), _, _) => ", unanswered",
            (_, Some(true), _) => ", the two orders contradict each other",
            (_, _, None) => ", too close",
            (_, _, Some(_)) => "",
        };
        return format!("in gray {figures}{doubt}");
    }
    let measured = stage.pale_fraction.zip(stage.grayish_fraction);
    match (stage.fired, measured, &stage.unmeasured) {
        (true, _, _) => "asked in gray".to_owned(),
        (false, Some((pale, grayish)), _) => format!("not asked: {} pale, {} grayish", percent(pale), percent(grayish)),
        (false, None, Some(reason)) => format!("not asked: {reason}"),
        (false, None, None) => "not asked".to_owned(),
    }
}

/// `left ok · right garbage: right, back, top_down`.
fn sides(stage: &SideGuard) -> String {
    let garbage = |angles: &PerAngle<Guarded>| {
        let names = angles.0.iter().filter(|(_, verdict)| *verdict == Guarded::Garbage).map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let words = |name: &str, verdict: Guarded, angles: &PerAngle<Guarded>| match (verdict, garbage(angles)) {
        (Guarded::Ok, views) if views.is_empty() => format!("{name} ok"),
        (Guarded::Ok, views) => format!("{name} ok but for {views}"),
        (Guarded::Garbage, views) => format!("{name} garbage: {views}"),
    };
    let SideGuard { side_verdicts, per_angle, .. } = stage;
    [words("left", side_verdicts.a, &per_angle.a), words("right", side_verdicts.b, &per_angle.b)].join(" · ")
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    fn stage<T: DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).expect("a stage")
    }

    fn line(stage: Stage<'_>) -> String {
        stage_line(&"lamp".parse().expect("a stem"), stage)
    }

    fn angle(left: f64, right: f64, counts: bool) -> serde_json::Value {
        json!({"label": "front", "pen_a": left, "pen_b": right, "weight": 1.5, "contradictory": !counts})
    }

    #[test]
    fn stage_1_has_the_penalties_that_count() {
        let fronts = |angles: Vec<serde_json::Value>, choice: &str, consistent: usize| {
            let total = angles.len();
            line(Stage::PromptMatch(&stage(
                json!({"choice": choice, "n_total": total, "n_consistent": consistent, "angles": angles}),
            )))
        };
        let agreed = vec![angle(3.5, 2.32, true), angle(2.5, 2.5, true)];
        assert_eq!(fronts(agreed, "draw", 2), "lamp S1  draw  3.00 : 2.41  2 of 2 angles agree");
        let mut unanswered = angle(5.0, 5.0, false);
        unanswered["json_failed"] = true.into();
        let mixed = vec![angle(2.0, 6.0, true), unanswered, angle(0.0, 9.0, false)];
        assert_eq!(fronts(mixed, "A", 1), "lamp S1  left  2.00 : 6.00  1 of 3 angles agree, 1 unanswered");
        assert_eq!(fronts(vec![angle(1.0, 2.0, false)], "draw", 0), "lamp S1  draw  0 of 1 angles agree");
    }

    #[test]
    fn stage_2_says_who_voted_for_what() {
        let features = json!({"main_object": "lamp", "main_object_correct_a": true, "main_object_correct_b": true,
                              "features": [], "score_a": 9, "score_b": 12});
        let consensus: SubJudges = stage(json!({"choice": "B", "source": "consensus_3", "best_view": null,
            "artifact_compare": {"penalty_a": 5.0, "penalty_b": 3.5}, "checklist": features,
            "votes": {"best_view": null, "artifact_compare": "B", "checklist": "B"}}));
        let want = "lamp S2  right  no best view · quality right 5.00 : 3.50 · checklist right 9 : 12";
        assert_eq!(line(Stage::SubJudges(&consensus)), want);

        let strong: SubJudges = stage(json!({"choice": "A", "source": "strong_voter", "strong_tag": "bv|-3.0|",
            "best_view": {"penalty_a": 1.0, "penalty_b": 4.0},
            "artifact_compare": {"penalty_a": 5.0, "penalty_b": 5.0, "json_failed": true},
            "checklist": {"decompose_failed": true, "choice": "draw"},
            "votes": {"best_view": "A", "artifact_compare": null, "checklist": null}}));
        let want = "lamp S2  left  best view left (sure) 1.00 : 4.00 · quality abstains 5.00 : 5.00 unanswered · \
                    checklist unanswered";
        assert_eq!(line(Stage::SubJudges(&strong)), want);
    }

    #[test]
    fn stage_3_says_whether_and_what_it_asked() {
        let gray = |value| line(Stage::GrayRescue(&stage(value)));
        let compared = |more: &str| json!({"penalty_a": 4.0, "penalty_b": 1.5, more: true});
        assert_eq!(
            gray(json!({"fired": false, "choice": null, "pale_fraction": 0.034, "grayish_fraction": 0.6})),
            "lamp S3  draw  not asked: 3 % pale, 60 % grayish"
        );
        assert_eq!(
            gray(json!({"fired": false, "choice": null, "unmeasured": "no gray/front.png on the left"})),
            "lamp S3  draw  not asked: no gray/front.png on the left"
        );
        for (choice, more, want) in [
            (json!("B"), "", "right  in gray 4.00 : 1.50"),
            (json!(null), "", "draw  in gray 4.00 : 1.50, too close"),
            (json!(null), "contradictory", "draw  in gray 4.00 : 1.50, the two orders contradict each other"),
            (json!(null), "json_failed", "draw  in gray 4.00 : 1.50, unanswered"),
        ] {
            let said = gray(json!({"fired": true, "choice": choice, "compare": compared(more)}));
            assert_eq!(said, format!("lamp S3  {want}"));
        }
    }

    #[test]
    fn stage_4_names_the_views_that_do_not_fit() {
        let guard: SideGuard = stage(json!({"choice": "draw", "side_verdicts": {"a": "ok", "b": "garbage"},
            "per_angle": {"a": {"back": "garbage", "right": "ok"}, "b": {"back": "garbage", "right": "garbage"}}}));
        assert_eq!(line(Stage::SideGuard(&guard)), "lamp S4  draw  left ok but for back · right garbage: back, right");
        let fine: SideGuard = stage(json!({"choice": "A", "side_verdicts": {"a": "ok", "b": "ok"},
            "per_angle": {"a": {"right": "ok"}, "b": {"right": "ok"}}}));
        assert_eq!(line(Stage::SideGuard(&fine)), "lamp S4  left  left ok · right ok");
    }
}
