//! The way back as consoles and commands ask for it: plan, approve, restore.
//!
//! ```text
//! plan_restore ─▶ hash ─▶ approve (a second person, where configured) ─▶ restore: guards, approval, a task of its own
//! ```

use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Engine, Running, admission::Opened};
use crate::domain::{BotName, IncidentId, OperationId, PlanHash, ReadingSet, RestoreMode, RestorePlan};
use crate::engine::{
    APPROVAL_TIME, Approved, Ended, EngineEvent, Refusal, RestoreOrder, Right, approval,
    restore::{self, Restoring, Start, Undo},
};
use crate::journal::{Body, Entry, Incident, JournalError, Operation};

/// The fewest digits of a hash that name it.
const FEWEST_DIGITS: usize = 12;

impl Engine {
    /// What restoring a bot would take now: reads each of its identities live, changes nothing.
    ///
    /// # Errors
    /// There is nothing to restore, something of the bot is not over, or cannot be read.
    pub async fn plan_restore(&self, bot: &BotName, mode: RestoreMode) -> Result<Arc<RestorePlan>, Refusal> {
        let incidents = self.incidents().await.map_err(|error| Refusal::NoRecord(error.to_string()))?;
        let (plan, ..) = self.restore_plan(bot, mode, &incidents).await?;
        Ok(Arc::new(plan))
    }

    async fn restore_plan(
        &self,
        bot: &BotName,
        mode: RestoreMode,
        incidents: &[Incident],
    ) -> Result<(RestorePlan, Undo, ReadingSet), Refusal> {
        match self.inner.fleet.runs(bot) {
            Some((op, true)) => return Err(Refusal::IsolationOpen { bot: bot.clone(), op }),
            Some((op, false)) => return Err(Refusal::RestoreOpen { bot: bot.clone(), op }),
            None => {}
        }
        if self.snapshot().bot(bot).is_none() {
            return Err(Refusal::UnknownBot(bot.shown()));
        }
        restore::guard(bot, incidents, self.inner.fleet.clock.now())?;
        let undo = Undo::of(bot, incidents).ok_or_else(|| Refusal::NothingToRestore(bot.clone()))?;
        // What a provider has to remember to recognise what was cut is in the journals.
        self.inner.fleet.take_operations(restore::deciding(incidents));
        let needs_approval = self.inner.rules.approver_group.is_some();
        let (plan, now) = restore::planned(&self.inner.fleet, bot, mode, &undo, needs_approval).await?;
        Ok((plan, undo, now))
    }

    /// Restores: guards, the approval where one is needed, then a task of its own.
    ///
    /// # Errors
    /// [`Refusal`]: nothing was sent.
    pub async fn restore(&self, order: RestoreOrder) -> Result<Running, Refusal> {
        let admitted = self.admit(&order).await;
        if let Err(refusal) = &admitted {
            self.record_refusal(Some(&order.bot), refusal).await;
        }
        let (plan, undo, now, approval) = admitted?;
        let op = OperationId::from_uuid(Uuid::now_v7());
        let token = self.begin_restore(&order.bot, op)?;
        match self.incident_to_record_in(&order.bot, &undo).await {
            Ok(Opened { incident, journal, opening, .. }) => {
                let restoring = Restoring {
                    work: self.work(&order.bot, op, incident, journal, 1),
                    order,
                    plan: Arc::new(plan),
                    before: undo.before,
                    approval,
                    opening,
                    token,
                };
                Ok(self.start_restore(restoring, Start::Fresh(now)))
            }
            Err(refusal) => {
                self.over(&order.bot, op);
                Err(refusal)
            }
        }
    }

