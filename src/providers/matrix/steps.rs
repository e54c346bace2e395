//! What isolating an account takes: pure, from a reading.
//!
//! ```text
//! user/ID     0 lock ─▶ 1 deactivate (burn)
//! device/…    delete                           side by side with the lock: a new login is found by the sweep
//! ```
//!
//! Both the lock and deactivation refuse logins and devices' tokens; the lock can be undone, and only the lock refuses
//! what an admin has made. Hence a burned account is deactivated and stays locked.

use std::collections::BTreeMap;

use serde_json::json;

use super::facts::{action, class, fact, param};
use crate::domain::{
    Action, Depth, Fact, Holding, HoldingState, Identity, IdentityState, Lane, Level, ObjectId, Postcondition, Reading,
    Reversibility, Step, StepId, Untrusted,
};

/// Whether it is an account's id, `@local:server`: of anything else no request can be made.
fn is_account(identity: &Identity) -> bool {
    identity.id.native().strip_prefix('@').is_some_and(|rest| rest.contains(':') && !rest.starts_with(':'))
}

/// The step that shuts an account.
pub(super) fn gate(identity: &Identity) -> Vec<Step> {
    if !is_account(identity) || identity.state == IdentityState::Gone {
        return Vec::new();
    }
    vec![Step {
        gate: true,
        mint_cut: identity.attribute("admin").is_some(),
        level: Level::Admin,
        reversible: Reversibility::Reversible,
        postcondition: Postcondition::equal(fact::LOCKED, Fact::Bool(true)),
        proof: "GET v2/users: locked is true".to_owned(),
        params: unseen(identity),
        ..on_account(identity, action::LOCK, 0)
    }]
}

/// A homeserver never gives up an account that it once had, so that one which was listed is changed without a look.
/// What only the configuration names may be a mistake, and `PUT v2/users` makes the account that it does not find.
fn unseen(identity: &Identity) -> BTreeMap<String, serde_json::Value> {
    let is_unseen = identity.state == IdentityState::Unknown;
    is_unseen.then(|| (param::UNSEEN.to_owned(), json!(true))).into_iter().collect()
}

/// Every step.
pub(super) fn steps(reading: &Reading, depth: Depth) -> Vec<Step> {
    let identity = &reading.identity;
    let mut steps = gate(identity);
    if steps.is_empty() {
        return steps;
    }
    let there = reading.holdings.iter().filter(|holding| holding.state != HoldingState::Gone);
    for holding in there {
        match holding.id.class() {
            class::DEVICE => steps.push(end_device(identity, holding)),
            class::SERVICE => steps.push(remove_service(identity, holding)),
            _ => {}
        }
    }
    if depth == Depth::Burn {
        steps.push(deactivate(reading));
    }
    steps
}

fn deactivate(reading: &Reading) -> Step {
    let secrets = reading.holdings.iter().filter(|holding| holding.id.class() == class::PASSWORD);
    Step {
        lane: Lane::Tokens,
        holdings: secrets.map(|holding| holding.id.clone()).collect(),
        level: Level::Write,
        postcondition: Postcondition::All {
            of: vec![
                Postcondition::equal(fact::DEACTIVATED, Fact::Bool(true)),
                Postcondition::equal(fact::LOCKED, Fact::Bool(true)),
            ],
        },
        proof: "GET v2/users: deactivated and locked are true".to_owned(),
        ..on_account(&reading.identity, action::DEACTIVATE, 1)
    }
}

pub(super) fn end_device(identity: &Identity, holding: &Holding) -> Step {
    let device = holding.id.native();
    Step {
        object: ObjectId::of(identity.id.provider(), "device", &format!("{}/{device}", identity.id.native())),
        params: BTreeMap::from([(param::DEVICE.to_owned(), json!(device))]),
        proof: "GET v2/users/…/devices: it is not listed".to_owned(),
        ..on_holding(identity, action::END_DEVICE, holding)
    }
}

fn remove_service(identity: &Identity, holding: &Holding) -> Step {
    let service = Untrusted::new(holding.id.native()).shown();
    Step {
        by_hand: true,
        manual: Some(format!(
            "on the homeserver: take the registration of application service {service} out of \
             app_service_config_files and restart Synapse, or give it a new as_token there; no API ends its token, and \
             the lock does not stop it"
        )),
        reversible: Reversibility::Reversible,
        proof: "none: no API shows an application service's token".to_owned(),
        postcondition: Postcondition::Unreadable { why: "no API lists application services".to_owned() },
        ..on_holding(identity, action::REMOVE_SERVICE, holding)
    }
}

fn on_holding(identity: &Identity, action: &str, holding: &Holding) -> Step {
    Step {
        lane: holding.lane,
        target: holding.name.clone(),
        holdings: vec![holding.id.clone()],
        mint_cut: holding.mints(),
        level: holding.scopes.iter().map(|scope| scope.level).max().unwrap_or_default(),
        last_used_at: holding.last_used_at,
        ..Step::new(
            StepId::of(&identity.id, action, Some(holding.id.native())),
            identity.id.clone(),
            Action::new(action),
            ObjectId::of(identity.id.provider(), holding.id.class(), holding.id.native()),
            Postcondition::Absent { holding: holding.id.clone() },
        )
    }
}

/// A step that writes the account itself.
pub(super) fn on_account(identity: &Identity, action: &str, rank: u8) -> Step {
    Step {
        lane: Lane::Identity,
        target: Untrusted::new(format!("account {}", identity.name.raw())),
        rank,
        last_used_at: identity.last_active_at,
        ..Step::new(
            StepId::of(&identity.id, action, None),
            identity.id.clone(),
            Action::new(action),
            ObjectId::of(identity.id.provider(), "user", identity.id.native()),
            Postcondition::All { of: Vec::new() },
        )
    }
}

#[cfg(test)]
#[path = "steps/tests.rs"]
mod tests;
