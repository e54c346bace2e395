//! What two realms have in common: ids become kinds and names, times and secrets become marks.

use std::collections::BTreeSet;

use estop::{
    domain::{Holding, Identity, Outcome, Plan, Reading, ReadingSet, Residual, Step},
    engine::BotView,
};
use serde_json::Value;

use super::recorder::Recorded;
use crate::lab::keycloak::BOTS;

const CLIENTS: [&str; 11] = [
    "ticket-system",
    "doc-repository",
    "crm",
    "calendar",
    "build-deploy",
    "policy-store",
    "rs-introspector",
    "tool-gateway",
    "batch-report",
    "portal-web",
    "realm-management",
];

/// The ids of one realm, and what they are called in every realm.
pub struct Names(Vec<(String, String)>);

impl Names {
    pub fn of(realm: &str, client: impl Fn(&str) -> Option<String>, user: impl Fn(&str) -> Option<String>) -> Self {
        let mut names = vec![(realm.to_owned(), "REALM".to_owned())];
        for name in BOTS.iter().chain(&CLIENTS) {
            names.extend(client(name).map(|id| (id, format!("{{client {name}}}"))));
            names.extend(user(&format!("service-account-{name}")).map(|id| (id, format!("{{account of {name}}}"))));
        }
        for name in ["alice", "bob"] {
            names.extend(user(name).map(|id| (id, format!("{{user {name}}}"))));
        }
        Self(names)
    }

    /// Sessions have ids of no certain form: the readings tell them.
    pub fn learn(&mut self, readings: &ReadingSet) {
        for holding in readings.holdings().filter(|holding| holding.id.class().ends_with("session")) {
            let kind = format!("{{{}}}", holding.id.class());
            // `USER/SESSION`, and the beginning of it for people.
            let id = holding.id.native().rsplit('/').next().unwrap_or_default().to_owned();
            let short: String = id.chars().take(6).collect();
            for known in [id, short] {
                if known.len() >= 4 && !self.0.iter().any(|(name, _)| *name == known) {
                    self.0.push((known, kind.clone()));
                }
            }
        }
        self.0.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    }

    pub fn shape(&self, text: &str) -> String {
        let named = self.0.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
        let mut shaped = String::new();
        for word in words(&named) {
            shaped.push_str(match word {
                _ if uuid::Uuid::try_parse(word).is_ok() && word.len() == 36 => "{id}",
                _ if shaped.ends_with("sha256:") => "{fingerprint}",
                _ => word,
            });
        }
        shaped
    }

    /// Numbers are times or ids of a moment; flags and names are what is compared.
    fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.shape(text)),
            Value::Number(_) => Value::String("{number}".to_owned()),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(key, value)| (self.shape(key), self.json(value))).collect(),
            other => other.clone(),
        }
    }
}

/// Runs of what ids are made of, and what is between them.
fn words(text: &str) -> Vec<&str> {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|letter| inside(letter) != inside(first)).unwrap_or(rest.len());
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

pub type Lines = BTreeSet<String>;

/// One line for every identity of a listing.
pub fn identity(names: &Names, identity: &Identity) -> String {
    let attributes: Vec<_> = identity.attributes.keys().collect();
    let (name, kind, state) = (identity.name.shown(), identity.kind, identity.state);
    let active = identity.last_active_at.is_some();
    names.shape(&format!(
        "{name} {kind:?} {state:?} active={active} child={} {attributes:?}",
        identity.child_of.is_some()
    ))
}

pub fn readings(names: &Names, view: &BotView) -> Lines {
    view.readings.iter().flat_map(|reading| lines_of(names, reading)).map(|line| names.shape(&line)).collect()
}

