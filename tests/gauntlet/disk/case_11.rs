//! 11. Records cut off the end.

use super::image::line_ends;
use crate::harness::Stage;

#[test]
#[ignore = "gauntlet"]
fn case_11_a_checkpoint_sees_what_is_missing_pending() {
    let stage = Stage::new();
    let ran = stage.isolate();
    ran.expect(&[0]);
    let journal = stage.journal();
    let good = std::fs::read(&journal).unwrap();
    let checkpoint = journal.with_extension("checkpoint");
    let saved = stage.write("saved.checkpoint", std::fs::read(&checkpoint).unwrap(), 0o600);
    let verify = |arguments: &[&str]| stage.run(&[&["journal", "verify"], arguments].concat());
    let (file, note) = (journal.to_str().unwrap(), saved.to_str().unwrap());
    verify(&[file]).expect(&[0]);
    verify(&[file, "--checkpoint", note]).expect(&[0]);
    let ends = line_ends(&good);
    for missing in [1, 2, 5] {
        std::fs::write(&journal, &good[..ends[ends.len() - 1 - missing]]).unwrap();
        // With the checkpoint beside it, and with the one that was saved elsewhere.
        verify(&[file]).expect(&[4]);
        let ran = verify(&[file, "--checkpoint", note]);
        ran.expect(&[4]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(&missing.to_string()) && said.contains("missing"), "{ran}");
        // Alone: sound as far as it goes, and it says what no checkpoint covers.
        std::fs::rename(&checkpoint, checkpoint.with_extension("away")).unwrap();
        let alone = verify(&[file]);
        alone.expect(&[0]);
        let said = format!("{}{}", alone.stdout, alone.stderr);
        assert!(said.contains("checkpoint"), "{alone}");
        std::fs::rename(checkpoint.with_extension("away"), &checkpoint).unwrap();
    }
}

/// Without any checkpoint: the answer says that cutting lines off would not be seen.
#[test]
#[ignore = "gauntlet"]
fn case_11_verify_says_what_is_not_covered() {
    let gallery = super::image::gallery();
    let ends = line_ends(&gallery.good);
    for missing in [1, 2, 5] {
        let lines = ends.len() - missing;
        let ran = gallery.verify(&format!("cut-{missing}"), &gallery.good[..ends[lines - 1]]);
        ran.expect(&[0]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(&lines.to_string()) && said.contains("checkpoint"), "{ran}");
    }
}
