//! 32. No real terminal: no escape byte, one clear line, the headless commands.

use std::time::Duration;

use crate::{
    harness::Stage,
    pty::{place, terminal::Start},
};

#[test]
#[ignore = "gauntlet"]
fn case_32_a_terminal_that_can_do_nothing() {
    let stage = Stage::new();
    let place = place(&stage);
    for term in ["dumb", "", "no-such-terminal", "../../etc/passwd", "xterm\x1b]0;x\x07"] {
        let exit = Start::at(&place).variable("TERM", term).open().exit(Duration::from_secs(20));
        assert_eq!(exit.code, 2, "{term:?}: {exit:?}");
        assert!(exit.restored, "{term:?}: {exit:?}");
        let text = String::from_utf8(exit.raw.clone()).unwrap();
        assert!(!exit.raw.contains(&0x1b), "{text:?}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text:?}");
        assert!(text.contains("TERM") && text.contains("estop list"), "{text:?}");
        // The headless view needs nothing of it.
        let exit = Start::at(&place).variable("TERM", term).arguments(&["list"]).open().exit(Duration::from_mins(1));
        assert_eq!(exit.code, 0, "{term:?}: {exit:?}");
        if term == "dumb" || term.is_empty() {
            assert!(!exit.raw.contains(&0x1b), "{exit:?}");
        }
        assert!(exit.text.contains("helpdesk"), "{exit:?}");
    }
}

/// What `ssh host estop` without `-t` gives: no terminal at either end, or only at one.
#[test]
#[ignore = "gauntlet"]
fn case_32_no_terminal() {
    let stage = Stage::new();
    let ran = stage.run(&[]);
    ran.expect(&[2]).says(&["terminal", "estop list", "estop isolate"]);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
    let list = stage.run(&["list"]);
    list.expect(&[0]);
    for ran in [&ran, &list] {
        assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'), "{ran}");
    }
    let ran = stage.run(&["isolate", "helpdesk"]);
    ran.expect(&[2]).says(&["--yes"]);
    assert!(stage.servers.iter().all(|server| server.changes().is_empty()), "{ran}");
    // One end is a terminal, the other is not.
    let place = place(&stage);
    for redirection in ["</dev/null", "| cat"] {
        let terminal = Start::at(&place).in_a_shell().open();
        terminal.wait_for_text("READY>");
        let words: Vec<String> = place.arguments().iter().map(|word| format!("'{word}'")).collect();
        terminal.keys(&format!("{} {} {redirection}; echo en$((1))ded\n", stage.binary().display(), words.join(" ")));
        let text = terminal.wait_for_text("en1ded");
        assert!(!terminal.is_on_its_own_screen(), "{text}");
        assert!(text.contains("not both a terminal"), "{text}");
    }
}
