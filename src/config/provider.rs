//! The settings of each kind of provider.

use std::{net::IpAddr, ops::Range, path::PathBuf};

use url::{Host, Url};

use super::{
    ConfigError, SecretReference,
    error::suggestion,
    section::{Located, Section},
};
use crate::domain::ProviderName;

/// Keys of every `[[provider]]`.
const COMMON: &[&str] = &["name", "kind", "requests_per_second"];
const KEYCLOAK: &[&str] =
    &["base_url", "realm", "auth_realm", "client_id", "client_secret", "ca_file", "client_cert", "client_key", "proxy"];
const POSTGRES: &[&str] = &["url", "password", "ca_file"];
/// No provider takes more requests a second from one client: a greater figure is a mistake.
const MOST_PER_SECOND: u32 = 100_000;
const KINDS: &[&str] = &["keycloak", "postgres"];

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
    /// `kind = "postgres"`.
    Postgres(PostgresSettings),
}

impl ProviderConfig {
    /// The kind's word.
    pub const fn kind(&self) -> &'static str {
        match self.settings {
            ProviderSettings::Keycloak(_) => "keycloak",
            ProviderSettings::Postgres(_) => "postgres",
        }
    }

    /// What tells it from another provider of the same name: its kind, where it is, and as whom estop looks at it. No
    /// secret, and nothing that may change without changing what is read.
    pub fn place(&self) -> String {
        // Quoted, so that no two places come to the same text.
        let place = match &self.settings {
            ProviderSettings::Keycloak(at) => {
                format!("{:?}", [at.base_url.as_str(), &at.realm, &at.auth_realm, &at.client_id])
            }
            ProviderSettings::Postgres(at) => format!("{:?}", (&at.host, at.port, &at.user, &at.database)),
        };
        format!("{} {} {place}", self.name, self.kind())
    }

    /// Where its secret is, if it needs one.
    pub const fn secret(&self) -> Option<&SecretReference> {
        match &self.settings {
            ProviderSettings::Keycloak(settings) => Some(&settings.client_secret),
            ProviderSettings::Postgres(settings) => settings.password.as_ref(),
        }
    }
}

/// A Keycloak realm, reached as a confidential client with a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeycloakSettings {
    /// Without path behind the server's own: `https://sso.example.com`. `https`, except to loopback.
    pub base_url: Url,
    /// The realm whose clients are looked at and cut.
    pub realm: String,
    /// The realm that estop's own client is in; by default the same. In `master`, no bot of `realm` can reach it.
    pub auth_realm: String,
    /// estop's own client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretReference,
    /// A CA in PEM, added to the system's roots.
    pub ca_file: Option<PathBuf>,
    /// What estop shows where the server, or what stands before it, asks for a certificate of the client.
    pub client_identity: Option<Box<ClientIdentity>>,
    /// A proxy; never taken from the environment.
    pub proxy: Option<Url>,
}

/// A certificate of estop's own, for mutual TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate in PEM, with those between it and the server's CA.
    pub cert: PathBuf,
    /// Its private key in PEM, not encrypted.
    pub key: SecretReference,
}

/// A PostgreSQL server, reached as a role that may alter the bots' roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// A name or an address (IPv6 without brackets).
    pub host: String,
    /// 5432 unless the url says otherwise.
    pub port: u16,
    /// estop's own role.
    pub user: String,
    /// The database that the session is opened in.
    pub database: String,
    /// Whether the session is over TLS with the server's name verified. Only a loopback server may go without.
    pub tls: bool,
    /// The role's password; `None` where the server asks for none.
    pub password: Option<SecretReference>,
    /// A CA in PEM, added to the system's roots.
    pub ca_file: Option<PathBuf>,
}

/// All keys that a `[[provider]]` of any kind may have: the kind is looked at next.
pub(super) fn all_keys() -> Vec<&'static str> {
    [COMMON, KEYCLOAK, POSTGRES].concat()
}

/// Reads one `[[provider]]`, whose keys are checked against those of its kind.
pub(super) fn read(section: &Section<'_>) -> Result<Located<ProviderConfig>, ConfigError> {
    let kind = section.required("kind")?;
    let of_kind = match kind.value.as_str() {
        "keycloak" => KEYCLOAK,
        "postgres" => POSTGRES,
        other => {
            let what = format!("no provider is of that kind: {}", suggestion(other, KINDS));
            return Err(section.error(&kind.at, what));
        }
    };
    let section = section.narrowed(&[COMMON, of_kind].concat())?;
    let name = section.required("name")?;
    if !is_name(&name.value) {
        let what = "a provider's name is letters, digits, '.', '_' and '-', at most 64, with a letter or digit first";
        return Err(section.error(&name.at, what));
    }
    let settings = match of_kind {
        KEYCLOAK => ProviderSettings::Keycloak(keycloak(&section)?),
        _ => ProviderSettings::Postgres(postgres(&section)?),
    };
    let requests_per_second = section.number("requests_per_second", 1..=MOST_PER_SECOND)?.map(|number| number.value);
    Ok(name.map(|name| ProviderConfig { name: ProviderName::new(name), requests_per_second, settings }))
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || ".-_".contains(character))
}

