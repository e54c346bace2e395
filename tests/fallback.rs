//! The fallback directory on real files: what one process goes on with there, the next one reads and continues.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{fs, path::PathBuf, sync::Arc};

use estop::{
    domain::IncidentId,
    journal::{Agreement, Body, Entry, Given, Health, JournalError, Process, Stamp, Store, Verification, audit},
};
use tempfile::TempDir;
use uuid::Uuid;

fn stamp() -> Stamp {
    Arc::new(|| (jiff::Timestamp::now(), 7))
}

struct Host(TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn fallback(&self) -> PathBuf {
        self.0.path().join("elsewhere")
    }

    /// Another process.
    fn store(&self) -> Store {
        Store::at(self.state(), None, stamp(), Process::this()).with_fallback(Some(self.fallback()))
    }
}

fn incident() -> IncidentId {
    IncidentId::from_uuid(Uuid::now_v7())
}

fn refused(number: usize) -> Entry {
    Entry::general(Body::GuardRefused { bot: None, why: format!("number {number}") })
}

fn numbers(store: &Store, incident: IncidentId) -> Vec<String> {
    let records = store.read(incident).unwrap().records;
    let why = |body: &Body| match body {
        Body::GuardRefused { why, .. } => Some(why.clone()),
        _ => None,
    };
    records.iter().filter_map(|record| why(record.body.known()?)).collect()
}

#[tokio::test]
async fn an_incident_goes_on_elsewhere_in_mid_life() {
    let (host, incident) = (Host::new(), incident());
    let store = host.store();
    let journal = store.open(incident).await.unwrap();
    journal.commit(vec![refused(1)]).await.unwrap();
    let primary = store.path(incident);
    // The file is gone from under the writer, and something else has its name.
    let kept = fs::read(&primary).unwrap();
    fs::remove_file(&primary).unwrap();
    fs::write(&primary, &kept).unwrap();
    journal.commit(vec![refused(2)]).await.unwrap();
    let trouble = journal.trouble().unwrap();
    assert!(trouble.contains("was lost") && trouble.contains("altered"), "{trouble}");

    let file = host.fallback().join(format!("{incident}.fallback.jsonl"));
    assert_eq!(store.path(incident), file);
    assert_eq!(fs::read(&primary).unwrap(), kept, "the primary is left alone");
    assert_eq!(store.read(incident).unwrap().health, Health::Sound);

    let later = host.store();
    let journal = later.open(incident).await.unwrap();
    journal.commit(vec![refused(3)]).await.unwrap();
    assert_eq!(journal.trouble(), None, "no disk has failed this process");
    assert_eq!(numbers(&later, incident), ["number 1", "number 2", "number 3"]);
    let recorded = later.read(incident).unwrap();
    let seqs: Vec<u64> = recorded.records.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [0, 1, 2, 3]);
    assert_eq!(recorded.records[1].kind, "sink.lost");

    // The check finds the journal before it by its directory, and does not let it be another one.
    later.close().await.unwrap();
    let given =
        Given { key: later.verifier_key(None).unwrap(), before: later.directory().map(Into::into), ..Given::default() };
    let found = audit(&file, &given);
    assert!(matches!(found.chain, Verification::Sound { uncovered: 0, note: None, .. }), "{found:?}");
    assert_eq!(found.newest, Agreement::Agrees { size: 4, signed: true });
    let alone = audit(&file, &Given::default());
    assert!(matches!(alone.chain, Verification::Sound { note: Some(_), .. }), "it says what it has not read");
    fs::write(&primary, "").unwrap();
    assert_eq!(audit(&file, &given).exit_code(), 4);
    assert!(matches!(later.read(incident).unwrap().health, Health::Damaged { .. }), "the reader says so too");
}

/// The whole state directory is unusable: incidents begin elsewhere, with a key there, and can be listed.
#[tokio::test]
async fn without_a_primary_everything_is_elsewhere() {
    let (host, first) = (Host::new(), incident());
    fs::write(host.state(), "no directory").unwrap();
    let store = host.store();
    let journal = store.open(first).await.unwrap();
    journal.commit(vec![refused(1)]).await.unwrap();
    assert!(journal.trouble().is_some());
    let later = host.store();
    assert_eq!(later.open_incident().unwrap(), Some(first));
    assert_eq!(numbers(&later, first), ["number 1"]);
    store.close().await.unwrap();
    assert!(host.fallback().join("key").exists() && later.checkpoint(first).is_some());

    // The disk is back: the next new incident uses it, and the host's journal says so.
    fs::remove_file(host.state()).unwrap();
    let (back, second) = (host.store(), incident());
    let mut records = back.subscribe();
    let journal = back.open(second).await.unwrap();
    journal.commit(vec![refused(2)]).await.unwrap();
    assert_eq!(journal.trouble(), None);
    assert!(back.path(second).starts_with(host.state()));
    let mut regained = false;
    while !regained {
        regained = records.recv().await.unwrap().kind == "sink.regained";
    }
}

#[tokio::test]
async fn without_any_place_it_is_an_error_that_names_both() {
    let host = Host::new();
    fs::write(host.state(), "").unwrap();
    fs::write(host.fallback(), "").unwrap();
    let error = host.store().open(incident()).await.unwrap_err();
    assert!(matches!(error, JournalError::NoSink { .. }) && error.is_of_the_disk());
    let text = error.to_string();
    assert!(text.contains("state") && text.contains("elsewhere"), "{text}");
}
