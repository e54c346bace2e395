//! What is signed, what is gone, what is forged.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::journal::{
    Body, Checkpoint, Entry, Store,
    fixture::{INCIDENT, claim, process, stamp, sweep},
};

struct Host {
    state: TempDir,
    store: Store,
}

impl Host {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let store = Store::at(state.path().join("state"), None, stamp(), process(1));
        Self { state, store }
    }

    /// An operation of so many rounds, and its end's checkpoint.
    async fn record(&self, rounds: u32) -> PathBuf {
        let journal = self.store.open(INCIDENT).await.unwrap();
        for round in 0..rounds {
            journal.commit(vec![sweep(round)]).await.unwrap();
        }
        journal.checkpoint().await.unwrap();
        self.store.path(INCIDENT)
    }

    fn given(&self) -> Given {
        let key = self.store.verifier_key(Some(INCIDENT)).unwrap();
        assert!(key.is_some());
        Given { key, ..Given::default() }
    }

    /// The note beside the file, kept elsewhere.
    fn keep(&self, path: &Path, name: &str) -> PathBuf {
        let kept = self.state.path().join(name);
        fs::copy(path.with_extension("checkpoint"), &kept).unwrap();
        kept
    }
}

fn cut(path: &Path, lines: usize) {
    let text = fs::read_to_string(path).unwrap();
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(path, all[..all.len() - lines].concat()).unwrap();
}

#[tokio::test]
async fn an_untouched_file_agrees_and_is_covered_to_its_end() {
    let host = Host::new();
    let path = host.record(5).await;
    let found = audit(&path, &host.given());
    assert_eq!(found.newest, Agreement::Agrees { size: 6, signed: true });
    assert!(matches!(found.chain, Verification::Sound { lines: 6, uncovered: 0, .. }), "{:?}", found.chain);
    assert_eq!((found.given, found.origin.as_deref()), (None, Some(format!("estop/jump1/{INCIDENT}").as_str())));
    let journal = host.store.open(INCIDENT).await.unwrap();
    journal.commit(vec![sweep(9), sweep(10)]).await.unwrap();
    let found = audit(&path, &host.given());
    assert!(matches!(found.chain, Verification::Sound { lines: 8, uncovered: 2, .. }), "{:?}", found.chain);
    assert_eq!(found.exit_code(), 0);
    let newest = host.store.checkpoint(INCIDENT).unwrap();
    assert_eq!((newest.size, newest.words().split(' ').count()), (6, 8));
}

/// Gauntlet 11: whole records are cut off the end. The chain alone cannot tell; a checkpoint does, and how many.
#[tokio::test]
async fn lines_cut_off_the_end_are_counted() {
    for lines in [1, 2, 5] {
        let host = Host::new();
        let path = host.record(7).await;
        let kept = host.keep(&path, "kept");
        cut(&path, lines);
        let missing = Agreement::Missing { size: 8, missing: lines as u64 };
        let found = audit(&path, &Given { checkpoint: Some(kept), ..host.given() });
        assert_eq!((found.given.as_ref(), &found.newest, found.exit_code()), (Some(&missing), &missing, 4));
        assert_eq!(found.chain.exit_code(), 0, "the chain holds");
        // Whoever can cut lines can remove the note beside them: then only what is in the file is left to go by.
        fs::remove_file(path.with_extension("checkpoint")).unwrap();
        let found = audit(&path, &host.given());
        assert_eq!((&found.newest, found.exit_code()), (&Agreement::Absent, 0));
        assert!(matches!(found.chain, Verification::Sound { uncovered, .. } if uncovered == 8 - lines as u64));
    }
}

