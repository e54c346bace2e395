//! What isolating a role takes: pure, from a reading.
//!
//! ```text
//! role/OID     0 disable-login ─▶ 1 clear-password (burn, leaked) ─▶ 2 revoke-member … ─▶ 3 revoke-membership …
//! session/PID  terminate, after disable-login: it would come back through the open door
//! ```
//!
//! The way back is in [`super::restore`].
//!
//! Privileges on tables stay: behind a shut login nobody uses them, and putting them back one by one is what a false
//! alarm would cost. Memberships that open the whole server go, where they can be put back from the snapshot: another
//! session that became this role earlier still has them.

use serde::{Deserialize, Serialize};

use crate::domain::{
    Action, Depth, Fact, Holding, HoldingState, Identity, Lane, Level, ObjectId, Postcondition, Reading, Reversibility,
    Step, StepId, Untrusted,
};

use super::{
    catalog::{Edge, Oid},
    command::Command,
    identity::{self, MINTS, MISSING_ALTER, MISSING_TERMINATE},
};

/// Class of holdings: an open session of the role.
pub const SESSION: &str = "session";
/// Class of holdings: another role that can become it.
pub const MEMBER: &str = "member";
/// Class of holdings: a role that it is a member of.
pub const MEMBERSHIP: &str = "membership";
/// Class of holdings: its password.
pub const PASSWORD: &str = "password";
/// Fact: whether the role may log in.
pub const LOGIN_FACT: &str = "role.login";
/// Fact: whether a password is set; only where it can be read.
pub const PASSWORD_FACT: &str = "role.password";

/// What a later step needs to know about a membership that is to be cut: kept as a hint under
/// [`cut_hint`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The membership, with its options.
    pub edge: Edge,
    /// Whether it is revoked by grantor.
    pub by_grantor: bool,
    /// What is missing to do it.
    pub missing: Option<String>,
    /// The instruction, where estop cannot.
    pub manual: Option<String>,
    /// How it is granted again.
    #[serde(default)]
    pub back: Back,
    /// What falls with it by CASCADE, in the order in which it can be granted again, and how.
    #[serde(default)]
    pub falls: Vec<(Edge, Back)>,
}

/// How a membership is granted again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// Whether the grantor can be named; else the console is the grantor from then on.
    pub by_grantor: bool,
    /// What is missing to do it.
    pub missing: Option<String>,
}

/// The name of the hint of one membership.
pub fn cut_hint(class: &str, native: &str) -> String {
    format!("cut/{class}/{native}")
}

/// The name of the fact that a membership is there; its value are its options. Before version 16 there is one between
/// two roles, whoever granted it.
pub fn edge_fact(is_16: bool, edge: &Edge) -> String {
    let grantor = if is_16 { format!(".{}", edge.grantor) } else { String::new() };
    format!("membership/{}.{}{grantor}", edge.role, edge.member)
}

/// The options of a membership, as its fact has them. Before version 16 the member's own attribute decides whether it
/// inherits.
pub fn edge_options(is_16: bool, edge: &Edge) -> Fact {
    let words = [(edge.admin, "admin"), (is_16 && edge.inherit, "inherit"), (is_16 && edge.set, "set")];
    let words: Vec<&str> = words.into_iter().filter_map(|(on, word)| on.then_some(word)).collect();
    Fact::Text(if words.is_empty() { "plain".to_owned() } else { words.join(" ") })
}

/// A membership's native id: the other role and the grantor (from version 16 on one may be granted by several).
pub fn edge_native(other: Oid, edge: &Edge) -> String {
    format!("{other}.{}", edge.grantor)
}

/// The step that shuts a role.
pub fn gate(identity: &Identity) -> Vec<Step> {
    let Some(role) = identity::oid(identity) else { return Vec::new() };
    let step = Step {
        gate: true,
        mint_cut: identity.hints.contains_key(MINTS),
        level: Level::Admin,
        missing_permission: identity.hints.get(MISSING_ALTER).cloned(),
        proof: "pg_roles: rolcanlogin is false".to_owned(),
        ..on_role(identity, "disable-login", None, 0, &Command::DisableLogin { role })
    };
    vec![Step { postcondition: Postcondition::equal(LOGIN_FACT, Fact::Bool(false)), ..step }]
}

