//! One identity, read live.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Keycloak, activity, children,
    credentials::{self, class, holding},
    events::{self, Trail},
    exposure, facts, grants, list,
    reader::Reader,
    record::{LinkBack, Record, hint},
    residual, scopes,
    scopes::Effective,
    sessions,
    wire::{ClientWire, LinkWire, RealmWire, UserWire},
};
use crate::{
    domain::{Fact, Family, Gap, Holding, HoldingState, Identity, IdentityState, Lane, Reading, Scope},
    engine::ProviderError,
    providers::http::{Call, Grounds, check_id},
};

/// Lines of activity that a reading brings along.
const ACTIVITY: usize = 50;

/// The service-account user, with what it has.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) user: UserWire,
    pub(super) effective: Effective,
    pub(super) links: Vec<LinkWire>,
}

pub(super) async fn holdings(keycloak: &Keycloak, identity: &Identity) -> Result<Reading, ProviderError> {
    let read_at = keycloak.clock.now();
    let id = identity.id.native();
    check_id(id).map_err(|problem| {
        ProviderError::BadData(format!("{}: reading a client: {problem}", keycloak.settings.name))
    })?;
    let call = || Call::get(keycloak.path(&["clients", id]));
    let grounds = Grounds { what: "reading a client", permission: "view-clients" };
    match keycloak.get::<ClientWire>(call, grounds).await {
        Ok(wire) => Ok(whole(keycloak, identity, &Record::of(wire), read_at).await),
        Err(ProviderError::Gone(_)) => gone(keycloak, identity, read_at).await,
        Err(error) => Err(error),
    }
}

/// A client that is not there. A wrong realm or base URL says 404 too, so the realm has to answer before it counts.
async fn gone(keycloak: &Keycloak, identity: &Identity, read_at: Timestamp) -> Result<Reading, ProviderError> {
    let call = || Call::get(keycloak.path(&["clients"])).query("first", "0").query("max", "1");
    let grounds = Grounds { what: "asking whether the realm is there", permission: "view-clients" };
    keycloak.get::<serde::de::IgnoredAny>(call, grounds).await.map_err(list::wrong_place)?;
    let mut reading = Reading::of(Identity { state: IdentityState::Gone, ..identity.clone() }, read_at);
    // A client that is gone accepts nothing, of whatever age; its service-account user went with it.
    for name in ["client.enabled", "user.enabled"] {
        reading.facts.insert(name.to_owned(), Fact::Bool(false));
    }
    for name in ["client.not-before", "user.not-before"] {
        reading.facts.insert(name.to_owned(), Fact::Int(i64::MAX));
    }
    Ok(reading)
}

async fn whole(keycloak: &Keycloak, identity: &Identity, record: &Record, read_at: Timestamp) -> Reading {
    let reader = Reader::new(keycloak);
    let account = account(&reader, record).await;
    let account_id = account.as_ref().map(|account| account.user.id.as_str());
    let nothing = Effective::default();
    let effective = account.as_ref().map_or(&nothing, |account| &account.effective);
    let (realm, trail, mut sessions, in_token) = futures::join!(
        realm(&reader),
        events::read(&reader, record, account_id),
        sessions::read(&reader, record),
        scopes::in_token(&reader, record, effective),
    );
    let mints = keycloak.could_mint(&record.id, effective.mints() || identity.hints.contains_key(hint::COULD_MINT));
    let maker = children::Maker { identity: &identity.id, record, account: account_id, mints };
    let users = known_users(&sessions, &trail, account_id);
    let (made, consents, exchangers) = futures::join!(
        children::read(&reader, &maker, &trail, read_at),
        grants::read(&reader, record, users.clone()),
        residual::exchangers(&reader, &trail),
    );
    let involved = grants::users_of(&[&users], &consents);
    let (exposed, ()) = futures::join!(
        exposure::read(&reader, record, effective, &made),
        sessions::add_hidden(&reader, record, &involved, &trail, &mut sessions),
    );

    let mut reading = Reading::of(seen(keycloak, identity, record, account.as_ref(), &trail, mints), read_at);
    let realm_name = &keycloak.settings.realm;
    reading.holdings = credentials::of(&identity.id, record, account.as_ref(), &in_token, &trail, read_at);
    let of_user = |user: &str| scopes_for(realm_name, record, &consents, account_id, &in_token, user);
    reading.holdings.extend(sessions::holdings(&identity.id, record, account_id, &sessions, &of_user));
    reading.holdings.extend(grants::holdings(&identity.id, record, realm_name, &consents));
    reading.holdings.extend(of_account(identity, record, account.as_ref()));
    reading.holdings.extend(made.holdings);
    reading.facts = facts::of(record, account.as_ref(), &reading.holdings);
    reading.holdings.sort_by(|a, b| (a.lane, &a.id).cmp(&(b.lane, &b.id)));
    reading.children = made.children;
    reading.exposure = exposed;
    reading.residual = residual::of(&identity.id, record, &realm, &trail, &exchangers, read_at).into_iter().collect();
    reading.activity = activity::lines(&trail.events, &record.client_id, account_id);
    reading.activity.truncate(ACTIVITY);
    reading.gaps = reader.into_gaps();
    reading
}

