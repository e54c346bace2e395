//! Random schedules of faults, crashes, re-mints and two operators: the real engine, the real provider code and a real
//! journal, over a simulated server under paused time.
//!
//! ```text
//! seed ─▶ Schedule ─▶ life (resume or isolate) ─ kill ─▶ life ─ kill ─▶ … ─▶ heal ─▶ last life ─▶ oracles
//! ```
//!
//! Oracles: what is claimed dark is dead in truth; every change was intended on disk before it arrived; without faults
//! everything ends dead; repeats are bounded and carry a key; every journal is sound.
//!
//! `SIMULATION_SEED` begins at another seed, `SIMULATION_RUNS` sets how many; a seed that failed is printed and belongs
//! into [`KEPT`].

#![expect(clippy::print_stdout, reason = "the seeds are printed first")]

mod clock;
mod run;
mod schedule;
mod wire;

use run::World;

/// Runs of a plain `cargo test`.
const RUNS: u64 = 150;
/// Seeds that failed once: these with verification skipped after a retry, which was planted to see it found.
const KEPT: [u64; 3] = [30044, 30078, 30085];

fn broken(seed: u64, rosy: bool) -> Option<String> {
    let world = World::new(seed, rosy);
    let schedule = format!("{:?}", world.schedule);
    let broken = world.run();
    (!broken.is_empty()).then(|| format!("seed {seed}:\n  {}\n  {schedule}", broken.join("\n  ")))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whatever_fails_nothing_survives_quietly() {
    let first = number("SIMULATION_SEED").unwrap_or_else(|| u64::from(std::process::id()) * 1000);
    let runs = number("SIMULATION_RUNS").unwrap_or(RUNS);
    println!("seeds {first} to {}", first + runs - 1);
    let seeds: Vec<u64> = KEPT.into_iter().chain(first..first + runs).collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let share = |seeds: &[u64]| seeds.iter().filter_map(|seed| broken(*seed, false)).collect::<Vec<_>>();
        let shares = seeds.chunks(seeds.len().div_ceil(threads)).map(|seeds| scope.spawn(move || share(seeds)));
        let shares: Vec<_> = shares.collect();
        shares.into_iter().flat_map(|share| share.join().expect("a run that panics has failed")).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The oracles see what they are there for: where no session is ever ended and every read says that none is left, estop
/// must call alive bots dark, and that must be noticed.
#[test]
fn a_proof_that_proves_nothing_is_found() {
    assert!((0..40).any(|seed| broken(seed, true).is_some()), "forty runs with reads that lie, and nobody noticed");
}
