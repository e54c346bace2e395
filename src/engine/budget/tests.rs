//! Who goes when, under paused time.

use std::sync::Mutex as StdMutex;

use jiff::Timestamp;

use super::*;
use crate::{domain::Level, engine::ManualClock};

fn budget(limits: Limits) -> Budget {
    Budget::new(limits, Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)))
}

fn limits(rate: Option<Rate>) -> Limits {
    Limits { concurrent_writes: 8, concurrent_reads: 8, rate, ..Limits::default() }
}

fn urgency(gate: bool, mint: bool, level: Level, used: i64) -> Urgency {
    let step = errand::tests::step(gate, mint, level, Timestamp::from_second(used).ok());
    Urgency::of(&step)
}

fn plain() -> Urgency {
    urgency(false, false, Level::Read, 0)
}

fn ms() -> impl Fn() -> u128 {
    let began = tokio::time::Instant::now();
    move || began.elapsed().as_millis()
}

/// Lets every task that can run do so, without time passing.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn when_slots_bind_gates_and_minting_go_first_then_level_then_recency() {
    let budget = budget(Limits { concurrent_writes: 1, ..limits(None) });
    let busy = budget.line_up(plain()).await;
    let order = Arc::new(StdMutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    let wanted = [
        ("gate", urgency(true, false, Level::Read, 0)),
        ("mint", urgency(false, true, Level::Read, 0)),
        ("admin", urgency(false, false, Level::Admin, 5)),
        ("export", urgency(false, false, Level::Export, 9)),
        ("write, used later", urgency(false, false, Level::Write, 8)),
        ("write, used earlier", urgency(false, false, Level::Write, 7)),
        ("read", urgency(false, false, Level::Read, 99)),
    ];
    for (name, urgency) in wanted.iter().rev() {
        let (turn, order, name) = (budget.line_up(*urgency), order.clone(), *name);
        tasks.spawn(async move {
            let _permit = turn.await;
            order.lock().expect("no panic").push(name);
        });
    }
    settle().await;
    assert!(order.lock().expect("no panic").is_empty());
    drop(busy);
    while tasks.join_next().await.is_some() {}
    assert_eq!(*order.lock().expect("no panic"), wanted.map(|(name, _)| name));
}

