//! The lines themselves: what stands in them, what a newer estop may add, what ends them.

use super::*;
use crate::{
    domain::{AnswerKind, BotName, Lane, StepState, Untrusted},
    journal::{Entry, Health, JournalError, RecordBody, controls},
};
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
    format!("{}{content},\"h\":\"{}\"}}\n", &text[..at], crate::journal::Hash::of(content.as_bytes()))
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
    assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= crate::journal::MAX_LINE));
    let recorded = read(&image(&bytes));
    let known: Vec<&Body> = recorded.records.iter().filter_map(|record| record.body.known()).collect();
    assert_eq!(known, entries.iter().map(|entry| &entry.body).collect::<Vec<_>>());
    assert!(recorded.records.len() > 10);

    let plans = recorded.records.iter().filter(|record| record.kind == "plan.intent").count();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let broken_off = lines[..plans].concat();
    let folded = crate::journal::fold(INCIDENT, &read(&image(&broken_off)).records);
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
    let cited: Vec<Vec<String>> = read(&memory).records[2..].iter().map(|record| record.controls.to_vec()).collect();
    assert_eq!(cited[0], ["RS.MI-01", "PR.AA-01", "ZT-6", "ZT-3"]);
    assert_eq!(cited[1], ["RS.MI-01", "DE.CM-06", "ZT-4"]);
    assert_eq!(cited[2], ["RS.MI-01", "PR.AA-05", "ZT-3"]);
}

#[test]
fn hostile_names_stay_in_their_line() {
    let name = BotName::new(Untrusted::new("a\n{\"v\":1}\0\u{2028}\x1b[2J"));
    let body = Body::GuardOverride { bot: name, why: String::new() };
    let json = crate::journal::split::json(&body);
    assert!(!json.iter().any(|byte| *byte < 0x20), "{json:?}");
}
