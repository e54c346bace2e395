//! Who sits in front of estop, and what they may do.
//!
//! ```text
//! login uid (kernel) ─┐
//! SUDO_UID, real uid ─┼─▶ every account that stands for the person ─▶ all in the group? ─▶ may / only views
//! ```
//!
//! The group's members are those of the system (`getgrouplist`, so directories count). Who is root may always: root
//! owns the system's configuration and the journals, and refusing would only pretend.

use std::{env, fmt, fs, sync::Arc};

use super::Refusal;
use crate::domain::Policy;

/// The audit login uid of a process that no login started (`(uid_t) -1`, proc(5)).
const NO_LOGIN: u32 = u32::MAX;

/// Something that only responders may do. Whoever is none may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Isolate or burn.
    Isolate,
    /// Strike again what failed.
    Retry,
    /// Finish what another process left.
    Resume,
    /// Undo an isolation.
    Restore,
    /// Be the second person of a restore.
    Approve,
    /// Attest that a manual step was done.
    Confirm,
    /// Open an incident.
    Open,
    /// Close one.
    Close,
    /// Write a note.
    Note,
    /// Hand an incident over.
    HandOver,
}

impl Right {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::Isolate,
        Self::Retry,
        Self::Resume,
        Self::Restore,
        Self::Approve,
        Self::Confirm,
        Self::Open,
        Self::Close,
        Self::Note,
        Self::HandOver,
    ];

    /// For a sentence: `closing an incident`.
    pub const fn doing(self) -> &'static str {
        match self {
            Self::Isolate => "isolating",
            Self::Retry => "striking again",
            Self::Resume => "resuming",
            Self::Restore => "restoring",
            Self::Approve => "approving",
            Self::Confirm => "confirming a manual step",
            Self::Open => "opening an incident",
            Self::Close => "closing an incident",
            Self::Note => "writing a note",
            Self::HandOver => "handing over",
        }
    }
}

/// The person behind this process, as far as the system tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The account's number: the audit login uid, which survives `su` and `sudo`; else the real uid of this process.
    pub uid: u32,
    /// Its name; the number where it has none.
    pub name: String,
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (uid {})", self.name, self.uid)
    }
}

/// The people of this host: who works here, and the system's groups.
pub trait People: Send + Sync + fmt::Debug {
    /// The person behind this process. No name typed in, variable or flag changes it, except that [`People::is_member`]
    /// asks more of whoever says that sudo called.
    fn login(&self) -> Login;

    /// Every account that stands for the person, [`People::login`] first: several where sudo says that it called and the
    /// kernel knows no login.
    fn accounts(&self) -> Vec<Login> {
        vec![self.login()]
    }

    /// Whether the person is root itself: no guard binds it.
    fn is_root(&self) -> bool;

    /// Whether the person is a member of a group. Root is none unless it is listed.
    ///
    /// # Errors
    /// One sentence: there is no such group, or no such account. Then nobody is a member.
    fn is_member(&self, group: &str) -> Result<bool, String>;
}

/// The system's accounts and groups.
#[derive(Debug, Clone)]
pub struct SystemPeople {
    /// Accounts that all stand for the person; the first is who they are.
    uids: Vec<u32>,
}

impl SystemPeople {
    /// As the kernel and sudo tell it of this process.
    pub fn this() -> Self {
        let login = fs::read_to_string("/proc/self/loginuid").ok().and_then(|uid| uid.trim().parse().ok());
        let sudo = env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
        Self::of(login, sudo, rustix::process::getuid().as_raw())
    }

    /// The kernel's login uid is the person. Without one it is the account of the process: a variable could be made up,
    /// so whoever says that sudo called needs both accounts to be let in, and is nobody else by it.
    fn of(login: Option<u32>, sudo: Option<u32>, real: u32) -> Self {
        let uids = match (login.filter(|uid| *uid != NO_LOGIN), sudo) {
            (Some(login), _) => vec![login],
            (None, Some(sudo)) if sudo != real => vec![real, sudo],
            (None, _) => vec![real],
        };
        Self { uids }
    }
}

fn named(uid: u32) -> Login {
    let name = uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned());
    Login { uid, name: name.unwrap_or_else(|| uid.to_string()) }
}

