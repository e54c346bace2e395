//! A port where nothing of ours may ever arrive: the target of redirects, or a stranger's server.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

/// It takes what comes, remembers it, and answers with a friendly nothing.
pub struct Bait {
    pub port: u16,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Bait {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let log = taken.clone();
        // It ends with the process: it only waits for connections.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut bytes = vec![0; 65536];
                stream.set_read_timeout(Some(Duration::from_secs(1))).ok();
                let length = stream.read(&mut bytes).unwrap_or(0);
                bytes.truncate(length);
                log.lock().unwrap().push(bytes);
                stream.write_all(b"HTTP/1.1 200 .\r\ncontent-length: 2\r\n\r\n[]").ok();
            }
        });
        Self { port, taken }
    }

    /// What each connection said.
    pub fn taken(&self) -> Vec<Vec<u8>> {
        self.taken.lock().unwrap().clone()
    }
}
