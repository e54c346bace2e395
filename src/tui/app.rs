//! The loop: one `select!`, generic over what is drawn on and where keys come from, so that a test drives the real one.
//!
//! ```text
//! signals > input > results > fleet > engine > journal > wake-up      (the order in which they are looked at)
//!    └────────┴─────────┴───────┴───────┴────────┴─────────┴─▶ Message ─▶ update ─▶ effects
//! dirty? at once after a key, ten a second while work runs, and never while much is unanswered
//!        a cursor that moves: its list at once, what stands beside it once keys rest
//! ```

mod frames;

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    decode::Input,
    effect::{Effects, Flow},
    encode::Settled,
    message::{Message, Signal, Size},
    operator::Operator,
    output::Picture,
    screen::Drawn,
    signals::Heard,
    state::{Ending, Moment, State},
    strike::Answers,
    terminal,
    update::{self, Effect},
};
use crate::engine::EngineEvent;

/// How long answers that are still out are waited for before the terminal is given back.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// Least time between two wake-ups of the state's own.
const WAKE_APART: Duration = Duration::from_millis(20);

/// What frames are shown on.
pub trait Display {
    /// Shows a frame, soon; one that still waits is replaced. Never blocks.
    fn show(&mut self, picture: Picture);
    /// Rings the bell once, soon. Never blocks.
    fn ring(&mut self);
    /// Puts a text on the terminal's clipboard, soon. Never blocks.
    fn copy(&mut self, text: &str);
    /// The frame that the next answer belongs to.
    fn answered(&mut self) -> Option<u64>;
    /// Whether so much is on its way that the next frame should wait for answers.
    fn is_behind(&self) -> bool;
    /// Frames that are marked so are shown at once. Where nothing is marked, nothing is to do.
    fn synchronize(&mut self) {}
    /// Columns and rows now.
    fn size(&mut self) -> Size;
    /// Writes no more; how many frames were written whose answer is still out.
    fn hush(&mut self) -> usize;
    /// Gives the terminal back, stops the process, and takes it again when continued.
    fn suspend(&mut self);
}

/// Where everything comes from.
#[derive(Debug)]
pub struct Sources<I, S> {
    /// Keys, answers, what was written.
    pub inputs: I,
    /// Signals.
    pub signals: S,
    /// Places where other parts of the program panicked.
    pub panics: mpsc::UnboundedReceiver<String>,
}

/// How the loop ended.
#[derive(Debug)]
pub struct Left<O> {
    /// Why; `None`: the console's own code panicked.
    pub ending: Option<Ending>,
    /// What it knew.
    pub state: State,
    /// Orders may still be on their way.
    pub effects: Effects<O>,
    /// What the engine has said that the state has not taken in.
    pub events: broadcast::Receiver<Arc<EngineEvent>>,
}

/// The console, running.
#[derive(Debug)]
pub struct App<O, D> {
    operator: O,
    display: D,
    state: State,
    started: Instant,
    frame: u64,
    drawn: Option<(Settled, Drawn)>,
    drawn_at: Option<Instant>,
    whole_drawn: Option<Instant>,
    /// The cursor's move for which the list was drawn.
    listed: Option<Duration>,
    /// The list's first line and selected row as they were drawn.
    listed_at: Option<(usize, Option<usize>)>,
    woken: Instant,
}

impl<O: Operator, D: Display> App<O, D> {
    /// Nothing is drawn yet.
    pub fn new(operator: O, display: D, state: State) -> Self {
        let started = Instant::now();
        Self {
            operator,
            display,
            state,
            started,
            frame: 0,
            drawn: None,
            drawn_at: None,
            whole_drawn: None,
            listed: None,
            listed_at: None,
            woken: started,
        }
    }

