//! An engine and a screen for tests: the real loop runs between them.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use estop::{
    domain::{
        BotName, Identified, IncidentId, LeakedSecret, OperationId, Owner, Probed, RestoreMode, RestorePlan, StepId,
    },
    engine::{Confirmed, EngineEvent, Order, Refusal, RestoreOrder, Right, Snapshot, WaitingStep},
    tui::{
        app::{App, Display, Left, Sources},
        decode::{Decoder, Input},
        fleet::Column,
        incidents::{Archive, Brief, Checked},
        message::{Field, JournalLine, Size},
        operator::{Operator, Shelf},
        output::Picture,
        signals::Heard,
        state::{Look, Moment, State},
        theme::{Capability, Glyphs, Theme},
    },
};
use futures::{StreamExt as _, channel::mpsc, stream::BoxStream};
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};

use super::sample;

/// An engine that notes what it was asked and says what a test wants.
#[derive(Clone)]
pub struct Desk {
    pub fleet: watch::Sender<Arc<Snapshot>>,
    pub events: broadcast::Sender<Arc<EngineEvent>>,
    pub orders: Arc<Mutex<Vec<Order>>>,
    pub refusal: Arc<Mutex<Option<Refusal>>>,
    pub asked: Arc<Mutex<Vec<String>>>,
    /// Bots that a guard refuses.
    pub guards: Arc<Mutex<Vec<(BotName, Refusal)>>>,
    pub left: Arc<Mutex<Vec<BotName>>>,
    pub rights: Arc<Mutex<Vec<(Right, Refusal)>>>,
    /// Whether a restore needs a second person.
    pub needs_approval: Arc<Mutex<bool>>,
    pub restores: Arc<Mutex<Vec<RestoreOrder>>>,
    pub summary: Arc<Mutex<Vec<String>>>,
    pub waiting: Arc<Mutex<Vec<WaitingStep>>>,
    /// The incidents of the host.
    pub incidents: Arc<Mutex<Result<Vec<Brief>, String>>>,
    /// What opening one of them gives.
    pub archive: Arc<Mutex<Option<Archive>>>,
    /// Somebody has written to an incident.
    pub written: Arc<tokio::sync::Notify>,
    /// Whose each secret is.
    pub owners: Arc<Mutex<Vec<Owner>>>,
    /// What the engine was handed.
    pub handed: Arc<Mutex<Vec<(BotName, LeakedSecret, bool)>>>,
    /// What an earlier console has left, and what is said about what was not taken.
    pub recalled: Arc<Mutex<(Option<Snapshot>, Option<String>)>>,
}

impl Desk {
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            fleet: watch::Sender::new(Arc::new(snapshot)),
            events: broadcast::Sender::new(64),
            orders: Arc::default(),
            refusal: Arc::default(),
            asked: Arc::default(),
            guards: Arc::default(),
            left: Arc::default(),
            rights: Arc::default(),
            needs_approval: Arc::default(),
            restores: Arc::default(),
            summary: Arc::default(),
            waiting: Arc::default(),
            incidents: Arc::new(Mutex::new(Ok(Vec::new()))),
            archive: Arc::default(),
            written: Arc::default(),
            owners: Arc::default(),
            handed: Arc::default(),
            recalled: Arc::default(),
        }
    }

    pub fn orders(&self) -> Vec<String> {
        self.orders.lock().unwrap().iter().map(|order| order.bot.raw().to_owned()).collect()
    }

    fn jot(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }
}

/// Jots down that nobody looks at the incidents any more.
struct Unwatched(Desk);

impl Drop for Unwatched {
    fn drop(&mut self) {
        self.0.jot("incidents unwatched");
    }
}

#[async_trait]
impl Operator for Desk {
    fn fleet(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.jot("fleet");
        self.fleet.subscribe()
    }

    fn events(&self) -> broadcast::Receiver<Arc<EngineEvent>> {
        self.events.subscribe()
    }

