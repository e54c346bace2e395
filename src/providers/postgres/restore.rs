//! What undoing an isolation takes, for one role. Pure; the simulator stands on the same.
//!
//! ```text
//! role/OID     memberships, each behind the one that its grantor has it by ─▶ LOGIN
//! rotate       first: no password ─▶ no session
//! ```
//!
//! `NOLOGIN` leaves the password where it is, so that a false alarm gives it back by opening the door alone.

use std::collections::BTreeMap;

use crate::domain::{
    Change, Fact, Gap, Holding, HoldingState, Identity, IdentityState, Lane, Lost, Postcondition, Reading, Reissue,
    Restoration, RestoreMode, Reversibility, Step, StepRecord, Untrusted,
};

use super::{
    catalog::{Edge, Oid},
    command::Command,
    identity::{self, MISSING_ALTER},
    reading::SET_ROLE_SESSION,
    steps::{self, Back, Cut, LOGIN_FACT, PASSWORD, PASSWORD_FACT, SESSION, cut_hint, edge_fact, edge_options},
};

/// The door's place in the role's queue, behind every membership.
const LAST: u8 = 200;

/// What undoing takes; `done` may hold steps of other identities too.
pub fn restore(before: &Reading, now: &Reading, done: &[StepRecord], mode: RestoreMode) -> Restoration {
    // The one gap of a reading here is about sessions.
    let gaps = if mode == RestoreMode::Rotate { now.gaps.clone() } else { Vec::new() };
    let mut out = Restoration { gaps, ..Restoration::default() };
    let role = identity::oid(&now.identity);
    let (Some(role), true) = (role, now.identity.state != IdentityState::Gone) else {
        let why = "it was dropped: only its owner can make it again";
        out.lost.push(Lost { what: role_name(&now.identity), why: why.to_owned() });
        return out;
    };
    let done = done.iter().filter(|record| record.step.identity == now.identity.id && record.may_have_been_done());
    let mut undo = Undo { role, before, now, done: done.collect(), mode, out };
    undo.run();
    undo.out
}

fn role_name(identity: &Identity) -> Untrusted {
    Untrusted::new(format!("role {}", identity.name.raw()))
}

/// One membership that is to be granted again.
struct Regrant {
    edge: Edge,
    back: Back,
    is_16: bool,
    target: Untrusted,
}

/// One role's way back, as far as it is worked out.
struct Undo<'a> {
    role: Oid,
    before: &'a Reading,
    now: &'a Reading,
    done: Vec<&'a StepRecord>,
    mode: RestoreMode,
    out: Restoration,
}

