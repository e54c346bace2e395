//! What was read of each incident's journal, kept for as long as nobody writes to it.
//!
//! ```text
//! list ─▶ stamps of the files ─as before─▶ what is kept ─┐
//!                             ─other─────▶ read, folded ─┴─▶ who is there now ─▶ rows
//! ```

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::{
    domain::{BotName, BotState, IncidentId, Outcome, Untrusted},
    journal::{Claimant, Health, Incident, Operation, Presence, Recorded, Store, fold, writers},
    tui::incidents::{Brief, Standing, Writer},
};

/// The journals that were read, by what their files were like.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    kept: HashMap<IncidentId, (u64, Kept)>,
    /// What the store was like when the list was read last.
    seen: Option<u64>,
}

/// All that a row needs and a journal tells. Whether its writers live is asked at every look.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    id: IncidentId,
    title: Option<String>,
    opened_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    operations: Vec<Ran>,
    writers: Vec<Claimant>,
    lines: usize,
    trouble: Option<String>,
    last_note: Option<(Timestamp, String)>,
}

/// One operation of it.
#[derive(Debug, Clone)]
struct Ran {
    bot: String,
    ended: Option<(BotState, &'static str)>,
    held_by: Option<Claimant>,
    gave_way: bool,
    restores: bool,
}

impl Shelf {
    /// Every incident, as far as it can be read; only what has changed since the last time is read. Blocks.
    ///
    /// # Errors
    /// One sentence: the directory cannot be read.
    pub(super) fn list(&self, store: &Store) -> Result<Vec<Brief>, String> {
        // Before anything is read: what is written meanwhile is a change that is still to be seen.
        let seen = store.fingerprint();
        let stamps = store.stamps();
        let ids = store.incidents().map_err(|error| error.to_string())?;
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seen = Some(seen);
        inner.kept.retain(|id, _| ids.binary_search(id).is_ok());
        let row = |id| {
            let stamp = stamps.get(&id);
            if let Some((_, kept)) = inner.kept.get(&id).filter(|(old, _)| Some(old) == stamp) {
                return kept.brief(store);
            }
            let recorded = match store.read(id) {
                Ok(recorded) => recorded,
                Err(error) => return Brief::unreadable(id, error.to_string()),
            };
            let kept = Kept::of(&fold(id, &recorded.records), &recorded);
            let brief = kept.brief(store);
            if let Some(stamp) = stamp {
                inner.kept.insert(id, (*stamp, kept));
            }
            brief
        };
        Ok(ids.iter().copied().map(row).collect())
    }

    /// Whether anybody has written since the list was read. Blocks for as long as a directory takes.
    pub(super) fn is_behind(&self, store: &Store) -> bool {
        let now = store.fingerprint();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen != Some(now)
    }
}

impl Kept {
    /// What is kept of a journal.
    pub(super) fn of(incident: &Incident, recorded: &Recorded) -> Self {
        let shown = |text: &str| Untrusted::new(text).shown();
        Self {
            id: incident.id,
            title: incident.title.as_deref().map(shown),
            opened_at: incident.opened_at,
            closed_at: incident.closed_at,
            operations: incident.operations.iter().map(Ran::of).collect(),
            writers: writers(&recorded.records),
            lines: recorded.records.len(),
            trouble: trouble(&recorded.health),
            last_note: incident.notes.iter().rev().find_map(|note| {
                let text = note.text.as_ref()?;
                Some((note.at, format!("{}: {}", shown(&note.by), text.shown())))
            }),
        }
    }

    /// Its row, as of now.
    pub(super) fn brief(&self, store: &Store) -> Brief {
        Brief {
            id: self.id,
            title: self.title.clone(),
            opened_at: self.opened_at,
            closed_at: self.closed_at,
            operations: self.operations.iter().map(Ran::standing).collect(),
            writers: self.writers.iter().map(|writer| said(store, writer)).collect(),
            lines: self.lines,
            trouble: self.trouble.clone(),
            last_note: self.last_note.clone(),
        }
    }
}

impl Ran {
    fn of(operation: &Operation) -> Self {
        let ended = operation.ended.as_ref().map(|end| match &end.outcome {
            _ if !operation.after_dark.is_empty() => (BotState::Contradicted, "contradicted"),
            Outcome::Dark => (BotState::Dark, end.outcome.word()),
            Outcome::DarkAt { at, .. } => (BotState::DarkAt(*at), end.outcome.word()),
            Outcome::Partial { .. } => (BotState::Partial, end.outcome.word()),
            Outcome::Contradicted { .. } => (BotState::Contradicted, end.outcome.word()),
            Outcome::Restored { .. } => (BotState::Live, end.outcome.word()),
        });
        Self {
            bot: BotName::shown(&operation.bot),
            held_by: operation.held_by.clone().filter(|_| ended.is_none()),
            ended,
            gave_way: operation.gave_way.is_some(),
            restores: operation.restores.is_some(),
        }
    }

    fn standing(&self) -> Standing {
        let held_by = self.held_by.as_ref().filter(|by| by.may_work());
        let (state, word) = match self.ended {
            Some(ended) => ended,
            None if held_by.is_some() && self.gave_way => (BotState::Isolating, "gave way"),
            None if self.gave_way => (BotState::Partial, "gave way"),
            None if held_by.is_some() && self.restores => (BotState::Isolating, "restoring"),
            None if held_by.is_some() => (BotState::Isolating, "isolating"),
            None => (BotState::Partial, "unfinished"),
        };
        Standing { bot: self.bot.clone(), state, word: word.to_owned(), held_by: held_by.map(ToString::to_string) }
    }
}

fn said(store: &Store, writer: &Claimant) -> Writer {
    let host = Untrusted::new(writer.host.as_str()).shown();
    let who = Untrusted::new(writer.who.short()).shown();
    Writer {
        name: format!("{who}, process {} on {host}", writer.pid),
        present: match writer.presence() {
            Presence::Here | Presence::Stopped => Some(true),
            Presence::Gone => Some(false),
            Presence::Elsewhere => None,
        },
        this: writer.process == store.process(),
    }
}

fn trouble(health: &Health) -> Option<String> {
    match health {
        Health::Sound => None,
        Health::Torn { offset, length, .. } => {
            Some(format!("torn at byte {offset}, {length} bytes; the next writer sets them aside"))
        }
        Health::Damaged { line, what, .. } => Some(format!("damaged in line {line}: {what}")),
    }
}
