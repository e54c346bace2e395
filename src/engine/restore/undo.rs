//! What there is to undo, by the journals: pure.
//!
//! ```text
//! … restore (done) │ isolation ─ isolation ─ restore (partial) ─ isolation │ now
//!                  └─ what the first of them found, the steps of all of them ─┘
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{BotName, Gap, IncidentId, OperationId, Reading, StepId, StepRecord};
use crate::engine::Refusal;
use crate::journal::{Incident, JournalError, Operation, Store, fold};

/// An isolation of another process whose end is not on record is taken for dead when it has written nothing for so
/// long, unless it is the newest of its bot: that one is for `estop resume`.
const QUIET: SignedDuration = SignedDuration::from_mins(2);

/// What a restore undoes.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Undo {
    /// The newest isolation of it.
    pub op: OperationId,
    /// In which incident that is.
    pub incident: IncidentId,
    /// Whether the incident is open.
    pub is_open: bool,
    /// Each identity as it read before the first strike.
    pub before: Vec<Reading>,
    /// Every step that was carried out, or may have been.
    pub done: Vec<StepRecord>,
}

impl Undo {
    /// What can be undone of a bot now.
    pub fn of(bot: &BotName, incidents: &[Incident]) -> Option<Self> {
        let since_restored: Vec<(&Incident, &Operation)> =
            of_bot(bot, incidents).into_iter().fold(Vec::new(), |mut all, (incident, operation)| {
                if operation.has_restored() {
                    all.clear();
                } else if operation.restores.is_none() {
                    all.push((incident, operation));
                }
                all
            });
        let (incident, newest) = since_restored.last()?;
        let (op, is_open) = (newest.id, incident.closed_at.is_none());
        let incident = incident.id;
        let mut before: Vec<Reading> = Vec::new();
        let mut done: BTreeMap<StepId, StepRecord> = BTreeMap::new();
        for (_, operation) in &since_restored {
            for reading in &operation.snapshot {
                if !before.iter().any(|known| known.identity.id == reading.identity.id) {
                    before.push(reading.clone());
                }
            }
            let tried = |record: &&StepRecord| record.attempts > 0 || record.state.word() == "attested";
            done.extend(operation.steps.values().filter(tried).map(|record| (record.step.id.clone(), record.clone())));
        }
        for identity in since_restored.iter().flat_map(|(_, operation)| &operation.identities) {
            if !before.iter().any(|known| known.identity.id == identity.id) {
                let mut unread = Reading::of(identity.clone(), newest.started_at);
                let what = format!("{} was not read before it was cut: what it had is not on record", identity.id);
                unread.gaps.push(Gap { class: None, what, permission: None });
                before.push(unread);
            }
        }
        Some(Self { op, incident, is_open, before, done: done.into_values().collect() })
    }
}

/// What keeps a bot from being restored: an isolation or a restore that is not over.
pub(in crate::engine) fn guard(bot: &BotName, incidents: &[Incident], now: Timestamp) -> Result<(), Refusal> {
    let operations = of_bot(bot, incidents);
    let newest = operations.last().map(|(_, operation)| operation.id);
    for (incident, operation) in operations {
        let (bot, op) = (bot.clone(), operation.id);
        let is_quiet = now.duration_since(operation.last_at) > QUIET;
        let open = operation.ended.is_none() && operation.gave_way.is_none();
        if operation.restores.is_some() {
            if open && incident.closed_at.is_none() && newest == Some(op) {
                return Err(Refusal::RestoreOpen { bot, op });
            }
        } else if (newest == Some(op) && operation.is_under_way()) || (open && !is_quiet) {
            return Err(Refusal::IsolationOpen { bot, op });
        }
    }
    Ok(())
}

/// The operations of a bot, in the order of their newest claims.
pub(in crate::engine) fn of_bot<'a>(bot: &BotName, incidents: &'a [Incident]) -> Vec<(&'a Incident, &'a Operation)> {
    let mut all = Vec::new();
    for incident in incidents {
        all.extend(in_order(incident).into_iter().filter(|one| one.bot == *bot).map(|operation| (incident, operation)));
    }
    all
}

fn in_order(incident: &Incident) -> Vec<&Operation> {
    let mut operations: Vec<&Operation> = incident.operations.iter().collect();
    operations.sort_by_key(|operation| operation.claimed.0);
    operations
}

/// The operation by which each bot's state is judged: its newest isolation, unless that was lifted by a restore.
pub(in crate::engine) fn deciding(incidents: &[Incident]) -> HashMap<BotName, Operation> {
    let operations = incidents.iter().flat_map(in_order);
    let decides = operations.filter(|operation| operation.restores.is_none() || operation.lifts());
    decides.map(|operation| (operation.bot.clone(), operation.clone())).collect()
}

/// The isolations that a later restore of their bot has lifted.
pub(in crate::engine) fn lifted(incidents: &[Incident]) -> HashSet<OperationId> {
    let mut open: HashMap<&BotName, Vec<OperationId>> = HashMap::new();
    let mut lifted = HashSet::new();
    for operation in incidents.iter().flat_map(in_order) {
        let of_bot = open.entry(&operation.bot).or_default();
        match operation.restores {
            Some(_) if operation.lifts() => lifted.extend(of_bot.drain(..)),
            Some(_) => {}
            None => of_bot.push(operation.id),
        }
    }
    lifted
}

/// What somebody should go on with: the newest operation of each bot in an incident. A restore only if nothing has
/// happened to its bot since, in whichever incident.
pub(in crate::engine) fn unfinished(incidents: &[Incident], only: Option<IncidentId>) -> Vec<(IncidentId, Operation)> {
    let newest: HashMap<&BotName, OperationId> =
        incidents.iter().flat_map(in_order).map(|operation| (&operation.bot, operation.id)).collect();
    let mut left = Vec::new();
    for incident in incidents.iter().filter(|incident| incident.closed_at.is_none()) {
        if only.is_some_and(|only| only != incident.id) {
            continue;
        }
        let newest_here: HashMap<&BotName, &Operation> =
            in_order(incident).into_iter().map(|operation| (&operation.bot, operation)).collect();
        let open = newest_here.into_values().filter(|operation| operation.is_unfinished());
        let open = open.filter(|one| one.restores.is_none() || newest.get(&one.bot) == Some(&one.id));
        left.extend(open.map(|operation| (incident.id, operation.clone())));
    }
    left.sort_by_key(|(incident, operation)| (*incident, operation.claimed.0));
    left
}

/// Every incident that can be read, oldest first.
pub(in crate::engine) fn incidents(store: &Store, since: Option<IncidentId>) -> Result<Vec<Incident>, JournalError> {
    let ids = store.incidents()?.into_iter().filter(|id| Some(*id) >= since);
    Ok(ids.filter_map(|id| store.read(id).ok().map(|recorded| fold(id, &recorded.records))).collect())
}
