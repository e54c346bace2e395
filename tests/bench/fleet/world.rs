//! A fleet as large as one likes, the same for the same seed.

use std::sync::Arc;

use estop::{
    domain::{
        Activity, Bot, BotName, BotState, Depth, Family, Findings, Holding, HoldingId, HoldingState, Identity,
        IdentityId, IdentityKind, IdentityState, Lane, Level, Plan, ProviderName, Reading, ReadingSet, Scope,
    },
    engine::{BotView, Limits, ProviderStatus, Snapshot},
};
use jiff::{SignedDuration, Timestamp};

const TEAMS: [&str; 10] =
    ["support", "sales", "payroll", "legal", "platform", "research", "it-desk", "docs", "revenue", "people"];
const TASKS: [&str; 16] = [
    "summary",
    "router",
    "exporter",
    "assistant",
    "indexer",
    "notifier",
    "sync",
    "report",
    "backup",
    "ingest",
    "translator",
    "classifier",
    "scheduler",
    "bridge",
    "crawler",
    "gateway",
];
const PLACES: [&str; 8] = ["eu-west", "eu-north", "us-east", "us-west", "ap-south", "lab", "edge", "core"];
const ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];
const PROVIDERS: [&str; 4] = ["corp-sso", "warehouse", "code-host", "chat"];

/// When all of it was read.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_772_420_645).unwrap()
}

fn pick<'a>(random: &mut fastrand::Rng, from: &[&'a str]) -> &'a str {
    from[random.usize(..from.len())]
}

fn before(random: &mut fastrand::Rng, most: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(random.i64(1..most))).unwrap()
}

/// A name of the usual length, such as `payroll-exporter-eu-west-00417`.
fn name(random: &mut fastrand::Rng, number: usize) -> String {
    format!("{}-{}-{}-{number:06}", pick(random, &TEAMS), pick(random, &TASKS), pick(random, &PLACES))
}

fn identity(random: &mut fastrand::Rng, providers: &[ProviderName], number: usize) -> Identity {
    // Ids of the usual length: UUIDs.
    let native = uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid().to_string();
    let state =
        [IdentityState::Live, IdentityState::Live, IdentityState::Live, IdentityState::Gated, IdentityState::Unknown];
    let kinds = [IdentityKind::ServiceAccount, IdentityKind::ApiToken, IdentityKind::WorkloadCredential];
    Identity {
        last_active_at: Some(before(random, 9_000_000)),
        ..Identity::new(
            IdentityId::new(providers[random.usize(..providers.len())].clone(), native),
            name(random, number),
            kinds[random.usize(..kinds.len())],
            state[random.usize(..state.len())],
        )
    }
}

fn bot(random: &mut fastrand::Rng, identity: Identity) -> BotView {
    let mut reading = Reading::of(identity.clone(), before(random, 50));
    let level = [Level::Read, Level::Write, Level::Export, Level::Admin][random.usize(..4)];
    let scope = Scope { resource: "crm".into(), verb: "contacts".into(), level, mint: random.bool(), via: None };
    let id = HoldingId::new(identity.id.clone(), "client-secret", "1");
    let holding = Holding::new(id, Lane::Tokens, Family::Secret, "client secret", HoldingState::Live);
    reading.holdings = vec![Holding { scopes: vec![scope], ..holding }];
    reading.activity = (0..random.usize(..6))
        .map(|_| Activity {
            at: before(random, 4000),
            action: "CLIENT_LOGIN".into(),
            resource: None,
            on_behalf_of: None,
            session: None,
            from: None,
            outcome: "success".into(),
        })
        .collect();
    let readings: ReadingSet = [reading].into_iter().collect();
    let bot = Bot {
        name: BotName::new(identity.name.raw()),
        owner: Some(pick(random, &TEAMS).into()),
        contact: None,
        environment: Some(pick(random, &ENVIRONMENTS).into()),
        protected: false,
        configured: true,
        identities: vec![identity.id.clone()],
    };
    let plan = |depth| Arc::new(Plan::new(bot.name.clone(), depth, Vec::new(), &readings, Vec::new()));
    let state = [BotState::Live, BotState::Live, BotState::Live, BotState::Dark, BotState::Partial][random.usize(..5)];
    BotView {
        recalled: false,
        plan: plan(Depth::Isolate),
        burn: plan(Depth::Burn),
        state,
        last_active_at: Some(before(random, 4000)),
        identities: vec![identity],
        readings: readings.clone(),
        shared: Vec::new(),
        findings: Findings::unread(),
        error: None,
        bot,
    }
}

/// So many bots and so many other identities.
pub fn fleet(seed: u64, bots: usize, others: usize) -> Snapshot {
    let mut random = fastrand::Rng::with_seed(seed);
    let providers = PROVIDERS.map(ProviderName::new);
    let mut mine: Vec<BotView> = (0..bots)
        .map(|number| {
            let identity = identity(&mut random, &providers, number);
            bot(&mut random, identity)
        })
        .collect();
    mine.sort_by(|a, b| a.bot.name.cmp(&b.bot.name));
    let mut rest: Vec<Identity> = (0..others).map(|number| identity(&mut random, &providers, bots + number)).collect();
    rest.sort_by(|a, b| a.id.cmp(&b.id));
    let status = |name: &ProviderName| ProviderStatus {
        name: name.clone(),
        kind: "simulated",
        reachable: true,
        complete: true,
        read_at: Some(now()),
        error: None,
        limits: Limits::default(),
    };
    Snapshot {
        revision: 1,
        generated_at: now(),
        exercise: None,
        bots: mine.into_iter().map(Arc::new).collect(),
        others: rest.into(),
        providers: providers.iter().map(status).collect(),
        notices: Vec::new(),
    }
}
