//! Rounds recomputed as the judge service computes them.

use std::collections::HashMap;

use gen404_round::standings::{
    AuditVerdict, Evidence, Matrix, Outcome, Rejection, Report, ReportOutcome, Standings, Step, standings,
};
use serde_json::{Value, json};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn matrix(rows: &Value) -> Matrix {
    rows.as_array().unwrap().iter().map(|row| (text(&row[0]), text(&row[1]), row[2].as_f64().unwrap())).collect()
}

fn evidence(case: &Value) -> Evidence {
    let list = |key: &str| case[key].as_array().unwrap().iter();
    let reports = case["generation_reports"].as_object().unwrap().iter().map(|(hotkey, report)| {
        let outcome = match report["outcome"].as_str().unwrap() {
            "pending" => ReportOutcome::Pending,
            "completed" => ReportOutcome::Completed,
            "rejected" => ReportOutcome::Rejected,
            other => panic!("{other}"),
        };
        let repeats = report["repeats"].as_array().unwrap().iter();
        let repeats = repeats.map(|repeat| u32::try_from(repeat["repeat_index"].as_u64().unwrap()).unwrap()).collect();
        (hotkey.clone(), Report { outcome, repeats })
    });
    let verdict =
        |audit: &Value| if audit["verdict"] == "passed" { AuditVerdict::Passed } else { AuditVerdict::Failed };
    Evidence {
        win_margin: case["win_margin"].as_f64().unwrap(),
        audit_repeats: u32::try_from(case["audit_repeats"].as_u64().unwrap()).unwrap(),
        submissions: list("submissions").map(|pair| (text(&pair[0]), pair[1].as_u64().unwrap())).collect(),
        matches: matrix(&case["match_matrix"]),
        audits: matrix(&case["audit_matrix"]),
        reports: reports.collect(),
        source_audits: list("source_audits").map(|audit| (text(&audit["hotkey"]), verdict(audit))).collect(),
        requested: list("previous_audit_requests")
            .map(|request| (text(&request["hotkey"]), text(&request["latest_defender"])))
            .collect(),
    }
}

/// The candidates that the judge service has in its timeline, in the golden file's form.
fn entries(standings: &Standings) -> Value {
    let entry = |hotkey: &str, status: &str, defender: &str, margin: Option<f64>, verified: bool| json!({"hotkey": hotkey, "status": status, "defender": defender, "margin": margin, "verified": verified});
    standings
        .candidates
        .iter()
        .filter_map(|candidate| {
            let hotkey = candidate.hotkey.as_str();
            match &candidate.outcome {
                Outcome::NotJudged { .. } | Outcome::NotQualified { .. } => None,
                Outcome::Pending { defender } => Some(entry(hotkey, "pending", defender, None, false)),
                Outcome::Lost { defender, margin } => Some(entry(hotkey, "lost", defender, Some(*margin), false)),
                Outcome::Won { defender, margin, pending } => {
                    Some(entry(hotkey, "won", defender, Some(*margin), pending.is_empty()))
                }
                Outcome::Rejected { defender, rejection } => {
                    let mut line = entry(hotkey, "rejected", defender, None, false);
                    let (cause, repeat) = match rejection {
                        Rejection::GenerationReport => ("generation_report", None),
                        Rejection::SourceAudit => ("source_audit", None),
                        Rejection::SubmittedAudit { repeat, .. } => ("submitted_audit", Some(*repeat)),
                        Rejection::DefenderAudit { repeat, .. } => ("defender_audit", Some(*repeat)),
                    };
                    line["cause"] = cause.into();
                    if let Some(repeat) = repeat {
                        line["repeat"] = repeat.into();
                    }
                    Some(line)
                }
            }
        })
        .collect()
}

fn next_unit(standings: &Standings) -> Value {
    let audit = |audit: &str, hotkey: &str, repeat: u32, defender: &str| json!({"kind": "audit_duel", "audit": audit, "hotkey": hotkey, "repeat": repeat, "defender": defender});
    match &standings.next {
        Step::Finalize => json!({"kind": "finalize"}),
        Step::SubmittedAudit { hotkey, repeat } => {
            let defender = standings.requested.iter().find(|(name, _)| name == hotkey).unwrap();
            audit("submitted", hotkey, *repeat, &defender.1)
        }
        Step::DefenderAudit { hotkey, defender, repeat } => audit("defender", hotkey, *repeat, defender),
        Step::Match { left, right } => json!({"kind": "timeline_match", "left": left, "right": right}),
        Step::Wait => json!({"kind": "wait"}),
    }
}

#[test]
fn all_rounds_stand_as_the_judge_service_had_them() {
    let cases = super::cases(include_str!("../data/standings.json"));
    assert_eq!(cases.len(), 61);
    for case in cases {
        let standings = standings(&evidence(&case));
        let (id, expected) = (&case["id"], &case["expected"]);
        let order: Vec<_> = standings.candidates.iter().map(|candidate| candidate.hotkey.as_str()).collect();
        assert_eq!(json!(order), expected["order"], "{id}");
        assert_eq!(entries(&standings), expected["entries"], "{id}");
        assert_eq!(standings.winner, expected["winner"], "{id}");
        assert_eq!(standings.is_final(), expected["finalized"], "{id}");
        assert_eq!(next_unit(&standings), expected["next_unit"], "{id}");
        assert_eq!(json!(standings.requested), expected["audit_requests"], "{id}");
        let verdicts: HashMap<_, _> = standings
            .verdicts()
            .map(|(hotkey, verdict)| (hotkey, if verdict == AuditVerdict::Passed { "passed" } else { "failed" }))
            .collect();
        assert_eq!(json!(verdicts), expected["audit_verdicts"], "{id}");
    }
}

#[test]
fn a_difference_from_what_is_published_is_named() {
    use gen404_round::standings::Difference;
    let evidence = Evidence {
        win_margin: 0.07,
        audit_repeats: 1,
        submissions: vec![("a".into(), 1), ("b".into(), 2), ("c".into(), 2)],
        matches: [("leader".into(), "a".into(), 9.0 / 128.0), ("leader".into(), "b".into(), 8.0 / 128.0)]
            .into_iter()
            .collect(),
        ..Evidence::default()
    };
    let standings = standings(&evidence);
    assert_eq!(standings.winner, "a");
    assert_eq!(standings.not_judged().map(|candidate| candidate.hotkey.as_str()).collect::<Vec<_>>(), ["c"]);
    assert!(matches!(standings.candidates[1].outcome, Outcome::NotQualified { .. }));
    let published = [("a".to_owned(), AuditVerdict::Failed)];
    assert_eq!(
        standings.differences(Some("leader"), &published),
        [
            Difference::Winner { recomputed: "a".into(), published: "leader".into() },
            Difference::Verdict { hotkey: "a".into(), recomputed: None, published: AuditVerdict::Failed },
        ]
    );
    assert!(standings.differences(Some("a"), &[]).is_empty());
}
