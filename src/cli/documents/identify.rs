//! `estop.identify/1`: what a leaked secret is and whose; and `estop.probe/1`: what using one after a strike has shown.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    cli::time::Moment,
    domain::{
        BotName, Claim, Fingerprint, HoldingId, Identified, IdentityId, IncidentId, OperationId, Owner, ProbeKind,
        Probed, Recognised, Untrusted,
    },
};

/// An id that the secret embeds.
#[derive(Debug, Serialize)]
pub struct ClaimRow {
    /// What it is.
    pub kind: &'static str,
    /// Its value, as the secret has it: nobody has checked it.
    pub value: Untrusted,
}

impl From<&Claim> for ClaimRow {
    fn from(claim: &Claim) -> Self {
        Self { kind: claim.kind.word(), value: claim.value.clone() }
    }
}

/// What it may be.
#[derive(Debug, Serialize)]
pub struct RecognisedRow {
    /// The rule's id.
    pub rule: &'static str,
    /// For people.
    pub name: &'static str,
    /// The kind of provider; `null`: many issue such things.
    pub provider: Option<&'static str>,
    /// How sure.
    pub confidence: &'static str,
    /// What it embeds.
    pub claims: Vec<ClaimRow>,
    /// What a responder should know before anything is done with it.
    pub caution: Option<&'static str>,
}

impl From<&Recognised> for RecognisedRow {
    fn from(recognised: &Recognised) -> Self {
        Self {
            rule: recognised.rule,
            name: recognised.name,
            provider: recognised.provider,
            confidence: recognised.confidence.word(),
            claims: recognised.claims.iter().map(Into::into).collect(),
            caution: recognised.caution,
        }
    }
}

/// Whose it is.
#[derive(Debug, Serialize)]
pub struct OwnerRow {
    /// The bot; `null`: an identity of no bot.
    pub bot: Option<String>,
    /// Which identity it opens.
    pub identity: IdentityId,
    /// The provider's name for it.
    pub name: Untrusted,
    /// The holding that it is; `null`: no listing shows such a thing by itself.
    pub holding: Option<HoldingId>,
    /// How that is known.
    pub how: String,
    /// How it can be used to see whether it lives: `none`, `read-only`, `mints`.
    pub probe: &'static str,
    /// What ends it, as a command; `null`: an identity of no bot.
    pub isolate: Option<String>,
}

impl From<&Owner> for OwnerRow {
    fn from(owner: &Owner) -> Self {
        Self {
            bot: owner.bot.as_ref().map(|bot| bot.raw().to_owned()),
            identity: owner.identity.clone(),
            name: owner.name.clone(),
            holding: owner.holding.clone(),
            how: owner.how.clone(),
            probe: match owner.probe {
                ProbeKind::None => "none",
                ProbeKind::ReadOnly => "read-only",
                ProbeKind::Mints => "mints",
            },
            isolate: owner.bot.as_ref().map(command),
        }
    }
}

/// The command that isolates it and ends the secret, as a shell takes it.
fn command(bot: &BotName) -> String {
    let name = bot.shown();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@%".contains(c)) && !name.starts_with('-');
    let quoted = if plain { name } else { format!("'{}'", name.replace('\'', "'\\''")) };
    format!("estop isolate {quoted} --yes --leaked")
}

/// What one use has shown.
#[derive(Debug, Serialize)]
pub struct UseRow {
    /// As which identity.
    pub identity: IdentityId,
    /// Where.
    pub provider: String,
    /// Whether it works; `null`: that could not be told.
    pub alive: Option<bool>,
    /// What was asked and what came back.
    pub said: Untrusted,
}

/// `estop identify`.
#[derive(Debug, Serialize)]
pub struct IdentifyDocument {
    schema: &'static str,
    exercise: Option<String>,
    /// In the secret's place.
    pub fingerprint: Fingerprint,
    /// What it may be, the surest first; empty: no rule knows it.
    pub recognised: Vec<RecognisedRow>,
    /// Whose it is; empty: nobody's that is known here.
    pub owners: Vec<OwnerRow>,
    /// What using it once has shown; `null`: that was not asked.
    pub probes: Option<Vec<UseRow>>,
}

impl IdentifyDocument {
    /// Of what became known without sending it, and of its uses where they were asked for.
    pub fn of(exercise: Option<String>, identified: &Identified, probed: Option<&[(Owner, Probed)]>) -> Self {
        let used = |(owner, probed): &(Owner, Probed)| UseRow {
            identity: owner.identity.clone(),
            provider: probed.at.to_string(),
            alive: probed.alive,
            said: Untrusted::new(probed.said.as_str()),
        };
        Self {
            schema: "estop.identify/1",
            exercise,
            fingerprint: identified.fingerprint.clone(),
            recognised: identified.recognised.iter().map(Into::into).collect(),
            owners: identified.owners.iter().map(Into::into).collect(),
            probes: probed.map(|all| all.iter().map(used).collect()),
        }
    }

    /// The bots that own it, each once.
    pub fn bots(&self) -> BTreeSet<&str> {
        self.owners.iter().filter_map(|owner| owner.bot.as_deref()).collect()
    }
}

/// The word for what a use has shown.
pub const fn use_word(alive: Option<bool>) -> &'static str {
    match alive {
        Some(true) => "works",
        Some(false) => "refused",
        None => "unknown",
    }
}

/// A leaked secret was used after the strike.
#[derive(Debug, Serialize)]
pub struct ProbeLine {
    /// `estop.probe/1`.
    pub schema: &'static str,
    /// The scenario's name, where this is an exercise.
    pub exercise: Option<String>,
    /// In which incident.
    pub incident: IncidentId,
    /// Of which operation.
    pub op: OperationId,
    /// When.
    pub at: Moment,
    /// Of which bot.
    pub bot: String,
    /// In the secret's place.
    pub fingerprint: Fingerprint,
    /// Where it was used.
    pub provider: String,
    /// Whether it works; `null`: that could not be told.
    pub alive: Option<bool>,
    /// What was asked and what came back.
    pub said: Untrusted,
}
