//! Steps on users: the bot's own service-account user, and the users who granted it something.

use serde_json::json;

use super::{Draft, Plan, action, is_there, param};
use crate::domain::{Fact, Holding, Lane, Postcondition, Reversibility, Step};
use crate::providers::keycloak::{credentials::class, record::hint};

const MANAGE_USERS: &str = "manage-users";

fn absent(holding: &Holding) -> Postcondition {
    Postcondition::Absent { holding: holding.id.clone() }
}

/// Tokens that other clients exchanged from the bot's live on when the client is disabled; they end with the user.
pub(super) fn disable(plan: &Plan<'_>, account: &str) -> Step {
    let target = format!("service-account user of {}", plan.client_name());
    let draft = Draft {
        action: action::DISABLE_USER,
        qualifier: None,
        object: ("user", account),
        rank: 0,
        lane: Lane::Identity,
        manual: format!("kcadm.sh update users/{account} -r REALM -s enabled=false"),
        target,
        permission: MANAGE_USERS,
        reversible: Reversibility::Reversible,
        postcondition: Postcondition::equal("user.enabled", Fact::Bool(false)),
        proof: "GET user: enabled is false".to_owned(),
        params: vec![(param::USER, json!(account))],
    };
    plan.step(draft, &[])
}

/// Sets the user's own not-before, which counts whole seconds: it holds once it is later than the gate's second, so
/// that nothing minted in the second of the gate wakes up with the user.
pub(super) fn log_out(plan: &Plan<'_>, account: &str, holdings: &[Holding]) -> Step {
    let ends: Vec<&Holding> =
        holdings.iter().filter(|holding| holding.id.class() == class::TOKENS && is_there(holding)).collect();
    let draft = Draft {
        action: action::LOG_OUT,
        qualifier: None,
        object: ("user", account),
        rank: 1,
        lane: Lane::Tokens,
        target: format!("service-account user of {}", plan.client_name()),
        permission: MANAGE_USERS,
        reversible: Reversibility::Irreversible,
        postcondition: Postcondition::AfterGate { fact: "user.not-before".to_owned() },
        proof: "GET user: notBefore is later than the second of the gate".to_owned(),
        manual: format!("kcadm.sh create users/{account}/logout -r REALM, a second after the client was disabled"),
        params: vec![(param::USER, json!(account))],
    };
    plan.step(draft, &ends)
}

/// Sessions end before consents: a consent that goes first hides the session, and what was exchanged from it lives.
pub(super) fn end_session(plan: &Plan<'_>, holding: &Holding) -> Option<Step> {
    let (user, session) = holding.id.native().split_once('/')?;
    let offline = holding.id.class() == class::OFFLINE;
    let (action, rank, query) =
        if offline { (action::END_OFFLINE, 3, "?isOffline=true") } else { (action::END_SESSION, 2, "") };
    let list = if offline { "offline-sessions" } else { "user-sessions" };
    let draft = Draft {
        action,
        qualifier: Some(session),
        object: ("user", user),
        rank,
        lane: Lane::Tokens,
        target: holding.name.shown(),
        permission: MANAGE_USERS,
        reversible: Reversibility::Irreversible,
        postcondition: Postcondition::All { of: vec![absent(holding), Postcondition::SentAfterGate] },
        proof: format!("GET clients/ID/{list} and users/ID/sessions: it is not listed, ended after the gate"),
        manual: format!("kcadm.sh delete 'sessions/{session}{query}' -r REALM"),
        params: vec![(param::USER, json!(user)), (param::SESSION, json!(session))],
    };
    Some(plan.step(draft, &[holding]))
}

