//! From what was typed to a bot: exactly one, or a sentence that lists the nearest.

use std::sync::Arc;

use super::{Stop, output::Output};
use crate::{
    domain::{BotName, IdentityId, Untrusted},
    engine::{BotView, Snapshot},
};

/// Names that a sentence lists at most.
const LISTED: usize = 5;

/// The bot of that name, or the one that has the identity of that id.
///
/// # Errors
/// Nobody or several could be meant: wrong use, with the nearest names.
pub fn resolve(snapshot: &Snapshot, typed: &str) -> Result<Arc<BotView>, Stop> {
    if let Some(view) = unique(snapshot.bots.iter().filter(|view| view.bot.name.raw() == typed)) {
        return Ok(view.clone());
    }
    if let Ok(id) = typed.parse::<IdentityId>() {
        if let Some(view) = by_identity(snapshot, &id) {
            return Ok(view);
        }
        if snapshot.others.iter().any(|identity| identity.id == id) {
            let message = format!("{id} is an identity of no bot: select it, or name it in a [[bot]] entry");
            return Err(Stop::usage(message));
        }
    }
    let same: Vec<&Arc<BotView>> = snapshot
        .bots
        .iter()
        .filter(|view| view.identities.iter().any(|identity| identity.name.raw() == typed))
        .filter(|view| !view.bot.configured)
        .collect();
    let shown = Untrusted::new(typed).shown_in(80);
    if same.len() > 1 {
        let names: Vec<String> = same.iter().take(LISTED).map(|view| view.bot.name.shown()).collect();
        return Err(Stop::usage(format!("{shown} is the name of several bots: choose {}", names.join(" or "))));
    }
    Err(Stop::usage(format!("no bot is named {shown}{}{}", near(snapshot, typed), unread(snapshot))))
}

fn unique<T>(mut candidates: impl Iterator<Item = T>) -> Option<T> {
    candidates.next().filter(|_| candidates.next().is_none())
}

/// By id, or by the provider's unique name in the id's place.
fn by_identity(snapshot: &Snapshot, id: &IdentityId) -> Option<Arc<BotView>> {
    if let Some(view) = snapshot.bot_of(id) {
        return Some(view.clone());
    }
    let named = |view: &&Arc<BotView>| {
        let mut identities = view.identities.iter().chain(view.readings.iter().map(|reading| &reading.identity));
        identities.any(|identity| {
            identity.id == *id || (identity.id.provider() == id.provider() && identity.name.raw() == id.native())
        })
    };
    unique(snapshot.bots.iter().filter(named)).cloned()
}

/// What comes near, best first.
fn near(snapshot: &Snapshot, typed: &str) -> String {
    let likeness = |view: &BotView| {
        let names = view.identities.iter().map(|identity| identity.name.raw());
        names
            .chain([view.bot.name.raw()])
            .map(|name| strsim::jaro_winkler(&typed.to_lowercase(), &name.to_lowercase()))
            .fold(0.0, f64::max)
    };
    let mut near: Vec<(f64, String)> = snapshot
        .bots
        .iter()
        .map(|view| (likeness(view), view.bot.name.shown()))
        .filter(|(like, _)| *like > 0.6)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.truncate(LISTED);
    if near.is_empty() {
        return "; `estop list` has the names".to_owned();
    }
    let names: Vec<String> = near.into_iter().map(|(_, name)| name).collect();
    format!("; the nearest: {}", names.join(", "))
}

/// Asks for a bot's name. What was typed before the question does not answer it.
///
/// # Errors
/// Something else was typed: wrong use, nothing was sent.
pub async fn ask_name(output: &Output, bot: &BotName, purpose: &str) -> Result<(), Stop> {
    let name = bot.shown();
    let _ = rustix::termios::tcflush(rustix::stdio::stdin(), rustix::termios::QueueSelector::IFlush);
    output.ask(&format!("Type {name} {purpose}:"));
    let typed = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    match typed.await {
        Ok(Ok(line)) if line.trim_end_matches(['\n', '\r']) == bot.raw() => Ok(()),
        _ => Err(Stop::usage(format!("that is not {name}: nothing was sent"))),
    }
}

/// It may be at a provider that did not answer.
fn unread(snapshot: &Snapshot) -> String {
    let unread = snapshot.providers.iter().filter(|provider| !provider.reachable || !provider.complete);
    let names: Vec<String> = unread.map(|provider| provider.name.to_string()).collect();
    if names.is_empty() { String::new() } else { format!(" (not all could be read: {})", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::documents::sample;

    #[test]
    fn names_and_ids_find_one_bot_or_say_which_there_are() {
        let snapshot = sample::snapshot();
        for (typed, found) in [
            ("helpdesk", Ok("helpdesk")),
            ("corp-sso:5e0c", Ok("helpdesk")),
            ("corp-sso:helpdesk-bot", Ok("helpdesk")),
            ("helpdsk", Err("the nearest: helpdesk")),
            ("corp-sso:other", Err("identity of no bot")),
            ("twin", Err("several bots: choose corp-sso:t1 or docs-db:t2")),
            ("corp-sso:t1", Ok("corp-sso:t1")),
            ("zzz", Err("`estop list` has the names")),
            ("\u{1b}[2J", Err("\\x1b[2J")),
        ] {
            match (resolve(&snapshot, typed), found) {
                (Ok(view), Ok(name)) => assert_eq!(view.bot.name.raw(), name),
                (Err(stop), Err(part)) => {
                    assert!(stop.message.contains(part), "{}", stop.message);
                    assert_eq!(stop.exit.code(), 2);
                }
                (got, _) => panic!("{typed}: {:?}", got.map(|view| view.bot.name.clone())),
            }
        }
        let stop = resolve(&snapshot, "zzz").unwrap_err();
        assert!(stop.message.contains("docs-db"), "a provider that was not read is named: {}", stop.message);
    }
}
