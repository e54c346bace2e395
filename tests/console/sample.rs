//! A small fleet by hand: the five bots, two of them in trouble.

use std::sync::Arc;

use estop::{
    domain::{
        Action, Activity, Bot, BotName, BotState, Change, Collateral, Depth, Evidence, Exposure, Fact, Family,
        Findings, Fingerprint, Gap, Holding, HoldingId, HoldingState, Identity, IdentityId, IdentityKind,
        IdentityState, IncidentId, Lane, Level, Lost, ObjectId, OperationId, Plan, Policy, Postcondition, ProviderName,
        Reading, ReadingSet, Reissue, Residual, Restoration, RestoreMode, RestorePlan, Reversibility, Scope, Shared,
        Step, StepId,
    },
    engine::{BotView, Limits, ProviderStatus, Rate, Snapshot},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub fn now() -> Timestamp {
    "2026-03-02T03:04:05Z".parse().unwrap()
}

pub fn before(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

pub fn after(seconds: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

pub fn op(number: u128) -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(number))
}

pub fn incident() -> IncidentId {
    IncidentId::from_uuid(Uuid::from_u128(7))
}

fn identity(provider: &str, name: &str, kind: IdentityKind) -> Identity {
    Identity {
        last_active_at: Some(before(200)),
        ..Identity::new(
            IdentityId::new(ProviderName::new(provider), format!("id-{name}")),
            name,
            kind,
            IdentityState::Live,
        )
    }
}

fn scope(resource: &str, verb: &str, level: Level, mint: bool) -> Scope {
    Scope { resource: resource.into(), verb: verb.into(), level, mint, via: Some("role chatbot".into()) }
}

fn holding(identity: &Identity, lane: Lane, family: Family, name: &str, scopes: Vec<Scope>) -> Holding {
    Holding {
        scopes,
        expires_at: matches!(family, Family::Token).then(|| after(1500)),
        last_used_at: Some(before(180)),
        on_behalf_of: (family == Family::Grant).then(|| "alice".into()),
        ..Holding::new(HoldingId::new(identity.id.clone(), lane.word(), name), lane, family, name, HoldingState::Live)
    }
}

pub fn step(identity: &Identity, lane: Lane, action: &str, target: &str) -> Step {
    Step {
        lane,
        target: target.into(),
        rank: 0,
        gate: lane == Lane::Identity,
        level: Level::Write,
        reversible: if lane == Lane::Tokens { Reversibility::Irreversible } else { Reversibility::Reversible },
        proof: "a later read".to_owned(),
        ..Step::new(
            StepId::of(&identity.id, action, Some(target)),
            identity.id.clone(),
            Action::new(action),
            ObjectId::of(identity.id.provider(), lane.word(), target),
            Postcondition::Equal { fact: "enabled".to_owned(), value: Fact::Bool(false) },
        )
    }
}

/// The steps of the sales bot, in the order of the screen.
pub fn steps() -> Vec<Step> {
    let crm = identity("corp-sso", "bot-sales", IdentityKind::ServiceAccount);
    let pages = identity("warehouse", "bot_sales", IdentityKind::WorkloadCredential);
    vec![
        step(&crm, Lane::Identity, "disable", "client bot-sales"),
        step(&pages, Lane::Identity, "forbid-login", "role bot_sales"),
        step(&crm, Lane::Tokens, "log-out", "session 3f2a of alice"),
        step(&crm, Lane::Tokens, "log-out", "offline session 77c1 of bob"),
        step(&pages, Lane::Tokens, "terminate", "session 4711 from 10.1.2.3"),
        step(&crm, Lane::Connectors, "remove", "role manage-clients of realm-management"),
        step(&crm, Lane::Grants, "withdraw", "consent of alice"),
    ]
}

/// The way back of the helpdesk bot.
pub fn restore_plan(mode: RestoreMode, needs_approval: bool) -> RestorePlan {
    let one = identity("corp-sso", "bot-helpdesk", IdentityKind::DelegatedIntegration);
    let change =
        |what: &str, now: &str, then: &str| Change { what: what.into(), now: now.to_owned(), then: then.to_owned() };
    let rotates = mode == RestoreMode::Rotate;
    let restoration = Restoration {
        first: if rotates { vec![step(&one, Lane::Tokens, "replace", "client secret")] } else { Vec::new() },
        then: vec![
            step(&one, Lane::Connectors, "assign", "role chatbot"),
            step(&one, Lane::Identity, "enable", "client bot-helpdesk"),
        ],
        changes: vec![
            change("client bot-helpdesk: enabled", "false", "true"),
            change("role chatbot", "not assigned", "assigned"),
        ],
        lost: vec![Lost {
            what: "session 3f2a of bob".into(),
            why: "a session cannot be made again: the user signs in anew".to_owned(),
        }],
        reissue: rotates
            .then(|| Reissue {
                what: "client secret".into(),
                place: "Clients > bot-helpdesk > Credentials".to_owned(),
                by: "owner it-desk".to_owned(),
            })
            .into_iter()
            .collect(),
        gaps: Vec::new(),
    };
    RestorePlan::new(BotName::new("helpdesk"), op(1), mode, vec![(one.id, restoration)], needs_approval)
}

fn bot(name: &str, owner: &str, environment: &str, identities: &[&Identity]) -> Bot {
    Bot {
        name: BotName::new(name),
        owner: Some(owner.into()),
        contact: Some(format!("{owner}@corp.example").into()),
        environment: Some(environment.into()),
        protected: false,
        configured: true,
        identities: identities.iter().map(|identity| identity.id.clone()).collect(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "samples read better as values")]
fn view(bot: Bot, state: BotState, identities: Vec<Identity>, readings: ReadingSet, steps: Vec<Step>) -> BotView {
    let hits = if bot.name.raw() == "engineering" {
        vec![Collateral {
            bot: "engineering-staging".to_owned(),
            why: "the same key sha256:5e0c1d2b3a49 opens it".to_owned(),
            opens: None,
        }]
    } else {
        Vec::new()
    };
    let secret = readings.holdings().find(|holding| holding.family == Family::Secret && !hits.is_empty());
    let shared: Vec<Shared> = secret
        .map(|holding| Shared {
            holding: holding.id.clone(),
            fingerprint: Fingerprint::parse("sha256:5e0c1d2b3a49").unwrap(),
            identity: IdentityId::new(ProviderName::new("corp-sso"), "id-bot-engineering-staging"),
            name: None,
            bot: Some(BotName::new("engineering-staging")),
            environment: Some("staging".into()),
        })
        .into_iter()
        .collect();
    let plan = |depth| Arc::new(Plan::new(bot.name.clone(), depth, steps.clone(), &readings, hits.clone()));
    let isolate = plan(Depth::Isolate);
    let findings = Findings::of(&Evidence {
        bot: &bot,
        state,
        identities: &identities,
        readings: &readings,
        plan: &isolate,
        shared: &shared,
        is_own: false,
        isolation: None,
        policy: &Policy::default(),
        now: now(),
    });
    BotView {
        recalled: false,
        findings: if readings.is_empty() { Findings::unread() } else { Arc::new(findings) },
        shared,
        plan: isolate,
        burn: plan(Depth::Burn),
        state,
        last_active_at: readings.iter().flat_map(|reading| &reading.activity).map(|activity| activity.at).max(),
        identities,
        readings: readings.clone(),
        error: None,
        bot,
    }
}

fn act(seconds: i64, action: &str, resource: &str, user: &str, outcome: &str) -> Activity {
    Activity {
        at: before(seconds),
        action: action.into(),
        resource: Some(resource.into()),
        on_behalf_of: Some(user.into()),
        session: None,
        from: Some("10.1.2.3".into()),
        outcome: outcome.into(),
    }
}

fn sales() -> BotView {
    let crm = identity("corp-sso", "bot-sales", IdentityKind::ServiceAccount);
    let pages = identity("warehouse", "bot_sales", IdentityKind::WorkloadCredential);
    let mut read = Reading::of(crm.clone(), before(12));
    let reach = || {
        vec![
            scope("crm", "contacts:export", Level::Export, false),
            scope("calendar", "events:write", Level::Write, false),
        ]
    };
    read.holdings = vec![
        holding(&crm, Lane::Tokens, Family::Secret, "client secret", reach()),
        holding(&crm, Lane::Tokens, Family::Token, "session 3f2a of alice", reach()),
        holding(&crm, Lane::Tokens, Family::Token, "offline session 77c1 of bob", reach()),
        holding(
            &crm,
            Lane::Connectors,
            Family::Role,
            "role manage-clients of realm-management",
            vec![scope("realm chatbots", "manage-clients", Level::Admin, true)],
        ),
        holding(&crm, Lane::Grants, Family::Grant, "consent of alice", reach()),
    ];
    read.residual = vec![Residual {
        identity: crm.id.clone(),
        what: "access tokens checked locally".to_owned(),
        until: Some(after(300)),
        lifetime_ms: Some(300_000),
        source: "realm access-token lifespan".to_owned(),
    }];
    read.exposure = vec![Exposure {
        identity: IdentityId::new(ProviderName::new("corp-sso"), "id-bot-knowledge"),
        name: "bot-knowledge".into(),
        bot: Some("knowledge".into()),
        why: "role manage-clients reads every client's secret".to_owned(),
    }];
    read.activity = vec![
        act(184, "CLIENT_LOGIN", "crm", "alice", "success"),
        act(961, "TOKEN_EXCHANGE", "calendar", "bob", "success"),
        act(4020, "CLIENT_LOGIN", "crm", "mallory", "invalid_client_credentials"),
    ];
    let mut table = Reading::of(pages.clone(), before(9));
    table.holdings = vec![holding(
        &pages,
        Lane::Tokens,
        Family::Token,
        "session 4711 from 10.1.2.3",
        vec![scope("table crm.contacts", "SELECT", Level::Read, false)],
    )];
    let readings = [read, table].into_iter().collect();
    view(bot("sales", "revenue", "production", &[&crm, &pages]), BotState::Live, vec![crm, pages], readings, steps())
}

fn plain(name: &str, owner: &str, environment: &str, level: Level, state: BotState, age: i64) -> BotView {
    let one = identity("corp-sso", &format!("bot-{name}"), IdentityKind::DelegatedIntegration);
    let mut read = Reading::of(one.clone(), before(age));
    let reach = vec![scope("ticket-system", "tickets", level, false)];
    read.holdings = vec![
        holding(&one, Lane::Tokens, Family::Secret, "client secret", reach.clone()),
        holding(&one, Lane::Grants, Family::Grant, "consent of carol", reach),
    ];
    read.activity = vec![act(age + 60, "CLIENT_LOGIN", "tickets", "carol", "success")];
    if name == "compliance" {
        read.gaps = vec![Gap {
            class: None,
            what: "the consents of users were not read".to_owned(),
            permission: Some("view-users".to_owned()),
        }];
    }
    let steps = vec![
        step(&one, Lane::Identity, "disable", &format!("client bot-{name}")),
        step(&one, Lane::Grants, "withdraw", "consent of carol"),
    ];
    let readings = [read].into_iter().collect();
    view(bot(name, owner, environment, &[&one]), state, vec![one], readings, steps)
}

fn unread(name: &str) -> BotView {
    let one = identity("warehouse", &format!("bot_{name}"), IdentityKind::WorkloadCredential);
    let steps = vec![step(&one, Lane::Identity, "forbid-login", &format!("role bot_{name}"))];
    let mut view =
        view(bot(name, "platform", "staging", &[&one]), BotState::Unknown, vec![one], ReadingSet::default(), steps);
    view.error = Some("warehouse: connection refused: check the server or its address".to_owned());
    view
}

/// Seven bots at two providers, and three identities that are none.
pub fn fleet() -> Snapshot {
    let bots = vec![
        plain("compliance", "legal", "production", Level::Read, BotState::Live, 20),
        plain("engineering", "platform", "production", Level::Admin, BotState::Live, 15),
        unread("engineering-staging"),
        plain("helpdesk", "it-desk", "production", Level::Write, BotState::Dark, 30),
        plain("knowledge", "docs", "production", Level::Read, BotState::DarkAt(after(290)), 90),
        plain("payroll", "people", "production", Level::Export, BotState::Partial, 40),
        sales(),
    ];
    let status = |name: &str, kind, complete: bool, error: Option<&str>| ProviderStatus {
        name: ProviderName::new(name),
        kind,
        reachable: true,
        complete,
        read_at: Some(before(9)),
        error: error.map(str::to_owned),
        limits: Limits { rate: (name == "corp-sso").then(|| Rate::per_second(20)), ..Limits::default() },
    };
    Snapshot {
        revision: 3,
        generated_at: now(),
        exercise: None,
        bots: bots.into_iter().map(Arc::new).collect(),
        others: ["reporting-job", "backup", "ci-runner"]
            .map(|name| identity("warehouse", name, IdentityKind::ServiceAccount))
            .to_vec()
            .into(),
        providers: vec![
            status("corp-sso", "sso", true, None),
            status("warehouse", "database", false, Some("one bot could not be read")),
        ],
        notices: Vec::new(),
    }
}
