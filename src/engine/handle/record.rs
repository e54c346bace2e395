//! What people put on record: manual steps that they did, notes, and handing an incident over.

use super::{Engine, Right};
use crate::domain::{BotName, IncidentId, OperationId, StepId, StepState, Untrusted};
use crate::engine::{Refusal, handover, restore};
use crate::journal::{Body, Entry, Incident, JournalError, Operation};

/// A manual step that a person says was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// In which incident.
    pub incident: IncidentId,
    /// Of which operation.
    pub op: OperationId,
    /// Of which bot.
    pub bot: BotName,
    /// Which step.
    pub step: StepId,
    /// What was to be done.
    pub instruction: String,
    /// Who says so.
    pub by: String,
}

/// A manual step of an open incident that a person may say was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingStep {
    /// In which incident.
    pub incident: IncidentId,
    /// Of which operation.
    pub op: OperationId,
    /// Of which bot.
    pub bot: BotName,
    /// Which step.
    pub step: StepId,
    /// What is to be done.
    pub instruction: String,
    /// Whether somebody has said so already.
    pub attested: bool,
}

impl Engine {
    /// Manual steps of open incidents, newest incident first: what [`Engine::confirm`] would take. An exercise's are
    /// those of its own world. Reads files: not for a task that must not wait.
    ///
    /// # Errors
    /// [`Refusal`]: a journal cannot be read.
    pub fn waiting_steps(&self) -> Result<Vec<WaitingStep>, Refusal> {
        let all = self.every_incident()?;
        let lifted = restore::lifted(&all);
        let open = all.iter().rev().filter(|one| one.closed_at.is_none() && Some(one.id) >= self.inner.since);
        let mut waiting = Vec::new();
        for incident in open {
            for operation in incident.operations.iter().filter(|one| !lifted.contains(&one.id)) {
                let waits = |state: &StepState| matches!(state, StepState::Manual | StepState::Attested);
                for (id, record) in operation.steps.iter().filter(|(_, record)| waits(&record.state)) {
                    waiting.push(WaitingStep {
                        incident: incident.id,
                        op: operation.id,
                        bot: operation.bot.clone(),
                        step: id.clone(),
                        instruction: record.step.manual.clone().unwrap_or_else(|| record.step.target.shown()),
                        attested: record.state == StepState::Attested,
                    });
                }
            }
        }
        Ok(waiting)
    }

    /// What handing an incident over would put on record, in under twelve lines; records nothing.
    ///
    /// # Errors
    /// [`Refusal`]: no incident is open.
    pub fn summary(&self, incident: Option<IncidentId>) -> Result<(IncidentId, Vec<String>), Refusal> {
        let incident = self.of_open(incident)?;
        Ok((incident.id, handover::summary(&incident, self.inner.fleet.clock.now())))
    }

    /// Attests that a manual step was done, by its id or a beginning of it that fits one step only. It is shown as
    /// attested for ever: nothing proves it.
    ///
    /// # Errors
    /// [`Refusal`]: no such step, several, or nobody may.
    pub async fn confirm(&self, step: &str, note: Option<String>) -> Result<Confirmed, Refusal> {
        self.may_record(Right::Confirm).await?;
        let (incident, operation, id) = self.manual(step)?;
        let record = operation.steps.get(&id).ok_or_else(|| Refusal::NoStep(step.to_owned()))?;
        let instruction = record.step.manual.clone().unwrap_or_else(|| record.step.target.shown());
        let by = self.person();
        let (said, by_whom) = (instruction.clone(), Some(by.clone()));
        let body = Body::StepManual { step: id.clone(), instruction: said, attested_by: by_whom, note };
        self.put(incident, Entry::of(operation.id, operation.epoch, body)).await?;
        self.recall().await;
        Ok(Confirmed { incident, op: operation.id, bot: operation.bot, step: id, instruction, by })
    }

