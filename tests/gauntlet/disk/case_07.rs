//! 7. Torn last record, every length.

use sha2::Digest as _;

use super::image::{gallery, last_line, with_image};
use crate::harness::{Dice, each, stage::RESUME};

#[test]
#[ignore = "gauntlet"]
fn case_07_every_length_is_told_as_torn() {
    let gallery = gallery();
    let good = &gallery.good;
    let cuts: Vec<usize> = (last_line(good) + 1..good.len()).collect();
    let drawn = Dice::of("case 7").some(cuts, 80);
    each(
        &drawn,
        |cut| format!("cut at {cut}"),
        |cut| {
            gallery.verify(&format!("torn-{cut}"), &good[..*cut]).expect(&[3]);
        },
    );
    // Cut behind a whole line: whole, as far as the chain can tell.
    let whole = gallery.verify("whole", &good[..last_line(good)]);
    assert_ne!(whole.code, Some(3), "{whole}");
}

/// The next writer mends it: bytes set aside, recorded, and the chain goes on.
#[test]
#[ignore = "gauntlet"]
fn case_07_the_next_writer_mends_it() {
    // Bytes cut off the end; 1: only the newline.
    let drawn = Dice::of("case 7 mended").some(vec![1, 2, 3, 40, 71, 72, 73, 100, 200, 300], 5);
    each(
        &drawn,
        |cut| format!("{cut} bytes off"),
        |cut| {
            let (stage, journal, image) = with_image(|mut bytes| {
                bytes.truncate(bytes.len() - cut);
                bytes
            });
            if *cut == 1 {
                // Nothing of the operation is missing, so that resume would write nothing.
                stage.run(&["incident", "close"]).expect(&[0]);
            } else {
                stage.run(&RESUME).expect(&[0]);
            }
            stage.sound_journals(&[0]);
            let mended = std::fs::read(&journal).unwrap();
            let records = stage.records_of("recovered");
            let sides: Vec<_> = std::fs::read_dir(journal.parent().unwrap())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.display().to_string().contains(".torn."))
                .collect();
            if *cut == 1 {
                assert!(mended.starts_with(&[image.clone(), b"\n".to_vec()].concat()), "a whole record was not kept");
                assert!(records.is_empty() && sides.is_empty(), "nothing was lost");
                return;
            }
            let start = image.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
            let torn = &image[start..];
            assert_eq!(sides.len(), 1, "{sides:?}");
            assert_eq!(std::fs::read(&sides[0]).unwrap(), torn, "what was removed is not kept");
            let body = &records[0]["body"];
            assert_eq!(body["offset"], start as u64);
            assert_eq!(body["length"], torn.len() as u64);
            assert_eq!(body["sha256"], hex::encode(sha2::Sha256::digest(torn)));
            assert!(mended.starts_with(&image[..start]));
        },
    );
}
