//! 8. Zeroed tail and zero holes: as after a power cut.

use super::image::{Gallery, gallery, last_line};
use crate::harness::{Dice, each};

/// A name, and the bytes.
type Image = (String, Vec<u8>);

/// Every image: NUL bytes from an offset in the last record on, one NUL there, runs of them behind it.
fn images(gallery: &Gallery) -> (Vec<Image>, Vec<Image>) {
    let good = gallery.good;
    let mut images = Vec::new();
    for offset in last_line(good)..good.len() {
        let mut tail = good.to_vec();
        tail[offset..].fill(0);
        images.push((format!("tail-{offset}"), tail));
        let mut hole = good.to_vec();
        hole[offset] = 0;
        images.push((format!("hole-{offset}"), hole));
    }
    let runs = vec![
        ("run".to_owned(), [good, &[0; 4096]].concat()),
        ("line-and-run".to_owned(), [good, &[0; 4096], b"\n"].concat()),
    ];
    (images, runs)
}

#[test]
#[ignore = "gauntlet"]
fn case_08_zeros_are_told_as_torn() {
    let gallery = gallery();
    let (images, runs) = images(&gallery);
    let mut drawn = Dice::of("case 8").some(images, 60);
    drawn.extend(runs);
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
    let gallery = gallery();
    let (images, runs) = images(&gallery);
    let mut drawn = Dice::of("case 8 mended").some(images, 8);
    drawn.extend(runs);
    each(
        &drawn,
        |image| image.0.clone(),
        |(name, image)| {
            let replica = gallery.replica(image);
            gallery.append(&replica);
            assert_eq!(replica.records_of("recovered").len(), 1, "{name}");
            let sides = replica.sides();
            assert_eq!(sides.len(), 1, "{name}: {sides:?}");
            let torn = std::fs::read(&sides[0]).unwrap();
            assert!(image.ends_with(&torn) && !torn.is_empty(), "{name}: what was removed is not kept");
            let kept = image.len() - torn.len();
            assert!(std::fs::read(&replica.journal).unwrap().starts_with(&image[..kept]), "{name}");
            assert!(kept >= last_line(gallery.good), "{name}: an earlier record was removed");
        },
    );
}