    fn lines(&self) -> BoxStream<'static, JournalLine> {
        futures::stream::pending().boxed()
    }

    async fn recorded(&self) -> Vec<JournalLine> {
        self.jot("recorded");
        Vec::new()
    }

    async fn isolate(&self, order: Order) -> Result<OperationId, Refusal> {
        self.orders.lock().unwrap().push(order);
        match self.refusal.lock().unwrap().take() {
            Some(refusal) => Err(refusal),
            None => Ok(sample::op(1)),
        }
    }

    async fn guard(&self, order: &Order) -> Result<(), Refusal> {
        self.jot(format!("guard {}", order.bot));
        self.guards
            .lock()
            .unwrap()
            .iter()
            .find(|(bot, _)| *bot == order.bot)
            .map_or(Ok(()), |(_, why)| Err(why.clone()))
    }

    async fn retry(&self, bot: &BotName) -> Result<OperationId, Refusal> {
        self.jot(format!("retry {bot}"));
        self.refusal.lock().unwrap().take().map_or(Ok(sample::op(1)), Err)
    }

    async fn left(&self) -> Vec<BotName> {
        self.left.lock().unwrap().clone()
    }

    async fn resume(&self) -> Result<usize, String> {
        self.jot("resume");
        Ok(std::mem::take(&mut *self.left.lock().unwrap()).len())
    }

    async fn rights(&self) -> Vec<(Right, Refusal)> {
        self.rights.lock().unwrap().clone()
    }

    async fn identify(&self, secret: &LeakedSecret) -> Identified {
        let owners = self.owners.lock().unwrap().clone();
        Identified { fingerprint: secret.fingerprint(), recognised: estop::domain::recognise(secret.expose()), owners }
    }

    fn hand_over(&self, bot: &BotName, secret: &LeakedSecret, consent: bool) {
        self.handed.lock().unwrap().push((bot.clone(), secret.clone(), consent));
    }

    fn forget(&self, bot: &BotName) {
        self.jot(format!("forget {bot}"));
        self.handed.lock().unwrap().retain(|(other, ..)| other != bot);
    }

    async fn probe(&self, _secret: &LeakedSecret, identified: &Identified, consent: bool) -> Vec<(Owner, Probed)> {
        self.jot(format!("probe, consent {consent}"));
        let at = || estop::domain::ProviderName::new("corp-sso");
        let said = || "introspection of no token: let in".to_owned();
        identified
            .owners
            .iter()
            .map(|one| (one.clone(), Probed { at: at(), alive: Some(true), said: said() }))
            .collect()
    }

    async fn plan_restore(&self, _bot: &BotName, mode: RestoreMode) -> Result<Arc<RestorePlan>, Refusal> {
        let refusal = self.refusal.lock().unwrap().take();
        let needs_approval = *self.needs_approval.lock().unwrap();
        refusal.map_or_else(|| Ok(Arc::new(sample::restore_plan(mode, needs_approval))), Err)
    }

    async fn restore(&self, order: RestoreOrder) -> Result<OperationId, Refusal> {
        self.restores.lock().unwrap().push(order);
        self.refusal.lock().unwrap().take().map_or(Ok(sample::op(2)), Err)
    }

    async fn note(&self, incident: Option<IncidentId>, text: &str) -> Result<IncidentId, Refusal> {
        self.jot(format!("note {incident:?}: {text}"));
        self.refusal.lock().unwrap().take().map_or(Ok(sample::incident()), Err)
    }

    async fn summary(&self, incident: Option<IncidentId>) -> Result<(IncidentId, Vec<String>), Refusal> {
        Ok((incident.unwrap_or_else(sample::incident), self.summary.lock().unwrap().clone()))
    }

    async fn hand_over_incident(&self, _incident: IncidentId, to: Option<String>) -> Result<(), Refusal> {
        self.jot(format!("hand over to {to:?}"));
        Ok(())
    }

    async fn waiting_steps(&self) -> Result<Vec<WaitingStep>, Refusal> {
        Ok(self.waiting.lock().unwrap().clone())
    }

    async fn confirm(&self, step: &StepId, evidence: Option<String>) -> Result<Confirmed, Refusal> {
        self.jot(format!("confirm {step} {evidence:?}"));
        let waiting = self.waiting.lock().unwrap().clone();
        let waited = waiting.iter().find(|one| one.step == *step).unwrap();
        Ok(Confirmed {
            incident: waited.incident,
            op: waited.op,
            bot: waited.bot.clone(),
            step: step.clone(),
            instruction: waited.instruction.clone(),
            by: "alice (uid 1000)".to_owned(),
        })
    }

    async fn incidents(&self, _known: &Arc<Shelf>) -> Result<Vec<Brief>, String> {
        self.jot("incidents");
        self.incidents.lock().unwrap().clone()
    }

    async fn incidents_changed(&self, _known: &Arc<Shelf>) {
        let _until = Unwatched(self.clone());
        self.written.notified().await;
    }

    async fn open_incident(&self, incident: IncidentId) -> Result<Archive, String> {
        self.jot(format!("open {incident}"));
        self.archive.lock().unwrap().clone().ok_or_else(|| "it is not there".to_owned())
    }

    async fn check_incident(&self, incident: IncidentId) -> Checked {
        self.jot(format!("check {incident}"));
        Checked { sound: true, says: vec!["sound: 12 lines, of which no checkpoint covers 0".to_owned()] }
    }

    async fn read_line(&self, incident: Option<IncidentId>, seq: u64) -> Result<Vec<Field>, String> {
        self.jot(format!("line {seq} of {incident:?}"));
        Ok(vec![("seq".to_owned(), seq.to_string()), ("body.answer.code".to_owned(), "204".to_owned())])
    }

    async fn record_refusal(&self, bot: Option<BotName>, refusal: Refusal) {
        self.jot(format!("refused {bot:?}: {refusal}"));
    }

    fn watched_until(&self, _bot: &BotName) -> Option<Timestamp> {
        Some(sample::after(300))
    }

    async fn recall(&self) -> Option<String> {
        self.jot("recall");
        let (snapshot, said) = self.recalled.lock().unwrap().clone();
        if let Some(snapshot) = snapshot {
            self.fleet.send_replace(Arc::new(snapshot));
        }
        said
    }

    async fn refresh(&self) {
        self.jot("refresh");
    }

    async fn refresh_bot(&self, bot: &BotName) {
        self.jot(format!("refresh {bot}"));
    }

    async fn settle(&self) {}

    async fn console_lost(&self, by: String) {
        self.jot(format!("lost {by}"));
    }

    fn read_only(&self) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        sample::now()
    }
}

