//! A slow line between a program and the person's screen: bytes a second, and a delay each way.
//!
//! Whatever the program writes is taken at once, as ssh takes it; what arrives, and when, is the line's doing.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The status query, which the far terminal answers when it has come that far.
pub const QUERY: &[u8] = b"\x1b[5n";
pub const ANSWER: &[u8] = b"\x1b[0n";

/// A line by its figures.
pub struct Line {
    pub what: &'static str,
    /// How far the screen may be behind, in seconds.
    pub target: f64,
    bytes_per_second: f64,
    delay: Duration,
}

impl Line {
    /// Ten bits a byte on a serial line.
    pub const ALL: [Self; 3] = [
        Self { what: "1 Mbit/s, 200 ms", target: 0.26, bytes_per_second: 125_000.0, delay: HALF },
        Self { what: "57,600 baud", target: 0.5, bytes_per_second: 5_760.0, delay: Duration::ZERO },
        Self { what: "9,600 baud", target: 1.5, bytes_per_second: 960.0, delay: Duration::ZERO },
    ];

    pub fn is_slow(&self) -> bool {
        self.bytes_per_second < 1_000.0
    }

    fn time(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.bytes_per_second)
    }
}

const HALF: Duration = Duration::from_millis(100);

/// One direction of it.
pub struct Way<'a> {
    line: &'a Line,
    /// When the last byte so far is through.
    free: Instant,
    queue: VecDeque<(Instant, Vec<u8>)>,
}

impl<'a> Way<'a> {
    pub fn new(line: &'a Line) -> Self {
        Self { line, free: Instant::now(), queue: VecDeque::new() }
    }

    /// Puts bytes on the line; they arrive together, when the last of them does.
    pub fn send(&mut self, at: Instant, bytes: &[u8]) {
        self.free = self.free.max(at) + self.line.time(bytes.len());
        self.queue.push_back((self.free + self.line.delay, bytes.to_vec()));
    }

    /// The same, cut behind each query: it is answered when it comes, not when what follows does.
    pub fn send_frames(&mut self, at: Instant, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let query = bytes.windows(QUERY.len()).position(|window| window == QUERY);
            let (first, rest) = bytes.split_at(query.map_or(bytes.len(), |at| at + QUERY.len()));
            self.send(at, first);
            bytes = rest;
        }
    }

    /// When the next bytes arrive.
    pub fn next(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at)
    }

    /// What has arrived by now.
    pub fn arrived(&mut self, now: Instant) -> Option<(Instant, Vec<u8>)> {
        self.queue.pop_front_if(|(at, _)| *at <= now)
    }
}
