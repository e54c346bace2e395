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
    /// When it began, as the kernel counts: another process of the same number began at another time.
    pub start: Option<String>,
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
            start: started(std::process::id()).map(|(start, _)| start),
            who: Who::this(),
        }
    }
}

/// Whether a process that wrote a line is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It lives.
    Here,
    /// It lives and does nothing: somebody has stopped it.
    Stopped,
    /// It has ended, whoever has its number now.
    Gone,
    /// It ran on another host: nothing here can tell.
    Elsewhere,
}

/// Looks for a process that has introduced itself so.
pub fn presence(host: &str, pid: u32, start: Option<&str>) -> Presence {
    if host != cut(&rustix::system::uname().nodename().to_string_lossy()) {
        return Presence::Elsewhere;
    }
    let number = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(number) = number else { return Presence::Gone };
    // A process of another account is there although it may not be asked.
    if rustix::process::test_kill_process(number) == Err(rustix::io::Errno::SRCH) {
        return Presence::Gone;
    }
    match (started(pid), start) {
        (Some((is, _)), Some(said)) if is != said => Presence::Gone,
        (Some((_, 'Z' | 'X' | 'x')), _) => Presence::Gone,
        (Some((_, 'T' | 't')), _) => Presence::Stopped,
        // Where /proc hides others, a number that is taken is all there is to go by.
        _ => Presence::Here,
    }
}

/// When a process began, in ticks since this boot, with the boot's name; and its state (proc(5), fields 22 and 3).
fn started(pid: u32) -> Option<(String, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    let ticks: u64 = fields.nth(18)?.parse().ok()?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some((format!("{}:{ticks}", boot.get(..8)?), state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_came_again_is_another_process() {
        let this = Process::this();
        assert_eq!(presence(&this.host, this.pid, this.start.as_deref()), Presence::Here);
        assert_eq!(presence(&this.host, this.pid, Some("0000:1")), Presence::Gone);
        assert_eq!(presence(&this.host, 0x7fff_fff0, None), Presence::Gone);
        assert_eq!(presence("another-host", this.pid, this.start.as_deref()), Presence::Elsewhere);
    }

    #[test]
    fn what_nobody_has_waited_for_is_gone_and_what_is_stopped_is_told() {
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let (host, pid) = (Process::this().host, child.id());
        let (start, _) = started(pid).unwrap();
        let send = |signal| rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        let until = |wanted| {
            while presence(&host, pid, Some(&start)) != wanted {
                std::thread::yield_now();
            }
        };
        send(rustix::process::Signal::STOP);
        until(Presence::Stopped);
        send(rustix::process::Signal::KILL);
        until(Presence::Gone);
        child.wait().unwrap();
    }
}