/// The service-account user with roles, groups and links; `None`: the client has none, or a gap.
async fn account(reader: &Reader<'_>, record: &Record) -> Option<Account> {
    if !record.service_accounts {
        return None;
    }
    let keycloak = reader.keycloak;
    let call = || Call::get(keycloak.path(&["clients", record.id.as_str(), "service-account-user"]));
    let grounds = Grounds { what: "reading the service-account user", permission: "view-clients" };
    let found: UserWire = reader.get(Some(class::ROLE), call, grounds).await?;
    keycloak.remember_service_account(&record.id, &found.id);
    let id = found.id.as_str();
    // The client's own view of its user leaves out when its sessions were cut.
    let whole = reader.get::<UserWire>(
        Some(class::TOKENS),
        || Call::get(keycloak.path(&["users", id])),
        Grounds { what: "reading the service-account user", permission: "view-users" },
    );
    let links = reader.get::<Vec<LinkWire>>(
        Some(class::LINK),
        || Call::get(keycloak.path(&["users", id, "federated-identity"])),
        Grounds { what: "reading federated links", permission: "view-users" },
    );
    let (whole, effective, links) = futures::join!(whole, scopes::read(reader, id), links);
    // Whether it is enabled counts only as the user itself tells it.
    let unread = UserWire { enabled: None, not_before: None, id: found.id.clone(), username: found.username.clone() };
    Some(Account { user: whole.unwrap_or(unread), effective, links: links.unwrap_or_default() })
}

async fn realm(reader: &Reader<'_>) -> RealmWire {
    let keycloak = reader.keycloak;
    let grounds = Grounds { what: "reading the realm's lifetimes", permission: "view-realm" };
    let realm: RealmWire =
        reader.get(Some("residual"), || Call::get(keycloak.path(&[])), grounds).await.unwrap_or_default();
    // Without the role the server answers 200 and leaves the lifetimes out.
    if realm.access_token_lifespan.is_none() {
        reader.gap(Gap {
            class: Some("residual".to_owned()),
            what: format!("{}: the realm's token lifetimes are not shown to estop", keycloak.settings.name),
            permission: Some("view-realm".to_owned()),
        });
    }
    realm
}

fn known_users(
    sessions: &sessions::Sessions,
    trail: &Trail,
    account: Option<&str>,
) -> BTreeMap<String, Option<String>> {
    let mut users = trail.users(account);
    for (user, name) in sessions.users() {
        users.insert(user, name);
    }
    users.retain(|user, _| Some(user.as_str()) != account && check_id(user).is_ok());
    users
}

/// The identity as it is now. It is shut when both the client and its user read as disabled: a token that another
/// client exchanged from the bot's dies with the user only.
fn seen(
    keycloak: &Keycloak,
    known: &Identity,
    record: &Record,
    account: Option<&Account>,
    trail: &Trail,
    mints: bool,
) -> Identity {
    let user =
        account.map(|account| account.user.id.as_str()).or(known.hints.get(hint::SERVICE_ACCOUNT).map(String::as_str));
    let mut identity = record.identity(&keycloak.settings.name, user);
    identity.state = match (record.enabled, record.service_accounts, account.and_then(|account| account.user.enabled)) {
        (true, ..) | (false, true, Some(true)) => IdentityState::Live,
        (false, false, _) | (false, true, Some(false)) => IdentityState::Gated,
        (false, true, None) => IdentityState::Unknown,
    };
    identity.hints.extend(to_put_back(record, account));
    if mints {
        identity.hints.insert(hint::COULD_MINT.to_owned(), "true".to_owned());
    }
    identity.child_of.clone_from(&known.child_of);
    identity.last_active_at = trail.last_active().or(known.last_active_at);
    identity
}

/// What undoing a cut needs beside the holdings themselves.
fn to_put_back(record: &Record, account: Option<&Account>) -> BTreeMap<String, String> {
    let attributes = record.public.iter().map(|(name, value)| (format!("{}{name}", hint::ATTRIBUTE), value.clone()));
    let links = account.into_iter().flat_map(|account| &account.links).filter(|link| !link.user_id.is_empty());
    let links = links.filter_map(|link| {
        let back = LinkBack { user_id: link.user_id.clone(), user_name: link.user_name.clone() };
        Some((format!("{}{}", hint::LINK, link.identity_provider), serde_json::to_string(&back).ok()?))
    });
    attributes.chain(links).collect()
}

/// What a session lets its bearer do: what its user consented to, or what the client may ask for.
fn scopes_for(
    realm: &str,
    record: &Record,
    consents: &[grants::Consent],
    account: Option<&str>,
    in_token: &[Scope],
    user: &str,
) -> Vec<Scope> {
    if account == Some(user) {
        return in_token.to_vec();
    }
    match consents.iter().find(|consent| consent.user == user) {
        Some(consent) => consent.scopes(realm),
        None => scopes::of_client(realm, record),
    }
}

/// Roles, groups and links of the service-account user.
fn of_account(identity: &Identity, record: &Record, account: Option<&Account>) -> Vec<Holding> {
    let Some(account) = account else { return Vec::new() };
    let shut = !record.enabled && account.user.enabled == Some(false);
    let state = if shut { HoldingState::Gated } else { HoldingState::Live };
    let mut holdings = Vec::new();
    let role = (Lane::Connectors, Family::Role);
    for assigned in &account.effective.roles {
        let container = assigned.container.client.as_deref().unwrap_or("realm");
        let native = format!("{container}/{}/{}", assigned.id, assigned.name);
        let name = format!("role {} of {}", assigned.name, assigned.container.name);
        let mut one = holding(&identity.id, (class::ROLE, &native), role, &name, state);
        one.scopes.clone_from(&assigned.scopes);
        holdings.push(one);
    }
    for group in &account.effective.groups {
        let name = format!("member of group {}", group.path);
        let mut one = holding(&identity.id, (class::GROUP, &group.id), role, &name, state);
        one.scopes.clone_from(&group.scopes);
        holdings.push(one);
    }
    for link in &account.links {
        let name = format!("link to {} as {}", link.identity_provider, link.user_name);
        let place = (Lane::Connectors, Family::Connector);
        holdings.push(holding(&identity.id, (class::LINK, &link.identity_provider), place, &name, state));
    }
    holdings
}

#[cfg(test)]
mod tests;
