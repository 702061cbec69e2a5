//! Rounds of the running competition recomputed from their files.

use gen404_competition::files::{Prompts, Seed};
use gen404_competition::{Gap, Recomputed, RoundFile, RoundFiles, recompute};
use gen404_round::python::sample;
use gen404_round::standings::{Outcome, Pending, Rejection, Step};
use jiff::Timestamp;

async fn round(number: u64) -> Recomputed {
    let client = super::folder_client();
    let files = RoundFiles::load(&client.look(Timestamp::UNIX_EPOCH), number).await.unwrap();
    recompute(&files, None).unwrap()
}

/// The line of the candidate whose hotkey begins like this.
fn outcome<'a>(round: &'a Recomputed, beginning: &str) -> &'a Outcome {
    &round.standings.candidates.iter().find(|candidate| candidate.hotkey.starts_with(beginning)).unwrap().outcome
}

fn rejection(round: &Recomputed, beginning: &str) -> Rejection {
    match outcome(round, beginning) {
        Outcome::Rejected { rejection, .. } | Outcome::NotJudged { rejection: Some(rejection) } => *rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn round_51_has_the_recorded_winner_and_all_published_rejections() {
    let round = round(51).await;
    assert!((round.win_margin - 0.07).abs() < f64::EPSILON);
    assert_eq!(round.audit_repeats, 3);
    assert!(round.standings.winner.starts_with("5HNDiJk6vE"));
    assert_eq!(round.published_winner.as_ref(), Some(&round.standings.winner));
    assert_eq!((round.differences.as_slice(), round.gaps.as_slice()), (&[][..], &[][..]));
    assert!(round.standings.is_final());
    assert_eq!(round.standings.next, Step::Finalize);
    let defender = |margin| Rejection::DefenderAudit { repeat: 1, margin };
    assert_eq!(rejection(&round, "5G2F5uZEW8"), defender(0.046_875));
    assert_eq!(rejection(&round, "5GaUkobydz"), defender(0.054_687_5));
    assert_eq!(rejection(&round, "5HKTqCTGmg"), defender(0.046_875));
    assert_eq!(rejection(&round, "5HASBZ9Qyn"), Rejection::GenerationReport);
    assert_eq!(rejection(&round, "5Fj1vMp8mv"), Rejection::SubmittedAudit { repeat: 1, margin: -0.109_375 });
    // It beat the winner by 7.81 %, but an audit against it did not: rejected after the fact.
    assert_eq!(rejection(&round, "5GNVR1G8Zb"), defender(0.054_687_5));
    let Outcome::Won { defender, pending, .. } = outcome(&round, "5HNDiJk6vE") else { panic!() };
    assert_eq!((defender.as_str(), pending.as_slice()), ("leader", &[][..]));
}

#[tokio::test]
async fn round_51_does_not_come_out_with_the_margin_of_earlier_rounds() {
    let client = super::folder_client();
    let files = RoundFiles::load(&client.look(Timestamp::UNIX_EPOCH), 51).await.unwrap();
    let round = recompute(&files, Some(0.05)).unwrap();
    assert!(!round.standings.is_final() || !round.differences.is_empty());
}

#[tokio::test]
async fn round_52_is_defended_and_its_files_are_known_to_be_incomplete() {
    let round = round(52).await;
    assert_eq!(round.standings.winner, "leader");
    assert_eq!(round.published_winner.as_deref(), Some("leader"));
    assert_eq!(round.differences, []);
    assert_eq!(rejection(&round, "5GdVwhDkmX"), Rejection::SubmittedAudit { repeat: 1, margin: -0.140_625 });
    assert_eq!(rejection(&round, "5EKhXUKdtV"), Rejection::SubmittedAudit { repeat: 1, margin: -0.156_25 });
    // 38 submissions, 23 rows, two more decided by their audits.
    assert_eq!(round.gaps, [Gap::NotThere(RoundFile::SourceAudit), Gap::NotJudged(13)]);
}

#[tokio::test]
async fn round_53_is_running_and_its_next_match_is_named() {
    let round = round(53).await;
    assert_eq!(round.published_winner, None);
    assert_eq!(round.differences, []);
    assert!(!round.standings.is_final());
    let Outcome::Won { pending, .. } = outcome(&round, "5Ft8DiGFuB") else { panic!() };
    assert_eq!(pending[..2], [Pending::SourceAudit, Pending::SubmittedAudit { repeat: 1 }]);
    let Step::Match { left, right } = &round.standings.next else { panic!("{:?}", round.standings.next) };
    assert!(left.starts_with("5Ft8DiGFuB") && right.starts_with("5CEDZ9foFA"), "{left} {right}");
}

#[test]
fn the_first_prompts_of_a_round_are_drawn_from_the_round_before() {
    let before: Prompts = super::content::read("rounds/51/prompts.txt");
    let after: Prompts = super::content::read("rounds/52/prompts.txt");
    let seed: Seed = super::content::read("rounds/52/seed.json");
    let drawn: Vec<&String> = sample(seed.seed, &before.lines, 32);
    assert_eq!(drawn, after.lines[..32].iter().collect::<Vec<_>>());
}
