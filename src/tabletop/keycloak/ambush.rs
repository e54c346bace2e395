//! Somebody who acts at the worst moment: right before a request takes effect, or right after.

use std::sync::Arc;

use super::{Attacker, SimulatedKeycloak, call::Call};

/// When an ambush strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request has arrived, and is about to take effect.
    Before,
    /// It has taken effect, and its answer is not yet on its way.
    After,
}

/// What is done then.
type Deed = Arc<dyn Fn(&Attacker<'_>) + Send + Sync>;

/// One rule.
#[derive(Clone)]
pub(super) struct Ambush {
    moment: Moment,
    method: String,
    path: String,
    deed: Deed,
}

impl SimulatedKeycloak {
    /// Lets a thief act around every request with this method whose path contains the text, once it takes effect.
    pub fn ambush(
        &self,
        moment: Moment,
        method: &str,
        path: &str,
        deed: impl Fn(&Attacker<'_>) + Send + Sync + 'static,
    ) {
        let (method, path) = (method.to_owned(), path.to_owned());
        self.lock().ambushes.push(Ambush { moment, method, path, deed: Arc::new(deed) });
    }

    /// Ends all of them.
    pub fn no_more_ambushes(&self) {
        self.lock().ambushes.clear();
    }

    /// Lets those act whose moment it is. The lock is not held: they send requests too.
    pub(super) fn strike_from_ambush(&self, moment: Moment, call: &Call) {
        let path = format!("/{}", call.path.join("/"));
        let all = self.lock().ambushes.clone();
        let mine = all
            .into_iter()
            .filter(|ambush| ambush.moment == moment && ambush.method == call.method && path.contains(&ambush.path));
        for ambush in mine {
            (ambush.deed)(&self.as_attacker());
        }
    }
}
