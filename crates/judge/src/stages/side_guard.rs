//! Stage 4: a side whose other views do not go with its own front loses its lead. The two sides are never compared here.

use gen404_round::duel::{Choice, Guarded, PerAngle, SideGuard, Sides};

use crate::profile::SideGuardRules;
use crate::reply::SideVerdict;

/// Decides from the verdicts on each side's views, given in the profile's order.
pub(crate) fn decide(rules: &SideGuardRules, primary: Choice, a: &[SideVerdict], b: &[SideVerdict]) -> SideGuard {
    let side = |verdicts: &[SideVerdict]| {
        let garbage = verdicts.iter().filter(|verdict| verdict.verdict == Guarded::Garbage).count();
        if garbage >= rules.garbage_from { Guarded::Garbage } else { Guarded::Ok }
    };
    let verdicts = |verdicts: &[SideVerdict]| {
        PerAngle(rules.views.iter().cloned().zip(verdicts.iter().map(|verdict| verdict.verdict)).collect())
    };
    let reasons = |verdicts: &[SideVerdict]| {
        PerAngle(rules.views.iter().cloned().zip(verdicts.iter().map(|verdict| verdict.reason.clone())).collect())
    };
    let side_verdicts = Sides { a: side(a), b: side(b) };
    SideGuard {
        choice: step_down(primary, &side_verdicts),
        side_verdicts,
        per_angle: Sides { a: verdicts(a), b: verdicts(b) },
        reasons: Some(Sides { a: reasons(a), b: reasons(b) }),
    }
}

/// One step towards the side that is not garbage.
fn step_down(primary: Choice, sides: &Sides<Guarded>) -> Choice {
    match (primary, sides.a, sides.b) {
        (Choice::A, Guarded::Garbage, Guarded::Ok) | (Choice::B, Guarded::Ok, Guarded::Garbage) => Choice::Draw,
        (Choice::Draw, Guarded::Garbage, Guarded::Ok) => Choice::B,
        (Choice::Draw, Guarded::Ok, Guarded::Garbage) => Choice::A,
        _ => primary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn views(garbage: usize) -> Vec<SideVerdict> {
        let verdict = |index| if index < garbage { Guarded::Garbage } else { Guarded::Ok };
        (0..4).map(|index| SideVerdict { verdict: verdict(index), reason: "r".to_owned() }).collect()
    }

    #[test]
    fn three_of_four_garbage_views_cost_one_step() {
        use Choice::{A, B, Draw};
        for profile in ["official", "cli"] {
            let rules = Profile::built_in(profile).expect("built in").side_guard;
            for (primary, a, b, want) in [
                (A, 3, 2, Draw),
                (A, 2, 2, A),
                (A, 2, 3, A),
                (A, 3, 3, A),
                (A, 4, 0, Draw),
                (B, 0, 3, Draw),
                (B, 3, 0, B),
                (B, 4, 4, B),
                (Draw, 3, 0, B),
                (Draw, 0, 4, A),
                (Draw, 3, 4, Draw),
                (Draw, 2, 2, Draw),
            ] {
                assert_eq!(decide(&rules, primary, &views(a), &views(b)).choice, want, "{primary:?} {a} {b}");
            }
        }
    }

    #[test]
    fn verdicts_are_recorded_by_angle() {
        let rules = Profile::built_in("official").expect("built in").side_guard;
        let stage = decide(&rules, Choice::Draw, &views(1), &views(0));
        assert_eq!(stage.per_angle.a.get("right"), Some(Guarded::Garbage));
        assert_eq!(stage.per_angle.a.get("top_down"), Some(Guarded::Ok));
        assert_eq!(stage.side_verdicts, Sides { a: Guarded::Ok, b: Guarded::Ok });
    }
}
