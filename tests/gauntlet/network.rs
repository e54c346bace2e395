//! Part B: the other side of the network.

mod case_00;
mod case_16;
mod case_17;
mod case_18;
mod case_19;
mod case_20;
mod case_21;
mod case_22;
mod case_23;
mod case_24;
mod case_25;
mod case_26;
mod certificates;
mod console;

use std::{collections::BTreeSet, time::Duration};

use crate::harness::{Ran, Stage};

/// The provider that the fault is at; those beside it must not suffer.
const B: usize = 1;

/// From the first request that a healthy provider gets to its first change: reading what there is to strike, and the
/// moment that somebody else may be late, on a machine that is busy with other cases.
const READING: Duration = Duration::from_secs(6);

/// What the healthy providers owe: all dead there, the strike begun without waiting for whoever is silent, and the whole
/// of it within 2 s of their first change.
#[track_caller]
fn others_finish(stage: &Stage, ran: &Ran) {
    for server in stage.servers.iter().enumerate().filter(|(index, _)| *index != B).map(|(_, server)| server) {
        assert_eq!(server.alive(), [], "{}: alive beside the fault: {ran}", server.name);
        let changes = server.changes();
        assert!(!changes.is_empty(), "{}: nothing was struck: {ran}", server.name);
        // What is sent again in the sweep has been sent before.
        let mut known = BTreeSet::new();
        let strike = changes.iter().filter(|seen| known.insert(seen.key.clone()));
        let last = strike.map(|seen| seen.at).max().unwrap();
        let begun = changes[0].at;
        assert!(last - begun < Duration::from_secs(2), "{}: the strike took {:?}: {ran}", server.name, last - begun);
        let first = server.seen().iter().map(|seen| seen.at).find(|at| *at >= ran.began).unwrap();
        assert!(begun - first < READING, "{}: struck after {:?}: {ran}", server.name, begun - first);
    }
}

/// Not everything confirmed, said with the provider's name, and nothing else held up.
#[track_caller]
fn fails_alone(stage: &Stage, ran: &Ran, codes: &[i32]) {
    stage.holds(ran);
    ran.expect(codes).says(&["sso-b"]);
    others_finish(stage, ran);
}
