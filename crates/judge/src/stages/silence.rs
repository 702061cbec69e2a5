//! Stages that had no answer at all. What the subnet's judge puts in place of a single missing answer decides nothing by
//! itself; a stage made of nothing else would be a decision that nobody took.

use gen404_round::duel::{
    Checklist, GrayRescue, JudgedDetail, PairDetail, PerAngle, PromptMatch, SideGuard, SubJudges,
};

use crate::reply::FAILED_MARKER;

/// The first stage of a duel without any answer, of those that count. The summary never counts.
pub(crate) fn silent_stage(detail: &JudgedDetail) -> Option<&'static str> {
    let stages = [
        ("S1", prompt_match(&detail.s1)),
        ("S2", detail.s2.as_ref().is_some_and(sub_judges)),
        ("S3", detail.s3.as_ref().is_some_and(gray_rescue)),
        ("S4", detail.s4.as_ref().is_some_and(side_guard)),
    ];
    stages.into_iter().find(|(_, silent)| *silent).map(|(stage, _)| stage)
}

/// Both orders of every angle.
pub(crate) fn prompt_match(stage: &PromptMatch) -> bool {
    stage.angles.iter().all(|angle| pair(&angle.pair))
}

/// Every sub-judge that was asked: both orders of the comparisons, and a checklist that could not be scored.
pub(crate) fn sub_judges(stage: &SubJudges) -> bool {
    let checklist = match &stage.checklist {
        Checklist::Scored(scored) => scored.verify_failed,
        Checklist::Failed(_) => true,
    };
    checklist && pair(&stage.artifact_compare.pair) && stage.best_view.as_ref().is_none_or(|best| pair(&best.pair))
}

/// Both orders, when it was asked.
pub(crate) fn gray_rescue(stage: &GrayRescue) -> bool {
    stage.compare.as_ref().is_some_and(|compared| pair(&compared.pair))
}

/// Every angle of a side: that side's verdict would be an invention, whatever the other one's is.
pub(crate) fn side_guard(stage: &SideGuard) -> bool {
    let silent = |reasons: &PerAngle<String>| reasons.0.iter().all(|(_, reason)| reason == FAILED_MARKER);
    stage.reasons.as_ref().is_some_and(|reasons| silent(&reasons.a) || silent(&reasons.b))
}

fn pair(pair: &PairDetail) -> bool {
    pair.notes.as_ref().is_some_and(|notes| notes.iter().all(|note| note == FAILED_MARKER))
}

#[cfg(test)]
mod tests {
    use gen404_round::duel::{Choice, Guarded};

    use super::super::pair::{Pair, tests::agreed};
    use super::super::{gray_rescue as stage_3, prompt_match as stage_1, side_guard as stage_4, sub_judges as stage_2};
    use super::*;
    use crate::profile::Profile;
    use crate::reply::{ChecklistFeature, Penalties, PromptChecklist, SideVerdict, Verification};
    use crate::stages::sub_judges::BestViewAnswers;

    fn profile() -> Profile {
        Profile::built_in("official").expect("built in")
    }

    fn silent() -> Pair {
        Pair { ab: Penalties::neutral(), ba: Penalties::neutral() }
    }

    fn half() -> Pair {
        Pair { ba: Penalties::neutral(), ..agreed(2.0, 6.0) }
    }

    #[test]
    fn stage_1_is_silent_when_no_order_of_any_angle_was_answered() {
        let stage = |answers: [Pair; 4]| prompt_match(&stage_1::decide(&profile().prompt_match, &answers));
        assert!(stage([silent(), silent(), silent(), silent()]));
        assert!(!stage([silent(), half(), silent(), silent()]), "one answer of eight is one");
    }

    #[test]
    fn stage_2_is_silent_when_no_sub_judge_has_anything() {
        let feature = ChecklistFeature { description: "legs".to_owned(), category: "shape".to_owned() };
        let found = || PromptChecklist { main_object: "chair".to_owned(), features: vec![feature.clone(); 4] };
        let verified = || Verification { checks: Vec::new(), main_object_correct: true };
        let stage = |best: Option<Pair>, artifacts: &Pair, found, verified| {
            let views = || ["left".to_owned(), "back".to_owned()];
            let best = best.map(|pair| BestViewAnswers { pair, views: views() }).ok_or(None);
            let checklist = stage_2::checklist(&profile().checklist, found, verified);
            sub_judges(&stage_2::decide(&profile(), best, artifacts, checklist))
        };
        assert!(stage(None, &silent(), None, None));
        assert!(stage(Some(silent()), &silent(), Some(found()), Some([Some(verified()), None])));
        assert!(!stage(Some(half()), &silent(), None, None));
        assert!(!stage(None, &half(), None, None));
        assert!(!stage(None, &silent(), Some(found()), Some([Some(verified()), Some(verified())])));
    }

    #[test]
    fn stage_3_is_silent_when_it_asked_and_heard_nothing() {
        let rules = profile().gray_rescue;
        let paleness = stage_3::Paleness { pale: 0.5, grayish: 0.9 };
        assert!(gray_rescue(&stage_3::decide(&rules, paleness, &silent())));
        assert!(!gray_rescue(&stage_3::decide(&rules, paleness, &half())));
        assert!(!gray_rescue(&stage_3::not_fired(Ok(paleness))), "it did not ask");
    }

    #[test]
    fn stage_4_is_silent_when_nothing_of_a_side_was_answered() {
        let rules = profile().side_guard;
        let answered = || SideVerdict { verdict: Guarded::Ok, reason: "r".to_owned() };
        let side = |count: usize| -> Vec<SideVerdict> {
            (0..4).map(|index| if index < count { answered() } else { SideVerdict::neutral() }).collect()
        };
        let stage = |a: usize, b: usize| side_guard(&stage_4::decide(&rules, Choice::A, &side(a), &side(b)));
        assert_eq!([stage(0, 4), stage(4, 0), stage(0, 0)], [true; 3]);
        assert_eq!([stage(1, 1), stage(4, 4)], [false; 2]);
    }
}
