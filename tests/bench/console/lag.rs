//! How far behind a far screen is after a hundred fast keys over a slow line.

use std::time::{Duration, Instant};

use super::{
    line::{ANSWER, Line, QUERY, Way},
    measure,
    program::Program,
};

/// A hundred keys in half a second.
const FAST: (u32, Duration) = (100, Duration::from_millis(5));
/// The far screen is right when what is watched has not changed for so long.
const SETTLED: Duration = Duration::from_secs(4);
/// Longer than this a peer is not waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long after the last of the keys the far screen is right, in seconds; `None`: it is not in two minutes.
pub fn lag(program: &Program, line: &Line) -> Option<f64> {
    let mut pty = measure::at_rest(program);
    let (mut down, mut up) = (Way::new(line), Way::new(line));
    let (count, apart) = FAST;
    let start = Instant::now();
    let mut pressed = 0;
    let first = pty.watched();
    let mut shown = first.clone();
    let mut changed = start;
    let last = start + apart * (count - 1);
    loop {
        let now = Instant::now();
        while pressed < count && start + apart * pressed <= now {
            // Ends two further down than it began: a key that came to nothing would show.
            let key = if pressed % 2 == 0 || pressed + 1 == count { program.down } else { program.up };
            up.send(start + apart * pressed, key.as_bytes());
            pressed += 1;
        }
        while let Some((_, bytes)) = up.arrived(now) {
            pty.write(&bytes);
        }
        while let Some((at, bytes)) = down.arrived(now) {
            pty.screen.process(&bytes);
            let text = pty.watched();
            if text != shown {
                (shown, changed) = (text, at);
            }
            if bytes.ends_with(QUERY) {
                up.send(at, ANSWER);
            }
        }
        // Where a feed runs, neither direction is ever empty.
        let quiet = program.mark.is_some() || down.next().is_none() && up.next().is_none();
        if pressed == count && quiet && now > changed.max(last) + SETTLED {
            return (shown != first).then(|| changed.saturating_duration_since(last).as_secs_f64());
        }
        if now > last + PATIENCE {
            return None;
        }
        let key = (pressed < count).then(|| start + apart * pressed);
        let next = [key, up.next(), down.next(), Some(now + SETTLED)].into_iter().flatten().min();
        if let Some((at, bytes)) = pty.next(next.unwrap_or(now)) {
            down.send_frames(at, &bytes);
        }
    }
}
