//! What the records do to a step: by the one transition table, whatever they say.

use jiff::Timestamp;

use super::Operation;
use crate::{
    domain::{Answer, StepEvent, StepId, StepRecord, StepState, Untrusted, Verdict},
    journal::Body,
};

impl Operation {
    /// Takes in a line that is about one step.
    pub(super) fn take_step(&mut self, id: &StepId, at: Timestamp, body: &Body) -> Result<(), String> {
        let record = self.steps.get_mut(id).ok_or_else(|| format!("step {id} has no intent"))?;
        match body {
            Body::StepAttempt { attempt, .. } => {
                record.advance(&StepEvent::Attempted)?;
                record.attempts = record.attempts.max(*attempt);
                record.sent_at = Some(at);
            }
            Body::StepAnswer { answer, state, .. } => return record.answered(at, answer, state),
            Body::StepVerify { verdict, last, state, .. } => return record.read(verdict, *last, state),
            Body::StepManual { instruction, attested_by, note, .. } => {
                let asked = StepEvent::AskedOfPerson;
                record.advance(if attested_by.is_some() { &StepEvent::Attested } else { &asked })?;
                let says = |who: &String| note.as_ref().map_or(who.clone(), |note| format!("{who}: {note}"));
                record.detail = Some(attested_by.as_ref().map_or(instruction.clone(), says));
                if attested_by.is_some() {
                    self.attested(id);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What the records do to a step.
pub(super) trait Advance {
    fn advance(&mut self, event: &StepEvent) -> Result<(), String>;
    fn answered(&mut self, at: Timestamp, answer: &Answer, says: &StepState) -> Result<(), String>;
    fn read(&mut self, verdict: &Verdict, last: bool, says: &StepState) -> Result<(), String>;
    fn agrees(&self, says: &StepState) -> Result<(), String>;
}

impl Advance for StepRecord {
    fn advance(&mut self, event: &StepEvent) -> Result<(), String> {
        self.state = self.state.after(event).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn answered(&mut self, at: Timestamp, answer: &Answer, says: &StepState) -> Result<(), String> {
        self.advance(&StepEvent::Answered { kind: answer.kind.clone() })?;
        self.answered_at = Some(at);
        self.values = answer.values.clone();
        self.detail = answer.detail.as_ref().map(Untrusted::shown);
        self.said.clone_from(&self.detail);
        if let StepState::Retrying { attempt, until } = says {
            self.advance(&StepEvent::Deferred { attempt: *attempt, until: *until })?;
        }
        self.agrees(says)
    }

    fn read(&mut self, verdict: &Verdict, last: bool, says: &StepState) -> Result<(), String> {
        self.advance(&StepEvent::Read { verdict: verdict.clone(), last })?;
        self.detail = match verdict {
            Verdict::Holds => None,
            Verdict::Fails(what) | Verdict::Unknown(what) => Some(what.clone()),
        };
        self.agrees(says)
    }

    /// The table wins over what a line says.
    fn agrees(&self, says: &StepState) -> Result<(), String> {
        if self.state == *says {
            return Ok(());
        }
        Err(format!("the line says {}, the table {}", says.word(), self.state.word()))
    }
}
