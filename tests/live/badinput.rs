//! What a responder gets wrong, or an attacker sends: one clear sentence each, and nothing is lost.

mod configuration;
mod names;
mod record;
mod servers;

use crate::estop::Ran;

/// Fails unless it ended with this code and one calm sentence has all of these.
#[track_caller]
fn refused(ran: Ran, code: i32, parts: &[&str]) -> Ran {
    let ran = ran.expect(code);
    ran.says(parts).is_calm();
    ran
}
