//! The writer against disks that fail, and against images that crashes and intruders leave.

use super::{
    Body, Entry, Health, JournalError, Record, RecordBody, Recorded, Verification,
    chain::{Start, Tail, scan},
    controls,
    fixture::*,
    sink::MemorySink,
};
use crate::domain::{AnswerKind, BotName, Lane, StepState, Untrusted};

fn image(bytes: &[u8]) -> MemorySink {
    let memory = MemorySink::default();
    memory.memory().segments[0] = bytes.to_vec();
    memory
}

fn read(memory: &MemorySink) -> Recorded {
    let segments = memory.memory().segments.iter().map(|bytes| ("memory".into(), bytes.clone())).collect();
    Recorded::from_segments(segments)
}

/// `verify` on bytes: it reads files only.
fn verified_bytes(bytes: &[u8]) -> Verification {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, bytes).unwrap();
    super::verify(file.path())
}

/// Opens an image as another process, appends one line, and gives back what there is then.
async fn go_on(memory: &MemorySink) -> Recorded {
    let journal = journal(2, memory, memory.clone()).expect("an image of a crash opens");
    journal.commit(vec![sweep(1)]).await.expect("and goes on");
    read(memory)
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    std::iter::once(0).chain(bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1)).collect()
}

/// Gauntlet 7: cut at every length.
#[tokio::test]
async fn a_journal_cut_anywhere_is_torn_and_goes_on() {
    let bytes = bytes_of(five()).await;
    let starts = line_starts(&bytes);
    for length in 0..=bytes.len() {
        let cut = &bytes[..length];
        let whole = starts.iter().filter(|start| **start <= length && **start > 0).count();
        let start = starts[whole];
        let unterminated = starts.get(whole + 1).is_some_and(|next| next - 1 == length);
        let memory = image(cut);
        let recorded = go_on(&memory).await;
        let kept = whole + usize::from(unterminated);
        match verified_bytes(cut) {
            Verification::Sound { lines, uncovered, .. } => {
                assert_eq!((start, lines, uncovered), (length, whole as u64, whole as u64));
            }
            Verification::Torn { lines, offset, length: torn } => {
                assert_eq!(lines, kept as u64, "cut at {length}");
                assert_eq!(offset, if unterminated { length } else { start } as u64, "cut at {length}");
                assert_eq!(torn, if unterminated { 0 } else { (length - start) as u64 }, "cut at {length}");
            }
            other => panic!("cut at {length}: {other:?}"),
        }
        let torn = start < length && !unterminated;
        assert_eq!(recorded.health, Health::Sound, "cut at {length}");
        assert_eq!(recorded.records.len(), kept + usize::from(torn) + 1, "cut at {length}");
        assert_eq!(
            recorded.records[..kept].iter().map(|record| record.seq).max(),
            kept.checked_sub(1).map(|n| n as u64)
        );
        let aside = memory.memory().aside.clone();
        if torn {
            assert_eq!(aside, vec![(0, start as u64, cut[start..].to_vec())], "cut at {length}");
            let recovered = recorded.records[kept].body.known();
            assert!(matches!(recovered, Some(Body::Recovered { offset, length: torn, .. })
                if *offset == start as u64 && *torn == (length - start) as u64));
        } else {
            assert!(aside.is_empty(), "cut at {length}");
        }
        assert!(matches!(verified_bytes(&memory.memory().segments[0]), Verification::Sound { .. }), "cut at {length}");
    }
}

/// Gauntlet 8: NULs to the end, one NUL anywhere in the last record, a run of NULs behind it.
#[tokio::test]
async fn zeroed_tails_and_holes_are_torn() {
    let bytes = bytes_of(five()).await;
    let last = line_starts(&bytes)[4];
    let mut images: Vec<Vec<u8>> = Vec::new();
    for at in last..bytes.len() {
        let mut hole = bytes.clone();
        hole[at] = 0;
        images.push(hole);
        let mut tail = bytes.clone();
        tail[at..].fill(0);
        images.push(tail);
    }
    let mut run = bytes.clone();
    run.extend([0; 4096]);
    images.push(run);
    for (number, bytes) in images.iter().enumerate() {
        let Verification::Torn { lines, offset, length } = verified_bytes(bytes) else {
            panic!("image {number}: {:?}", verified_bytes(bytes))
        };
        let memory = image(bytes);
        let recorded = go_on(&memory).await;
        assert_eq!(recorded.health, Health::Sound);
        assert_eq!(recorded.records.len() as u64, lines + 2, "image {number}");
        let torn = bytes[usize::try_from(offset).unwrap()..].to_vec();
        assert_eq!(torn.len() as u64, length);
        assert_eq!(memory.memory().aside, vec![(0, offset, torn)]);
    }
}

