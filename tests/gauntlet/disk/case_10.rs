//! 10. Edited history.

use super::image::{Gallery, gallery, line_ends};
use crate::harness::{Dice, each};

fn lines(gallery: &Gallery) -> Vec<&'static [u8]> {
    let mut start = 0;
    let cut = |end: usize| {
        let line = &gallery.good[start..end];
        start = end;
        line
    };
    line_ends(gallery.good).into_iter().map(cut).collect()
}

#[test]
#[ignore = "gauntlet"]
fn case_10_edits_are_named() {
    let gallery = gallery();
    let all = lines(&gallery);
    let at: Vec<usize> = Dice::of("case 10").some((1..all.len() - 1).collect(), 6);
    let edits = ["delete", "swap", "duplicate", "rename", "white space", "rename and hash"];
    let table: Vec<(usize, &str)> = at.iter().flat_map(|at| edits.map(|edit| (*at, edit))).collect();
    each(
        &table,
        |edit| format!("{edit:?}"),
        |(at, edit)| {
            let mut changed: Vec<Vec<u8>> = all.iter().map(|line| line.to_vec()).collect();
            let text = String::from_utf8(changed[*at].clone()).unwrap();
            let renamed = text.replacen("\"kind\":\"", "\"kind\":\"x", 1);
            match *edit {
                "delete" => drop(changed.remove(*at)),
                "swap" => changed.swap(*at - 1, *at),
                "duplicate" => changed.insert(*at, all[*at].to_vec()),
                "rename" => changed[*at] = renamed.into_bytes(),
                "white space" => changed[*at] = text.replacen(':', ": ", 1).into_bytes(),
                _ => changed[*at] = rehashed(&renamed).into_bytes(),
            }
            let ran = gallery.verify(&format!("{edit}-{at}").replace(' ', "-"), &changed.concat());
            ran.expect(&[4]);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let first = match *edit {
                "swap" => vec![*at, *at + 1],
                "duplicate" | "rename and hash" => vec![*at + 1, *at + 2],
                _ => vec![*at + 1],
            };
            assert!(first.iter().any(|line| said.contains(&format!("line {line}"))), "{first:?} not named: {ran}");
        },
    );
}

/// The line with a hash that fits it: the next line tells.
fn rehashed(line: &str) -> String {
    use sha2::Digest as _;
    let (covered, _) = line.rsplit_once(",\"h\":").unwrap();
    format!("{covered},\"h\":\"{}\"}}\n", hex::encode(sha2::Sha256::digest(covered)))
}
