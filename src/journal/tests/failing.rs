//! A disk that fails, fills up, is locked, or is changed behind a writer's back.

use super::*;
use crate::journal::JournalError;
/// Rule 4: after a failed sync nothing is durable any more, however well the next one goes.
#[tokio::test]
async fn a_failed_sync_poisons_the_writer_for_good() {
    for failing in 1..=4 {
        let disk = Scripted::default();
        disk.script().failing_sync = Some(failing);
        let journal = journal(1, &disk.memory, disk.clone()).unwrap();
        for round in 1..=8 {
            // One sync for the commit, one for what is appended after it.
            let committed = journal.commit(vec![sweep(round)]).await;
            assert_eq!(committed.is_ok(), 2 * round as usize - 1 < failing, "sync {failing}, round {round}");
            journal.append(sweep(100 + round));
            let flushed = journal.flush().await;
            assert_eq!(flushed.is_ok(), 2 * (round as usize) < failing, "sync {failing}, round {round}");
        }
        assert!(matches!(journal.flush().await, Err(JournalError::Failed(_))));
        assert!(journal.trouble().is_some_and(|why| why.contains("input/output error")));
        assert_eq!(disk.script().syncs, failing, "a poisoned writer syncs again");
        let recorded = read(&disk.memory);
        assert_eq!(recorded.records.len(), failing - 1, "what was not durable was cut off");
        assert_eq!(recorded.records.len() + journal.kept().len(), 16, "every entry is on disk or in memory");
    }
}

/// Rule 4, T12: a short write is cut back; no later record is glued to a fragment.
#[tokio::test]
async fn a_short_write_is_cut_back() {
    let disk = Scripted::default();
    disk.script().short_append = Some(2);
    let journal = journal(1, &disk.memory, disk.clone()).unwrap();
    journal.commit(vec![sweep(1)]).await.unwrap();
    let error = journal.commit(vec![sweep(2)]).await.unwrap_err();
    assert!(error.to_string().contains("no storage space"), "{error}");
    assert!(journal.commit(vec![sweep(3)]).await.is_err());
    assert!(matches!(verified_bytes(&disk.memory.memory().segments[0]), Verification::Sound { lines: 1, .. }));
}

#[tokio::test]
async fn a_thousand_appends_are_one_group() {
    let disk = Scripted::default();
    let journal = journal(1, &disk.memory, disk.clone()).unwrap();
    for round in 0..1000 {
        journal.append(sweep(round));
    }
    let receipt = journal.flush().await.unwrap();
    assert_eq!(receipt.lines, 1000);
    assert!(disk.script().syncs <= 200, "{} syncs", disk.script().syncs);
    assert_eq!(read(&disk.memory).records.len(), 1000);
}

/// A lock that cannot be had loses nothing: who waits is told, what was appended goes first next time.
#[tokio::test]
async fn appended_entries_wait_for_the_lock() {
    let disk = Scripted::default();
    let journal = journal(1, &disk.memory, disk.clone()).unwrap();
    disk.script().locked = true;
    journal.append(sweep(1));
    let error = journal.commit(vec![sweep(2)]).await.unwrap_err();
    assert!(error.to_string().contains("locked by process 99 since 2025"), "{error}");
    assert!(journal.trouble().is_some());
    disk.script().locked = false;
    journal.commit(vec![sweep(3)]).await.unwrap();
    assert_eq!(journal.trouble(), None);
    let rounds: Vec<u32> = read(&disk.memory).records.iter().filter_map(round).collect();
    assert_eq!(rounds, [1, 3]);
}

/// How a file is changed behind a writer's back.
type Alteration = (&'static str, fn(&mut Vec<u8>, &[u8]));

/// The path ends in the head last seen, else alarm.
#[tokio::test]
async fn a_file_that_was_altered_meanwhile_is_an_alarm() {
    let bytes = bytes_of(five()).await;
    let foreign = bytes_of(vec![sweep(9)]).await;
    let alterations: [Alteration; 3] = [
        ("cut", |bytes, _| bytes.truncate(bytes.len() / 2)),
        ("emptied", |bytes, _| bytes.clear()),
        ("replaced", |bytes, foreign| {
            let length = bytes.len();
            bytes.clear();
            while bytes.len() < length {
                bytes.extend_from_slice(foreign);
            }
        }),
    ];
    for (name, alter) in alterations {
        let memory = image(&bytes);
        let journal = journal(2, &memory, memory.clone()).unwrap();
        alter(&mut memory.memory().segments[0], &foreign);
        let error = journal.commit(vec![sweep(1)]).await.unwrap_err();
        assert!(error.to_string().contains("altered"), "{name}: {error}");
        assert!(journal.trouble().is_some(), "{name}");
    }
}