impl Undo<'_> {
    fn run(&mut self) {
        if self.mode == RestoreMode::Rotate {
            self.first();
        }
        self.memberships();
        self.door();
        self.lost();
        self.reissue();
        self.changed_by_others();
    }

    fn change(&mut self, what: impl Into<Untrusted>, now: &str, then: &str) {
        self.out.changes.push(Change { what: what.into(), now: now.to_owned(), then: then.to_owned() });
    }

    fn lose(&mut self, what: impl Into<Untrusted>, why: &str) {
        self.out.lost.push(Lost { what: what.into(), why: why.to_owned() });
    }

    fn gap(&mut self, class: &str, what: &str) {
        self.out.gaps.push(Gap { class: Some(class.to_owned()), what: what.to_owned(), permission: None });
    }

    fn of(&self, action: &str) -> impl Iterator<Item = &StepRecord> {
        self.done.iter().filter(move |record| record.step.action.word() == action).copied()
    }

    fn there(&self, class: &str) -> Vec<Holding> {
        let of_class = self.now.holdings.iter().filter(|one| one.id.class() == class);
        of_class.filter(|one| one.state != HoldingState::Gone).cloned().collect()
    }

    /// What ends before the door opens. Where somebody has opened it, a session that is ended after the password has
    /// gone does not come back by it.
    fn first(&mut self) {
        let identity = &self.now.identity;
        let mut first = Vec::new();
        let (is_set, none) = (self.password_reads("set"), self.password_reads("none"));
        let cleared = self.of("clear-password").next().is_some();
        if let Some(password) = self.there(PASSWORD).first().filter(|_| !none) {
            if cleared {
                let since =
                    if is_set { "set anew since" } else { "cleared: only a superuser sees whether it was set since" };
                self.change(password.name.clone(), since, "stays as it is");
            } else {
                let then =
                    if is_set { "none" } else { "none: only a superuser can read it, the server's yes has to do" };
                self.change(password.name.clone(), "opens it once the gate is open", then);
                first.push(steps::clear_password(self.now, self.role, password));
            }
        }
        let after = first.first().map(|step| step.id.clone());
        for session in self.there(SESSION) {
            first.extend(steps::terminate(identity, self.role, &session, after.as_ref()));
        }
        for session in self.there(SET_ROLE_SESSION) {
            self.gap(SET_ROLE_SESSION, &session.name.shown());
        }
        self.out.first.extend(first);
    }

    fn password_reads(&self, word: &str) -> bool {
        self.now.facts.get(PASSWORD_FACT) == Some(&Fact::Text(word.to_owned()))
    }

    /// Memberships that were revoked, and what fell with them.
    fn memberships(&mut self) {
        let mut all: Vec<Regrant> = Vec::new();
        for record in self.done.clone() {
            let Ok(Command::Revoke { edge, by_grantor }) = Command::of(&record.step) else { continue };
            let Some(id) = record.step.holdings.first() else { continue };
            if self.before.holding(id).is_none() {
                let why = if self.before.facts.is_empty() {
                    "what it had before was not read: whether this was its own is not known"
                } else {
                    "it was granted while the isolation ran: estop does not grant it again"
                };
                self.lose(record.step.target.clone(), why);
                continue;
            }
            let hint = self.before.identity.hints.get(&cut_hint(id.class(), id.native()));
            let cut = hint.and_then(|json| serde_json::from_str::<Cut>(json).ok());
            let (back, falls) = cut.map(|cut| (cut.back, cut.falls)).unwrap_or_default();
            all.push(Regrant { edge, back, is_16: by_grantor, target: record.step.target.clone() });
            all.extend(falls.into_iter().map(|(edge, back)| {
                let target = Untrusted::new(format!("what fell with: {}", record.step.target.raw()));
                Regrant { edge, back, is_16: by_grantor, target }
            }));
        }
        let mut seen = Vec::new();
        all.retain(|one| {
            !seen.contains(&one.edge) && {
                seen.push(one.edge.clone());
                true
            }
        });
        let edges: Vec<Edge> = all.iter().map(|one| one.edge.clone()).collect();
        for one in &all {
            self.grant_again(one, &edges);
        }
    }

    fn grant_again(&mut self, one: &Regrant, all: &[Edge]) {
        let (fact, options) = (edge_fact(one.is_16, &one.edge), edge_options(one.is_16, &one.edge));
        match self.now.facts.get(&fact) {
            Some(is) if *is == options => {
                return self.change(one.target.clone(), "granted: somebody did it again since", "stays as it is");
            }
            Some(is) => {
                let is = format!("granted by somebody since, with other options ({is})");
                return self.change(one.target.clone(), &is, "stays as it is");
            }
            None => self.change(one.target.clone(), "revoked", "granted"),
        }
        let edge = &one.edge;
        if !one.back.by_grantor && !self.is_ours(edge) {
            let why = "before version 16 only a superuser can name another: estop's own role stands there from now on";
            self.lose(Untrusted::new(format!("who granted it: {}", one.target.raw())), why);
        }
        let command = Command::Grant { edge: edge.clone(), by_grantor: one.back.by_grantor, options: one.is_16 };
        let readable = [edge.role, edge.member, edge.grantor].contains(&self.role);
        let postcondition = if readable {
            Postcondition::equal(&fact, options)
        } else {
            Postcondition::Unreadable { why: "it is between two other roles".to_owned() }
        };
        let qualifier = format!("{}.{}.{}", edge.role, edge.member, edge.grantor);
        let rank = 2_u8.saturating_add(depth(edge, all)).min(LAST - 1);
        self.out.then.push(Step {
            lane: Lane::Connectors,
            target: one.target.clone(),
            reversible: Reversibility::Reversible,
            missing_permission: one.back.missing.clone(),
            postcondition,
            proof: "pg_auth_members: the row is there, with its options".to_owned(),
            manual: Some(self.in_words(&command)),
            ..steps::on_role(&self.now.identity, "grant", Some(&qualifier), rank, &command)
        });
    }

    /// Whether estop's own role granted it, so that granting it again names the same grantor.
    fn is_ours(&self, edge: &Edge) -> bool {
        self.now.identity.hints.get(identity::CONSOLE).is_some_and(|console| *console == edge.grantor.to_string())
    }

    /// The statement with OIDs for names: names may have moved when a person reads it.
    fn in_words(&self, command: &Command) -> String {
        let name = |oid: &Oid| {
            if *oid == self.role {
                format!("\"{}\"", self.now.identity.name.raw().replace('"', "\"\""))
            } else {
                format!("(the role of OID {oid})")
            }
        };
        let names: BTreeMap<Oid, String> = command.roles().iter().map(|oid| (*oid, name(oid))).collect();
        format!("as a superuser: {}", command.statement(&names).unwrap_or_default())
    }

    fn door(&mut self) {
        let what = Untrusted::new(format!("role {}: LOGIN", self.now.identity.name.raw()));
        match self.now.switch(LOGIN_FACT) {
            Some(true) => {
                if self.of("disable-login").next().is_some() {
                    self.change(what, "yes: somebody opened it since", "yes");
                }
                return;
            }
            Some(false) => {}
            None => return self.gap(LOGIN_FACT, "whether it may log in cannot be read: it is not opened"),
        }
        let Some(shut) = self.of("disable-login").next() else { return };
        let was_open = self.before.switch(LOGIN_FACT);
        if was_open == Some(false) && !shut.may_show_in(self.before) {
            return self.change(what, "no, as before the isolation", "no");
        }
        let assumed = "no; that it could log in before is assumed: the first read came with the gate";
        self.change(what, if was_open == Some(true) { "no" } else { assumed }, "yes");
        self.enable();
    }

    fn enable(&mut self) {
        let command = Command::EnableLogin { role: self.role };
        let after = self.out.then.iter().map(|step| step.id.clone()).collect();
        self.out.then.push(Step {
            after,
            missing_permission: self.now.identity.hints.get(MISSING_ALTER).cloned(),
            postcondition: Postcondition::equal(LOGIN_FACT, Fact::Bool(true)),
            proof: "pg_roles: rolcanlogin is true".to_owned(),
            manual: Some(self.in_words(&command)),
            ..steps::on_role(&self.now.identity, "enable-login", None, LAST, &command)
        });
    }

    /// One line for each step that was done and that nothing undoes.
    fn lost(&mut self) {
        for record in self.done.clone() {
            let why = match record.step.action.word() {
                "terminate" => "a session cannot be made again: its client connects anew",
                "clear-password" => "its verifier was never read: a new one has to be set",
                _ => continue,
            };
            let what = if record.step.action.word() == "clear-password" {
                Untrusted::new(format!("password of {}", record.step.target.raw()))
            } else {
                record.step.target.clone()
            };
            self.lose(what, why);
        }
    }

    fn reissue(&mut self) {
        let cleared = self.of("clear-password").next().is_some();
        let clears = self.out.first.iter().any(|step| step.action.word() == "clear-password");
        let identity = &self.now.identity;
        let owner = identity.attribute("estop.owner").or_else(|| identity.attribute("owner"));
        let by = owner.map_or_else(|| "the bot's owner".to_owned(), |owner| format!("owner {}", owner.shown()));
        if clears || cleared && !self.password_reads("set") {
            self.out.reissue.push(Reissue {
                what: Untrusted::new(format!("password of role {}", identity.name.raw())),
                place: format!("psql, as whoever may alter the role: \\password {}", identity.name.shown()),
                by: by.clone(),
            });
        }
        if self.mode == RestoreMode::Rotate {
            // No catalog tells what a certificate or a directory lets in.
            self.out.reissue.push(Reissue {
                what: Untrusted::new("certificates and directory logins, if it uses any"),
                place: "where pg_hba.conf sends it for them".to_owned(),
                by,
            });
        }
    }

    /// Memberships that others granted or revoked since: they stay so.
    fn changed_by_others(&mut self) {
        let (before, now) = (self.before, self.now);
        let names = |reading: &Reading, fact: &str| -> Option<Untrusted> {
            let (role, member) = fact.strip_prefix("membership/")?.split_once('.')?;
            let member = member.split('.').next()?;
            let other = if role == self.role.to_string() { member } else { role };
            let held = reading.holdings.iter().find(|one| one.id.native().split('.').next() == Some(other))?;
            Some(held.name.clone())
        };
        let ours: Vec<String> = self
            .done
            .iter()
            .filter_map(|record| match Command::of(&record.step) {
                Ok(Command::Revoke { edge, by_grantor }) => Some(edge_fact(by_grantor, &edge)),
                _ => None,
            })
            .collect();
        let others = |one: &Reading, other: &Reading| -> Vec<Untrusted> {
            let only = one.facts.keys().filter(|fact| !other.facts.contains_key(*fact) && !ours.contains(fact));
            only.filter_map(|fact| names(one, fact)).collect()
        };
        let (given, taken) = (others(now, before), others(before, now));
        for name in given {
            self.change(name, "granted by somebody since", "stays as it is");
        }
        for name in taken {
            self.change(name, "revoked by somebody else", "stays as it is");
        }
    }
}

/// How many memberships have to be there before this one, because its grantor has it by them. A ring ends.
fn depth(edge: &Edge, all: &[Edge]) -> u8 {
    let mut grantors = vec![edge.grantor];
    let mut depth = 0;
    while let Some(grantor) = grantors.last().copied()
        && let Some(by) = all.iter().find(|by| by.role == edge.role && by.member == grantor && *by != edge)
        && !grantors.contains(&by.grantor)
    {
        grantors.push(by.grantor);
        depth += 1;
    }
    depth
}

#[cfg(test)]
mod tests;
