//! Every file as it really is.

use gen404_competition::files::{
    BuildStatus, Builds, Config, GenerationAudits, GenerationReports, Leaders, MatchReport, MatrixFile, Outputs,
    PodStats, Prompts, RequireAudit, Schedule, Seed, SourceAudits, Stage, State, Submissions, Winner,
};
use gen404_competition::{AuditMargin, AuditSubject, Content, Document, Unreadable, own_place};
use gen404_round::Hotkey;

pub(crate) fn read<T: Content>(path: &str) -> T {
    T::read(&Document { bytes: super::file(path), is_whole: true }).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn from_text<T: Content>(text: &str) -> Result<T, Unreadable> {
    T::read(&Document { bytes: text.as_bytes().to_vec(), is_whole: true })
}

const WINNER: &str = "5HNDiJk6vERdjof7SnZGiZXMEotLfbN2H7j4ZTs8M31fMA8g";

#[test]
fn global_files() {
    let state: State = read("state-miner_generation-53.json");
    assert_eq!((state.current_round, &state.stage), (53, &Stage::MinerGeneration));
    assert_eq!(state.next_stage_eta, Some(super::time("2026-10-10T12:00:49.018427Z")));
    assert_eq!(read::<State>("state-open-53.json").stage, Stage::Open);
    let state: State = read("state-downloading-14.json");
    assert_eq!((state.stage, state.next_stage_eta), (Stage::Downloading, None));
    let config: Config = read("config.json");
    assert_eq!(config.name, "threejs");
    assert_eq!((config.win_margin, config.audit_repeats), (Some(0.07), None));
    assert_eq!((config.prompts_per_round, config.carryover_prompts), (Some(128), Some(32)));
    assert_eq!(config.round_start_time, Some(jiff::civil::time(8, 0, 0, 0)));
    assert_eq!(config.finalization_buffer_hours, Some(1.0));
    assert_eq!(config.last_competition_date, Some(jiff::civil::date(2027, 4, 29)));
    let leaders: Leaders = read("leader.json");
    assert!(leaders.0[0].is_placeholder());
    // Before the first real leader there is none: the placeholder is nobody.
    assert_eq!(leaders.at(8_116_144), None);
    assert_eq!(leaders.at(8_116_145).map(|entry| entry.repo.as_str()), Some("owner-1/name-64"));
    assert_eq!(leaders.after(0).map(|entry| entry.effective_block), Some(8_116_145));
    let now = leaders.at(9_240_000).unwrap();
    assert_eq!((now.hotkey.to_string().as_str(), now.effective_block), (WINNER, 9_229_786));
    assert!((now.weight - 1.0).abs() < f64::EPSILON);
    assert_eq!(leaders.after(9_240_000), None);
}

#[test]
fn files_of_a_round() {
    let schedule: Schedule = read("rounds/52/schedule.json");
    assert_eq!((schedule.latest_reveal_block, schedule.generation_deadline_block), (9_229_786, 9_230_986));
    assert_eq!(read::<Seed>("rounds/52/seed.json").seed, 579_720_909);
    let prompts: Prompts = read("rounds/52/prompts.txt");
    assert_eq!((prompts.prompts.len(), prompts.lines.len(), prompts.unusable.len()), (128, 128, 0));
    for (round, count) in [(51, 31), (52, 38), (53, 29)] {
        let submissions: Submissions = read(&format!("rounds/{round}/submissions.json"));
        assert_eq!((submissions.0.entries.len(), submissions.0.unreadable.len()), (count, 0));
        let builds: Builds = read(&format!("rounds/{round}/builds.json"));
        assert_eq!((builds.0.entries.len(), builds.0.unreadable.len()), (count, 0));
    }
    let builds: Builds = read("rounds/51/builds.json");
    let count = |status: &BuildStatus| builds.0.entries.iter().filter(|(_, build)| build.status == *status).count();
    assert_eq!((count(&BuildStatus::Success), count(&BuildStatus::Failure)), (24, 4));
    assert_eq!(count(&BuildStatus::InProgress) + count(&BuildStatus::Pending), 3);
    assert_eq!(read::<Winner>("rounds/51/winner.json").winner_hotkey, WINNER);
    assert_eq!(read::<Winner>("rounds/52/winner.json").winner_hotkey, "leader");
    assert_eq!(read::<RequireAudit>("rounds/51/require_audit.json").0.entries.len(), 8);
    assert_eq!(read::<GenerationReports>("rounds/51/generation_reports.json").0.entries.len(), 5);
    assert_eq!(read::<GenerationAudits>("rounds/51/generation_audits.json").0.entries.len(), 5);
    assert_eq!(read::<SourceAudits>("rounds/51/source_audit.json").0.entries.len(), 1);
    let audits: MatrixFile = read("rounds/51/audit_matrix.csv");
    assert_eq!((audits.rows.len(), audits.unreadable.len(), audits.unfinished), (31, 0, None));
    assert_eq!(read::<MatrixFile>("rounds/52/matches_matrix.csv").rows.len(), 23);
}

#[test]
fn files_of_a_player() {
    let folder = format!("rounds/51/{WINNER}");
    let submitted: Outputs = read(&format!("{folder}/submitted.json"));
    assert_eq!((submitted.entries[0].1.size, submitted.unreadable.len()), (15_641, 0));
    let (stem, output) = &submitted.entries[0];
    let address = format!("https://subnet404.xyz/{folder}/submitted/{stem}.js");
    assert_eq!(output.js.as_ref().map(url::Url::as_str), Some(address.as_str()));
    let failed: Outputs = read("rounds/53/5DrqppFib6Ud6MGs8xD6zUWoxvQKzxBBmTYftTe3rc9vjtFe/submitted.json");
    assert_eq!(failed.entries.len(), 10);
    assert_eq!(failed.entries[0].1.failure_reason.as_deref(), Some("js_fetch_failed: HTTP 404"));
    assert_eq!(failed.entries[0].1.js, None);
    let report: MatchReport = read(&format!("{folder}/audit_leader_3.json"));
    assert_eq!((report.left.as_str(), report.score, report.duels.len()), ("leader", 26, 6));
    assert_eq!(report.duels[0].detail["s1"]["n_total"], 4);
    let pods: PodStats = read(&format!("{folder}/pod_stats.json"));
    assert_eq!((pods.runs.len(), pods.unreadable.len()), (3, 0));
    assert_eq!((pods.runs[1].repeat_index, pods.runs[1].batch_times.len()), (2, 4));
    assert_eq!(read::<PodStats>("rounds/52/leader/pod_stats.json").runs.len(), 1);
}

#[test]
fn a_miner_finds_itself() {
    let hotkey: Hotkey = WINNER.parse().unwrap();
    let folder = |name: &str| format!("rounds/51/{name}");
    let own = own_place(
        hotkey,
        Some(&read(&folder("submissions.json"))),
        Some(&read(&folder("builds.json"))),
        Some(&read(&folder("matches_matrix.csv"))),
        Some(&read(&folder("audit_matrix.csv"))),
        Some(&read(&folder("generation_reports.json"))),
        Some(&read(&folder("generation_audits.json"))),
    );
    let (place, of) = own.place.unwrap();
    assert_eq!(of, 31);
    let submission = own.submission.unwrap();
    let submissions: Submissions = read(&folder("submissions.json"));
    assert_eq!(&submissions.0.entries[place - 1].1, &submission);
    assert_eq!(submission.hardware, ["4xH200"]);
    // The stored version of the file is older than the end of this build.
    assert_eq!(own.build.unwrap().status, BuildStatus::InProgress);
    assert_eq!(own.report.unwrap().repeats.len(), 3);
    assert_eq!(own.verdict, None);
    assert!(own.against_leader.unwrap() >= 0.07);
    assert_eq!(own.audits.len(), 9);
    let leader_1 = AuditMargin { against: AuditSubject::Leader, repeat: 1, margin: 0.203_125 };
    assert!(own.audits.contains(&leader_1));
    let nobody = own_place(hotkey, None, None, None, None, None, None);
    assert_eq!((nobody.place, nobody.audits.len(), nobody.against_leader), (None, 0, None));
}

#[test]
fn hostile_content_stays_outside() {
    let outputs: Outputs = from_text(
        r#"{"../../etc/passwd": {"js": null}, "a1": {"js": "file:///etc/passwd"}, "a2": {"js": "https://u:p@h/x.js"},
            "a3": {"js": "javascript:alert(1)"}, "a4": {"js": "https://h/\u202ex.js"}, "\u001b[2J": {"js": null}, "a5": 7,
            "a6": {"js": "https://h/a6.js", "views": null, "failure_reason": "\ud800", "size": NaN, "new": {}}}"#,
    )
    .unwrap();
    let stems: Vec<_> = outputs.entries.iter().map(|(stem, _)| stem.as_str()).collect();
    assert_eq!(stems, ["a6"]);
    assert_eq!(outputs.unreadable.len(), 7);
    assert!(outputs.unreadable.iter().all(|key| !key.contains('\u{1b}')), "{:?}", outputs.unreadable);
    let submissions: Submissions = from_text(&format!(
        r#"{{"../x": {{"revealed_at_block": 1}}, "{WINNER}": {{"revealed_at_block": 2, "repo": 7, "cdn_url": null}},
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY": {{"repo": "no block"}}}}"#
    ))
    .unwrap();
    assert_eq!(submissions.0.entries.len(), 1);
    assert_eq!(submissions.0.entries[0].1.repo, "");
    assert_eq!(submissions.0.unreadable, ["../x", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"]);
    // Leaving out a leader would name another one.
    let two = format!(
        r#"[{{"hotkey": "{WINNER}", "weight": 1, "effective_block": 5}}, {{"hotkey": "{WINNER}", "weight": 1.0}}]"#
    );
    assert!(matches!(from_text::<Leaders>(&two), Err(Unreadable::Form { .. })));
    let prompts: Prompts = from_text(
        "https://h/a.png\r\n\nfile:///etc/passwd\nhttps://h/a.png\n/etc/x.png\nhttps://u@h/b.png\nhttps://h/c.png",
    )
    .unwrap();
    assert_eq!(prompts.prompts.iter().map(|prompt| prompt.stem.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(prompts.unusable, [2, 3, 4, 5]);
    assert!(matches!(from_text::<Prompts>("<html>Not here</html>"), Err(Unreadable::Form { .. })));
    assert!(matches!(from_text::<State>("<html>"), Err(Unreadable::NotJson(_))));
    assert!(matches!(from_text::<State>("[]"), Err(Unreadable::Form { .. })));
    assert!(matches!(
        from_text::<Schedule>(r#"{"earliest_reveal_block": -1, "latest_reveal_block": 2}"#),
        Err(Unreadable::Form { .. })
    ));
}
