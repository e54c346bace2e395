//! A program on a pseudo-terminal, its bytes with the moment at which each came.

use std::{
    io::{Read as _, Write},
    num::NonZero,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use portable_pty::{Child, MasterPty, PtySize, native_pty_system};

use super::{
    line::{ANSWER, QUERY},
    program::Program,
};

/// Columns and rows of every measurement.
pub const SIZE: (u16, u16) = (120, 40);
/// A program that has written nothing for so long has finished its frame.
const QUIET: Duration = Duration::from_millis(150);

/// The program, and its screen as an emulator shows it.
pub struct Pty {
    keyboard: Box<dyn Write + Send>,
    bytes: Receiver<(Instant, Vec<u8>)>,
    pub child: Box<dyn Child + Send + Sync>,
    pub screen: vt100::Parser,
    pub started: Instant,
    _master: Box<dyn MasterPty + Send>,
}

impl Pty {
    pub fn open(program: &Program) -> Self {
        let (columns, rows) = SIZE;
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let started = Instant::now();
        let child = pair.slave.spawn_command(program.command()).unwrap();
        drop(pair.slave);
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                if sender.send((Instant::now(), chunk[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0);
        Self { keyboard, bytes, child, screen, started, _master: pair.master }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).unwrap();
        self.keyboard.flush().unwrap();
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
        while let Some((at, bytes)) = self.read(Instant::now() + QUIET) {
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

    /// Waits until the screen shows something.
    pub fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + Duration::from_mins(1);
        while !self.screen.screen().contents().contains(text) {
            let came = self.read(until);
            assert!(came.is_some(), "waited for {text:?} and saw\n{}", self.screen.screen().contents());
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.child.kill().is_err() || self.child.wait().is_err() {
            // It has ended already.
        }
    }
}
