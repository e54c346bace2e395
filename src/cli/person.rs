//! Who sits at the terminal, and in which groups: as the system knows it, never as somebody typed it.
//!
//! ```text
//! audit login uid ─ else ─▶ the account from which sudo or su was called ─ else ─▶ SUDO_USER, for root and services
//!                                                                        └ else ─▶ the account itself
//! ```

use std::{ffi::CString, fs};

use nix::unistd::{Gid, Group, User, getgrouplist};

use crate::engine::{Directory, Person};
use crate::journal::Who;

/// Accounts below are root's and services' (`UID_MIN` of login.defs): nobody logs in with them, people come through sudo.
const FIRST_PERSON: u32 = 1000;
/// Ancestors that are looked at: no terminal is deeper.
const MOST_ANCESTORS: usize = 64;

/// The person that this process works for.
pub fn this() -> Person {
    let who = Who::this();
    let own = rustix::process::getuid().as_raw();
    let sudo_user = who.sudo_user.filter(|_| own < FIRST_PERSON);
    choose(own, who.audit_uid, &ancestors(), sudo_user)
}

/// The environment speaks for nobody who has an account of their own: everybody can set it.
fn choose(own: u32, audit: Option<u32>, ancestors: &[u32], sudo_user: Option<String>) -> Person {
    // The nearest to the login is the last.
    let came_from = ancestors.iter().rev().copied().find(|uid| *uid != 0 && *uid != own);
    match (audit.or(came_from), sudo_user) {
        (Some(uid), _) => named(uid),
        (None, Some(name)) => match User::from_name(&name) {
            Ok(Some(user)) => Person { uid: Some(user.uid.as_raw()), name: user.name },
            _ => Person { uid: None, name },
        },
        (None, None) => named(own),
    }
}

fn named(uid: u32) -> Person {
    let known = User::from_uid(uid.into()).ok().flatten();
    Person { uid: Some(uid), name: known.map_or_else(|| uid.to_string(), |user| user.name) }
}

/// The accounts of the processes above this one, the nearest first.
fn ancestors() -> Vec<u32> {
    let mut uids = Vec::new();
    let mut next = std::os::unix::process::parent_id();
    while next > 1 && uids.len() < MOST_ANCESTORS {
        let Ok(status) = fs::read_to_string(format!("/proc/{next}/status")) else { break };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u32>().ok()
        };
        let (Some(uid), Some(parent)) = (field("Uid:"), field("PPid:")) else { break };
        uids.push(uid);
        next = parent;
    }
    uids
}

/// The system's databases of accounts and groups.
#[derive(Debug, Clone, Copy)]
pub struct SystemDirectory;

impl Directory for SystemDirectory {
    fn is_member(&self, person: &Person, group: &str) -> Result<bool, String> {
        let shown = crate::domain::Untrusted::new(group).shown_in(60);
        let cannot = |error: nix::Error| format!("the system's groups cannot be read: {error}");
        let Some(wanted) = Group::from_name(group).map_err(cannot)? else {
            return Err(format!("no group is named {shown}: see approver_group in the configuration"));
        };
        let user = match person.uid {
            Some(uid) => User::from_uid(uid.into()),
            None => User::from_name(&person.name),
        };
        let Some(user) = user.map_err(cannot)? else { return Ok(false) };
        let Ok(name) = CString::new(user.name) else { return Ok(false) };
        let groups: Vec<Gid> = getgrouplist(&name, user.gid).map_err(cannot)?;
        Ok(groups.contains(&wanted.gid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever the environment names, one's own account, or the one that sudo was called from, is what counts.
    #[test]
    fn nobody_is_another_by_setting_a_variable() {
        let uid = |own, audit, ancestors: &[u32], sudo: Option<&str>| {
            choose(own, audit, ancestors, sudo.map(str::to_owned)).uid
        };
        assert_eq!(uid(1001, None, &[1001, 0], None), Some(1001));
        assert_eq!(uid(997, None, &[0, 1001, 1001, 0], Some("somebody")), Some(1001), "sudo from an account");
        assert_eq!(uid(1002, None, &[0, 1001, 0], None), Some(1001), "su keeps the login");
        assert_eq!(uid(1002, Some(1003), &[0, 1001], None), Some(1003), "the kernel knows best");
        assert_eq!(uid(0, None, &[0, 0], Some("root")), Some(0), "root for whom sudo says");
        assert_eq!(uid(997, None, &[997, 0], Some("no such account")), None);
        assert!(this().uid.is_some());
    }

    #[test]
    fn groups_are_the_systems() {
        let root = named(0);
        assert_eq!(SystemDirectory.is_member(&root, "root"), Ok(true));
        assert_eq!(SystemDirectory.is_member(&named(4_000_000_001), "root"), Ok(false));
        assert!(SystemDirectory.is_member(&root, "no-such-group").unwrap_err().contains("no-such-group"));
    }
}
