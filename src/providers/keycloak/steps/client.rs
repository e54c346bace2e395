//! Steps on the client, and on the initial access tokens that it made.

use serde_json::{Value, json};

use super::{Draft, Plan, action, is_there, param};
use crate::domain::{Fact, Holding, Lane, Postcondition, Reversibility, Step};
use crate::providers::keycloak::{credentials::class, record::hint};

const MANAGE_CLIENTS: &str = "manage-clients";

fn of_class<'a>(holdings: &'a [Holding], classes: &[&str]) -> Vec<&'a Holding> {
    holdings.iter().filter(|holding| is_there(holding) && classes.contains(&holding.id.class())).collect()
}

fn absent(holdings: &[&Holding]) -> Postcondition {
    let mut of: Vec<Postcondition> =
        holdings.iter().map(|holding| Postcondition::Absent { holding: holding.id.clone() }).collect();
    if of.len() == 1 { of.remove(0) } else { Postcondition::All { of } }
}

impl Plan<'_> {
    /// A step on the client itself. Every PUT needs to know whether it has authorization services: without the flag
    /// the server drops their settings.
    fn on_client(&self, draft: Draft<'_>, ends: &[&Holding]) -> Step {
        let mut step = self.step(draft, ends);
        let id = Value::from(self.identity.id.native());
        step.params.insert(param::CLIENT.to_owned(), id);
        step
    }

    fn authorization(&self) -> Vec<(&'static str, Value)> {
        let flag = self.identity.hints.get(hint::AUTHORIZATION);
        flag.map(|flag| (param::AUTHORIZATION, Value::from(flag == "true"))).into_iter().collect()
    }
}

/// `enabled:false` and a not-before, computed when it is sent: tokens minted between plan and strike die too.
pub(super) fn disable(plan: &Plan<'_>, holdings: &[Holding]) -> Step {
    let name = plan.client_name();
    let tokens = of_class(holdings, &[class::TOKENS]);
    let enabled = Postcondition::equal("client.enabled", Fact::Bool(false));
    let not_before = Postcondition::AtLeastSet { fact: "client.not-before".to_owned() };
    let draft = Draft {
        action: action::DISABLE_CLIENT,
        qualifier: None,
        object: ("client", plan.identity.id.native()),
        rank: 0,
        lane: Lane::Identity,
        target: name.clone(),
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Reversible,
        postcondition: Postcondition::All { of: vec![enabled, not_before] },
        proof: "GET client: enabled is false, notBefore is at least the one sent".to_owned(),
        manual: format!(
            "Admin console: Clients > {name} > switch Enabled off, then Advanced > Revocation > Set to now"
        ),
        params: plan.authorization(),
    };
    plan.on_client(draft, &tokens)
}

/// An assertion of a foreign issuer opens the client: connectors are cut, not gated.
pub(super) fn cut_trust(plan: &Plan<'_>, holding: &Holding) -> Step {
    let name = plan.client_name();
    let mut params = plan.authorization();
    params.push((param::ATTRIBUTES, attributes(plan, hint::TRUST_ATTRIBUTES)));
    let draft = Draft {
        action: action::CUT_TRUST,
        qualifier: None,
        object: ("client", plan.identity.id.native()),
        rank: 1,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission: MANAGE_CLIENTS,
        reversible: from_snapshot(plan, hint::TRUST_ATTRIBUTES),
        postcondition: absent(&[holding]),
        proof: "GET client: no issuer is trusted".to_owned(),
        manual: format!("Admin console: Clients > {name} > Credentials > empty issuer and subject"),
        params,
    };
    plan.on_client(draft, &[holding])
}

/// Ends every long-lived credential. A client that signs JWTs has a secret too; the old secret of a rotation lives on
/// until it is deleted.
pub(in super::super) fn burn(plan: &Plan<'_>, holdings: &[Holding]) -> Vec<Step> {
    let mut steps = Vec::new();
    let keys = of_class(holdings, &[class::KEY]);
    if !keys.is_empty() {
        steps.push(remove_keys(plan, &keys));
    }
    let secrets = of_class(holdings, &[class::SECRET]);
    let rotated = of_class(holdings, &[class::ROTATED]);
    if !secrets.is_empty() || !rotated.is_empty() {
        steps.push(new_secret(plan, &secrets));
        // The secret that has just been replaced becomes the rotated one.
        let both: Vec<&Holding> = secrets.iter().chain(&rotated).copied().collect();
        steps.push(delete_rotated(plan, &both));
    }
    let registration = of_class(holdings, &[class::REGISTRATION]);
    if !registration.is_empty() {
        steps.push(new_registration(plan, &registration));
    }
    steps
}

/// Ends the long-lived credentials that are known to have leaked, and no more than those where the server can tell them
/// apart: keys stand in one attribute, and the new secret pushes out the rotated one.
pub(super) fn end_leaked(plan: &Plan<'_>, holdings: &[Holding]) -> Vec<Step> {
    let leaked = |class: &str| holdings.iter().any(|one| one.leaked && is_there(one) && one.id.class() == class);
    let also = |class: &'static str, when: bool| when.then_some(class);
    let (secret, registration) = (leaked(class::SECRET), leaked(class::REGISTRATION));
    let ended = [
        also(class::KEY, leaked(class::KEY)),
        also(class::SECRET, secret),
        also(class::ROTATED, secret || leaked(class::ROTATED)),
        also(class::REGISTRATION, registration),
    ];
    let taken = |one: &&Holding| ended.contains(&Some(one.id.class()));
    let taken: Vec<Holding> = holdings.iter().filter(taken).cloned().collect();
    if secret || taken.iter().all(|one| one.id.class() != class::ROTATED) {
        return burn(plan, &taken);
    }
    // Only the rotated one: the secret in use stays, gated.
    let rotated = of_class(&taken, &[class::ROTATED]);
    let rest: Vec<Holding> = taken.iter().filter(|one| one.id.class() != class::ROTATED).cloned().collect();
    let mut steps = burn(plan, &rest);
    steps.push(delete_rotated(plan, &rotated));
    steps
}

