//! 11. Records cut off the end.

use super::{image::line_ends, mount::Tmpfs};
use crate::harness::{Options, Ran, Stage};

#[test]
#[ignore = "gauntlet"]
fn case_11_a_checkpoint_sees_what_is_missing() {
    let stage = Stage::new();
    let ran = stage.isolate();
    ran.expect(&[0]);
    sees_what_is_missing(&stage, &ran);
}

/// The same of the record that went on in the second place, with the key that was made there.
#[test]
#[ignore = "gauntlet"]
fn case_11_also_in_the_second_place() {
    let (tmpfs, fallback) = (Tmpfs::new(4096), tempfile::tempdir_in("/dev/shm").unwrap());
    let place = fallback.path().canonicalize().unwrap();
    let stage =
        Stage::with(&Options { state: Some(tmpfs.path()), fallback: Some(place.clone()), ..Options::default() });
    tmpfs.remount("ro,bind");
    let ran = stage.isolate();
    ran.expect(&[1]);
    assert!(stage.journal().starts_with(place));
    sees_what_is_missing(&stage, &ran);
}

fn sees_what_is_missing(stage: &Stage, isolated: &Ran) {
    let journal = stage.journal();
    let good = std::fs::read(&journal).unwrap();
    let checkpoint = journal.with_extension("checkpoint");
    // The one that was printed at exit.
    let printed = &isolated.outcome()["journal"]["checkpoint"];
    let kept = std::fs::read_to_string(&checkpoint).unwrap();
    let root = printed["root"].as_str().unwrap_or_else(|| panic!("no checkpoint is printed: {printed}"));
    assert!(kept.contains(root), "{printed} is not {kept}");
    let saved = stage.write("saved.checkpoint", &kept, 0o600);
    let verify = |arguments: &[&str]| stage.run(&[&["journal", "verify"], arguments].concat());
    let (file, note) = (journal.to_str().unwrap(), saved.to_str().unwrap());
    verify(&[file]).expect(&[0]);
    verify(&[file, "--checkpoint", note]).expect(&[0]);
    let ends = line_ends(&good);
    for missing in [1, 2, 5] {
        std::fs::write(&journal, &good[..ends[ends.len() - 1 - missing]]).unwrap();
        let names = |ran: &Ran, answer: &str| {
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let told = format!("{missing} of the {} lines", ends.len());
            let found = said.lines().any(|line| line.contains(answer) && line.contains(&told));
            assert!(found, "no `{answer}` with `{told}`: {said}");
        };
        // With the checkpoint beside it, and with the one that was saved elsewhere: two answers.
        let ran = verify(&[file]);
        ran.expect(&[4]);
        names(&ran, "newest checkpoint here");
        let ran = verify(&[file, "--checkpoint", note]);
        ran.expect(&[4]);
        names(&ran, "newest checkpoint here");
        names(&ran, "given");
        // Alone: sound as far as it goes, and it says what no checkpoint covers.
        std::fs::rename(&checkpoint, checkpoint.with_extension("away")).unwrap();
        let alone = verify(&[file]);
        alone.expect(&[0]);
        let said = format!("{}{}", alone.stdout, alone.stderr);
        assert!(said.contains("checkpoint"), "{alone}");
        let ran = verify(&[file, "--checkpoint", note]);
        ran.expect(&[4]);
        names(&ran, "given");
        std::fs::rename(checkpoint.with_extension("away"), &checkpoint).unwrap();
    }
}

/// Without any checkpoint: the answer says that cutting lines off would not be seen.
#[test]
#[ignore = "gauntlet"]
fn case_11_verify_says_what_is_not_covered() {
    let gallery = super::image::gallery();
    let ends = line_ends(gallery.good);
    for missing in [1, 2, 5] {
        let lines = ends.len() - missing;
        let ran = gallery.verify(&format!("cut-{missing}"), &gallery.good[..ends[lines - 1]]);
        ran.expect(&[0]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(&lines.to_string()) && said.contains("checkpoint"), "{ran}");
    }
}
