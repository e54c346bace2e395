//! How fast the key is: `cargo bench --bench isolation`.
//!
//! Against a server on loopback that takes 50 ms for each revocation: from the key to the first gate on the wire
//! (journal commit included), and the makespan of N steps beside the bound and beside `curl --parallel` in the
//! same run. Then the same with faults and a rate limit, which must leave nothing alive: the bench fails if it does, if
//! too many requests are refused, or if it takes too long. `cargo bench --bench isolation -- faults` runs that alone.
//! Absolute times do not travel between machines; the ratios do.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and stops when it cannot be set up")]

mod faults;
mod provider;
mod server;

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use estop::{
    domain::{BotName, IncidentId},
    engine::{Clock, Engine, Order, Parts, Provider, Roster, SystemClock},
    journal::{Body, Entry, Process, Stamp, Store},
};
use provider::{Bench, CONCURRENT};
use server::{DELAY, Server};

/// Isolations from whose first gates the percentiles are taken.
const KEYS: usize = 200;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    if std::env::args().any(|argument| argument == "faults") {
        runtime().block_on(faults::faults(folder.path()));
        return;
    }
    println!("journal: {}", folder.path().display());
    key_to_wire(folder.path());
    println!("\nmakespan of N steps of {} ms, {CONCURRENT} at once", DELAY.as_millis());
    println!("{:>6} {:>10} {:>10} {:>8} {:>10} {:>8}", "N", "bound ms", "estop ms", "ratio", "curl ms", "ratio");
    for count in [10, 100, 1000] {
        runtime().block_on(makespan(folder.path(), count));
    }
    runtime().block_on(faults::faults(folder.path()));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// A fresh engine over a real journal, with everything warm, as the key finds it.
async fn engine(folder: &Path, server: &Server, sessions: usize) -> Engine {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let bench: Arc<dyn Provider> = Arc::new(Bench::new(server, sessions, clock.clone()));
    engine_of(folder, bench, clock).await
}

/// An engine over one provider.
async fn engine_of(folder: &Path, bench: Arc<dyn Provider>, clock: Arc<dyn Clock>) -> Engine {
    let ticking = clock.clone();
    let stamp: Stamp =
        Arc::new(move || (ticking.now(), u64::try_from(ticking.monotonic().as_millis()).unwrap_or(u64::MAX)));
    let state = folder.join(uuid::Uuid::now_v7().to_string());
    let store = Store::at(state, None, stamp, Process::this());
    let roster = Roster::new(&["bot".to_owned()], &[], Vec::new(), []).unwrap();
    let parts = Parts { providers: vec![bench], roster, store, clock, exercise: None, read_only: false };
    let engine = Engine::new(parts);
    engine.refresh().await;
    engine
}

fn key_to_wire(folder: &Path) {
    for (opened, what) in [(true, "in an open incident"), (false, "opening an incident")] {
        let mut times: Vec<Duration> = (0..KEYS)
            .map(|_| {
                // The proof takes two listings a second apart: it ends with its runtime, and disturbs no other key.
                let runtime = runtime();
                let time = runtime.block_on(one_key(folder, opened));
                runtime.shutdown_background();
                time
            })
            .collect();
        times.sort_unstable();
        let (p50, p99) = (ms(times[KEYS / 2]), ms(times[KEYS * 99 / 100]));
        println!("key → first gate on the wire, {what}: p50 {p50:.2} ms, p99 {p99:.2} ms (N={KEYS})");
    }
    println!("one write and fdatasync here: p50 {:.2} ms", ms(commit_alone(folder)));
}

async fn one_key(folder: &Path, opened: bool) -> Duration {
    let server = Server::start(Duration::ZERO).await;
    let engine = engine(folder, &server, 3).await;
    if opened {
        let journal = engine.store().open(IncidentId::from_uuid(uuid::Uuid::now_v7())).await.unwrap();
        let open = Entry::general(Body::IncidentOpen { title: None, follows: None });
        journal.commit(vec![open]).await.unwrap();
        engine.make_ready().await;
    }
    server.forget();
    let key = Instant::now();
    let _running = engine.isolate(Order::isolate(BotName::new("bot"))).await.unwrap();
    server.first_gate().await.duration_since(key)
}

/// The bound of any durable intent on this disk.
fn commit_alone(folder: &Path) -> Duration {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("bound")).unwrap();
    let mut times: Vec<Duration> = (0..KEYS)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[b'x'; 4096]).unwrap();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[KEYS / 2]
}

async fn makespan(folder: &Path, count: usize) {
    let server = Server::start(DELAY).await;
    // The gate is one of the N steps.
    let engine = engine(folder, &server, count - 1).await;
    server.forget();
    let began = Instant::now();
    let running = engine.isolate(Order::isolate(BotName::new("bot"))).await.unwrap();
    let last = server.all_answered(count).await;
    let estop = last.duration_since(began);
    running.ended().await.unwrap();

    server.forget();
    let curl = curl(&server, count);
    let rounds = u32::try_from(count.div_ceil(CONCURRENT.min(count))).unwrap();
    let bound = DELAY * rounds;
    let ratio = |time: Duration| time.as_secs_f64() / bound.as_secs_f64();
    println!(
        "{count:>6} {:>10.0} {:>10.1} {:>8.2} {:>10.1} {:>8.2}",
        ms(bound),
        ms(estop),
        ratio(estop),
        ms(curl),
        ratio(curl)
    );
}

/// The peer: one `curl --parallel`, without a journal, without a plan.
fn curl(server: &Server, count: usize) -> Duration {
    let mut config = String::new();
    for number in 0..count {
        let url = server.url();
        config.extend(["url = \"", &url, "revoke/", &number.to_string(), "\"\nrequest = POST\noutput = /dev/null\n"]);
    }
    let mut child = Command::new("curl")
        .args([
            "--silent",
            "--no-progress-meter",
            "--parallel",
            "--parallel-immediate",
            "--parallel-max",
            "100",
            "--config",
            "-",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), config.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "curl failed");
    began.elapsed()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
