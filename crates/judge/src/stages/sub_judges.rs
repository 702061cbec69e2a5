//! Stage 2: the votes of three sub-judges, strong voters first, then the count.
//! Also the checklist's scores, which one of the votes is made of.

use gen404_round::duel::{
    Checklist, ChecklistFailure, Choice, Compared, Feature, FeatureMark, ScoredChecklist, StrongTag, SubJudges,
    VerdictSource, VoteCounts, Votes,
};

use super::lower_penalty;
use super::pair::Pair;
use crate::profile::{ChecklistRules, Profile};
use crate::reply::{PromptChecklist, Verification};

/// The best-view sub-judge's answers, and the views it was about.
#[derive(Debug, Clone)]
pub(crate) struct BestViewAnswers {
    pub(crate) pair: Pair,
    pub(crate) views: [String; 2],
}

/// Decides from what the sub-judges have; `Err` says why there is no best view, if that is worth a word.
pub(crate) fn decide(
    profile: &Profile,
    best_view: Result<BestViewAnswers, Option<String>>,
    artifacts: &Pair,
    checklist: Checklist,
) -> SubJudges {
    let view_difference = best_view.as_ref().ok().map(|answers| answers.pair.difference());
    let gap = gap(&checklist);
    let votes = Votes {
        best_view: view_difference.and_then(|difference| penalty_vote(difference, profile.best_view.vote_from)),
        artifact_compare: penalty_vote(artifacts.difference(), profile.artifacts.vote_from),
        checklist: if gap.abs() >= profile.checklist.vote_from { higher_score(gap) } else { None },
    };
    let strong = strong_voters(profile, view_difference, gap);
    let (choice, source, vote_counts) = if let Some((choice, _)) = &strong {
        (*choice, VerdictSource::StrongVoter, None)
    } else {
        let counts = count(votes);
        (consensus(counts, profile.consensus.votes_needed), VerdictSource::Consensus, Some(counts))
    };
    let (best_view, best_view_absent) = match best_view {
        Ok(BestViewAnswers { pair, views: [a, b] }) => {
            (Some(Compared { view_a: Some(a), view_b: Some(b), ..pair.compared() }), None)
        }
        Err(absent) => (None, absent),
    };
    SubJudges {
        choice,
        source,
        best_view,
        best_view_absent,
        artifact_compare: artifacts.compared(),
        checklist,
        votes: Some(votes),
        strong_tag: strong.map(|(_, tag)| tag),
        vote_counts,
    }
}

fn penalty_vote(difference: f64, vote_from: f64) -> Option<Choice> {
    let vote = lower_penalty(difference);
    (difference.abs() >= vote_from && vote != Choice::Draw).then_some(vote)
}

fn higher_score(gap: i64) -> Option<Choice> {
    match gap {
        1.. => Some(Choice::A),
        0 => None,
        _ => Some(Choice::B),
    }
}

/// The side that all strong voters name, and who they are; `None` when there are none or they disagree.
fn strong_voters(profile: &Profile, view_difference: Option<f64>, gap: i64) -> Option<(Choice, StrongTag)> {
    let best_view = view_difference.filter(|difference| difference.abs() >= profile.best_view.strong_from);
    let by_view = best_view.map(lower_penalty);
    let by_list = higher_score(gap).filter(|_| gap.abs() >= profile.checklist.strong_from);
    let choice = match (by_view, by_list) {
        (Some(view), Some(list)) if view != list => return None,
        (view, list) => view.or(list)?,
    };
    Some((choice, StrongTag::Voters { best_view, checklist: by_list.map(|_| gap) }))
}

fn count(votes: Votes) -> VoteCounts {
    let votes = [votes.best_view, votes.artifact_compare, votes.checklist];
    let of = |side| votes.iter().flatten().fold(0, |sum, vote| sum + u8::from(*vote == side));
    VoteCounts { a: of(Choice::A), b: of(Choice::B) }
}

fn consensus(counts: VoteCounts, needed: u8) -> Choice {
    if counts.a >= needed && counts.a > counts.b {
        Choice::A
    } else if counts.b >= needed && counts.b > counts.a {
        Choice::B
    } else {
        Choice::Draw
    }
}

/// Score of A minus score of B; 0 when the checklist failed.
fn gap(checklist: &Checklist) -> i64 {
    match checklist {
        Checklist::Scored(scored) => scored.score_a - scored.score_b,
        Checklist::Failed(_) => 0,
    }
}

