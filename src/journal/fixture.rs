//! What the journal's tests write: one small operation, and a disk that can be told to fail.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Body, Entry, IntendedStep, Journal, JournalError, Process, Stamp, Who,
    commit::Places,
    error::Holder,
    handle::{Opening, Source},
    sink::{MemorySink, Sink},
};
use crate::domain::{
    Action, Answer, AnswerKind, BotName, Depth, IdentityId, IncidentId, Lane, Level, ObjectId, OperationId, PlanHash,
    Postcondition, ProviderName, Reversibility, Step, StepId, StepState, Untrusted, Verdict,
};

pub(super) const INCIDENT: IncidentId =
    IncidentId::from_uuid(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001));
pub(super) const OP: OperationId = OperationId::from_uuid(Uuid::from_u128(7));

pub(super) fn bot() -> BotName {
    BotName::new(Untrusted::new("helpdesk"))
}

pub(super) fn step_id(number: usize) -> StepId {
    StepId::new(format!("sso:bot-{number}/disable"))
}

pub(super) fn step(number: usize) -> Step {
    let identity = IdentityId::new(ProviderName::new("sso"), format!("bot-{number}"));
    Step {
        lane: Lane::ALL[number % 4],
        target: Untrusted::new("helpdesk \u{202e}\"quoted\""),
        rank: 0,
        gate: number.is_multiple_of(4),
        level: Level::Admin,
        reversible: Reversibility::Reversible,
        proof: "GET client: enabled is false".to_owned(),
        ..Step::new(
            step_id(number),
            identity.clone(),
            Action::new("disable"),
            ObjectId::of(identity.provider(), "client", identity.native()),
            Postcondition::Unreadable { why: "a test".to_owned() },
        )
    }
}

pub(super) fn claim(epoch: u32) -> Entry {
    let body = Body::OpClaim {
        bot: bot(),
        depth: Depth::Isolate,
        reason: Some("leaked".to_owned()),
        identities: Vec::new(),
        collateral: Vec::new(),
        resumed: epoch > 1,
        restores: None,
    };
    Entry::of(OP, epoch, body)
}

pub(super) fn intent(epoch: u32, steps: impl IntoIterator<Item = usize>) -> Entry {
    let steps: Vec<Step> = steps.into_iter().map(step).collect();
    let hash = PlanHash::of(&bot(), Depth::Isolate, &steps);
    let intended = |step: Step| IntendedStep { key: OP.key(&step.id), step };
    Entry::of(OP, epoch, Body::PlanIntent { hash, steps: steps.into_iter().map(intended).collect(), round: 0 })
}

pub(super) fn attempt(epoch: u32, number: usize, attempt: u32) -> Entry {
    let step = step_id(number);
    Entry::of(OP, epoch, Body::StepAttempt { key: OP.key(&step), step, attempt })
}

pub(super) fn answer(epoch: u32, number: usize, kind: AnswerKind, state: StepState) -> Entry {
    let answer = Answer::new(kind, "http", "204");
    Entry::of(OP, epoch, Body::StepAnswer { step: step_id(number), attempt: 1, answer, latency_ms: 50, state })
}

pub(super) fn verified(epoch: u32, number: usize) -> Entry {
    let (step, read) = (step_id(number), "GET client".to_owned());
    let (verdict, state) = (Verdict::Holds, StepState::Verified);
    Entry::of(OP, epoch, Body::StepVerify { step, read, verdict, last: false, state })
}

pub(super) fn sweep(round: u32) -> Entry {
    Entry::of(OP, 1, Body::SweepRound { round, complete: true, new: 0, live: 0 })
}

/// Five records, as one small isolation writes them.
pub(super) fn five() -> Vec<Entry> {
    vec![
        claim(1),
        intent(1, [0]),
        attempt(1, 0, 1),
        answer(1, 0, AnswerKind::Accepted, StepState::Accepted),
        verified(1, 0),
    ]
}

