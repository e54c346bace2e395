//! The place to record fails, at every call: what was acknowledged is durable somewhere, and nothing else is claimed.

use std::{path::PathBuf, sync::Arc};

use super::{
    faulty::{Elsewhere, Fault, Faulty},
    *,
};
use crate::journal::{
    Health, Journal, JournalError,
    commit::Places,
    handle::{Opening, Source},
    sink::Spare,
};

fn open(number: u128, disk: &Faulty, elsewhere: Option<&Faulty>) -> Result<Journal, JournalError> {
    let opening = Opening {
        incident: Some(INCIDENT),
        exercise: None,
        process: process(number),
        stamp: stamp(),
        source: Source::Memory(disk.memory.clone()),
        records: tokio::sync::broadcast::Sender::new(16),
        alarm: None,
    };
    let spare = elsewhere
        .map(|sink| Box::new(Elsewhere { primary: disk.memory.clone(), sink: sink.clone() }) as Box<dyn Spare>);
    Journal::start(opening, Places { sink: Ok(Box::new(disk.clone())), spare, signer: None }, None)
}

fn segments(memory: &MemorySink) -> Vec<(PathBuf, Vec<u8>)> {
    memory.memory().segments.iter().filter(|bytes| !bytes.is_empty()).map(|bytes| ("m".into(), bytes.clone())).collect()
}

fn both(disk: &Faulty, elsewhere: &Faulty) -> Recorded {
    Recorded::from_segments(segments(&disk.memory)).followed_by(segments(&elsewhere.memory))
}

fn rounds(records: &[Record]) -> Vec<u32> {
    let round = |record: &Record| match record.body.known() {
        Some(Body::SweepRound { round, .. }) => Some(*round),
        _ => None,
    };
    records.iter().filter_map(round).collect()
}

/// Commits rounds 1 to 4, and tells which were acknowledged.
async fn commit_rounds(journal: &Journal) -> Vec<u32> {
    let mut acknowledged = Vec::new();
    for round in 1..=4 {
        if journal.commit(vec![sweep(round)]).await.is_ok() {
            acknowledged.push(round);
        }
    }
    acknowledged
}

/// Every call of the primary fails in turn: everything is acknowledged, and it is all there, in order, in one chain.
#[tokio::test]
async fn whatever_fails_the_fallback_takes_over() {
    for fault in [Fault::Once, Fault::ForGood, Fault::Short] {
        let mut fired = 0;
        for at in 1..200 {
            let (disk, elsewhere) = (Faulty::new(at, fault), Faulty::new(usize::MAX, fault));
            let journal = open(1, &disk, Some(&elsewhere)).unwrap();
            assert_eq!(commit_rounds(&journal).await, [1, 2, 3, 4], "{fault:?} at call {at}");
            if !disk.calls().fired {
                break;
            }
            fired += 1;
            assert_eq!(disk.calls().after, 0, "{fault:?} at call {at}: a lost disk is written again");
            let recorded = both(&disk, &elsewhere);
            let mut found = rounds(&recorded.records);
            // What a disk for good takes and cannot be cut off is there twice: the same entry, promised once.
            found.dedup();
            assert_eq!(found, [1, 2, 3, 4], "{fault:?} at call {at}");
            assert!(!matches!(recorded.health, Health::Damaged { .. }), "{at}: {:?}", recorded.health);
            let kinds: Vec<&str> = Recorded::from_segments(Vec::new())
                .followed_by(segments(&elsewhere.memory))
                .records
                .iter()
                .map(|record| if record.kind == "sink.lost" { "lost" } else { "other" })
                .collect();
            assert_eq!((kinds[0], kinds.iter().filter(|kind| **kind == "lost").count()), ("lost", 1));
            let trouble = journal.trouble().expect("it says so");
            assert!(trouble.contains("input/output error") && trouble.contains("elsewhere"), "{trouble}");
        }
        assert!(fired > 10, "{fault:?}: only {fired} calls");
    }
}

/// Both places fail: what was acknowledged is there, and the rest is kept in memory.
#[tokio::test]
async fn without_any_place_nothing_is_claimed() {
    for second in 1..40 {
        let (disk, elsewhere) = (Faulty::new(14, Fault::ForGood), Faulty::new(second, Fault::ForGood));
        let Ok(journal) = open(1, &disk, Some(&elsewhere)) else { continue };
        let acknowledged = commit_rounds(&journal).await;
        let found = rounds(&both(&disk, &elsewhere).records);
        assert!(acknowledged.iter().all(|round| found.contains(round)), "{second}: {acknowledged:?} of {found:?}");
        assert_eq!(acknowledged.len() + journal.kept().len(), 4, "call {second}");
        if acknowledged.len() < 4 {
            let error = journal.commit(vec![sweep(5)]).await.unwrap_err().to_string();
            assert!(error.contains("fallback") || error.contains("input/output"), "{error}");
        }
    }
    for fault in [Fault::Once, Fault::ForGood, Fault::Short] {
        for at in 1..40 {
            let disk = Faulty::new(at, fault);
            let Ok(journal) = open(1, &disk, None) else { continue };
            let acknowledged = commit_rounds(&journal).await;
            let found = rounds(&Recorded::from_segments(segments(&disk.memory)).records);
            assert!(acknowledged.iter().all(|round| found.contains(round)), "{fault:?} at {at}");
            assert_eq!(acknowledged.len() + journal.kept().len(), 4, "{fault:?} at {at}");
        }
    }
}

/// Another process that has the primary open follows into the fallback, and one that comes later begins there.
#[tokio::test]
async fn other_processes_follow() {
    let (disk, elsewhere) = (Faulty::new(usize::MAX, Fault::Once), Faulty::new(usize::MAX, Fault::Once));
    let healthy = open(2, &disk, Some(&elsewhere)).unwrap();
    healthy.commit(vec![claim(1), sweep(1)]).await.unwrap();
    let mut failing = disk.clone();
    failing.calls = Arc::default();
    (failing.at, failing.fault) = (12, Fault::Once);
    let first = open(1, &failing, Some(&elsewhere)).unwrap();
    let mut round = 2;
    while !failing.calls().fired {
        first.commit(vec![sweep(round)]).await.unwrap();
        round += 1;
    }
    healthy.commit(vec![sweep(round)]).await.unwrap();
    assert_eq!(healthy.trouble(), None, "its own disk did not fail");
    let later = open(3, &disk, Some(&elsewhere)).unwrap();
    later.commit(vec![sweep(round + 1)]).await.unwrap();
    // The claim that stands in the primary is known there.
    assert_eq!(later.commit(vec![claim(1)]).await.unwrap_err(), JournalError::Superseded { op: OP, epoch: 1 });
    let recorded = both(&disk, &elsewhere);
    assert_eq!(recorded.health, Health::Sound);
    assert_eq!(rounds(&recorded.records), (1..=round + 1).collect::<Vec<_>>());
    let seqs: Vec<u64> = recorded.records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>(), "one numbering over both places");
}

/// A claim in a batch that fails is not taken for one that stands already.
#[tokio::test]
async fn a_claim_survives_the_move() {
    for at in 1..40 {
        let (disk, elsewhere) = (Faulty::new(at, Fault::ForGood), Faulty::new(usize::MAX, Fault::Once));
        let journal = open(1, &disk, Some(&elsewhere)).unwrap();
        let hash = crate::domain::PlanHash::of(&bot(), crate::domain::Depth::Isolate, &[]);
        let armed = journal.arm(OP, 1, vec![claim(1)], hash, 0, vec![step(0)]).await;
        assert_eq!(armed.map(|armed| armed.len()), Ok(1), "call {at}");
    }
}
