//! Work on many rows, on as many threads as there are processors.

use std::{num::NonZero, ops::Range, thread};

/// Fewer are not worth a thread.
const WORTH_A_THREAD: usize = 8192;
/// More threads than that are not used: the strike needs processors too.
const MAX_THREADS: usize = 8;

/// Does the work on `0..count` in parts, side by side; what came of each part, in the order of the parts.
pub fn in_parallel<T: Send>(count: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    let threads = processors.min(count / WORTH_A_THREAD).max(1);
    let part = count.div_ceil(threads);
    let range = |at: usize| (at * part).min(count)..((at + 1) * part).min(count);
    if threads == 1 {
        return vec![work(range(0))];
    }
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|at| scope.spawn(move || work(range(at)))).collect();
        let first = work(range(0));
        let rest = others.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        std::iter::once(first).chain(rest).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_worked_on_once_and_in_order() {
        for count in [0, 1, 5, WORTH_A_THREAD, 3 * WORTH_A_THREAD + 1] {
            let done: Vec<usize> = in_parallel(count, Iterator::collect::<Vec<_>>).concat();
            assert!(done.iter().copied().eq(0..count), "{count}");
        }
    }
}
