//! Who wrote which line: a process says so once a file, and afterwards only by its id.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::journal::{Introduction, Presence, ProcRef, Record, Who, presence};

/// The process that has an operation, and the person behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Unique.
    pub process: Uuid,
    /// Its host.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// When it began, as the kernel counts.
    pub start: Option<String>,
    /// The person.
    pub who: Who,
    /// Since when it has it.
    pub since: Timestamp,
}

impl Claimant {
    /// Whether its process is still there.
    pub fn presence(&self) -> Presence {
        presence(&self.host, self.pid, self.start.as_deref())
    }

    /// Whether its process may be at work on it.
    pub fn may_work(&self) -> bool {
        self.presence() != Presence::Gone
    }
}

impl std::fmt::Display for Claimant {
    /// `process 4711 of alice as estop, since 2026-03-01T03:00:00Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} of {}, since {:.0}", self.pid, self.who.short(), self.since)?;
        match self.presence() {
            Presence::Stopped => f.write_str(" (it is stopped)"),
            Presence::Elsewhere => write!(f, " (on {})", self.host),
            Presence::Here | Presence::Gone => Ok(()),
        }
    }
}

/// Who wrote the records, in the order of their first line.
pub fn writers(records: &[Record]) -> Vec<Claimant> {
    let mut crew = Crew::default();
    let mut found: Vec<Claimant> = Vec::new();
    for record in records {
        let is_new = found.iter().all(|known| known.process != record.proc.id());
        if is_new || record.who.is_some() {
            crew.meet(record);
        }
        if is_new {
            found.extend(crew.writer(record));
        }
    }
    found
}

/// The processes that have introduced themselves so far.
#[derive(Debug, Default)]
pub(super) struct Crew(HashMap<Uuid, Claimant>);

impl Crew {
    /// Takes in what a line says about its writer.
    pub(super) fn meet(&mut self, record: &Record) {
        if let ProcRef::Whole(introduced) = &record.proc {
            let Introduction { id, host, pid, start, .. } = &**introduced;
            let (host, who, since) = (host.clone(), record.who.as_deref().cloned().unwrap_or_default(), record.at);
            self.0.insert(*id, Claimant { process: *id, host, pid: *pid, start: start.clone(), who, since });
        } else if let (Some(who), Some(known)) = (&record.who, self.0.get_mut(&record.proc.id())) {
            known.who.clone_from(who);
        }
    }

    /// The writer of a line.
    pub(super) fn writer(&self, record: &Record) -> Option<Claimant> {
        self.0.get(&record.proc.id()).map(|known| Claimant { since: record.at, ..known.clone() })
    }
}
