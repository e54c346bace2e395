//! What is measured of which program, and the targets.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    endings,
    filter::{self, Filtered},
    idle::{self, Idle},
    lag,
    line::Line,
    measure::{self, Keys, Percentiles},
    place::Place,
    program::{self, MANY, Program, RATE, SIZE},
    report::{Figures, Report, Row},
};

/// A small terminal.
const SMALL: (u16, u16) = (80, 24);
/// Bots of a fleet whose memory is bounded.
const BOTS: usize = 100;
/// Idle seconds, in the long form and in the short one.
const IDLE: [usize; 2] = [60, 10];
/// A feed that is slower than so much of what it should be says nothing.
const TRUE_FEED: f64 = 0.95;
const MIB: f64 = 1_048_576.0;

/// A part of the benchmark.
#[derive(Clone, Copy)]
pub enum Part {
    Exercise,
    Many,
    Feed,
    Isolation,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Exercise, Self::Many, Self::Feed, Self::Isolation];

    pub fn name(self) -> &'static str {
        match self {
            Self::Exercise => "exercise",
            Self::Many => "many",
            Self::Feed => "feed",
            Self::Isolation => "isolation",
        }
    }

    pub fn measure(self, place: &Place, short: bool, report: &mut Report) {
        match self {
            Self::Exercise => exercise(place, short, report),
            Self::Many => many(place, short, report),
            Self::Feed => feed(place, short, report),
            Self::Isolation => isolation(place, report),
        }
    }
}

/// Each program's, and the console's must be had: a peer that cannot be measured is said to be so.
fn each<T>(programs: &[Program], find: impl Fn(&Program) -> T) -> Vec<(&'static str, T)> {
    let mut found = Vec::new();
    for program in programs {
        if program.is_ours() {
            found.push((program.name, find(program)));
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| find(program))) {
            Ok(figures) => found.push((program.name, figures)),
            Err(_) => println!("{} cannot be measured here", program.name),
        }
    }
    found
}

