//! `404-cli report`: the page of a judged match, and what is said when there is none.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use gen404_testing::Nobody;
use serde_json::{Value, json};

use crate::binary::{Home, transcript};

/// A PNG of one white pixel.
const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 13, 10, 0x1a, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0,
    0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 15, 0, 1, 1, 1, 0, 0xb1,
    0x38, 0xf6, 0x14, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn judged(home: &Home, prompt_url: &str) {
    let record = json!({"stem": "abc", "prompt_url": prompt_url, "winner": "right", "detail": {"reason": "no preview from left"}});
    fs::create_dir_all(home.path().join("judge-results")).expect("a folder");
    let file = json!({"results": [record]}).to_string();
    fs::write(home.path().join("judge-results/duels.json"), file).expect("a match file");
}

/// Answers one request with the picture.
fn one_picture() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/abc.png", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = [0; 4096];
        let read = stream.read(&mut request).expect("a request");
        assert!(request[..read].starts_with(b"GET /abc.png "));
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", PICTURE.len())
            .expect("a head");
        stream.write_all(PICTURE).expect("a body");
    });
    (url, server)
}

#[test]
fn the_page_is_made_and_named() {
    let home = Home::new();
    judged(&home, "prompts/abc.png");
    let output = home.run(&["report"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", transcript(&output)));
    assert_eq!((&answer["success"], &answer["duels"]), (&json!(true), &json!(1)));
    assert_eq!(answer["report"], "judge-results/report.html");
    let page = fs::read_to_string(home.path().join("judge-results/report.html")).expect("the page");
    assert_eq!(answer["bytes"], page.len());
    assert!(page.contains("The challenger would take the lead"));
}

#[test]
fn prompt_pictures_are_fetched_once() {
    let home = Home::new();
    let (url, server) = one_picture();
    judged(&home, &url);
    let output = home.run(&["report", "judge-results", "--embed", "--output", "match.html"]);
    assert!(output.status.success(), "{}", transcript(&output));
    server.join().expect("the picture was asked for");
    assert_eq!(fs::read(home.path().join("judge-results/prompts/abc.png")).expect("kept"), PICTURE);
    // the server is gone: a second run must not need it
    let again = home.run(&["report", "judge-results"]);
    assert!(again.status.success() && !transcript(&again).contains("warning"), "{}", transcript(&again));
}

#[test]
fn a_picture_that_cannot_be_had_is_a_warning() {
    let home = Home::new();
    let nobody = Nobody::here();
    judged(&home, &format!("http://user:secret@{}/abc.png", nobody.address()));
    let output = home.run(&["report"]);
    let text = transcript(&output);
    assert!(
        output.status.success() && text.contains("warning: prompt pictures that could not be had: 1 (abc: "),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
    let offline = transcript(&home.run(&["report", "--offline"]));
    assert!(!offline.contains("warning"), "{offline}");
}

#[test]
fn without_a_match_it_says_what_to_do() {
    let output = Home::new().run(&["report", "nowhere"]);
    insta::assert_snapshot!(transcript(&output), @r#"
    exit 2
    --- stdout
    {"success":false,"error":"nowhere/duels.json is not there","hint":"give the folder that `404-cli judge` wrote its results to"}
    --- stderr
    error: nowhere/duels.json is not there
    hint: give the folder that `404-cli judge` wrote its results to
    "#);
}
