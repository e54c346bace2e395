//! 5. Disk full in the middle of a record.

use super::{ends_dark, mount::Tmpfs, never_began};
use crate::harness::{Dice, Options, Stage, each};

/// Sizes of the state's file system: from too small for the plan to a little too small for the end.
#[test]
#[ignore = "gauntlet"]
fn case_05_disk_full_in_the_middle() {
    let needed = {
        let tmpfs = Tmpfs::new(4096);
        let stage = Stage::with(&Options { state: Some(tmpfs.path()), ..Options::default() });
        stage.isolate().expect(&[0]);
        tmpfs.used() / 1024
    };
    let sizes: Vec<u64> = (8..needed).step_by(4).collect();
    let drawn = Dice::of("case 5").some(sizes, 10);
    each(
        &drawn,
        |size| format!("{size} of {needed} KiB"),
        |size| {
            let tmpfs = Tmpfs::new(*size);
            let stage = Stage::with(&Options { state: Some(tmpfs.path()), ..Options::default() });
            let ran = stage.isolate();
            stage.honest(&ran);
            stage.no_false_success(&ran);
            stage.intent_first();
            ran.expect(&[1, 5]).says(&["No space left on device"]);
            let sent: usize = stage.servers.iter().map(|server| server.changes().len()).sum();
            if ran.code == Some(5) {
                assert_eq!(sent, 0, "refused, and sent: {ran}");
            } else {
                assert!(sent == 0 || stage.alive().is_empty(), "the strike stopped: {ran}");
            }
            // Space again: nothing is glued to a fragment.
            tmpfs.resize(8192);
            stage.sound_journals(&[0, 3]);
            assert!(sent == 0 || !never_began(&stage));
            ends_dark(&stage, 1);
            stage.sound_journals(&[0]);
        },
    );
}