pub(super) fn process(number: u128) -> Process {
    let who = Who { user: Some("estop".to_owned()), sudo_user: Some("alice".to_owned()), ..Who::default() };
    Process {
        id: Uuid::from_u128(number),
        host: "jump1".to_owned(),
        pid: 4711,
        version: "0.1.0".to_owned(),
        start: None,
        who,
    }
}

/// A clock that stands still.
pub(super) fn stamp() -> Stamp {
    let at = Timestamp::from_millisecond(1_764_000_000_123).expect("in range");
    Arc::new(move || (at, 42))
}

/// A journal over a sink, as the store would open it.
pub(super) fn journal(number: u128, memory: &MemorySink, sink: impl Sink + 'static) -> Result<Journal, JournalError> {
    let opening = Opening {
        incident: Some(INCIDENT),
        exercise: None,
        process: process(number),
        stamp: stamp(),
        source: Source::Memory(memory.clone()),
        records: tokio::sync::broadcast::Sender::new(16),
        alarm: None,
    };
    Journal::start(opening, Places::only(sink), None)
}

/// The bytes of a journal's first segment after commits of one entry each.
pub(super) async fn bytes_of(entries: Vec<Entry>) -> Vec<u8> {
    let memory = MemorySink::default();
    let journal = journal(1, &memory, memory.clone()).expect("memory opens");
    for entry in entries {
        journal.commit(vec![entry]).await.expect("memory commits");
    }
    std::mem::take(&mut memory.memory().segments[0])
}

/// What a disk is told to do, and what was asked of it.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Syncs so far.
    pub(super) syncs: usize,
    /// Appends so far.
    pub(super) appends: usize,
    /// The sync that fails, from 1; later ones succeed, as the kernel's do.
    pub(super) failing_sync: Option<usize>,
    /// The append that is cut short after half of its bytes, from 1.
    pub(super) short_append: Option<usize>,
    /// Another process has the lock.
    pub(super) locked: bool,
}

/// A disk in memory that does what its script says.
#[derive(Debug, Clone, Default)]
pub(super) struct Scripted {
    pub(super) memory: MemorySink,
    pub(super) script: Arc<Mutex<Script>>,
}

impl Scripted {
    pub(super) fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Scripted {
    fn path(&self) -> &Path {
        Path::new("scripted")
    }

    fn lock(&mut self, at: Timestamp) -> Result<(), JournalError> {
        if self.script().locked {
            let holder = Holder { pid: Some(99), since: Some(at) };
            return Err(JournalError::Locked { path: "scripted".into(), holder });
        }
        self.memory.lock(at)
    }

    fn unlock(&mut self) {
        self.memory.unlock();
    }

    fn move_on(&mut self) -> Result<bool, JournalError> {
        self.memory.move_on()
    }

    fn former(&mut self) -> Result<Vec<Vec<u8>>, JournalError> {
        self.memory.former()
    }

    fn len(&mut self) -> Result<u64, JournalError> {
        self.memory.len()
    }

    fn read_from(&mut self, offset: u64) -> Result<Vec<u8>, JournalError> {
        self.memory.read_from(offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let short = {
            let mut script = self.script();
            script.appends += 1;
            script.short_append == Some(script.appends)
        };
        if short {
            self.memory.append(&bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.memory.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut script = self.script();
        script.syncs += 1;
        if script.failing_sync == Some(script.syncs) { Err(io::Error::other("input/output error")) } else { Ok(()) }
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.memory.truncate(len)
    }

    fn set_aside(&mut self, offset: u64, bytes: &[u8]) -> Result<(), JournalError> {
        self.memory.set_aside(offset, bytes)
    }

    fn begin_segment(&mut self) -> Result<(), JournalError> {
        self.memory.begin_segment()
    }

    fn keep_checkpoint(&mut self, note: &str) -> Result<(), JournalError> {
        self.memory.keep_checkpoint(note)
    }

    fn blocks(&self) -> bool {
        true
    }
}
