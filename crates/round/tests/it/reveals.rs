//! Histories of reveals to submissions, as the collector merges and validates them.

use gen404_round::{Collected, Verdict, Window, collect};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The text as it stands on chain: behind a SCALE length.
fn payload(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    let mut bytes = match length {
        0..64 => (length << 2).to_le_bytes()[..1].to_vec(),
        64..16_384 => ((length << 2) | 1).to_le_bytes()[..2].to_vec(),
        _ => ((length << 2) | 2).to_le_bytes().to_vec(),
    };
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn collected(case: &Value) -> Collected {
    // The chain's block numbers have no sign: a reveal below zero cannot exist, and a window from below zero begins at zero.
    let block = |value: &Value| value.as_u64();
    let window =
        Window { earliest: block(&case["earliest"]).unwrap_or(0), latest: Some(block(&case["latest"]).unwrap()) };
    let history: Vec<_> =
        case["history"].as_array().unwrap().iter().map(|entry| (block(&entry[0]), &entry[1])).collect();
    let reveals: Vec<_> =
        history.iter().filter_map(|(block, text)| Some((payload(text.as_str().unwrap()), (*block)?))).collect();
    let hotkey = case["hotkey"].as_str().unwrap();
    collect(hotkey, window, reveals.iter().map(|(payload, block)| (payload.as_slice(), *block)))
}

#[test]
fn all_histories_give_what_the_collector_gave() {
    let cases = super::cases(include_str!("../data/reveals.json"));
    assert_eq!(cases.len(), 301);
    for case in cases {
        let result = match collected(&case).verdict {
            Verdict::Counts(submission) => json!({
                "repo": submission.repo,
                "commit": submission.commit,
                "cdn_url": submission.cdn_url.as_str(),
                "reveal_block": submission.reveal_block,
            }),
            Verdict::Incomplete { missing } => {
                assert!(!missing.is_empty(), "{case}");
                Value::Null
            }
            Verdict::Invalid(faults) => {
                assert!(!faults.is_empty(), "{case}");
                Value::Null
            }
            Verdict::Breaks(_) => "raises".into(),
        };
        assert_eq!(result, case["expected"], "{case}");
    }
}

#[test]
fn every_refusal_says_why() {
    let collect = |history: Value| {
        let case = json!({"hotkey": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "earliest": 10, "latest": 20,
            "history": history});
        let Collected { fields, verdict } = collected(&case);
        let said = match verdict {
            Verdict::Counts(submission) => format!("counts from {}", submission.reveal_block),
            Verdict::Incomplete { missing } => {
                format!("missing {}", missing.iter().map(|f| f.key()).collect::<Vec<_>>().join(" "))
            }
            Verdict::Invalid(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Verdict::Breaks(breakage) => breakage.to_string(),
        };
        (said, fields.repo.map(|latest| (latest.value, latest.block)))
    };
    let good = r#"{"repo":"a/b","commit":"5b1e56b263464daec34aae0ce9fee7c609a4eb07","cdn_url":"https://c"}"#;
    let repo = |value: &str, block| Some((value.to_owned(), block));
    assert_eq!(collect(json!([[10, good]])), ("counts from 10".into(), repo("a/b", 10)));
    assert_eq!(collect(json!([[9, good], [21, good]])), ("missing repo commit cdn_url".into(), None));
    assert_eq!(
        collect(json!([[10, good], [12, r#"{"repo":"a/b.c","commit":"zz"}"#]])),
        (
            "`repo` is not owner/name in letters, digits, `_` and `-`; `commit`: a commit hash has 40 characters, this has \
             2; `git rev-parse HEAD` prints the full one"
                .into(),
            repo("a/b.c", 12)
        )
    );
    assert_eq!(
        collect(json!([[10, good], [12, r#"{"repo":[7]}"#]])),
        ("`repo` is a list, not a string".into(), repo("[7]", 12))
    );
    assert_eq!(
        collect(json!([[10, good], [12, "7"]])),
        ("the collector dies on the reveal of block 12: it is a number, not an object".into(), repo("a/b", 10))
    );
    assert_eq!(
        collect(json!([[10, good], [10, r#"{"repo":7}"#]])),
        (
            "the collector dies on the reveals of block 10: it cannot compare their values of `repo`".into(),
            repo("a/b", 10)
        )
    );
    assert_eq!(
        collect(json!([[10, good], [11, r#"{"cdn_url":7}"#]])).0,
        "the collector dies on the reveal of block 11: its `cdn_url` is a number, not a string"
    );
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    assert_eq!(
        collect(json!([[10, good], [11, deep]])).0,
        "the collector dies on the reveal of block 11: it is nested too deeply"
    );
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic(payloads in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), 0_u64..4), 0..6)) {
        let window = Window { earliest: 1, latest: None };
        collect("5GrwvaEF5zXb", window, payloads.iter().map(|(payload, block)| (payload.as_slice(), *block)));
    }
}
