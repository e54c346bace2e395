//! `estop.list/1`: the fleet as it was read.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    cli::time::Moment,
    domain::{BotState, Family, HoldingState, Identity, IdentityId, IdentityState, Scope, Untrusted},
    engine::{BotView, ProviderStatus, Snapshot},
};

/// One provider.
#[derive(Debug, Serialize)]
pub struct ProviderRow {
    /// Its unique name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Whether its last listing was answered.
    pub reachable: bool,
    /// Whether that listing had every page.
    pub complete: bool,
    /// When.
    pub read_at: Option<Moment>,
    /// Why it failed or is incomplete.
    pub error: Option<String>,
}

impl From<&ProviderStatus> for ProviderRow {
    fn from(status: &ProviderStatus) -> Self {
        Self {
            name: status.name.to_string(),
            kind: status.kind,
            reachable: status.reachable,
            complete: status.complete,
            read_at: Moment::maybe(status.read_at),
            error: status.error.clone(),
        }
    }
}

/// One identity, as its provider lists it.
#[derive(Debug, Serialize)]
pub struct IdentityRow {
    /// `PROVIDER:NATIVE-ID`.
    pub id: IdentityId,
    /// The provider.
    pub provider: String,
    /// The provider's own id.
    pub native_id: String,
    /// The provider's name for it.
    pub name: Untrusted,
    /// Its form.
    pub kind: &'static str,
    /// Whether it can act.
    pub state: &'static str,
}

impl From<&Identity> for IdentityRow {
    fn from(identity: &Identity) -> Self {
        let state = match identity.state {
            IdentityState::Live => "live",
            IdentityState::Gated => "gated",
            IdentityState::Gone => "gone",
            IdentityState::Unknown => "unknown",
        };
        Self {
            id: identity.id.clone(),
            provider: identity.id.provider().to_string(),
            native_id: identity.id.native().to_owned(),
            name: identity.name.clone(),
            kind: identity.kind.word(),
            state,
        }
    }
}

/// How much a bot holds. Unknown until each of its identities has been read.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct CountsRow {
    /// Secrets, keys, tokens, sessions.
    pub credentials: Option<usize>,
    /// Roles, installations, trusts, links.
    pub connectors: Option<usize>,
    /// Delegated consents.
    pub grants: Option<usize>,
    /// Different effective scopes.
    pub scopes: Option<usize>,
    /// Rules that fired, of the bot and of all its identities; what could not be evaluated is in `estop show`.
    pub findings: Option<usize>,
}

impl CountsRow {
    fn of(view: &BotView) -> Self {
        if view.identities.iter().any(|identity| view.readings.get(&identity.id).is_none()) {
            return Self::default();
        }
        let held = || view.readings.holdings().filter(|holding| holding.state != HoldingState::Gone);
        let count = |families: &[Family]| Some(held().filter(|holding| families.contains(&holding.family)).count());
        Self {
            credentials: count(&[Family::Secret, Family::Token]),
            connectors: count(&[Family::Role, Family::Connector]),
            grants: count(&[Family::Grant]),
            scopes: Some(held().flat_map(|holding| &holding.scopes).collect::<BTreeSet<&Scope>>().len()),
            findings: Some(view.findings.len()),
        }
    }
}

/// One bot.
#[derive(Debug, Serialize)]
pub struct BotRow<I = IdentityRow> {
    /// Its name, unique in the fleet.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<Untrusted>,
    /// `production`, `staging` …
    pub environment: Option<Untrusted>,
    /// Whether isolating it asks for its name.
    pub protected: bool,
    /// Where it stands.
    pub state: &'static str,
    /// When it is dark, where that is known.
    pub dark_at: Option<Moment>,
    /// Its newest activity.
    pub last_active_at: Option<Moment>,
    /// Whether its newest reading is too old to strike by, or missing.
    pub stale: bool,
    /// Its identities.
    pub identities: Vec<I>,
    /// How much it holds.
    pub counts: CountsRow,
}

impl<I> BotRow<I> {
    /// Of a bot, with its identities as a document has them.
    pub fn of(view: &BotView, snapshot: &Snapshot, identities: Vec<I>) -> Self {
        Self {
            name: view.bot.name.raw().to_owned(),
            owner: view.bot.owner.clone(),
            environment: view.bot.environment.clone(),
            protected: view.bot.protected,
            state: view.state.word(),
            dark_at: match view.state {
                BotState::DarkAt(at) => Some(Moment(at)),
                _ => None,
            },
            last_active_at: Moment::maybe(view.last_active_at),
            stale: view.is_stale(snapshot.generated_at),
            identities,
            counts: CountsRow::of(view),
        }
    }
}

/// `estop list`.
#[derive(Debug, Serialize)]
pub struct ListDocument {
    schema: &'static str,
    exercise: Option<String>,
    generated_at: Moment,
    /// The bots.
    pub bots: Vec<BotRow>,
    /// The providers.
    pub providers: Vec<ProviderRow>,
    /// What else a responder should know.
    pub notices: Vec<String>,
    /// Every other non-human identity; `null` where they were not asked for.
    pub others: Option<Vec<IdentityRow>>,
}

impl ListDocument {
    /// Of the bots in that state, or of all; with the other identities, or without.
    pub fn of(snapshot: &Snapshot, state: Option<&str>, all: bool) -> Self {
        let bots = snapshot.bots.iter().filter(|view| state.is_none_or(|word| view.state.word() == word));
        let row = |view: &BotView| BotRow::of(view, snapshot, view.identities.iter().map(IdentityRow::from).collect());
        Self {
            schema: "estop.list/1",
            exercise: snapshot.exercise.clone(),
            generated_at: Moment(snapshot.generated_at),
            bots: bots.map(|view| row(view)).collect(),
            providers: snapshot.providers.iter().map(Into::into).collect(),
            notices: snapshot.notices.clone(),
            others: all.then(|| snapshot.others.iter().map(Into::into).collect()),
        }
    }
}
