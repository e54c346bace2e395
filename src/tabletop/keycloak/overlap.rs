//! Writes that overlap in time: on one client or user they may lose each other, though every answer is a success.
//!
//! A request remembers the entity as it was when it came. Where another write took effect before its own, it may put
//! that old state back first, as a server does that read before the other wrote.

use jiff::Timestamp;

use super::{
    answer::Answer,
    call::Call,
    random::Random,
    world::{Client, User, World},
};

/// Of overlapping writes on one entity, one in so many is lost: between the 2 and the 5 of 20 that were measured.
const LOST_ONE_IN: u64 = 4;

/// Of consents deleted beside a session of the user, three in five are a 500, as measured.
const FAILED_OF_FIVE: u64 = 3;

/// What a request is about to write, as it was when the request came.
pub(super) struct Before {
    entity: String,
    version: u64,
    copy: Option<Copied>,
    /// For a consent: how many of the user's sessions had been ended one by one.
    beside: Option<(String, u64)>,
}

enum Copied {
    Client(Box<Client>),
    User(Box<User>),
}

/// Handles a request that took its time.
pub(super) fn take_effect(
    world: &mut World,
    chance: &mut Random,
    call: &Call,
    before: Option<Before>,
    now: Timestamp,
) -> Answer {
    let Some(before) = before else { return world.handle(call, now) };
    let beside = before.beside.is_some_and(|(entity, version)| world.version(&entity) != version);
    if beside && chance.below(5) < FAILED_OF_FIVE {
        return Answer::unknown_error();
    }
    if world.version(&before.entity) != before.version
        && let Some(copy) = before.copy
        && chance.below(LOST_ONE_IN) == 0
    {
        world.put_back(copy);
    }
    let answer = world.handle(call, now);
    if answer.status < 300 {
        *world.versions.entry(before.entity).or_default() += 1;
    }
    answer
}

impl World {
    /// The client, user or session that a request writes.
    pub(super) fn before(&self, call: &Call) -> Option<Before> {
        if call.method == "GET" {
            return None;
        }
        let segments = call.segments();
        let ["admin", "realms", _, kind, id, rest @ ..] = segments.as_slice() else { return None };
        let (entity, copy) = match *kind {
            "clients" => (format!("clients/{id}"), Some(Copied::Client(Box::new(self.clients.get(*id)?.clone())))),
            "users" => (format!("users/{id}"), Some(Copied::User(Box::new(self.users.get(*id)?.clone())))),
            "sessions" => (format!("sessions-of/{}", self.sessions.get(*id)?.user), None),
            _ => return None,
        };
        let beside = matches!(rest, ["consents", _]).then(|| format!("sessions-of/{id}"));
        let beside = beside.map(|entity| {
            let version = self.version(&entity);
            (entity, version)
        });
        Some(Before { version: self.version(&entity), entity, copy, beside })
    }

    fn version(&self, entity: &str) -> u64 {
        self.versions.get(entity).copied().unwrap_or(0)
    }

    /// Loses what was written since.
    fn put_back(&mut self, copy: Copied) {
        match copy {
            Copied::Client(client) => {
                if let Some(known) = self.clients.get_mut(&client.id) {
                    *known = *client;
                }
            }
            Copied::User(user) => {
                if let Some(known) = self.users.get_mut(&user.id) {
                    *known = *user;
                }
            }
        }
    }
}
