//! Modules read by the rules of the subnet's downloader, from places with the habits of real ones.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gen404_delivery::{Downloader, Loss, Manners, Told, Unknown, Validators};
use gen404_round::Stem;
use gen404_sandbox::cdn::{Cdn, Fault};
use gen404_sandbox::faults::Rule;
use gen404_testing::{Nobody, UntrustedHost};

fn manners() -> Manners {
    let millis = Duration::from_millis;
    Manners { jitter: millis(1), retry_pause: millis(1), time_limit: Duration::from_secs(30), ..Manners::default() }
}

fn downloader() -> Downloader {
    Downloader::new(manners()).expect("a downloader")
}

fn stem(name: &str) -> Stem {
    name.parse().expect("a stem")
}

/// Answers in turn, the last one for ever; keeps the requests.
fn scripted(answers: Vec<Vec<u8>>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("bound"));
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&requests);
    std::thread::spawn(move || {
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            let mut head = [0; 4_096];
            let read = stream.read(&mut head).unwrap_or_default();
            log.lock().expect("whole").push(String::from_utf8_lossy(&head[..read]).to_lowercase());
            let answer = answers.get(number).or(answers.last()).expect("an answer");
            // The client may have left.
            let _left = stream.write_all(answer);
        }
    });
    (url, requests)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes(), body].concat()
}

async fn told(answers: Vec<Vec<u8>>) -> (Told, usize) {
    let (url, requests) = scripted(answers);
    let told = downloader().read(&url, &stem("a1"), &Validators::default()).await;
    let count = requests.lock().expect("whole").len();
    (told, count)
}

#[tokio::test]
async fn a_file_is_read_with_what_the_host_calls_it_and_asked_about_later() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("mine")).expect("made");
    std::fs::write(folder.path().join("mine/a1.js"), "one").expect("written");
    let cdn = Cdn::start(folder.path()).await.expect("a port");
    let base = format!("{}mine///", cdn.url());
    let Told::There(module) = downloader().read(&base, &stem("a1"), &Validators::default()).await else { panic!() };
    assert_eq!(module.bytes, b"one");
    assert!(module.validators.etag.is_some() && module.validators.last_modified.is_some());
    let again = downloader().read(&base, &stem("a1"), &module.validators).await;
    assert!(matches!(again, Told::Unchanged), "{again:?}");
    std::fs::write(folder.path().join("mine/a1.js"), "changed").expect("written");
    let Told::There(module) = downloader().read(&base, &stem("a1"), &module.validators).await else { panic!() };
    assert_eq!(module.bytes, b"changed");
    assert!(cdn.requests().iter().all(|request| request.method == "GET" && request.path == "/mine/a1.js"));
}

#[tokio::test]
async fn each_habit_of_a_host_has_the_collectors_reason() {
    let large = format!("content-length: {}", (1 << 20) + 1);
    let chunked = [b"100001\r\n".to_vec(), vec![b'a'; (1 << 20) + 1], b"\r\n0\r\n\r\n".to_vec()].concat();
    let cases: Vec<(Vec<u8>, &str, usize)> = vec![
        (answer("404 Not Found\r\ncontent-length: 0", b""), "js_fetch_failed: HTTP 404", 2),
        (answer("403 Forbidden\r\ncontent-length: 0", b""), "js_fetch_failed: HTTP 403", 2),
        (answer("500 No\r\ncontent-length: 0", b""), "js_fetch_failed: HTTP 500", 2),
        (answer("503 No\r\ncontent-length: 0", b""), "js_fetch_failed: HTTP 503", 2),
        (answer("301 Moved\r\nlocation: /y/a1.js\r\ncontent-length: 0", b""), "js_fetch_failed: HTTP 301", 2),
        (answer("304 Not Modified", b""), "js_fetch_failed: HTTP 304", 2),
        (answer(&format!("200 OK\r\n{large}"), b""), "js_too_large", 1),
        (answer("200 OK\r\ntransfer-encoding: chunked", &chunked), "js_too_large", 1),
        (answer("200 OK\r\ncontent-length: 9", b"short"), "js_fetch_failed: RemoteProtocolError", 2),
        (answer("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3", b"abc"), "js_fetch_failed: DecodingError", 2),
    ];
    for (bytes, reason, requests) in cases {
        let shown = String::from_utf8_lossy(&bytes[..40.min(bytes.len())]).into_owned();
        let (told, count) = told(vec![bytes]).await;
        let Told::Lost(loss) = &told else { panic!("{shown}: {told:?}") };
        assert_eq!((loss.failure_reason().as_str(), count), (reason, requests), "{shown}");
        assert!(!loss.fix().is_empty() && !loss.to_string().is_empty());
    }
}

