//! Signs and lines, each with an ASCII twin.

use crate::domain::{BotState, Severity, StepState};

/// Which set the locale can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    unicode: bool,
}

impl Glyphs {
    /// Box drawing and signs beyond ASCII.
    pub const UNICODE: Self = Self { unicode: true };
    /// ASCII only.
    pub const ASCII: Self = Self { unicode: false };

    /// Reads the locale as the C library does: `LC_ALL`, else `LC_CTYPE`, else `LANG`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_lowercase();
        Self { unicode: locale.contains("utf-8") || locale.contains("utf8") }
    }

    /// Whether more than ASCII may be shown.
    pub const fn is_unicode(self) -> bool {
        self.unicode
    }

    const fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// The sign beside a bot's state; the word always stands with it.
    pub const fn bot(self, state: BotState) -> &'static str {
        match state {
            BotState::Live => self.pick("●", "*"),
            BotState::Isolating => self.pick("◐", "%"),
            BotState::Dark => self.pick("■", "#"),
            BotState::DarkAt(_) => self.pick("□", "+"),
            BotState::Partial => self.pick("▲", "!"),
            BotState::Contradicted => self.pick("✖", "X"),
            BotState::Unknown => "?",
        }
    }

    /// The sign beside a step's state; the word always stands with it.
    pub const fn step(self, state: &StepState) -> &'static str {
        match state {
            StepState::Planned => self.pick("·", "."),
            StepState::Armed => self.pick("○", "o"),
            StepState::Sent => self.pick("→", ">"),
            StepState::Retrying { .. } => self.pick("↻", "r"),
            StepState::Accepted | StepState::Gone => self.pick("◇", "-"),
            StepState::Unknown => "?",
            StepState::Refused { .. } => self.pick("✖", "x"),
            StepState::Unreachable => self.pick("∅", "/"),
            StepState::Manual => self.pick("✎", "m"),
            StepState::Attested => self.pick("◆", "a"),
            StepState::Verified => self.pick("✔", "v"),
            StepState::Contradicted => self.pick("▲", "!"),
        }
    }

    /// The sign beside a finding's severity; the word always stands with it.
    pub const fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical => self.pick("▲", "!"),
            Severity::High => self.pick("△", "^"),
            Severity::Medium => self.pick("◇", "-"),
            Severity::Low => self.pick("·", "."),
        }
    }

    /// Beside the word for what can make credentials.
    pub const fn mint(self) -> &'static str {
        self.pick("✚", "+")
    }

    /// Beside the word for what takes things out in bulk.
    pub const fn bulk(self) -> &'static str {
        self.pick("⇑", "^")
    }

    /// Where a branch of a tree leaves: the last, or one before.
    pub const fn branch(self, last: bool) -> &'static str {
        if last { self.pick("└", "`") } else { self.pick("├", "|") }
    }

    /// The mark in front of the selected row.
    pub const fn marker(self) -> &'static str {
        self.pick("▶", ">")
    }

    /// The mark of a bot that `X` is meant for.
    pub const fn mark(self) -> &'static str {
        "+"
    }

    /// Behind the head of the column that rows are ordered by.
    pub const fn order(self, reverse: bool) -> &'static str {
        if reverse { self.pick("▴", "^") } else { self.pick("▾", "v") }
    }

    /// In front of a group's name.
    pub const fn group(self) -> &'static str {
        self.pick("▪", "=")
    }

    /// How much was done in a part of an hour: nothing, then each step twice as much.
    pub const fn bar_of(self, level: u32) -> &'static str {
        match level {
            0 => self.pick("·", "."),
            1 => self.pick("▁", "_"),
            2 => self.pick("▂", "-"),
            3 => self.pick("▃", "-"),
            4 => self.pick("▄", "="),
            5 => self.pick("▅", "="),
            6 => self.pick("▆", "#"),
            7 => self.pick("▇", "#"),
            _ => self.pick("█", "@"),
        }
    }

    /// A horizontal line.
    pub const fn rule(self) -> &'static str {
        self.pick("─", "-")
    }

    /// A vertical line.
    pub const fn bar(self) -> &'static str {
        self.pick("│", "|")
    }

    /// Between items of one line.
    pub const fn dot(self) -> &'static str {
        self.pick("·", "-")
    }

    /// The mark of text that was cut.
    pub const fn more(self) -> &'static str {
        self.pick("…", "~")
    }

    /// Where something leads.
    pub const fn arrow(self) -> &'static str {
        self.pick("→", "->")
    }

    /// Top and bottom of the frame of an exercise.
    pub const fn thick_rule(self) -> &'static str {
        self.pick("▒", "#")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_utf8_locale_gets_more_than_ascii() {
        for (pairs, unicode) in [
            (&[("LANG", "en_GB.UTF-8")][..], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LC_CTYPE", "de_DE.UTF-8"), ("LANG", "C")], true),
            (&[("LANG", "C")], false),
            (&[], false),
        ] {
            let glyphs =
                Glyphs::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
            assert_eq!(glyphs.is_unicode(), unicode, "{pairs:?}");
        }
    }
}
