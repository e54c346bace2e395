//! What the journal costs: `cargo bench --bench journal`. Every figure stands beside a bound of the same run.
//!
//! ```text
//! overhead     1000 steps of 50 ms, 100 at a time: with the journal, beside the same without one
//! throughput   100 concurrent steps that do nothing but record: how many a second; then 100 thousand a second, and
//!              what a commit takes, beside a plain loop of write and fdatasync of the same size
//! replay       a million records, read, checked and loaded; and the same file by `verify`
//! ```
//!
//! Files lie in memory (`/dev/shm`, else the temporary directory), and a sync takes as long as the disk that is
//! meant: what is measured is estop, not the machine's disk. A target that is missed is an exit code of 1, unless the
//! machine itself misses it in the same run, in the plain loop: then both figures are printed.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be set up has no figure")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use estop::{
    domain::{
        Action, Answer, AnswerKind, BotName, Depth, IdentityId, IncidentId, Level, ObjectId, OperationId, PlanHash,
        Postcondition, ProviderName, Step, StepId, StepState, Untrusted, Verdict,
    },
    journal::{Body, Entry, Given, Journal, Process, Stamp, Store, Verification, audit},
};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Steps of an isolation.
const STEPS: usize = 1000;
/// At a time.
const AT_ONCE: usize = 100;
/// What a provider takes for one.
const LATENCY: Duration = Duration::from_millis(50);
/// Records of a commit, where it is many that are recorded.
const RECORDS: usize = 10;
/// Records a second that 100 steps may take.
const RATE: f64 = 100_000.0;
/// What a commit may take then, of a hundred all but one.
const QUICK: Duration = Duration::from_millis(2);
/// What a sync takes there.
const SYNC: Duration = Duration::from_micros(100);
/// Records that are replayed.
const REPLAYED: usize = 1_000_000;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|filter| name.contains(filter.as_str()));
    let mut held = true;
    if wanted("overhead") {
        held &= runtime.block_on(overhead());
    }
    if wanted("throughput") {
        held &= runtime.block_on(throughput());
    }
    if wanted("replay") {
        held &= runtime.block_on(replay());
    }
    println!("{}", if held { "every target is held" } else { "a target is MISSED" });
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn place() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn stamp() -> Stamp {
    let began = Instant::now();
    Arc::new(move || (Timestamp::now(), u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)))
}

fn store(place: &tempfile::TempDir, sync: Duration) -> Store {
    Store::at(place.path().join("state"), None, stamp(), Process::this()).slowed_by(sync)
}

fn op() -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(7))
}

fn id(number: usize) -> StepId {
    StepId::new(format!("corp-sso:5e0c7d1a-{number:06}/revoke-session"))
}

fn step(number: usize) -> Step {
    let identity = IdentityId::new(ProviderName::new("corp-sso"), format!("bot-{number}"));
    Step {
        target: Untrusted::new("offline session of alice"),
        rank: 0,
        level: Level::Write,
        proof: "GET sessions: it is not listed".to_owned(),
        params: std::collections::BTreeMap::new(),
        ..Step::new(
            id(number),
            identity.clone(),
            Action::new("revoke"),
            ObjectId::of(identity.provider(), "session", identity.native()),
            Postcondition::Unreadable { why: "a measurement".to_owned() },
        )
    }
}

fn attempt(number: usize) -> Entry {
    Entry::of(op(), 1, Body::StepAttempt { step: id(number), attempt: 1, key: op().key(&id(number)) })
}

fn answer(number: usize) -> Entry {
    let answer = Answer::new(AnswerKind::Accepted, "http", "204");
    let (step, state) = (id(number), StepState::Accepted);
    Entry::of(op(), 1, Body::StepAnswer { step, attempt: 1, answer, latency_ms: 50, state })
}

fn verified(number: usize) -> Entry {
    let (step, read) = (id(number), "GET sessions".to_owned());
    let body = Body::StepVerify { step, read, verdict: Verdict::Holds, last: false, state: StepState::Verified };
    Entry::of(op(), 1, body)
}