#[tokio::test]
async fn a_second_attempt_counts_as_the_subnets_does() {
    let no = answer("403 Forbidden\r\ncontent-length: 0", b"");
    let yes = answer("200 OK\r\ncontent-length: 2", b"ok");
    let (told_once, requests) = told(vec![no.clone(), yes.clone()]).await;
    assert!(matches!(&told_once, Told::There(module) if module.bytes == b"ok") && requests == 2, "{told_once:?}");
    let (told_twice, requests) = told(vec![no.clone(), no, yes]).await;
    assert!(matches!(&told_twice, Told::Lost(Loss::Status(_))) && requests == 2, "{told_twice:?}");
}

#[tokio::test]
async fn a_compressed_file_is_unpacked_and_measured_then() {
    let packed = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).expect("written");
        gzip.finish().expect("whole")
    };
    for (bytes, fits) in [(vec![b'a'; 1 << 20], true), (vec![b'a'; (1 << 20) + 1], false)] {
        let body = packed(&bytes);
        let head = format!("200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}", body.len());
        let (told, _) = told(vec![answer(&head, &body)]).await;
        match told {
            Told::There(module) => assert!(fits && module.bytes == bytes),
            Told::Lost(loss) => assert!(!fits && loss.failure_reason() == "js_too_large", "{loss}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_busy_host_is_left_alone_and_a_tireless_one_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a1.js"), "one").expect("written");
    let cdn = Cdn::start(folder.path()).await.expect("a port");
    cdn.faults().set(vec![Rule::times(Fault::RateLimited { retry_after: "0".to_owned() }, 3)]);
    let read = downloader().read(cdn.url().as_str(), &stem("a1"), &Validators::default()).await;
    assert!(matches!(read, Told::There(_)), "{read:?}");
    cdn.faults().set(vec![Rule::from(Fault::RateLimited { retry_after: "0".to_owned() })]);
    let read = downloader().read(cdn.url().as_str(), &stem("a1"), &Validators::default()).await;
    assert!(matches!(&read, Told::Lost(loss) if loss.failure_reason() == "js_fetch_failed: HTTP 429"), "{read:?}");
    cdn.faults().set(vec![Rule::from(Fault::Challenge)]);
    let read = downloader().read(cdn.url().as_str(), &stem("a1"), &Validators::default()).await;
    assert!(matches!(&read, Told::Lost(Loss::Challenge(_))), "{read:?}");
}

#[tokio::test]
async fn what_may_be_this_machines_trouble_is_not_known() {
    let nobody = Nobody::here();
    let read = downloader().read(&format!("http://{}", nobody.address()), &stem("a1"), &Validators::default()).await;
    assert!(matches!(read, Told::Unknown(Unknown::NoAnswer(_))), "{read:?}");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let impatient = Downloader::new(Manners { time_limit: Duration::from_millis(100), ..manners() }).expect("made");
    let read = impatient.read(&url, &stem("a1"), &Validators::default()).await;
    assert!(matches!(read, Told::Unknown(Unknown::TooSlow(_))), "{read:?}");
    // The subnet's client would not trust it either.
    let untrusted = UntrustedHost::here();
    let read = downloader().read(&untrusted.url(), &stem("a1"), &Validators::default()).await;
    assert!(matches!(read, Told::Lost(Loss::Connection(_)) | Told::Unknown(_)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_gets_more_than_ten_connections() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&now), Arc::clone(&most));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (counted, highest) = (Arc::clone(&counted), Arc::clone(&highest));
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let open = counted.fetch_add(1, Ordering::SeqCst) + 1;
                highest.fetch_max(open, Ordering::SeqCst);
                let mut head = [0; 2_048];
                let _head = stream.read(&mut head).await;
                // Long enough for all that may come to have come.
                tokio::time::sleep(Duration::from_millis(30)).await;
                counted.fetch_sub(1, Ordering::SeqCst);
                let _left = stream.write_all(&answer("200 OK\r\ncontent-length: 2", b"ok")).await;
            });
        }
    });
    let downloader = Arc::new(downloader());
    let reading = (0..60).map(|number| {
        let (downloader, url) = (Arc::clone(&downloader), url.clone());
        tokio::spawn(async move { downloader.read(&url, &stem(&format!("s{number}")), &Validators::default()).await })
    });
    for read in reading.collect::<Vec<_>>() {
        assert!(matches!(read.await.expect("it ends"), Told::There(_)));
    }
    assert!((1..=10).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}
