//! Accounts as the server lists them, and one with all that it holds.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Matrix, activity, admin,
    facts::{class, fact},
    wire::{DevicesWire, Flag, RoomsWire, UserWire, UsersWire},
};
use crate::{
    domain::{
        Entries, Fact, Family, Gap, Holding, HoldingId, HoldingState, Identity, IdentityId, IdentityKind,
        IdentityState, Lane, Level, ProviderName, Reading, Scope, Untrusted,
    },
    engine::{Listing, ProviderError},
    providers::http::Call,
};

/// Accounts of one page.
const PAGE: &str = "500";
/// More pages are a server that goes round in circles.
const MOST_PAGES: usize = 4000;
/// Newest activities that a reading brings along.
const ACTIVITIES: usize = 20;

/// Every local account. Those that are locked or deactivated are left out unless they are asked for.
pub(super) async fn inventory(matrix: &Matrix) -> Result<Listing, ProviderError> {
    let mut listing = Listing::default();
    let mut from = "0".to_owned();
    for page in 0..MOST_PAGES {
        let call = || {
            let call = Call::get(admin(&["v2", "users"])).query("from", from.clone()).query("limit", PAGE);
            call.query("deactivated", "true").query("locked", "true").query("guests", "false").listing()
        };
        let users: UsersWire = match matrix.get(call, "reading accounts").await {
            Ok(users) => users,
            Err(error) if page == 0 => return Err(error),
            Err(error) => {
                listing.gaps.push(broke_off(&error.to_string()));
                return Ok(listing);
            }
        };
        listing.identities.extend(users.users.iter().map(|user| identity(&matrix.name, user)));
        match users.next_token {
            None => return Ok(listing),
            // A page that leads to itself, or has nothing, would be asked for for ever.
            Some(next) if next == from || users.users.is_empty() => break,
            Some(next) => from = next,
        }
    }
    listing.gaps.push(broke_off("the server's pages have no end"));
    Ok(listing)
}

fn broke_off(why: &str) -> Gap {
    Gap { class: None, what: format!("the listing of accounts broke off: {why}"), permission: None }
}

/// As an identity; a lock is its gate. Deactivation alone is none: what an admin has made for it goes on working.
fn identity(provider: &ProviderName, user: &UserWire) -> Identity {
    let is_locked = user.locked.is_some_and(Flag::on);
    let kind =
        if user.appservice_id.is_some() { IdentityKind::DelegatedIntegration } else { IdentityKind::ServiceAccount };
    let yes = |on: bool| on.then(|| "yes".to_owned());
    let attributes = [
        ("user-type", user.user_type.clone()),
        ("displayname", user.displayname.clone()),
        ("application-service", user.appservice_id.clone()),
        ("admin", yes(user.admin.on())),
        ("guest", yes(user.is_guest.on())),
        ("deactivated", yes(user.deactivated.on())),
        ("suspended", yes(user.suspended.on())),
        ("locked", yes(is_locked)),
    ];
    let attributes: Entries<Untrusted> = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Untrusted::new(value.filter(|text| !text.is_empty())?))))
        .collect();
    Identity {
        attributes,
        last_active_at: at_ms(user.last_seen_ts),
        ..Identity::new(
            IdentityId::new(provider.clone(), user.name.as_str()),
            user.name.as_str(),
            kind,
            if is_locked { IdentityState::Gated } else { IdentityState::Live },
        )
    }
}

/// From milliseconds since 1970; none, and out of range, is unknown.
pub(super) fn at_ms(ms: Option<i64>) -> Option<Timestamp> {
    ms.filter(|ms| *ms > 0).and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

/// One account, read live.
pub(super) async fn holdings(matrix: &Matrix, asked: &Identity) -> Result<Reading, ProviderError> {
    let read_at = matrix.clock.now();
    let id = asked.id.native();
    let user = match user(matrix, id).await {
        Ok(user) => user,
        Err(ProviderError::Gone(_)) => {
            let gone = Identity { state: IdentityState::Gone, ..asked.clone() };
            return Ok(Reading::of(gone, read_at));
        }
        Err(error) => return Err(error),
    };
    let devices = || Call::get(admin(&["v2", "users", id, "devices"])).listing();
    let rooms = || Call::get(admin(&["v1", "users", id, "joined_rooms"])).listing();
    let (devices, rooms, activity) = futures::join!(
        matrix.get::<DevicesWire>(devices, "reading devices"),
        matrix.get::<RoomsWire>(rooms, "reading joined rooms"),
        activity::of(matrix, asked, None, ACTIVITIES),
    );
    let mut reading = reading(&matrix.name, &user, read_at);
    let mut found = Found { reading: &mut reading, user: &user };
    found.account();
    match devices {
        Ok(devices) => found.devices(&devices),
        Err(error) => found.gap(class::DEVICE, &error),
    }
    match rooms {
        Ok(rooms) => found.rooms(&rooms),
        Err(error) => found.gap(class::ROOM, &error),
    }
    // What it did is worth showing, and proves nothing.
    reading.activity = activity.unwrap_or_default();
    Ok(reading)
}

pub(super) async fn user(matrix: &Matrix, id: &str) -> Result<UserWire, ProviderError> {
    let user: UserWire = matrix.get(|| Call::get(admin(&["v2", "users", id])), "reading an account").await?;
    if user.name == id {
        return Ok(user);
    }
    Err(ProviderError::BadData(format!("{}: asked for one account, the server tells of another", matrix.name)))
}

fn reading(provider: &ProviderName, user: &UserWire, read_at: Timestamp) -> Reading {
    let mut reading = Reading::of(identity(provider, user), read_at);
    let mut facts = BTreeMap::from([(fact::DEACTIVATED.to_owned(), Fact::Bool(user.deactivated.on()))]);
    facts.extend(user.locked.map(|locked| (fact::LOCKED.to_owned(), Fact::Bool(locked.on()))));
    reading.facts = facts;
    reading
}

/// Adds the holdings of one account to its reading.
struct Found<'a> {
    reading: &'a mut Reading,
    user: &'a UserWire,
}