/// All steps, so many at a time; what each does before and after its request.
async fn strike(journal: Option<&Journal>) -> Duration {
    let began = Instant::now();
    if let Some(journal) = journal {
        let claim = Body::OpClaim {
            bot: BotName::new(Untrusted::new("helpdesk")),
            depth: Depth::Isolate,
            reason: None,
            identities: Vec::new(),
            collateral: Vec::new(),
            resumed: false,
            restores: None,
        };
        let steps: Vec<Step> = (0..STEPS).map(step).collect();
        let hash = PlanHash::of(&BotName::new(Untrusted::new("helpdesk")), Depth::Isolate, &steps);
        journal.arm(op(), 1, vec![Entry::of(op(), 1, claim)], hash, 0, steps).await.unwrap();
    }
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..STEPS {
        let (permits, journal) = (Arc::clone(&permits), journal.cloned());
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await.unwrap();
            if let Some(journal) = &journal {
                journal.append(attempt(number));
            }
            tokio::time::sleep(LATENCY).await;
            if let Some(journal) = &journal {
                journal.append(answer(number));
                journal.append(verified(number));
            }
        });
    }
    while tasks.join_next().await.is_some() {}
    if let Some(journal) = journal {
        journal.checkpoint().await.unwrap();
    }
    began.elapsed()
}

/// The makespan with a journal over the same without, at three disks.
async fn overhead() -> bool {
    let mut held = true;
    for (sync_us, limit) in [(100, 3.0), (2_000, 3.0), (10_000, 8.0)] {
        let (mut least, mut syncs, mut without) = (f64::INFINITY, 0, Duration::ZERO);
        // The least of three: the machine does other things as well.
        for _ in 0..3 {
            let place = place();
            let store = store(&place, Duration::from_micros(sync_us));
            let journal = store.open(IncidentId::from_uuid(Uuid::now_v7())).await.unwrap();
            let bare = strike(None).await;
            let with = strike(Some(&journal)).await;
            let percent = (with.as_secs_f64() / bare.as_secs_f64() - 1.0) * 100.0;
            if percent < least {
                (least, without) = (percent, bare);
            }
            syncs = store.syncs();
        }
        let fine = least <= limit && syncs <= STEPS as u64 / 5;
        held &= fine;
        println!(
            "overhead    sync {:>4.1} ms: {least:>5.1} % over {:.0} ms without (limit {limit} %); {syncs} syncs for \
             {STEPS} steps (limit {}) {}",
            sync_us as f64 / 1000.0,
            without.as_secs_f64() * 1000.0,
            STEPS / 5,
            verdict(fine)
        );
    }
    held
}

/// A hundred tasks that record as fast as they are answered, then as many records a second as are asked for.
async fn throughput() -> bool {
    let place = place();
    let store = store(&place, SYNC);
    let incident = IncidentId::from_uuid(Uuid::now_v7());
    let journal = store.open(incident).await.unwrap();
    let (rate, at_most) = record(&journal, 400, None).await;
    let fast = rate >= RATE;
    println!(
        "throughput  {:.0} thousand records a second from {AT_ONCE} tasks, {RECORDS} a commit, all they can: commit p99 \
         {:.1} ms (limit 100 thousand) {}",
        rate / 1000.0,
        milliseconds(at_most),
        verdict(fast)
    );
    let size = || std::fs::metadata(store.path(incident)).unwrap().len();
    let (bytes, syncs) = (size(), store.syncs());
    let (rate, calm) = record(&journal, 200, Some(Duration::from_millis(10))).await;
    let group = (size() - bytes) / (store.syncs() - syncs).max(1);
    let floor = floor(&place, usize::try_from(group).unwrap());
    // Nine tenths: the last round of the clock is not full.
    let quick = rate >= RATE * 0.9 && calm <= QUICK;
    let judged = match (quick, floor <= QUICK) {
        (false, false) => "out of this machine's reach",
        (quick, _) => verdict(quick),
    };
    println!(
        "latency     {:.0} thousand records a second from {AT_ONCE} tasks, {RECORDS} a commit: commit p99 {:.2} ms (limit \
         {:.0} ms); a plain loop of write and fdatasync, {group} bytes each: p99 {:.2} ms {judged}",
        rate / 1000.0,
        milliseconds(calm),
        milliseconds(QUICK),
        milliseconds(floor),
    );
    fast && (quick || floor > QUICK)
}

