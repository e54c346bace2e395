//! A small fleet for the golden documents.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    domain::{
        Action, Activity, Bot, BotName, BotState, Depth, Evidence, Exposure, Fact, Family, Findings, Fingerprint, Gap,
        Holding, HoldingId, HoldingState, Identity, IdentityId, IdentityKind, IdentityState, Lane, Level, ObjectId,
        Plan, Policy, Postcondition, ProviderName, Reading, ReadingSet, Residual, Reversibility, Scope, Step, StepId,
    },
    engine::{BotView, Limits, ProviderStatus, Snapshot},
};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    at("2026-08-21T09:00:00Z")
}

pub fn identity(provider: &str, native: &str, name: &str) -> Identity {
    Identity::new(
        IdentityId::new(ProviderName::new(provider), native),
        name,
        IdentityKind::DelegatedIntegration,
        IdentityState::Live,
    )
}

pub fn step(identity: &IdentityId, lane: Lane, action: &str, target: &str, reversible: Reversibility) -> Step {
    Step {
        lane,
        target: target.into(),
        rank: u8::from(lane != Lane::Identity),
        gate: lane == Lane::Identity,
        level: Level::Write,
        reversible,
        proof: "GET client: enabled is false".into(),
        ..Step::new(
            StepId::of(identity, action, Some(target)),
            identity.clone(),
            Action::new(action),
            ObjectId::of(identity.provider(), "client", identity.native()),
            Postcondition::Equal { fact: "client.enabled".into(), value: Fact::Bool(false) },
        )
    }
}

fn helpdesk_reading(identity: &Identity) -> Reading {
    let mut reading = Reading::of(identity.clone(), at("2026-08-21T08:59:30Z"));
    let scope = Scope {
        resource: "ticket-system".into(),
        verb: "tickets:write".into(),
        level: Level::Write,
        mint: false,
        via: Some("client scope tickets".into()),
    };
    let holding = |lane, family, class: &str, native: &str, name: &str| Holding {
        scopes: vec![scope.clone()],
        issued_at: Some(at("2026-08-01T10:00:00.5Z")),
        fingerprint: (family == Family::Secret).then(|| Fingerprint::of(b"not the secret")),
        on_behalf_of: (family == Family::Grant).then(|| "alice".into()),
        ..Holding::new(HoldingId::new(identity.id.clone(), class, native), lane, family, name, HoldingState::Live)
    };
    reading.holdings = vec![
        holding(Lane::Tokens, Family::Secret, "client-secret", "current", "client secret"),
        holding(Lane::Grants, Family::Grant, "consent", "alice", "consent of alice"),
    ];
    reading.activity = vec![Activity {
        at: at("2026-08-21T08:58:00Z"),
        action: "CODE_TO_TOKEN".into(),
        resource: None,
        on_behalf_of: Some("alice".into()),
        session: Some("3f2a".into()),
        from: Some("203.0.113.7".into()),
        outcome: "success".into(),
    }];
    reading.gaps =
        vec![Gap { class: None, what: "admin events were not read".into(), permission: Some("view-events".into()) }];
    reading.exposure = vec![Exposure {
        identity: IdentityId::new(ProviderName::new("corp-sso"), "other"),
        name: "other".into(),
        bot: None,
        why: "role manage-clients reads every client's secret".into(),
    }];
    reading.residual = vec![Residual {
        identity: identity.id.clone(),
        what: "access tokens checked locally".into(),
        until: None,
        lifetime_ms: Some(300_000),
        source: "realm access-token lifespan".into(),
    }];
    reading
}

pub fn view(name: &str, configured: bool, identities: Vec<Identity>, readings: ReadingSet) -> Arc<BotView> {
    let steps: Vec<Step> = readings
        .iter()
        .flat_map(|reading| {
            let id = &reading.identity.id;
            [
                step(id, Lane::Identity, "disable", "client", Reversibility::Reversible),
                step(id, Lane::Grants, "revoke", "consent of alice", Reversibility::Irreversible),
            ]
        })
        .collect();
    let plan = |depth| Arc::new(Plan::new(BotName::new(name), depth, steps.clone(), &readings, Vec::new()));
    let bot = Bot {
        name: BotName::new(name),
        owner: Some("support-platform".into()),
        contact: Some("#support".into()),
        environment: Some("production".into()),
        protected: false,
        configured,
        identities: identities.iter().map(|identity| identity.id.clone()).collect(),
    };
    let isolate = plan(Depth::Isolate);
    let findings = Findings::of(&Evidence {
        bot: &bot,
        state: BotState::Live,
        identities: &identities,
        readings: &readings,
        plan: &isolate,
        shared: &[],
        is_own: false,
        isolation: None,
        policy: &Policy::default(),
        now: now(),
    });
    Arc::new(BotView {
        recalled: false,
        findings: if readings.is_empty() { Findings::unread() } else { Arc::new(findings) },
        bot,
        state: BotState::Live,
        plan: isolate,
        burn: plan(Depth::Burn),
        shared: Vec::new(),
        last_active_at: Some(at("2026-08-21T08:58:00Z")),
        error: None,
        identities,
        readings,
    })
}

/// One configured bot that was read, two twins that were not, one identity of no bot, one provider that is away.
pub fn snapshot() -> Snapshot {
    let helpdesk = identity("corp-sso", "5e0c", "helpdesk-bot");
    let readings = ReadingSet::from_iter([helpdesk_reading(&helpdesk)]);
    let provider = |name: &str, kind, reachable: bool| ProviderStatus {
        name: ProviderName::new(name),
        kind,
        reachable,
        complete: reachable,
        read_at: reachable.then(now),
        error: (!reachable).then(|| "db.example.com refused the connection: start it or correct its url".into()),
        limits: Limits::default(),
    };
    Snapshot {
        revision: 1,
        generated_at: now(),
        exercise: None,
        bots: vec![
            view("corp-sso:t1", false, vec![identity("corp-sso", "t1", "twin")], ReadingSet::default()),
            view("docs-db:t2", false, vec![identity("docs-db", "t2", "twin")], ReadingSet::default()),
            view("helpdesk", true, vec![helpdesk], readings),
        ],
        others: vec![identity("corp-sso", "other", "other")].into(),
        providers: vec![provider("corp-sso", "keycloak", true), provider("docs-db", "postgres", false)],
        notices: vec!["twin is the name of several identities: they are listed by id".into()],
    }
}