/// A whole history written anew, with right hashes: the root tells.
#[tokio::test]
async fn a_history_written_anew_is_not_what_was_signed() {
    let host = Host::new();
    let path = host.record(5).await;
    let kept = host.keep(&path, "kept");
    let forger = Host::new();
    let journal = forger.store.open(INCIDENT).await.unwrap();
    journal.commit((0..6).map(|_| claim(1)).take(1).chain((1..6).map(sweep)).collect()).await.unwrap();
    let found = audit(&forger.store.path(INCIDENT), &Given { checkpoint: Some(kept), ..host.given() });
    assert_eq!((found.given, found.chain.exit_code()), (Some(Agreement::Differs { size: 6 }), 0));
}

#[tokio::test]
async fn forged_and_foreign_notes_are_told_apart() {
    let host = Host::new();
    let path = host.record(5).await;
    let note = fs::read_to_string(path.with_extension("checkpoint")).unwrap();
    let other = Host::new();
    other.record(5).await;
    let judge = |note: &str, given: Given| {
        let file = host.state.path().join("given");
        fs::write(&file, note).unwrap();
        audit(&path, &Given { checkpoint: Some(file), ..given }).given.unwrap()
    };
    assert_eq!(judge(&note, host.given()), Agreement::Agrees { size: 6, signed: true });
    assert_eq!(judge(&note, Given::default()), Agreement::Agrees { size: 6, signed: false });
    assert!(matches!(judge(&note, other.given()), Agreement::Forged { .. }), "another host's key");
    assert!(matches!(judge(&note.replacen("\n6\n", "\n5\n", 1), host.given()), Agreement::Forged { .. }));
    let renamed = note.replace(&INCIDENT.to_string(), "0199-other");
    assert!(matches!(judge(&renamed, host.given()), Agreement::Foreign { .. }));
    for odd in ["", "\n\n", "a\n06\nx\n\n\u{2014} a AAAA\n", "text"] {
        assert!(matches!(judge(odd, host.given()), Agreement::Unreadable { .. }), "{odd:?}");
    }
    let missing = Given { checkpoint: Some(host.state.path().join("none")), ..host.given() };
    let found = audit(&path, &missing);
    assert_eq!((found.given.map(|given| given.word()), found.newest.word()), (Some("unreadable"), "agrees"));
}

/// Every thousand lines, without being asked.
#[tokio::test]
async fn a_thousand_lines_are_covered_by_themselves() {
    let host = Host::new();
    let journal = host.store.open(INCIDENT).await.unwrap();
    for round in 0..1100 {
        journal.append(sweep(round));
        if round % 100 == 0 {
            journal.flush().await.unwrap();
        }
    }
    journal.flush().await.unwrap();
    let path = host.store.path(INCIDENT);
    let found = audit(&path, &host.given());
    assert!(matches!(found.newest, Agreement::Agrees { size, signed: true } if size > 1000), "{:?}", found.newest);
    // The tree that another process grows over the file is the same.
    let again = Store::at(host.state.path().join("state"), None, stamp(), process(2));
    again.open(INCIDENT).await.unwrap().checkpoint().await.unwrap();
    let found = audit(&path, &host.given());
    assert!(matches!(found.chain, Verification::Sound { uncovered: 0, lines, .. } if lines > 1100), "{found:?}");
    assert_eq!(found.newest.word(), "agrees");
}

/// Nothing is appended to a closed incident, and all of it is covered.
#[tokio::test]
async fn a_closed_incident_is_covered_to_its_last_line() {
    let host = Host::new();
    let path = host.record(2).await;
    let journal = host.store.open(INCIDENT).await.unwrap();
    journal.commit(vec![Entry::general(Body::IncidentClose { note: None })]).await.unwrap();
    let last = fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
    assert!(last.contains("\"kind\":\"incident.close\""));
    let found = audit(&path, &host.given());
    assert!(matches!(found.chain, Verification::Sound { lines: 4, uncovered: 0, .. }), "{:?}", found.chain);
    host.store.close().await.unwrap();
    assert_eq!(Checkpoint::parse(&fs::read_to_string(path.with_extension("checkpoint")).unwrap()).unwrap().size, 4);
}
