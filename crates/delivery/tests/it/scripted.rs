//! Servers that answer HEAD and GET each in a way of its own, byte for byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use gen404_delivery::{Asked, CdnError, Head, Passed, ProbeName, check};
use gen404_outside::explain::Explain as _;
use gen404_round::CdnUrl;

/// Long enough for any answer from this machine.
const LIMIT: Duration = Duration::from_secs(30);

/// What a method is answered with.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// These bytes; then the connection ends.
    Bytes(&'static str),
    /// Nothing, and the connection stays.
    Silence,
}

const CUT: Answer = Answer::Bytes("");
const WHOLE: Answer = Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere");

fn bare(status: u16) -> Answer {
    match status {
        200 => Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n"),
        304 => Answer::Bytes("HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"),
        404 => Answer::Bytes("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        429 => Answer::Bytes("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        other => panic!("no answer for {other}"),
    }
}

/// A server that ends with the process.
fn server(head: Answer, get: Answer) -> CdnUrl {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/17", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut silent: Vec<TcpStream> = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).unwrap_or_default();
            match if request[..read].starts_with(b"HEAD ") { head } else { get } {
                // The client may have left.
                Answer::Bytes(bytes) => drop(stream.write_all(bytes.as_bytes())),
                Answer::Silence => silent.push(stream),
            }
        }
    });
    url.parse().unwrap()
}

async fn asked(head: Answer, get: Answer) -> (CdnUrl, Result<Passed, CdnError>) {
    let url = server(head, get);
    let outcome = check(&url, None, LIMIT).await;
    (url, outcome)
}

#[tokio::test]
async fn whatever_becomes_of_head_get_decides() {
    for (head, expected) in [
        (bare(200), Passed::Both),
        (CUT, Passed::OnlyGet { head: Head::NoAnswer }),
        (bare(429), Passed::OnlyGet { head: Head::Answered(429.try_into().unwrap()) }),
        (bare(304), Passed::OnlyGet { head: Head::Answered(304.try_into().unwrap()) }),
    ] {
        assert_eq!(asked(head, WHOLE).await.1.unwrap(), expected, "{head:?}");
        let (url, refused) = asked(head, bare(404)).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.starts_with(&format!("CDN URL {url} is not accessible: ")), "{refused}");
        assert!(refused.ends_with(" to HEAD, 404 to GET"), "{refused}");
    }
}

#[tokio::test]
async fn a_head_without_an_answer_leaves_most_of_the_time_to_get() {
    let url = server(Answer::Silence, WHOLE);
    let passed = check(&url, None, Duration::from_secs(6)).await.unwrap();
    assert_eq!(passed, Passed::OnlyGet { head: Head::NoAnswer });
}

#[tokio::test]
async fn a_file_that_does_not_come_whole_does_not_pass() {
    let short = Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhere");
    let (url, outcome) = asked(bare(200), short).await;
    let error = outcome.unwrap_err();
    let text = format!("CDN URL {url} is not accessible: the answer to GET broke off after 4 bytes of 10");
    assert_eq!(error.to_string(), text);
    assert!(error.hint().is_some());

    let chunked = Answer::Bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhere\r\n");
    let (_, outcome) = asked(bare(200), chunked).await;
    assert!(matches!(outcome.unwrap_err(), CdnError::BrokeOff { came: 4, announced: None, .. }));
}

#[tokio::test]
async fn what_leads_nowhere_is_no_redirect() {
    let (url, outcome) = asked(bare(304), bare(304)).await;
    assert_eq!(outcome.unwrap_err().to_string(), format!("CDN URL {url} is not accessible: 304"));
}

#[tokio::test]
async fn a_limit_without_a_readable_wish_says_so() {
    let nonsense = Answer::Bytes(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: soon\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let url = server(bare(200), nonsense);
    // Shorter than the pause that is taken then.
    let error = check(&url, None, Duration::from_millis(900)).await.unwrap_err();
    let text = format!("CDN URL {url} is not accessible: 429, and it does not say for how long");
    assert_eq!(error.to_string(), text);

    let endless = Answer::Bytes(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 99999999999999999999999999\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let (url, outcome) = asked(bare(200), endless).await;
    let text = format!("CDN URL {url} is not accessible: 429, and it asks to wait a year or longer more");
    assert_eq!(outcome.unwrap_err().to_string(), text);
}

#[tokio::test]
async fn a_failure_of_the_probe_names_the_cdn_and_the_probe() {
    let probe: ProbeName = "probe.txt".parse().unwrap();
    for (get, said) in [(bare(404), "404"), (CUT, "connection closed before message completed")] {
        let url = server(get, get);
        let error = check(&url, Some(&probe), LIMIT).await.unwrap_err().to_string();
        assert_eq!(error, format!("CDN URL {url} is not accessible: {url}/probe.txt: {said}"));
    }
    let asked = Asked { cdn: "https://c/17".to_owned(), file: None };
    assert_eq!(asked.to_string(), "CDN URL https://c/17 is not accessible: ");
}

#[tokio::test]
async fn a_bad_certificate_is_said_in_words() {
    let host = gen404_testing::UntrustedHost::here();
    let url: CdnUrl = format!("{}/17", host.url()).parse().unwrap();
    let error = check(&url, None, LIMIT).await.unwrap_err();
    assert!(matches!(error, CdnError::Connection { .. }), "{error}");
    assert!(error.hint().is_some());
}
