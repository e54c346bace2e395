//! The journal on a real disk, through its public face.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use std::{
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
};

use estop::{
    domain::{BotName, IncidentId, Untrusted},
    journal::{Body, Entry, Health, Journal, JournalError, Process, Stamp, Store, Verification, fold, verify},
};
use tempfile::TempDir;
use uuid::Uuid;

fn stamp() -> Stamp {
    let start = std::time::Instant::now();
    Arc::new(move || (jiff::Timestamp::now(), u64::try_from(start.elapsed().as_millis()).unwrap()))
}

fn store(state: &TempDir) -> Store {
    Store::at(state.path().join("state"), None, stamp(), Process::this())
}

fn incident() -> IncidentId {
    IncidentId::from_uuid(Uuid::now_v7())
}

fn opened() -> Entry {
    Entry::general(Body::IncidentOpen { title: Some("token on a wiki".to_owned()), follows: None })
}

fn refused(number: usize) -> Entry {
    let bot = Some(BotName::new(Untrusted::new("helpdesk")));
    Entry::general(Body::GuardRefused { bot, why: format!("number {number}") })
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A journal of five records, closed again: its path and bytes.
async fn five(state: &TempDir, incident: IncidentId) -> (PathBuf, Vec<u8>) {
    let journal = store(state).open(incident).await.unwrap();
    for number in 0..5 {
        journal.commit(vec![if number == 0 { opened() } else { refused(number) }]).await.unwrap();
    }
    let path = journal.path().unwrap().to_owned();
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

/// A writer of another process: it opens the file anew.
async fn another(state: &TempDir, incident: IncidentId) -> Result<Journal, JournalError> {
    store(state).open(incident).await
}

#[tokio::test]
async fn files_are_ours_alone() {
    let state = tempfile::tempdir().unwrap();
    let (path, _) = five(&state, incident()).await;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&state.path().join("state")), 0o700);
    assert!(matches!(verify(&path), Verification::Sound { lines: 5, uncovered: 5, .. }));
}

/// Gauntlet 14: what is no regular file of ours is refused, and nothing hangs on it.
#[tokio::test]
async fn odd_paths_are_refused() {
    type Odd = (&'static str, fn(&Path));
    let make: [Odd; 5] = [
        ("symbolic link", |path| {
            let real = path.with_file_name("real");
            fs::write(&real, "").unwrap();
            symlink(&real, path).unwrap();
        }),
        ("not a regular file", |path| {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
        ("not a regular file", |path| fs::create_dir(path).unwrap()),
        ("written by others", |path| {
            fs::write(path, "").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o622)).unwrap();
        }),
        ("written by others", |path| {
            fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
        }),
    ];
    for (what, make) in make {
        let (state, incident) = (tempfile::tempdir().unwrap(), incident());
        let store = store(&state);
        store.host().await.unwrap();
        make(&store.path(incident));
        let error = store.open(incident).await.unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(error.to_string().contains("--state-dir"), "{error}");
    }
}

#[tokio::test]
async fn a_directory_that_is_a_link_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("state")).unwrap();
    symlink(elsewhere.path(), state.path().join("state/journal")).unwrap();
    let error = store(&state).open(incident()).await.unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
}

/// Gauntlet 7: cut in the last record, at every length; the bytes are beside the journal, and it goes on.
#[tokio::test]
async fn a_torn_tail_is_kept_beside_the_journal() {
    let (state, incident) = (tempfile::tempdir().unwrap(), incident());
    let (path, bytes) = five(&state, incident).await;
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let aside = path.with_file_name(format!("{incident}.torn.{last}"));
    for length in last..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let _ = fs::remove_file(&aside);
        let journal = another(&state, incident).await.unwrap();
        journal.commit(vec![refused(9)]).await.unwrap();
        let Verification::Sound { lines, .. } = verify(&path) else { panic!("cut at {length}: {:?}", verify(&path)) };
        let torn = length > last && length < bytes.len() - 1;
        assert_eq!(lines, if length == bytes.len() - 1 || torn { 6 } else { 5 }, "cut at {length}");
        assert_eq!(fs::read(&aside).ok(), torn.then(|| bytes[last..length].to_vec()), "cut at {length}");
        if torn {
            assert_eq!(mode(&aside), 0o600);
        }
    }
}

/// The same place torn twice: neither tail is lost.
#[tokio::test]
async fn a_second_torn_tail_does_not_replace_the_first() {
    let (state, incident) = (tempfile::tempdir().unwrap(), incident());
    let (path, bytes) = five(&state, incident).await;
    for torn in ["{\"v\":1,", "{\"v\":1,\"seq\":5"] {
        fs::write(&path, [&bytes, torn.as_bytes()].concat()).unwrap();
        another(&state, incident).await.unwrap();
    }
    let aside = |more: &str| fs::read(path.with_file_name(format!("{incident}.torn.{}{more}", bytes.len()))).unwrap();
    assert_eq!((aside("").len(), aside(".1").len()), (7, 14));
}

