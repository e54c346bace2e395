//! The incidents of this host, as their journals tell them: the list, and the one that was opened.
//!
//! ```text
//! 4, I ─▶ list, read beside the loop ─Enter─▶ one of them: its operations on the isolation screen, its lines in the journal
//!   ▲ somebody has written ─▶ what has changed is read again: the list, and the one that stands open
//!           └─ v ─▶ whether its journal verifies
//! ```

use jiff::Timestamp;

use super::{journal::JournalPane, operation::OperationView};
use crate::domain::{BotState, IncidentId};

/// Where an operation stands, by the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Of which bot; escaped.
    pub bot: String,
    /// The state that it leaves the bot in.
    pub state: BotState,
    /// The word for it: an outcome's, or that it is unfinished.
    pub word: String,
    /// The living process that is at work on it, if there is one.
    pub held_by: Option<String>,
}

/// Somebody who wrote into a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The person, the process and its host.
    pub name: String,
    /// Whether that process is there now; of another host nothing can be told.
    pub present: Option<bool>,
    /// Whether it is this console.
    pub this: bool,
}

/// One incident in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Which.
    pub id: IncidentId,
    /// In the responder's words; escaped.
    pub title: Option<String>,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// When it was closed; `None`: it is open.
    pub closed_at: Option<Timestamp>,
    /// Its operations, oldest first.
    pub operations: Vec<Standing>,
    /// Who wrote, in the order of their first line.
    pub writers: Vec<Writer>,
    /// How many lines hold.
    pub lines: usize,
    /// What is wrong with the file at a first look, or why it cannot be read; `None`: nothing.
    pub trouble: Option<String>,
    /// The newest remark, with its time and author.
    pub last_note: Option<(Timestamp, String)>,
}

impl Brief {
    /// Of an incident whose journal cannot be read.
    pub const fn unreadable(id: IncidentId, why: String) -> Self {
        Self {
            id,
            title: None,
            opened_at: None,
            closed_at: None,
            operations: Vec::new(),
            writers: Vec::new(),
            lines: 0,
            trouble: Some(why),
            last_note: None,
        }
    }

    /// The operation that needs somebody most; `None`: there is none.
    pub fn worst(&self) -> Option<&Standing> {
        let rank = |standing: &Standing| match standing.state {
            BotState::Contradicted => 0,
            BotState::Isolating => 1,
            BotState::Partial => 2,
            BotState::Unknown => 3,
            BotState::DarkAt(_) => 4,
            BotState::Dark => 5,
            BotState::Live => 6,
        };
        // The newest of each bot says how it stands.
        let newest =
            self.operations.iter().enumerate().filter(|(index, standing)| {
                !self.operations[index + 1..].iter().any(|later| later.bot == standing.bot)
            });
        newest.map(|(_, standing)| standing).min_by_key(|standing| rank(standing))
    }

    /// Other processes that write here now.
    pub fn others(&self) -> impl Iterator<Item = &Writer> {
        self.writers.iter().filter(|writer| writer.present == Some(true) && !writer.this)
    }
}

/// What checking a journal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whether nothing is wrong.
    pub sound: bool,
    /// One sentence a question.
    pub says: Vec<String>,
}

/// Where the check of a journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check<'a> {
    /// Nobody has asked.
    NotAsked,
    /// It is being checked.
    UnderWay,
    /// What it came to.
    Done(&'a Checked),
}

/// The incidents' screen.
#[derive(Debug, Default)]
pub struct IncidentsPane {
    /// Open ones first, then the newest.
    pub rows: Vec<Brief>,
    /// Whether they were read at all.
    pub loaded: bool,
    /// Whether they are being read.
    pub reading: bool,
    /// Whether a change of them will be told.
    pub watched: bool,
    /// Why they cannot be.
    pub error: Option<String>,
    /// The one that the cursor is on.
    pub selected: Option<IncidentId>,
    /// The first row on the screen.
    pub offset: usize,
    /// What checks came to; `None`: it is being checked.
    pub checked: Vec<(IncidentId, Option<Checked>)>,
    /// The one that is being opened.
    pub opening: Option<IncidentId>,
}

impl IncidentsPane {
    /// Takes the list in; the cursor stays on its incident. Whether anything of it shows.
    pub fn take(&mut self, read: Result<Vec<Brief>, String>) -> bool {
        // That it was being read has been shown.
        let mut shows = std::mem::take(&mut self.reading) || !self.loaded;
        self.loaded = true;
        match read {
            Ok(mut rows) => {
                let at = self.at();
                rows.sort_by_key(|row| (row.closed_at.is_some(), std::cmp::Reverse(row.id)));
                shows |= self.rows != rows || self.error.is_some();
                self.rows = rows;
                self.error = None;
                if !self.rows.iter().any(|row| Some(row.id) == self.selected) {
                    self.selected = self.rows.get(at.min(self.rows.len().saturating_sub(1))).map(|row| row.id);
                }
            }
            Err(error) => {
                shows |= self.error.as_ref() != Some(&error);
                self.error = Some(error);
            }
        }
        shows
    }

