//! The fleet's list as state: rows, filter, selection, marks. The selection follows a name, never a row.
//!
//! ```text
//! snapshot, key ─▶ Ask ─▶ few rows: listed at once │ many: Effect::List, on worker threads ─▶ FilterMatched ─▶ List
//! ```

mod index;
mod list;
mod parallel;
mod query;
mod sieve;
mod sort;

use std::{collections::BTreeSet, sync::Arc};

use tui_input::Input;

pub use index::{Entry, Index};
pub use list::{Ask, Group, List, ListLine};
pub use query::Query;
pub use sort::{Column, Grouping, View};

use crate::{
    domain::{BotName, IdentityId},
    engine::Snapshot,
};

/// Up to so many rows are listed at once; more are listed beside the loop, so that no key waits for them.
const AT_ONCE: usize = 2000;

/// What a row is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A bot.
    Bot(BotName),
    /// A non-human identity that no bot has.
    Other(IdentityId),
}

/// The list.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one machine")]
pub struct Fleet {
    /// What is shown.
    list: Arc<List>,
    /// What the cursor is on: [`Fleet::select`] puts it there.
    pub selected: Option<Row>,
    /// In which row that is.
    at: Option<usize>,
    /// The first line on the screen.
    pub offset: usize,
    /// The text that rows must match.
    pub filter: Input,
    /// Whether keys go into the filter.
    pub editing: bool,
    /// Which rows are wanted, and in which order.
    pub view: View,
    /// The bots that `X` is meant for.
    pub marked: BTreeSet<BotName>,
    /// Whether the detail pane has the keys (and, in a small window, the screen).
    pub detail: bool,
    /// The first line of the detail on the screen.
    pub detail_offset: usize,
    /// The number of the newest list that was asked for.
    generation: u64,
    /// Whether it is still being made.
    pending: bool,
    /// What is to be listed beside the loop.
    due: Option<Ask>,
    /// A list that was replaced, and is to be let go of beside the loop.
    replaced: Option<Arc<List>>,
    /// Whether the filter was typed into since the list was made.
    is_typed: bool,
}

impl Fleet {
    /// Before anything was read.
    pub fn new(snapshot: &Arc<Snapshot>) -> Self {
        Self {
            list: Arc::new(List::empty(snapshot.clone())),
            selected: None,
            at: None,
            offset: 0,
            filter: Input::default(),
            editing: false,
            view: View::default(),
            marked: BTreeSet::new(),
            detail: false,
            detail_offset: 0,
            generation: 0,
            pending: false,
            due: None,
            replaced: None,
            is_typed: false,
        }
    }

    /// Lists anew: at once where there are few, else as soon as the answer comes.
    pub fn refresh(&mut self, snapshot: &Arc<Snapshot>) {
        self.marked.retain(|bot| snapshot.bot(bot).is_some());
        self.generation += 1;
        let ask = Ask {
            generation: self.generation,
            snapshot: snapshot.clone(),
            view: self.view,
            text: self.filter.value().to_owned(),
            before: self.list.clone(),
        };
        let count = snapshot.bots.len() + if self.view.all { snapshot.others.len() } else { 0 };
        if count > AT_ONCE {
            self.pending = true;
            self.due = Some(ask);
        } else if let Some(list) = List::build(&ask, &|| false) {
            let before = self.take(self.generation, Arc::new(list));
            // Few are listed, but the snapshot that goes with it may have many more.
            self.replaced = before.filter(|_| snapshot.others.len() > AT_ONCE);
        }
    }

    /// Lists anew for a filter that was typed into: where a word ranks rows, the cursor goes to the best.
    pub fn typed(&mut self, snapshot: &Arc<Snapshot>) {
        self.is_typed = true;
        self.refresh(snapshot);
    }

    /// What is to be listed beside the loop.
    pub fn due(&mut self) -> Option<Ask> {
        self.due.take()
    }

    /// A list that was replaced, for whoever has the time to let go of it.
    pub fn replaced(&mut self) -> Option<Arc<List>> {
        self.replaced.take()
    }

    /// Takes a list; `None`: it is not the newest that was asked for. The one that it replaces, for whoever has the time
    /// to let go of it. The selection stays on its name, else goes to the nearest row.
    pub fn take(&mut self, generation: u64, list: Arc<List>) -> Option<Arc<List>> {
        if generation != self.generation {
            return None;
        }
        self.pending = false;
        self.due = None;
        let before = std::mem::replace(&mut self.list, list);
        let was = self.at;
        let to_best = std::mem::take(&mut self.is_typed) && self.list.is_ranked() && !self.list.is_empty();
        self.at = self.selected.as_ref().and_then(|row| self.list.find(row));
        if to_best && self.at != Some(0) {
            self.detail_offset = 0;
            self.put(0);
        } else if self.at.is_none() {
            self.detail_offset = 0;
            self.put(was.unwrap_or(0).min(self.list.len().saturating_sub(1)));
        }
        Some(before)
    }

    /// What is listed.
    pub fn list(&self) -> &List {
        &self.list
    }

    /// Whether a newer list is being made.
    pub const fn is_pending(&self) -> bool {
        self.pending
    }

    /// The row of the selection.
    pub const fn index(&self) -> Option<usize> {
        self.at
    }

    /// The selected bot; `None`: nothing, or an identity that is no bot.
    pub fn bot(&self) -> Option<&BotName> {
        match self.selected.as_ref()? {
            Row::Bot(name) => Some(name),
            Row::Other(_) => None,
        }
    }

    /// Puts the cursor on a row's thing, and takes the filter away where it hides it.
    pub fn select(&mut self, row: Row, snapshot: &Arc<Snapshot>) {
        self.detail_offset = 0;
        self.at = self.list.find(&row);
        self.selected = Some(row);
        if self.at.is_none() {
            self.filter.reset();
            self.refresh(snapshot);
        }
    }

    fn put(&mut self, row: usize) {
        let entry = self.list.entry(row);
        self.at = entry.map(|_| row);
        self.selected = entry.map(Entry::row);
    }

    /// Moves the selection by so many rows, staying inside the list.
    pub fn step(&mut self, by: isize) {
        let Some(last) = self.list.len().checked_sub(1) else { return };
        let next = self.at.unwrap_or(0).saturating_add_signed(by).min(last);
        if self.at != Some(next) {
            self.put(next);
            self.detail_offset = 0;
        }
    }

    /// Marks the selected bot, or takes the mark away. `false`: no bot is selected.
    pub fn mark(&mut self) -> bool {
        let Some(bot) = self.bot().cloned() else { return false };
        if !self.marked.remove(&bot) {
            self.marked.insert(bot);
        }
        true
    }

    /// Scrolls so that the selection, and the heading right above it, is on the screen.
    pub fn scroll(&mut self, height: usize) {
        let at = self.list.line_of(self.at.unwrap_or(0));
        let height = height.max(1);
        self.offset = self.offset.min(self.list.lines().saturating_sub(height));
        let is_first = at > 0 && height > 1 && matches!(self.list.line(at - 1), Some(ListLine::Heading(_)));
        let top = at - usize::from(is_first);
        if top < self.offset {
            self.offset = top;
        } else if at >= self.offset + height {
            self.offset = at + 1 - height;
        }
    }
}
