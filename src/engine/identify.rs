//! A leaked secret that was handed over: whose it is, and what using it shows.
//!
//! ```text
//! text ─recognise─▶ Recognised ─┬─ providers: owners (pure, over what was read) ─▶ Owner ─▶ Leaked, in memory only
//!                               └─ nobody's                                          │
//!                          X: its holding is marked, so that a step ends it ◀────────┤
//!            strike, sweep ─▶ used once (probe) ─▶ refused, or contradicted ◀────────┘
//! ```
//!
//! The secret goes nowhere but into the one request to its own provider.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;

use super::{EngineEvent, Provider, fleet::Fleet};
use crate::{
    domain::{
        BotName, Contradiction, Family, Fingerprint, HoldingState, Identity, IdentityId, LeakedSecret, OperationId,
        Owner, ProbeKind, Probed, Reading,
    },
    journal::Body,
};

/// A leaked secret with whose it is. It lives in memory only, and is wiped with its last owner.
#[derive(Debug, Clone)]
pub struct Leaked {
    /// The thing itself.
    pub secret: LeakedSecret,
    /// What it is, by the rule that knew it; `secret` where only its fingerprint did.
    pub rule: String,
    /// Whose it is.
    pub owner: Owner,
    /// Whether a use that mints is allowed.
    pub consent: bool,
}

impl Leaked {
    /// Whether a holding, as it was read, is this secret.
    pub(super) fn is(&self, identity: &IdentityId, holding: &crate::domain::Holding) -> bool {
        self.owner.identity == *identity
            && (self.owner.holding.as_ref() == Some(&holding.id)
                || holding.fingerprint.as_ref() == Some(&self.secret.fingerprint()))
    }

    /// Whether both are the same secret of the same identity.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.owner.identity == other.owner.identity && self.secret.fingerprint() == other.secret.fingerprint()
    }
}

/// Owners by a long-lived secret's fingerprint: of readings, and of what a listing brought along as the hint
/// `fingerprints`. `how` says of what it is the fingerprint, `probe` how the identity's secret can be used.
pub fn owners_by_fingerprint(
    fingerprint: &Fingerprint,
    listing: &[&Identity],
    readings: &[&Reading],
    how: &dyn Fn(&str) -> String,
    probe: &dyn Fn(&str) -> ProbeKind,
) -> Vec<Owner> {
    let mut owners: Vec<Owner> = Vec::new();
    for reading in readings {
        let same = |holding: &&crate::domain::Holding| {
            holding.family == Family::Secret
                && holding.state != HoldingState::Gone
                && holding.fingerprint.as_ref() == Some(fingerprint)
        };
        if let Some(holding) = reading.holdings.iter().find(same) {
            owners.push(Owner {
                bot: None,
                identity: reading.identity.id.clone(),
                name: reading.identity.name.clone(),
                holding: Some(holding.id.clone()),
                how: how(holding.id.class()),
                probe: probe(holding.id.class()),
            });
        }
    }
    for identity in listing {
        let listed = identity.hints.get("fingerprints").map(String::as_str).unwrap_or_default();
        let has = listed.split(',').any(|one| one == fingerprint.as_str());
        if has && !owners.iter().any(|owner| owner.identity == identity.id) {
            owners.push(Owner {
                bot: None,
                identity: identity.id.clone(),
                name: identity.name.clone(),
                holding: None,
                how: how(""),
                probe: probe(""),
            });
        }
    }
    owners
}

/// Uses a leaked secret once at its own provider. A use that mints waits for consent; whatever the provider's code
/// does, there is an answer.
pub(super) async fn use_once(provider: Option<&Arc<dyn Provider>>, leaked: &Leaked) -> Probed {
    let at = leaked.owner.identity.provider().clone();
    let untold = |said: String| Probed { at: at.clone(), alive: None, said };
    let Some(provider) = provider else { return untold("no such provider is configured".to_owned()) };
    match leaked.owner.probe {
        ProbeKind::None => return untold("estop has no way to use it there".to_owned()),
        ProbeKind::Mints if !leaked.consent => {
            return untold("using it would make a new credential: that needs consent".to_owned());
        }
        ProbeKind::Mints | ProbeKind::ReadOnly => {}
    }
    let deadline = provider.limits().deadline;
    let using = AssertUnwindSafe(provider.probe(&leaked.secret, &leaked.owner, leaked.consent)).catch_unwind();
    match tokio::time::timeout(deadline, using).await {
        Ok(Ok(probed)) => probed,
        Ok(Err(_)) => untold("the provider's code panicked".to_owned()),
        Err(_) => untold(format!("no answer within {} s", deadline.as_secs())),
    }
}

/// What one use of a leaked secret comes to.
pub(super) struct Used {
    /// For the record.
    pub record: Body,
    /// For the console.
    pub told: EngineEvent,
    /// It was let in.
    pub let_in: Option<Contradiction>,
}

/// Uses a leaked secret once, for an operation on its bot.
pub(super) async fn use_for(fleet: &Fleet, op: OperationId, bot: &BotName, leaked: &Leaked) -> Used {
    let probed = use_once(fleet.provider(leaked.owner.identity.provider()), leaked).await;
    let fingerprint = leaked.secret.fingerprint();
    let let_in = (probed.alive == Some(true)).then(|| Contradiction::by_use(&fingerprint, &probed.at, &probed.said));
    let record = on_record(bot, leaked, &probed);
    let told = EngineEvent::Probed { op, bot: bot.clone(), fingerprint, probed, at: fleet.clock.now() };
    Used { record, told, let_in }
}

/// One use, as a journal has it: by fingerprint.
pub(super) fn on_record(bot: &BotName, leaked: &Leaked, probed: &Probed) -> Body {
    Body::ProbeResult {
        bot: bot.clone(),
        fingerprint: leaked.secret.fingerprint(),
        rule: leaked.rule.clone(),
        at: probed.at.clone(),
        alive: probed.alive,
        said: probed.said.clone(),
    }
}
