//! Steps that put back what an isolation took: what hangs on the user first, its door next, the client's door last.
//!
//! Each may be repeated: a role that is there, a group that was joined and a switch that is on answer the same again.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Draft, Plan, action, param};
use crate::domain::{Fact, Holding, Lane, Postcondition, Reversibility, Step, StepId};
use crate::providers::keycloak::{facts, record::LinkBack};

const MANAGE_CLIENTS: &str = "manage-clients";
const MANAGE_USERS: &str = "manage-users";

fn is_held(holding: &Holding) -> Postcondition {
    Postcondition::equal(facts::held(&holding.id), Fact::Bool(true))
}

/// The client's door, after everything else. Its not-before stays where it is: back at 0 it would wake every token
/// from before that has not run out.
pub(in super::super) fn enable_client(plan: &Plan<'_>, after: Vec<StepId>) -> Step {
    let (id, name) = (plan.identity.id.native(), plan.client_name());
    let draft = Draft {
        action: action::ENABLE_CLIENT,
        qualifier: None,
        object: ("client", id),
        rank: 9,
        lane: Lane::Identity,
        target: name.clone(),
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Reversible,
        postcondition: Postcondition::equal(facts::CLIENT_ENABLED, Fact::Bool(true)),
        proof: "GET client: enabled is true".to_owned(),
        manual: format!("Admin console: Clients > {name} > switch Enabled on"),
        params: vec![(param::CLIENT, json!(id))],
    };
    Step { after, ..plan.step(draft, &[]) }
}

/// The service-account user's door, behind its roles.
pub(in super::super) fn enable_user(plan: &Plan<'_>, account: &str, after: Vec<StepId>) -> Step {
    let draft = Draft {
        action: action::ENABLE_USER,
        qualifier: None,
        object: ("user", account),
        rank: 8,
        lane: Lane::Identity,
        target: format!("service-account user of {}", plan.client_name()),
        permission: MANAGE_USERS,
        reversible: Reversibility::Reversible,
        postcondition: Postcondition::equal(facts::USER_ENABLED, Fact::Bool(true)),
        proof: "GET user: enabled is true".to_owned(),
        manual: format!("kcadm.sh update users/{account} -r REALM -s enabled=true"),
        params: vec![(param::USER, json!(account))],
    };
    Step { after, ..plan.step(draft, &[]) }
}

/// One role, by what the step that took it says about it.
pub(in super::super) fn add_role(plan: &Plan<'_>, account: &str, taken: &Step, holding: &Holding) -> Step {
    let known = |name: &str| taken.params.get(name).cloned().unwrap_or_default();
    let role = known(param::ROLE_ID);
    // Giving an admin role takes what taking it away took.
    let permission = super::user::permission_for_role(holding);
    let draft = Draft {
        action: action::ADD_ROLE,
        qualifier: role.as_str(),
        object: ("user", account),
        rank: 5,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission,
        reversible: Reversibility::Reversible,
        postcondition: is_held(holding),
        proof: "GET users/ID/role-mappings: it is listed".to_owned(),
        manual: format!(
            "Admin console: Clients > {} > Service account roles > Assign role > {}",
            plan.client_name(),
            holding.name.shown()
        ),
        params: vec![
            (param::USER, json!(account)),
            (param::CONTAINER, known(param::CONTAINER)),
            (param::ROLE_ID, role.clone()),
            (param::ROLE, known(param::ROLE)),
        ],
    };
    plan.step(draft, &[])
}

pub(in super::super) fn join_group(plan: &Plan<'_>, account: &str, holding: &Holding) -> Step {
    let group = holding.id.native();
    let draft = Draft {
        action: action::JOIN_GROUP,
        qualifier: Some(group),
        object: ("user", account),
        rank: 6,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission: MANAGE_USERS,
        reversible: Reversibility::Reversible,
        postcondition: is_held(holding),
        proof: "GET users/ID/groups: it is listed".to_owned(),
        manual: format!("kcadm.sh update users/{account}/groups/{group} -r REALM -n"),
        params: vec![(param::USER, json!(account)), (param::GROUP, json!(group))],
    };
    plan.step(draft, &[])
}

pub(in super::super) fn link(plan: &Plan<'_>, account: &str, holding: &Holding, back: &LinkBack) -> Step {
    let alias = holding.id.native();
    let draft = Draft {
        action: action::LINK_AGAIN,
        qualifier: Some(alias),
        object: ("user", account),
        rank: 7,
        lane: Lane::Connectors,
        target: holding.name.shown(),
        permission: MANAGE_USERS,
        reversible: Reversibility::Reversible,
        postcondition: is_held(holding),
        proof: "GET users/ID/federated-identity: it is listed".to_owned(),
        manual: format!("kcadm.sh create users/{account}/federated-identity/{} -r REALM", holding.name.shown()),
        params: vec![
            (param::USER, json!(account)),
            (param::LINK, json!(alias)),
            (param::LINK_USER, json!(back.user_id)),
            (param::LINK_NAME, json!(back.user_name)),
        ],
    };
    plan.step(draft, &[])
}

/// Values of key or trust attributes, which are public.
pub(in super::super) fn put_attributes(
    plan: &Plan<'_>,
    action: &'static str,
    target: String,
    values: &BTreeMap<&str, &str>,
) -> Step {
    let (id, name) = (plan.identity.id.native(), plan.client_name());
    let names = values.keys().copied().collect::<Vec<_>>().join(", ");
    let reads = values.iter().map(|(name, value)| {
        let fingerprint = crate::domain::Fingerprint::of(value.as_bytes());
        Postcondition::equal(facts::attribute(name), Fact::Text(fingerprint.to_string()))
    });
    let draft = Draft {
        action,
        qualifier: None,
        object: ("client", id),
        rank: 1,
        lane: if action == action::RESTORE_KEYS { Lane::Tokens } else { Lane::Connectors },
        target,
        permission: MANAGE_CLIENTS,
        reversible: Reversibility::Reversible,
        postcondition: Postcondition::All { of: reads.collect() },
        proof: format!("GET client: {names} as before"),
        manual: format!(
            "Admin console: Clients > {name} > Keys or Credentials > set {names} as in the journal's snapshot"
        ),
        params: vec![
            (param::CLIENT, json!(id)),
            (param::VALUES, values.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()),
        ],
    };
    plan.step(draft, &[])
}
