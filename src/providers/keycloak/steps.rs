//! The steps that isolating or burning one identity takes, as data. Pure.
//!
//! ```text
//! client/UUID    disable ─ remove keys, cut trust ─ new secret ─ delete rotated ─ new registration token
//! user/ACCOUNT   disable ─ log out ─ end sessions ─ roles ─ groups ─ links
//! user/GRANTOR             end sessions ─ end offline sessions ─ withdraw consent
//! initial-access/ID        delete
//! ```
//!
//! The way back, the client's door last:
//!
//! ```text
//! user/ACCOUNT   roles ─ groups ─ links ─ enable ─┐
//! client/UUID    keys, trust ─────────────────────┴─ enable
//! ```
//!
//! One line is one object: its steps go in this order, since writes on the same client or user were measured to lose
//! each other. Lines go in parallel. Of the client's line, isolating takes the gate and foreign trust, burning all.

pub(super) mod back;
pub(super) mod client;
mod user;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{credentials::class, record::hint, token::Own};
use crate::domain::{
    Action, Depth, Holding, HoldingState, Identity, IdentityState, Lane, Level, ObjectId, Postcondition, ProviderName,
    Reading, Reversibility, Step, StepId, Untrusted,
};

/// What a step does; `perform` knows each of them.
pub(super) mod action {
    pub(in super::super) const DISABLE_CLIENT: &str = "disable-client";
    pub(in super::super) const DISABLE_USER: &str = "disable-user";
    pub(in super::super) const LOG_OUT: &str = "log-out";
    pub(in super::super) const END_SESSION: &str = "end-session";
    pub(in super::super) const END_OFFLINE: &str = "end-offline-session";
    pub(in super::super) const WITHDRAW: &str = "withdraw-consent";
    pub(in super::super) const REMOVE_ROLE: &str = "remove-role";
    pub(in super::super) const LEAVE_GROUP: &str = "leave-group";
    pub(in super::super) const UNLINK: &str = "unlink";
    pub(in super::super) const DELETE_INITIAL: &str = "delete-initial-access-token";
    pub(in super::super) const REMOVE_KEYS: &str = "remove-keys";
    pub(in super::super) const CUT_TRUST: &str = "cut-trust";
    pub(in super::super) const NEW_SECRET: &str = "regenerate-secret";
    pub(in super::super) const DELETE_ROTATED: &str = "delete-rotated-secret";
    pub(in super::super) const NEW_REGISTRATION: &str = "rotate-registration-token";
    pub(in super::super) const ENABLE_CLIENT: &str = "enable-client";
    pub(in super::super) const ENABLE_USER: &str = "enable-user";
    pub(in super::super) const ADD_ROLE: &str = "add-role";
    pub(in super::super) const JOIN_GROUP: &str = "join-group";
    pub(in super::super) const LINK_AGAIN: &str = "link";
    pub(in super::super) const RESTORE_KEYS: &str = "restore-keys";
    pub(in super::super) const RESTORE_TRUST: &str = "restore-trust";
}

/// Names of what `perform` needs; values are ids and names, never secrets.
pub(super) mod param {
    pub(in super::super) const CLIENT: &str = "client";
    pub(in super::super) const CLIENT_ID: &str = "client-id";
    pub(in super::super) const USER: &str = "user";
    pub(in super::super) const SESSION: &str = "session";
    pub(in super::super) const CONTAINER: &str = "container";
    pub(in super::super) const ROLE_ID: &str = "role-id";
    pub(in super::super) const ROLE: &str = "role";
    pub(in super::super) const GROUP: &str = "group";
    pub(in super::super) const LINK: &str = "link";
    pub(in super::super) const LINK_USER: &str = "link-user";
    pub(in super::super) const LINK_NAME: &str = "link-name";
    pub(in super::super) const TOKEN: &str = "token";
    pub(in super::super) const ATTRIBUTES: &str = "attributes";
    pub(in super::super) const VALUES: &str = "values";
    pub(in super::super) const AUTHORIZATION: &str = "authorization-services-enabled";
}

/// Of whom, and what we may.
pub(super) struct Plan<'a> {
    pub(super) provider: &'a ProviderName,
    pub(super) own: &'a Own,
    pub(super) identity: &'a Identity,
}

