//! A program on a pseudo-terminal, its bytes with the moment at which each came.

use std::{
    fs::OpenOptions,
    io::{Read as _, Write},
    num::NonZero,
    os::unix::fs::OpenOptionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use portable_pty::{Child, MasterPty, PtySize, native_pty_system};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};

use super::{
    line::{ANSWER, QUERY},
    program::Program,
};

/// A program that has written nothing for so long has finished its frame.
const QUIET: Duration = Duration::from_millis(150);
/// One that never rests is not waited for any longer.
const RESTLESS: Duration = Duration::from_secs(2);
/// How long the screen has to show what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program, and its screen as an emulator shows it.
pub struct Pty {
    keyboard: Option<Box<dyn Write + Send>>,
    bytes: Receiver<(Instant, Vec<u8>)>,
    pub child: Box<dyn Child + Send + Sync>,
    pub screen: vt100::Parser,
    pub started: Instant,
    /// The terminal itself; without it, the line has dropped.
    master: Option<Box<dyn MasterPty + Send>>,
    reader: Option<JoinHandle<()>>,
    /// Whether the reader is to stop at the next byte.
    torn: Arc<AtomicBool>,
    /// The terminal's modes before the program came.
    modes: String,
    /// What the selected row begins with, where that is known.
    mark: Option<&'static str>,
}

impl Pty {
    pub fn open(program: &Program) -> Self {
        let (columns, rows) = program.size;
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let modes = format!("{:?}", pair.master.get_termios());
        let started = Instant::now();
        let child = pair.slave.spawn_command(program.command()).unwrap();
        drop(pair.slave);
        let (sender, bytes) = channel();
        let torn = Arc::new(AtomicBool::new(false));
        let stop = torn.clone();
        let reader = std::thread::spawn(move || {
            let mut chunk = vec![0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                let lost = sender.send((Instant::now(), chunk[..count].to_vec())).is_err();
                if lost || stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0);
        Self {
            keyboard: Some(keyboard),
            bytes,
            child,
            screen,
            started,
            master: Some(pair.master),
            reader: Some(reader),
            torn,
            modes,
            mark: program.mark,
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(bytes).unwrap();
        keyboard.flush().unwrap();
    }

    /// What comes next, by then at the latest. Nobody has answered it yet.
    pub fn next(&mut self, until: Instant) -> Option<(Instant, Vec<u8>)> {
        match self.bytes.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(came) => Some(came),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("it has ended and shows\n{}", self.screen.screen().contents())
            }
        }
    }

    /// The same, on a terminal beside the program: read and answered at once.
    pub fn read(&mut self, until: Instant) -> Option<(Instant, Vec<u8>)> {
        let (at, bytes) = self.next(until)?;
        self.screen.process(&bytes);
        let asked = bytes.windows(QUERY.len()).filter(|window| *window == QUERY).count();
        self.write(&ANSWER.repeat(asked));
        Some((at, bytes))
    }

    /// Reads until nothing comes any more: when the first byte came, and how many did.
    pub fn settle(&mut self) -> (Option<Instant>, usize) {
        let (mut first, mut count) = (None, 0);
        let until = Instant::now() + RESTLESS;
        while let Some((at, bytes)) = self.read(until.min(Instant::now() + QUIET)) {
            first.get_or_insert(at);
            count += bytes.len();
        }
        (first, count)
    }

    /// Presses a key and waits for all that comes of it.
    pub fn press(&mut self, key: &str) -> (Instant, Option<Instant>, usize) {
        let pressed = Instant::now();
        self.write(key.as_bytes());
        let (first, count) = self.settle();
        (pressed, first, count)
    }

    /// The same: the bytes of the frame that the key brings, and of those that follow.
    pub fn press_and_rest(&mut self, key: &str) -> (usize, usize) {
        self.write(key.as_bytes());
        let Some((_, mut first)) = self.read(Instant::now() + RESTLESS) else { return (0, 0) };
        let behind = |bytes: &[u8]| bytes.windows(QUERY.len()).position(|window| window == QUERY);
        // Who asks nothing has no frames that could be told apart.
        while behind(&first).is_none()
            && let Some((_, bytes)) = self.read(Instant::now() + QUIET)
        {
            first.extend(bytes);
        }
        let frame = behind(&first).map_or(first.len(), |at| at + QUERY.len());
        (frame, first.len() - frame + self.settle().1)
    }

    /// What the keys change: the selected row where it is marked, else everything.
    pub fn watched(&self) -> String {
        let text = self.screen.screen().contents();
        match self.mark {
            Some(mark) => text.lines().find(|line| line.starts_with(mark)).unwrap_or_default().to_owned(),
            None => text,
        }
    }

    /// Presses a key and waits until what it changes has changed: when that came.
    pub fn press_watching(&mut self, key: &str) -> (Instant, Option<Instant>) {
        let before = self.watched();
        let pressed = Instant::now();
        self.write(key.as_bytes());
        let until = pressed + RESTLESS;
        while let Some((at, _)) = self.read(until) {
            if self.watched() != before {
                return (pressed, Some(at));
            }
        }
        (pressed, None)
    }

    /// Waits until the screen shows something: when it came.
    pub fn wait_for(&mut self, text: &str) -> Instant {
        let until = Instant::now() + PATIENCE;
        let mut at = Instant::now();
        while !self.screen.screen().contents().contains(text) {
            let came = self.read(until);
            assert!(came.is_some(), "waited for {text:?} and saw\n{}", self.screen.screen().contents());
            at = came.map_or(at, |(at, _)| at);
        }
        at
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()).unwrap()
    }

    /// Waits for the program's end, at most so long: whether it came.
    pub fn ends(&self, within: Duration) -> bool {
        let ended = pidfd_open(self.pid(), PidfdFlags::empty()).unwrap();
        let wait = Timespec { tv_sec: i64::try_from(within.as_secs()).unwrap(), tv_nsec: 0 };
        poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&wait)).unwrap() > 0
    }

    /// Ends it by a signal: whether it ended, and left the terminal as it was before.
    pub fn restores_after(mut self, signal: Signal) -> bool {
        kill_process(self.pid(), signal).unwrap();
        // Read, and answered, as long as it speaks: a program may wait for its last answer.
        let until = Instant::now() + RESTLESS;
        loop {
            match self.bytes.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((_, bytes)) => {
                    self.screen.process(&bytes);
                    let asked = bytes.windows(QUERY.len()).filter(|window| *window == QUERY).count();
                    let keyboard = self.keyboard.as_mut().unwrap();
                    if keyboard.write_all(&ANSWER.repeat(asked)).is_err() {
                        // It has ended in between.
                    }
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let screen = self.screen.screen();
        let modes = self.master.as_ref().map(|master| format!("{:?}", master.get_termios()));
        self.ends(RESTLESS)
            && modes.as_ref() == Some(&self.modes)
            && !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && !screen.application_cursor()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }

    /// The line drops: everything that keeps the far side open is closed.
    pub fn tear(&mut self) {
        let name = self.master.as_ref().and_then(|master| master.tty_name()).unwrap();
        let noctty = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
        let mut near = OpenOptions::new().write(true).custom_flags(noctty).open(name).unwrap();
        self.torn.store(true, Ordering::Relaxed);
        // Wakes the reader, whose copy of the far side would keep the line up.
        near.write_all(b"\0").unwrap();
        self.reader.take().unwrap().join().unwrap();
        drop(near);
        drop(self.keyboard.take());
        drop(self.master.take());
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.child.kill().is_err() || self.child.wait().is_err() {
            // It has ended already.
        }
    }
}