fn figures<T>(found: &[(&'static str, T)], of: impl Fn(&T) -> Option<f64>) -> Figures {
    found.iter().map(|(name, found)| (*name, of(found))).collect()
}

/// The slow lines that are measured.
fn lines(short: bool) -> impl Iterator<Item = &'static Line> {
    Line::ALL.iter().filter(move |line| !short || !line.is_slow())
}

/// Everything that is found out about one program.
struct Found {
    first_paint: f64,
    key: Percentiles,
    keys: Keys,
    memory: f64,
    idle: Idle,
    lags: Vec<Option<f64>>,
    not_restored: f64,
    after_the_line: Option<f64>,
}

fn find(program: &Program, short: bool) -> Found {
    let first_paint = measure::first_paint(program);
    let (key, keys, memory) = measure::keys(program);
    Found {
        first_paint,
        key,
        keys,
        memory,
        idle: idle::idle(program, IDLE[usize::from(short)]),
        lags: lines(short).map(|line| lag::lag(program, line)).collect(),
        not_restored: endings::not_restored(program),
        after_the_line: endings::after_the_line(program),
    }
}

/// The real binary, and every peer that is here.
fn exercise(place: &Place, short: bool, report: &mut Report) {
    let (programs, missing) = program::all(place);
    for name in missing {
        println!("{name} is not here: tests/bench/peers says how to get it");
    }
    let found = each(&programs, |program| find(program, short));
    let mut row = |what: &str, target, unit, of: &dyn Fn(&Found) -> Option<f64>| {
        report.take(&Row::new(what, target, unit, figures(&found, of)));
    };
    row("first paint", 15.0, "ms", &|found| Some(found.first_paint));
    row("key to first byte, p50", 0.6, "ms", &|found| Some(found.key.p50));
    row("key to first byte, p95", 1.5, "ms", &|found| Some(found.key.p95));
    row("key to first byte, p99", 4.0, "ms", &|found| Some(found.key.p99));
    row("a move", 60.0, "bytes", &|found| Some(found.keys.a_move));
    row("and what stands beside it, at rest", 2000.0, "bytes", &|found| Some(found.keys.beside));
    row("a row scrolled", 180.0, "bytes", &|found| found.keys.scroll);
    row("a page", 2000.0, "bytes", &|found| found.keys.page);
    row("memory", 20.0, "MiB", &|found| Some(found.memory));
    let seconds = IDLE[usize::from(short)];
    row(&format!("idle, {seconds} s"), 0.0, "bytes/s", &|found| Some(found.idle.bytes));
    row(&format!("idle, {seconds} s"), 1.0, "wakeups/s", &|found| Some(found.idle.wakeups));
    row(&format!("idle, {seconds} s"), 0.0, "ticks", &|found| Some(found.idle.ticks));
    for (index, line) in lines(short).enumerate() {
        row(&format!("100 keys, {}", line.what), line.target, "s", &|found| found.lags[index]);
    }
    row("terminal not restored, of four signals", 0.0, "signals", &|found| Some(found.not_restored));
    row("gone after the line has dropped", 100.0, "ms", &|found| found.after_the_line);
}

/// As many identities as a large company has, at rest.
fn many(place: &Place, short: bool, report: &mut Report) {
    let few = program::over(place, BOTS, 0);
    report.take(&Row::new(format!("memory, {BOTS} bots"), 20.0, "MiB", vec![("estop", Some(measure::memory(&few)))]));
    let ours = program::over(place, MANY, 0);
    let programs: Vec<Program> = [Some(ours), program::peer_over(place, 0)].into_iter().flatten().collect();
    let each_identity = |program: &Program| measure::memory(program) * MIB / MANY as f64;
    let found = each(&programs, each_identity);
    report.take(&Row::new("memory, each of 500,000, resident", 200.0, "bytes", figures(&found, |found| Some(*found))));
    let found = each(&programs, measure::listed);
    let what = "500,000 listed from memory (peer: from text)";
    report.take(&Row::new(what, 40.0, "ms", figures(&found, |found| Some(*found))));
    let found = each(&programs, |program| filter::filter(program, short));
    let mut row = |what: &str, target, of: &dyn Fn(&Filtered) -> f64| {
        report.take(&Row::new(what, target, "ms", figures(&found, |found| Some(of(found)))));
    };
    row("filter 500,000, p50", 22.0, &|found| found.exact.p50);
    row("filter 500,000, p95", 100.0, &|found| found.exact.p95);
    row("filter 500,000, most", 140.0, &|found| found.exact.most);
    row("a letter's echo while it filters, p99", 5.0, &|found| found.echo.p99);
    let pinned: Vec<Program> = programs.iter().map(Program::pinned).collect();
    let alone = each(&pinned, |program| filter::filter(program, short));
    let ratio = |(name, alone): &(&'static str, Filtered)| {
        let both = found.iter().find(|(other, _)| other == name);
        (*name, both.map(|(_, both)| alone.exact.p95 / both.exact.p95))
    };
    report.take(&Row::new("filter on one processor, p95", 2.2, "x of all", alone.iter().map(ratio).collect()));
}

/// The same while much happens.
fn feed(place: &Place, short: bool, report: &mut Report) {
    let ours = program::over(place, MANY, RATE);
    let programs: Vec<Program> = [Some(ours), program::peer_over(place, RATE)].into_iter().flatten().collect();
    // What is said of a feed that was slower, or not taken in, is said of another one.
    let is_true = |program: &Program| {
        if !program.is_ours() {
            return true;
        }
        let rate = place.rate().unwrap_or(0.0);
        println!("the feed: {rate:.0} events a second, over {MANY} identities");
        rate >= RATE as f64 * TRUE_FEED
    };
    let found = each(&programs, |program| {
        let (key, all) = measure::keys_under_a_feed(program);
        (is_true(program) && all).then_some(key)
    });
    let mut row = |what: &str, target, of: &dyn Fn(&Percentiles) -> f64| {
        report.take(&Row::new(what, target, "ms", figures(&found, |found| found.as_ref().map(of))));
    };
    row("key to its first byte under the feed, p50", 2.0, &|key| key.p50);
    row("key to its first byte under the feed, p99", 16.0, &|key| key.p99);
    for line in lines(short) {
        let found = each(&programs, |program| lag::lag(program, line).filter(|_| is_true(program)));
        let what = format!("100 keys under the feed, {}", line.what);
        report.take(&Row::new(what, line.target, "s", figures(&found, |found| *found)));
    }
}

fn isolation(place: &Place, report: &mut Report) {
    for size in [SMALL, SIZE] {
        let bytes = measure::isolation(&program::striking(place, size));
        let what = format!("an isolation of 36 steps, {}x{}", size.0, size.1);
        report.take(&Row::new(what, 3000.0, "bytes", vec![("estop", bytes)]));
    }
}
