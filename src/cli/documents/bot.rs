//! `estop.show/1`, `estop.activity/1`: one bot, with all that was read of it.

use serde::Serialize;

use super::{
    finding::{FindingRow, FindingsRow},
    fleet::{BotRow, IdentityRow, ProviderRow},
};
use crate::{
    cli::time::Moment,
    domain::{Activity, Fingerprint, Gap, Holding, Identity, IdentityId, Scope, Shared, Untrusted},
    engine::{BotView, ProviderError, Snapshot},
};

/// One effective scope.
#[derive(Debug, Serialize)]
pub struct ScopeRow {
    /// What it is on.
    pub resource: Untrusted,
    /// The provider's word.
    pub verb: Untrusted,
    /// How far it reaches.
    pub level: &'static str,
    /// Whether its bearer can make new credentials.
    pub mint: bool,
    /// How the holder comes by it.
    pub via: Option<Untrusted>,
}

/// One holding.
#[derive(Debug, Serialize)]
pub struct HoldingRow {
    /// Identity id, class and native id.
    pub id: String,
    /// Its column.
    pub lane: &'static str,
    /// The provider's own word.
    pub class: String,
    /// For people.
    pub name: Untrusted,
    /// What it lets its bearer do.
    pub scopes: Vec<ScopeRow>,
    /// When it was made.
    pub issued_at: Option<Moment>,
    /// When it ends by itself.
    pub expires_at: Option<Moment>,
    /// When it was last used.
    pub last_used_at: Option<Moment>,
    /// Of the secret.
    pub fingerprint: Option<Fingerprint>,
    /// `live`, `gated`, `gone`, `unlisted`.
    pub state: &'static str,
    /// The end user whose it is.
    pub on_behalf_of: Option<Untrusted>,
    /// Other identities that its secret opens too.
    pub shared_with: Vec<SharedRow>,
}

/// Another identity that the same secret opens.
#[derive(Debug, Serialize)]
pub struct SharedRow {
    /// Which.
    pub identity: IdentityId,
    /// The bot that has it, where one does.
    pub bot: Option<String>,
    /// That bot's environment.
    pub environment: Option<Untrusted>,
}

impl From<&Shared> for SharedRow {
    fn from(shared: &Shared) -> Self {
        Self {
            identity: shared.identity.clone(),
            bot: shared.bot.as_ref().map(|bot| bot.raw().to_owned()),
            environment: shared.environment.clone(),
        }
    }
}

impl HoldingRow {
    /// With its other users.
    fn with(holding: &Holding, shared: &[Shared]) -> Self {
        let mine = shared.iter().filter(|shared| shared.holding == holding.id);
        Self { shared_with: mine.map(Into::into).collect(), ..holding.into() }
    }
}

impl From<&Holding> for HoldingRow {
    fn from(holding: &Holding) -> Self {
        let scope = |scope: &Scope| ScopeRow {
            resource: scope.resource.clone(),
            verb: scope.verb.clone(),
            level: scope.level.word(),
            mint: scope.mint,
            via: scope.via.clone(),
        };
        Self {
            id: holding.id.to_string(),
            lane: holding.lane.word(),
            class: holding.id.class().to_owned(),
            name: holding.name.clone(),
            scopes: holding.scopes.iter().map(scope).collect(),
            issued_at: Moment::maybe(holding.issued_at),
            expires_at: Moment::maybe(holding.expires_at),
            last_used_at: Moment::maybe(holding.last_used_at),
            fingerprint: holding.fingerprint.clone(),
            state: holding.state.word(),
            on_behalf_of: holding.on_behalf_of.clone(),
            shared_with: Vec::new(),
        }
    }
}

/// One thing that was done.
#[derive(Debug, Serialize)]
pub struct ActivityRow {
    /// When.
    pub at: Moment,
    /// The provider's own word.
    pub action: Untrusted,
    /// On what.
    pub resource: Option<Untrusted>,
    /// For whom.
    pub on_behalf_of: Option<Untrusted>,
    /// In which session.
    pub session: Option<Untrusted>,
    /// From where.
    pub from: Option<Untrusted>,
    /// What came of it.
    pub outcome: Untrusted,
}

impl From<&Activity> for ActivityRow {
    fn from(activity: &Activity) -> Self {
        Self {
            at: Moment(activity.at),
            action: activity.action.clone(),
            resource: activity.resource.clone(),
            on_behalf_of: activity.on_behalf_of.clone(),
            session: activity.session.clone(),
            from: activity.from.clone(),
            outcome: activity.outcome.clone(),
        }
    }
}

/// One identity with all that was read of it.
#[derive(Debug, Serialize)]
pub struct ShownIdentity {
    /// As it is listed.
    #[serde(flatten)]
    pub identity: IdentityRow,
    /// What it holds; `null`: not read.
    pub holdings: Option<Vec<HoldingRow>>,
    /// What it did lately; `null`: not read.
    pub activity: Option<Vec<ActivityRow>>,
    /// Rules that fired for it; `null`: not read.
    pub findings: Option<Vec<FindingRow>>,
    /// When it was read.
    pub read_at: Option<Moment>,
    /// What could not be read; `null`: nothing was.
    pub gaps: Option<Vec<GapRow>>,
    /// The identity of the bot that made this one.
    pub child_of: Option<IdentityId>,
}