/// Every step.
pub fn steps(reading: &Reading, depth: Depth) -> Vec<Step> {
    let identity = &reading.identity;
    let Some(role) = identity::oid(identity) else { return Vec::new() };
    let gate = gate(identity);
    let gate_id = gate.first().map(|step| step.id.clone());
    let mut steps = gate;
    for holding in reading.holdings.iter().filter(|holding| holding.state != HoldingState::Gone) {
        match holding.id.class() {
            SESSION => steps.extend(terminate(identity, role, holding, gate_id.as_ref())),
            MEMBER | MEMBERSHIP => steps.extend(revoke(identity, holding)),
            PASSWORD if depth == Depth::Burn || holding.leaked => steps.push(clear_password(reading, role, holding)),
            _ => {}
        }
    }
    steps
}

pub(super) fn terminate(identity: &Identity, role: Oid, holding: &Holding, gate: Option<&StepId>) -> Option<Step> {
    let native = holding.id.native();
    let (pid, started) = native.split_once('.').map_or((native, None), |(pid, started)| (pid, Some(started)));
    let command =
        Command::Terminate { role, pid: pid.parse().ok()?, started_us: started.map(str::parse).transpose().ok()? };
    Some(Step {
        lane: Lane::Tokens,
        object: ObjectId::of(identity.id.provider(), "session", native),
        after: gate.cloned().into_iter().collect(),
        missing_permission: identity.hints.get(MISSING_TERMINATE).cloned(),
        // A client connects again once the login is back; the session itself is gone.
        reversible: Reversibility::Irreversible,
        proof: "pg_stat_activity: no such process of that time".to_owned(),
        ..on_holding(identity, "terminate", holding, 1, &command)
    })
}

fn revoke(identity: &Identity, holding: &Holding) -> Option<Step> {
    let (class, native) = (holding.id.class(), holding.id.native());
    let cut: Cut = serde_json::from_str(identity.hints.get(&cut_hint(class, native))?).ok()?;
    let (action, rank) = if class == MEMBER { ("revoke-member", 2) } else { ("revoke-membership", 3) };
    let command = Command::Revoke { edge: cut.edge, by_grantor: cut.by_grantor };
    Some(Step {
        missing_permission: cut.missing,
        by_hand: cut.manual.is_some(),
        manual: cut.manual,
        mint_cut: holding.mints(),
        reversible: Reversibility::FromSnapshot,
        proof: "pg_auth_members: no such row".to_owned(),
        ..on_holding(identity, action, holding, rank, &command)
    })
}

pub(super) fn clear_password(reading: &Reading, role: Oid, holding: &Holding) -> Step {
    let identity = &reading.identity;
    let readable = reading.facts.contains_key(PASSWORD_FACT);
    let postcondition = if readable {
        Postcondition::equal(PASSWORD_FACT, Fact::Text("none".to_owned()))
    } else {
        Postcondition::Unreadable { why: "only a superuser may read whether a password is set".to_owned() }
    };
    Step {
        lane: Lane::Tokens,
        missing_permission: identity.hints.get(MISSING_ALTER).cloned(),
        reversible: Reversibility::Irreversible,
        proof: if readable { "pg_authid: rolpassword is null" } else { "none: it stays behind the shut login" }
            .to_owned(),
        holdings: vec![holding.id.clone()],
        postcondition,
        ..on_role(identity, "clear-password", None, 1, &Command::ClearPassword { role })
    }
}

fn on_holding(identity: &Identity, action: &str, holding: &Holding, rank: u8, command: &Command) -> Step {
    Step {
        lane: holding.lane,
        target: holding.name.clone(),
        holdings: vec![holding.id.clone()],
        level: holding.scopes.iter().map(|scope| scope.level).max().unwrap_or_default(),
        last_used_at: holding.last_used_at,
        postcondition: Postcondition::Absent { holding: holding.id.clone() },
        ..on_role(identity, action, Some(holding.id.native()), rank, command)
    }
}

/// A step that writes the role itself.
pub(super) fn on_role(identity: &Identity, action: &str, qualifier: Option<&str>, rank: u8, command: &Command) -> Step {
    Step {
        lane: Lane::Identity,
        target: Untrusted::new(format!("role {}", identity.name.raw())),
        rank,
        last_used_at: identity.last_active_at,
        reversible: Reversibility::Reversible,
        params: command.params(),
        ..Step::new(
            StepId::of(&identity.id, action, qualifier),
            identity.id.clone(),
            Action::new(action),
            ObjectId::of(identity.id.provider(), "role", identity.id.native()),
            Postcondition::All { of: Vec::new() },
        )
    }
}