/// How the far terminal behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Far {
    /// It takes a frame at once and answers.
    Answers,
    /// It takes a frame at once and answers nothing.
    Silent,
    /// It takes nothing.
    Stalled,
}

#[derive(Default)]
struct Seen {
    pictures: Vec<Picture>,
    /// When each came.
    at: Vec<tokio::time::Instant>,
    asked: VecDeque<u64>,
    clears: usize,
    bells: usize,
    copied: Vec<String>,
}

/// A screen that remembers.
#[derive(Clone)]
pub struct FakeScreen {
    seen: Rc<RefCell<Seen>>,
    far: Rc<RefCell<Far>>,
    size: Rc<RefCell<Size>>,
    inputs: mpsc::UnboundedSender<Input>,
}

impl Display for FakeScreen {
    fn show(&mut self, picture: Picture) {
        let mut seen = self.seen.borrow_mut();
        seen.clears += usize::from(picture.clear);
        let far = *self.far.borrow();
        if far != Far::Stalled {
            seen.asked.push_back(picture.frame);
            self.inputs.unbounded_send(Input::Written(picture.frame)).unwrap();
        }
        if far == Far::Answers {
            self.inputs.unbounded_send(Input::Answered).unwrap();
        }
        seen.at.push(tokio::time::Instant::now());
        seen.pictures.push(picture);
    }

    fn ring(&mut self) {
        self.seen.borrow_mut().bells += 1;
    }

    fn copy(&mut self, text: &str) {
        self.seen.borrow_mut().copied.push(text.to_owned());
    }

    fn answered(&mut self) -> Option<u64> {
        self.seen.borrow_mut().asked.pop_front()
    }

    /// Whatever a frame has, it is more than may be unanswered.
    fn is_behind(&self) -> bool {
        !self.seen.borrow().asked.is_empty() || *self.far.borrow() == Far::Stalled
    }

    fn size(&mut self) -> Size {
        *self.size.borrow()
    }

    fn hush(&mut self) -> usize {
        self.seen.borrow().asked.len()
    }

    fn suspend(&mut self) {}
}

/// A console that runs, and the hands on its keyboard.
pub struct Console<O: Operator = Desk> {
    pub desk: O,
    seen: Rc<RefCell<Seen>>,
    far: Rc<RefCell<Far>>,
    size: Rc<RefCell<Size>>,
    inputs: mpsc::UnboundedSender<Input>,
    signals: mpsc::UnboundedSender<Heard>,
    decoder: RefCell<Decoder>,
    app: tokio::task::JoinHandle<Left<O>>,
    /// What everything that came prints.
    printed: RefCell<String>,
}

pub fn look(capability: Capability, glyphs: Glyphs) -> Look {
    Look { theme: Theme::built_in(capability), themes_dir: None, capability, glyphs }
}

pub fn state(width: u16, height: u16, look: Look, read_only: bool) -> State {
    let now = Moment { wall: sample::now(), mono: std::time::Duration::ZERO };
    State::new(now, Size { width, height }, look, read_only, false)
}

impl Console {
    /// Opens one in the current `LocalSet`.
    pub async fn open(snapshot: Snapshot, far: Far, state: State) -> Self {
        Self::at(Desk::new(snapshot), far, state).await
    }

    pub async fn publish(&self, snapshot: Snapshot) {
        self.desk.fleet.send_replace(Arc::new(snapshot));
        self.wait(100).await;
    }