/// Gauntlet 9: a damaged file stays as it is, and the next segment names it.
#[tokio::test]
async fn damage_begins_the_next_segment() {
    let (state, incident) = (tempfile::tempdir().unwrap(), incident());
    let (path, mut bytes) = five(&state, incident).await;
    let third = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 40;
    bytes[third] ^= 4;
    fs::write(&path, &bytes).unwrap();
    let journal = another(&state, incident).await.unwrap();
    let receipt = journal.commit(vec![refused(9)]).await.unwrap();
    assert_eq!((receipt.first_seq, receipt.lines), (5, 6), "the numbers go on");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is repaired");

    let segment = path.with_file_name(format!("{incident}.1.jsonl"));
    assert!(matches!(verify(&segment), Verification::Sound { lines: 1, .. }), "{:?}", verify(&segment));
    let Verification::Damaged { line, continued, .. } = verify(&path) else { panic!("{:?}", verify(&path)) };
    assert_eq!((line, continued.as_deref()), (3, Some(segment.as_path())));
    let recorded = store(&state).read(incident).unwrap();
    assert!(matches!(recorded.health, Health::Damaged { line: 3, .. }));
    assert_eq!(recorded.records.iter().map(|record| record.seq).collect::<Vec<_>>(), [0, 1, 5]);

    // Another process goes on in the segment, one that has the old one open as well.
    another(&state, incident).await.unwrap().commit(vec![refused(10)]).await.unwrap();
    journal.commit(vec![refused(11)]).await.unwrap();
    assert!(matches!(verify(&segment), Verification::Sound { lines: 3, .. }));

    // The damaged file may not change either.
    bytes[third] ^= 4;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(verify(&segment), Verification::Damaged { line: 1, .. }));
}

/// A process that has the damaged file open follows the one that begins the next segment.
#[tokio::test]
async fn a_writer_follows_into_the_next_segment() {
    let (state, incident) = (tempfile::tempdir().unwrap(), incident());
    let (path, bytes) = five(&state, incident).await;
    let old = another(&state, incident).await.unwrap();
    fs::File::options().write(true).open(&path).unwrap().write_all_at(b"#", bytes.len() as u64 / 2).unwrap();
    another(&state, incident).await.unwrap().commit(vec![refused(6)]).await.unwrap();
    old.commit(vec![refused(7)]).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), bytes.len() as u64);
    let segment = path.with_file_name(format!("{incident}.1.jsonl"));
    assert!(matches!(verify(&segment), Verification::Sound { lines: 2, .. }));
}

/// Gauntlet 12, with a store each: one chain, nothing lost, nothing interleaved.
#[test]
fn four_writers_make_one_chain() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let incident = incident();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let state = Arc::clone(&state);
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let journal = store(&state).open(incident).await.unwrap();
                    let mut seqs = Vec::new();
                    for number in 0..250 {
                        seqs.push(journal.commit(vec![refused(writer * 1000 + number)]).await.unwrap().last_seq);
                    }
                    seqs
                })
            })
        })
        .collect();
    let mut acknowledged: Vec<u64> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (0..1000).collect::<Vec<u64>>());
    let store = store(&state);
    // The thousandth line is followed by a checkpoint, which nobody asked for.
    let found = verify(&store.path(incident));
    assert!(matches!(found, Verification::Sound { lines: 1001, .. }), "{found:?}");
    let recorded = store.read(incident).unwrap();
    for writer in 0..4 {
        let of_writer: Vec<String> = recorded
            .records
            .iter()
            .filter_map(|record| match record.body.known() {
                Some(Body::GuardRefused { why, .. }) => Some(why.clone()),
                _ => None,
            })
            .filter(|why| why["number ".len()..].parse::<usize>().unwrap() / 1000 == writer)
            .collect();
        assert_eq!(of_writer, (0..250).map(|number| format!("number {}", writer * 1000 + number)).collect::<Vec<_>>());
    }
    let introduced = recorded.records.iter().filter(|record| record.who.is_some()).count();
    assert_eq!(introduced, 4, "each process introduces itself once");
}

