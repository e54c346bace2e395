//! Gauntlet 7 to 10: what crashes and intruders leave is told apart, and goes on where it may.

use super::*;
use crate::journal::{
    Health,
    chain::{Start, Tail, scan},
};
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