    /// Puts a remark on record; in which incident.
    ///
    /// # Errors
    /// [`Refusal`]: no incident is open, or nobody may.
    pub async fn note(&self, incident: Option<IncidentId>, text: &str) -> Result<IncidentId, Refusal> {
        self.may_record(Right::Note).await?;
        let incident = self.of_open(incident)?;
        self.put(incident.id, Entry::general(Body::IncidentNote { text: Untrusted::new(text) })).await?;
        Ok(incident.id)
    }

    /// Hands an incident over: puts on record, and returns, what the next person has to know, in under twelve lines.
    ///
    /// # Errors
    /// [`Refusal`]: no incident is open, or nobody may.
    pub async fn hand_over_incident(
        &self,
        incident: Option<IncidentId>,
        to: Option<String>,
        note: Option<String>,
    ) -> Result<Vec<String>, Refusal> {
        self.may_record(Right::HandOver).await?;
        let incident = self.of_open(incident)?;
        let summary = handover::summary(&incident, self.inner.fleet.clock.now());
        let (to, note) = (to.map(Untrusted::new), note.map(Untrusted::new));
        let body = Body::IncidentHandover { to, note, summary: summary.clone() };
        self.put(incident.id, Entry::general(body)).await?;
        Ok(summary)
    }

    pub(super) async fn may_record(&self, right: Right) -> Result<(), Refusal> {
        let may = self.may(right);
        if let Err(refusal) = &may {
            self.record_refusal(None, refusal).await;
        }
        may
    }

    /// The person, as a line names them that says who did something.
    fn person(&self) -> String {
        self.inner.rules.people.login().to_string()
    }

    /// The step of an open incident that waits for a person, by the beginning of its id. Of an isolation that a restore
    /// has lifted nothing waits: done now, it would take the bot apart again.
    fn manual(&self, typed: &str) -> Result<(IncidentId, Operation, StepId), Refusal> {
        let mut found = Vec::new();
        let all = self.every_incident()?;
        let lifted = restore::lifted(&all);
        for incident in all.iter().rev().filter(|incident| incident.closed_at.is_none()) {
            for operation in incident.operations.iter().filter(|one| !lifted.contains(&one.id)) {
                for (id, record) in &operation.steps {
                    let waits = matches!(record.state, StepState::Manual | StepState::Attested);
                    let text = id.to_string();
                    if waits && text == typed {
                        return Ok((incident.id, operation.clone(), id.clone()));
                    }
                    if waits && !typed.is_empty() && text.starts_with(typed) {
                        found.push((incident.id, operation.clone(), id.clone()));
                    }
                }
            }
        }
        match found.len() {
            1 => Ok(found.swap_remove(0)),
            0 => Err(Refusal::NoStep(Untrusted::new(typed).shown_in(60))),
            _ => {
                let ids = found.iter().map(|(_, _, id)| id.to_string()).collect::<Vec<_>>().join(", ");
                Err(Refusal::SeveralSteps { typed: Untrusted::new(typed).shown_in(60), ids })
            }
        }
    }

    /// The oldest first.
    fn every_incident(&self) -> Result<Vec<Incident>, Refusal> {
        let unread = |error: JournalError| Refusal::NoIncident(error.to_string());
        let ids = self.inner.store.incidents().map_err(unread)?;
        ids.into_iter().map(|id| self.read_incident(id).map_err(unread)).collect()
    }

    fn of_open(&self, incident: Option<IncidentId>) -> Result<Incident, Refusal> {
        let wanted = |one: &Incident| one.closed_at.is_none() && incident.is_none_or(|id| one.id == id);
        let named = || incident.map_or_else(|| "of this host".to_owned(), |id| id.to_string());
        self.every_incident()?.into_iter().rev().find(wanted).ok_or_else(|| Refusal::NoIncident(named()))
    }

    async fn put(&self, incident: IncidentId, entry: Entry) -> Result<(), Refusal> {
        self.commit_to(incident, entry).await.map_err(|error| match error {
            JournalError::Closed(id) => Refusal::NoIncident(id.to_string()),
            error => Refusal::Unrecorded(error.to_string()),
        })
    }
}
