//! The console over a fleet and a feed of one's own: this executable, started anew on the pseudo-terminal.
//!
//! The exercise has ten identities and nothing that happens by itself. So the library's own `tui::run` (the loop, its
//! threads and its terminal, on a runtime as the binary makes it) gets an engine here that only says what the seed makes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use estop::tui;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{engine::Made, strikes::Strikes, world::fleet};

/// The first argument that makes this executable the console.
pub const CONSOLE: &str = "console";
/// The first argument that makes it the console over a few bots, with one isolation.
pub const STRIKE: &str = "strike";
/// The first argument that makes it print lines for a peer.
pub const LINES: &str = "lines";
/// The first argument that makes it print the fleet's names.
pub const NAMES: &str = "names";

/// The seed of every fleet.
const SEED: u64 = 5;
/// Bots of a fleet, if it is as large as that.
pub const BOTS: usize = 500;
/// Bots of which one is isolated.
const FEW: usize = 10;
/// How long the console has for its first frames, and whoever measures it for the key that leads to the isolation.
const BEFORE: Duration = Duration::from_secs(3);
/// Between two bursts of the feed.
const BURST: Duration = Duration::from_millis(1);

/// Does what the arguments say, if they are for this; else the benchmark is what is asked for.
pub fn drive() -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<usize>().unwrap();
    match arguments.first().map(String::as_str) {
        Some(CONSOLE) => {
            let (rate, told) = (number(2), PathBuf::from(&arguments[3]));
            console(number(1), |engine, strikes| feed(engine, strikes, rate, told));
        }
        Some(STRIKE) => console(FEW, strike),
        Some(LINES) => lines(number(1)),
        Some(NAMES) => names(number(1)),
        _ => return false,
    }
    true
}

/// The console over so many identities, and what happens there.
fn console<F>(count: usize, happens: impl FnOnce(Made, Strikes) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let bots = BOTS.min(count);
    let snapshot = Arc::new(fleet(SEED, bots, count - bots));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let strikes = Strikes::on(&snapshot);
        let engine = Made::new(snapshot);
        tokio::spawn(happens(engine.clone(), strikes));
        tui::run(engine, tui::Options::default()).await.unwrap();
    });
    runtime.shutdown_background();
}

/// One isolation, after a while.
async fn strike(engine: Made, strikes: Strikes) {
    engine.opened().await;
    let start = Instant::now() + BEFORE;
    for (at, event) in strikes.story() {
        sleep_until(start + at).await;
        engine.tell(event);
    }
}

/// So many events a second; 0: nothing happens. Every event goes out, however late: what one burst could not send the
/// next one does. How many there were, and in how many milliseconds, is left in a file.
async fn feed(engine: Made, strikes: Strikes, rate: usize, told: PathBuf) {
    if rate == 0 {
        return;
    }
    engine.opened().await;
    for event in strikes.begin() {
        engine.tell(event);
    }
    let mut bursts = interval(BURST);
    bursts.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let started = Instant::now();
    let (mut sent, mut said) = (0, 0);
    loop {
        bursts.tick().await;
        let elapsed = started.elapsed();
        let due = due(elapsed, rate);
        for number in sent..due {
            let (event, line) = strikes.next(number);
            engine.tell(event);
            if let Some(line) = line {
                engine.write(line);
            }
        }
        sent = due;
        if elapsed.as_secs() > said {
            said = elapsed.as_secs();
            std::fs::write(&told, format!("{sent} {}", elapsed.as_millis())).unwrap();
        }
    }
}

fn due(elapsed: Duration, rate: usize) -> usize {
    usize::try_from(elapsed.as_micros()).unwrap() * rate / 1_000_000
}

/// A feed for a program that takes lines: so many a second, for ever.
fn lines(rate: usize) {
    use std::io::Write as _;
    let started = std::time::Instant::now();
    let mut out = std::io::stdout().lock();
    let mut sent = 0;
    loop {
        std::thread::sleep(BURST);
        let due = due(started.elapsed(), rate);
        for number in sent..due {
            if writeln!(out, "event {number} of the feed").is_err() {
                return;
            }
        }
        sent = due;
        if out.flush().is_err() {
            return;
        }
    }
}

fn names(count: usize) {
    let bots = BOTS.min(count);
    let snapshot = fleet(SEED, bots, count - bots);
    for view in &snapshot.bots {
        println!("{} {}", view.bot.name, view.identities[0].id.provider());
    }
    for identity in snapshot.others.iter() {
        println!("{} {}", identity.name.raw(), identity.id.provider());
    }
}