/// Gauntlet 9: one flipped bit anywhere.
#[tokio::test]
async fn a_flipped_bit_is_found_and_takes_no_earlier_line_away() {
    let bytes = bytes_of(five()).await;
    let starts = line_starts(&bytes);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let line = starts.iter().rposition(|start| *start <= at).unwrap();
        let memory = image(&flipped);
        let recorded = go_on(&memory).await;
        let before = recorded.records.iter().filter(|record| record.seq < line as u64).count();
        assert_eq!(before, line, "byte {at}: an earlier line is gone");
        match verified_bytes(&flipped) {
            Verification::Damaged { line: bad, offset, .. } => {
                assert_eq!((bad, offset), (line as u64 + 1, starts[line] as u64), "byte {at}");
                assert!(matches!(recorded.health, Health::Damaged { line, .. } if line == bad), "byte {at}");
                assert_eq!(memory.memory().segments[0], flipped, "byte {at}: a damaged file was changed");
                assert_eq!(memory.memory().segments.len(), 2, "byte {at}: no further segment");
                let last = recorded.records.last().unwrap();
                assert!(last.seq >= 5, "byte {at}: number {} comes twice", last.seq);
            }
            Verification::Torn { lines, .. } => {
                assert!(line == 4 && lines >= 4, "byte {at} is torn");
                assert_eq!(memory.memory().segments.len(), 1);
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

/// Gauntlet 10: removed, swapped, doubled, re-written lines.
#[tokio::test]
async fn edited_history_names_its_first_bad_line() {
    let bytes = bytes_of(five()).await;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let spaced = String::from_utf8(lines[2].to_vec()).unwrap().replacen("{\"v\":1", "{ \"v\":1", 1);
    let renamed = String::from_utf8(lines[0].to_vec()).unwrap().replace("leaked", "a drill");
    for (name, edited, bad) in [
        ("removed", [lines[0], lines[1], lines[3], lines[4]].concat(), 3),
        ("swapped", [lines[0], lines[2], lines[1], lines[3], lines[4]].concat(), 2),
        ("doubled", [lines[0], lines[1], lines[1], lines[2]].concat(), 3),
        ("spaced", [lines[0], lines[1], spaced.as_bytes(), lines[3]].concat(), 3),
        ("renamed", [renamed.as_bytes(), lines[1], lines[2]].concat(), 1),
        ("headless", lines[1..].concat(), 1),
    ] {
        match verified_bytes(&edited) {
            Verification::Damaged { line, .. } => assert_eq!(line, bad, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        let found = scan(&edited, Start::FIRST, |_, _| {});
        assert!(matches!(found.tail, Tail::Damaged { line, .. } if line == bad), "{name}");
    }
}

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

fn round(record: &Record) -> Option<u32> {
    match record.body.known() {
        Some(Body::SweepRound { round, .. }) => Some(*round),
        _ => None,
    }
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

/// Two processes on one journal: each reads what the other added, and the newer claim wins.
#[tokio::test]
async fn a_taken_over_operation_cannot_be_armed_by_the_process_left_behind() {
    let memory = MemorySink::default();
    let first = journal(1, &memory, memory.clone()).unwrap();
    let second = journal(2, &memory, memory.clone()).unwrap();
    let hash = || crate::domain::PlanHash::of(&bot(), crate::domain::Depth::Isolate, &[]);
    first.arm(OP, 1, vec![claim(1)], hash(), 0, vec![step(0)]).await.unwrap();
    let armed = second.arm(OP, 2, vec![claim(2)], hash(), 0, vec![step(0)]).await.unwrap();
    assert_eq!(armed[0].key(), OP.key(&step_id(0)));
    let behind = first.arm(OP, 1, Vec::new(), hash(), 1, vec![step(1)]).await;
    assert_eq!(behind.unwrap_err(), JournalError::Superseded { op: OP, epoch: 2 });
    let twice = first.commit(vec![claim(2)]).await;
    assert_eq!(twice.unwrap_err(), JournalError::Superseded { op: OP, epoch: 2 });
    first.commit(vec![attempt(1, 0, 1)]).await.unwrap();
    let folded = super::fold(INCIDENT, &read(&memory).records);
    assert_eq!(folded.operations[0].steps[&step_id(0)].state, StepState::Armed, "a stale line changes nothing");
    assert_eq!(folded.remarks.len(), 1);
}

#[tokio::test]
async fn only_durable_intents_are_armed_again() {
    let disk = Scripted::default();
    let first = journal(1, &disk.memory, disk.clone()).unwrap();
    first.commit(vec![claim(1), intent(1, [0, 1])]).await.unwrap();
    disk.script().failing_sync = Some(2);
    first.commit(vec![intent(1, [2])]).await.unwrap_err();
    let ids: Vec<_> = (0..4).map(step_id).collect();
    let armed = first.rearm(OP, ids.clone()).await.unwrap();
    assert_eq!(armed.iter().map(|armed| &armed.step().id).collect::<Vec<_>>(), [&ids[0], &ids[1]]);
    let glass = first.break_glass();
    glass.commit(vec![intent(1, [3])]).await.unwrap();
    let armed = glass.rearm(OP, ids.clone()).await.unwrap();
    let mut names: Vec<_> = armed.iter().map(|armed| armed.step().id.clone()).collect();
    names.sort();
    assert_eq!(names, [ids[0].clone(), ids[1].clone(), ids[3].clone()]);
    assert!(glass.trouble().is_some_and(|why| why.contains("memory only")), "it says so for ever");
}

/// An unknown kind is kept and chained over, and stops an older writer.
#[tokio::test]
async fn a_newer_estop_is_not_written_over() {
    let bytes = bytes_of(five()).await;
    for (name, from, to) in [
        ("kind", "\"kind\":\"step.verify\"", "\"kind\":\"step.dance\""),
        ("version", "{\"v\":1,\"seq\":4", "{\"v\":2,\"seq\":4"),
    ] {
        let newer = rehash_last(&String::from_utf8(bytes.clone()).unwrap().replace(from, to));
        assert!(matches!(verified_bytes(newer.as_bytes()), Verification::Sound { lines: 5, .. }), "{name}");
        let memory = image(newer.as_bytes());
        let error = journal(2, &memory, memory.clone()).unwrap_err();
        assert!(matches!(error, JournalError::Newer { .. }), "{name}: {error}");
        let recorded = read(&memory);
        assert_eq!(recorded.health, Health::Sound);
        assert!(matches!(recorded.records[4].body, RecordBody::Unknown(_)), "{name}");
        assert_eq!(recorded.unknown().count(), 1);
    }
}

/// The last line with the hash of its bytes as they are now.
fn rehash_last(text: &str) -> String {
    let at = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
    let content = text[at..].trim_end().rsplit_once(",\"h\":").unwrap().0;
    format!("{}{content},\"h\":\"{}\"}}\n", &text[..at], super::chain::Hash::of(content.as_bytes()).as_str())
}

#[tokio::test]
async fn nothing_is_appended_to_a_closed_incident() {
    let memory = MemorySink::default();
    let first = journal(1, &memory, memory.clone()).unwrap();
    let second = journal(2, &memory, memory.clone()).unwrap();
    first.commit(vec![sweep(1), Entry::general(Body::IncidentClose { note: None })]).await.unwrap();
    for journal in [&first, &second] {
        assert_eq!(journal.commit(vec![sweep(2)]).await.unwrap_err(), JournalError::Closed(INCIDENT));
    }
    assert_eq!(journal(3, &memory, memory.clone()).unwrap_err(), JournalError::Closed(INCIDENT));
    assert_eq!(read(&memory).records.len(), 2);
}

/// A plan of a thousand steps, a word of 200 KB: several lines, none too long, one record.
#[tokio::test]
async fn long_records_are_split_and_joined() {
    let long = || Entry::general(Body::GuardRefused { bot: None, why: "\"\\\u{1F6D1}é".repeat(20_000) });
    let entries = vec![claim(1), intent(1, 0..1000), long(), sweep(1)];
    let bytes = bytes_of(entries.clone()).await;
    assert!(matches!(verified_bytes(&bytes), Verification::Sound { .. }));
    assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= super::MAX_LINE));
    let recorded = read(&image(&bytes));
    let known: Vec<&Body> = recorded.records.iter().filter_map(|record| record.body.known()).collect();
    assert_eq!(known, entries.iter().map(|entry| &entry.body).collect::<Vec<_>>());
    assert!(recorded.records.len() > 10);

    let plans = recorded.records.iter().filter(|record| record.kind == "plan.intent").count();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let broken_off = lines[..plans].concat();
    let folded = super::fold(INCIDENT, &read(&image(&broken_off)).records);
    assert!(folded.operations[0].steps.is_empty(), "it counts only when all are there");
}

/// What a follower is told is what the file says.
#[tokio::test]
async fn followers_see_the_lines_as_they_are_read_back() {
    let memory = MemorySink::default();
    let opened = journal(1, &memory, memory.clone()).unwrap();
    let mut records = opened.subscribe();
    let mut entries = five();
    entries.insert(2, intent(1, 0..200));
    opened.commit(entries).await.unwrap();
    for expected in read(&memory).records {
        assert_eq!(*records.recv().await.unwrap(), expected);
    }
    assert!(records.try_recv().is_err());
}

/// The first line introduces process and person; the fields have the order of the format.
#[tokio::test]
async fn lines_have_the_fields_of_the_format_in_their_order() {
    let text = String::from_utf8(bytes_of(five()).await).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (seq, line) in lines.iter().enumerate() {
        let fields: indexmap::IndexMap<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(
            names.join(" "),
            "v seq at mono_ms incident exercise proc op epoch who kind controls body prev h",
            "line {seq}"
        );
        assert_eq!(fields["seq"], seq);
        assert_eq!(fields["at"], "2025-11-24T16:00:00.123Z");
        assert_eq!(fields["proc"].is_object(), seq == 0);
        assert_eq!(fields["who"].is_object(), seq == 0);
    }
    let prev = |line: &str| line.split("\"prev\":\"").nth(1).unwrap()[..64].to_owned();
    assert_eq!(prev(lines[0]), "0".repeat(64));
    assert!(lines[0].ends_with(&format!("\"h\":\"{}\"}}", prev(lines[1]))));
}

#[test]
fn every_kind_has_its_word_and_cites_controls() {
    for entry in five().into_iter().chain([sweep(1)]) {
        let tagged = serde_json::to_value(&entry.body).unwrap();
        assert_eq!(tagged["kind"], entry.body.kind());
        assert!(Body::KINDS.contains(&entry.body.kind()));
        for lane in Lane::ALL.map(Some).into_iter().chain([None]) {
            assert!(!controls::cited(&entry.body, lane, false).is_empty());
            assert!(!controls::cited(&entry.body, lane, true).is_empty());
        }
    }
    let unknown = serde_json::from_str::<Body>("{\"kind\":\"none.such\",\"body\":{}}").unwrap_err().to_string();
    let serde_knows: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
    assert_eq!(serde_knows, Body::KINDS, "one word a kind, for serde and for the chain");
}

#[tokio::test]
async fn an_answer_cites_by_the_lane_of_its_step() {
    let entries = vec![
        claim(1),
        intent(1, 0..4),
        answer(1, 1, AnswerKind::Accepted, StepState::Accepted),
        answer(1, 2, AnswerKind::Accepted, StepState::Accepted),
    ];
    let memory = image(&bytes_of(entries).await);
    // A process that reads the intent from the file cites as the one that wrote it.
    let opened = journal(2, &memory, memory.clone()).unwrap();
    opened.commit(vec![answer(1, 3, AnswerKind::Accepted, StepState::Accepted)]).await.unwrap();
    let cited: Vec<Vec<String>> = read(&memory).records[2..].iter().map(|record| record.controls.clone()).collect();
    assert_eq!(cited[0], ["RS.MI-01", "PR.AA-01", "ZT-6", "ZT-3"]);
    assert_eq!(cited[1], ["RS.MI-01", "DE.CM-06", "ZT-4"]);
    assert_eq!(cited[2], ["RS.MI-01", "PR.AA-05", "ZT-3"]);
}

#[test]
fn hostile_names_stay_in_their_line() {
    let name = BotName::new(Untrusted::new("a\n{\"v\":1}\0\u{2028}\x1b[2J"));
    let body = Body::GuardOverride { bot: name, why: String::new() };
    let json = super::split::json(&body);
    assert!(!json.iter().any(|byte| *byte < 0x20), "{json:?}");
}
