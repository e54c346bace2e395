//! Whoever isolates wins: a restore looks into the journals before each request, and stops where somebody has isolated
//! its bot, or was there before it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::undo;
use crate::domain::{BotName, IncidentId, OperationId};
use crate::engine::{Clock, isolation::Leave};
use crate::journal::{Incident, Journal, JournalError, Operation, Store, fold};

/// What a request of a restore may still need to land after the restore was told to stop.
const LANDING: Duration = Duration::from_secs(20);
/// How often a restore that was told to stop is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A restore that had written nothing for so long when the isolation began was left by a process that is gone.
const DEAD: SignedDuration = SignedDuration::from_mins(1);
/// Incidents that an isolation looks into for restores: the newest ones.
const LOOKED_INTO: usize = 8;

/// One restore's leave to send.
pub(super) struct GiveWay {
    pub bot: BotName,
    pub op: OperationId,
    pub epoch: u32,
    pub incident: IncidentId,
    pub approval: Option<String>,
    pub journal: Journal,
    pub store: Store,
    pub token: CancellationToken,
    /// Incidents that were closed when they were last read: nothing is appended to them any more.
    pub closed: Arc<Mutex<BTreeSet<IncidentId>>>,
    pub why: Mutex<Option<String>>,
}

impl GiveWay {
    /// Why it has to stop, if it has to.
    pub fn stopped(&self) -> Option<String> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reason(&self) -> Option<String> {
        if self.token.is_cancelled() {
            return Some(format!("{} is being isolated", self.bot));
        }
        if let Some(trouble) = self.journal.trouble() {
            return Some(format!("a restore is never made without a record: {trouble}"));
        }
        // What this process has handed over must be there to be compared with.
        if let Err(error) = self.journal.flush().await {
            return Some(error.to_string());
        }
        let (store, bot, closed) = (self.store.clone(), self.bot.clone(), self.closed.clone());
        let (op, epoch, incident, approval) = (self.op, self.epoch, self.incident, self.approval.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let mine = Mine { bot: &bot, op, epoch, incident, approval: approval.as_ref() };
            let mut closed = closed.lock().unwrap_or_else(PoisonError::into_inner);
            look(&store, &mine, &mut closed)
        });
        match looked.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the journals could not be read".to_owned()),
        }
    }
}

#[async_trait]
impl Leave for GiveWay {
    async fn may_send(&self) -> bool {
        if self.stopped().is_some() {
            return false;
        }
        let reason = self.reason().await;
        let may = reason.is_none();
        if !may {
            *self.why.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        }
        may
    }
}

/// What a restore knows of itself.
struct Mine<'a> {
    bot: &'a BotName,
    op: OperationId,
    epoch: u32,
    incident: IncidentId,
    approval: Option<&'a String>,
}

/// Reads the journals for somebody who comes first.
fn look(store: &Store, mine: &Mine<'_>, closed: &mut BTreeSet<IncidentId>) -> Result<Option<String>, JournalError> {
    let own = fold(mine.incident, &store.read(mine.incident)?.records);
    let Some(me) = own.operation(mine.op).cloned() else {
        return Ok(Some(format!("operation {} is not on record", mine.op)));
    };
    if me.epoch > mine.epoch {
        return Ok(Some(format!("another process has taken operation {} over", mine.op)));
    }
    if let Some(why) = own.operations.iter().find_map(|other| rival(mine, &me, other)) {
        return Ok(Some(why));
    }
    for id in store.incidents()?.into_iter().filter(|id| *id != mine.incident) {
        if closed.contains(&id) {
            continue;
        }
        // A journal that cannot be read cannot be written either, by nobody who isolates.
        let Ok(recorded) = store.read(id) else { continue };
        let other = fold(id, &recorded.records);
        if other.closed_at.is_some() {
            closed.insert(id);
        }
        if let Some(why) = isolated_in(mine, &me, &other) {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// Whether another operation of the same incident comes first.
fn rival(mine: &Mine<'_>, me: &Operation, other: &Operation) -> Option<String> {
    if other.id == me.id || other.bot != *mine.bot {
        return None;
    }
    let (bot, op) = (mine.bot, other.id);
    let is_earlier = other.claimed.0 < me.claimed.0;
    match &other.restores {
        None if !is_earlier || other.ended.is_none() => Some(format!("{bot} is being isolated (operation {op})")),
        Some(_) if is_earlier && other.ended.is_none() && other.gave_way.is_none() => {
            Some(format!("{bot} was being restored already (operation {op})"))
        }
        Some(theirs) if is_earlier && mine.approval.is_some() && theirs.approval.as_ref() == mine.approval => {
            Some(format!("operation {op} has used the approval"))
        }
        _ => None,
    }
}

/// Whether the bot is being isolated, or was since, in another incident.
fn isolated_in(mine: &Mine<'_>, me: &Operation, other: &Incident) -> Option<String> {
    let isolations = other.operations.iter().filter(|one| one.bot == *mine.bot && one.restores.is_none());
    let mut after = isolations.filter(|one| one.claimed.1 > me.claimed.1 || other.id > mine.incident);
    after.next().map(|one| format!("{} is being isolated (operation {} of {})", mine.bot, one.id, other.id))
}

/// For an isolation: whether a restore of the same bot was under way when it began. Waits until what that had on its way
/// has landed.
pub(in crate::engine) async fn ran_into(
    store: &Store,
    clock: &Arc<dyn Clock>,
    bot: &BotName,
    isolation: OperationId,
) -> bool {
    let until = clock.monotonic() + LANDING;
    let mut found = false;
    loop {
        let (store, bot) = (store.clone(), bot.clone());
        let looked = tokio::task::spawn_blocking(move || under_way(&store, &bot, isolation));
        match looked.await {
            Ok(Some(true)) => found = true,
            Ok(Some(false)) => return true,
            Ok(None) | Err(_) => return found,
        }
        if clock.monotonic() >= until {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether a restore gave way to this isolation, and whether it has not ended yet.
fn under_way(store: &Store, bot: &BotName, isolation: OperationId) -> Option<bool> {
    let mut ids = store.incidents().ok()?;
    let incidents: Vec<Incident> = ids
        .split_off(ids.len().saturating_sub(LOOKED_INTO))
        .into_iter()
        .filter_map(|id| store.read(id).ok().map(|recorded| fold(id, &recorded.records)))
        .collect();
    let operations = undo::of_bot(bot, &incidents);
    let began = operations.iter().find(|(_, one)| one.id == isolation).map(|(_, one)| one.claimed.1)?;
    let restores = operations.iter().map(|(_, one)| one).filter(|one| one.restores.is_some());
    let met = restores.filter(|one| {
        let over = one.ended.as_ref().map_or_else(|| began.duration_since(one.last_at) > DEAD, |end| end.at < began);
        !over && one.gave_way.is_none_or(|to| to == isolation)
    });
    met.map(|one| one.ended.is_none()).reduce(|a, b| a || b)
}
