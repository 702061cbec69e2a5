//! Files cut anywhere and damaged anywhere: never a panic, and never another answer than the whole file gives.

use gen404_competition::files::{
    Builds, Config, GenerationAudits, GenerationReports, Leaders, MatchReport, MatrixFile, Outputs, PodStats, Prompts,
    RequireAudit, Schedule, Seed, SourceAudits, State, Submissions, Winner,
};
use gen404_competition::{Content, Document};
use proptest::prelude::*;

fn read<T: Content>(bytes: &[u8]) -> Option<T> {
    T::read(&Document { bytes: bytes.to_vec(), is_whole: false }).ok()
}

/// JSON that is cut is never taken for whole.
fn cut<T: Content>(path: &str) {
    let whole = super::file(path);
    let end = whole.trim_ascii_end().len();
    let step = (end / 400).max(1);
    for length in (0..end).step_by(step).chain([end - 1]) {
        assert!(read::<T>(&whole[..length]).is_none(), "{path} cut at {length}");
    }
    assert!(read::<T>(&whole[..end]).is_some(), "{path}");
}

#[test]
fn json_that_is_cut_is_not_taken_for_whole() {
    cut::<State>("state-open-53.json");
    cut::<Config>("config.json");
    cut::<Leaders>("leader.json");
    for round in [51, 52] {
        let folder = format!("rounds/{round}");
        cut::<Schedule>(&format!("{folder}/schedule.json"));
        cut::<Seed>(&format!("{folder}/seed.json"));
        cut::<Submissions>(&format!("{folder}/submissions.json"));
        cut::<Builds>(&format!("{folder}/builds.json"));
        cut::<RequireAudit>(&format!("{folder}/require_audit.json"));
        cut::<GenerationReports>(&format!("{folder}/generation_reports.json"));
        cut::<GenerationAudits>(&format!("{folder}/generation_audits.json"));
        cut::<Winner>(&format!("{folder}/winner.json"));
    }
    cut::<SourceAudits>("rounds/51/source_audit.json");
    let folder = "rounds/51/5HNDiJk6vERdjof7SnZGiZXMEotLfbN2H7j4ZTs8M31fMA8g";
    cut::<Outputs>(&format!("{folder}/submitted.json"));
    cut::<MatchReport>(&format!("{folder}/audit_leader_3.json"));
    cut::<PodStats>(&format!("{folder}/pod_stats.json"));
}

#[test]
fn a_matrix_that_is_cut_gives_only_rows_that_are_in_it() {
    for path in ["51/matches_matrix.csv", "51/audit_matrix.csv", "52/matches_matrix.csv", "53/audit_matrix.csv"] {
        let whole = super::file(&format!("rounds/{path}"));
        let all: MatrixFile = read(&whole).unwrap();
        for length in 0..whole.len() {
            let file: MatrixFile = read(&whole[..length]).unwrap_or_else(|| panic!("{path} cut at {length}"));
            assert!(all.rows.starts_with(&file.rows), "{path} cut at {length}: {:?}", file.rows.last());
            assert!(file.unreadable.is_empty(), "{path} cut at {length}");
            // What is left out is owned up to, unless the cut is exactly between rows.
            let missing = all.rows.len() - file.rows.len();
            let between = whole[..length].ends_with(b"\n") || whole[length] == b'\n' || whole[length] == b'\r';
            assert!(missing == 0 || file.unfinished.is_some() || between || length == 0, "{path} cut at {length}");
        }
    }
}

#[test]
fn prompts_that_are_cut_give_only_prompts_that_are_in_it() {
    let whole = super::file("rounds/52/prompts.txt");
    let all: Prompts = read(&whole).unwrap();
    // Everywhere in the last lines, and here and there before.
    for length in (0..whole.len()).step_by(53).chain(whole.len() - 220..whole.len()) {
        let Some(prompts) = read::<Prompts>(&whole[..length]) else { continue };
        assert!(all.lines.starts_with(&prompts.lines), "cut at {length}: {:?}", prompts.lines.last());
        assert!(all.prompts.starts_with(&prompts.prompts), "cut at {length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_anything_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        everything(&bytes);
    }

    #[test]
    fn no_damage_makes_anything_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), which in 0_usize..6) {
        let path = ["state-open-53.json", "leader.json", "rounds/51/submissions.json", "rounds/51/audit_matrix.csv",
            "rounds/51/generation_reports.json", "rounds/52/leader/pod_stats.json"][which];
        let mut bytes = super::file(path);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        everything(&bytes);
    }
}

fn everything(bytes: &[u8]) {
    let _results = (
        (read::<State>(bytes), read::<Config>(bytes), read::<Leaders>(bytes), read::<Schedule>(bytes)),
        (read::<Seed>(bytes), read::<Prompts>(bytes), read::<Submissions>(bytes), read::<Builds>(bytes)),
        (read::<RequireAudit>(bytes), read::<GenerationReports>(bytes), read::<GenerationAudits>(bytes)),
        (read::<SourceAudits>(bytes), read::<MatrixFile>(bytes), read::<Winner>(bytes), read::<Outputs>(bytes)),
        (read::<MatchReport>(bytes), read::<PodStats>(bytes)),
    );
}