fn remove_keys(plan: &Plan<'_>, keys: &[&Holding]) -> Step {
    let name = plan.client_name();
    let mut params = plan.authorization();
    params.push((param::ATTRIBUTES, attributes(plan, hint::KEY_ATTRIBUTES)));
    let draft = Draft {
        action: action::REMOVE_KEYS,
        qualifier: None,
        object: ("client", plan.identity.id.native()),
        rank: 1,
        lane: Lane::Tokens,
        target: format!("{} of {name}", counted(keys.len(), "key")),
        permission: MANAGE_CLIENTS,
        reversible: from_snapshot(plan, hint::KEY_ATTRIBUTES),
        postcondition: absent(keys),
        proof: "GET client: jwks.string is empty".to_owned(),
        manual: format!("Admin console: Clients > {name} > Keys > remove the JWKS or the certificate"),
        params,
    };
    plan.on_client(draft, keys)
}

fn new_secret(plan: &Plan<'_>, secrets: &[&Holding]) -> Step {
    let name = plan.client_name();
    // Under a rotation policy the old secret goes on as the rotated one: another class, ended by the next step.
    let draft = Draft {
        action: action::NEW_SECRET,
        qualifier: None,
        object: ("client", plan.identity.id.native()),
        rank: 2,
        lane: Lane::Tokens,
        target: format!("secret of {name}"),
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Irreversible,
        postcondition: absent(secrets),
        proof: "GET client: the secret has another fingerprint".to_owned(),
        manual: format!("Admin console: Clients > {name} > Credentials > Client secret > Regenerate"),
        params: Vec::new(),
    };
    plan.on_client(draft, secrets)
}

pub(in super::super) fn delete_rotated(plan: &Plan<'_>, ends: &[&Holding]) -> Step {
    let name = plan.client_name();
    let of = ends
        .iter()
        .map(|holding| Postcondition::Absent {
            holding: crate::domain::HoldingId::new(plan.identity.id.clone(), class::ROTATED, holding.id.native()),
        })
        .collect();
    let rotated: Vec<&Holding> = ends.iter().filter(|holding| holding.id.class() == class::ROTATED).copied().collect();
    let draft = Draft {
        action: action::DELETE_ROTATED,
        qualifier: None,
        object: ("client", plan.identity.id.native()),
        rank: 3,
        lane: Lane::Tokens,
        target: format!("rotated secret of {name}"),
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Irreversible,
        postcondition: Postcondition::All { of },
        proof: "GET client: there is no rotated secret".to_owned(),
        manual: format!("Admin console: Clients > {name} > Credentials > Rotated secret > Invalidate"),
        params: Vec::new(),
    };
    plan.on_client(draft, &rotated)
}

fn new_registration(plan: &Plan<'_>, ends: &[&Holding]) -> Step {
    let name = plan.client_name();
    let why = "no API tells whether a registration access token exists".to_owned();
    let draft = Draft {
        action: action::NEW_REGISTRATION,
        qualifier: None,
        object: ("client", plan.identity.id.native()),
        rank: 4,
        lane: Lane::Tokens,
        target: format!("registration access token of {name}"),
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Irreversible,
        postcondition: Postcondition::Unreadable { why },
        proof: "none: the gate stands in for it".to_owned(),
        manual: format!("Admin console: Clients > {name} > Credentials > Registration access token > Regenerate"),
        params: Vec::new(),
    };
    plan.on_client(draft, ends)
}

pub(super) fn delete_initial(plan: &Plan<'_>, holding: &Holding) -> Step {
    let id = holding.id.native();
    let draft = Draft {
        action: action::DELETE_INITIAL,
        qualifier: Some(id),
        object: ("initial-access", id),
        rank: 1,
        lane: Lane::Tokens,
        target: holding.name.shown(),
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Irreversible,
        postcondition: absent(&[holding]),
        proof: "GET clients-initial-access: it is not listed".to_owned(),
        manual: format!("Admin console: Clients > Initial access token > {id} > Delete"),
        params: vec![(param::TOKEN, json!(id))],
    };
    plan.step(draft, &[holding])
}

/// Whether the values that go are all public, and therefore in the snapshot.
fn from_snapshot(plan: &Plan<'_>, names: &str) -> Reversibility {
    let hints = &plan.identity.hints;
    let names = hints.get(names).map(String::as_str).unwrap_or_default();
    let kept = names.split_whitespace().all(|name| hints.contains_key(&format!("{}{name}", hint::ATTRIBUTE)));
    if kept { Reversibility::FromSnapshot } else { Reversibility::Irreversible }
}

fn attributes(plan: &Plan<'_>, hint: &str) -> Value {
    let names = plan.identity.hints.get(hint).map(String::as_str).unwrap_or_default();
    json!(names.split_whitespace().collect::<Vec<_>>())
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
