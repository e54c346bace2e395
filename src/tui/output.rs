//! Frames to the terminal, on a thread of its own: a stalled terminal stalls that thread and nothing else.
//!
//! ```text
//! show(picture) ─▶ [ newest picture ] ─thread─▶ encode ─▶ query n noted ─▶ write … ESC[5n ─▶ Written(n)
//! ```

use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::io::Errno;
use tokio::sync::mpsc;

use super::{
    decode::Input,
    encode::{Dialect, Encoder, Settled},
};

/// How long one waits for a write under way before going on without it.
const PAUSE_WITHIN: Duration = Duration::from_millis(500);

/// Bytes that may be unanswered before the next frame waits, on a line that was seen to be fast.
const WINDOW: usize = 1024;
/// The same of one that was not: a quarter of a second of 9,600 baud.
const SLOW_WINDOW: usize = 256;
/// A frame of so many bytes tells a fast line from a slow one …
const LONG: usize = 2000;
/// … by whether it is answered within this: far hosts are, serial lines are not.
const SOON: Duration = Duration::from_millis(400);

/// The terminal's bell (ECMA-48 BEL).
const BELL: &[u8] = b"\x07";

/// One frame on its way to the terminal.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its number, rising.
    pub frame: u64,
    /// Every cell.
    pub buffer: Settled,
    /// Whether the screen is cleared first.
    pub clear: bool,
    /// Where text is being typed.
    pub cursor: Option<(u16, u16)>,
}

#[derive(Debug, Default)]
struct Slot {
    picture: Option<Picture>,
    /// What goes out beside frames, in order: each is whole, and leaves the screen as it is.
    controls: VecDeque<Vec<u8>>,
    paused: bool,
    closed: bool,
    writing: bool,
}

/// A frame whose answer is out.
#[derive(Debug)]
struct Asked {
    frame: u64,
    bytes: usize,
    at: Instant,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
    /// Frames whose query was written and not answered, oldest first.
    asked: Mutex<VecDeque<Asked>>,
    /// A long frame was answered soon: the line takes more than a little at a time.
    is_fast: AtomicBool,
    /// The terminal shows marked frames at once.
    synchronizes: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The output thread's handle.
#[derive(Debug)]
pub struct Output {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Output {
    /// Starts the thread for a terminal that understands so much; it tells what it has written to `inputs`.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(tty: OwnedFd, dialect: Dialect, inputs: mpsc::Sender<Input>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let run = move || write_frames(&theirs, &tty, dialect, &inputs);
        let thread = std::thread::Builder::new().name("output".to_owned()).spawn(run)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands a frame over; one that still waits is replaced. Never blocks.
    pub fn show(&self, mut picture: Picture) {
        let mut slot = lock(&self.shared.slot);
        if let Some(old) = slot.picture.take() {
            picture.clear |= old.clear;
        }
        slot.picture = Some(picture);
        self.shared.changed.notify_all();
    }

    /// Rings the bell once. Never blocks; it is a control of its own, never part of a text.
    pub fn ring(&self) {
        self.send(BELL.to_vec());
    }

    /// Sends a sequence that leaves the screen and the cursor as they are, between two frames. Never blocks.
    pub fn send(&self, control: Vec<u8>) {
        lock(&self.shared.slot).controls.push_back(control);
        self.shared.changed.notify_all();
    }

    /// The terminal has said that it shows marked frames at once.
    pub fn synchronize(&self) {
        self.shared.synchronizes.store(true, Ordering::Relaxed);
    }

    /// The frame that the next answer belongs to.
    pub fn answered(&self) -> Option<u64> {
        let asked = lock(&self.shared.asked).pop_front()?;
        if asked.bytes >= LONG {
            self.shared.is_fast.store(asked.at.elapsed() < SOON, Ordering::Relaxed);
        }
        Some(asked.frame)
    }

