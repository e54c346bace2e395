//! The process itself, before it reads anything secret.

use std::{io::Write as _, panic};

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

/// No core dumps, not readable by others of the same user, files for its owner only; a panic says where, never what.
///
/// SIGPIPE is ignored by Rust's runtime; SIGXFSZ is taken over with the other signals, before anything is written.
///
/// # Errors
/// One sentence: the system refuses, so that a secret could leave with a core dump.
pub fn harden() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| format!("core dumps cannot be switched off: {error}"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the process cannot be hidden from debuggers: {error}"))?;
    umask(Mode::RWXG | Mode::RWXO);
    panic::set_hook(Box::new(|info| {
        // The payload may quote what was being worked on.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let sentence = "an error of estop's own; the journal has what was done, estop resume finishes it";
        let _ = writeln!(std::io::stderr(), "estop: {sentence} ({place})");
    }));
    Ok(())
}
