//! Which isolations of a file have not ended, and which process has each: so that two people who press the key at the
//! same moment make one operation. Kept by the writer, which looks under the lock.

use std::collections::HashMap;

use serde::Deserialize;
use uuid::Uuid;

use super::{Body, Entry, Presence, ProcRef, chain::Head, presence};
use crate::domain::{BotName, OperationId};

/// What is under way in one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Works {
    crew: HashMap<Uuid, ProcRef>,
    open: HashMap<OperationId, (BotName, Uuid)>,
}

/// What a claim says that matters here. The way back from an isolation keeps nobody from isolating.
#[derive(Deserialize)]
struct Claim {
    bot: BotName,
    #[serde(default)]
    restores: Option<serde::de::IgnoredAny>,
}

impl Works {
    /// Takes in a line that is in the file.
    pub(super) fn read(&mut self, head: &Head<'_>) {
        let proc = head.proc.and_then(|proc| serde_json::from_str::<ProcRef>(proc.get()).ok());
        let Some(process) = proc.as_ref().map(ProcRef::id) else { return };
        if let Some(whole @ ProcRef::Whole(_)) = proc {
            self.crew.insert(process, whole);
        }
        match (&*head.kind, head.op) {
            ("op.claim", Some(op)) => {
                // A claim in parts names its bot in no part alone: then the newest epoch decides.
                let claim = head.body.and_then(|body| serde_json::from_str::<Claim>(body.get()).ok());
                if let Some(claim) = claim.filter(|claim| claim.restores.is_none()) {
                    self.open.insert(op, (claim.bot, process));
                }
            }
            ("op.end", Some(op)) => drop(self.open.remove(&op)),
            _ => {}
        }
    }

    /// Takes in an entry that this process is writing.
    pub(super) fn wrote(&mut self, entry: &Entry, process: Uuid) {
        match (&entry.body, entry.op) {
            (Body::OpClaim { bot, restores: None, .. }, Some(op)) => {
                self.open.insert(op, (bot.clone(), process));
            }
            (Body::OpEnd { .. }, Some(op)) => drop(self.open.remove(&op)),
            _ => {}
        }
    }

    /// The isolation of a bot that another process has. One that has ended or is stopped holds up nobody.
    pub(super) fn elsewhere(&self, bot: &BotName, process: Uuid) -> Option<OperationId> {
        let works = |id: &Uuid| match self.crew.get(id) {
            Some(ProcRef::Whole(one)) => presence(&one.host, one.pid, one.start.as_deref()) == Presence::Here,
            _ => false,
        };
        let found = self.open.iter().find(|(_, (of, by))| of == bot && *by != process && works(by));
        found.map(|(op, _)| *op)
    }
}
