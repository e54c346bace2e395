//! The pure core: what happened goes in, the state changes, what is to be done comes out. No await, no clock, no I/O.
//!
//! ```text
//! Message ──▶ update(&mut State) ──▶ Vec<Effect>
//!               ├─ keys.rs     a key, by the one table
//!               ├─ danger.rs   X and B, by what was seen
//!               ├─ list.rs     the fleet's rows: marks, order, and lists that were made beside the loop
//!               ├─ marked.rs   X at several bots at once
//!               ├─ secret.rs   i: a leaked secret
//!               ├─ command.rs  : by name
//!               └─ here        frames, fleet, isolation, journal, signals
//! ```

mod again;
mod command;
mod copy;
mod danger;
mod incidents;
mod keys;
mod list;
mod marked;
mod mouse;
mod off;
mod record;
mod restore;
mod secret;
mod steps;
mod whole;

use std::{sync::Arc, time::Duration};

pub use command::names;
pub use off::disabled;
pub use record::pasted as paste_line;

use super::{
    fleet::{Ask, List},
    message::{Message, Signal, Way},
    operation::OperationView,
    screen,
    state::{Alarm, Dirty, Ending, State},
};
use crate::{
    domain::{BotName, Depth, Identified, IncidentId, LeakedSecret, Outcome, RestoreMode, StepId},
    engine::{EngineEvent, Order, ProviderStatus, Refusal, RestoreOrder},
};

/// Every provider is listed again after this long, so that the plan beside the key stays true.
pub const REFRESH_EVERY: Duration = Duration::from_secs(30);
/// The selected bot is read again after this long: well inside the minute after which its plan counts as stale.
pub const READ_EVERY: Duration = Duration::from_secs(20);

/// What is to be done; infinitive. Run by `effect.rs`.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Hand an order to the engine.
    Isolate(Order),
    /// Hand several orders to the engine, or none: a guard that refuses one refuses all.
    IsolateMarked(Vec<Order>),
    /// Take in what an earlier console has read.
    Recall,
    /// Read every provider.
    Refresh,
    /// Read one bot's identities.
    RefreshBot(BotName),
    /// Read the journal's lines from before.
    ReadJournal,
    /// Strike a bot again.
    Retry(BotName),
    /// Finish what another process left.
    Resume,
    /// Ask what another process left.
    AskLeft,
    /// Ask what the person may not do.
    AskRights,
    /// Ask until when a bot is held dark.
    AskWatch(BotName),
    /// Look up whose a leaked secret is, and hand it over for each bot that it opens.
    Identify(LeakedSecret),
    /// Use it once for each owner, at the owner's provider.
    Probe {
        /// The thing itself: it does not print.
        secret: LeakedSecret,
        /// Whose it is.
        identified: Identified,
        /// Whether a use may make a new credential.
        consent: bool,
    },
    /// Let go of what was handed over of these.
    Forget(Vec<BotName>),
    /// Read what restoring a bot would take.
    PlanRestore(BotName, RestoreMode),
    /// Hand an order to restore to the engine.
    Restore(RestoreOrder),
    /// Put a remark on record; `None`: in the newest incident that is open.
    Note(Option<IncidentId>, String),
    /// Read what handing over would put on record.
    Summarise(Option<IncidentId>),
    /// Put a hand-over on record, and to whom.
    HandOver(IncidentId, Option<String>),
    /// Read the manual steps that wait for a person.
    AskWaiting,
    /// Count them.
    CountWaiting,
    /// Put on record that a manual step was done, with a word of evidence.
    Confirm(StepId, Option<String>),
    /// Read the incidents of this host.
    ReadIncidents,
    /// Say when somebody has written to one of them.
    AwaitIncidents,
    /// Look no more whether anybody has.
    LeaveIncidents,
    /// Read again the one that stands open.
    FollowIncident(IncidentId),
    /// Read one of them whole.
    OpenIncident(IncidentId),
    /// Check its journal.
    CheckIncident(IncidentId),
    /// Read one line of a journal whole; `None`: of the host's.
    ReadLine(Option<IncidentId>, u64),
    /// Put on record that something was refused.
    RecordRefusal(Option<BotName>, Refusal),
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// List the fleet beside the loop; the newest wins.
    List(Ask),
    /// Let go of a list that was replaced: of half a million identities that takes its time.
    LetGo(Arc<List>),
    /// Ring the bell once.
    Ring,
    /// Restore the terminal and stop until continued.
    Suspend,
    /// Leave the loop.
    End,
}

/// What is to be done first: the first frame is out by then.
pub fn start(state: &mut State) -> Vec<Effect> {
    state.refreshing = true;
    state.refreshed = Some(state.now.mono);
    vec![Effect::Recall, Effect::ReadJournal, Effect::AskRights, Effect::AskLeft, Effect::Refresh]
}

