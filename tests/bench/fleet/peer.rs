//! The peer: nucleo's own picker, as the editor that it was made for runs it, on the same names.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use estop::engine::Snapshot;
use nucleo::{
    Config, Nucleo,
    pattern::{CaseMatching, Normalization},
};

use super::{at, keys};

/// From a key to its exact rows: p50 and p95, in milliseconds.
pub fn measure(snapshot: &Arc<Snapshot>, texts: &[&str]) -> (f64, f64) {
    let mut picker: Nucleo<u32> = Nucleo::new(Config::DEFAULT, Arc::new(|| {}), None, 1);
    let injector = picker.injector();
    for (number, identity) in (0u32..).zip(snapshot.others.iter()) {
        injector.push(number, |_, columns| {
            columns[0] = format!("{} {}", identity.name.raw(), identity.id.provider()).into();
        });
    }
    settle(&mut picker);
    let mut times: Vec<Duration> = Vec::new();
    for text in texts {
        let mut before = String::new();
        for typed in keys(text) {
            let began = Instant::now();
            let appends = typed.starts_with(&before);
            picker.pattern.reparse(0, &typed, CaseMatching::Ignore, Normalization::Smart, appends);
            settle(&mut picker);
            times.push(began.elapsed());
            before = typed;
        }
        picker.pattern.reparse(0, "", CaseMatching::Ignore, Normalization::Smart, false);
        settle(&mut picker);
    }
    (at(&mut times, 50), at(&mut times, 95))
}

fn settle(picker: &mut Nucleo<u32>) {
    while picker.tick(10).running {}
}
