//! Half a million identities in the console: `cargo bench --bench fleet`. The fleet is made from a seed, the same each time.
//!
//! ```text
//! memory   bytes that identities, their index and the rows take, each
//! ready    from a snapshot to rows that can be shown
//! kept     from its file to the console's first rows
//! filter   queries typed letter by letter: from a key to the exact rows, beside nucleo's own picker on the same names;
//!          then on one processor alone
//! echo     a key while a filter is at work: until the frame with the letter is drawn
//! move     a key and its frame, at ten thousand identities and at half a million
//! ```
//!
//! Each line has its target and what was measured. A target that is missed is an exit code of 1. `cargo bench --bench fleet
//! -- filter` measures one of them; `-- generate` prints the fleet's names, for another program to filter.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be set up has no figure")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

#[path = "fleet/kept.rs"]
mod kept;
#[path = "fleet/peer.rs"]
mod peer;
#[path = "fleet/world.rs"]
mod world;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use estop::{
    engine::Snapshot,
    tui::{
        fleet::{Ask, List, View},
        message::{Message, Size},
        screen,
        state::{Look, Moment, State},
        theme::{Capability, Glyphs, Theme},
        update::{Effect, update},
    },
};
use peak_alloc::PeakAlloc;
use ratatui::{buffer::Buffer, layout::Rect};
use terminput::{KeyCode, KeyEvent};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Identities in all.
const COUNT: usize = 500_000;
/// Bots among them.
const BOTS: usize = 500;
/// The seed.
const SEED: u64 = 5;

/// What is typed, letter by letter, and taken back by as many as stand behind the bar.
const TYPED: [&str; 9] = [
    "payroll",
    "exporter eu-west",
    "supsum",
    "0417",
    "crawler-lab-0",
    "zzz",
    "gateway 99",
    "it-desk bridge",
    "notifier us 12",
];
/// The same with terms, which the peer does not know.
const TERMS: [&str; 4] = ["provider:chat crawl", "state:gated sync", "kind:token -payroll", "-lab core 77"];

/// One line of the report. Whether the target is held.
fn report(name: &str, target: &str, measured: &str, held: bool) -> bool {
    println!("{:<34} target {target:<44} measured {measured}{}", name, if held { "" } else { "   MISSED" });
    held
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The value that so many of a hundred are below.
pub fn at(times: &mut [Duration], of_a_hundred: usize) -> f64 {
    times.sort_unstable();
    millis(times[(times.len() * of_a_hundred / 100).min(times.len() - 1)])
}

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if only.iter().any(|one| one == "generate") {
        for identity in world::fleet(SEED, BOTS, COUNT - BOTS).others.iter() {
            println!("{} {}", identity.name.raw(), identity.id.provider());
        }
        return ExitCode::SUCCESS;
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|filter| name.contains(filter.as_str()));
    let started = HEAP.current_usage();
    let snapshot = Arc::new(world::fleet(SEED, BOTS, COUNT - BOTS));
    println!("{COUNT} identities, {BOTS} of them bots, seed {SEED}");
    let mut held = true;
    if wanted("memory") {
        held &= memory(&snapshot, started);
    }
    if wanted("ready") {
        held &= ready(&snapshot);
    }
    if wanted("kept") {
        held &= from_disk(&snapshot);
    }
    if wanted("filter") {
        held &= filter(&snapshot);
    }
    if wanted("echo") {
        held &= echo(&snapshot);
    }
    if wanted("move") {
        held &= moves("move, 10 000", &Arc::new(world::fleet(SEED, 2000, 8000)));
        held &= moves("move, 500 000", &snapshot);
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const ALL: fn() -> View = || View { all: true, ..View::default() };

fn listed(snapshot: &Arc<Snapshot>, text: &str, before: &Arc<List>) -> Arc<List> {
    let ask =
        Ask { generation: 1, snapshot: snapshot.clone(), view: ALL(), text: text.to_owned(), before: before.clone() };
    Arc::new(List::build(&ask, &|| false).unwrap())
}

fn whole(snapshot: &Arc<Snapshot>) -> Arc<List> {
    listed(snapshot, "", &Arc::new(List::empty(snapshot.clone())))
}

fn memory(snapshot: &Arc<Snapshot>, started: usize) -> bool {
    let identities = HEAP.current_usage() - started;
    let list = whole(snapshot);
    let filtered = listed(snapshot, "e", &list);
    let all = HEAP.current_usage() - started;
    drop((list, filtered));
    let each = |bytes: usize| bytes as f64 / COUNT as f64;
    let said = format!("{:.0} B: {:.0} B identities, the rest index and rows", each(all), each(identities));
    report("memory, each identity", "<= 200 B all in", &said, each(all) <= 200.0)
}

fn ready(snapshot: &Arc<Snapshot>) -> bool {
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let began = Instant::now();
            let list = whole(snapshot);
            let took = began.elapsed();
            drop(list);
            took
        })
        .collect();
    let took = at(&mut times, 50);
    report("ready, from a snapshot", "<= 40 ms", &format!("{took:.1} ms"), took <= 40.0)
}

