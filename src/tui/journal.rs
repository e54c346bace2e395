//! The journal's lines as state: which are shown, which match, where the cursor is.
//!
//! ```text
//! lines ─terms (bot: step: state: kind:)─▶ shown ─words─▶ matches          follow: the cursor stays on the newest
//! ```

mod query;

pub use query::{FIELDS, Query};
use tui_input::Input;

use super::message::JournalLine;

/// How many lines the screen keeps at least; the file keeps all.
const KEPT: usize = 5000;
/// So many more are let in before the oldest are dropped: dropping costs the same for one as for all of them.
const SLACK: usize = 500;
/// How far back a line is looked for that may have come twice.
const RECENT: usize = 256;

/// The lines, what is searched in them, and the cursor.
#[derive(Debug, Clone)]
pub struct JournalPane {
    /// Oldest first.
    pub lines: Vec<JournalLine>,
    /// The first row on the screen.
    pub offset: usize,
    /// Whether the newest line stays on the screen, with the cursor on it.
    pub follow: bool,
    /// What is searched.
    pub input: Input,
    /// Whether keys go into it.
    pub editing: bool,
    query: Query,
    shown: Vec<usize>,
    at: usize,
    most: usize,
}

impl Default for JournalPane {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            offset: 0,
            follow: true,
            input: Input::default(),
            editing: false,
            query: Query::default(),
            shown: Vec::new(),
            at: 0,
            most: KEPT,
        }
    }
}

impl JournalPane {
    /// Of lines that were read, whatever their number, with the cursor on the newest.
    pub fn of(lines: Vec<JournalLine>) -> Self {
        let most = lines.len().max(KEPT);
        let mut pane = Self { lines, most, ..Self::default() };
        pane.refresh();
        pane
    }

    /// What is searched.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// Searches for something else.
    pub fn search(&mut self, text: &str) {
        self.input = Input::new(text.to_owned());
        self.typed();
    }

    /// What is searched was typed on: the lines are sorted out again, and the cursor goes to the next match.
    pub fn typed(&mut self) {
        self.query = Query::parse(self.input.value());
        self.refresh();
        if self.query.has_words() && !self.cursor().is_some_and(|line| self.query.matches(line)) {
            self.to_match(-1);
        }
    }

    /// The lines that the terms leave, as indices.
    pub fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// The row that the cursor is on, among those that are shown.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The line that the cursor is on.
    pub fn cursor(&self) -> Option<&JournalLine> {
        self.lines.get(*self.shown.get(self.at)?)
    }

    /// How many of the shown lines match the words; 0 where none are searched.
    pub fn matches(&self) -> usize {
        if !self.query.has_words() {
            return 0;
        }
        self.shown.iter().filter(|index| self.query.matches(&self.lines[**index])).count()
    }

    /// Takes in lines from before.
    pub fn put_before(&mut self, lines: Vec<JournalLine>) {
        let newer = std::mem::take(&mut self.lines);
        self.shown.clear();
        self.at = 0;
        lines.into_iter().chain(newer).for_each(|line| self.keep(line));
    }

    /// Takes a line in, once.
    pub fn keep(&mut self, line: JournalLine) {
        let key = |line: &JournalLine| (line.incident, line.seq);
        if self.lines.iter().rev().take(RECENT).any(|old| key(old) == key(&line)) {
            return;
        }
        if self.query.keeps(&line) {
            self.shown.push(self.lines.len());
        }
        self.lines.push(line);
        if self.lines.len() > self.most + SLACK {
            self.lines.drain(..SLACK);
            let gone = self.shown.partition_point(|index| *index < SLACK);
            self.shown.drain(..gone);
            self.shown.iter_mut().for_each(|index| *index -= SLACK);
            self.at = self.at.saturating_sub(gone);
            self.offset = self.offset.saturating_sub(gone);
        }
        if self.follow {
            self.at = self.last();
        }
    }