impl People for SystemPeople {
    fn login(&self) -> Login {
        named(self.uids.first().copied().unwrap_or(NO_LOGIN))
    }

    fn accounts(&self) -> Vec<Login> {
        self.uids.iter().copied().map(named).collect()
    }

    fn is_root(&self) -> bool {
        self.uids.iter().all(|uid| *uid == 0)
    }

    fn is_member(&self, group: &str) -> Result<bool, String> {
        let wanted = uzers::get_group_by_name(group).ok_or_else(|| format!("this host has no group {group}"))?;
        for uid in &self.uids {
            // Root that was reached through sudo stands for the person who called.
            if *uid == 0 && self.uids.len() > 1 {
                continue;
            }
            let user = uzers::get_user_by_uid(*uid).ok_or_else(|| format!("account {uid} has no name on this host"))?;
            let groups = uzers::get_user_groups(user.name(), user.primary_group_id()).unwrap_or_default();
            if !groups.iter().any(|one| one.gid() == wanted.gid()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The rules of the house, as the configuration sets them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Who is not of this group only views; `None`: everybody responds.
    pub responder_group: Option<String>,
    /// Restoring needs a second person of this group.
    pub approver_group: Option<String>,
    /// How many other bots an isolation may hit before it asks for the bot's name.
    pub collateral_cap: usize,
    /// From when on a finding is one.
    pub policy: Policy,
    /// Who works here.
    pub people: Arc<dyn People>,
}

/// Other bots that an isolation may hit without its name being typed.
pub const COLLATERAL_CAP: usize = 3;

impl Default for Rules {
    fn default() -> Self {
        Self {
            responder_group: None,
            approver_group: None,
            collateral_cap: COLLATERAL_CAP,
            policy: Policy::default(),
            people: Arc::new(SystemPeople::this()),
        }
    }
}

impl Rules {
    /// What the rules of findings are asked with: a bot that hits more others than the cap is the same everywhere.
    pub(super) fn policy(&self) -> Policy {
        Policy { collateral: self.collateral_cap, ..self.policy.clone() }
    }

    /// Why the person only views; `None`: a responder.
    pub(super) fn viewer(&self) -> Option<String> {
        let group = self.responder_group.as_deref()?;
        if self.people.is_root() {
            return None;
        }
        let name = self.people.login().name;
        match self.people.is_member(group) {
            Ok(true) => None,
            Ok(false) => Some(format!("{name} is not of the group {group}")),
            Err(why) => Some(format!("whether {name} is of the group {group} cannot be told: {why}")),
        }
    }
}

/// The refusal of a viewer.
pub(super) fn refused(right: Right, why: &str) -> Refusal {
    Refusal::Viewer { right, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sudo_is_said_to_be_never_widens() {
        let uids = |login, sudo, real| SystemPeople::of(login, sudo, real).uids;
        assert_eq!(uids(Some(1001), Some(1002), 900), [1001], "the kernel's word");
        assert_eq!(uids(Some(NO_LOGIN), Some(1002), 900), [900, 1002], "both must be let in");
        assert_eq!(uids(None, Some(0), 1001), [1001, 0], "a variable that was made up makes no root");
        assert!(!SystemPeople::of(None, Some(0), 1001).is_root());
        assert!(!SystemPeople::of(None, Some(1001), 0).is_root(), "a person reached root by sudo");
        assert!(SystemPeople::of(None, None, 0).is_root());
    }

    #[test]
    fn a_group_that_is_not_there_has_no_members() {
        let rules = Rules {
            responder_group: Some("estop-no-such-group".to_owned()),
            people: Arc::new(SystemPeople { uids: vec![65_534] }),
            ..Rules::default()
        };
        let why = rules.viewer().unwrap();
        assert!(why.contains("estop-no-such-group"), "{why}");
        assert_eq!(Rules { responder_group: None, ..rules }.viewer(), None);
    }

    #[test]
    fn root_reached_by_sudo_is_the_person_who_called() {
        let nobody = SystemPeople { uids: vec![0, 65_534] };
        assert_eq!(nobody.accounts().len(), 2);
        assert_eq!(nobody.is_member("root"), Ok(false));
        let root = SystemPeople { uids: vec![0] };
        assert_eq!(root.is_member("root"), Ok(true), "its own group");
    }
}
