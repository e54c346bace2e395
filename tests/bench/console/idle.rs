//! A minute without a key.

use std::time::{Duration, Instant};

use super::{measure, process::Wakeups, program::Program};

/// What is read at once: a tick of any program has come in it.
const SECOND: Duration = Duration::from_secs(1);
/// A read of the providers that begins in one second may end in the next; what goes on longer is a tick.
const READ: usize = 2;

/// A second of it, but for the ticks.
pub struct Idle {
    pub bytes: f64,
    pub wakeups: f64,
    /// Seconds of the longest unbroken row in each of which it woke, beyond what one read of the providers takes.
    pub ticks: f64,
}

pub fn idle(program: &Program, seconds: usize) -> Idle {
    let mut pty = measure::at_rest(program);
    let mut bytes = 0;
    let mut wakeups = Wakeups::of(pty.child.process_id());
    let (mut all, mut row, mut longest) = (0, 0_usize, 0_usize);
    let started = Instant::now();
    for second in 1..=seconds {
        let until = started + SECOND * u32::try_from(second).unwrap();
        while let Some((_, came)) = pty.read(until) {
            bytes += came.len();
        }
        let woken = wakeups.since();
        all += woken;
        row = if woken > 0 { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    let each = seconds as f64;
    Idle { bytes: bytes as f64 / each, wakeups: all as f64 / each, ticks: longest.saturating_sub(READ) as f64 }
}
