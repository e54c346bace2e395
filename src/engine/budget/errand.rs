//! What a request is for: carried around the provider's code, so that its client need not be told with each call.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;

use crate::domain::{Level, Step};

/// How urgent a mutation is: gates and minting first, then level (`admin` before `export`, `write`, `read`), then
/// recency. Greater is more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency(bool, bool, Level, Option<Timestamp>);

impl Urgency {
    /// Of a step, by its [`Step::priority`].
    pub fn of(step: &Step) -> Self {
        let (gate, mint_cut, level, last_used_at) = step.priority();
        Self(gate, mint_cut, level, last_used_at)
    }

    /// Whether it shuts an identity.
    pub(super) const fn is_gate(self) -> bool {
        self.0
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Estop's own access token, which everything else waits for.
    Access,
    /// A mutation, and what it needs to be sent.
    Strike(Urgency),
    /// A read that belongs to an isolation: snapshot, sweep, proof.
    Proof,
    /// Any other read. It pauses while a mutation waits or is on the wire.
    Ordinary,
}

/// The purpose around a provider's code, and whether its one mutation has been admitted already.
#[derive(Clone)]
pub(super) struct Errand {
    pub(super) purpose: Purpose,
    admitted: Option<Arc<AtomicBool>>,
}

tokio::task_local! {
    static ERRAND: Errand;
}

impl Errand {
    /// Takes the admission of the one mutation, if it is there.
    pub(super) fn spend(&self) -> bool {
        self.admitted.as_ref().is_some_and(|admitted| admitted.swap(false, Ordering::AcqRel))
    }
}

/// The errand of this task; an ordinary read where it has none.
pub(super) fn current() -> Errand {
    let none = Errand { purpose: Purpose::Ordinary, admitted: None };
    ERRAND.try_with(Clone::clone).unwrap_or(none)
}

/// Runs something whose requests are for that purpose. Tasks that it spawns do not inherit it.
pub async fn on_behalf<F: Future>(purpose: Purpose, work: F) -> F::Output {
    ERRAND.scope(Errand { purpose, admitted: None }, work).await
}

/// The admission of one mutation, for whoever waits for it to be spent.
#[derive(Debug, Clone)]
pub(in crate::engine) struct OneMutation(Arc<AtomicBool>);

impl OneMutation {
    /// Nothing has left yet.
    pub fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Whether the provider's client has begun to send it.
    pub fn has_left(&self) -> bool {
        !self.0.load(Ordering::Acquire)
    }
}

/// Runs a provider's code for one step whose mutation has been admitted.
pub(in crate::engine) async fn performing<F: Future>(urgency: Urgency, mutation: &OneMutation, work: F) -> F::Output {
    let admitted = Some(mutation.0.clone());
    ERRAND.scope(Errand { purpose: Purpose::Strike(urgency), admitted }, work).await
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{Action, Fact, IdentityId, ObjectId, Postcondition, ProviderName, Reversibility, StepId};

    /// A step of that urgency.
    pub(in super::super) fn step(gate: bool, mint_cut: bool, level: Level, last_used_at: Option<Timestamp>) -> Step {
        let identity = IdentityId::new(ProviderName::new("sso"), "bot");
        Step {
            target: "bot".into(),
            rank: 0,
            gate,
            mint_cut,
            level,
            last_used_at,
            reversible: Reversibility::Reversible,
            ..Step::new(
                StepId::of(&identity, "cut", None),
                identity.clone(),
                Action::new("cut"),
                ObjectId::of(identity.provider(), "bot", "bot"),
                Postcondition::Equal { fact: "shut".to_owned(), value: Fact::Bool(true) },
            )
        }
    }

    #[tokio::test]
    async fn without_a_purpose_it_is_an_ordinary_read_and_one_admission_is_spent_once() {
        assert_eq!(current().purpose, Purpose::Ordinary);
        assert!(!current().spend());
        let urgency = Urgency::of(&step(true, false, Level::Admin, None));
        let mutation = OneMutation::new();
        performing(urgency, &mutation, async {
            assert_eq!(current().purpose, Purpose::Strike(urgency));
            on_behalf(Purpose::Access, async { assert!(!current().spend(), "a token is not the mutation") }).await;
            assert!(!mutation.has_left());
            assert!(current().spend());
            assert!(!current().spend());
            assert!(mutation.has_left());
        })
        .await;
    }
}