    /// Moves the cursor by so many rows, staying among what is shown; on the last one it follows.
    pub fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.last());
        self.follow = self.at == self.last();
    }

    /// Moves the cursor to the next line that matches the words (`-1`: to the one before), round the end. Whether there
    /// is one.
    pub fn to_match(&mut self, direction: isize) -> bool {
        let count = self.shown.len();
        if !self.query.has_words() {
            return false;
        }
        let at = self.at;
        let mut rows =
            (1..=count).map(|away| if direction < 0 { (at + count - away) % count } else { (at + away) % count });
        let found = rows.find(|row| self.query.matches(&self.lines[self.shown[*row]]));
        if let Some(row) = found {
            self.at = row;
            self.follow = false;
        }
        found.is_some()
    }

    /// Scrolls so that the cursor is on the screen.
    pub fn scroll(&mut self, height: usize) {
        let height = height.max(1);
        self.at = self.at.min(self.last());
        self.offset = self.offset.min(self.shown.len().saturating_sub(height));
        if self.at < self.offset {
            self.offset = self.at;
        } else if self.at >= self.offset + height {
            self.offset = self.at + 1 - height;
        }
    }

    /// Sorts the lines out again; the cursor stays on its line, else goes to the nearest.
    fn refresh(&mut self) {
        let was = self.shown.get(self.at).copied();
        let kept = self.lines.iter().enumerate().filter(|(_, line)| self.query.keeps(line));
        self.shown = kept.map(|(index, _)| index).collect();
        self.at = match was {
            Some(was) if !self.follow => self.shown.partition_point(|index| *index < was).min(self.last()),
            _ => self.last(),
        };
    }

    fn last(&self) -> usize {
        self.shown.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(seq: u64, kind: &str, text: &str) -> JournalLine {
        JournalLine { seq, kind: kind.to_owned(), text: text.to_owned(), ..JournalLine::default() }
    }

    fn pane(count: u64) -> JournalPane {
        let mut pane = JournalPane::default();
        for seq in 0..count {
            pane.keep(line(seq, if seq % 2 == 0 { "step.answer" } else { "step.verify" }, &format!("text {seq}")));
        }
        pane
    }

    #[test]
    fn it_follows_until_somebody_looks_back_and_again_from_the_last_line_on() {
        let mut pane = pane(10);
        assert_eq!(pane.cursor().unwrap().seq, 9);
        pane.step(-3);
        pane.keep(line(10, "step.answer", "new"));
        assert_eq!((pane.cursor().unwrap().seq, pane.follow), (6, false));
        pane.step(isize::MAX);
        pane.keep(line(11, "step.answer", "newer"));
        assert_eq!((pane.cursor().unwrap().seq, pane.follow), (11, true));
    }

    #[test]
    fn terms_leave_lines_out_and_words_lead_from_match_to_match() {
        let mut pane = pane(30);
        pane.search("kind:verify 2");
        assert_eq!(pane.shown().len(), 15);
        assert_eq!(pane.matches(), 5, "21, 23, 25, 27, 29");
        assert_eq!(pane.cursor().unwrap().seq, 29);
        for wanted in [27, 25, 23, 21, 29] {
            assert!(pane.to_match(-1));
            assert_eq!(pane.cursor().unwrap().seq, wanted);
        }
        assert!(pane.to_match(1));
        assert_eq!(pane.cursor().unwrap().seq, 21);
        pane.search("");
        assert_eq!((pane.shown().len(), pane.cursor().unwrap().seq), (30, 21), "the cursor stays on its line");
        assert!(!pane.to_match(1));
    }

    #[test]
    fn a_line_that_comes_twice_is_kept_once_and_old_ones_go() {
        let mut pane = pane(3);
        pane.keep(line(2, "step.answer", "again"));
        assert_eq!(pane.lines.len(), 3);
        pane.search("kind:answer");
        pane.step(isize::MIN);
        for seq in 3..20_000 {
            pane.keep(line(seq, "step.answer", "x"));
        }
        assert!(pane.lines.len() <= KEPT + SLACK);
        assert_eq!(pane.shown().len(), pane.lines.len());
        assert_eq!(pane.at(), 0, "what it was on is gone: the oldest that is left");
    }

    proptest! {
        #[test]
        fn the_cursor_never_leaves_what_is_shown(acts in proptest::collection::vec((0u8..5, -9isize..9, "[a-z: ]{0,8}"), 0..60)) {
            let mut pane = JournalPane::default();
            for (seq, (act, by, text)) in (0..).zip(acts) {
                match act {
                    0 => pane.step(by),
                    1 => pane.search(&text),
                    2 => { pane.to_match(by); }
                    3 => pane.scroll(by.unsigned_abs()),
                    _ => pane.keep(line(seq, "step.answer", &text)),
                }
                prop_assert!(pane.at() < pane.shown().len().max(1));
                prop_assert!(pane.shown().iter().all(|index| *index < pane.lines.len()));
                let afresh: Vec<usize> =
                    (0..pane.lines.len()).filter(|index| pane.query().keeps(&pane.lines[*index])).collect();
                prop_assert_eq!(pane.shown(), &afresh[..]);
            }
        }
    }
}
