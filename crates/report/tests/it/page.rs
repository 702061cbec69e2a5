//! The text of the page: nothing from outside becomes markup, and what was decided is said in words.

use std::fs;

use gen404_outside::explain::Explain as _;
use gen404_report::{ReportError, Request, prompt_extension, remote_prompts, write};

use crate::sample::{HOSTILE, Sample};

#[test]
fn nothing_from_outside_becomes_markup() {
    let html = Sample::new(8).html();
    assert!(!html.contains(HOSTILE));
    assert!(!html.contains("<img src=x"), "a tag of the model's text");
    assert_eq!(html.matches("<script>").count(), 1, "only the page's own script");
    assert!(html.contains("&#60;img src=x"), "the text is shown as text");
}

#[test]
fn the_policy_allows_this_style_and_script_only() {
    let html = Sample::new(1).html();
    let policy = html.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.contains("default-src &#39;none&#39;"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert!(!html.contains(" style=\"") && !html.contains(" onclick="));
}

#[test]
fn every_kind_of_decision_is_said_in_words() {
    let html = Sample::new(8).html();
    for words in [
        "Left is nearer to the prompt: its penalty is 1.0 lower. 2 of 2 angles count.",
        "Decided by a strong voter: the best view, by 3.0 and the checklist, by 8.",
        "Votes: left 0, right 2.",
        "Checklist: left 1 points, right 9; it votes right.",
        "No checklist: the model named no features",
        "Not asked: 4 % of the objects is pale, 50 % grayish",
        "Left does not fit its front from the other sides; right fits its front",
        "the two orders contradict each other",
        "No preview from left",
        "9 questions in 11 attempts, 1 without a reply",
        "1 prompt could not be judged",
        "Not decided: 1 of 9 prompts without a decision",
    ] {
        assert!(html.contains(words), "`{words}` is missing");
    }
}

#[test]
fn pictures_are_linked_relative_to_the_page() {
    let html = Sample::new(1).html();
    assert!(html.contains(r#"href="../old%20pipeline/duel000/white/front.png""#));
    assert!(html.contains(r#"href="../new%231%3F/duel000/grid.png""#));
    assert!(html.contains(r#"<img src="data:image/jpeg;base64,"#), "thumbnails are inside");
}

#[test]
fn moved_folders_are_found_where_the_request_says() {
    let sample = Sample::new(1);
    let moved = sample.root().join("moved");
    fs::rename(sample.root().join("old pipeline"), &moved).unwrap();
    let output = sample.root().join("elsewhere/page.html");
    let request =
        Request { results: sample.root().join("results"), output: Some(output.clone()), ..Request::default() };
    write(&request).unwrap();
    assert!(
        !fs::read_to_string(&output)
            .unwrap()
            .contains("duel000/white/front_left.png\" target=\"_blank\" rel=\"noopener\"><img src=\"../old")
    );
    write(&Request { left: Some(moved), ..request }).unwrap();
    assert!(fs::read_to_string(&output).unwrap().contains(r#"href="../moved/duel000/white/front.png""#));
}

#[test]
fn an_embedded_page_needs_no_other_file() {
    let sample = Sample::new(3);
    let (_alone, page) = sample.embedded();
    let html = fs::read_to_string(page).unwrap();
    let mut sources = html.split(" src=\"").skip(1);
    assert!(sources.all(|source| source.starts_with("data:image/jpeg;base64,")), "a link to a file is left");
    assert!(html.matches("data:image/jpeg;base64,").count() > 3 * 8);
}

#[test]
fn a_match_of_another_tool_is_shown_too() {
    let folder = tempfile::TempDir::new().unwrap();
    let record = r#"{"results": [{"stem": "abc", "prompt_url": "https://h.invalid/abc.png", "winner": "right",
        "detail": {"s1": {"choice": "B", "n_total": 4, "n_consistent": 4, "angles": [{"label": "../x", "pen_a": 5, "pen_b": 2.5}]},
        "decided_by": "S1", "issues": ""}}]}"#;
    fs::write(folder.path().join("duels.json"), record).unwrap();
    let written = write(&Request { results: folder.path().to_owned(), ..Request::default() }).unwrap();
    assert_eq!((written.duels, written.page), (1, folder.path().join("report.html")));
    let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(html.contains("its penalty is 2.5 lower"));
    assert!(html.contains(r#"href="https://h.invalid/abc.png""#));
    assert!(!html.contains(r#"src="https:"#), "nothing is fetched from the network");

    // An editor has put its byte order mark in front.
    fs::write(folder.path().join("duels.json"), format!("\u{feff}{record}")).unwrap();
    let again = write(&Request { results: folder.path().to_owned(), ..Request::default() }).unwrap();
    assert_eq!((again.duels, fs::read_to_string(again.page).unwrap()), (1, html));
}

#[test]
fn an_address_is_shown_without_what_lets_somebody_in() {
    let folder = tempfile::TempDir::new().unwrap();
    let address = "https://miner:s3cret@h.invalid/abc.png?token=s3cret&X-Amz-Signature=s3cret#s3cret";
    let file = serde_json::json!({
        "results": [{"stem": "abc", "prompt_url": address, "winner": "right", "detail": {"reason": "no preview from left"}}],
        "failures": [{"stem": "def", "prompt_url": address, "error": "no answer"},
                     {"stem": "ghi", "prompt_url": "https://miner:s3cret@h.invalid:99999/", "error": "no address"}],
    });
    fs::write(folder.path().join("duels.json"), file.to_string()).unwrap();
    for embed in [false, true] {
        let written = write(&Request { results: folder.path().to_owned(), embed, ..Request::default() }).unwrap();
        let html = fs::read_to_string(written.page).unwrap();
        assert!(!html.contains("s3cret") && !html.contains("miner"), "{html}");
        assert_eq!(html.matches(r#"href="https://h.invalid/abc.png""#).count(), 2);
    }
}

#[test]
fn prompts_on_the_network_are_shown_once_somebody_has_fetched_them() {
    let sample = Sample::new(3);
    let request = Request { results: sample.root().join("results"), ..Request::default() };
    let remote = remote_prompts(&request).unwrap();
    assert_eq!(remote.len(), 1, "{remote:?}");
    assert_eq!(remote[0].url, "https://prompts.invalid/picture.png");
    let picture = fs::read(sample.root().join("prompts/duel000.png")).unwrap();
    let file = remote[0].file.with_extension(prompt_extension(&picture).unwrap());
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, picture).unwrap();
    assert_eq!(remote_prompts(&request).unwrap(), []);
    write(&request).unwrap();
    assert!(sample.html().contains(r#"<a href="prompts/duel002.png""#));
}

#[test]
fn what_is_no_match_is_refused_with_advice() {
    let folder = tempfile::TempDir::new().unwrap();
    let request = Request { results: folder.path().to_owned(), ..Request::default() };
    let missing = write(&request).unwrap_err();
    assert!(matches!(missing, ReportError::NoMatch { .. }) && missing.hint().is_some());
    fs::write(folder.path().join("duels.json"), r#"{"results": [{"stem": "../../x"}]}"#).unwrap();
    assert!(matches!(write(&request).unwrap_err(), ReportError::Shape { .. }));
    assert!(!folder.path().join("report.html").exists());
}
