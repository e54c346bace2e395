//! Which press of a danger key may fire: only one that was made at what the terminal has shown.
//!
//! ```text
//! frame n drawn ─ written ─ ESC[5n ─▶ terminal ─▶ ESC[0n = frame n answered
//!                                                  │
//!   key X read alone, after the answer to a frame that shows the bot ─▶ Fire
//!   any other key X ─▶ Arm (names the bot) ─ X once more, at the armed frame or after 300 ms ─▶ Fire
//! ```
//!
//! A terminal that answers nothing is found out once, at the start; there "written 300 ms ago" stands in for the
//! answer. Inside tmux and screen, which answer for themselves and not for the far terminal, both rules apply. An
//! answer that is lost on the way credits later answers to older frames: keys then arm, and never fire too early.

use std::{collections::VecDeque, time::Duration};

use crate::domain::BotName;

/// After a frame was written for so long, a terminal that answers nothing counts as having shown it.
pub const SHOWN_AFTER: Duration = Duration::from_millis(300);
/// How long a terminal has for its first answer before it counts as one that answers nothing.
pub const FIRST_ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A dialog of a terminal that has stopped answering can be confirmed after this long.
const STALLED_AFTER: Duration = Duration::from_secs(2);
/// Frames that are remembered while their answers are out.
const MAX_FRAMES: usize = 256;

/// What a frame shows that a danger key may be pressed at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The bot that `X` would isolate, where its name and the counts of its plan are shown in full.
    pub target: Option<BotName>,
    /// The bot whose arming is announced.
    pub armed: Option<BotName>,
    /// The bot whose name a dialog asks for.
    pub prompt: Option<BotName>,
    /// The number of another question that is shown in full.
    pub asks: Option<u64>,
}

/// Whether the terminal answers status queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// It was asked, and has time until then (on the monotonic clock; `None`: nothing was written yet).
    Asked(Option<Duration>),
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What comes of a press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// The order goes out.
    Fire,
    /// One more press is needed.
    Arm,
}

#[derive(Debug)]
struct Frame {
    id: u64,
    shown: Shown,
    written: Option<Duration>,
    answered: bool,
}

#[derive(Debug)]
struct Armed {
    bot: BotName,
    at: Duration,
}

/// The frames under way, and what is armed.
#[derive(Debug)]
pub struct Trigger {
    answers: Answers,
    multiplexed: bool,
    frames: VecDeque<Frame>,
    armed: Option<Armed>,
}

impl Trigger {
    /// Nothing drawn, nothing armed. `multiplexed`: inside tmux or screen.
    pub fn new(multiplexed: bool) -> Self {
        Self { answers: Answers::Asked(None), multiplexed, frames: VecDeque::new(), armed: None }
    }

    /// Whether the terminal answers.
    pub fn answers(&self) -> Answers {
        self.answers
    }

    /// The bot that one more press would isolate.
    pub fn armed(&self) -> Option<&BotName> {
        self.armed.as_ref().map(|armed| &armed.bot)
    }

    /// Nothing is armed any more.
    pub fn disarm(&mut self) -> bool {
        self.armed.take().is_some()
    }

    /// A frame was handed over for writing.
    pub fn drawn(&mut self, id: u64, shown: Shown) {
        if self.frames.len() == MAX_FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(Frame { id, shown, written: None, answered: false });
    }

    /// Its last byte was handed to the terminal.
    pub fn written(&mut self, id: u64, now: Duration) {
        if self.answers == Answers::Asked(None) {
            self.answers = Answers::Asked(Some(now + FIRST_ANSWER_WITHIN));
        }
        if let Some(frame) = self.frames.iter_mut().find(|frame| frame.id == id) {
            frame.written = Some(now);
        }
        // Frames that a newer one replaced before they were written were never seen by anybody.
        self.frames.retain(|frame| frame.id >= id || frame.written.is_some());
        self.forget(now);
    }

    /// The terminal answered the query at its end.
    pub fn answered(&mut self, id: u64) {
        self.answers = Answers::Yes;
        if let Some(frame) = self.frames.iter_mut().find(|frame| frame.id == id) {
            frame.answered = true;
        }
    }

    /// The window has another size: what earlier frames showed may be cut off or gone.
    pub fn resized(&mut self) {
        for frame in &mut self.frames {
            frame.shown = Shown::default();
        }
    }

    /// Time has passed: a terminal that was asked and has not answered never will.
    pub fn passed(&mut self, now: Duration) {
        if matches!(self.answers, Answers::Asked(Some(until)) if until <= now) {
            self.answers = Answers::No;
        }
    }

    /// Whether a frame is still to be answered by a terminal that answers.
    pub fn is_waiting(&self) -> bool {
        self.frames.back().is_some_and(|frame| !frame.answered) && self.answers != Answers::No
    }

