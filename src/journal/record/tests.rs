//! The quick way and the long way say the same, of good lines and of altered ones.

mod bodies;

use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::journal::{
    chain::{HASH_END, Start, Tail, scan},
    fixture::*,
    parallel::{self, Text},
};

/// A journal with a record of every kind, two of them in parts, and two lines that a newer estop wrote.
fn lines() -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(bytes_of(bodies::every_kind()));
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let last = String::from_utf8(lines.last().unwrap().clone()).unwrap();
    lines.push(last.replace("\"body\":{", "\"body\":{\"new\":[1.5,{\"part\":\"of it\"}],").into_bytes());
    lines.push(last.replace("\"kind\":\"", "\"kind\":\"other.").into_bytes());
    relink(&mut lines);
    lines
}

/// Numbers the lines, links them and hashes them anew, where they are still such that this can be done.
fn relink(lines: &mut [Vec<u8>]) {
    let mut prev = Hash::ZERO.to_string();
    for (seq, line) in lines.iter_mut().enumerate() {
        let Ok(text) = std::str::from_utf8(line) else { continue };
        let Some((head, rest)) = text.split_once(",\"seq\":") else { continue };
        let Some((_, rest)) = rest.split_once(',') else { continue };
        let Some((middle, _)) = rest.rsplit_once(",\"prev\":\"") else { continue };
        let content = format!("{head},\"seq\":{seq},{middle},\"prev\":\"{prev}\"");
        prev = Hash::of(content.as_bytes()).to_string();
        *line = format!("{content},\"h\":\"{prev}\"}}\n").into_bytes();
    }
}

/// Reads one line both ways; the quick one may leave it to the long one.
fn both_ways(line: &[u8]) -> Result<bool, TestCaseError> {
    let (quick, long) = (Quick::default().read(line), Joiner::default().read_long(line));
    if quick.is_some() {
        prop_assert_eq!(&quick, &long, "{}", String::from_utf8_lossy(line));
    }
    Ok(quick.is_some())
}

/// Reads a file both ways; the quick one may give up on it.
fn both_files(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let (mut joiner, mut records) = (Joiner::default(), Vec::new());
    let found = scan(bytes, Start::FIRST, |line, _| records.push(joiner.read(line)));
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let ways = [
        (1, bytes.len().max(1), Text::Held(bytes)),
        (2, bytes.len() / 3 + 1, Text::Held(bytes)),
        (3, 1, Text::Held(bytes)),
        (2, 4096, Text::File(&file, bytes.len())),
    ];
    let mut all = Vec::new();
    for (threads, run, text) in ways {
        let taken = parallel::read_in(threads, run, text, Start::FIRST);
        all.push(taken.is_some());
        let Some((quick, next)) = taken else { continue };
        prop_assert_eq!(&found.tail, &Tail::Clean, "{} threads took it", threads);
        prop_assert_eq!((quick.len(), next), (records.len(), found.next_seq));
        for (quick, long) in quick.iter().zip(&records) {
            prop_assert_eq!(Some(quick), long.as_ref());
        }
    }
    prop_assert!(all.iter().all(|taken| *taken == all[0]), "some took it: {:?}", all);
    Ok(all[0])
}

#[test]
fn our_own_lines_are_read_quickly_and_the_same() {
    let lines = lines();
    let mut kinds: Vec<&str> = Vec::new();
    for line in &lines {
        let line = line.strip_suffix(b"\n").unwrap();
        let record = Joiner::default().read(line).expect("it is a record");
        let taken = both_ways(line).unwrap();
        assert_eq!(taken, matches!(record.body, RecordBody::Known(_)) && !may_be_part(line), "{record:?}");
        kinds.extend(Body::KINDS.iter().filter(|kind| **kind == record.kind));
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), Body::KINDS.len(), "every kind was there: {kinds:?}");
    assert!(both_files(&lines.concat()).unwrap());
}

/// A part need not say so in the words that this estop uses.
#[test]
fn a_part_in_disguise_takes_the_long_way() {
    let mut lines = lines().into_iter().map(|line| String::from_utf8(line).unwrap());
    let text = lines.find(|line| line.contains("\"body\":{\"part\":1,")).unwrap();
    let text = text.replace("\"parts\":", "\"p\\u0061rts\":");
    let line = text.trim_end().as_bytes();
    assert!(Quick::default().read(line).is_none());
    assert!(matches!(Joiner::default().read(line).unwrap().body, RecordBody::Part { part: 1, .. }));
}

/// A line of a newer version need not have our fields in our shapes; but what the chain needs, it must have.
#[test]
fn what_the_chain_refuses_the_quick_way_does_not_take() {
    let mut lines = lines();
    let text = String::from_utf8(lines[3].clone()).unwrap();
    lines[3] = text.replacen("\"epoch\":", "\"epoch\":-", 1).replacen("\"v\":1", "\"v\":2", 1).into_bytes();
    relink(&mut lines);
    let bytes = lines.concat();
    let found = scan(&bytes, Start::FIRST, |_, _| {});
    assert!(matches!(found.tail, Tail::Damaged { line: 4, .. }), "{:?}", found.tail);
    assert!(!both_files(&bytes).unwrap());
}

/// One change: where, how many bytes are taken out, what is put in.
fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let token = prop::sample::select(vec![
        &b"null"[..],
        b"\"",
        b"\\u0061",
        b"{}",
        b"[",
        b"2",
        b"-1",
        b"1.0",
        b"18446744073709551615",
        b",\"v\":1",
        b",\"body\":{}",
        b",\"h\":\"\"",
        b"\"part\":1,\"parts\":2,",
        b",\"parts\":1",
        b" ",
        b"\xff",
        b"",
    ]);
    (any::<prop::sample::Index>(), 0..24_usize, token.prop_map(<[u8]>::to_vec))
}

fn edited(line: &[u8], edits: &[(prop::sample::Index, usize, Vec<u8>)]) -> Vec<u8> {
    let mut line = line.to_vec();
    for (at, out, put) in edits {
        let from = at.index(line.len() + 1);
        let to = (from + out).min(line.len());
        line.splice(from..to, put.iter().copied());
    }
    line
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_altered_line_is_the_same_both_ways(
        line in prop::sample::select(lines()),
        edits in prop::collection::vec(edit(), 1..3),
    ) {
        both_ways(&edited(line.strip_suffix(b"\n").unwrap_or(&line), &edits))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Hashed and linked anew, so that only the lines' content is at odds.
    #[test]
    fn an_altered_file_is_the_same_both_ways(
        lines in Just(lines()),
        at in any::<prop::sample::Index>(),
        edits in prop::collection::vec(edit(), 1..3),
        linked in any::<bool>(),
    ) {
        let mut lines = lines;
        let line = at.get(&lines);
        let altered = edited(&line[..line.len() - 1 - HASH_END], &edits);
        let end = line[line.len() - 1 - HASH_END..].to_vec();
        let at = at.index(lines.len());
        lines[at] = [altered, end].concat();
        if linked {
            relink(&mut lines);
        }
        both_files(&lines.concat())?;
    }
}
