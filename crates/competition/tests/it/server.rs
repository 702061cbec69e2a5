//! A web server with the manners and faults of the real ones.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What it does instead of answering properly.
#[derive(Clone)]
pub(crate) enum Fault {
    /// 429 with this `Retry-After`.
    Busy(&'static str),
    /// Half of what it announced.
    Cut,
    /// So many bytes of it, without having announced anything.
    CutUnnoticed(usize),
    /// Another status.
    Status(u16),
}

#[derive(Default)]
struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    fault: Option<(Fault, usize)>,
    log: Vec<String>,
    is_stopped: bool,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(files: &[(&str, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect();
        let shared = Arc::new(Mutex::new(Shared { files, ..Shared::default() }));
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.lock().unwrap().is_stopped {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                std::thread::spawn(move || answer(stream.unwrap(), &shared));
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> gen404_competition::StateUrl {
        format!("http://{}/main", self.address).parse().unwrap()
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        self.shared.lock().unwrap().files.insert(path.to_owned(), bytes.to_vec());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.shared.lock().unwrap().files.remove(path);
    }

    /// The next `times` answers are this fault.
    pub(crate) fn fail(&self, fault: Fault, times: usize) {
        self.shared.lock().unwrap().fault = Some((fault, times));
    }

    /// What was asked since last time: path and status, with `?` behind conditional requests.
    pub(crate) fn log(&self) -> Vec<String> {
        let mut log = std::mem::take(&mut self.shared.lock().unwrap().log);
        log.sort();
        log
    }

    /// From now on nobody answers here.
    pub(crate) fn stop(&mut self) {
        self.shared.lock().unwrap().is_stopped = true;
        let _wakes_it = TcpStream::connect(self.address);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<Shared>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().trim_start_matches("/main/").to_owned();
    let asked = head.lines().find_map(|line| line.to_lowercase().strip_prefix("if-none-match: ").map(str::to_owned));
    let mut shared = shared.lock().unwrap();
    let fault = match &mut shared.fault {
        Some((fault, times)) if *times > 0 => {
            *times -= 1;
            Some(fault.clone())
        }
        _ => None,
    };
    let file = shared.files.get(&path).cloned();
    let etag = file.as_ref().map(|bytes| {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        format!("\"{:x}\"", hasher.finish())
    });
    let (status, headers, body) = match (fault, file, etag) {
        (Some(Fault::Busy(after)), _, _) => (429, format!("retry-after: {after}\r\ncontent-length: 0\r\n"), Vec::new()),
        (Some(Fault::Status(status)), _, _) => {
            (status, "location: /main/state.json\r\ncontent-length: 0\r\n".into(), Vec::new())
        }
        (Some(Fault::Cut), Some(bytes), _) => {
            (200, format!("content-length: {}\r\n", bytes.len()), bytes[..bytes.len() / 2].to_vec())
        }
        (Some(Fault::CutUnnoticed(length)), Some(bytes), _) => (200, String::new(), bytes[..length].to_vec()),
        (None, Some(_), Some(etag)) if asked.as_ref() == Some(&etag) => (304, format!("etag: {etag}\r\n"), Vec::new()),
        (None, Some(bytes), Some(etag)) => (200, format!("etag: {etag}\r\ncontent-length: {}\r\n", bytes.len()), bytes),
        (_, None, _) | (_, _, None) => (404, "content-length: 14\r\n".into(), b"404: Not Found".to_vec()),
    };
    shared.log.push(format!("{path}{} {status}", if asked.is_some() { "?" } else { "" }));
    drop(shared);
    let _gone = write!(stream, "HTTP/1.1 {status} x\r\n{headers}connection: close\r\n\r\n")
        .and_then(|()| stream.write_all(&body));
}