    /// Runs until something ends it. The first frame is out before anything is read.
    pub async fn run<I, S>(mut self, sources: Sources<I, S>) -> Left<O>
    where
        I: Stream<Item = Input> + Unpin,
        S: Stream<Item = Heard> + Unpin,
    {
        let Sources { mut inputs, mut signals, mut panics } = sources;
        let (mut effects, mut results) = Effects::new(self.operator.clone());
        self.draw_if_due();
        let mut fleet = self.operator.fleet();
        fleet.mark_changed();
        let mut events = self.operator.events();
        let mut lines = self.operator.lines();
        for effect in update::start(&mut self.state) {
            effects.run(effect);
        }
        loop {
            let wake = self.wakes_at();
            let message = tokio::select! {
                biased;
                Some(heard) = signals.next() => Some(self.heard(heard)),
                input = inputs.next() => self.input(input),
                Some(place) = panics.recv() => Some(Message::WorkerPanicked(place)),
                Some(message) = results.recv() => Some(message),
                Ok(()) = fleet.changed() => Some(Message::FleetRead(fleet.borrow_and_update().clone())),
                event = events.recv() => match event {
                    Ok(event) => Some(Message::EngineSpoke(Arc::unwrap_or_clone(event))),
                    Err(RecvError::Lagged(count)) => Some(Message::EventsMissed(count)),
                    Err(RecvError::Closed) => Some(Message::TerminalLost("the engine has ended".to_owned())),
                },
                Some(line) = lines.next() => Some(Message::JournalWritten(line)),
                () = sleep_until(wake.unwrap_or(self.started)), if wake.is_some() => self.passed(),
            };
            // The screen's own code may be wrong; the isolation must not go down with it.
            let step = terminal::on_screen(|| self.step(message));
            let Ok(wanted) = step else { return Left { ending: None, state: self.state, effects, events } };
            for effect in wanted {
                match effects.run(effect) {
                    Flow::Go => {}
                    Flow::Ring => self.display.ring(),
                    Flow::Copy(text) => self.display.copy(&text),
                    Flow::Suspend => self.suspend(&mut inputs).await,
                    Flow::End => {
                        self.quiet(&mut inputs).await;
                        return Left { ending: self.state.ending.take(), state: self.state, effects, events };
                    }
                }
            }
        }
    }

    /// Takes a message in and draws what is due.
    fn step(&mut self, message: Option<Message>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if matches!(message, Some(Message::KeyPressed { .. })) {
            // The signal may be slower than the key that was pressed at the other window.
            let size = self.display.size();
            if size != self.state.size {
                effects.extend(self.update(Message::Resized(size)));
            }
        }
        effects.extend(message.map(|message| self.update(message)).unwrap_or_default());
        self.draw_if_due();
        effects
    }

    fn update(&mut self, message: Message) -> Vec<Effect> {
        self.state.now = self.now();
        update::update(&mut self.state, message)
    }

    fn now(&self) -> Moment {
        Moment { wall: self.operator.now(), mono: self.started.elapsed() }
    }

    /// Either the state's moment or only the next frame's has come.
    fn passed(&mut self) -> Option<Message> {
        let due = self.state.wakes_at().is_some_and(|at| self.started + at <= Instant::now());
        due.then(|| {
            self.woken = Instant::now();
            Message::TimePassed
        })
    }

    fn heard(&mut self, heard: Heard) -> Message {
        match heard {
            Heard::Signal(signal) => Message::Signalled(signal),
            Heard::Resize => Message::Resized(self.display.size()),
        }
    }

    fn input(&mut self, input: Option<Input>) -> Option<Message> {
        match input {
            Some(Input::Key { key, alone }) => Some(Message::KeyPressed { key, alone }),
            Some(Input::Pasted(text)) => Some(Message::Pasted(text)),
            Some(Input::Mouse(mouse)) => Some(Message::Pointed(mouse)),
            Some(Input::Written(frame)) => Some(Message::FrameWritten(frame)),
            Some(Input::Answered) => {
                let frame = self.display.answered()?;
                Some(Message::FrameAnswered(frame))
            }
            Some(Input::Synchronizes) => {
                self.display.synchronize();
                None
            }
            Some(Input::Lost(why)) => Some(Message::TerminalLost(why)),
            None => Some(Message::TerminalLost("the terminal's input has ended".to_owned())),
        }
    }

    /// Takes in the answers that are still on their way: once the terminal is given back, they would be typed at
    /// whoever reads it next.
    async fn quiet(&mut self, inputs: &mut (impl Stream<Item = Input> + Unpin)) {
        let lost = matches!(self.state.ending, Some(Ending::Lost(_)));
        if lost || self.state.trigger.answers() == Answers::No {
            return;
        }
        let mut out = self.display.hush();
        let until = Instant::now() + LAST_ANSWERS_WITHIN;
        while out > 0 {
            match timeout_at(until, inputs.next()).await {
                Ok(Some(Input::Answered)) => {
                    self.display.answered();
                    out -= 1;
                }
                Ok(Some(
                    Input::Key { .. } | Input::Pasted(_) | Input::Mouse(_) | Input::Synchronizes | Input::Written(_),
                )) => {}
                Ok(Some(Input::Lost(_)) | None) | Err(_) => return,
            }
        }
    }

    async fn suspend(&mut self, inputs: &mut (impl Stream<Item = Input> + Unpin)) {
        self.quiet(inputs).await;
        self.display.suspend();
        self.drawn = None;
        let size = self.display.size();
        for message in [Message::Signalled(Signal::Continue), Message::Resized(size)] {
            self.update(message);
        }
        self.draw_if_due();
    }

    fn wakes_at(&self) -> Option<Instant> {
        // A wish that lies in the past and stays there must not turn the loop into a spin.
        let state = self.state.wakes_at().map(|at| (self.started + at).max(self.woken + WAKE_APART));
        [state, self.draws_at()].into_iter().flatten().min()
    }
}
