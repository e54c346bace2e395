//! Lies and failures, on order: what a server or the way to it may do to one request.

use std::{ops::RangeInclusive, time::Duration};

use super::call::Call;

/// What happens to a request that a [`Fault`] matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// This status at once, nothing applied; with `Retry-After` in seconds where given.
    Status {
        /// The status.
        status: u16,
        /// Seconds for the `Retry-After` header.
        retry_after: Option<u64>,
    },
    /// It never answers, and nothing is applied.
    Hang,
    /// Nothing arrives: the connection is refused.
    Unreachable,
    /// It is applied, and the answer is lost on the way back.
    LoseAnswer,
    /// A success that changed nothing.
    Ignored,
    /// A success whose effect comes only after so long.
    Late(Duration),
    /// It takes so much longer.
    Slow(Duration),
}

/// One rule. The first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    method: Option<String>,
    path: String,
    nth: RangeInclusive<usize>,
    seen: usize,
    effect: Effect,
}

impl Fault {
    /// For every request.
    pub fn all(effect: Effect) -> Self {
        Self { method: None, path: String::new(), nth: 1..=usize::MAX, seen: 0, effect }
    }

    /// For requests with this method whose path (without query) contains the text.
    pub fn on(method: &str, path: &str, effect: Effect) -> Self {
        Self { method: Some(method.to_owned()), path: path.to_owned(), ..Self::all(effect) }
    }

    /// Only the n-th such request, counted from 1.
    pub fn nth(mut self, nth: usize) -> Self {
        self.nth = nth..=nth;
        self
    }

    /// Only the first `n` such requests.
    pub fn first(mut self, n: usize) -> Self {
        self.nth = 1..=n;
        self
    }

    /// Whether it strikes this request; it counts those that match.
    pub(super) fn strikes(&mut self, call: &Call) -> bool {
        let path = format!("/{}", call.path.join("/"));
        if self.method.as_ref().is_some_and(|method| *method != call.method) || !path.contains(&self.path) {
            return false;
        }
        self.seen += 1;
        self.nth.contains(&self.seen)
    }

    pub(super) fn effect(&self) -> &Effect {
        &self.effect
    }
}
