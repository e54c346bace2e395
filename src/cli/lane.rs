//! One of the process's output streams, written by a thread of its own: a reader that reads slowly or not at all (a
//! pager, a full pipe, a terminal that was told to wait) holds up neither an isolation nor a signal.
//!
//! ```text
//! write ─▶ [ waiting ] ─thread─▶ stream
//!                        └─ error: what follows is dropped, and every write says so
//! ```

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::sys::signal::{SigSet, Signal};

/// One stream. Clones write to the same one.
#[derive(Clone)]
pub(super) struct Lane {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Vec<u8>>,
    writing: bool,
    failed: Option<io::ErrorKind>,
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && !self.writing
    }
}

impl Lane {
    /// Takes a stream over.
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn over(stream: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("output".to_owned()).spawn(move || theirs.write_out(stream))?;
        Ok(Self { shared })
    }

    /// Waits until everything is written or lost; `within`: at most so long. Whether nothing waits any more.
    pub fn wait(&self, within: Option<Duration>) -> bool {
        let (queue, changed) = (self.shared.lock(), &self.shared.changed);
        match within {
            None => {
                changed.wait_while(queue, |queue| !queue.is_idle()).unwrap_or_else(PoisonError::into_inner).is_idle()
            }
            Some(within) => {
                let waited = changed.wait_timeout_while(queue, within, |queue| !queue.is_idle());
                waited.unwrap_or_else(PoisonError::into_inner).0.is_idle()
            }
        }
    }

    /// Whether something was lost, or still waits for its reader.
    pub fn is_behind(&self) -> bool {
        let queue = self.shared.lock();
        queue.failed.is_some() || !queue.is_idle()
    }
}

impl Write for Lane {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut queue = self.shared.lock();
        if let Some(kind) = queue.failed {
            return Err(kind.into());
        }
        queue.waiting.push_back(bytes.to_vec());
        self.shared.changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.lock().failed.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_out(&self, mut stream: impl Write) {
        // In the background of a shell whose terminal stops such writers (`stty tostop`) the whole process would stand
        // still in mid-strike. Where the system refuses, it does as the terminal says.
        let _ = SigSet::from(Signal::SIGTTOU).thread_block();
        loop {
            let queue = self.lock();
            let waits = |queue: &mut Queue| queue.waiting.is_empty();
            let mut queue = self.changed.wait_while(queue, waits).unwrap_or_else(PoisonError::into_inner);
            let bytes = queue.waiting.drain(..).flatten().collect::<Vec<u8>>();
            let failed = queue.failed.is_some();
            queue.writing = true;
            drop(queue);
            let written = if failed { Ok(()) } else { stream.write_all(&bytes).and_then(|()| stream.flush()) };
            let mut queue = self.lock();
            queue.writing = false;
            queue.failed = queue.failed.or(written.err().map(|error| error.kind()));
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that has stopped reading keeps nobody, and gets everything in order once it reads again.
    #[test]
    fn a_stalled_reader_stalls_nothing() {
        use std::io::Read as _;
        let (mut far, ours) = io::pipe().unwrap();
        let mut lane = Lane::over(ours).unwrap();
        let mut whole = Vec::new();
        for number in 0..20_000 {
            let row = format!("line {number}\n");
            lane.write_all(row.as_bytes()).unwrap();
            whole.extend_from_slice(row.as_bytes());
        }
        assert!(!lane.wait(Some(Duration::from_millis(20))), "more than a pipe holds");
        assert!(lane.is_behind());
        let mut heard = vec![0; whole.len()];
        far.read_exact(&mut heard).unwrap();
        assert!(heard == whole);
        assert!(lane.wait(None) && !lane.is_behind());
    }

    #[test]
    fn a_reader_that_has_gone_is_told() {
        let (far, ours) = io::pipe().unwrap();
        drop(far);
        let mut lane = Lane::over(ours).unwrap();
        lane.write_all(b"a").unwrap();
        assert!(lane.wait(None), "nothing waits for ever");
        assert!(lane.is_behind());
        assert_eq!(lane.write_all(b"b").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
