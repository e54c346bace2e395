//! First paint, keys and their bytes, each on a program of its own.

use std::time::{Duration, Instant};

use super::{line::QUERY, process, program::Program, pty::Pty};

/// Keys from which the percentiles are taken.
const KEYS: usize = 120;
/// The same where a target is about one key in a hundred and more goes on than the keys.
const KEYS_UNDER_A_FEED: usize = 400;
/// Starts from which the median is taken.
const STARTS: usize = 9;
/// What a program reads at its start is over by then.
const START: Duration = Duration::from_secs(5);
/// What a key counts that came to nothing: leaving it out would flatter.
const NEVER: Duration = Duration::from_secs(2);
/// Longer than this nobody is waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long an isolation is watched that is to begin by itself.
const STRIKE: Duration = Duration::from_secs(20);

/// Milliseconds.
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub most: f64,
}

impl Percentiles {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| ms(times[(times.len() * percent / 100).min(times.len() - 1)]);
        Self { p50: at(50), p95: at(95), p99: at(99), most: at(100) }
    }
}

/// Bytes; the most that one of a few cost.
pub struct Keys {
    pub a_move: f64,
    /// What follows the frame of a move once keys rest; a peer's whole move is its frame.
    pub beside: f64,
    pub scroll: Option<f64>,
    pub page: Option<f64>,
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Started, and led to what is moved in.
pub fn ready(program: &Program) -> Pty {
    let mut pty = Pty::open(program);
    pty.wait_for(&program.ready);
    pty.settle();
    if let Some((key, text)) = &program.before {
        pty.write(key.as_bytes());
        pty.wait_for(text);
        pty.settle();
    }
    pty
}

/// The same, once what it reads at its start is over: what comes then comes of keys.
pub fn at_rest(program: &Program) -> Pty {
    let mut pty = ready(program);
    let rest = Instant::now() + START;
    while pty.read(rest).is_some() {}
    pty
}

/// From start to the end of the first frame, or to a peer's first bytes: the median.
pub fn first_paint(program: &Program) -> f64 {
    let one = |_| {
        let mut pty = Pty::open(program);
        let mut seen = Vec::new();
        loop {
            let (at, bytes) = pty.read(Instant::now() + PATIENCE).unwrap();
            seen.extend_from_slice(&bytes);
            let ours = program.is_ours();
            if ours && seen.windows(QUERY.len()).any(|window| window == QUERY) || !ours && seen.len() > 64 {
                return at - pty.started;
            }
        }
    };
    Percentiles::of((0..STARTS).map(one).collect()).p50
}

/// From the key that asks for all rows until they are there, or a peer's start until it has read them, in milliseconds.
pub fn listed(program: &Program) -> f64 {
    let mut pty = Pty::open(program);
    let read = pty.wait_for(&program.ready);
    let Some((key, text)) = &program.before else { return ms(read - pty.started) };
    pty.settle();
    let pressed = Instant::now();
    pty.write(key.as_bytes());
    ms(pty.wait_for(text) - pressed)
}

/// The time that the harness itself takes.
pub fn floor(cat: &Program) -> Percentiles {
    latency(&mut Pty::open(cat), cat)
}

/// From a key to its first byte; where more goes on than keys, to the bytes that move the marked row.
fn latency(pty: &mut Pty, program: &Program) -> Percentiles {
    let mut random = fastrand::Rng::with_seed(7);
    let mut times = Vec::new();
    let count = if program.mark.is_some() { KEYS_UNDER_A_FEED } else { KEYS };
    for number in 0..count {
        // At any phase of whatever ticks in there.
        let pause = Instant::now() + Duration::from_micros(random.u64(0..40_000));
        while pty.read(pause).is_some() {}
        let key = if number % 2 == 0 { program.down } else { program.up };
        let (pressed, came) = if program.mark.is_some() {
            pty.press_watching(key)
        } else {
            let (pressed, first, _) = pty.press(key);
            (pressed, first)
        };
        times.push(came.map_or(NEVER, |came| came - pressed));
    }
    Percentiles::of(times)
}

/// Latency, bytes, and memory afterwards in MiB.
pub fn keys(program: &Program) -> (Percentiles, Keys, f64) {
    let mut pty = at_rest(program);
    let key = latency(&mut pty, program);
    let moves = [program.down, program.up, program.down, program.up].map(|key| pty.press_and_rest(key));
    let worst = |bytes: [usize; 4]| bytes.into_iter().max().unwrap_or(0) as f64;
    let (a_move, beside) = (worst(moves.map(|(first, _)| first)), worst(moves.map(|(_, rest)| rest)));
    let mut most = |keys: &[&str]| {
        let bytes = keys.iter().map(|key| pty.press(key).2).max().unwrap_or(0);
        bytes as f64
    };
    let (mut scroll, mut page) = (None, None);
    if let Some([before, row, paged]) = program.scrolls {
        most(&[before]);
        scroll = (!row.is_empty() && program.is_ours()).then(|| most(&[row, row, row]));
        page = Some(most(&[paged, paged]));
    }
    let keys = Keys { a_move, beside, scroll, page };
    (key, keys, process::memory(pty.child.process_id()))
}

/// Only the latency, and whether nothing was lost on the way to the screen.
pub fn keys_under_a_feed(program: &Program) -> (Percentiles, bool) {
    let mut pty = ready(program);
    let key = latency(&mut pty, program);
    let text = pty.screen.screen().contents();
    (key, !text.contains("events were not shown"))
}

/// Memory at rest, in MiB.
pub fn memory(program: &Program) -> f64 {
    process::memory(ready(program).child.process_id())
}

/// Bytes of a whole isolation, from the first step to its outcome, while it is looked at; `None`: it did not end.
pub fn isolation(program: &Program) -> Option<f64> {
    let mut pty = ready(program);
    pty.press("2");
    let until = Instant::now() + STRIKE;
    let mut bytes = 0;
    while let Some((_, came)) = pty.read(until) {
        bytes += came.len();
        if pty.screen.screen().contents().contains("verified 36 of 36") {
            bytes += pty.settle().1;
            return Some(bytes as f64);
        }
    }
    None
}