fn lines_of(names: &Names, reading: &Reading) -> Vec<String> {
    let of = reading.identity.name.shown();
    let mut lines = vec![identity(names, &reading.identity)];
    lines.extend(reading.facts.keys().map(|fact| format!("{of}: fact {fact}")));
    lines.extend(reading.holdings.iter().map(|one| format!("{of}: {}", holding(one))));
    lines.extend(reading.gaps.iter().map(|gap| format!("{of}: gap {:?} {} {:?}", gap.class, gap.what, gap.permission)));
    lines.extend(reading.children.iter().map(|child| format!("{of}: child {}", child.name.shown())));
    lines.extend(reading.exposure.iter().map(|other| format!("{of}: exposes {} {}", other.name.shown(), other.why)));
    lines.extend(reading.residual.iter().map(|one| format!("{of}: {}", residual(one))));
    lines.extend(reading.activity.iter().map(|one| {
        let (action, outcome) = (one.action.shown(), one.outcome.shown());
        let (session, from) = (one.session.is_some(), one.from.is_some());
        // Scopes and audiences come in no certain order.
        let resource = one.resource.as_ref().map(estop::domain::Untrusted::shown).unwrap_or_default();
        let resource: BTreeSet<_> = resource.split(' ').map(str::to_owned).collect();
        let user = one.on_behalf_of.as_ref().map(estop::domain::Untrusted::shown);
        format!("{of}: did {action} on {resource:?} for {user:?} {outcome} session={session} from={from}")
    }));
    lines
}

fn holding(holding: &Holding) -> String {
    let scopes: BTreeSet<_> = holding
        .scopes
        .iter()
        .map(|scope| {
            let via = scope.via.as_ref().map(estop::domain::Untrusted::shown);
            let (resource, verb) = (scope.resource.shown(), scope.verb.shown());
            format!("{resource} {verb} {:?} mint={} via={via:?}", scope.level, scope.mint)
        })
        .collect();
    format!(
        "{} {:?} {:?} {:?} `{}` fingerprint={} issued={} expires={} used={} for={:?} {scopes:?}",
        holding.id.class(),
        holding.family,
        holding.lane,
        holding.state,
        holding.name.shown(),
        holding.fingerprint.is_some(),
        holding.issued_at.is_some(),
        holding.expires_at.is_some(),
        holding.last_used_at.is_some(),
        holding.on_behalf_of.as_ref().map(estop::domain::Untrusted::shown),
    )
}

fn residual(residual: &Residual) -> String {
    let (what, lifetime, source) = (&residual.what, residual.lifetime_ms, &residual.source);
    format!("residual {what} {lifetime:?} until={} {source}", residual.until.is_some())
}

pub fn plan(names: &Names, plan: &Plan) -> Lines {
    let mut lines: Lines = plan.steps.iter().map(|one| step(names, one)).collect();
    lines.extend(
        plan.collateral.iter().map(|one| format!("collateral {} {} {}", one.bot, one.why, one.opens.is_some())),
    );
    lines.into_iter().map(|line| names.shape(&line)).collect()
}

fn step(names: &Names, step: &Step) -> String {
    let after = step.after.len();
    format!(
        "{} {:?} `{}` object={} rank={} after={after} gate={} mint={} {:?} {:?} by-hand={} manual={:?} missing={:?} {}",
        step.action.word(),
        step.lane,
        step.target.shown(),
        step.object,
        step.rank,
        step.gate,
        step.mint_cut,
        step.level,
        step.reversible,
        step.by_hand,
        step.manual,
        step.missing_permission,
        names.json(&serde_json::json!(step.params)),
    )
}

pub fn request(names: &Names, request: &Recorded) -> String {
    let Recorded { method, path, query, body, status } = request;
    names.shape(&format!("{method} {path} {query:?} {} {status}", names.json(body)))
}

pub fn outcome(names: &Names, outcome: &Outcome) -> Lines {
    let (reasons, residuals) = match outcome {
        Outcome::Dark | Outcome::Restored { .. } => (Vec::new(), Vec::new()),
        Outcome::DarkAt { residual, .. } => (Vec::new(), residual.clone()),
        Outcome::Partial { reasons, residual } => (reasons.clone(), residual.clone()),
        Outcome::Contradicted { alive, reasons } => {
            let mut lines: Lines = alive.iter().map(|one| names.shape(&one.what)).collect();
            lines.extend(reasons.iter().map(|reason| names.shape(&reason.sentence())));
            lines.insert("contradicted".to_owned());
            return lines;
        }
    };
    let reasons = reasons.iter().map(|reason| names.shape(&reason.sentence()));
    let residuals = residuals.iter().map(|one| names.shape(&residual(one)));
    reasons.chain(residuals).chain([outcome.word().to_owned()]).collect()
}
