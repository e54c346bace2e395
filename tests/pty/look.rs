//! What a configuration changes about the console: keys, mouse, colours, signs; and the clipboard.

use std::{path::PathBuf, time::Duration};

use rustix::process::Signal;

use super::{
    hands::fleet_is_read,
    place::Place,
    sessions::{at_once, exercise},
    stream::{colours, strangers},
    terminal::Start,
};

/// A configuration in the home of a place.
fn configured(place: &Place, text: &str) -> PathBuf {
    let file = place.home().join("mine.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn the_mouse_is_asked_for_only_where_it_is_wanted_and_given_back_in_every_ending() {
    // By key, and by signal. Where it is not wanted, every other test here finds no byte of it.
    at_once([None, Some(Signal::TERM), Some(Signal::HUP)], |signal| {
        let place = exercise();
        let file = configured(&place, "[console]\nmouse = true\n");
        let terminal = Start::at(&place).arguments(&["--config", file.to_str().unwrap()]).open();
        fleet_is_read(&terminal);
        // The second row of the list.
        terminal.keys("\x1b[<0;10;5M\x1b[<0;10;5m");
        terminal.wait_for("another selection", |text| text.contains("X would isolate"));
        match signal {
            None => terminal.keys("q"),
            Some(signal) => terminal.signal(signal),
        }
        let exit = terminal.exit(Duration::from_secs(20));
        assert!(exit.restored, "{signal:?}: {exit:?}");
        let bytes = String::from_utf8_lossy(&exit.raw);
        assert!(bytes.starts_with("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1000h\x1b[?1006h"), "{signal:?}");
        let (_, last) = bytes.rsplit_once("\x1b[?1006l\x1b[?1000l").unwrap();
        assert!(last.starts_with("\x1b[?2004l\x1b[r\x1b[0m\x1b[?25h\x1b[?1049l"), "{signal:?}: {last:?}");
        assert!(place.is_untouched());
    });
}

#[test]
fn keys_of_ones_own_are_shown_and_work() {
    let place = exercise();
    let file = configured(&place, "[console.keys]\nquit = \"Q\"\nisolate = \"x\"\nhelp = [\"f1\", \"ctrl-g\"]\n");
    let terminal = Start::at(&place).arguments(&["--config", file.to_str().unwrap()]).open();
    terminal.wait_for("the footer", |text| text.contains("x isolate") && text.contains("x would isolate"));
    terminal.keys("q?X");
    terminal.keys("\x07");
    terminal.wait_for("the help", |text| text.contains("estop  Help") && text.contains("F1 help"));
    terminal.keys("Q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.code == 0 && exit.restored, "{exit:?}");
    assert!(place.is_untouched());
}

#[test]
fn a_key_that_cannot_be_bound_is_told_before_any_escape() {
    let place = exercise();
    let file = configured(&place, "[console]\ntheme = \"dusk\"\n[console.keys]\n\nisolate = \"ctrl-x\"\n");
    let exit = Start::at(&place).arguments(&["--config", file.to_str().unwrap()]).open().exit(Duration::from_secs(20));
    let text = String::from_utf8_lossy(&exit.raw);
    assert_eq!(exit.code, 2, "{text}");
    assert!(text.contains("mine.toml:5: isolate cuts, and Ctrl-x is pressed by habit"), "{text}");
    assert!(exit.restored && !exit.raw.contains(&0x1b));
}

#[test]
fn flags_and_configuration_decide_colours_and_signs() {
    at_once(
        [(&["--color", "never"][..], ""), (&["--ascii"], ""), (&[], "color = \"none\"\nascii = true")],
        |(flags, text)| {
            let place = exercise();
            let file = configured(&place, &format!("[console]\n{text}\n"));
            let terminal = Start::at(&place).arguments(&["--config", file.to_str().unwrap()]).arguments(flags).open();
            fleet_is_read(&terminal);
            terminal.keys("q");
            let exit = terminal.exit(Duration::from_secs(20));
            assert!(exit.code == 0 && exit.restored, "{exit:?}");
            assert_eq!(strangers(&exit.raw), Vec::<String>::new());
            let is_plain = exit.raw.is_ascii();
            assert_eq!(is_plain, flags.contains(&"--ascii") || text.contains("ascii"), "{flags:?} {text:?}");
            assert_eq!(
                colours(&exit.raw).is_empty(),
                flags.contains(&"never") || text.contains("none"),
                "{flags:?} {text:?}"
            );
        },
    );
}

#[test]
fn a_copy_goes_out_as_one_sequence_by_the_way_that_the_terminal_has() {
    at_once([("xterm-256color", "\x1b]52;c;"), ("tmux-256color", "\x1bPtmux;\x1b\x1b]52;c;")], |(term, begins)| {
        let place = exercise();
        let terminal = Start::at(&place).variable("TERM", term).open();
        fleet_is_read(&terminal);
        terminal.keys("y");
        terminal.wait_for_text("copied ");
        terminal.keys("q");
        let exit = terminal.exit(Duration::from_secs(20));
        let bytes = String::from_utf8_lossy(&exit.raw);
        let (_, rest) = bytes.split_once(begins).unwrap_or_else(|| panic!("{term}: no {begins:?}"));
        let text: String = rest.chars().take_while(|character| *character != '\x07').collect();
        assert!(text.len() > 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)), "{text}");
    });
}