    /// Every guard, against the world as it is now.
    async fn admit(&self, order: &RestoreOrder) -> Result<(RestorePlan, Undo, ReadingSet, Option<String>), Refusal> {
        let bot = &order.bot;
        self.may(Right::Restore)?;
        if !order.name_typed {
            return Err(Refusal::NotConfirmed(bot.clone()));
        }
        let incidents = self.incidents().await.map_err(|error| Refusal::NoRecord(error.to_string()))?;
        let (plan, undo, now) = self.restore_plan(bot, order.mode, &incidents).await?;
        if order.plan.as_ref().is_some_and(|wanted| *wanted != plan.hash) {
            return Err(Refusal::PlanChanged { bot: bot.clone(), is: plan.hash });
        }
        let rules = &self.inner.rules;
        let Some(group) = rules.approver_group.as_deref() else { return Ok((plan, undo, now, None)) };
        let at = self.inner.fleet.clock.now();
        match approval::choose(&incidents, &plan.hash, (group, &*rules.people), at) {
            Ok(line) => Ok((plan, undo, now, Some(line))),
            Err(fault) => {
                let refusal = Refusal::NotApproved { bot: bot.clone(), fault };
                self.record_no_approval(Some(&undo), plan.hash, refusal.to_string()).await;
                Err(refusal)
            }
        }
    }

    /// Approves the restore whose plan has this hash, or one that begins so, as a second person.
    ///
    /// Every isolated bot is read, both ways back are computed: the hash holds for the world as it is now.
    ///
    /// # Errors
    /// Who asks is not of the group, or no restore has that hash now: recorded.
    pub async fn approve(&self, typed: &str) -> Result<Approved, Refusal> {
        self.may_record(Right::Approve).await?;
        let rules = &self.inner.rules;
        let Some(group) = rules.approver_group.as_deref() else { return Err(Refusal::NoApprovers) };
        let hash = PlanHash::typed(typed);
        let incidents = self.incidents().await.map_err(|error| Refusal::NoRecord(error.to_string()))?;
        let me = match approval::may_approve(group, &*rules.people) {
            Ok(me) => me,
            Err(refusal) => {
                self.record_no_approval(None, hash, refusal.to_string()).await;
                return Err(refusal);
            }
        };
        let Some((plan, undo)) = self.plan_of_hash(&hash, &incidents).await else {
            let refusal = Refusal::NoSuchPlan(hash.to_string());
            self.record_no_approval(None, hash, refusal.to_string()).await;
            return Err(refusal);
        };
        let Opened { incident, journal, opening, .. } = self.incident_to_record_in(&plan.bot, &undo).await?;
        let until = self.inner.fleet.clock.now().checked_add(APPROVAL_TIME).unwrap_or(jiff::Timestamp::MAX);
        let by = me.to_string();
        let given = Body::ApprovalGiven { hash: plan.hash.clone(), by: by.clone(), until };
        let entries = opening.into_iter().chain([Entry::general(given)]).collect();
        journal.commit(entries).await.map_err(|error| Refusal::NoRecord(error.to_string()))?;
        Ok(Approved { bot: plan.bot, mode: plan.mode, hash: plan.hash, by, until, incident })
    }

    /// The one restore that has this hash now.
    async fn plan_of_hash(&self, hash: &PlanHash, incidents: &[Incident]) -> Option<(RestorePlan, Undo)> {
        if hash.as_str().len() < FEWEST_DIGITS {
            return None;
        }
        let mut found = Vec::new();
        let snapshot = self.snapshot();
        for view in snapshot.bots.iter().filter(|view| Undo::of(&view.bot.name, incidents).is_some()) {
            for mode in [RestoreMode::FalseAlarm, RestoreMode::Rotate] {
                if let Ok((plan, undo, _)) = self.restore_plan(&view.bot.name, mode, incidents).await
                    && plan.hash.as_str().starts_with(hash.as_str())
                {
                    found.push((plan, undo));
                }
            }
        }
        if found.len() == 1 { found.pop() } else { None }
    }

