//! The measurements, each on a program of its own.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    line::{ANSWER, Line, QUERY, Way},
    program::Program,
    pty::Pty,
};

/// Keys from which the percentiles are taken.
const KEYS: usize = 120;
/// Starts from which the median is taken.
const STARTS: usize = 9;
/// The minute in which nothing happens.
const IDLE: Duration = Duration::from_mins(1);
/// A hundred keys in half a second.
const FAST: (u32, Duration) = (100, Duration::from_millis(5));
/// The far screen is right when it has not changed for so long.
const SETTLED: Duration = Duration::from_secs(4);
/// Longer than this a peer is not waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// Milliseconds.
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| ms(times[(times.len() * percent / 100).min(times.len() - 1)]);
        Self { p50: at(50), p95: at(95), p99: at(99) }
    }
}

/// Bytes; the most that one of a few cost.
pub struct Keys {
    pub a_move: f64,
    pub scroll: Option<f64>,
    pub page: Option<f64>,
}

/// A second of a minute.
pub struct Idle {
    pub bytes: f64,
    pub wakeups: f64,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn ready(program: &Program) -> Pty {
    let mut pty = Pty::open(program);
    pty.wait_for(program.ready);
    pty.settle();
    if !program.before.is_empty() {
        pty.press(program.before);
    }
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
            let ours = program.name == "estop";
            if ours && seen.windows(QUERY.len()).any(|window| window == QUERY) || !ours && seen.len() > 64 {
                return at - pty.started;
            }
        }
    };
    Percentiles::of((0..STARTS).map(one).collect()).p50
}

/// The time that the harness itself takes.
pub fn floor(place: &Path) -> Percentiles {
    let program = Program::cat(place);
    let mut pty = Pty::open(&program);
    latency(&mut pty, &program)
}

fn latency(pty: &mut Pty, program: &Program) -> Percentiles {
    let mut random = fastrand::Rng::with_seed(7);
    let mut times = Vec::new();
    for number in 0..KEYS {
        // At any phase of whatever ticks in there.
        let pause = Instant::now() + Duration::from_micros(random.u64(0..40_000));
        while pty.read(pause).is_some() {}
        let (pressed, first, _) = pty.press(if number % 2 == 0 { program.down } else { program.up });
        times.extend(first.map(|first| first - pressed));
    }
    assert!(times.len() > KEYS / 2, "{} answers few keys", program.name);
    Percentiles::of(times)
}

/// Latency, bytes, and memory afterwards in MiB.
pub fn keys(program: &Program) -> (Percentiles, Keys, f64) {
    let mut pty = ready(program);
    let key = latency(&mut pty, program);
    let mut most = |keys: &[&str]| {
        let bytes = keys.iter().map(|key| pty.press(key).2).max().unwrap_or(0);
        bytes as f64
    };
    let a_move = most(&[program.down, program.up, program.down, program.up]);
    let (mut scroll, mut page) = (None, None);
    if let Some([before, row, paged]) = program.scrolls {
        most(&[before]);
        scroll = (!row.is_empty() && program.name == "estop").then(|| most(&[row, row, row]));
        page = Some(most(&[paged, paged]));
    }
    let keys = Keys { a_move, scroll, page };
    (key, keys, status(pty.child.process_id(), "VmRSS") / 1024.0)
}

/// A minute without a key.
pub fn idle(program: &Program) -> Idle {
    let mut pty = ready(program);
    let before = task_switches(pty.child.process_id());
    let mut bytes = 0;
    let until = Instant::now() + IDLE;
    while let Some((_, came)) = pty.read(until) {
        bytes += came.len();
    }
    let wakeups = task_switches(pty.child.process_id()) - before;
    Idle { bytes: bytes as f64 / IDLE.as_secs_f64(), wakeups: wakeups / IDLE.as_secs_f64() }
}

/// How long after the last of a hundred keys the far screen is right, in seconds.
pub fn lag(program: &Program, line: &Line) -> Option<f64> {
    let mut pty = ready(program);
    let (mut down, mut up) = (Way::new(line), Way::new(line));
    let (count, apart) = FAST;
    let start = Instant::now();
    let mut pressed = 0;
    let mut shown = pty.screen.screen().contents();
    let mut changed = start;
    let last = start + apart * (count - 1);
    loop {
        let now = Instant::now();
        while pressed < count && start + apart * pressed <= now {
            // Ends one further down than it began.
            let key = if pressed % 2 == 0 || pressed + 1 == count { program.down } else { program.up };
            up.send(start + apart * pressed, key.as_bytes());
            pressed += 1;
        }
        while let Some((_, bytes)) = up.arrived(now) {
            pty.write(&bytes);
        }
        while let Some((at, bytes)) = down.arrived(now) {
            pty.screen.process(&bytes);
            let text = pty.screen.screen().contents();
            if text != shown {
                (shown, changed) = (text, at);
            }
            if bytes.ends_with(QUERY) {
                up.send(at, ANSWER);
            }
        }
        let done = pressed == count && down.next().is_none() && up.next().is_none();
        if done && now > changed.max(last) + SETTLED {
            return Some(changed.saturating_duration_since(last).as_secs_f64());
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

/// A figure of a process (proc(5)), in its own unit.
fn status(process: Option<u32>, name: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", process.unwrap())).unwrap();
    figure(&text, name)
}

fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How often any of its threads has waited and was woken.
fn task_switches(process: Option<u32>) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.unwrap())).unwrap();
    let texts = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).ok());
    texts.map(|text| figure(&text, "voluntary_ctxt_switches")).sum()
}
