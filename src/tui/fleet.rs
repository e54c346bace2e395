//! The fleet's list as state: rows, filter, selection. The selection follows a name, never a row.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use tui_input::Input;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    domain::{BotName, BotState, IdentityId},
    engine::{BotView, Snapshot},
};

/// What a row is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A bot.
    Bot(BotName),
    /// A non-human identity that no bot has.
    Other(IdentityId),
}

/// The list.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one machine")]
pub struct Fleet {
    /// What is shown, in the order of the snapshot.
    pub rows: Vec<Row>,
    /// What the cursor is on.
    pub selected: Option<Row>,
    /// The first row on the screen.
    pub offset: usize,
    /// The text that rows must match.
    pub filter: Input,
    /// Whether keys go into the filter.
    pub editing: bool,
    /// Whether identities that are no bots are shown.
    pub all: bool,
    /// Whether the detail pane has the keys (and, in a small window, the screen).
    pub detail: bool,
    /// The first line of the detail on the screen.
    pub detail_offset: usize,
    /// Columns of the longest name, whatever the filter leaves: a list whose columns move while one types is not calm.
    pub name_width: usize,
    /// Whether the longest state is among them.
    pub is_contradicted: bool,
}

impl Fleet {
    /// Computes the rows again; the selection stays on its name, else goes to the nearest row.
    pub fn refresh(&mut self, snapshot: &Snapshot) {
        let at = self.index();
        let wanted = Pattern::parse(self.filter.value(), CaseMatching::Ignore, Normalization::Smart);
        let mut engine = Matcher::new(Config::DEFAULT);
        let mut chars = Vec::new();
        let mut fits = |haystack: &str| {
            self.filter.value().is_empty() || wanted.score(Utf32Str::new(haystack, &mut chars), &mut engine).is_some()
        };
        self.rows.clear();
        for view in &snapshot.bots {
            if fits(&haystack(view)) {
                self.rows.push(Row::Bot(view.bot.name.clone()));
            }
        }
        if self.all {
            for identity in &snapshot.others {
                if fits(&format!("{} {}", identity.name.shown(), identity.id.provider())) {
                    self.rows.push(Row::Other(identity.id.clone()));
                }
            }
        }
        self.measure(snapshot);
        if self.index().is_none() {
            self.detail_offset = 0;
            let nearest = at.unwrap_or(0).min(self.rows.len().saturating_sub(1));
            self.selected = self.rows.get(nearest).cloned();
        }
    }

    fn measure(&mut self, snapshot: &Snapshot) {
        let bots = snapshot.bots.iter().map(|view| view.bot.name.shown().width());
        let others = snapshot.others.iter().filter(|_| self.all).map(|identity| identity.name.shown().width());
        self.name_width = bots.chain(others).max().unwrap_or(0);
        self.is_contradicted = snapshot.bots.iter().any(|view| view.state == BotState::Contradicted);
    }

    /// The row of the selection.
    pub fn index(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| row == selected)
    }

    /// The selected bot; `None`: nothing, or an identity that is no bot.
    pub fn bot(&self) -> Option<&BotName> {
        match self.selected.as_ref()? {
            Row::Bot(name) => Some(name),
            Row::Other(_) => None,
        }
    }

    /// Moves the selection by so many rows, staying inside the list.
    pub fn step(&mut self, by: isize) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        let next = self.index().unwrap_or(0).saturating_add_signed(by).min(last);
        if self.selected.as_ref() != Some(&self.rows[next]) {
            self.selected = Some(self.rows[next].clone());
            self.detail_offset = 0;
        }
    }

    /// Scrolls so that the selection is on the screen.
    pub fn scroll(&mut self, height: usize) {
        let at = self.index().unwrap_or(0);
        let height = height.max(1);
        self.offset = self.offset.min(self.rows.len().saturating_sub(height));
        if at < self.offset {
            self.offset = at;
        } else if at >= self.offset + height {
            self.offset = at + 1 - height;
        }
    }
}

fn haystack(view: &BotView) -> String {
    let text = |text: &Option<crate::domain::Untrusted>| {
        text.as_ref().map(crate::domain::Untrusted::shown).unwrap_or_default()
    };
    let (owner, environment) = (text(&view.bot.owner), text(&view.bot.environment));
    format!("{} {owner} {environment} {}", view.bot.name, view.state.word())
}
