//! `kind = "postgres"`.

use std::{ops::Range, path::PathBuf};

use url::Url;

use super::{
    Kind, ProviderSettings,
    address::{is_loopback_name, parse_url},
    http::ca_file,
};
use crate::config::{ConfigError, SecretReference, error::suggestion, section::Section};

const KEYS: &[&str] = &["url", "password", "ca_file"];

pub(super) const KIND: Kind =
    Kind { word: "postgres", keys: &[KEYS], read: |section| read(section).map(ProviderSettings::Postgres) };

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

impl PostgresSettings {
    /// Where it is, and as whom estop looks at it. Quoted, so that no two places come to the same text.
    pub(super) fn place(&self) -> String {
        format!("{:?}", (&self.host, self.port, &self.user, &self.database))
    }
}

fn read(section: &Section<'_>) -> Result<PostgresSettings, ConfigError> {
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
