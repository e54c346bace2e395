//! People of a host: accounts and groups of their own, and processes that are theirs, by the kernel's word.
//!
//! ```text
//! House: passwd, group, estop/config.toml ── bound over /etc, for one process and its children
//!   └─ House::as_user (own uid)    House::by_sudo (root, with their login uid: how a host is shared)
//! ```

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{Options, Ran, Stage, stage::PATIENCE};

/// An account of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    pub name: &'static str,
    pub uid: u32,
}

/// Responds and leads.
pub const ALICE: Person = Person { name: "alice", uid: 4001 };
/// Responds and leads.
pub const BOB: Person = Person { name: "bob", uid: 4002 };
/// Responds.
pub const MALLORY: Person = Person { name: "mallory", uid: 4003 };
/// Of no group but her own.
pub const VERA: Person = Person { name: "vera", uid: 4004 };

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nalice:x:4001:4001::/nowhere:/bin/sh\nbob:x:4002:4002::/nowhere:/bin/sh\n\
                      mallory:x:4003:4003::/nowhere:/bin/sh\nvera:x:4004:4004::/nowhere:/bin/sh\n";
const GROUP: &str = "root:x:0:\nalice:x:4001:\nbob:x:4002:\nmallory:x:4003:\nvera:x:4004:\n\
                     ir:x:4101:alice,bob,mallory\nir-leads:x:4102:alice,bob\n";

const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What the administrators of the host have set.
const RULES: &str = "[console]\nresponder_group = \"ir\"\napprover_group = \"ir-leads\"\n";

impl Person {
    /// As lines of the journal name them.
    pub fn on_record(self) -> String {
        format!("{} (uid {})", self.name, self.uid)
    }
}

/// Copies a program. By a process of its own: while this one had it open for writing, a child that is started elsewhere
/// at that moment would keep it from being run.
pub fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args([from, to]).status().unwrap().success());
}

/// A stage on a host with these people.
pub struct House {
    pub stage: Stage,
    folder: tempfile::TempDir,
}

impl House {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        // Nobody else may get as far as the build's directory.
        let binary = folder.path().join("estop");
        copy(Path::new(env!("CARGO_BIN_EXE_estop")), &binary);
        let etc = folder.path().join("etc");
        std::fs::create_dir_all(etc.join("estop")).unwrap();
        for (name, text) in [
            ("passwd", PASSWD),
            ("group", GROUP),
            ("nsswitch.conf", "passwd: files\ngroup: files\n"),
            ("estop/config.toml", RULES),
        ] {
            std::fs::write(etc.join(name), text).unwrap();
        }
        // The host's own roots of trust: without any, no client of TLS begins.
        std::fs::create_dir_all(etc.join("ssl/certs")).unwrap();
        std::fs::copy(ROOTS, etc.join(&ROOTS["/etc/".len()..])).unwrap();
        let stage = Stage::with(&Options { binary: Some(binary), ..Options::default() });
        Self { stage, folder }
    }

    /// Home, settings, secrets and journals are now theirs.
    pub fn hand_over(&self, person: Person) {
        let whose = format!("{0}:{0}", person.uid);
        let done = Command::new("chown").arg("-R").arg(whose).arg(self.stage.home()).arg(self.stage.state()).status();
        assert!(done.unwrap().success());
    }

    /// A command under somebody's own account, after a login.
    pub fn as_user(&self, person: Person) -> Vec<String> {
        self.wrapped(person, &format!("exec setpriv --reuid={0} --regid={0} --init-groups \"$@\"", person.uid))
    }

    /// A command as root, reached by `sudo` after a login.
    pub fn by_sudo(&self, person: Person) -> Vec<String> {
        let Person { name, uid } = person;
        self.wrapped(person, &format!("export SUDO_USER={name} SUDO_UID={uid} SUDO_GID={uid}\nexec \"$@\""))
    }

    /// A command as root that sudo called without any login on record.
    pub fn nobody_logged_in(&self, person: Person) -> Vec<String> {
        let Person { name, uid } = person;
        let unset = Person { name, uid: u32::MAX };
        self.wrapped(unset, &format!("export SUDO_USER={name} SUDO_UID={uid} SUDO_GID={uid}\nexec \"$@\""))
    }

    /// A script that runs what follows it; each step replaces the process, so that its id is that of estop.
    fn wrapped(&self, person: Person, last: &str) -> Vec<String> {
        let etc = self.folder.path().join("etc");
        // With the files goes the cache of names that a daemon may keep.
        let inside = format!(
            "mount --bind '{}' /etc || exit 99\nif [ -d /run/nscd ]; then mount -t tmpfs none /run/nscd; fi\n\
             echo {} > /proc/self/loginuid || exit 98\n{last}",
            etc.display(),
            person.uid
        );
        ["unshare", "-m", "--propagation", "private", "sh", "-c", &inside, "sh"].map(str::to_owned).to_vec()
    }

    /// The same as a program, for a terminal.
    pub fn program(&self, name: &str, prefix: &[String]) -> PathBuf {
        let path = self.folder.path().join(name);
        let words: Vec<String> = prefix.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let text = format!("#!/bin/sh\nexec {} '{}' \"$@\"\n", words.join(" "), self.stage.binary().display());
        let written = path.with_extension("text");
        std::fs::write(&written, text).unwrap();
        copy(&written, &path);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A command of somebody's to its end.
    #[track_caller]
    pub fn run(&self, prefix: &[String], arguments: &[&str]) -> Ran {
        let ran = self.stage.heard(self.stage.start_under(prefix, arguments).wait(PATIENCE));
        assert!(!matches!(ran.code, Some(98 | 99)), "the account could not be taken on: {ran}");
        ran
    }

    /// How many requests for a change the servers have seen.
    pub fn changes(&self) -> usize {
        self.stage.servers.iter().map(|server| server.changes().len()).sum()
    }

    /// Lines of the host's own journal that have all of these words.
    pub fn host_lines(&self, words: &[&str]) -> usize {
        let text = std::fs::read_to_string(self.stage.state().join("journal/host.jsonl")).unwrap_or_default();
        text.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}
