//! How the console feels: `cargo bench --bench console`.
//!
//! The real binary on a pseudo-terminal, on the embedded exercise, beside the peers that `tests/bench/peers` installs:
//! first paint, from key to first byte, bytes of a move, a scroll and a page, an idle minute, memory, and how far behind
//! a far screen is after a hundred fast keys over slow lines. One line a target: what is wanted, what was found, what
//! the peers need. It fails where a target is missed. `-- short` leaves out the idle minute and the slowest line.
//! Absolute times are this machine's, as busy as it is; the peers' of the same run say how busy.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and stops when it cannot be set up")]
#![expect(clippy::cast_precision_loss, reason = "byte counts of a benchmark are far below 2^52")]

mod line;
mod measure;
mod program;
mod pty;

use std::process::ExitCode;

use line::Line;
use measure::{Keys, Percentiles};
use program::Program;

/// One line of the result.
struct Row {
    what: &'static str,
    target: f64,
    unit: &'static str,
    ours: f64,
    peers: Vec<(&'static str, Option<f64>)>,
}

impl Row {
    fn is_met(&self) -> bool {
        self.ours <= self.target
    }

    fn print(&self) {
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        let (what, unit) = (self.what, self.unit);
        print!("{what:<34} {:>8.2} {unit:<9} {:>9.2} {verdict:<7}", self.target, self.ours);
        for (peer, found) in &self.peers {
            match found {
                Some(found) => print!(" {peer} {found:.2}"),
                None => print!(" {peer} -"),
            }
        }
        println!();
    }
}

/// Everything that is found out about one program.
struct Found {
    first_paint: f64,
    key: Percentiles,
    keys: Keys,
    memory: f64,
    idle: Option<measure::Idle>,
    lags: Vec<Option<f64>>,
}

fn find(program: &Program, short: bool) -> Found {
    let first_paint = measure::first_paint(program);
    let (key, keys, memory) = measure::keys(program);
    let idle = (!short).then(|| measure::idle(program));
    let lines = Line::ALL.iter().filter(|line| !short || !line.is_slow());
    let lags = lines.map(|line| measure::lag(program, line)).collect();
    Found { first_paint, key, keys, memory, idle, lags }
}

fn main() -> ExitCode {
    let short = std::env::args().any(|argument| argument == "short");
    let place = tempfile::tempdir().unwrap();
    let (programs, missing) = program::all(place.path());
    for name in missing {
        println!("{name} is not here: tests/bench/peers says how to get it");
    }
    let floor = measure::floor(place.path());
    println!("the harness itself: key to first byte of cat p50 {:.2} ms, p99 {:.2} ms", floor.p50, floor.p99);
    println!("a feed of 5,000 events a second: not measured, the exercise has none");
    let found: Vec<(&'static str, Found)> = programs.iter().map(|one| (one.name, find(one, short))).collect();
    println!("{:<34} {:>8} {:<9} {:>9} {:<7} peers", "what", "target", "", "estop", "");
    let row = |what, target, unit, of: &dyn Fn(&Found) -> Option<f64>| Row {
        what,
        target,
        unit,
        ours: of(&found[0].1).unwrap_or(f64::INFINITY),
        peers: found[1..].iter().map(|(name, found)| (*name, of(found))).collect(),
    };
    let mut rows = vec![
        row("first paint", 15.0, "ms", &|found| Some(found.first_paint)),
        row("key to first byte, p50", 0.6, "ms", &|found| Some(found.key.p50)),
        row("key to first byte, p95", 1.5, "ms", &|found| Some(found.key.p95)),
        row("key to first byte, p99", 4.0, "ms", &|found| Some(found.key.p99)),
        row("a move", 60.0, "bytes", &|found| Some(found.keys.a_move)),
        row("a row scrolled", 180.0, "bytes", &|found| found.keys.scroll),
        row("a page", 2000.0, "bytes", &|found| found.keys.page),
        row("memory", 20.0, "MiB", &|found| Some(found.memory)),
    ];
    if !short {
        rows.push(row("idle", 0.0, "bytes/s", &|found| found.idle.as_ref().map(|idle| idle.bytes)));
        rows.push(row("idle", 1.0, "wakeups/s", &|found| found.idle.as_ref().map(|idle| idle.wakeups)));
    }
    for (index, line) in Line::ALL.iter().filter(|line| !short || !line.is_slow()).enumerate() {
        rows.push(row(line.what, line.target, "s", &|found| found.lags[index]));
    }
    for row in &rows {
        row.print();
    }
    if rows.iter().all(Row::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
