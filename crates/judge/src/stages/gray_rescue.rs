//! Stage 3: pale and colourless models are hard to tell apart in white light, so their gray renders are compared once more.
//! Measures the pictures it is given and judges the answers; nothing else is looked at.

mod png;

use gen404_round::duel::{Choice, GrayRescue};

pub(crate) use self::png::UnreadablePng;
use super::lower_penalty;
use super::pair::Pair;
use crate::profile::GrayRescueRules;

/// Shares of the foreground of both pictures together, 0 to 1. Both are 0 without a foreground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Paleness {
    pub(crate) pale: f64,
    pub(crate) grayish: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    foreground: u64,
    pale: u64,
    grayish: u64,
}

/// Measures two PNG files. One that cannot be read stops the stage; the error says which of the two.
pub(crate) fn measure(rules: &GrayRescueRules, pictures: [&[u8]; 2]) -> Result<Paleness, (usize, UnreadablePng)> {
    let mut counts = Counts::default();
    for (index, picture) in pictures.into_iter().enumerate() {
        let count = |pixel| add(rules, pixel, &mut counts);
        png::sample(picture, rules.sample_step, count).map_err(|error| (index, error))?;
    }
    Ok(shares(counts))
}

fn add(rules: &GrayRescueRules, pixel: [u8; 3], counts: &mut Counts) {
    let distance = pixel.iter().zip(rules.background).map(|(channel, background)| channel.abs_diff(background)).max();
    if distance.is_none_or(|distance| distance <= rules.background_within) {
        return;
    }
    counts.foreground += 1;
    let [red, green, blue] = pixel.map(f64::from);
    let (lightest, darkest) = (red.max(green).max(blue), red.min(green).min(blue));
    let saturation = if lightest == 0.0 { 0.0 } else { (lightest - darkest) / lightest };
    let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    counts.grayish += u64::from(saturation < rules.grayish_saturation_below);
    counts.pale += u64::from(luma > rules.pale_luma_above && saturation < rules.pale_saturation_below);
}

#[expect(clippy::cast_precision_loss, reason = "pixels are counted in millions")]
fn shares(counts: Counts) -> Paleness {
    if counts.foreground == 0 {
        return Paleness { pale: 0.0, grayish: 0.0 };
    }
    let share = |part: u64| part as f64 / counts.foreground as f64;
    Paleness { pale: share(counts.pale), grayish: share(counts.grayish) }
}

/// Whether the pictures are pale and colourless enough to ask.
pub(crate) fn fires(rules: &GrayRescueRules, paleness: Paleness) -> bool {
    paleness.pale >= rules.pale_from && paleness.grayish >= rules.grayish_from
}

/// The stage when it could not ask, with the reason if the pictures could not be measured.
pub(crate) fn not_fired(measured: Result<Paleness, String>) -> GrayRescue {
    let (paleness, unmeasured) = match measured {
        Ok(paleness) => (Some(paleness), None),
        Err(reason) => (None, Some(reason)),
    };
    GrayRescue {
        fired: false,
        choice: None,
        pale_fraction: paleness.map(|paleness| paleness.pale),
        grayish_fraction: paleness.map(|paleness| paleness.grayish),
        unmeasured,
        compare: None,
    }
}

/// Decides from the answers.
pub(crate) fn decide(rules: &GrayRescueRules, paleness: Paleness, answers: &Pair) -> GrayRescue {
    let difference = answers.difference();
    let blocked = answers.orders_disagree() || (rules.failure_blocks && answers.failed());
    let choice = Some(lower_penalty(difference))
        .filter(|choice| !blocked && difference.abs() >= rules.decide_from && *choice != Choice::Draw);
    GrayRescue { fired: true, choice, compare: Some(answers.compared()), ..not_fired(Ok(paleness)) }
}

#[cfg(test)]
mod tests {
    use super::super::pair::tests::{agreed, pair};
    use super::*;
    use crate::profile::Profile;
    use crate::reply::Penalties;

    fn rules(profile: &str) -> GrayRescueRules {
        Profile::built_in(profile).expect("built in").gray_rescue
    }

    /// (foreground, pale, grayish) of one pixel.
    fn kind(pixel: [u8; 3]) -> (bool, bool, bool) {
        let mut counts = Counts::default();
        add(&rules("official"), pixel, &mut counts);
        (counts.foreground == 1, counts.pale == 1, counts.grayish == 1)
    }

    #[test]
    fn pixels_on_the_limits() {
        for (pixel, want) in [
            ([146, 128, 110], (false, false, false)), // 18 away is background
            ([147, 128, 128], (true, false, true)),   // 19 is not
            ([128, 109, 128], (true, false, true)),
            ([100, 72, 80], (true, false, false)), // saturation 0.28 is not below 0.28
            ([200, 145, 170], (true, false, true)), // 0.275
            ([240, 156, 200], (true, false, false)), // 0.35 is not below 0.35
            ([240, 200, 160], (true, true, false)), // 0.333
            ([176, 176, 176], (true, true, true)),
            ([174, 174, 174], (true, false, true)),
            ([0, 0, 0], (true, false, true)), // black has no saturation
            ([255, 255, 255], (true, true, true)),
            ([255, 0, 0], (true, false, false)),
        ] {
            assert_eq!(kind(pixel), want, "{pixel:?}");
        }
    }

    #[test]
    fn the_gate_needs_both_shares_and_takes_the_thresholds_themselves() {
        let fired = |pale, grayish| fires(&rules("official"), shares(Counts { foreground: 50, pale, grayish }));
        assert!(fired(5, 30));
        assert!(!fired(4, 30));
        assert!(!fired(5, 29));
        assert!(!fires(&rules("cli"), shares(Counts::default())));
    }

    #[test]
    fn only_a_clear_and_consistent_difference_changes_anything() {
        use Choice::{A, B};
        let paleness = Paleness { pale: 0.5, grayish: 0.9 };
        let choice = |profile: &str, answers: &Pair| decide(&rules(profile), paleness, answers).choice;
        for profile in ["official", "cli"] {
            assert_eq!(choice(profile, &agreed(3.0, 5.0)), Some(A));
            assert_eq!(choice(profile, &agreed(5.5, 3.0)), Some(B));
            assert_eq!(choice(profile, &agreed(3.0, 4.5)), None);
            assert_eq!(choice(profile, &agreed(3.0, 3.0)), None);
            assert_eq!(choice(profile, &pair([0.0, 10.0], [5.0, 4.0])), None, "contradictory, though 4.5 apart");
        }
        let half_failed =
            Pair { ab: Penalties { first: 0.0, second: 6.0, issues: String::new() }, ba: Penalties::neutral() };
        assert_eq!(choice("official", &half_failed), Some(A), "3.0 apart with the neutral order averaged in");
        assert_eq!(choice("cli", &half_failed), None);
    }
}