    pub async fn tell(&self, event: EngineEvent) {
        self.desk.events.send(event.into()).unwrap();
        self.idle().await;
    }
}

impl<O: Operator> Console<O> {
    /// Opens one over an engine.
    pub async fn at(desk: O, far: Far, mut state: State) -> Self {
        // Stories are told with rows by name: whoever needs somebody does not change who is first.
        state.fleet.view.column = Column::Name;
        let (inputs, keys) = mpsc::unbounded();
        let (signals, heard) = mpsc::unbounded();
        let (seen, far) = (Rc::new(RefCell::new(Seen::default())), Rc::new(RefCell::new(far)));
        let size = Rc::new(RefCell::new(state.size));
        let screen = FakeScreen { seen: seen.clone(), far: far.clone(), size: size.clone(), inputs: inputs.clone() };
        let (_keep, panics) = tokio::sync::mpsc::unbounded_channel();
        let app = App::new(desk.clone(), screen, state);
        let running = app.run(Sources { inputs: keys, signals: heard, panics });
        let app = tokio::task::spawn_local(running);
        let console = Self {
            desk,
            seen,
            far,
            size,
            inputs,
            signals,
            decoder: RefCell::default(),
            app,
            printed: RefCell::default(),
        };
        console.idle().await;
        console
    }

    /// Waits until nothing is left to do: under paused time this timer fires only then.
    pub async fn idle(&self) {
        tokio::time::sleep(std::time::Duration::from_micros(1)).await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }

    /// Lets time pass.
    pub async fn wait(&self, ms: u64) {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        self.idle().await;
    }

    /// Bytes that come in one read.
    pub async fn read(&self, bytes: &[u8]) {
        let inputs = self.decoder.borrow_mut().feed(bytes);
        let printed = format!("{inputs:?} {:?}", self.decoder.borrow());
        self.printed.borrow_mut().push_str(&printed);
        for input in inputs {
            self.inputs.unbounded_send(input).unwrap();
        }
        self.idle().await;
    }

    /// Each byte in a read of its own.
    pub async fn keys(&self, keys: &str) {
        for key in keys.bytes() {
            self.read(&[key]).await;
        }
    }

    /// Esc, once nothing has followed it.
    pub async fn escape(&self) {
        let key = terminput::KeyEvent::new(terminput::KeyCode::Esc).into();
        self.send(Input::Key { key, alone: true }).await;
    }

    pub async fn send(&self, input: Input) {
        self.inputs.unbounded_send(input).unwrap();
        self.idle().await;
    }

    pub async fn signal(&self, heard: Heard) {
        self.signals.unbounded_send(heard).unwrap();
        self.idle().await;
    }

    pub async fn resize(&self, width: u16, height: u16) {
        *self.size.borrow_mut() = Size { width, height };
        self.signal(Heard::Resize).await;
    }

    pub fn far(&self, far: Far) {
        *self.far.borrow_mut() = far;
    }

    /// Lets time pass until it is on the screen; a minute at most.
    pub async fn until(&self, text: &str) {
        for _ in 0..600 {
            if self.shows(text) {
                return;
            }
            self.wait(100).await;
        }
        panic!("{text:?} does not come:\n{}", self.screen());
    }

    pub fn frames(&self) -> usize {
        self.seen.borrow().pictures.len()
    }

    pub fn clears(&self) -> usize {
        self.seen.borrow().clears
    }

    pub fn bells(&self) -> usize {
        self.seen.borrow().bells
    }

    /// What was put on the clipboard.
    pub fn copied(&self) -> Vec<String> {
        self.seen.borrow().copied.clone()
    }

    pub fn pictures(&self) -> Vec<Picture> {
        self.seen.borrow().pictures.clone()
    }

    /// Every frame so far, and when it came.
    pub fn timed(&self) -> Vec<(tokio::time::Instant, Picture)> {
        let seen = self.seen.borrow();
        seen.at.iter().copied().zip(seen.pictures.iter().cloned()).collect()
    }

    /// The text of the newest frame.
    pub fn screen(&self) -> String {
        let seen = self.seen.borrow();
        super::golden::text(&seen.pictures.last().unwrap().buffer)
    }

    pub fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }

    pub fn has_ended(&self) -> bool {
        self.app.is_finished()
    }

    /// Every frame so far, and what everything that came prints.
    pub fn all_that_was_shown(&self) -> String {
        let seen = self.seen.borrow();
        let frames = seen.pictures.iter().map(|picture| super::golden::text(&picture.buffer));
        frames.collect::<String>() + &self.printed.borrow()
    }

    pub async fn left(self) -> Left<O> {
        self.app.await.unwrap()
    }
}
