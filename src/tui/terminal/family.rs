//! Which terminals are known: those that understand what the console writes.
//!
//! A family by its name, so that a host without a terminal database is no obstacle; else an entry in the database.

use std::path::{Path, PathBuf};

use crate::tui::encode::{Dialect, Level};

/// A family of terminals.
struct Family {
    /// The first part of `TERM`, up to `-`, `.` or `+`.
    name: &'static str,
    /// What it is known to take, from its entry of terminfo (`bce`, `rep`) or its manual.
    dialect: Dialect,
    /// Whether it answers the question for a mode; others may print it.
    asked: bool,
}

/// The sequences of the VT220, and no more.
const PLAIN: Dialect = Dialect { erases_in_colour: false, repeats: false, ..Dialect::MOST };
/// With them the background that is set fills what is erased.
const ERASES: Dialect = Dialect { repeats: false, ..Dialect::MOST };

/// All of these take the sequences of the VT100 and its heirs. Where nobody tells more of one, it is given the least.
/// Everything calls itself xterm: that name promises no repeating.
const FAMILIES: [Family; 29] = [
    family("Eterm", ERASES, false),
    family("alacritty", ERASES, true),
    family("ansi", Dialect::LEAST, false),
    family("contour", Dialect::MOST, true),
    family("cygwin", Dialect::LEAST, false),
    family("dtterm", PLAIN, true),
    family("foot", Dialect::MOST, true),
    family("ghostty", Dialect::MOST, true),
    family("gnome", ERASES, true),
    family("hterm", Dialect::LEAST, true),
    family("iterm", ERASES, true),
    family("iterm2", ERASES, true),
    family("kitty", Dialect::MOST, true),
    family("konsole", ERASES, true),
    family("linux", ERASES, false),
    family("mintty", Dialect::MOST, true),
    family("mlterm", ERASES, true),
    family("ms", PLAIN, false),
    family("nsterm", PLAIN, true),
    family("putty", PLAIN, false),
    family("rio", ERASES, true),
    family("rxvt", ERASES, true),
    family("screen", PLAIN, false),
    family("st", ERASES, true),
    family("tmux", PLAIN, true),
    family("vte", Dialect::MOST, true),
    family("wezterm", Dialect::MOST, true),
    family("xterm", ERASES, true),
    family("zellij", PLAIN, true),
];
/// Where ncurses looks last.
const DATABASES: [&str; 4] = ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"];

const fn family(name: &'static str, dialect: Dialect, asked: bool) -> Family {
    Family { name, dialect, asked }
}

fn named(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

fn of_term(term: &str) -> Option<&'static Family> {
    named(name(term))
}

fn name(term: &str) -> &str {
    match term.split(['-', '.', '+']).next().unwrap_or_default() {
        // xterm-kitty, xterm-ghostty: whose they are comes second.
        "xterm" => {
            let own = term.split('-').nth(1).filter(|own| named(own).is_some_and(|family| family.dialect.repeats));
            own.unwrap_or("xterm")
        }
        name => name,
    }
}

/// What the terminal that `TERM` names understands.
pub(super) fn dialect(term: &str) -> Dialect {
    if let Some(number) = name(term).strip_prefix("vt").and_then(|number| number.parse::<u16>().ok()) {
        let level = if number >= 220 { Level::Vt220 } else { Level::Vt100 };
        return Dialect { level, regions: number >= 100, ..Dialect::LEAST };
    }
    of_term(term).map_or(Dialect::LEAST, |family| family.dialect)
}

/// Whether the terminal may be asked for a mode (DECRQM).
pub(super) fn may_be_asked(term: &str) -> bool {
    of_term(term).is_some_and(|family| family.asked)
}

/// Whether what `TERM` names is known here. Variables are the environment's.
pub(super) fn is_known(term: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    let vt =
        name(term).strip_prefix("vt").is_some_and(|number| number.parse::<u16>().is_ok_and(|number| number >= 100));
    vt || of_term(term).is_some() || is_in_a_database(term, variable)
}

/// terminfo(5): `x/xterm`, or the first letter as two hexadecimal digits.
fn is_in_a_database(term: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_a_name = term.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte));
    let Some(first) = term.chars().next().filter(|_| is_a_name && !term.starts_with('.')) else { return false };
    let own = variable("HOME").map(|home| Path::new(&home).join(".terminfo"));
    let named = variable("TERMINFO").map(PathBuf::from);
    let more = variable("TERMINFO_DIRS").unwrap_or_default();
    let more = more.split(':').filter(|part| !part.is_empty()).map(PathBuf::from);
    let mut all = named.into_iter().chain(own).chain(more).chain(DATABASES.map(PathBuf::from));
    all.any(|database| {
        let folders = [first.to_string(), format!("{:02x}", u32::from(first))];
        folders.iter().any(|folder| database.join(folder).join(term).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_without_a_database() {
        for term in [
            "xterm",
            "xterm-256color",
            "screen.xterm-256color",
            "tmux-256color",
            "linux",
            "vt100",
            "vt220",
            "foot+base",
        ] {
            assert!(is_known(term, |_| None), "{term}");
        }
        for term in ["no-such-terminal", "xtermite", "../../etc/passwd", ".", "xterm\u{1b}", "\u{1b}[c"] {
            assert!(!is_known(term, |_| None), "{term:?}");
        }
    }

    #[test]
    fn no_more_is_written_than_a_family_is_known_to_take() {
        for (term, level, regions, erases_in_colour, repeats) in [
            ("xterm-256color", Level::Vt220, true, true, false),
            ("xterm-kitty", Level::Vt220, true, true, true),
            ("foot+base", Level::Vt220, true, true, true),
            ("linux", Level::Vt220, true, true, false),
            ("screen.xterm-256color", Level::Vt220, true, false, false),
            ("tmux-256color", Level::Vt220, true, false, false),
            ("vt100", Level::Vt100, true, false, false),
            ("vt320", Level::Vt220, true, false, false),
            ("ansi", Level::Vt100, false, false, false),
            ("home-made", Level::Vt100, false, false, false),
        ] {
            assert_eq!(dialect(term), Dialect { level, regions, erases_in_colour, repeats }, "{term}");
        }
        assert!(may_be_asked("xterm-256color") && may_be_asked("tmux-256color"));
        assert!(!may_be_asked("linux") && !may_be_asked("screen") && !may_be_asked("home-made"));
    }

    #[test]
    fn others_are_known_by_their_entry() {
        let home = tempfile::tempdir().unwrap();
        for (folder, term) in [("h", "home-made"), ("6f", "other")] {
            let folder = home.path().join(".terminfo").join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(term), "").unwrap();
            let variable = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
            assert!(is_known(term, variable), "{term}");
        }
    }
}