/// Something that could not be read.
#[derive(Debug, Serialize)]
pub struct GapRow {
    /// What and why.
    pub what: String,
    /// The permission that would close it.
    pub permission: Option<String>,
}

impl From<&Gap> for GapRow {
    fn from(gap: &Gap) -> Self {
        Self { what: gap.what.clone(), permission: gap.permission.clone() }
    }
}

/// `estop show`: the list's document of one bot, its identities with all that was read of them.
#[derive(Debug, Serialize)]
pub struct ShowDocument {
    schema: &'static str,
    exercise: Option<String>,
    generated_at: Moment,
    /// The bot.
    pub bots: [BotRow<ShownIdentity>; 1],
    /// The providers.
    pub providers: Vec<ProviderRow>,
    /// What else a responder should know.
    pub notices: Vec<String>,
    /// How to reach its owner.
    pub contact: Option<Untrusted>,
    /// What the rules say of the bot and of all its identities, and how many could not be evaluated; `null`: nothing
    /// of it was read.
    pub findings: Option<FindingsRow>,
}

impl ShowDocument {
    /// Of one bot, its children included.
    pub fn of(snapshot: &Snapshot, view: &BotView) -> Self {
        let children = view.readings.iter().map(|reading| &reading.identity).filter(|identity| {
            identity.child_of.is_some() && !view.identities.iter().any(|known| known.id == identity.id)
        });
        let findings_of = |id: &IdentityId| {
            let mine = view.findings.fired.iter().filter(|finding| finding.identity.as_ref() == Some(id));
            mine.map(Into::into).collect()
        };
        let shown = |identity: &Identity| {
            let reading = view.readings.get(&identity.id);
            ShownIdentity {
                identity: reading.map_or(identity, |reading| &reading.identity).into(),
                holdings: reading
                    .map(|reading| reading.holdings.iter().map(|one| HoldingRow::with(one, &view.shared)).collect()),
                activity: reading.map(|reading| reading.activity.iter().map(Into::into).collect()),
                findings: reading.map(|_| findings_of(&identity.id)),
                read_at: reading.map(|reading| Moment(reading.read_at)),
                gaps: reading.map(|reading| reading.gaps.iter().map(Into::into).collect()),
                child_of: identity.child_of.as_deref().cloned(),
            }
        };
        let identities = view.identities.iter().chain(children).map(shown).collect();
        let of_bot = |name: &str| view.bot.identities.iter().any(|id| id.provider().as_str() == name);
        Self {
            schema: "estop.show/1",
            exercise: snapshot.exercise.clone(),
            generated_at: Moment(snapshot.generated_at),
            bots: [BotRow::of(view, snapshot, identities)],
            providers: snapshot.providers.iter().filter(|one| of_bot(one.name.as_str())).map(Into::into).collect(),
            notices: view.error.iter().cloned().collect(),
            contact: view.bot.contact.clone(),
            findings: FindingsRow::of(view),
        }
    }
}

/// `estop activity`.
#[derive(Debug, Serialize)]
pub struct ActivityDocument {
    schema: &'static str,
    exercise: Option<String>,
    generated_at: Moment,
    bot: String,
    /// Over all identities, newest first.
    pub activity: Vec<IdentityActivity>,
    /// Identities whose log could not be read, and why.
    pub errors: Vec<ActivityError>,
}

/// One thing that was done, and by which identity.
#[derive(Debug, Serialize)]
pub struct IdentityActivity {
    /// By which.
    pub identity: IdentityId,
    /// What.
    #[serde(flatten)]
    pub activity: ActivityRow,
}

/// A log that could not be read.
#[derive(Debug, Serialize)]
pub struct ActivityError {
    /// Whose.
    pub identity: IdentityId,
    /// Why.
    pub error: String,
}

impl ActivityDocument {
    /// Of what was read, as far as `wanted` says.
    pub fn of(
        snapshot: &Snapshot,
        view: &BotView,
        read: &[(IdentityId, Result<Vec<Activity>, ProviderError>)],
        wanted: impl Fn(&Activity) -> bool,
    ) -> Self {
        let mut document = Self {
            schema: "estop.activity/1",
            exercise: snapshot.exercise.clone(),
            generated_at: Moment(snapshot.generated_at),
            bot: view.bot.name.raw().to_owned(),
            activity: Vec::new(),
            errors: Vec::new(),
        };
        for (identity, answer) in read {
            match answer {
                Ok(activity) => document.activity.extend(
                    activity
                        .iter()
                        .filter(|one| wanted(one))
                        .map(|one| IdentityActivity { identity: identity.clone(), activity: one.into() }),
                ),
                Err(error) => {
                    document.errors.push(ActivityError { identity: identity.clone(), error: error.to_string() });
                }
            }
        }
        document.activity.sort_by_key(|one| std::cmp::Reverse(one.activity.at));
        document
    }
}
