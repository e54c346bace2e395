//! One role as it was read: what it holds, what still acts as it, what is not known.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{
    Fact, Family, Gap, Holding, HoldingId, HoldingState, Identity, IdentityState, Lane, ProviderName, Reading, Scope,
};

use super::{
    activity,
    catalog::{Belongings, Catalog, Edge, Oid, Reach, Role, Session},
    exposure, identity,
    memory::{self, Members},
    permission, scopes,
    steps::{self, Back, Cut},
};

/// Class of holdings: sessions of members that may have become the role.
pub const SET_ROLE_SESSION: &str = "set-role-session";
/// Newest activities that a reading brings along.
const ACTIVITIES: usize = 20;

/// What a reading is made of.
pub struct Look<'a> {
    /// The provider's name.
    pub provider: &'a ProviderName,
    /// Roles, memberships, sessions.
    pub catalog: &'a Catalog,
    /// What the role has; empty where it is gone.
    pub belongings: &'a Belongings,
    /// Who could become it, and until when.
    pub members: &'a Members,
    /// When the read began.
    pub read_at: Timestamp,
}

/// Reads one identity out of a look.
///
/// A role that was dropped keeps its open sessions: they are listed, and can be ended.
pub fn reading(look: &Look<'_>, asked: &Identity) -> Reading {
    let Some(oid) = identity::oid(asked) else { return gone(asked, look.read_at) };
    let mut reading = match look.catalog.roles.get(&oid) {
        Some(role) => present(look, role),
        None => gone(asked, look.read_at),
    };
    let acting = reading.holdings.iter().find(|h| h.id.class() == steps::PASSWORD).map(|h| h.scopes.clone());
    let acting = vec![scopes::acting_as(&look.catalog.name(oid), &acting.unwrap_or_default())];
    for session in look.catalog.sessions_of(oid) {
        reading.holdings.push(session_holding(&reading.identity, session, &acting));
    }
    for session in memory::suspects(look.catalog, look.members).filter(|session| session.user != oid) {
        reading.holdings.push(suspect_holding(look.catalog, &reading.identity, session, &acting));
    }
    if !look.catalog.console.sees_sessions && !look.catalog.is_superuser() {
        reading.gaps.push(Gap {
            class: Some(steps::SESSION.to_owned()),
            what: "when sessions began and what they do is hidden".to_owned(),
            permission: Some("pg_read_all_stats".to_owned()),
        });
    }
    reading.activity = activity::activity(look.catalog, oid, None, ACTIVITIES);
    reading
}

fn gone(asked: &Identity, read_at: Timestamp) -> Reading {
    let mut reading = Reading::of(Identity { state: IdentityState::Gone, ..asked.clone() }, read_at);
    reading.facts.insert(steps::LOGIN_FACT.to_owned(), Fact::Bool(false));
    reading
}

fn present(look: &Look<'_>, role: &Role) -> Reading {
    let catalog = look.catalog;
    let mut reading = Reading::of(identity::identity(look.provider, catalog, role), look.read_at);
    reading.facts = facts(role, look.belongings);
    let is_16 = catalog.console.is_16();
    let own = catalog.edges.of_role(role.oid).chain(catalog.edges.of_member(role.oid));
    let given = catalog.edges.iter().filter(|edge| is_16 && edge.grantor == role.oid);
    let edges = own.chain(given).map(|edge| (steps::edge_fact(is_16, edge), steps::edge_options(is_16, edge)));
    reading.facts.extend(edges);
    let reach = catalog.reach(role.oid);
    let all = scopes::scopes(catalog, role.oid, &reach, look.belongings);
    let acting = vec![scopes::acting_as(&role.name, &all)];
    let mut maker = Maker { look, role, reading: &mut reading };
    maker.password(all);
    maker.memberships();
    maker.members(&acting);
    maker.leftovers(&reach, &acting);
    reading.exposure = exposure::exposure(look.provider, catalog, role.oid, look.belongings);
    // Whoever reads after a restart must know who could become it, also when it is already revoked.
    let known: Vec<String> = look.members.keys().map(Oid::to_string).collect();
    if !known.is_empty() {
        reading.identity.hints.insert(identity::MEMBERS.to_owned(), known.join(","));
    }
    reading
}

