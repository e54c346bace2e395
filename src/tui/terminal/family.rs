//! Which terminals are known: those that understand what the console writes.
//!
//! A family by its name, so that a host without a terminal database is no obstacle; else an entry in the database.

use std::path::{Path, PathBuf};

/// The first part of `TERM`, up to `-`, `.` or `+`. All of these take the sequences of the VT100 and its heirs.
const FAMILIES: [&str; 29] = [
    "Eterm",
    "alacritty",
    "ansi",
    "contour",
    "cygwin",
    "dtterm",
    "foot",
    "ghostty",
    "gnome",
    "hterm",
    "iterm",
    "iterm2",
    "kitty",
    "konsole",
    "linux",
    "mintty",
    "mlterm",
    "ms",
    "nsterm",
    "putty",
    "rio",
    "rxvt",
    "screen",
    "st",
    "tmux",
    "vte",
    "wezterm",
    "xterm",
    "zellij",
];
/// Where ncurses looks last.
const DATABASES: [&str; 4] = ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"];

/// Whether what `TERM` names is known here. Variables are the environment's.
pub(super) fn is_known(term: &str, variable: impl Fn(&str) -> Option<String>) -> bool {
    let family = term.split(['-', '.', '+']).next().unwrap_or_default();
    let vt = family.strip_prefix("vt").is_some_and(|number| number.parse::<u16>().is_ok_and(|number| number >= 100));
    vt || FAMILIES.contains(&family) || is_in_a_database(term, variable)
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
