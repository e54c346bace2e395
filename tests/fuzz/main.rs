//! Bytes that somebody else chose: never a panic, never unbounded memory.
//!
//! ```text
//! seed (well formed) ─▶ random edits ─▶ target        plain `cargo test`, a case count that PROPTEST_CASES raises
//! corpus ─▶ coverage-guided edits ─▶ the same target  `guided/run`
//! ```

mod seeds;
mod targets;

use estop::{
    config::{Sources, load},
    domain::Fact,
    journal::{Verification, verify},
};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use targets::database::Says;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// No input, however it lies about lengths, makes a target ask for so much (megabytes, all tests of this binary together).
const MOST_MEMORY: f32 = 256.0;

/// One change of a seed.
#[derive(Debug, Clone)]
enum Edit {
    /// Other bytes over what is there.
    Over(u16, Vec<u8>),
    /// Bytes in between.
    Insert(u16, Vec<u8>),
    /// A stretch taken out.
    Cut(u16, u16),
    /// A stretch once more, so many times.
    Again(u16, u16, u8),
    /// Nothing from here on.
    End(u16),
}

fn edit() -> impl Strategy<Value = Edit> {
    let token = prop::sample::select(vec![
        &b"\x00"[..],
        b"\n",
        b"\"",
        b"{",
        b"[[[[[[[[",
        b"}",
        b"\\u0000",
        b"\xff\xfe",
        b"99999999999999999999",
        b"-1",
        b"null",
        b"\x1b[",
        b"1e999",
        b"\xf0\x9f\x92\xa9",
        b"\"part\":9,\"parts\":4000000000",
    ]);
    let bytes = prop_oneof![token.prop_map(<[u8]>::to_vec), prop::collection::vec(any::<u8>(), 1..9)];
    prop_oneof![
        (any::<u16>(), bytes.clone()).prop_map(|(at, bytes)| Edit::Over(at, bytes)),
        (any::<u16>(), bytes).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<u16>(), 1..200_u16).prop_map(|(at, length)| Edit::Cut(at, length)),
        (any::<u16>(), 1..400_u16, 1..60_u8).prop_map(|(at, length, times)| Edit::Again(at, length, times)),
        any::<u16>().prop_map(Edit::End),
    ]
}

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let place = |at: u16, bytes: &[u8]| usize::from(at) * (bytes.len() + 1) / (usize::from(u16::MAX) + 1);
    for edit in edits {
        match edit {
            Edit::Over(at, with) => {
                let from = place(*at, &bytes);
                let to = (from + with.len()).min(bytes.len());
                bytes.splice(from..to, with.iter().copied());
            }
            Edit::Insert(at, with) => {
                let from = place(*at, &bytes);
                bytes.splice(from..from, with.iter().copied());
            }
            Edit::Cut(at, length) => {
                let from = place(*at, &bytes);
                let to = (from + usize::from(*length)).min(bytes.len());
                bytes.drain(from..to);
            }
            Edit::Again(at, length, times) => {
                let from = place(*at, &bytes);
                let to = (from + usize::from(*length)).min(bytes.len());
                let stretch = bytes[from..to].repeat(usize::from(*times));
                bytes.splice(to..to, stretch);
            }
            Edit::End(at) => bytes.truncate(place(*at, &bytes)),
        }
    }
    bytes
}

/// Runs a target over its seeds as they are, then over edits of them.
fn fuzz(name: &str, cases: u32) {
    let (_, target) = targets::ALL.into_iter().find(|(known, _)| *known == name).expect("the target has that name");
    let (_, seeds) = seeds::all().into_iter().find(|(known, _)| *known == name).expect("the target has seeds");
    for seed in &seeds {
        target(seed);
    }
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    let edits = (prop::sample::select(seeds), prop::collection::vec(edit(), 1..6));
    proptest!(ProptestConfig::with_cases(cases), |((seed, edits) in edits)| {
        target(&edited(&seed, &edits));
        prop_assert!(MEMORY.peak_usage_as_mb() < MOST_MEMORY, "{} MB", MEMORY.peak_usage_as_mb());
    });
}

/// An edit of what was never well formed would not get far.
#[test]
fn the_seeds_are_well_formed() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let (journal, file) = (directory.path().join("journal.jsonl"), directory.path().join("config.toml"));
    std::fs::write(&journal, seeds::journal()).expect("it can be written");
    assert!(matches!(verify(&journal), Verification::Sound { lines: 7.., .. }), "{:?}", verify(&journal));
    std::fs::write(&file, seeds::configuration()).expect("it can be written");
    let sources = Sources { system: directory.path().join("none"), user: Some(file), named: true };
    let (config, _) = load(&sources, &["dusk"]).expect("it is sound").expect("it is there");
    assert_eq!((config.providers.len(), config.bots.len()), (3, 1));
}

/// And a server that is not read in full would not let the edits get far.
#[tokio::test]
async fn the_sound_database_is_read_in_full() {
    let readings = targets::read_database(Says::Over(usize::MAX, Vec::new())).await;
    let bot = readings.iter().find(|reading| reading.identity.name.raw() == "kb").expect("the bot is read");
    let mut classes: Vec<&str> = bot.holdings.iter().map(|holding| holding.id.class()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["member", "membership", "password", "session"], "{:?}", bot.gaps);
    assert_eq!(bot.facts.get("role.password"), Some(&Fact::Text("set".to_owned())), "{:?}", bot.facts);
}

/// A server that does not stop talking is given up, in time and before it has taken the memory.
#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    for (which, one) in [(0, false), (0, true), (8, false), (12, true), (13, false)] {
        let began = std::time::Instant::now();
        assert!(targets::read_database(Says::Endless(which, one)).await.is_empty(), "it was read");
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
        assert!(MEMORY.peak_usage_as_mb() < MOST_MEMORY, "{} MB", MEMORY.peak_usage_as_mb());
    }
}

/// Not a test: writes the seeds where `guided/run` wants them.
#[test]
#[ignore = "writes files for the guided fuzzer"]
fn seeds_for_the_guided_fuzzer() {
    let corpus = std::path::PathBuf::from(std::env::var_os("FUZZ_SEEDS").expect("FUZZ_SEEDS names a directory"));
    for (target, seeds) in seeds::all() {
        let directory = corpus.join(target);
        std::fs::create_dir_all(&directory).expect("it can be made");
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(directory.join(format!("seed-{number}")), seed).expect("it can be written");
        }
    }
}

#[test]
fn a_journal_is_any_bytes() {
    fuzz("journal", 400);
}

#[test]
fn a_configuration_is_any_bytes() {
    fuzz("configuration", 400);
}

#[test]
fn a_name_is_any_bytes() {
    fuzz("text", 2000);
}

#[test]
fn a_leaked_secret_is_any_bytes() {
    fuzz("recognise", 400);
}

#[test]
fn what_is_masked_is_any_bytes() {
    fuzz("mask", 400);
}

#[test]
fn a_terminal_sends_any_bytes() {
    fuzz("keys", 2000);
}

#[test]
fn a_realm_answers_any_bytes() {
    fuzz("keycloak", 48);
}

#[test]
fn a_database_answers_any_bytes() {
    fuzz("postgres", 200);
}