    /// A danger key was pressed for a bot. `alone`: no other key came in the same read.
    pub fn pull(&mut self, bot: &BotName, alone: bool, now: Duration) -> Pull {
        let at_it = |shown: &Shown| shown.target.as_ref() == Some(bot);
        let at_the_arming = |shown: &Shown| shown.armed.as_ref() == Some(bot);
        let fires = alone
            && match self.armed.as_ref().filter(|armed| armed.bot == *bot) {
                None => self.seen(now).is_some_and(at_it),
                Some(armed) => self.seen(now).is_some_and(at_the_arming) || now >= armed.at + SHOWN_AFTER,
            };
        if fires {
            self.armed = None;
            return Pull::Fire;
        }
        self.armed = Some(Armed { bot: bot.clone(), at: now });
        Pull::Arm
    }

    /// The key that ends a dialog was pressed, which has asked for a bot's name since `opened`.
    pub fn confirm(&self, bot: &BotName, alone: bool, opened: Duration, now: Duration) -> bool {
        let seen = self.seen(now).is_some_and(|shown| shown.prompt.as_ref() == Some(bot));
        alone && (seen || now >= opened + STALLED_AFTER)
    }

    /// The key that agrees to another question was pressed, which stands there since `opened`.
    pub fn confirm_asked(&self, question: u64, alone: bool, opened: Duration, now: Duration) -> bool {
        let seen = self.seen(now).is_some_and(|shown| shown.asks == Some(question));
        alone && (seen || now >= opened + STALLED_AFTER)
    }

    /// What the terminal is known to show. `None`: nothing is known.
    fn seen(&self, now: Duration) -> Option<&Shown> {
        let last = |is: &dyn Fn(&Frame) -> bool| self.frames.iter().rev().find(|frame| is(frame));
        let answered = last(&|frame| frame.answered);
        let settled = last(&|frame| frame.written.is_some_and(|at| at + SHOWN_AFTER <= now));
        let frame = match (self.answers, self.multiplexed) {
            (Answers::Asked(_), _) => None,
            (Answers::Yes, false) => answered,
            (Answers::No, _) => settled,
            (Answers::Yes, true) => answered.zip(settled).map(|(a, b)| if a.id < b.id { a } else { b }),
        };
        frame.map(|frame| &frame.shown)
    }