/// Takes in what happened.
pub fn update(state: &mut State, message: Message) -> Vec<Effect> {
    let Some(message) = of_a_frame(state, message) else { return Vec::new() };
    let before = state.screen;
    let counts = record::may_change_waiting(&message);
    let mut effects = match message {
        Message::KeyPressed { key, alone } => keys::pressed(state, key.event(), alone),
        Message::Pasted(text) => keys::pasted(state, text.expose()),
        Message::Pointed(mouse) => {
            mouse::pointed(state, mouse);
            Vec::new()
        }
        Message::Identified { secret, identified } => secret::identified(state, secret, identified),
        Message::Resized(size) => {
            if state.size != size {
                state.clear = true;
                state.trigger.resized();
            }
            state.size = size;
            state.mark(Dirty::Now);
            Vec::new()
        }
        Message::Signalled(signal) => signalled(state, signal),
        Message::TerminalLost(by) => end(state, Ending::Lost(by)),
        Message::TimePassed => passed(state),
        Message::EngineSpoke(event) => engine_spoke(state, &event),
        Message::IncidentsChanged => incidents::changed(state),
        Message::FilterMatched { generation, list } => list::taken(state, generation, list),
        heard => {
            hear(state, heard);
            Vec::new()
        }
    };
    if state.screen != before {
        // Both were of the screen that was left.
        (state.whole, state.incidents.opening) = (None, None);
    }
    let is_shown = |step| state.operation().is_some_and(|operation| operation.steps.contains_key(step));
    if !state.step.as_ref().is_none_or(is_shown) {
        state.step = None;
    }
    effects.extend(counts.then_some(Effect::CountWaiting));
    effects.extend(incidents::left(state));
    effects.extend(state.fleet.due().map(Effect::List));
    effects.extend(state.fleet.replaced().map(Effect::LetGo));
    effects.extend(read_selected(state));
    screen::settle(state);
    effects
}

/// Takes in what became of a frame: that changes nothing on the screen. Any other message comes back.
fn of_a_frame(state: &mut State, message: Message) -> Option<Message> {
    match message {
        Message::FrameDrawn { frame, shown } => state.trigger.drawn(frame, shown),
        Message::FrameWritten(frame) => state.trigger.written(frame, state.now.mono),
        Message::FrameAnswered(frame) => state.trigger.answered(frame),
        other => return Some(other),
    }
    None
}

/// What the engine and the journal tell: no effects come of it.
fn hear(state: &mut State, message: Message) {
    match message {
        Message::FleetRead(snapshot) => {
            state.snapshot = snapshot;
            // What the engine published before any provider answered is not yet a fleet.
            let is_heard = |provider: &ProviderStatus| provider.read_at.is_some() || provider.error.is_some();
            state.loaded |= !state.snapshot.bots.is_empty() || state.snapshot.providers.iter().any(is_heard);
            state.fleet.refresh(&state.snapshot);
            let vanished = state.trigger.armed().is_some_and(|bot| state.snapshot.bot(bot).is_none());
            if vanished {
                state.trigger.disarm();
            }
            state.mark(Dirty::Soon);
        }
        Message::InventoryRecalled(Some(why)) => {
            state.notices.push(why);
            state.mark(Dirty::Soon);
        }
        Message::Refreshed => {
            state.refreshing = false;
            state.loaded = true;
            state.refreshed = Some(state.now.mono);
            state.mark(Dirty::Soon);
        }
        Message::EventsMissed(count) => {
            state.notices.push(format!("{count} events were not shown: the journal has them all"));
            state.mark(Dirty::Soon);
        }
        Message::JournalRead(lines) => {
            state.journal.put_before(lines);
            state.mark(Dirty::Soon);
        }
        Message::JournalWritten(line) => {
            record::was_asked(state, &line);
            match line.kind.as_str() {
                "sink.lost" => state.goes_on = Some(line.text.clone()),
                "sink.regained" => state.goes_on = None,
                _ => {}
            }
            state.journal.keep(line);
            state.mark(Dirty::Soon);
        }
        Message::SecretTried(probed) => secret::tried(state, probed),
        Message::RestorePlanned(planned) => restore::planned(state, planned),
        Message::RestoreRefused { bot, refusal } => restore::refused(state, &bot, &refusal),
        Message::Summarised(result) => record::summarised(state, result),
        Message::WaitingFound(result) => record::waiting(state, result),
        Message::WaitingCounted(count) => {
            state.waiting = count;
            state.mark(Dirty::Soon);
        }
        Message::Recorded(result) => record::recorded(state, result),
        Message::IncidentsRead(read) => incidents::read(state, read),
        Message::IncidentFollowed(id, opened) => incidents::followed(state, id, opened),
        Message::IncidentOpened(id, opened) => incidents::opened(state, id, opened),
        Message::IncidentChecked(id, checked) => incidents::checked(state, id, checked),
        Message::LineRead { incident, seq, result } => whole::line_read(state, (incident, seq), result),
        Message::StepConfirmed(confirmed) => record::confirmed(state, &confirmed),
        Message::GlassBroken
        | Message::RightsKnown(_)
        | Message::LeftFound(_)
        | Message::Watching { .. }
        | Message::AgainRefused { .. } => again::hear(state, message),
        Message::OrderTaken { bot, op } => {
            state.ordered.retain(|ordered| *ordered != bot);
            incidents::close(state);
            (state.operation, state.step) = (Some(op), None);
            restore::taken(state, &bot);
            state.mark(Dirty::Soon);
        }
        Message::OrderRefused { bot, depth, why, way } => {
            state.ordered.retain(|ordered| *ordered != bot);
            match way {
                Way::None => state.flash = Some(format!("nothing was sent: {why}")),
                Way::Name => danger::ask(state, bot, depth, why, false),
                Way::BreakGlass => danger::ask(state, bot, depth, why, true),
            }
            state.mark(Dirty::Now);
        }
        Message::MarkedRefused { bots, why } => marked::refused(state, bots, &why),
        Message::WorkerPanicked(place) => {
            state.notices.push(format!("a part of estop failed at {place}: the rest goes on"));
            state.mark(Dirty::Soon);
        }
        _ => {}
    }
}

