//! How the console feels: `cargo bench --bench console`.
//!
//! ```text
//! exercise   the real binary: first paint, keys, bytes, an idle minute, memory, slow lines, endings; beside the peers
//! many       the console over half a million identities that a seed makes: listed, memory, filter, on one processor too
//! feed       the same with 5,000 events a second from twenty isolations: keys, slow lines
//! isolation  the bytes of one isolation of 36 steps
//! ```
//!
//! Everything is measured from the far side of a pseudo-terminal, beside the peers that `tests/bench/peers` installs. One
//! line a target: what is wanted, what was found, what the peers need. It fails where a target is missed. `-- short`
//! makes the idle minute ten seconds, the filter's texts fewer, and leaves out the slowest line; `-- feed` measures one of
//! the four alone. Absolute times are this machine's, as busy as it is; the peers' of the same run say how busy.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and stops when it cannot be set up")]
#![expect(clippy::cast_precision_loss, reason = "byte counts of a benchmark are far below 2^52")]

mod driver;
mod endings;
mod engine;
mod filter;
mod idle;
mod lag;
mod line;
mod measure;
mod parts;
mod place;
mod process;
mod program;
mod pty;
mod report;
mod strikes;
#[path = "../fleet/world.rs"]
mod world;

use std::process::ExitCode;

use parts::Part;
use place::Place;
use program::Program;
use report::Report;

fn main() -> ExitCode {
    if driver::drive() {
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let short = arguments.iter().any(|argument| argument == "short");
    let only: Vec<&String> = arguments.iter().filter(|argument| *argument != "short").collect();
    let place = Place::new();
    let floor = measure::floor(&Program::cat(place.path()));
    println!("the harness itself: key to first byte of cat p50 {:.2} ms, p99 {:.2} ms", floor.p50, floor.p99);
    println!("load of this machine before it began: {}", process::load());
    let mut report = Report::new();
    for part in Part::ALL {
        if only.is_empty() || only.iter().any(|name| *name == part.name()) {
            part.measure(&place, short, &mut report);
        }
    }
    if report.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
