//! Which part of the screen is drawn when, and what a slow line is spared.
//!
//! ```text
//! whole screen: at once after a key, ten a second while work runs ┐
//! list alone:   at once while the cursor moves; the rest at rest   ┴─ never while much is unanswered
//! ```

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect};
use tokio::time::Instant;

use super::{App, Display};
use crate::tui::{
    encode::Settled,
    message::{Message, Size},
    operator::Operator,
    output::Picture,
    screen::{self, Drawn},
    state::Dirty,
    strike::Answers,
};

/// Time between two frames while work runs.
const FRAME: Duration = Duration::from_millis(100);
/// A cursor that has not moved for so long rests: what stands beside the list then follows it.
const REST: Duration = Duration::from_millis(25);
/// A terminal that answers has so long before the next frame is sent all the same.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// The same while it is not known whether it answers.
const FIRST_ANSWER_WITHIN: Duration = Duration::from_millis(100);

impl<O: Operator, D: Display> App<O, D> {
    /// When the next frame may go out; `None`: none is wanted.
    pub(super) fn draws_at(&self) -> Option<Instant> {
        let list = (self.state.moved != self.listed).then(Instant::now);
        let paced = list.or_else(|| self.whole_at())?;
        let within = match self.state.trigger.answers() {
            Answers::Yes => ANSWER_WITHIN,
            Answers::Asked(_) => FIRST_ANSWER_WITHIN,
            Answers::No => return Some(paced),
        };
        // Frames that a slow line has not taken yet would only make it slower: keys coalesce meanwhile.
        match self.drawn_at {
            Some(at) if self.display.is_behind() => Some(paced.max(at + within)),
            _ => Some(paced),
        }
    }

    /// When all of the screen is to be drawn.
    fn whole_at(&self) -> Option<Instant> {
        let at_rest = self.state.moved.map(|at| self.started + at + REST);
        match (self.state.dirty, self.whole_drawn) {
            (Dirty::No, _) => None,
            (Dirty::Now, _) | (_, None) => Some(Instant::now()),
            (Dirty::Soon, Some(at)) => at_rest.into_iter().chain([at + FRAME]).min(),
            (Dirty::AtRest, Some(_)) => at_rest,
        }
    }

    /// Draws what is due.
    pub(super) fn draw_if_due(&mut self) {
        if self.draws_at().is_some_and(|at| at <= Instant::now()) {
            self.draw();
        }
    }

    fn draw(&mut self) {
        self.state.now = self.now();
        self.drawn_at = Some(Instant::now());
        let clear = std::mem::take(&mut self.state.clear);
        let is_behind = clear || self.whole_at().is_some_and(|at| at <= Instant::now());
        let list = (!is_behind).then(|| self.list()).flatten();
        let (buffer, drawn) = list.unwrap_or_else(|| self.whole());
        let buffer = Settled::from(buffer);
        let same = self.drawn.as_ref().is_some_and(|(old, shown)| *shown == drawn && *old == buffer);
        if same && !clear {
            return;
        }
        self.frame += 1;
        let frame = self.frame;
        let cursor = drawn.cursor;
        self.drawn = Some((buffer.clone(), drawn.clone()));
        self.update(Message::FrameDrawn { frame, shown: drawn.shown });
        self.display.show(Picture { frame, buffer, clear, cursor });
    }

    /// The list's rows over the last frame; what stands beside them is still due.
    fn list(&mut self) -> Option<(Buffer, Drawn)> {
        let (before, _) = self.drawn.as_ref()?;
        let mut buffer = Buffer::clone(before);
        let fleet = &self.state.fleet;
        let at = (fleet.offset, fleet.index());
        let drawn = screen::draw_list(&self.state, &mut buffer, self.listed_at)?;
        (self.listed, self.listed_at) = (self.state.moved, Some(at));
        Some((buffer, drawn))
    }

    fn whole(&mut self) -> (Buffer, Drawn) {
        self.state.dirty = Dirty::No;
        self.whole_drawn = self.drawn_at;
        (self.state.moved, self.listed) = (None, None);
        self.listed_at = Some((self.state.fleet.offset, self.state.fleet.index()));
        let Size { width, height } = self.state.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let drawn = screen::draw(&self.state, &mut buffer);
        (buffer, drawn)
    }
}