fn facts(role: &Role, belongings: &Belongings) -> BTreeMap<String, Fact> {
    let password = belongings.has_password.map(|has| if has { "set" } else { "none" }.to_owned());
    [
        (steps::LOGIN_FACT, Some(Fact::Bool(role.login))),
        ("role.connection-limit", Some(Fact::Int(role.connection_limit.into()))),
        // It ends the password only, and only for the next login: no proof of a gate.
        ("role.valid-until", role.valid_until_ms.map(|ms| Fact::Int(ms.div_euclid(1000)))),
        (steps::PASSWORD_FACT, password.map(Fact::Text)),
    ]
    .into_iter()
    .filter_map(|(name, fact)| Some((name.to_owned(), fact?)))
    .collect()
}

/// Adds the holdings of one role to its reading.
struct Maker<'a> {
    look: &'a Look<'a>,
    role: &'a Role,
    reading: &'a mut Reading,
}

impl Maker<'_> {
    fn gated(&self) -> HoldingState {
        if self.role.login { HoldingState::Live } else { HoldingState::Gated }
    }

    fn add(&mut self, class: &str, native: &str, lane: Lane, family: Family, name: String) -> &mut Holding {
        let state = if matches!(family, Family::Secret | Family::Role) { self.gated() } else { HoldingState::Live };
        let holding = blank(&self.reading.identity, class, native, (lane, family, state), name);
        self.reading.holdings.push(holding);
        self.reading.holdings.last_mut().expect("just pushed")
    }

    fn password(&mut self, scopes: Vec<Scope>) {
        let none = self.look.belongings.has_password == Some(false);
        let name = if none { "login without a password, as pg_hba.conf allows" } else { "password" };
        let expires_at = identity::at_ms(self.role.valid_until_ms);
        let (login, last_used_at) = (self.role.login, self.reading.identity.last_active_at);
        let holding = self.add(steps::PASSWORD, "password", Lane::Tokens, Family::Secret, name.to_owned());
        holding.scopes = scopes;
        holding.expires_at = expires_at;
        holding.last_used_at = last_used_at;
        if none && !login {
            holding.state = HoldingState::Gone;
        }
    }

    /// Roles that it is a member of; the dangerous ones are cut where that can be done and undone.
    fn memberships(&mut self) {
        let (catalog, bot) = (self.look.catalog, self.role.oid);
        for edge in catalog.edges.of_member(bot) {
            let native = steps::edge_native(edge.role, edge);
            let mut scopes = scopes::scopes(catalog, bot, &catalog.reach(edge.role), self.look.belongings);
            // What everybody may is no reason to look at the membership.
            scopes.retain(|scope| scope.via.as_ref().is_none_or(|via| via.raw() != "PUBLIC"));
            scopes.truncate(12);
            let name = format!("member of {}", catalog.name(edge.role));
            let dangerous = scopes::is_dangerous(catalog, edge.role);
            let by = (Lane::Connectors, Family::Role);
            self.add(steps::MEMBERSHIP, &native, by.0, by.1, name).scopes = scopes;
            if dangerous
                && permission::missing_for_revoke(catalog, edge).is_none()
                && !permission::takes_own_admin(catalog, edge)
            {
                self.hint(steps::MEMBERSHIP, &native, edge, None, None);
            }
        }
    }

    /// Roles that can become it.
    fn members(&mut self, acting: &[Scope]) {
        let (catalog, bot) = (self.look.catalog, self.role.oid);
        let edges = catalog.edges.of_role(bot).filter(|edge| !permission::is_administrator(catalog, edge));
        for edge in edges {
            let native = steps::edge_native(edge.member, edge);
            let name = member_name(catalog, edge, &self.role.name);
            self.add(steps::MEMBER, &native, Lane::Connectors, Family::Connector, name).scopes = acting.to_vec();
            let missing = permission::missing_for_revoke(catalog, edge);
            if missing.is_some() && permission::falls_with_its_grantor(catalog, edge) {
                // No step of its own: it would be refused, and the grantor's cut takes it along.
                continue;
            }
            let by_hand = catalog.console.is_16() && missing.is_some() || permission::takes_own_admin(catalog, edge);
            let manual = by_hand.then(|| by_hand_text(catalog, edge));
            self.hint(steps::MEMBER, &native, edge, missing, manual);
        }
    }

    fn hint(&mut self, class: &str, native: &str, edge: &Edge, missing: Option<String>, manual: Option<String>) {
        let catalog = self.look.catalog;
        let back = |edge: &Edge| Back {
            by_grantor: permission::may_name_grantor(catalog, edge),
            missing: permission::missing_for_grant(catalog, edge),
        };
        let falls = permission::falling(catalog, edge).into_iter().map(|edge| (edge.clone(), back(&edge))).collect();
        let by_grantor = catalog.console.is_16();
        let cut = Cut { edge: edge.clone(), by_grantor, missing, manual, back: back(edge), falls };
        let json = serde_json::to_string(&cut).expect("numbers, flags and texts always serialize");
        self.reading.identity.hints.insert(steps::cut_hint(class, native), json);
    }

    /// What acts for it without a login.
    fn leftovers(&mut self, reach: &Reach, acting: &[Scope]) {
        let belongings = self.look.belongings;
        for gid in &belongings.prepared {
            let name = format!("prepared transaction {gid}: ROLLBACK PREPARED by a superuser ends it");
            self.add("prepared-transaction", gid, Lane::Connectors, Family::Role, name);
        }
        for subscription in &belongings.subscriptions {
            let name =
                format!("subscription {subscription} runs as it: ALTER SUBSCRIPTION … DISABLE by a superuser ends it");
            self.add("subscription", subscription, Lane::Connectors, Family::Connector, name).scopes = acting.to_vec();
        }
        if scopes::makes_roles(self.look.catalog, reach) {
            let name =
                "roles or programs that it may have made: the server keeps no record of who made them".to_owned();
            self.add("made-roles", "unknown", Lane::Connectors, Family::Connector, name).state = HoldingState::Unlisted;
        }
    }
}

