//! Whole sessions: start, look around, isolate, leave, on terminals of every kind.

use std::time::Duration;

use super::{
    hands::{fleet_is_read, isolate, select, wait_for_dark},
    place::Place,
    stream::{colours, strangers},
    terminal::Start,
};

/// Runs a test's cases at once: each of them mostly waits.
pub fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}

/// The exercise that is there without a configuration.
pub fn exercise() -> Place {
    Place::with(&["--exercise", "embedded-fleet"])
}

/// A whole session, and what it wrote.
fn session(start: Start<'_>) -> (Vec<u8>, String) {
    let terminal = start.open();
    fleet_is_read(&terminal);
    select(&terminal, "helpdesk");
    terminal.keys("\r");
    terminal.wait_for("the detail", |text| text.contains("FINDINGS"));
    isolate(&terminal);
    let dark = wait_for_dark(&terminal);
    terminal.keys("J");
    terminal.wait_for("the journal", |text| text.contains("estop  Journal") && text.contains("op.end"));
    terminal.keys("?");
    terminal.wait_for("the help", |text| text.contains("estop  Help") && text.contains("EVERYWHERE"));
    terminal.keys("t");
    let first = terminal.wait_for("a theme, or why there is one only", |text| {
        ["theme paper", "theme high-contrast", "one theme, mono"].iter().any(|said| text.contains(said))
    });
    // With few colours paper does not read well, and without any there is nothing to choose.
    let rest = ["high-contrast", "colour-blind", "sixteen", "mono", "dusk"];
    let from = [("theme paper", 0), ("theme high-contrast", 1)].into_iter().find(|(said, _)| first.contains(said));
    for theme in rest.iter().skip(from.map_or(rest.len(), |(_, from)| from)) {
        terminal.keys("t");
        terminal.wait_for_text(&format!("theme {theme}"));
    }
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert_eq!(exit.code, 0, "{}", exit.text);
    assert!(exit.restored, "{exit:?}");
    assert_eq!(exit.text.trim(), "", "nothing is left on the normal screen");
    assert_eq!(strangers(&exit.raw), Vec::<String>::new());
    (exit.raw, dark)
}

#[test]
fn from_start_to_dark_on_a_small_and_on_a_large_terminal() {
    at_once([(80, 24), (120, 40)], |(width, height)| {
        let place = exercise();
        let (raw, dark) = session(Start::at(&place).size(width, height));
        assert!(dark.contains("EXERCISE") && dark.contains("verified"), "{dark}");
        assert!(!colours(&raw).is_empty());
        let journal = place.journal();
        assert_eq!(journal.all("op.end").len(), 1, "{}", journal.kinds());
        assert!(journal.all("console.lost").is_empty());
        let bytes = String::from_utf8_lossy(&raw);
        assert!(bytes.starts_with("\x1b[?1049h\x1b[?25l\x1b[?2004h"), "the terminal is entered first");
        assert!(bytes.ends_with("\x1b[?2004l\x1b[r\x1b[0m\x1b[?25h\x1b[?1049l"), "{:?}", &bytes[bytes.len() - 80..]);
    });
}

/// The first frame precedes all reading, and says so.
#[test]
fn the_first_frame_does_not_wait_for_data() {
    let place = exercise();
    let terminal = Start::at(&place).open();
    let first = terminal.wait_for("a frame", |text| text.contains("estop  Fleet"));
    fleet_is_read(&terminal);
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    let frame = String::from_utf8_lossy(&exit.raw);
    let frame = frame.split("\x1b[5n").next().unwrap();
    assert!(frame.contains("reading") && frame.contains("Keys work already"), "{frame:?} {first}");
}

#[test]
fn without_colour_nothing_is_coloured() {
    let place = exercise();
    let (raw, dark) = session(Start::at(&place).variable("NO_COLOR", "1"));
    assert_eq!(colours(&raw), Vec::<String>::new());
    assert!(String::from_utf8_lossy(&raw).contains("\x1b[1m"), "modifiers are left");
    assert!(dark.contains("dark") && dark.contains("verified"), "states are words");
}

#[test]
fn without_a_utf8_locale_only_ascii_is_written() {
    at_once([("LANG", "C"), ("LC_ALL", "C")], |(name, value)| {
        let place = exercise();
        let (raw, _) = session(Start::at(&place).variable(name, value));
        let beyond: Vec<u8> = raw.iter().copied().filter(|byte| *byte >= 0x80).collect();
        assert_eq!(beyond, [0u8; 0], "{name}={value}");
    });
}

#[test]
fn sixteen_colours_stay_sixteen() {
    at_once(["xterm-16color", "linux"], |term| {
        let place = exercise();
        let (raw, _) = session(Start::at(&place).variable("TERM", term));
        let used = colours(&raw);
        assert!(!used.is_empty(), "{term}");
        let richer: Vec<_> = used.iter().filter(|codes| codes.contains("38;") || codes.contains("48;")).collect();
        assert_eq!(richer, Vec::<&String>::new(), "{term}");
    });
}

/// Text that somebody else chose, by way of the command line and of the clipboard.
#[test]
fn hostile_text_is_shown_and_does_nothing() {
    let place = exercise();
    let hostile = "a\x1b]52;c;aGk=\x07\x1b[6n\u{9b}2J\u{202e}b";
    let terminal = Start::at(&place).size(120, 40).arguments(&["--theme", hostile]).open();
    fleet_is_read(&terminal);
    terminal.wait_for("the notice", |text| text.contains("no theme is named a\\x1b]52"));
    terminal.keys("/");
    terminal.wait_for_text("Enter keep");
    terminal.paste("x\u{202e}\x1b[6n\x07y");
    terminal.wait_for_text("x<U+202E>");
    terminal.keys("\x1b");
    terminal.wait_for_text("X would isolate");
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert_eq!(strangers(&exit.raw), Vec::<String>::new());
    assert!(exit.code == 0 && exit.restored);
}

#[test]
fn read_only_binds_neither_danger_key_and_says_why() {
    let place = exercise();
    let terminal = Start::at(&place).arguments(&["--read-only"]).open();
    fleet_is_read(&terminal);
    terminal.wait_for_text("READ-ONLY");
    for key in ["X", "B"] {
        terminal.keys(key);
        terminal.wait_for_text("estop runs read-only");
        terminal.keys("j");
        terminal.wait_for("the next row", |text| !text.contains("estop runs read-only"));
    }
    terminal.keys("?");
    terminal.wait_for("the help", |text| text.contains("Off: estop runs read-only"));
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_secs(20));
    assert!(exit.code == 0 && exit.restored, "{exit:?}");
    assert!(place.is_untouched());
}

#[test]
fn a_terminal_that_can_do_nothing_gets_one_line_and_no_escape() {
    for term in ["dumb", ""] {
        let place = exercise();
        let exit = Start::at(&place).variable("TERM", term).open().exit(Duration::from_secs(20));
        assert_eq!(exit.code, 2, "{term:?}");
        let text = String::from_utf8(exit.raw.clone()).unwrap();
        assert_eq!(text.trim_end().lines().count(), 1, "{text:?}");
        assert!(text.contains("TERM") && text.contains("estop list"), "{text:?}");
        assert!(exit.restored && !exit.raw.contains(&0x1b));
    }
    let place = exercise();
    let output = place.run(&[]);
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(output.stdout.is_empty() && !output.stderr.contains(&0x1b) && text.contains("estop isolate"));
}