    /// Drops what no rule can ask for any more: everything before the newest frame that both rules take as seen.
    fn forget(&mut self, now: Duration) {
        let done = |frame: &Frame| {
            frame.written.is_some_and(|at| at + SHOWN_AFTER <= now) && (frame.answered || self.answers == Answers::No)
        };
        if let Some(index) = self.frames.iter().rposition(done) {
            self.frames.drain(..index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot(name: &str) -> BotName {
        BotName::new(name)
    }

    fn showing(name: &str) -> Shown {
        Shown { target: Some(bot(name)), ..Shown::default() }
    }

    fn arming(name: &str) -> Shown {
        Shown { target: Some(bot(name)), armed: Some(bot(name)), ..Shown::default() }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A trigger whose frame 1 shows `a`, written at 0.
    fn written(multiplexed: bool) -> Trigger {
        let mut trigger = Trigger::new(multiplexed);
        trigger.drawn(1, showing("a"));
        trigger.written(1, ms(0));
        trigger
    }

    #[test]
    fn a_press_after_the_answer_to_the_frame_that_shows_it_fires() {
        let mut trigger = written(false);
        trigger.answered(1);
        assert_eq!(trigger.pull(&bot("a"), true, ms(1)), Pull::Fire);
    }

    #[test]
    fn a_press_before_the_answer_arms_and_the_next_fires() {
        let mut trigger = written(false);
        assert_eq!(trigger.pull(&bot("a"), true, ms(1)), Pull::Arm);
        assert_eq!(trigger.armed(), Some(&bot("a")));
        trigger.answered(1);
        assert_eq!(trigger.pull(&bot("a"), true, ms(2)), Pull::Arm, "the arming was not seen yet");
        trigger.drawn(2, arming("a"));
        trigger.written(2, ms(3));
        trigger.answered(2);
        assert_eq!(trigger.pull(&bot("a"), true, ms(4)), Pull::Fire);
    }

    #[test]
    fn a_selection_that_moved_since_the_answer_arms() {
        let mut trigger = written(false);
        trigger.answered(1);
        trigger.drawn(2, showing("b"));
        trigger.written(2, ms(5));
        assert_eq!(trigger.pull(&bot("b"), true, ms(6)), Pull::Arm);
    }

    #[test]
    fn a_burst_never_fires() {
        let mut trigger = written(false);
        trigger.answered(1);
        for at in [1, 500, 1000] {
            assert_eq!(trigger.pull(&bot("a"), false, ms(at)), Pull::Arm);
        }
    }

    #[test]
    fn a_stalled_terminal_does_not_keep_the_second_press_from_firing() {
        let mut trigger = written(false);
        trigger.answered(1);
        trigger.drawn(2, showing("b"));
        assert_eq!(trigger.pull(&bot("b"), true, ms(10)), Pull::Arm);
        assert_eq!(trigger.pull(&bot("b"), true, ms(310)), Pull::Fire);
    }

    #[test]
    fn while_the_first_answer_is_out_a_press_arms() {
        let mut trigger = written(false);
        trigger.passed(ms(1999));
        assert_eq!(trigger.pull(&bot("a"), true, ms(1999)), Pull::Arm);
    }

    #[test]
    fn a_silent_terminal_is_found_out_and_has_300_ms() {
        let mut trigger = written(false);
        trigger.passed(ms(2000));
        assert_eq!(trigger.answers(), Answers::No);
        trigger.drawn(2, showing("b"));
        trigger.written(2, ms(3000));
        assert_eq!(trigger.pull(&bot("b"), true, ms(3299)), Pull::Arm);
        trigger.disarm();
        assert_eq!(trigger.pull(&bot("b"), true, ms(3300)), Pull::Fire);
    }

    #[test]
    fn inside_a_multiplexer_both_rules_apply() {
        let mut trigger = written(true);
        trigger.answered(1);
        assert_eq!(trigger.pull(&bot("a"), true, ms(299)), Pull::Arm, "answered, but by the multiplexer");
        trigger.disarm();
        assert_eq!(trigger.pull(&bot("a"), true, ms(300)), Pull::Fire);
        let mut trigger = written(true);
        trigger.answered(1);
        trigger.drawn(2, showing("b"));
        trigger.written(2, ms(400));
        assert_eq!(trigger.pull(&bot("b"), true, ms(900)), Pull::Arm, "written long ago, but not answered");
    }

    #[test]
    fn a_frame_that_was_never_written_shows_nothing() {
        let mut trigger = written(false);
        trigger.drawn(2, showing("b"));
        trigger.drawn(3, showing("a"));
        trigger.written(3, ms(5));
        trigger.answered(2);
        assert_eq!(trigger.pull(&bot("b"), true, ms(6)), Pull::Arm);
    }

    #[test]
    fn a_window_too_small_for_the_target_arms_first() {
        let mut trigger = Trigger::new(false);
        trigger.drawn(1, Shown::default());
        trigger.written(1, ms(0));
        trigger.answered(1);
        assert_eq!(trigger.pull(&bot("a"), true, ms(1)), Pull::Arm);
        assert_eq!(trigger.pull(&bot("a"), true, ms(301)), Pull::Fire);
    }

    #[test]
    fn a_frame_of_another_window_shows_nothing() {
        let mut trigger = written(false);
        trigger.answered(1);
        trigger.resized();
        assert_eq!(trigger.pull(&bot("a"), true, ms(5)), Pull::Arm);
        trigger.disarm();
        trigger.drawn(2, showing("a"));
        trigger.written(2, ms(6));
        assert_eq!(trigger.pull(&bot("a"), true, ms(7)), Pull::Arm, "the new frame is still on its way");
        trigger.disarm();
        trigger.answered(2);
        assert_eq!(trigger.pull(&bot("a"), true, ms(8)), Pull::Fire);
    }

    #[test]
    fn arming_one_bot_never_fires_at_another() {
        let mut trigger = written(false);
        assert_eq!(trigger.pull(&bot("a"), true, ms(1)), Pull::Arm);
        assert_eq!(trigger.pull(&bot("b"), true, ms(900)), Pull::Arm);
        assert_eq!(trigger.armed(), Some(&bot("b")));
    }

    #[test]
    fn a_dialog_is_confirmed_only_when_it_was_seen() {
        let mut trigger = written(false);
        trigger.answered(1);
        assert!(!trigger.confirm(&bot("a"), true, ms(10), ms(20)), "typed ahead of the dialog");
        trigger.drawn(2, Shown { prompt: Some(bot("a")), ..Shown::default() });
        trigger.written(2, ms(30));
        trigger.answered(2);
        assert!(trigger.confirm(&bot("a"), true, ms(10), ms(40)));
        assert!(!trigger.confirm(&bot("a"), false, ms(10), ms(40)), "in one read with other keys");
    }

    #[test]
    fn frames_do_not_pile_up() {
        let mut trigger = Trigger::new(false);
        for id in 0..5000 {
            trigger.drawn(id, showing("a"));
            trigger.written(id, ms(id * 400));
            trigger.answered(id);
        }
        assert!(trigger.frames.len() <= 3, "{}", trigger.frames.len());
    }
}
