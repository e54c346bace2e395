//! A place in the line, and what it becomes.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{Budget, queue::Place};

/// What is occupied until the permit is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// One of the mutations at the same time.
    Write,
    /// One of the reads at the same time.
    Read,
    /// Nothing: it counts for the rate alone.
    None,
}

/// What was granted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granted {
    pub(super) slot: Slot,
    /// When; monotonic.
    pub(super) at: Duration,
    /// Whether it is for a read.
    pub(super) read: bool,
}

/// One request may leave. Its slot is free again when this is dropped.
#[must_use = "the request may leave only while the permit is held"]
pub struct Permit {
    budget: Budget,
    granted: Granted,
}

impl Permit {
    pub(super) fn new(budget: Budget, granted: Granted) -> Self {
        Self { budget, granted }
    }

    pub(super) fn granted(&self) -> Granted {
        self.granted
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.release(self.granted);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("granted", &self.granted).finish_non_exhaustive()
    }
}

/// A place in the line; dropping it leaves the line.
#[must_use = "a place in the line is given up when it is dropped"]
pub struct Turn {
    budget: Budget,
    place: Place,
    granted: oneshot::Receiver<Permit>,
}

impl Turn {
    pub(super) fn new(budget: Budget, place: Place, granted: oneshot::Receiver<Permit>) -> Self {
        Self { budget, place, granted }
    }
}

impl Future for Turn {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        let granted = Pin::new(&mut self.granted).poll(context);
        // The sender lies in the queue of the budget that this holds, and leaves it only to send.
        granted.map(|granted| granted.expect("a waiter is granted or still in line"))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.budget.leave(&self.place);
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("place", &self.place).finish_non_exhaustive()
    }
}
