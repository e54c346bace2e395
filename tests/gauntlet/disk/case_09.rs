//! 9. Bit rot inside.

use sha2::Digest as _;

use super::image::{gallery, last_line, line_ends, with_image};
use crate::harness::{Dice, each};

#[test]
#[ignore = "gauntlet"]
fn case_09_a_flipped_bit_at_every_byte() {
    let gallery = gallery();
    let five = gallery.lines(5);
    let (last, ends) = (last_line(&five), line_ends(&five));
    let positions: Vec<usize> = (0..five.len()).collect();
    let mut dice = Dice::of("case 9");
    let drawn: Vec<(usize, u8)> =
        dice.some(positions, 120).into_iter().map(|position| (position, 1 << (position % 8))).collect();
    each(
        &drawn,
        |flip| format!("{flip:?}"),
        |(position, bit)| {
            let mut image = five.clone();
            image[*position] ^= bit;
            let ran = gallery.verify(&format!("flip-{position}"), &image);
            gallery.stage.honest(&ran);
            let line = ends.iter().filter(|end| **end <= *position).count() + 1;
            let final_newline = *position == five.len() - 1;
            if final_newline || (*position >= last && ran.code == Some(3)) {
                ran.expect(&[3]);
            } else {
                ran.expect(&[4]);
                let said = format!("{}{}", ran.stdout, ran.stderr);
                // A newline that is none any more makes two lines one: the damage is named where that line begins.
                let named = [line, line + 1].iter().any(|line| said.contains(&format!("line {line}")));
                assert!(named, "line {line} is not named: {ran}");
            }
        },
    );
}

/// No append to a damaged file: a new segment, which names it by its hash; the view works.
#[test]
#[ignore = "gauntlet"]
fn case_09_a_damaged_file_is_left_alone() {
    let mut dice = Dice::of("case 9 segments");
    let lots: Vec<usize> = (0..if crate::harness::full() { 20 } else { 3 }).map(|_| dice.index(1 << 30)).collect();
    each(
        &lots,
        |lot| format!("{lot}"),
        |lot| {
            let (stage, journal, image) = with_image(|mut bytes| {
                let inside = last_line(&bytes);
                bytes[lot % inside] ^= 4;
                bytes
            });
            let status = stage.run(&["--json", "status"]);
            stage.honest(&status);
            let show = stage.run(&["journal", "show"]);
            stage.honest(&show);
            // Whatever a new isolation does with it, it is recorded and proved.
            let ran = stage.isolate();
            stage.honest(&ran);
            stage.no_false_success(&ran);
            assert_eq!(std::fs::read(&journal).unwrap(), image, "the damaged file was touched");
            stage.intent_first();
            let segment = journal.with_extension("1.jsonl");
            let text = std::fs::read_to_string(segment).expect("a further segment");
            let hash = hex::encode(sha2::Sha256::digest(&image));
            let first = text.lines().next().unwrap();
            assert!(first.contains(&format!("\"prev\":\"{hash}\"")), "not named by its hash: {first}");
        },
    );
}