/// As the console starts: the file, the fleet, and the rows of its bots, which it shows first.
fn from_disk(snapshot: &Arc<Snapshot>) -> bool {
    let mut took = kept::measure(snapshot);
    assert_eq!((took.snapshot.bots.len(), took.snapshot.others.len()), (BOTS, COUNT - BOTS));
    let (load, fleet) = (at(&mut took.load, 50), at(&mut took.fleet, 50));
    let began = Instant::now();
    let none = Arc::new(List::empty(took.snapshot.clone()));
    let ask = Ask {
        generation: 1,
        snapshot: took.snapshot.clone(),
        view: View::default(),
        text: String::new(),
        before: none,
    };
    let list = List::build(&ask, &|| false).unwrap();
    let rows = millis(began.elapsed());
    drop(list);
    let all = fleet + rows;
    let mib = took.bytes as f64 / f64::from(1 << 20);
    let said =
        format!("{all:.0} ms: {load:.0} ms file ({mib:.0} MiB), {:.0} ms fleet, {rows:.0} ms rows", fleet - load);
    report("usable, from its file", "<= 40 ms", &said, all <= 40.0)
}

/// Every key of a text: typed, then three letters taken back.
pub fn keys(text: &str) -> Vec<String> {
    let count = text.chars().count();
    let prefix = |length: usize| text.chars().take(length).collect::<String>();
    (1..=count).chain((count.saturating_sub(3).max(1)..count).rev()).map(prefix).collect()
}

fn ours(snapshot: &Arc<Snapshot>, texts: &[&str]) -> Vec<Duration> {
    let none = whole(snapshot);
    let mut times = Vec::new();
    for text in texts {
        let mut list = none.clone();
        for typed in keys(text) {
            let began = Instant::now();
            list = listed(snapshot, &typed, &list);
            times.push(began.elapsed());
        }
    }
    times
}

fn filter(snapshot: &Arc<Snapshot>) -> bool {
    let mut times = ours(snapshot, &TYPED);
    let (p50, p95, max) = (at(&mut times, 50), at(&mut times, 95), at(&mut times, 100));
    let (peer50, peer95) = peer::measure(snapshot, &TYPED);
    let said = format!("{p50:.1} / {p95:.1} / {max:.1} ms; nucleo {peer50:.1} / {peer95:.1} ms, {} keys", times.len());
    let target = "p50 <= 22, p95 <= 100, max <= 140 ms";
    let mut held = report("filter, a key", target, &said, p50 <= 22.0 && p95 <= 100.0 && max <= 140.0);
    let faster = format!("{:.2} / {:.2}", p50 / peer50, p95 / peer95);
    held &= report(
        "filter beside nucleo's picker",
        "p50 <= 0.6x, p95 <= 0.6x",
        &faster,
        p50 <= peer50 * 0.6 && p95 <= peer95 * 0.6,
    );
    let mut times = ours(snapshot, &TERMS);
    let (p50, terms95, max) = (at(&mut times, 50), at(&mut times, 95), at(&mut times, 100));
    let said = format!("{p50:.1} / {terms95:.1} / {max:.1} ms, {} keys", times.len());
    held &= report("filter with terms, a key", target, &said, p50 <= 22.0 && terms95 <= 100.0 && max <= 140.0);
    let alone = on_one_processor(|| at(&mut ours(snapshot, &TYPED), 95));
    match alone {
        Some(alone) => {
            let said = format!("p95 {alone:.1} ms, {:.2}x", alone / p95);
            held & report("filter on one processor", "p95 <= 2.2x of all", &said, alone <= p95 * 2.2)
        }
        None => held,
    }
}

/// Runs it on a thread that has one processor; its own threads have that one as well.
fn on_one_processor<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    std::thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            let have = sched_getaffinity(None).ok()?;
            let first = (0..CpuSet::MAX_CPU).find(|cpu| have.is_set(*cpu))?;
            let mut one = CpuSet::new();
            one.set(first);
            sched_setaffinity(None, &one).ok()?;
            Some(work())
        });
        pinned.join().unwrap()
    })
}

