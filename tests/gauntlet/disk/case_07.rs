//! 7. Torn last record, every length.

use sha2::Digest as _;

use super::image::{gallery, last_line};
use crate::harness::{Dice, each};

#[test]
#[ignore = "gauntlet"]
fn case_07_every_length_is_told_as_torn() {
    let gallery = gallery();
    let good = gallery.good;
    let cuts: Vec<usize> = (last_line(good) + 1..good.len()).collect();
    let drawn = Dice::of("case 7").some(cuts, 60);
    each(
        &drawn,
        |cut| format!("cut at {cut}"),
        |cut| {
            gallery.verify(&format!("torn-{cut}"), &good[..*cut]).expect(&[3]);
        },
    );
    // Cut behind a whole line: whole, as far as the chain can tell.
    gallery.verify("whole", &good[..last_line(good)]).expect(&[0]);
}

/// The next writer mends it: bytes set aside, recorded, and the chain goes on.
#[test]
#[ignore = "gauntlet"]
fn case_07_the_next_writer_mends_it() {
    let gallery = gallery();
    let good = gallery.good;
    let last = last_line(good);
    let mut drawn = Dice::of("case 7 mended").some((last + 1..good.len() - 1).collect(), 10);
    // Only the newline is missing.
    drawn.push(good.len() - 1);
    each(
        &drawn,
        |cut| format!("cut at {cut}"),
        |cut| {
            let image = &good[..*cut];
            let replica = gallery.replica(image);
            gallery.append(&replica);
            let mended = std::fs::read(&replica.journal).unwrap();
            let (records, sides) = (replica.records_of("recovered"), replica.sides());
            if *cut == good.len() - 1 {
                assert!(mended.starts_with(good), "a whole record was not kept");
                assert!(records.is_empty() && sides.is_empty(), "nothing was lost");
                return;
            }
            let torn = &image[last..];
            assert_eq!(sides.len(), 1, "{sides:?}");
            assert_eq!(std::fs::read(&sides[0]).unwrap(), torn, "what was removed is not kept");
            assert_eq!(records.len(), 1);
            let body = &records[0]["body"];
            assert_eq!(body["offset"], last as u64);
            assert_eq!(body["length"], torn.len() as u64);
            assert_eq!(body["sha256"], hex::encode(sha2::Sha256::digest(torn)));
            assert!(mended.starts_with(&good[..last]));
        },
    );
}
