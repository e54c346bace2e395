//! The terminal's bytes, on a thread of their own, which also finds out that the terminal is gone.
//!
//! The library's own poll spins for ever on a terminal that is gone once somebody handles SIGHUP; here a hang-up is an
//! input like any other, and this thread ends.

use std::{os::fd::OwnedFd, sync::Arc, thread::JoinHandle};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::Errno,
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::decode::{Decoder, Input};

/// How long an escape waits for the rest of a sequence.
const ESCAPE_WAITS: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Bytes that one read takes at most.
const MAX_READ: usize = 64 * 1024;
/// Bytes of one call.
const CHUNK: usize = 4096;

/// The input thread's handle. Dropping it ends the thread.
#[derive(Debug)]
pub struct Listener {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts the thread.
    pub fn start(tty: OwnedFd, inputs: mpsc::Sender<Input>) -> std::io::Result<Self> {
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let theirs = Arc::clone(&stop);
        let run = move || listen(&tty, &theirs, &inputs);
        let thread = std::thread::Builder::new().name("input".to_owned()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // From here on bytes of the terminal belong to whoever reads it next.
        let told = rustix::io::write(&*self.stop, &1u64.to_ne_bytes());
        if let (Ok(_), Some(thread)) = (told, self.thread.take())
            && thread.join().is_err()
        {
            // Its panic was reported by the hook.
        }
    }
}

fn listen(tty: &OwnedFd, stop: &OwnedFd, inputs: &mpsc::Sender<Input>) {
    let mut decoder = Decoder::default();
    loop {
        let wait = decoder.is_pending().then_some(ESCAPE_WAITS);
        let found = match ready(tty, stop, wait.as_ref()) {
            Ready::Stopped => return,
            Ready::Lost(why) => {
                // Nobody is left to tell where this fails.
                let _ = send(inputs, stop, Input::Lost(why));
                return;
            }
            Ready::Nothing => decoder.flush(),
            Ready::Bytes(bytes) => decoder.feed(&bytes),
        };
        for input in found {
            if !send(inputs, stop, input) {
                return;
            }
        }
    }
}

/// Hands an input over, unless the console has ended meanwhile: a full channel must not keep this thread alive.
fn send(inputs: &mpsc::Sender<Input>, stop: &OwnedFd, mut input: Input) -> bool {
    loop {
        match inputs.try_send(input) {
            Ok(()) => return true,
            Err(mpsc::error::TrySendError::Closed(_)) => return false,
            Err(mpsc::error::TrySendError::Full(back)) => input = back,
        }
        let mut fds = [PollFd::new(stop, PollFlags::IN)];
        let pause = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
        if matches!(poll(&mut fds, Some(&pause)), Ok(1..)) {
            return false;
        }
    }
}

enum Ready {
    Bytes(Zeroizing<Vec<u8>>),
    Nothing,
    Stopped,
    Lost(String),
}

fn ready(tty: &OwnedFd, stop: &OwnedFd, wait: Option<&Timespec>) -> Ready {
    let mut fds = [PollFd::new(tty, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
    match poll(&mut fds, wait) {
        Ok(0) => return Ready::Nothing,
        Err(Errno::INTR) => return if wait.is_some() { Ready::Nothing } else { Ready::Bytes(Zeroizing::default()) },
        Err(error) => return Ready::Lost(format!("the terminal cannot be watched: {error}")),
        Ok(_) => {}
    }
    if !fds[1].revents().is_empty() {
        return Ready::Stopped;
    }
    let tty_ready = fds[0].revents();
    if tty_ready.contains(PollFlags::IN) {
        return read(tty);
    }
    if tty_ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        return Ready::Lost("the terminal hung up".to_owned());
    }
    Ready::Bytes(Zeroizing::default())
}

/// Everything that is there: keys that came together are seen to have come together.
fn read(tty: &OwnedFd) -> Ready {
    // Wiped, and allocated once: what is typed or pasted may be a secret.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_READ + CHUNK));
    let mut chunk = Zeroizing::new([0; CHUNK]);
    loop {
        match rustix::io::read(tty, &mut chunk[..]) {
            Ok(0) if bytes.is_empty() => return Ready::Lost("the terminal was closed".to_owned()),
            Ok(0) | Err(Errno::AGAIN) => return Ready::Bytes(bytes),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(Errno::INTR) => {}
            Err(_) if !bytes.is_empty() => return Ready::Bytes(bytes),
            Err(error) => return Ready::Lost(format!("the terminal cannot be read: {error}")),
        }
        let mut fds = [PollFd::new(tty, PollFlags::IN)];
        let more = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        if bytes.len() >= MAX_READ || !matches!(more, Ok(1..)) || !fds[0].revents().contains(PollFlags::IN) {
            return Ready::Bytes(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::net::UnixStream};

    use terminput::KeyCode;

    use super::*;

    fn listening() -> (UnixStream, mpsc::Receiver<Input>, Listener) {
        let (ours, far) = UnixStream::pair().unwrap();
        let (sender, inputs) = mpsc::channel(64);
        let listener = Listener::start(OwnedFd::from(ours), sender).unwrap();
        (far, inputs, listener)
    }

    #[test]
    fn bytes_become_inputs_and_a_lone_escape_a_key() {
        let (mut far, mut inputs, _listener) = listening();
        far.write_all(b"\x1b[0nj").unwrap();
        assert_eq!(inputs.blocking_recv(), Some(Input::Answered));
        assert!(matches!(inputs.blocking_recv(), Some(Input::Key { alone: true, .. })));
        far.write_all(b"\x1b").unwrap();
        assert!(matches!(inputs.blocking_recv(), Some(Input::Key { key, .. }) if key.event().code == KeyCode::Esc));
    }

    #[test]
    fn a_hang_up_is_an_input() {
        let (far, mut inputs, _listener) = listening();
        drop(far);
        assert!(matches!(inputs.blocking_recv(), Some(Input::Lost(_))));
        assert_eq!(inputs.blocking_recv(), None, "the thread has ended");
    }

    #[test]
    fn dropping_the_handle_ends_the_thread_though_nobody_takes_the_inputs() {
        let (mut far, inputs, listener) = listening();
        far.write_all(&[b'j'; 500]).unwrap();
        drop(listener);
        drop(inputs);
    }
}