/// Gauntlet 13: a lock that is not given back is waited for in bounds, and its holder is named.
#[tokio::test]
async fn a_stuck_lock_names_its_holder() {
    let (state, incident) = (tempfile::tempdir().unwrap(), incident());
    let (path, _) = five(&state, incident).await;
    let journal = another(&state, incident).await.unwrap();
    let lock = fs::File::options().write(true).open(path.with_file_name(format!("{incident}.lock"))).unwrap();
    lock.lock().unwrap();
    lock.write_all_at(br#"{"pid":4242,"since":"2025-11-24T03:00:00Z"}"#, 0).unwrap();
    let began = std::time::Instant::now();
    let error = journal.commit(vec![refused(6)]).await.unwrap_err();
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert!(error.to_string().contains("process 4242 since 2025-11-24T03:00:00.000Z"), "{error}");
    assert_eq!(store(&state).read(incident).unwrap().records.len(), 5, "reading needs no lock");
    lock.unlock().unwrap();
    assert_eq!(journal.commit(vec![refused(7)]).await.unwrap().lines, 6);
}

#[tokio::test]
async fn a_journal_that_was_moved_away_is_an_alarm() {
    let (state, incident) = (tempfile::tempdir().unwrap(), incident());
    let (path, bytes) = five(&state, incident).await;
    let journal = another(&state, incident).await.unwrap();
    fs::rename(&path, path.with_file_name("elsewhere")).unwrap();
    fs::write(&path, &bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = journal.commit(vec![refused(6)]).await.unwrap_err();
    assert!(error.to_string().contains("altered"), "{error}");
    assert!(journal.trouble().is_some());
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// `journal.md`'s check by hand.
#[tokio::test]
async fn the_check_by_hand_works() {
    if Command::new("sha256sum").arg("--version").output().is_err() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let (path, bytes) = five(&state, incident()).await;
    let script = r#"tail -n1 "$1" | sed 's/,"h":"[0-9a-f]*"}$//' | tr -d '\n' | sha256sum"#;
    let output = Command::new("sh").args(["-c", script, "sh"]).arg(&path).output().unwrap();
    let by_hand = String::from_utf8(output.stdout).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let own = text.trim_end().rsplit_once("\"h\":\"").unwrap().1.trim_end_matches("\"}").to_owned();
    assert_eq!(by_hand.split_whitespace().next(), Some(own.as_str()));
    let Verification::Sound { head, .. } = verify(&path) else { panic!("{:?}", verify(&path)) };
    assert_eq!(head, own);
}

#[tokio::test]
async fn incidents_open_and_close() {
    let state = tempfile::tempdir().unwrap();
    let store = store(&state);
    assert_eq!(store.incidents().unwrap(), []);
    assert_eq!(store.open_incident().unwrap(), None);
    assert_eq!(store.read(incident()).unwrap_err().to_string().split(' ').next(), Some("incident"));
    let (first, second) = (incident(), incident());
    for incident in [first, second] {
        store.open(incident).await.unwrap().commit(vec![opened()]).await.unwrap();
    }
    store.host().await.unwrap().commit(vec![refused(1)]).await.unwrap();
    assert_eq!(store.incidents().unwrap(), [first, second]);
    assert_eq!(store.open_incident().unwrap(), Some(second));
    let journal = store.open(second).await.unwrap();
    journal.commit(vec![Entry::general(Body::IncidentClose { note: None })]).await.unwrap();
    assert_eq!(store.open_incident().unwrap(), Some(first));
    assert_eq!(store.open(second).await.unwrap_err(), JournalError::Closed(second));
    assert_eq!(another(&state, second).await.unwrap_err(), JournalError::Closed(second));
    assert_eq!(journal.commit(vec![refused(2)]).await.unwrap_err(), JournalError::Closed(second));
    let recorded = store.read(second).unwrap();
    let folded = fold(second, &recorded.records);
    assert!(folded.closed_at.is_some());
    assert_eq!(folded.title.as_deref(), Some("token on a wiki"));
    let process = recorded.records[0].proc.id();
    assert!(recorded.who(process).is_some_and(|who| who.user.is_some()));
    assert_eq!(store.read_host().unwrap().records[0].incident, None);
}

/// Whoever opens an incident in one process shares its writer; exercises live apart and say so in every line.
#[tokio::test]
async fn one_writer_a_process_and_exercises_apart() {
    let state = tempfile::tempdir().unwrap();
    let drill = Store::at(state.path().join("state"), Some("drift".to_owned()), stamp(), Process::this());
    let incident = incident();
    let (one, other) = (drill.open(incident).await.unwrap(), drill.open(incident).await.unwrap());
    one.append(opened());
    assert_eq!(other.flush().await.unwrap().lines, 1, "one queue, in order");
    other.commit(vec![refused(1)]).await.unwrap();
    let recorded = drill.read(incident).unwrap();
    assert!(recorded.records.iter().all(|record| record.exercise.as_deref() == Some("drift")));
    assert!(recorded.paths[0].starts_with(state.path().join("state/exercise/journal")));
    assert_eq!(store(&state).incidents().unwrap(), []);
}

/// What is no file is said so, and nothing hangs on it.
#[test]
fn unreadable_files_are_said() {
    let state = tempfile::tempdir().unwrap();
    for (name, make) in [
        ("missing", None::<fn(&Path)>),
        ("a directory", Some(|path: &Path| fs::create_dir(path).unwrap())),
        ("a FIFO", Some(|path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()))),
    ] {
        let path = state.path().join(name);
        if let Some(make) = make {
            make(&path);
        }
        let found = verify(&path);
        assert!(matches!(found, Verification::Unreadable { .. }), "{name}: {found:?}");
        assert_eq!(found.exit_code(), 1);
    }
}