pub(super) fn withdraw(plan: &Plan<'_>, holding: &Holding) -> Step {
    let user = holding.id.native();
    let client = plan.identity.name.raw();
    let draft = Draft {
        action: action::WITHDRAW,
        qualifier: Some(user),
        object: ("user", user),
        rank: 4,
        lane: Lane::Grants,
        target: holding.name.shown(),
        permission: MANAGE_USERS,
        reversible: Reversibility::Irreversible,
        postcondition: absent(holding),
        proof: "GET users/ID/consents: the client is not in it".to_owned(),
        manual: format!("Admin console: Users > {user} > Consents > {} > Revoke", plan.client_name()),
        params: vec![(param::USER, json!(user)), (param::CLIENT_ID, json!(client))],
    };
    plan.step(draft, &[holding])
}

/// One step a role: each may need another permission of ours, and one refusal must not keep the others.
pub(super) fn remove_role(plan: &Plan<'_>, holding: &Holding) -> Option<Step> {
    let account = plan.account()?;
    let mut parts = holding.id.native().splitn(3, '/');
    let (container, id, role) = (parts.next()?, parts.next()?, parts.next()?);
    let draft = Draft {
        action: action::REMOVE_ROLE,
        qualifier: Some(id),
        object: ("user", account),
        rank: 5,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission: permission_for_role(holding),
        reversible: Reversibility::FromSnapshot,
        postcondition: absent(holding),
        proof: "GET users/ID/role-mappings: it is not listed".to_owned(),
        manual: format!(
            "Admin console: Clients > {} > Service account roles > {} > Unassign",
            plan.client_name(),
            holding.name.shown()
        ),
        params: vec![
            (param::USER, json!(account)),
            (param::CONTAINER, json!(container)),
            (param::ROLE_ID, json!(id)),
            (param::ROLE, json!(role)),
        ],
    };
    Some(plan.step(draft, &[holding]))
}

/// What giving or taking a role needs.
pub(super) fn permission_for_role(holding: &Holding) -> &str {
    let Some(role) = holding.id.native().splitn(3, '/').nth(2) else { return MANAGE_USERS };
    let is_admin = holding.scopes.iter().any(|scope| {
        scope.via.is_none() && scope.verb.raw() == role && scope.resource.raw().starts_with("administration of realm ")
    });
    needed_for(role).filter(|_| is_admin).unwrap_or(MANAGE_USERS)
}

/// What taking an admin role away needs beside `manage-users`: as much as the role itself gives. Querying roles need
/// nothing more; for `realm-admin` nothing less than itself will do.
fn needed_for(role: &str) -> Option<&str> {
    match role {
        role if role.starts_with("query-") => None,
        "create-client" => Some("manage-clients"),
        role => Some(role),
    }
}

pub(super) fn leave_group(plan: &Plan<'_>, holding: &Holding) -> Option<Step> {
    let account = plan.account()?;
    let group = holding.id.native();
    let draft = Draft {
        action: action::LEAVE_GROUP,
        qualifier: Some(group),
        object: ("user", account),
        rank: 6,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission: MANAGE_USERS,
        reversible: Reversibility::FromSnapshot,
        postcondition: absent(holding),
        proof: "GET users/ID/groups: it is not listed".to_owned(),
        manual: format!("kcadm.sh delete users/{account}/groups/{group} -r REALM"),
        params: vec![(param::USER, json!(account)), (param::GROUP, json!(group))],
    };
    Some(plan.step(draft, &[holding]))
}

pub(super) fn unlink(plan: &Plan<'_>, holding: &Holding) -> Option<Step> {
    let account = plan.account()?;
    let alias = holding.id.native();
    let draft = Draft {
        action: action::UNLINK,
        qualifier: Some(alias),
        object: ("user", account),
        rank: 7,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission: MANAGE_USERS,
        reversible: if plan.identity.hints.contains_key(&format!("{}{alias}", hint::LINK)) {
            Reversibility::FromSnapshot
        } else {
            Reversibility::Irreversible
        },
        postcondition: absent(holding),
        proof: "GET users/ID/federated-identity: it is not listed".to_owned(),
        manual: format!("kcadm.sh delete users/{account}/federated-identity/{} -r REALM", holding.name.shown()),
        params: vec![(param::USER, json!(account)), (param::LINK, json!(alias))],
    };
    Some(plan.step(draft, &[holding]))
}