/// The checklist's result from what was found in the prompt picture and verified on both sides.
pub(crate) fn checklist(
    rules: &ChecklistRules,
    found: Option<PromptChecklist>,
    verified: Option<[Option<Verification>; 2]>,
) -> Checklist {
    let Some(found) = found else {
        let choice = Choice::Draw;
        return Checklist::Failed(ChecklistFailure { decompose_failed: true, score_a: 0, score_b: 0, gap: 0, choice });
    };
    // One side alone says nothing: a failed verification takes the other's answer with it.
    let (a, b) = match verified {
        Some([Some(a), Some(b)]) => (Some(a), Some(b)),
        _ => (None, None),
    };
    let scores = [&a, &b].map(|side| side.as_ref().map_or(0, |verification| score(rules, verification)));
    let mark = |side: &Option<Verification>, feature: &str| {
        // Of repeated features the last one is kept, as the subnet's records do.
        let check = side.as_ref()?.checks.iter().rev().find(|check| check.feature == feature)?;
        Some((check.mark, check.note.clone()))
    };
    let features = found
        .features
        .into_iter()
        .map(|feature| {
            let (side_a, note_a) = mark(&a, &feature.description).unzip();
            let (side_b, note_b) = mark(&b, &feature.description).unzip();
            Feature { feature: feature.description, side_a, side_b, note_a, note_b }
        })
        .collect();
    Checklist::Scored(ScoredChecklist {
        main_object: found.main_object,
        main_object_correct_a: a.as_ref().map(|side| side.main_object_correct),
        main_object_correct_b: b.as_ref().map(|side| side.main_object_correct),
        features,
        score_a: scores[0],
        score_b: scores[1],
        verify_failed: a.is_none(),
    })
}