#[tokio::test(start_paused = true)]
async fn no_second_holds_more_than_the_rate_and_reads_have_half() {
    for reads in [true, false] {
        let budget = budget(limits(Some(Rate::per_second(20))));
        let began = ms();
        let mut times: Vec<u128> = Vec::new();
        for _ in 0..100 {
            let permit = if reads { budget.admit(false).await } else { budget.line_up(plain()).await };
            times.push(began());
            drop(permit);
        }
        let most = if reads { 10 } else { 20 };
        for (index, at) in times.iter().enumerate() {
            let within = times[index..].iter().take_while(|other| **other < at + 1000).count();
            assert!(within <= most, "{within} within a second, reads: {reads}");
        }
        let bound = u128::from(100_u32 * 1000) / most as u128;
        assert!(*times.last().expect("some") <= bound * 115 / 100, "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mutation_overtakes_reads_and_refreshes_pause_while_one_is_on_the_wire() {
    let budget = budget(Limits { concurrent_reads: 1, ..limits(None) });
    let strike = budget.line_up(plain()).await;
    let refresh = tokio::spawn({
        let budget = budget.clone();
        async move { drop(budget.admit(false).await) }
    });
    settle().await;
    assert!(!refresh.is_finished());
    // What belongs to the strike is read meanwhile, and estop's own token is fetched.
    drop(on_behalf(Purpose::Proof, budget.admit(false)).await);
    drop(on_behalf(Purpose::Access, budget.admit(false)).await);
    assert!(!refresh.is_finished());
    drop(strike);
    refresh.await.expect("it goes on");
}

#[tokio::test(start_paused = true)]
async fn reads_wait_in_line_behind_mutations_that_the_rate_holds_up() {
    let budget = budget(limits(Some(Rate { requests: 10, per: Duration::from_secs(1), burst: 1, hard: true })));
    let began = ms();
    let turns: Vec<Turn> = (0..10).map(|_| budget.line_up(plain())).collect();
    let proof = tokio::spawn({
        let budget = budget.clone();
        on_behalf(Purpose::Proof, async move { drop(budget.admit(false).await) })
    });
    let caught_up = async {
        budget.caught_up().await;
        began()
    };
    let strikes = async {
        for turn in turns {
            drop(turn.await);
        }
        began()
    };
    let (caught_up, struck) = tokio::join!(caught_up, strikes);
    assert!((900..=1000).contains(&struck) && caught_up == struck, "{struck} {caught_up}");
    proof.await.expect("it goes last");
    assert!(began() > struck);
}

#[tokio::test(start_paused = true)]
async fn a_refused_mutation_holds_up_all_but_gates_and_a_refused_read_holds_up_reads() {
    let throttled = |seconds| Feedback { throttled: true, retry_after: Some(Duration::from_secs(seconds)), left: None };
    let budget = budget(limits(None));
    let began = ms();
    let read = budget.admit(false).await;
    budget.observe(&read, &throttled(3));
    drop(read);
    let strike = budget.line_up(plain()).await;
    assert!(began() <= 1000, "no revocation waits for what a read was refused: {}", began());
    budget.observe(&strike, &throttled(86_400));
    drop(strike);
    drop(budget.line_up(urgency(true, false, Level::Read, 0)).await);
    assert!(began() <= 1000, "an open door waits for nothing: {}", began());
    drop(budget.line_up(plain()).await);
    assert!((5_000..=7_000).contains(&began()), "up to a cap: {}", began());
}

#[tokio::test(start_paused = true)]
async fn a_declared_hard_rate_holds_up_gates_too_and_a_recommended_one_does_not() {
    for (hard, waits) in [(true, true), (false, false)] {
        let budget = budget(limits(Some(Rate { requests: 1, per: Duration::from_secs(10), burst: 1, hard })));
        let began = ms();
        drop(budget.line_up(plain()).await);
        drop(budget.line_up(urgency(true, false, Level::Admin, 0)).await);
        assert_eq!(began() >= 9_000, waits, "{}", began());
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_takes_nothing_along() {
    let budget = budget(Limits { concurrent_writes: 1, ..limits(None) });
    let busy = budget.line_up(plain()).await;
    let (impatient, patient) = (budget.line_up(plain()), budget.line_up(plain()));
    drop(impatient);
    // Granted and never asked for: the slot comes back.
    let granted = budget.line_up(plain());
    drop(busy);
    drop(patient.await);
    drop(granted);
    drop(budget.line_up(plain()).await);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_admitted_sends_its_one_mutation_at_once_and_reads_at_the_rate() {
    let budget = budget(limits(Some(Rate { requests: 2, per: Duration::from_secs(1), burst: 1, hard: true })));
    let began = ms();
    let permit = budget.line_up(plain()).await;
    let sending = async {
        drop(budget.admit(true).await);
        let mutation = began();
        drop(budget.admit(false).await);
        (mutation, began())
    };
    let (mutation, read) = performing(plain(), &OneMutation::new(), sending).await;
    drop(permit);
    assert_eq!(mutation, 0);
    assert!((499..=501).contains(&read), "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_window_that_runs_low_is_left_to_isolations() {
    let budget = budget(limits(None));
    let began = ms();
    let read = budget.admit(false).await;
    let left = Left { remaining: 20, limit: Some(100), resets_in: Duration::from_secs(4) };
    budget.observe(&read, &Feedback { left: Some(left), ..Feedback::default() });
    drop(read);
    drop(on_behalf(Purpose::Proof, budget.admit(false)).await);
    assert_eq!(began(), 0);
    drop(budget.admit(false).await);
    assert!((4_000..=4_001).contains(&began()), "{}", began());
    let last = budget.line_up(plain()).await;
    let left = Left { remaining: 0, limit: Some(100), resets_in: Duration::from_secs(2) };
    budget.observe(&last, &Feedback { left: Some(left), ..Feedback::default() });
    drop(last);
    drop(budget.line_up(plain()).await);
    assert!((6_000..=6_002).contains(&began()), "{}", began());
}
