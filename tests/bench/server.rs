//! A server on loopback that revokes after a delay and remembers when each request arrived.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Time that one revocation takes.
pub const DELAY: Duration = Duration::from_millis(50);

/// What happened so far.
#[derive(Debug, Default, Clone)]
struct Seen {
    first_gate: Option<Instant>,
    answered: usize,
    last: Option<Instant>,
}

pub struct Server {
    port: u16,
    seen: Arc<watch::Sender<Seen>>,
    accepting: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Server {
    pub async fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(watch::channel(Seen::default()).0);
        let shared = seen.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, delay, shared.clone()));
            }
        });
        Self { port, seen, accepting: Mutex::new(Some(accepting)) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub fn forget(&self) {
        self.seen.send_replace(Seen::default());
    }

    pub async fn first_gate(&self) -> Instant {
        let mut seen = self.seen.subscribe();
        seen.wait_for(|seen| seen.first_gate.is_some()).await.unwrap().first_gate.unwrap()
    }

    pub async fn all_answered(&self, count: usize) -> Instant {
        let mut seen = self.seen.subscribe();
        seen.wait_for(|seen| seen.answered >= count).await.unwrap().last.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            accepting.abort();
        }
    }
}

/// HTTP/1.1 with keep-alive, as much of it as two well-known clients need.
async fn serve(stream: TcpStream, delay: Duration, seen: Arc<watch::Sender<Seen>>) {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Some((target, length)) = head(&mut stream).await {
        let arrived = Instant::now();
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        if target.starts_with("/gate") {
            seen.send_modify(|seen| {
                seen.first_gate.get_or_insert(arrived);
            });
        }
        tokio::time::sleep(delay).await;
        if target.starts_with("/revoke") || target.starts_with("/gate") {
            seen.send_modify(|seen| {
                seen.answered += 1;
                seen.last = Some(Instant::now());
            });
        }
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// The request's target and the length of its body.
pub async fn head(stream: &mut BufReader<TcpStream>) -> Option<(String, usize)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        if line.trim().is_empty() {
            return Some((target, length));
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}