fn engine_spoke(state: &mut State, event: &EngineEvent) -> Vec<Effect> {
    if let EngineEvent::Started { op, incident, bot, at } = event {
        state.ordered.retain(|ordered| ordered != bot);
        state.restoring.retain(|restoring| restoring != bot);
        state.alarms.retain(|alarm| alarm.bot != *bot);
        state.watching.retain(|(watched, _)| watched != bot);
        state.left.retain(|left| left != bot);
        if state.operations.iter().all(|operation| operation.op != *op) {
            let started = OperationView::started(*op, *incident, bot.clone(), *at, state.now.mono);
            state.operations.push(started);
        }
        // Never over a record that somebody reads: the line of isolations shows that it runs.
        if state.archive.is_none() && state.operation().is_none_or(|shown| !shown.is_running()) {
            (state.operation, state.step) = (Some(*op), None);
            state.operation_offset = 0;
        }
    }
    let op = OperationView::of(event);
    if let Some(operation) = state.operations.iter_mut().find(|operation| operation.op == op) {
        operation.take(event);
    }
    state.mark(Dirty::Soon);
    match event {
        EngineEvent::Contradicted { bot, alive, .. } => {
            let what: Vec<String> = alive.iter().map(|one| one.what.clone()).collect();
            match state.alarms.iter_mut().find(|alarm| alarm.bot == *bot) {
                Some(alarm) => alarm.what.extend(what),
                None => state.alarms.push(Alarm { bot: bot.clone(), what }),
            }
            state.mark(Dirty::Now);
            alive.iter().map(|_| Effect::Ring).collect()
        }
        EngineEvent::Ended { bot, ended, .. } if matches!(ended.outcome, Outcome::Dark | Outcome::DarkAt { .. }) => {
            vec![Effect::AskWatch(bot.clone())]
        }
        _ => Vec::new(),
    }
}

fn signalled(state: &mut State, signal: Signal) -> Vec<Effect> {
    match signal {
        Signal::Int | Signal::Term | Signal::Quit => end(state, Ending::Signal(signal)),
        Signal::Hup => end(state, Ending::Lost(signal.word().to_owned())),
        Signal::Stop => vec![Effect::Suspend],
        Signal::Continue => {
            state.trigger.disarm();
            state.clear = true;
            state.mark(Dirty::Now);
            Vec::new()
        }
    }
}

fn end(state: &mut State, ending: Ending) -> Vec<Effect> {
    if state.ending.is_none() {
        state.ending = Some(ending);
    }
    vec![Effect::End]
}

/// A moment that [`State::wakes_at`] asked for.
fn passed(state: &mut State) -> Vec<Effect> {
    let now = state.now.mono;
    state.trigger.passed(now);
    // Only a running clock moves by itself, and only where it is shown; an unchanged frame is not sent.
    state.mark(Dirty::Soon);
    let due = state.refreshed.is_some_and(|at| now >= at + REFRESH_EVERY);
    if due && !state.refreshing && !state.is_working() {
        state.refreshing = true;
        return vec![Effect::Refresh];
    }
    Vec::new()
}

/// Keeps the selected bot fresh: once when it is selected, then every so often. A strike has the providers for itself.
fn read_selected(state: &mut State) -> Option<Effect> {
    let selected = state.fleet.bot()?.clone();
    let now = state.now.mono;
    match &state.reading {
        Some((bot, at)) if *bot == selected && now < *at + READ_EVERY => None,
        _ if state.is_working() => {
            // Looked at again after the strike; without this the loop would wake for nothing.
            state.reading = Some((selected, now));
            None
        }
        _ => {
            state.reading = Some((selected.clone(), now));
            let is_old = state.bot().is_some_and(|view| {
                let limit = i64::try_from(READ_EVERY.as_secs()).unwrap_or(0) / 2;
                view.readings.read_at().is_none_or(|at| state.now.wall.duration_since(at).as_secs() >= limit)
            });
            is_old.then_some(Effect::RefreshBot(selected))
        }
    }
}

/// The order that a key gives.
fn order(bot: BotName, depth: Depth, name_typed: bool, break_glass: bool) -> Effect {
    Effect::Isolate(Order { depth, name_typed, break_glass, ..Order::isolate(bot) })
}
