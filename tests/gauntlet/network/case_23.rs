//! 23. Bombs: cut at the cap, which counts after decompression.

use std::{io::Write as _, sync::OnceLock, time::Duration};

use flate2::{Compression, write::GzEncoder};

use super::{B, fails_alone, others_finish};
use crate::harness::{Dice, Reply, Rule, Stage, Wire, each};

/// 300 MB of nothing in 300 KB.
fn gzip() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let part = vec![b' '; 1 << 20];
        for _ in 0..300 {
            encoder.write_all(&part).unwrap();
        }
        encoder.finish().unwrap()
    })
}

fn bombs() -> Vec<(&'static str, Reply)> {
    let json = || Reply::json(200, Vec::new());
    let mut many = json().body("[]");
    for number in 0..10_000 {
        many = many.header(&format!("x-filler-{number}"), "a");
    }
    vec![
        ("gzip", json().header("content-encoding", "gzip").body(gzip())),
        ("endless", json().streaming(None)),
        ("64 MB without a length", json().streaming(Some(64 << 20))),
        ("10,000 headers", many),
        ("one header of 8 MB", json().header("x-filler", &"a".repeat(8 << 20)).body("[]")),
    ]
}

#[test]
#[ignore = "gauntlet"]
fn case_23_bombs_in_reads() {
    each(
        &bombs(),
        |bomb| bomb.0.to_owned(),
        |(_, reply)| {
            let stage = Stage::new();
            stage.servers[B].fault(Rule::reads(Wire::Answer(reply.clone())));
            let ran = stage.isolate();
            fails_alone(&stage, &ran, &[3, 4]);
            ran.within(Duration::from_secs(100));
            stage.converges(0);
        },
    );
}

/// The change was made; its answer is a bomb. A read proves it.
#[test]
#[ignore = "gauntlet"]
fn case_23_bombs_in_answers_to_changes() {
    let drawn = Dice::of("case 23").some(bombs(), 3);
    each(
        &drawn,
        |bomb| bomb.0.to_owned(),
        |(_, reply)| {
            let stage = Stage::new();
            stage.servers[B].fault(Rule::on("PUT", "/clients/", Wire::AppliedBut(reply.clone())));
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[0]);
            others_finish(&stage, &ran);
            stage.converges(0);
        },
    );
}

/// Our own token comes wrapped in a bomb: that provider is out of reach, and no more.
#[test]
#[ignore = "gauntlet"]
fn case_23_a_bomb_in_place_of_a_token() {
    let stage = Stage::new();
    let (_, bomb) = bombs().swap_remove(0);
    stage.servers[B].fault(Rule::on("POST", "/token", Wire::Answer(bomb)));
    let ran = stage.isolate();
    fails_alone(&stage, &ran, &[3]);
    stage.converges(0);
}