fn member_name(catalog: &Catalog, edge: &Edge, bot: &str) -> String {
    let through: Vec<String> = catalog.can_become(edge.member).iter().map(|oid| catalog.name(*oid)).collect();
    let through = match through.len() {
        0 => String::new(),
        1..=5 => format!(", and through it {}", through.join(", ")),
        count => format!(", and through it {} and {} more", through[..4].join(", "), count - 4),
    };
    let may = match (edge.set, edge.inherit) {
        (true, _) => "may SET ROLE",
        (false, true) => "has the privileges of",
        (false, false) => "may grant",
    };
    format!("{} {may} {bot}{through}", catalog.name(edge.member))
}

fn by_hand_text(catalog: &Catalog, edge: &Edge) -> String {
    let quoted = |oid: Oid| format!("\"{}\"", catalog.name(oid).replace('"', "\"\""));
    let by = if catalog.console.is_16() { format!(" GRANTED BY {}", quoted(edge.grantor)) } else { String::new() };
    format!("as a superuser: REVOKE {} FROM {}{by} CASCADE", quoted(edge.role), quoted(edge.member))
}

fn session_holding(identity: &Identity, session: &Session, acting: &[Scope]) -> Holding {
    let from = session.client.as_ref().map_or_else(|| "a local socket".to_owned(), Clone::clone);
    let application = if session.application.is_empty() { String::new() } else { format!(" {}", session.application) };
    let state = session.state.as_ref().map_or_else(String::new, |state| format!(", {state}"));
    let what =
        if session.backend == "client backend" || session.backend.is_empty() { "session" } else { &session.backend };
    let name = format!("{what} {}{application} from {from}{state}", session.pid);
    let by = (Lane::Tokens, Family::Token, HoldingState::Live);
    Holding {
        scopes: acting.to_vec(),
        issued_at: started_at(session),
        last_used_at: identity::at_ms(session.changed_ms),
        on_behalf_of: activity::on_behalf_of(&session.application),
        ..blank(identity, steps::SESSION, &session.native(), by, name)
    }
}

/// It is another user's: estop does not end it, and does not call the role dark while it is open.
fn suspect_holding(catalog: &Catalog, identity: &Identity, session: &Session, acting: &[Scope]) -> Holding {
    let name = format!(
        "session {} of {} may act as {} by an earlier SET ROLE: SELECT pg_terminate_backend({}) ends it",
        session.pid,
        catalog.name(session.user),
        identity.name.raw(),
        session.pid
    );
    let by = (Lane::Tokens, Family::Token, HoldingState::Unlisted);
    Holding {
        scopes: acting.to_vec(),
        issued_at: started_at(session),
        last_used_at: identity::at_ms(session.changed_ms),
        ..blank(identity, SET_ROLE_SESSION, &session.native(), by, name)
    }
}

fn started_at(session: &Session) -> Option<Timestamp> {
    identity::at_ms(session.started_us.map(|us| us.div_euclid(1000)))
}

fn blank(
    identity: &Identity,
    class: &str,
    native: &str,
    (lane, family, state): (Lane, Family, HoldingState),
    name: String,
) -> Holding {
    Holding::new(HoldingId::new(identity.id.clone(), class, native), lane, family, name, state)
}