    /// The row of the cursor.
    pub fn at(&self) -> usize {
        self.rows.iter().position(|row| Some(row.id) == self.selected).unwrap_or(0)
    }

    /// The incident that the cursor is on.
    pub fn brief(&self) -> Option<&Brief> {
        self.rows.iter().find(|row| Some(row.id) == self.selected)
    }

    /// What checking it came to.
    pub fn check_of(&self, id: IncidentId) -> Check<'_> {
        match self.checked.iter().find(|(checked, _)| *checked == id) {
            None => Check::NotAsked,
            Some((_, None)) => Check::UnderWay,
            Some((_, Some(answers))) => Check::Done(answers),
        }
    }

    /// Notes that it is being checked, or what that came to.
    pub fn note_check(&mut self, id: IncidentId, answers: Option<Checked>) {
        self.checked.retain(|(checked, _)| *checked != id);
        self.checked.push((id, answers));
    }

    /// Moves the cursor by so many rows, staying in the list.
    pub fn step(&mut self, by: isize) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        self.selected = Some(self.rows[self.at().saturating_add_signed(by).min(last)].id);
    }

    /// Scrolls so that the cursor is on the screen.
    pub fn scroll(&mut self, height: usize) {
        let (at, height) = (self.at(), height.max(1));
        self.offset = self.offset.min(self.rows.len().saturating_sub(height));
        if at < self.offset {
            self.offset = at;
        } else if at >= self.offset + height {
            self.offset = at + 1 - height;
        }
    }
}

/// An incident that was opened from the record.
#[derive(Debug, Clone)]
pub struct Archive {
    /// Its row.
    pub brief: Brief,
    /// What ran in it, as the record tells.
    pub operations: Vec<OperationView>,
    /// Its lines.
    pub journal: JournalPane,
    /// So many older lines are in the file and not here.
    pub left_out: usize,
}

impl Archive {
    /// Takes in what was written since. Cursor, search and offset stay; lines are only ever added to a journal.
    pub fn follow(&mut self, newer: Self) {
        let last = self.journal.lines.last().map(|line| line.seq);
        let all = newer.left_out + newer.journal.lines.len();
        let news = newer.journal.lines.into_iter().filter(|line| last.is_none_or(|last| line.seq > last));
        news.for_each(|line| self.journal.keep(line));
        self.left_out = all.saturating_sub(self.journal.lines.len());
        self.operations = newer.operations;
        self.brief = newer.brief;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> IncidentId {
        IncidentId::from_uuid(Uuid::from_u128(number))
    }

    fn brief(number: u128, closed: bool) -> Brief {
        let closed_at = closed.then_some(Timestamp::UNIX_EPOCH);
        Brief { closed_at, trouble: None, ..Brief::unreadable(id(number), String::new()) }
    }

    #[test]
    fn open_ones_stand_first_then_the_newest_and_the_cursor_stays_on_its_incident() {
        let mut pane = IncidentsPane::default();
        pane.take(Ok(vec![brief(1, true), brief(2, false), brief(3, true), brief(4, false)]));
        let order: Vec<_> = pane.rows.iter().map(|row| row.id).collect();
        assert_eq!(order, [id(4), id(2), id(3), id(1)]);
        assert_eq!(pane.selected, Some(id(4)));
        pane.step(2);
        pane.take(Ok(vec![brief(1, true), brief(2, true), brief(3, true), brief(5, false)]));
        assert_eq!(pane.selected, Some(id(3)));
        pane.take(Ok(vec![brief(1, true)]));
        assert_eq!(pane.selected, Some(id(1)));
        pane.step(isize::MAX);
        pane.step(isize::MIN);
        assert_eq!(pane.at(), 0);
        pane.take(Err("the directory cannot be read".to_owned()));
        assert_eq!(pane.rows.len(), 1, "what was known stays on the screen, with the error beside it");
    }

    #[test]
    fn the_newest_operation_of_each_bot_says_how_an_incident_stands() {
        let standing = |bot: &str, state| Standing { bot: bot.to_owned(), state, word: String::new(), held_by: None };
        let of = |operations| Brief { operations, ..brief(1, false) }.worst().map(|worst| worst.state);
        assert_eq!(of(Vec::new()), None);
        let partial_then_dark = vec![standing("a", BotState::Contradicted), standing("a", BotState::Dark)];
        assert_eq!(of(partial_then_dark), Some(BotState::Dark));
        let two = vec![standing("a", BotState::Dark), standing("b", BotState::Partial), standing("c", BotState::Live)];
        assert_eq!(of(two), Some(BotState::Partial));
    }
}