    /// Whether as much is on its way as the line should hold: one more frame would only come later for it.
    pub fn is_behind(&self) -> bool {
        let slot = lock(&self.shared.slot);
        if slot.picture.is_some() || slot.writing {
            return true;
        }
        let unanswered: usize = lock(&self.shared.asked).iter().map(|asked| asked.bytes).sum();
        let window = if self.shared.is_fast.load(Ordering::Relaxed) { WINDOW } else { SLOW_WINDOW };
        unanswered > window
    }

    /// How many frames were written whose answer is still out.
    pub fn owed(&self) -> usize {
        lock(&self.shared.asked).len()
    }

    /// Keeps the thread from writing; waits a little for what it is writing.
    pub fn pause(&self) {
        let mut slot = lock(&self.shared.slot);
        slot.paused = true;
        let waited = self.shared.changed.wait_timeout_while(slot, PAUSE_WITHIN, |slot| slot.writing);
        drop(waited);
    }

    /// Lets it write again. What was asked before is not answered any more.
    pub fn resume(&self) {
        lock(&self.shared.asked).clear();
        lock(&self.shared.slot).paused = false;
        self.shared.changed.notify_all();
    }

    /// Writes what is still waiting, if that goes soon, and ends the thread. Whether it has ended.
    pub fn close(&mut self) -> bool {
        let mut slot = lock(&self.shared.slot);
        slot.closed = true;
        slot.picture = None;
        self.shared.changed.notify_all();
        let (slot, timeout) = self
            .shared
            .changed
            .wait_timeout_while(slot, PAUSE_WITHIN, |slot| slot.writing)
            .unwrap_or_else(PoisonError::into_inner);
        drop(slot);
        if timeout.timed_out() {
            // It hangs in a write to a dead terminal: it is left there, the process ends without it.
            return false;
        }
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

fn write_frames(shared: &Shared, tty: &OwnedFd, dialect: Dialect, inputs: &mpsc::Sender<Input>) {
    let mut encoder = Encoder::new(dialect);
    while let Some(work) = next(shared) {
        let picture = match work {
            Work::Frame(picture) => picture,
            Work::Control(bytes) => {
                // Where the terminal is gone, the next frame finds out and says so.
                let _ = write_all(tty, &bytes);
                lock(&shared.slot).writing = false;
                shared.changed.notify_all();
                continue;
            }
        };
        if shared.synchronizes.load(Ordering::Relaxed) {
            encoder.synchronize();
        }
        let Picture { frame, buffer, clear, cursor } = *picture;
        let bytes = encoder.encode(buffer, clear, cursor);
        // Noted before the query leaves: its answer may be faster than this thread.
        lock(&shared.asked).push_back(Asked { frame, bytes: bytes.len(), at: Instant::now() });
        let written = write_all(tty, &bytes);
        lock(&shared.slot).writing = false;
        shared.changed.notify_all();
        let input = match written {
            Ok(()) => Input::Written(frame),
            Err(error) => Input::Lost(format!("the terminal cannot be written: {error}")),
        };
        let lost = matches!(input, Input::Lost(_));
        if inputs.blocking_send(input).is_err() || lost {
            break;
        }
    }
}

/// What the thread does next.
enum Work {
    Frame(Box<Picture>),
    Control(Vec<u8>),
}

fn next(shared: &Shared) -> Option<Work> {
    let mut slot = lock(&shared.slot);
    loop {
        if slot.closed {
            return None;
        }
        if !slot.paused
            && let Some(control) = slot.controls.pop_front()
        {
            slot.writing = true;
            return Some(Work::Control(control));
        }
        if !slot.paused
            && let Some(picture) = slot.picture.take()
        {
            slot.writing = true;
            return Some(Work::Frame(Box::new(picture)));
        }
        slot = shared.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Writes everything; a signal in between is not an error.
///
/// # Errors
/// What the system says: most often that the terminal is gone.
pub fn write_all(tty: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(tty, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut ready = [rustix::event::PollFd::new(tty, rustix::event::PollFlags::OUT)];
                rustix::event::poll(&mut ready, None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::unix::net::UnixStream};

    use ratatui::{buffer::Buffer, layout::Rect};

    use super::*;
    use crate::tui::encode::QUERY;

    fn picture(frame: u64, text: &str) -> Picture {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 50));
        for y in 0..50 {
            buffer.set_string(0, y, text.repeat(200 / text.len()), ratatui::style::Style::default());
        }
        Picture { frame, buffer: buffer.into(), clear: false, cursor: None }
    }

    /// Nobody reads: the handle answers all the same, and once somebody reads, the newest frame is there.
    #[test]
    fn a_stalled_terminal_stalls_nothing_and_gets_the_newest_frame() {
        let (ours, mut far) = UnixStream::pair().unwrap();
        let (sender, mut inputs) = mpsc::channel(4096);
        let mut output = Output::start(OwnedFd::from(ours), Dialect::MOST, sender).unwrap();
        // Far more than the socket takes without a reader.
        for frame in 0..2000 {
            output.show(picture(frame, if frame % 2 == 0 { "ab" } else { "cd" }));
        }
        output.show(picture(2000, "Z"));
        let mut parser = vt100::Parser::new(50.try_into().unwrap(), 200.try_into().unwrap(), 0);
        let mut bytes = [0; 4096];
        let mut written = Vec::new();
        while written.last() != Some(&2000) {
            let count = far.read(&mut bytes).unwrap();
            parser.process(&bytes[..count]);
            while let Ok(input) = inputs.try_recv() {
                match input {
                    Input::Written(frame) => written.push(frame),
                    other => panic!("{other:?}"),
                }
            }
        }
        far.set_nonblocking(true).unwrap();
        while let Ok(count @ 1..) = far.read(&mut bytes) {
            parser.process(&bytes[..count]);
        }
        assert!(written.len() < 1000, "{} of 2001 frames were written", written.len());
        assert!(parser.screen().contents().chars().all(|c| c == 'Z' || c == '\n'));
        let asked: Vec<u64> = std::iter::from_fn(|| output.answered()).collect();
        assert_eq!(asked, written, "the n-th answer belongs to the n-th query");
        assert!(output.close());
    }

    /// Two rows of text are four hundred bytes: more than a slow line should hold, less than a fast one may.
    #[test]
    fn a_line_that_answers_a_long_frame_at_once_may_hold_more() {
        let (ours, mut far) = UnixStream::pair().unwrap();
        let (sender, mut inputs) = mpsc::channel(8);
        let mut output = Output::start(OwnedFd::from(ours), Dialect::MOST, sender).unwrap();
        let mut bytes = [0; 4096];
        // The first two rows, and those below where there are any.
        let mut write = |output: &Output, frame: u64, top: &str, below: &str| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 50));
            for y in 0..50 {
                let text = if y < 2 { top } else { below };
                buffer.set_string(0, y, text.repeat(100), ratatui::style::Style::default());
            }
            output.show(Picture { frame, buffer: buffer.into(), clear: false, cursor: None });
            let mut end = Vec::new();
            while !end.ends_with(QUERY) {
                let count = far.read(&mut bytes).unwrap();
                end.extend_from_slice(&bytes[..count]);
            }
            assert!(matches!(inputs.blocking_recv(), Some(Input::Written(_))));
        };
        write(&output, 1, "ab", "");
        assert!(output.is_behind(), "nothing is known of the line");
        assert_eq!(output.answered(), Some(1));
        write(&output, 2, "ab", "cd");
        assert!(output.is_behind(), "this is too much for any line");
        assert_eq!(output.answered(), Some(2));
        for (frame, top, is_behind) in [(3, "ef", false), (4, "gh", false), (5, "ij", true)] {
            write(&output, frame, top, "cd");
            assert_eq!(output.is_behind(), is_behind, "{frame}");
        }
        assert!(output.close());
    }

    #[test]
    fn a_dead_terminal_is_told() {
        let (ours, far) = UnixStream::pair().unwrap();
        drop(far);
        let (sender, mut inputs) = mpsc::channel(8);
        let output = Output::start(OwnedFd::from(ours), Dialect::MOST, sender).unwrap();
        output.show(picture(1, "a"));
        assert!(matches!(inputs.blocking_recv(), Some(Input::Lost(_))));
    }
}