fn keycloak(section: &Section<'_>) -> Result<KeycloakSettings, ConfigError> {
    let base_url = section.required("base_url")?;
    let realm = section.required("realm")?.value;
    let proxy = match section.text("proxy")? {
        Some(proxy) => Some(http_url(section, "proxy", &proxy)?),
        None => None,
    };
    let url = http_url(section, "base_url", &base_url)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        let what = "base_url must be https: only a loopback address may be spoken to in clear";
        return Err(section.error(&base_url.at, what));
    }
    Ok(KeycloakSettings {
        base_url: url,
        auth_realm: section.text("auth_realm")?.map_or_else(|| realm.clone(), |realm| realm.value),
        realm,
        client_id: section.required("client_id")?.value,
        client_secret: section.secret("client_secret")?.ok_or_else(|| section.missing("client_secret"))?,
        ca_file: ca_file(section)?,
        client_identity: client_identity(section)?,
        proxy,
    })
}

/// Both or neither: one alone says nothing.
fn client_identity(section: &Section<'_>) -> Result<Option<Box<ClientIdentity>>, ConfigError> {
    match (section.text("client_cert")?, section.secret("client_key")?) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(Box::new(ClientIdentity { cert: section.origin().path(&cert.value), key }))),
        (Some(_), None) => Err(section.missing("client_key")),
        (None, Some(_)) => Err(section.missing("client_cert")),
    }
}

fn ca_file(section: &Section<'_>) -> Result<Option<PathBuf>, ConfigError> {
    Ok(section.text("ca_file")?.map(|file| section.origin().path(&file.value)))
}

/// An `http` or `https` url with a host and no user, password, query or fragment.
fn http_url(section: &Section<'_>, key: &str, text: &Located<String>) -> Result<Url, ConfigError> {
    let url = parse_url(section, key, text)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(section.error(&text.at, format!("{key} must be an https:// address")));
    }
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err(section.error(&text.at, format!("{key} takes a server's address without user, ? or #")));
    }
    Ok(url)
}

fn parse_url(section: &Section<'_>, key: &str, text: &Located<String>) -> Result<Url, ConfigError> {
    let url = Url::parse(&text.value).map_err(|error| section.error(&text.at, format!("{key} is no url: {error}")))?;
    let in_query = url.query_pairs().any(|(name, _)| name.to_lowercase().contains("password"));
    if url.password().is_some() || in_query {
        let what = format!(
            "{key} holds a password: take it out, change it, and refer to the new one with a key of its own, such as \
             password = {{ file = \"…\" }}"
        );
        return Err(section.error(&text.at, what));
    }
    Ok(url)
}

fn postgres(section: &Section<'_>) -> Result<PostgresSettings, ConfigError> {
    let text = section.required("url")?;
    let url = parse_url(section, "url", &text)?;
    let wrong = |what: &str| Err(section.error(&text.at, format!("url {what}")));
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return wrong("must begin with postgres://");
    }
    let host = match url.host_str() {
        Some(host) if !host.is_empty() => decoded(host.trim_start_matches('[').trim_end_matches(']')),
        _ => return wrong("names no host: postgres://ROLE@HOST:PORT/DATABASE"),
    };
    if url.username().is_empty() {
        return wrong("names no role: postgres://ROLE@HOST:PORT/DATABASE");
    }
    let database = url.path().trim_start_matches('/');
    if database.is_empty() || database.contains('/') {
        return wrong("names no database: postgres://ROLE@HOST:PORT/DATABASE");
    }
    Ok(PostgresSettings {
        port: url.port().unwrap_or(5432),
        user: decoded(url.username()),
        database: decoded(database),
        tls: tls(section, &url, &host, &text.at)?,
        host,
        password: section.secret("password")?,
        ca_file: ca_file(section)?,
    })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `sslmode` is `verify-full`, also where it is left out; a loopback server may be asked with `disable`.
fn tls(section: &Section<'_>, url: &Url, host: &str, at: &Range<usize>) -> Result<bool, ConfigError> {
    let mut tls = true;
    for (name, value) in url.query_pairs() {
        match (name.as_ref(), value.as_ref()) {
            ("sslmode", "verify-full") => tls = true,
            ("sslmode", "disable") if is_loopback_name(host) => tls = false,
            ("sslmode", "disable") => {
                return Err(section.error(at, "url: sslmode=disable is for a loopback address only: use verify-full"));
            }
            ("sslmode", _) => {
                let what = "url: sslmode must be verify-full (or disable, to a loopback address): the others do not \
                            verify who answers";
                return Err(section.error(at, what));
            }
            (other, _) => {
                let what = format!("url has an unknown parameter: {}", suggestion(other, &["sslmode"]));
                return Err(section.error(at, what));
            }
        }
    }
    Ok(tls)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