    /// Goes on with a restore that another process left.
    pub(super) async fn resume_restore(
        &self,
        incident: IncidentId,
        left: Operation,
        incidents: &[Incident],
    ) -> Result<Option<Running>, JournalError> {
        let (Some(restores), Some(plan)) = (left.restores.clone(), left.restore_plan.clone()) else { return Ok(None) };
        let Some(undo) = Undo::of(&left.bot, incidents) else { return Ok(None) };
        let Ok(token) = self.begin_restore(&left.bot, left.id) else { return Ok(None) };
        let journal = match self.inner.store.open(incident).await {
            Ok(journal) => journal,
            Err(error) => {
                self.over(&left.bot, left.id);
                return Err(error);
            }
        };
        let order = RestoreOrder {
            bot: left.bot.clone(),
            mode: restores.mode,
            plan: Some(plan.hash.clone()),
            name_typed: true,
            reason: left.reason.clone(),
        };
        let restoring = Restoring {
            work: self.work(&left.bot, left.id, incident, journal, left.next_epoch()),
            order,
            plan: Arc::new(*plan),
            before: undo.before,
            approval: restores.approval,
            opening: Vec::new(),
            token,
        };
        Ok(Some(self.start_restore(restoring, Start::Left(Box::new(left)))))
    }

    /// Lets it run in a task of its own.
    fn start_restore(&self, restoring: Restoring, start: Start) -> Running {
        let (op, incident, bot) = (restoring.work.op, restoring.work.incident, restoring.order.bot.clone());
        let (tell, ended) = oneshot::channel();
        let (engine, name) = (self.clone(), bot.clone());
        tokio::spawn(async move {
            let ended = restoring.run(start).await;
            engine.inner.fleet.end(&name, op);
            engine.recall().await;
            let told = ended.clone().unwrap_or_else(|error| Ended::nothing_sent(&error.to_string()));
            let _ = engine.inner.events.send(Arc::new(EngineEvent::Ended { op, bot: name.clone(), ended: told }));
            let _ = tell.send(ended);
            engine.over(&name, op);
        });
        Running { op, incident, bot, notice: None, ended }
    }

    fn begin_restore(&self, bot: &BotName, op: OperationId) -> Result<tokio_util::sync::CancellationToken, Refusal> {
        let begun = self.inner.fleet.begin_restore(bot, op);
        let token = begun.map_err(|op| Refusal::Running { bot: bot.clone(), op })?;
        self.inner.running.send_modify(|running| *running += 1);
        Ok(token)
    }

    /// The incident of the isolation, if it is open; else a newer one that is, or a new one that follows it.
    async fn incident_to_record_in(&self, bot: &BotName, undo: &Undo) -> Result<Opened, Refusal> {
        let store = &self.inner.store;
        let open = store.open_incident().ok().flatten().filter(|id| *id > undo.incident);
        for incident in undo.is_open.then_some(undo.incident).into_iter().chain(open) {
            if let Ok(journal) = store.open(incident).await {
                return Ok(Opened::joined(incident, journal));
            }
        }
        let incident = IncidentId::from_uuid(Uuid::now_v7());
        let title = Some(format!("restore of {bot}"));
        let opening = vec![Entry::general(Body::IncidentOpen { title, follows: Some(undo.incident) })];
        let journal = store.open(incident).await.map_err(|error| Refusal::NoRecord(error.to_string()))?;
        Ok(Opened { incident, journal, opening, notice: None })
    }

    /// On record in the incident of the isolation, else in the host's journal. A refusal that cannot be recorded is
    /// still one.
    async fn record_no_approval(&self, undo: Option<&Undo>, hash: PlanHash, why: String) {
        let store = &self.inner.store;
        let journal = match undo.filter(|undo| undo.is_open) {
            Some(undo) => store.open(undo.incident).await,
            None => store.host().await,
        };
        if let Ok(journal) = journal {
            let _ = journal.commit(vec![Entry::general(Body::ApprovalRefused { hash, why })]).await;
        }
    }
}
