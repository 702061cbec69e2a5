//! Stage 1: which side reproduces the prompt picture better, seen from the front.
//! Angles whose two orders contradict each other do not count.

use gen404_round::duel::{Angle, Choice, PromptMatch};

use super::lower_penalty;
use super::pair::Pair;
use crate::profile::PromptMatchRules;

/// Decides from the answers for each front view, given in the profile's order.
pub(crate) fn decide(rules: &PromptMatchRules, answers: &[Pair]) -> PromptMatch {
    let counted: Vec<(f64, &Pair)> = rules
        .views
        .iter()
        .zip(answers)
        .filter(|(_, pair)| !pair.failed() && !pair.orders_disagree())
        .map(|(front, pair)| (front.weight, pair))
        .collect();
    let (choice, reason) = aggregate(rules, &counted);
    let angle = |(front, pair): (&crate::profile::FrontView, &Pair)| Angle {
        label: front.view.clone(),
        pen_a: pair.penalty_a(),
        pen_b: pair.penalty_b(),
        weight: Some(front.weight),
        pair: pair.detail(),
    };
    PromptMatch {
        choice,
        n_total: answers.len(),
        n_consistent: counted.len(),
        angles: rules.views.iter().zip(answers).map(angle).collect(),
        reason,
    }
}

fn aggregate(rules: &PromptMatchRules, counted: &[(f64, &Pair)]) -> (Choice, String) {
    if counted.is_empty() {
        return (Choice::Draw, "no angle whose two orders agree".to_owned());
    }
    let weights: f64 = counted.iter().map(|(weight, _)| weight).sum();
    let mean =
        |penalty: fn(&Pair) -> f64| counted.iter().map(|(weight, pair)| weight * penalty(pair)).sum::<f64>() / weights;
    let (mean_a, mean_b) = (mean(Pair::penalty_a), mean(Pair::penalty_b));
    let difference = mean_a - mean_b;
    let figures = format!("mean penalties {mean_a:.2} and {mean_b:.2}");

    if f64::midpoint(mean_a, mean_b) >= rules.both_bad_from && difference.abs() <= rules.both_bad_within {
        return (Choice::Draw, format!("{figures}: both are bad"));
    }
    if difference.abs() <= rules.draw_within {
        return (Choice::Draw, format!("{figures}: no more than {} apart", rules.draw_within));
    }
    let (for_a, for_b, signed) = counted.iter().fold((0.0, 0.0, 0), |(for_a, for_b, signed), (weight, pair)| {
        match lower_penalty(pair.difference()) {
            Choice::A => (for_a + weight, for_b, signed + 1),
            Choice::B => (for_a, for_b + weight, signed + 1),
            Choice::Draw => (for_a, for_b, signed),
        }
    });
    if signed >= rules.split_from_signed {
        let unity = (for_a - for_b).abs() / (for_a + for_b);
        if unity < rules.split_below {
            return (
                Choice::Draw,
                format!("{figures}, but the angles disagree: {unity:.2} is below {}", rules.split_below),
            );
        }
    }
    let choice = lower_penalty(difference);
    (choice, format!("{figures}: {} is closer to the prompt", choice.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::pair::tests::{agreed, pair};
    use super::*;
    use crate::profile::Profile;
    use crate::reply::Penalties;

    fn choice(profile: &str, answers: &[Pair]) -> Choice {
        decide(&Profile::built_in(profile).expect("built in").prompt_match, answers).choice
    }

    fn both(answers: &[Pair]) -> [Choice; 2] {
        [choice("official", answers), choice("cli", answers)]
    }

    #[test]
    fn the_lower_mean_penalty_wins() {
        use Choice::{A, B};
        assert_eq!(both(&[agreed(2.0, 5.0), agreed(2.0, 5.0), agreed(2.0, 5.0), agreed(2.0, 5.0)]), [A, A]);
        assert_eq!(both(&[agreed(5.0, 2.0), agreed(5.0, 2.0), agreed(5.0, 2.0), agreed(5.0, 2.0)]), [B, B]);
    }

    #[test]
    fn means_within_the_threshold_draw_and_the_threshold_itself_is_within() {
        use Choice::{A, Draw};
        let halves = |steps: &[f64]| -> Vec<Pair> { steps.iter().map(|step| agreed(3.0, 3.0 + step)).collect() };
        // official: plain means. 0.5 and 0.75.
        assert_eq!(choice("official", &halves(&[0.5, 0.5, 0.5, 0.5])), Draw);
        assert_eq!(choice("official", &halves(&[1.0, 1.0, 0.5, 0.5])), A);
        // cli: weights 2, 1.5, 1.5, 1.3 of 6.3. 0.5 × 6.3 + 0.5 × 1.5 = 3.9 → 0.619; + 0.5 × 1.5 = 4.65 → 0.738.
        assert_eq!(choice("cli", &halves(&[0.5, 1.0, 0.5, 0.5])), Draw);
        assert_eq!(choice("cli", &halves(&[0.5, 1.0, 1.0, 0.5])), A);
        let mut rules = Profile::built_in("official").expect("built in").prompt_match;
        rules.draw_within = 0.75;
        assert_eq!(decide(&rules, &halves(&[1.0, 1.0, 0.5, 0.5])).choice, Draw);
    }

    #[test]
    fn two_bad_sides_draw_even_further_apart() {
        use Choice::{A, Draw};
        // (mean, difference): 8.0 / 1.5 is the corner.
        for (a, b, want) in
            [(7.25, 8.75, Draw), (7.0, 8.75, A), (7.0, 8.5, A), (7.5, 9.5, A), (8.5, 10.0, Draw), (8.0, 8.5, Draw)]
        {
            let answers = [pair([a, b], [a, b]), agreed(a, b), agreed(a, b), agreed(a, b)];
            assert_eq!(both(&answers), [want, want], "{a} {b}");
        }
    }

    #[test]
    fn dissent_draws_by_weight() {
        use Choice::{A, Draw};
        // 3 : 1 is 0.5 with equal weights: below 0.65.
        let dissent_last = [agreed(2.0, 6.0), agreed(2.0, 6.0), agreed(2.0, 6.0), agreed(4.0, 3.0)];
        // cli: (2 + 1.5 + 1.5 − 1.3) / 6.3 = 0.587 passes 0.50; with the 2.0 dissenting (4.3 − 2) / 6.3 = 0.365 does not.
        assert_eq!(both(&dissent_last), [Draw, A]);
        let dissent_first = [agreed(4.0, 3.0), agreed(2.0, 6.0), agreed(2.0, 6.0), agreed(2.0, 6.0)];
        assert_eq!(both(&dissent_first), [Draw, Draw]);
        // 2 : 1 with one angle that names nobody.
        let three_signed = [agreed(2.0, 6.0), agreed(2.0, 6.0), agreed(4.0, 3.0), agreed(3.0, 3.0)];
        assert_eq!(choice("official", &three_signed), Draw);
        // 1 : 1 is no dissent worth looking at: two signed angles only.
        let two_signed = [agreed(2.0, 7.0), agreed(3.0, 3.0), agreed(4.0, 3.0), agreed(3.0, 3.0)];
        assert_eq!(both(&two_signed), [A, A]);
        // The threshold itself passes: 0.5 of 0.50.
        let mut rules = Profile::built_in("official").expect("built in").prompt_match;
        rules.split_below = 0.5;
        assert_eq!(decide(&rules, &dissent_last).choice, A);
    }

    #[test]
    fn contradictory_and_unanswered_angles_do_not_count() {
        let failed =
            Pair { ab: Penalties::neutral(), ba: Penalties { first: 9.0, second: 0.0, issues: String::new() } };
        let contradictory = pair([0.0, 10.0], [10.0, 0.0]);
        let stage = decide(
            &Profile::built_in("official").expect("built in").prompt_match,
            &[failed.clone(), contradictory.clone(), agreed(6.0, 3.0), agreed(6.0, 3.0)],
        );
        assert_eq!((stage.choice, stage.n_total, stage.n_consistent), (Choice::B, 4, 2));
        assert_eq!((stage.angles[0].pen_a, stage.angles[0].pen_b), (2.5, 7.0));
        assert_eq!(stage.angles[0].pair.json_failed, Some(true));
        assert_eq!(stage.angles[1].pair.contradictory, Some(true));
        assert_eq!(both(&[failed.clone(), contradictory.clone(), failed, contradictory]), [Choice::Draw, Choice::Draw]);
    }
}