fn console(snapshot: &Arc<Snapshot>) -> State {
    let capability = Capability::Sixteen;
    let look = Look { theme: Theme::built_in(capability), themes_dir: None, capability, glyphs: Glyphs::UNICODE };
    let now = Moment { wall: world::now(), mono: Duration::ZERO };
    let mut state = State::new(now, Size { width: 120, height: 40 }, look, false, false);
    update(&mut state, Message::FleetRead(snapshot.clone()));
    let effects = press(&mut state, 'a');
    answer(&mut state, effects);
    state
}

fn press(state: &mut State, key: char) -> Vec<Effect> {
    update(state, Message::KeyPressed { key: KeyEvent::new(KeyCode::Char(key)).into(), alone: true })
}

/// What the worker does, done here.
fn answer(state: &mut State, effects: Vec<Effect>) {
    for effect in effects {
        if let Effect::List(ask) = effect {
            let list = Arc::new(List::build(&ask, &|| false).unwrap());
            let generation = ask.generation;
            drop(ask);
            update(state, Message::FilterMatched { generation, list });
        }
    }
}

fn drawn(state: &State) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.width, state.size.height));
    screen::draw(state, &mut buffer);
    buffer
}

/// A letter while the one before is being looked for, on every processor.
fn echo(snapshot: &Arc<Snapshot>) -> bool {
    let mut state = console(snapshot);
    press(&mut state, '/');
    let mut times = Vec::new();
    for text in TYPED.iter().cycle().take(40) {
        for letter in text.chars() {
            let began = Instant::now();
            let effects = press(&mut state, letter);
            let buffer = drawn(&state);
            times.push(began.elapsed());
            drop(buffer);
            let asks = effects.into_iter().filter_map(|effect| match effect {
                Effect::List(ask) => Some(ask),
                _ => None,
            });
            for ask in asks {
                // The next letter comes while this is at work, and takes what it finds.
                let (done, waits) = std::sync::mpsc::channel();
                let worker = std::thread::spawn(move || {
                    let list = List::build(&ask, &|| false).unwrap();
                    done.send((ask.generation, Arc::new(list))).unwrap();
                });
                let began = Instant::now();
                std::hint::black_box(drawn(&state));
                times.push(began.elapsed());
                let (generation, list) = waits.recv().unwrap();
                let began = Instant::now();
                let left = update(&mut state, Message::FilterMatched { generation, list });
                std::hint::black_box(drawn(&state));
                times.push(began.elapsed());
                drop(left);
                worker.join().unwrap();
            }
        }
        update(&mut state, Message::KeyPressed { key: KeyEvent::new(KeyCode::Esc).into(), alone: true });
        press(&mut state, '/');
    }
    let (p50, p99) = (at(&mut times, 50), at(&mut times, 99));
    report("echo, a letter and its frame", "p99 <= 5 ms", &format!("{p50:.2} / {p99:.2} ms"), p99 <= 5.0)
}

fn moves(name: &str, snapshot: &Arc<Snapshot>) -> bool {
    let mut state = console(snapshot);
    let mut times: Vec<Duration> = (0..1000)
        .map(|number| {
            let key = if number % 50 == 49 {
                'G'
            } else if number % 50 == 48 {
                'g'
            } else {
                'j'
            };
            let began = Instant::now();
            press(&mut state, key);
            std::hint::black_box(drawn(&state));
            began.elapsed()
        })
        .collect();
    let (p50, p99) = (at(&mut times, 50), at(&mut times, 99));
    let mut held = report(name, "p50 <= 2, p99 <= 4 ms", &format!("{p50:.2} / {p99:.2} ms"), p50 <= 2.0 && p99 <= 4.0);
    let mut again: Vec<Duration> = (0..20)
        .map(|_| {
            // The engine publishes the whole anew; the loop only asks for a list of it.
            let newer = Arc::new((**snapshot).clone());
            let began = Instant::now();
            let effects = update(&mut state, Message::FleetRead(newer));
            let took = began.elapsed();
            answer(&mut state, effects);
            took
        })
        .collect();
    let p95 = at(&mut again, 95);
    held &= report(&format!("{name}: a newer fleet"), "p95 <= 4 ms on the loop", &format!("{p95:.2} ms"), p95 <= 4.0);
    held
}
