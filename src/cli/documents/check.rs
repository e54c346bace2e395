//! `estop.check/1`: what estop may read and cut, and where it can record.

use serde::Serialize;

use crate::{
    domain::Untrusted,
    engine::{Checked, LaneCheck},
    journal::SinkHealth,
};

/// One lane of a provider.
#[derive(Debug, Serialize)]
pub struct LaneRow {
    /// Which.
    pub lane: &'static str,
    /// Whether everything in it can be read.
    pub can_read: bool,
    /// Whether everything in it can be cut.
    pub can_cut: bool,
    /// The permissions that are missing.
    pub missing: Vec<String>,
}

impl From<&LaneCheck> for LaneRow {
    fn from(check: &LaneCheck) -> Self {
        Self {
            lane: check.lane.word(),
            can_read: check.can_read,
            can_cut: check.can_cut,
            missing: check.missing.clone(),
        }
    }
}

/// One provider.
#[derive(Debug, Serialize)]
pub struct CheckRow {
    /// Its unique name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Whether it answered.
    pub reachable: bool,
    /// Why it did not.
    pub error: Option<String>,
    /// Who estop is there.
    pub whoami: Option<Untrusted>,
    /// One a lane; empty where it did not answer.
    pub lanes: Vec<LaneRow>,
    /// How far its clock is ahead of ours.
    pub clock_ahead_ms: Option<i64>,
    /// What else a responder should know.
    pub notices: Vec<String>,
}

impl From<&Checked> for CheckRow {
    fn from(checked: &Checked) -> Self {
        let found = checked.result.as_ref();
        Self {
            name: checked.name.to_string(),
            kind: checked.kind,
            reachable: found.is_ok(),
            error: found.err().map(ToString::to_string),
            whoami: found.ok().map(|preflight| preflight.whoami.name.clone()),
            lanes: found.map(|preflight| preflight.lanes.iter().map(Into::into).collect()).unwrap_or_default(),
            clock_ahead_ms: found.ok().and_then(|preflight| preflight.clock_ahead_ms),
            notices: found.map(|preflight| preflight.notices.clone()).unwrap_or_default(),
        }
    }
}

impl CheckRow {
    /// Whether every lane can be read and cut.
    pub fn is_able(&self) -> bool {
        self.reachable && self.lanes.iter().all(|lane| lane.can_read && lane.can_cut)
    }
}

/// A place to record.
#[derive(Debug, Serialize)]
pub struct SinkRow {
    /// `primary` or `fallback`.
    pub role: &'static str,
    /// Where.
    pub path: String,
    /// Whether a record would be durable there.
    pub durable: bool,
    /// Why not.
    pub error: Option<String>,
    /// The file system's kind; `null`: it cannot be told.
    pub file_system: Option<String>,
    /// Bytes that may still be written; `null`: it cannot be told.
    pub free_bytes: Option<u64>,
    /// What a responder should know before it matters.
    pub notices: Vec<String>,
}

impl SinkRow {
    /// Of a place that was tried.
    pub fn of(role: &'static str, health: &SinkHealth) -> Self {
        Self {
            role,
            path: health.path.display().to_string(),
            durable: health.error.is_none(),
            error: health.error.clone(),
            file_system: health.file_system.clone(),
            free_bytes: health.free,
            notices: health.notices.clone(),
        }
    }
}

/// `estop check`.
#[derive(Debug, Serialize)]
pub struct CheckDocument {
    schema: &'static str,
    exercise: Option<String>,
    /// The providers, in the order of the configuration.
    pub providers: Vec<CheckRow>,
    /// Where records go.
    pub sinks: Vec<SinkRow>,
    /// The public half of the key that signs checkpoints, in note format; `null`: nothing was signed yet.
    pub verifier_key: Option<String>,
    /// What the configuration has to say.
    pub notices: Vec<String>,
}

impl CheckDocument {
    /// Of what preflight found.
    pub fn of(exercise: Option<String>, checked: &[Checked], sinks: Vec<SinkRow>, notices: Vec<String>) -> Self {
        let providers = checked.iter().map(Into::into).collect();
        Self { schema: "estop.check/1", exercise, providers, sinks, verifier_key: None, notices }
    }

    /// Whether everything can be read, cut and recorded, in every place that is configured.
    pub fn is_able(&self) -> bool {
        !self.providers.is_empty()
            && self.providers.iter().all(CheckRow::is_able)
            && self.sinks.iter().all(|sink| sink.durable)
    }
}
