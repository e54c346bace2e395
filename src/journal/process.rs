//! Which process writes, and for whom.

use std::{env, fs};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The audit login uid of a process that no login started (`(uid_t) -1`, proc(5)).
const NO_LOGIN: u32 = u32::MAX;
/// Characters of a name that are kept: the environment is not trusted with the length of a line.
const MAX_CHARS: usize = 128;

/// The person behind a process. Several share one service account: the account alone says too little.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The account it runs as, by `/etc/passwd`, else its number.
    pub user: Option<String>,
    /// Who called sudo, as sudo says.
    pub sudo_user: Option<String>,
    /// The uid of the login, as the kernel's audit keeps it; it survives `su` and `sudo`.
    pub audit_uid: Option<u32>,
    /// The terminal.
    pub tty: Option<String>,
    /// `SSH_CONNECTION`: client address and port, server address and port.
    pub ssh: Option<String>,
}

impl Who {
    /// Of this process.
    pub fn this() -> Self {
        Self {
            user: Some(account(rustix::process::getuid().as_raw())),
            sudo_user: variable("SUDO_USER"),
            audit_uid: fs::read_to_string("/proc/self/loginuid")
                .ok()
                .and_then(|uid| uid.trim().parse().ok())
                .filter(|uid| *uid != NO_LOGIN),
            tty: terminal(),
            ssh: variable("SSH_CONNECTION"),
        }
    }

    /// For people: the person where it is known, the account behind it.
    pub fn short(&self) -> String {
        let user = self.user.as_deref().unwrap_or("unknown");
        match &self.sudo_user {
            Some(person) => format!("{person} as {user}"),
            None => user.to_owned(),
        }
    }
}

fn account(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| cut(name))
    });
    name.unwrap_or_else(|| uid.to_string())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty()).map(|value| cut(&value))
}

fn terminal() -> Option<String> {
    let name = rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new()).ok()?;
    Some(cut(&name.to_string_lossy()))
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// The process that writes. An exercise brings its own, so that its journal is the same to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Unique: process numbers come again.
    pub id: Uuid,
    /// The host's name.
    pub host: String,
    /// Its number on the host.
    pub pid: u32,
    /// estop's version.
    pub version: String,
    /// For whom.
    pub who: Who,
}

impl Process {
    /// This process, with a fresh id.
    pub fn this() -> Self {
        Self {
            id: Uuid::new_v4(),
            host: cut(&rustix::system::uname().nodename().to_string_lossy()),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            who: Who::this(),
        }
    }
}