fn score(rules: &ChecklistRules, verification: &Verification) -> i64 {
    let points = verification.checks.iter().map(|check| match check.mark {
        FeatureMark::Yes => rules.yes_points,
        FeatureMark::Partial => rules.partial_points,
        FeatureMark::No => 0,
    });
    points.sum::<i64>() + if verification.main_object_correct { rules.main_object_points } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::pair::tests::agreed;
    use super::*;
    use crate::reply::{Check, ChecklistFeature};

    fn scored(score_a: i64, score_b: i64) -> Checklist {
        Checklist::Scored(ScoredChecklist {
            main_object: "chair".to_owned(),
            main_object_correct_a: Some(true),
            main_object_correct_b: Some(true),
            features: Vec::new(),
            score_a,
            score_b,
            verify_failed: false,
        })
    }

    /// Decides from differences: B's penalty minus A's for the two comparisons (positive favours A), A's score minus B's.
    fn judged(profile: &str, view: Option<f64>, artifacts: f64, gap: i64) -> SubJudges {
        let profile = Profile::built_in(profile).expect("built in");
        let pair = |lead: f64| agreed(5.0 - lead / 2.0, 5.0 + lead / 2.0);
        let best_view =
            view.map(|lead| BestViewAnswers { pair: pair(lead), views: ["left".to_owned(), "back".to_owned()] });
        decide(&profile, best_view.ok_or(None), &pair(artifacts), scored(10 + gap, 10))
    }

    fn outcome(stage: &SubJudges) -> (Choice, Option<String>) {
        (stage.choice, stage.strong_tag.as_ref().map(ToString::to_string))
    }

    #[test]
    fn strong_voters_decide_from_their_thresholds_on() {
        use Choice::{A, B, Draw};
        let cases = [
            ("official", Some(2.0), 0, (A, Some("bv|-2.0|"))),
            ("official", Some(1.5), 0, (Draw, None)),
            ("official", Some(-2.5), 0, (B, Some("bv|+2.5|"))),
            ("official", None, 6, (A, Some("cl|+6|"))),
            ("official", None, 5, (Draw, None)),
            ("official", None, -11, (B, Some("cl|-11|"))),
            ("official", Some(-2.5), -11, (B, Some("bv|+2.5|+cl|-11|"))),
            ("official", Some(2.5), -11, (Draw, None)),
            ("cli", Some(2.0), 0, (Draw, None)),
            ("cli", Some(2.5), 0, (A, Some("bv|-2.5|"))),
            ("cli", None, 6, (Draw, None)),
            ("cli", None, 7, (A, Some("cl|+7|"))),
            ("cli", None, -7, (B, Some("cl|-7|"))),
            ("cli", Some(-3.0), -8, (B, Some("bv|+3.0|+cl|-8|"))),
        ];
        for (profile, view, gap, want) in cases {
            let stage = judged(profile, view, 0.0, gap);
            assert_eq!(outcome(&stage), (want.0, want.1.map(str::to_owned)), "{profile} {view:?} {gap}");
            let counted = stage.vote_counts.is_some();
            assert_eq!(stage.source == VerdictSource::Consensus, counted);
            assert_eq!(counted, want.1.is_none());
        }
    }

    #[test]
    fn the_artifact_comparison_is_never_a_strong_voter() {
        for profile in ["official", "cli"] {
            assert_eq!(outcome(&judged(profile, Some(0.0), 10.0, 0)), (Choice::Draw, None));
        }
    }

    #[test]
    fn votes_begin_at_their_thresholds_and_two_are_needed() {
        use Choice::{A, B, Draw};
        let cases = [
            (Some(1.0), 1.0, 2, A, (3, 0)),
            (Some(1.0), 1.0, 0, A, (2, 0)),
            (Some(0.5), 1.0, 2, A, (2, 0)),
            (Some(1.0), 0.5, 2, A, (2, 0)),
            (Some(0.5), 0.5, 2, Draw, (1, 0)),
            (Some(1.0), 1.0, 1, A, (2, 0)),
            (Some(0.5), 0.5, 1, Draw, (0, 0)),
            (Some(1.0), -1.0, 0, Draw, (1, 1)),
            (Some(1.0), 1.0, -2, A, (2, 1)),
            (Some(-1.0), -1.0, 2, B, (1, 2)),
            (None, -1.0, -2, B, (0, 2)),
            (None, -1.0, 2, Draw, (1, 1)),
        ];
        for profile in ["official", "cli"] {
            for (view, artifacts, gap, want, (a, b)) in cases {
                let stage = judged(profile, view, artifacts, gap);
                assert_eq!(
                    (stage.choice, stage.vote_counts),
                    (want, Some(VoteCounts { a, b })),
                    "{view:?} {artifacts} {gap}"
                );
            }
        }
    }

    #[test]
    fn disagreeing_strong_voters_leave_it_to_the_count() {
        // Best view strongly for A, checklist strongly for B, artifacts decide.
        let stage = judged("official", Some(3.0), 1.0, -8);
        assert_eq!((stage.choice, stage.source), (Choice::A, VerdictSource::Consensus));
        assert_eq!(stage.vote_counts, Some(VoteCounts { a: 2, b: 1 }));
    }

    fn found(features: &[&str]) -> PromptChecklist {
        let feature = |text: &&str| ChecklistFeature { description: (*text).to_owned(), category: "shape".to_owned() };
        PromptChecklist { main_object: "red chair".to_owned(), features: features.iter().map(feature).collect() }
    }

    fn verified(checks: &[(&str, FeatureMark)], main_object_correct: bool) -> Verification {
        let check = |(feature, mark): &(&str, FeatureMark)| Check {
            feature: (*feature).to_owned(),
            mark: *mark,
            note: "n".to_owned(),
        };
        Verification { checks: checks.iter().map(check).collect(), main_object_correct }
    }

    #[test]
    fn every_returned_check_scores_and_exact_texts_are_recorded() {
        use FeatureMark::{No, Partial, Yes};
        let rules = Profile::built_in("official").expect("built in").checklist;
        let a = verified(&[("legs", Yes), ("seat", Partial), ("ARMS", Yes), ("legs", No), ("extra", Yes)], true);
        let b = verified(&[], false);
        let Checklist::Scored(list) =
            checklist(&rules, Some(found(&["legs", "seat", "arms"])), Some([Some(a), Some(b)]))
        else {
            panic!("scored")
        };
        assert_eq!((list.score_a, list.score_b), (2 + 1 + 2 + 2 + 3, 0));
        let marks: Vec<_> = list.features.iter().map(|feature| (feature.side_a, feature.side_b)).collect();
        assert_eq!(marks, [(Some(No), None), (Some(Partial), None), (None, None)]);
        assert_eq!((list.main_object_correct_a, list.main_object_correct_b), (Some(true), Some(false)));
    }

    #[test]
    fn a_failed_checklist_has_no_vote() {
        let rules = Profile::built_in("official").expect("built in").checklist;
        let failed = checklist(&rules, None, None);
        assert!(matches!(&failed, Checklist::Failed(failure) if failure.decompose_failed));
        assert_eq!(gap(&failed), 0);
        let one_sided = checklist(
            &rules,
            Some(found(&["legs"])),
            Some([Some(verified(&[("legs", FeatureMark::Yes)], true)), None]),
        );
        let Checklist::Scored(list) = &one_sided else { panic!("scored") };
        assert!(list.verify_failed);
        assert_eq!(
            (list.score_a, list.score_b, list.main_object_correct_a, list.features[0].side_a),
            (0, 0, None, None)
        );
        assert_eq!(gap(&one_sided), 0);
    }
}
