//! What a seed stands for: which bot, which faults, when the process dies, what the thief does.

use std::{ops::RangeInclusive, time::Duration};

use estop::{
    domain::Depth,
    tabletop::keycloak::{Effect, Fault, Moment},
};
use fastrand::Rng;

/// Bots that go dark by themselves alone: none shares a key.
const BOTS: [&str; 4] = ["bot-helpdesk", "bot-knowledge", "bot-sales", "bot-compliance"];
const METHODS: [&str; 4] = ["GET", "PUT", "POST", "DELETE"];
const PATHS: [&str; 9] =
    ["", "/clients", "/users", "/logout", "/sessions", "/consents", "/token", "events", "/role-mappings"];

/// One life of a process.
#[derive(Debug, Clone)]
pub struct Life {
    /// It is killed after so long; `None`: it ends by itself.
    pub killed_after: Option<Duration>,
    /// A broken-off write that the kill leaves behind, in bytes of the last line.
    pub torn: Option<usize>,
    /// Whether what was on its way when it died arrives during the next life.
    pub stragglers: bool,
    /// How long nobody runs afterwards.
    pub idle: Duration,
    /// Whether a second operator isolates the same bot, and how much later.
    pub second: Option<Duration>,
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub bot: &'static str,
    pub depth: Depth,
    pub faults: Vec<Fault>,
    pub lives: Vec<Life>,
    /// Around which requests the thief mints.
    pub ambushes: Vec<(Moment, &'static str, &'static str)>,
    /// Between two further attempts of the thief.
    pub greed: Duration,
}

impl Schedule {
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let lives = rng.usize(1..=4);
        Self {
            bot: BOTS[rng.usize(..BOTS.len())],
            depth: if rng.u8(..4) == 0 { Depth::Burn } else { Depth::Isolate },
            faults: (0..rng.usize(..5)).flat_map(|_| faults(&mut rng)).collect(),
            lives: (0..lives).map(|_| life(&mut rng)).collect(),
            ambushes: (0..rng.usize(..4)).map(|_| ambush(&mut rng)).collect(),
            greed: millis(&mut rng, 40..=1500),
        }
    }
}

fn millis(rng: &mut Rng, range: RangeInclusive<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

fn life(rng: &mut Rng) -> Life {
    let killed = rng.u8(..3) > 0;
    Life {
        killed_after: killed.then(|| millis(rng, 0..=2500)),
        torn: rng.bool().then(|| rng.usize(1..400)),
        stragglers: rng.bool(),
        idle: millis(rng, 0..=20_000),
        second: (rng.u8(..4) == 0).then(|| millis(rng, 0..=300)),
    }
}

fn faults(rng: &mut Rng) -> Vec<Fault> {
    let effect = match rng.u8(..11) {
        0 => Effect::Status { status: 503, retry_after: None },
        1 => Effect::Status { status: 429, retry_after: Some(rng.u64(..4)) },
        2 => Effect::Status { status: [400, 403, 404, 409, 500, 502][rng.usize(..6)], retry_after: None },
        3 => Effect::Hang,
        4 => Effect::Unreachable,
        5 | 6 => Effect::LoseAnswer,
        7 => Effect::Ignored,
        8 => Effect::Late(millis(rng, 100..=6000)),
        9 => Effect::Slow(millis(rng, 100..=5000)),
        _ => Effect::Status { status: 200, retry_after: None },
    };
    let (method, path) = (METHODS[rng.usize(..METHODS.len())], PATHS[rng.usize(..PATHS.len())]);
    match rng.u8(..3) {
        0 => vec![Fault::on(method, path, effect).nth(rng.usize(1..6))],
        1 => vec![Fault::on(method, path, effect).first(rng.usize(1..6))],
        // A retry that is lied to: the one before it failed honestly.
        _ => vec![
            Fault::on(method, path, Effect::Status { status: 503, retry_after: None }).nth(1),
            Fault::on(method, path, effect).first(rng.usize(1..4)),
        ],
    }
}

fn ambush(rng: &mut Rng) -> (Moment, &'static str, &'static str) {
    let moment = if rng.bool() { Moment::Before } else { Moment::After };
    (moment, METHODS[rng.usize(..METHODS.len())], PATHS[rng.usize(1..PATHS.len())])
}