/// So many commits by each of a hundred tasks, at once or by the clock: records a second, and the wait of all but one in
/// a hundred commits.
async fn record(journal: &Journal, rounds: usize, every: Option<Duration>) -> (f64, Duration) {
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..AT_ONCE {
        let journal = journal.clone();
        tasks.spawn(async move {
            let mut waits = Vec::with_capacity(rounds);
            let first = tokio::time::Instant::now() + every.unwrap_or_default() * u32::try_from(task).unwrap() / 100;
            let mut clock = every.map(|every| tokio::time::interval_at(first, every));
            for round in 0..rounds {
                if let Some(clock) = &mut clock {
                    clock.tick().await;
                }
                let number = task * rounds + round;
                let entries = (0..RECORDS).map(|one| if one % 2 == 0 { answer(number) } else { verified(number) });
                let asked = Instant::now();
                journal.commit(entries.collect()).await.unwrap();
                waits.push(asked.elapsed());
            }
            waits
        });
    }
    let mut waits: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let rate = (AT_ONCE * rounds * RECORDS) as f64 / began.elapsed().as_secs_f64();
    (rate, nearly_all(&mut waits))
}

/// What the machine itself takes to write so many bytes and to sync them.
fn floor(place: &tempfile::TempDir, bytes: usize) -> Duration {
    let mut file = File::create(place.path().join("floor")).unwrap();
    let line = vec![b'x'; bytes];
    let write = |_| {
        let began = Instant::now();
        file.write_all(&line).unwrap();
        std::thread::sleep(SYNC);
        file.sync_data().unwrap();
        began.elapsed()
    };
    nearly_all(&mut (0..2000).map(write).collect::<Vec<_>>())
}

/// The 99th of a hundred.
fn nearly_all(waits: &mut [Duration]) -> Duration {
    waits.sort_unstable();
    waits[waits.len() * 99 / 100]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A long journal, read as every command reads it, and checked by `verify`.
async fn replay() -> bool {
    let place = place();
    let store = store(&place, Duration::ZERO);
    let incident = IncidentId::from_uuid(Uuid::now_v7());
    let journal = store.open(incident).await.unwrap();
    for number in 0..REPLAYED / 2 {
        journal.append(answer(number));
        journal.append(verified(number));
        if number % 2000 == 0 {
            journal.flush().await.unwrap();
        }
    }
    journal.checkpoint().await.unwrap();
    let path = store.path(incident);
    let bytes = std::fs::metadata(&path).unwrap().len();
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        let recorded = store.read(incident).unwrap();
        least = least.min(began.elapsed());
        assert!(recorded.records.len() > REPLAYED);
    }
    let fast = least <= Duration::from_secs(1);
    println!(
        "replay      {REPLAYED} records ({} MB) read, checked and loaded in {:.2} s (limit 1 s) {}",
        bytes / 1_000_000,
        least.as_secs_f64(),
        verdict(fast)
    );
    let began = Instant::now();
    let found = audit(&path, &Given::default());
    assert!(matches!(found.chain, Verification::Sound { uncovered: 0, .. }), "{:?}", found.chain);
    println!("verify      the same file, with its checkpoints, in {:.2} s", began.elapsed().as_secs_f64());
    fast
}

const fn verdict(held: bool) -> &'static str {
    if held { "held" } else { "MISSED" }
}
