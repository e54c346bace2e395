//! Faults between estop and the real servers: lost answers, lies, silence, throttles, and people who change the world in
//! mid-strike.
//!
//! Each case ends with the stolen credentials at the server itself, past the line that breaks: what estop said is dead is
//! dead, and what it could not end it said. Then the fault is gone, and it ends with all of them dead, a sound journal,
//! and no secret in any output. Cases of one test run side by side, each with a line, a responder and a bot of its own.

mod database;
mod keycloak;
mod line;
mod proxy;

use anyhow::Result;

use crate::estop::Ran;
use crate::scene::list;

/// Says what an isolation says with exit code and words that belong together: its outcome's word.
fn told<'a>(ran: &'a Ran, bot: &str) -> Result<&'a str> {
    ran.is_calm();
    let outcome = ran.outcome();
    let word = outcome["outcome"].as_str().unwrap_or_default();
    let (code, why) = match word {
        "dark" | "dark-at" => (0, None),
        "partial" => (3, Some("reasons")),
        "contradicted" => (4, Some("alive")),
        _ => anyhow::bail!("no outcome: {ran}"),
    };
    anyhow::ensure!(ran.code == code, "{word} with exit code {}: {ran}", ran.code);
    if let Some(why) = why {
        anyhow::ensure!(!list(outcome, why)?.is_empty(), "{word} without a reason: {ran}");
        ran.says(&[bot]);
    }
    Ok(word)
}

/// Whether what another run had left was finished.
fn ended_dark(resumed: &Ran) -> bool {
    let last = resumed.lines.last().and_then(|line| line["outcome"].as_str()).unwrap_or_default();
    resumed.code == 0 && last.starts_with("dark")
}

/// Whether a step with this in its name was proved by a read.
fn is_verified(ran: &Ran, action: &str) -> bool {
    let of_action = |step: &str| step.contains(action);
    let mut steps = ran.lines.iter().filter(|line| line["step"].as_str().is_some_and(of_action));
    steps.any(|line| line["state"] == "verified")
}
