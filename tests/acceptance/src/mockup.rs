//! A Redfish service that is a directory of documents, as mockups of real machines are published:
//! `<directory>/redfish/v1/Systems/1/index.json` is `/redfish/v1/Systems/1`.
//!
//! What is written stays in memory. Nobody logs in wrongly, and a reset is taken and does nothing.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use crate::root;

/// A running service. It ends with the value.
pub struct Mockup {
    ended: Arc<AtomicBool>,
    log: Arc<Mutex<Vec<String>>>,
    /// Its port, of 127.0.0.1.
    pub port: u16,
}

type Documents = BTreeMap<String, Value>;

impl Mockup {
    /// Serves `tests/acceptance/mockups/<name>`.
    ///
    /// # Panics
    ///
    /// If there is no such mockup, or it holds what is no JSON.
    pub fn start(name: &str) -> Self {
        let directory = root().join("tests/acceptance/mockups").join(name);
        let mut documents = Documents::new();
        collect(&directory, "", &mut documents);
        assert!(!documents.is_empty(), "{} is empty", directory.display());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let (ended, log) = (Arc::<AtomicBool>::default(), Arc::<Mutex<_>>::default());
        let mockup = Self {
            ended: Arc::clone(&ended),
            log: Arc::clone(&log),
            port,
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                // A client that went away is no matter of the service's.
                drop(serve(stream, &mut documents, &log));
            }
        });
        mockup
    }

    /// The requests that would change something, in the order in which they came.
    pub fn changes(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }
}

impl Drop for Mockup {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn collect(directory: &Path, path: &str, documents: &mut Documents) {
    for entry in fs::read_dir(directory).expect("the mockup") {
        let entry = entry.expect("a part of the mockup");
        let name = entry.file_name().into_string().expect("a name");
        if name == "index.json" {
            let text = fs::read_to_string(entry.path()).expect("a document");
            let document = serde_json::from_str(&text);
            documents.insert(
                path.to_owned(),
                document.unwrap_or_else(|error| panic!("{path}: {error}")),
            );
        } else {
            collect(&entry.path(), &format!("{path}/{name}"), documents);
        }
    }
}

/// Answers one request and closes.
fn serve(
    mut stream: TcpStream,
    documents: &mut Documents,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let path = path.trim_end_matches('/');
    if method != "GET" {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(format!("{method} {path}"));
    }
    let sent = serde_json::from_slice(&body).unwrap_or_default();
    let (status, extra, body) = answer(documents, method, path, &sent);
    write!(
        stream,
        "HTTP/1.1 {status} X\r\n{extra}Content-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(
    documents: &mut Documents,
    method: &str,
    path: &str,
    sent: &Value,
) -> (u16, &'static str, String) {
    let known = documents.get_mut(path);
    match (method, known) {
        ("GET", Some(document)) => (200, "", document.to_string()),
        ("PATCH", Some(document)) => {
            merge(document, sent);
            (204, "", String::new())
        }
        ("POST", _) if path.ends_with("/Sessions") => (201, SESSION, "{}".to_owned()),
        ("POST", _) if path.contains("/Actions/") => (204, "", String::new()),
        ("DELETE", _) if path.contains("/Sessions/") => (204, "", String::new()),
        (_, Some(_)) => (405, "", "{}".to_owned()),
        (_, None) => (404, "", "{}".to_owned()),
    }
}

/// As RFC 7396 has it, but that null is a value.
fn merge(document: &mut Value, sent: &Value) {
    match (document, sent) {
        (Value::Object(document), Value::Object(sent)) => {
            for (name, value) in sent {
                merge(document.entry(name).or_insert(Value::Null), value);
            }
        }
        (document, sent) => *document = sent.clone(),
    }
}

const SESSION: &str = "X-Auth-Token: mocked\r\nLocation: /redfish/v1/SessionService/Sessions/1\r\n";
