//! What is left of the terminal when a program is ended from outside, and how long one stays whose line has dropped.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{measure, program::Program};

/// The polite ones.
const SIGNALS: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];
/// Longer than this nobody is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how many of the signals the terminal is not as it was before.
pub fn not_restored(program: &Program) -> f64 {
    let left = SIGNALS.iter().filter(|signal| !measure::ready(program).restores_after(**signal));
    left.count() as f64
}

/// Milliseconds from the line's end to the program's; `None`: it stays.
pub fn after_the_line(program: &Program) -> Option<f64> {
    let mut pty = measure::ready(program);
    pty.tear();
    let torn = Instant::now();
    pty.ends(PATIENCE).then(|| measure::ms(torn.elapsed()))
}
