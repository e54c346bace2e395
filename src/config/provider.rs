//! The settings of each kind of provider, one file a kind.

mod address;
mod http;
mod keycloak;
mod matrix;
mod postgres;

use super::{
    ConfigError,
    error::suggestion,
    section::{Located, Section},
};
use crate::domain::ProviderName;

pub use http::{ClientIdentity, HttpServer};
pub use keycloak::KeycloakSettings;
pub use matrix::MatrixSettings;
pub use postgres::PostgresSettings;

/// Keys of every `[[provider]]`.
const COMMON: &[&str] = &["name", "kind", "requests_per_second"];
/// No provider takes more requests a second from one client: a greater figure is a mistake.
const MOST_PER_SECOND: u32 = 100_000;

/// One kind of provider, as its file says it.
struct Kind {
    /// The word in `kind = "…"`.
    word: &'static str,
    /// Its keys, in groups.
    keys: &'static [&'static [&'static str]],
    /// Reads what is its own.
    read: fn(&Section<'_>) -> Result<ProviderSettings, ConfigError>,
}

const KINDS: &[Kind] = &[keycloak::KIND, matrix::KIND, postgres::KIND];

/// One `[[provider]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Unique; shown everywhere, and the first part of every identity's id.
    pub name: ProviderName,
    /// How many requests it takes in any second, where it or a proxy before it refuses more.
    pub requests_per_second: Option<u32>,
    /// What its kind needs.
    pub settings: ProviderSettings,
}

/// What a kind of provider needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderSettings {
    /// `kind = "keycloak"`.
    Keycloak(KeycloakSettings),
    /// `kind = "matrix"`.
    Matrix(MatrixSettings),
    /// `kind = "postgres"`.
    Postgres(PostgresSettings),
}

impl ProviderConfig {
    /// The kind's word.
    pub const fn kind(&self) -> &'static str {
        match self.settings {
            ProviderSettings::Keycloak(_) => keycloak::KIND.word,
            ProviderSettings::Matrix(_) => matrix::KIND.word,
            ProviderSettings::Postgres(_) => postgres::KIND.word,
        }
    }

    /// What tells it from another provider of the same name: its kind, where it is, and as whom estop looks at it. No
    /// secret, and nothing that may change without changing what is read.
    pub fn place(&self) -> String {
        let place = match &self.settings {
            ProviderSettings::Keycloak(settings) => settings.place(),
            ProviderSettings::Matrix(settings) => settings.place(),
            ProviderSettings::Postgres(settings) => settings.place(),
        };
        format!("{} {} {place}", self.name, self.kind())
    }
}

/// All keys that a `[[provider]]` of any kind may have: the kind is looked at next.
pub(super) fn all_keys() -> Vec<&'static str> {
    KINDS.iter().flat_map(|kind| kind.keys).fold(COMMON.to_vec(), |all, keys| [&all, *keys].concat())
}

/// Reads one `[[provider]]`, whose keys are checked against those of its kind.
pub(super) fn read(section: &Section<'_>) -> Result<Located<ProviderConfig>, ConfigError> {
    let word = section.required("kind")?;
    let Some(kind) = KINDS.iter().find(|kind| kind.word == word.value) else {
        let words: Vec<&str> = KINDS.iter().map(|kind| kind.word).collect();
        let what = format!("no provider is of that kind: {}", suggestion(&word.value, &words));
        return Err(section.error(&word.at, what));
    };
    let section = section.narrowed(&[&[COMMON], kind.keys].concat().concat())?;
    let name = section.required("name")?;
    if !is_name(&name.value) {
        let what = "a provider's name is letters, digits, '.', '_' and '-', at most 64, with a letter or digit first";
        return Err(section.error(&name.at, what));
    }
    let settings = (kind.read)(&section)?;
    let requests_per_second = section.number("requests_per_second", 1..=MOST_PER_SECOND)?.map(|number| number.value);
    Ok(name.map(|name| ProviderConfig { name: ProviderName::new(name), requests_per_second, settings }))
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || ".-_".contains(character))
}
