//! One seed per run, printed first; everything left to chance comes from it and from the name of what asks. And how long
//! each case took, printed last.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Variants of one case that run side by side. They mostly wait.
const SIDE_BY_SIDE: usize = 4;

/// `GAUNTLET_SEED`, else the clock's.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("GAUNTLET_SEED").ok().and_then(|text| text.parse().ok());
        let seed =
            given.unwrap_or_else(|| u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos()));
        writeln!(std::io::stderr(), "gauntlet: GAUNTLET_SEED={seed}").ok();
        seed
    })
}

/// Whether everything is run, not a rotation.
pub fn full() -> bool {
    std::env::var_os("GAUNTLET_FULL").is_some()
}

/// Chance, by seed.
pub struct Dice(u64);

impl Dice {
    /// Of one purpose.
    pub fn of(purpose: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed(), purpose).hash(&mut hasher);
        Self(hasher.finish())
    }

    /// splitmix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// An index below a bound.
    pub fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    /// All of them in the full form, else so many of them by chance, in their order.
    pub fn some<T>(&mut self, all: Vec<T>, short: usize) -> Vec<T> {
        if full() || all.len() <= short {
            return all;
        }
        let mut drawn: Vec<(u64, usize, T)> =
            all.into_iter().enumerate().map(|(index, one)| (self.next(), index, one)).collect();
        drawn.sort_by_key(|(lot, ..)| *lot);
        drawn.truncate(short);
        drawn.sort_by_key(|(_, index, _)| *index);
        drawn.into_iter().map(|(.., one)| one).collect()
    }
}

/// A case under way, on the thread that the test runner made for it.
struct Case {
    name: String,
    began: Instant,
}

impl Drop for Case {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f32();
        writeln!(std::io::stderr(), "gauntlet: {seconds:6.1} s  {}", self.name).ok();
    }
}

/// From here on the case of this thread is timed; its end is the thread's.
pub fn timed() {
    thread_local! {
        static CASE: Option<Case> = {
            let name = std::thread::current().name().filter(|name| name.contains("case_")).map(str::to_owned);
            name.map(|name| Case { name, began: Instant::now() })
        };
    }
    CASE.with(|_| ());
}

/// Every variant of a case, several side by side. All are run; then it fails with the names of those that failed.
#[track_caller]
pub fn each<T: Sync>(variants: &[T], name: impl Fn(&T) -> String + Sync, run: impl Fn(&T) + Sync) {
    timed();
    let (next, failed) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(variants.len()) {
            scope.spawn(|| {
                while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(variant)));
                    if let Err(panic) = outcome {
                        let text = panic.downcast_ref::<String>().cloned();
                        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                        let text = text.unwrap_or_default();
                        failed.lock().unwrap().push(format!("--- variant {}: {text}", name(variant)));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} variants failed\n{}", failed.len(), variants.len(), failed.join("\n"));
}
