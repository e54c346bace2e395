//! 8. Zeroed tail and zero holes: as after a power cut.

use super::image::{gallery, last_line, with_image};
use crate::harness::{Dice, each, stage::RESUME};

#[test]
#[ignore = "gauntlet"]
fn case_08_zeros_are_told_as_torn() {
    let gallery = gallery();
    let good = &gallery.good;
    let last = last_line(good);
    let mut images: Vec<(String, Vec<u8>)> = Vec::new();
    for offset in last..good.len() {
        let mut tail = good.clone();
        tail[offset..].fill(0);
        images.push((format!("tail-{offset}"), tail));
        let mut hole = good.clone();
        hole[offset] = 0;
        images.push((format!("hole-{offset}"), hole));
    }
    let mut drawn = Dice::of("case 8").some(images, 80);
    drawn.push(("run".to_owned(), [good.as_slice(), &[0; 4096]].concat()));
    drawn.push(("line-and-run".to_owned(), [good.as_slice(), &[0; 4096], b"\n"].concat()));
    each(
        &drawn,
        |image| image.0.clone(),
        |(name, image)| {
            let ran = gallery.verify(name, image);
            ran.expect(&[3]);
            gallery.stage.bounded(&ran);
            gallery.stage.honest(&ran);
        },
    );
}

#[test]
#[ignore = "gauntlet"]
fn case_08_the_next_writer_mends_them() {
    each(
        &[0_usize, 10, 100],
        |kept| format!("{kept} kept"),
        |kept| {
            let (stage, _, _) = with_image(|mut bytes| {
                let from = last_line(&bytes) + kept;
                bytes[from..].fill(0);
                bytes.resize(bytes.len() + 4096, 0);
                bytes
            });
            stage.run(&RESUME).expect(&[0]);
            stage.sound_journals(&[0]);
            assert_eq!(stage.records_of("recovered").len(), 1);
        },
    );
}