/// What differs from step to step.
struct Draft<'a> {
    action: &'a str,
    qualifier: Option<&'a str>,
    object: (&'a str, &'a str),
    rank: u8,
    lane: Lane,
    target: String,
    permission: &'a str,
    reversible: Reversibility,
    postcondition: Postcondition,
    proof: String,
    manual: String,
    params: Vec<(&'a str, Value)>,
}

impl Plan<'_> {
    pub(super) fn account(&self) -> Option<&str> {
        self.identity.hints.get(hint::SERVICE_ACCOUNT).map(String::as_str)
    }

    pub(super) fn client_name(&self) -> String {
        self.identity.name.shown()
    }

    /// Fills a draft up. What it ends decides its level, its power to mint, and how recently it was used.
    fn step(&self, draft: Draft<'_>, ends: &[&Holding]) -> Step {
        let scopes = || ends.iter().flat_map(|holding| &holding.scopes);
        let missing = (self.own.has(draft.permission) == Some(false)).then(|| draft.permission.to_owned());
        let params: BTreeMap<String, Value> =
            draft.params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Step {
            id: StepId::of(&self.identity.id, draft.action, draft.qualifier),
            identity: self.identity.id.clone(),
            lane: draft.lane,
            action: Action::new(draft.action),
            target: Untrusted::from(draft.target),
            object: ObjectId::of(self.provider, draft.object.0, draft.object.1),
            rank: draft.rank,
            after: Vec::new(),
            holdings: ends.iter().map(|holding| holding.id.clone()).collect(),
            gate: false,
            mint_cut: scopes().any(|scope| scope.mint),
            level: scopes().map(|scope| scope.level).max().unwrap_or(Level::Read),
            last_used_at: ends.iter().filter_map(|holding| holding.last_used_at).max(),
            reversible: draft.reversible,
            postcondition: draft.postcondition,
            proof: draft.proof,
            manual: Some(draft.manual),
            by_hand: false,
            missing_permission: missing,
            params,
        }
    }
}

/// Whether a holding has to be ended: it is there.
pub(super) fn is_there(holding: &Holding) -> bool {
    matches!(holding.state, HoldingState::Live | HoldingState::Gated)
}

/// The gate, from the identity alone.
pub(super) fn gate(provider: &ProviderName, own: &Own, identity: &Identity) -> Vec<Step> {
    let plan = Plan { provider, own, identity };
    gates(&plan, &[])
}

fn gates(plan: &Plan<'_>, holdings: &[Holding]) -> Vec<Step> {
    let mut steps = vec![client::disable(plan, holdings)];
    if let Some(account) = plan.account() {
        steps.push(user::disable(plan, account));
    }
    for step in &mut steps {
        step.gate = true;
    }
    steps
}

/// Everything, gates included. They are idempotent, so they stand in every plan of an identity that is there.
pub(super) fn all(provider: &ProviderName, own: &Own, reading: &Reading, depth: Depth) -> Vec<Step> {
    if reading.identity.state == IdentityState::Gone {
        return Vec::new();
    }
    let plan = Plan { provider, own, identity: &reading.identity };
    let mut steps = gates(&plan, &reading.holdings);
    if let Some(account) = plan.account() {
        steps.push(user::log_out(&plan, account, &reading.holdings));
    }
    for holding in reading.holdings.iter().filter(|holding| is_there(holding)) {
        steps.extend(match holding.id.class() {
            class::SESSION | class::OFFLINE => user::end_session(&plan, holding),
            class::CONSENT => Some(user::withdraw(&plan, holding)),
            class::ROLE => user::remove_role(&plan, holding),
            class::GROUP => user::leave_group(&plan, holding),
            class::LINK => user::unlink(&plan, holding),
            class::INITIAL => Some(client::delete_initial(&plan, holding)),
            class::TRUST => Some(client::cut_trust(&plan, holding)),
            _ => None,
        });
    }
    if depth == Depth::Burn {
        steps.extend(client::burn(&plan, &reading.holdings));
    }
    steps
}

#[cfg(test)]
mod tests;