impl Found<'_> {
    /// What stays behind the lock.
    fn behind_lock(&self) -> HoldingState {
        if self.reading.is_shut() { HoldingState::Gated } else { HoldingState::Live }
    }

    fn add(&mut self, class: &str, native: &str, by: (Lane, Family), name: String) -> &mut Holding {
        let (lane, family) = by;
        let state =
            if matches!(family, Family::Secret | Family::Role) { self.behind_lock() } else { HoldingState::Live };
        let id = HoldingId::new(self.reading.identity.id.clone(), class, native);
        self.reading.holdings.push(Holding::new(id, lane, family, name, state));
        self.reading.holdings.last_mut().expect("just pushed")
    }

    fn gap(&mut self, class: &str, error: &ProviderError) {
        let permission = matches!(error, ProviderError::Refused { .. }).then(|| super::ADMIN.to_owned());
        self.reading.gaps.push(Gap { class: Some(class.to_owned()), what: error.to_string(), permission });
    }

    /// What an account has by itself.
    fn account(&mut self) {
        let scopes = scopes(self.user);
        let is_deactivated = self.user.deactivated.on();
        if self.user.appservice_id.is_none() && !is_deactivated {
            self.add(class::PASSWORD, "password", (Lane::Tokens, Family::Secret), "password, if it has one".to_owned())
                .scopes
                .clone_from(&scopes);
        }
        // Behind the lock they are refused; without it nobody knows whether there are any.
        let is_shut = self.reading.is_shut();
        let made = "tokens that an admin made for it: no list has them, and only the lock refuses them".to_owned();
        let made = self.add(class::ADMIN_MADE, "any", (Lane::Tokens, Family::Secret), made);
        made.scopes.clone_from(&scopes);
        if !is_shut {
            made.state = HoldingState::Unlisted;
        }
        if self.user.admin.on() {
            let name = "tokens that it may have made for other accounts, as an admin: no list has them".to_owned();
            let made = self.add(class::MADE, "any", (Lane::Connectors, Family::Connector), name);
            made.state = HoldingState::Unlisted;
        }
        for link in self.user.external_ids.clone() {
            let native = format!("{}/{}", link.auth_provider, link.external_id);
            let name = format!("{} signs in as it at {}", link.external_id, link.auth_provider);
            self.add(class::LINK, &native, (Lane::Connectors, Family::Role), name).scopes.clone_from(&scopes);
        }
        if let Some(service) = self.user.appservice_id.clone() {
            let name = format!("application service {service}: its token acts as the account in spite of a lock");
            self.add(class::SERVICE, &service, (Lane::Connectors, Family::Connector), name).scopes = scopes;
        }
    }

    fn devices(&mut self, devices: &DevicesWire) {
        let scopes = scopes(self.user);
        for device in &devices.devices {
            let called = device.display_name.as_deref().filter(|name| !name.is_empty());
            let called = called.map(|name| format!(" {name}")).unwrap_or_default();
            let from = device.last_seen_ip.as_deref().map(|ip| format!(" from {ip}")).unwrap_or_default();
            let name = format!("device {}{called}{from}", device.device_id);
            let last = at_ms(device.last_seen_ts);
            let one = self.add(class::DEVICE, &device.device_id, (Lane::Tokens, Family::Token), name);
            one.scopes.clone_from(&scopes);
            one.last_used_at = last;
        }
    }

    fn rooms(&mut self, rooms: &RoomsWire) {
        for room in &rooms.joined_rooms {
            let one = self.add(class::ROOM, room, (Lane::Connectors, Family::Role), format!("member of {room}"));
            one.scopes = vec![scope(room, "read and send messages", Level::Write, false)];
        }
    }
}

/// What any of its tokens may do. Matrix tokens have no scopes: each acts as the whole account.
fn scopes(user: &UserWire) -> Vec<Scope> {
    let mut scopes = vec![scope("joined rooms", "read and send messages", Level::Write, false)];
    if user.admin.on() {
        scopes.push(scope("homeserver", "admin API, log in as any account", Level::Admin, true));
    }
    scopes
}

fn scope(resource: &str, verb: &str, level: Level, mint: bool) -> Scope {
    Scope { resource: resource.into(), verb: verb.into(), level, mint, via: None }
}

#[cfg(test)]
#[path = "read/tests.rs"]
mod tests;
