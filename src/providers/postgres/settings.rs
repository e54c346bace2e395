//! Where the server is and how to be let in, checked before anything is sent.

use std::{fmt, net::IpAddr, sync::Arc};

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

use crate::domain::ProviderName;

/// Resolves the password each time a connection is made, so that a rotated one is taken up. Its error is a sentence
/// without the secret.
pub type PasswordSource = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// What the configuration says about one server.
#[derive(Clone)]
pub struct Settings {
    /// The provider's unique name.
    pub name: ProviderName,
    /// `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full`; a password in it is refused.
    pub url: Url,
    /// Where the password comes from.
    pub password: PasswordSource,
    /// Certificates in PEM, trusted beside the system's roots.
    pub ca_file: Option<Vec<u8>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why the settings cannot be used. Each displays as one sentence: what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a URL of this kind of server.
    #[error("url: must be postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full")]
    Shape,
    /// A secret in the configuration file.
    #[error("url: has a password in it: put it into a file of its own and name that as `password`")]
    PasswordInUrl,
    /// A query parameter that is not understood.
    #[error("url: {0} is not understood: the only parameter is sslmode")]
    Parameter(String),
    /// Not a mode of libpq's list.
    #[error("url: sslmode={0} is not known: use verify-full")]
    Mode(String),
    /// A plain connection to somewhere else.
    #[error(
        "url: sslmode={0} would send the password in the clear: only a loopback address may do without verify-full"
    )]
    Plain(String),
    /// The certificates cannot be used.
    #[error("ca_file: {0}")]
    Ca(String),
    /// No roots to trust.
    #[error("TLS cannot be set up: {0}: install the system's CA certificates or name a ca_file")]
    Tls(String),
}

/// The server, as the URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) tls: bool,
}

impl Target {
    pub(super) fn of(url: &Url) -> Result<Self, SettingsError> {
        if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
            return Err(SettingsError::Shape);
        }
        if url.password().is_some() {
            return Err(SettingsError::PasswordInUrl);
        }
        let (host, loopback) = host_of(url).ok_or(SettingsError::Shape)?;
        let user = decoded(url.username())?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        if user.is_empty() || database.is_empty() || database.contains('/') {
            return Err(SettingsError::Shape);
        }
        let tls = tls_wanted(url, loopback)?;
        Ok(Self { host, port: url.port().unwrap_or(5432), user, database, tls })
    }

    /// `HOST:PORT`, for messages.
    pub(super) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn decoded(text: &str) -> Result<String, SettingsError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| SettingsError::Shape)?;
    // The start-up message is a list of strings that end in NUL.
    if text.contains('\0') { Err(SettingsError::Shape) } else { Ok(text.into_owned()) }
}

/// The host as it is looked up, and whether it never leaves this machine. An unknown scheme's host is opaque to the
/// URL parser, so that an IPv4 address comes as a name.
fn host_of(url: &Url) -> Option<(String, bool)> {
    match url.host()? {
        Host::Domain(name) => {
            let loopback =
                name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            Some((decoded(name).ok()?, loopback))
        }
        Host::Ipv4(ip) => Some((ip.to_string(), ip.is_loopback())),
        Host::Ipv6(ip) => Some((ip.to_string(), ip.is_loopback())),
    }
}

/// Modes between none and full are taken as full: they would send the password to whoever answers.
fn tls_wanted(url: &Url, loopback: bool) -> Result<bool, SettingsError> {
    let mut mode = None;
    for (key, value) in url.query_pairs() {
        if key != "sslmode" {
            return Err(SettingsError::Parameter(key.escape_debug().to_string()));
        }
        mode = Some(value.into_owned());
    }
    match mode.as_deref() {
        Some("verify-full" | "verify-ca" | "require") => Ok(true),
        None => Ok(!loopback),
        Some("disable" | "allow" | "prefer") if loopback => Ok(false),
        Some(plain @ ("disable" | "allow" | "prefer")) => Err(SettingsError::Plain(plain.to_owned())),
        Some(other) => Err(SettingsError::Mode(other.escape_debug().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, SettingsError> {
        Target::of(&url.parse().expect("a URL"))
    }

    #[test]
    fn tls_is_off_only_on_this_machine() {
        for (url, tls) in [
            ("postgres://estop@db.example.com/docs", Ok(true)),
            ("postgres://estop@db.example.com/docs?sslmode=require", Ok(true)),
            ("postgres://estop@db.example.com/docs?sslmode=prefer", Err(SettingsError::Plain("prefer".into()))),
            ("postgres://estop@127.0.0.1/docs", Ok(false)),
            ("postgres://estop@127.0.0.1/docs?sslmode=verify-full", Ok(true)),
            ("postgres://estop@[::1]/docs?sslmode=disable", Ok(false)),
            (
                "postgres://estop@localhost.evil.example/docs?sslmode=disable",
                Err(SettingsError::Plain("disable".into())),
            ),
            ("postgres://estop@127.0.0.1.evil.example/docs", Ok(true)),
            ("postgres://estop@db/docs?sslmode=verify-ful", Err(SettingsError::Mode("verify-ful".into()))),
            ("postgres://estop@db/docs?ssl_mode=disable", Err(SettingsError::Parameter("ssl_mode".into()))),
        ] {
            assert_eq!(target(url).map(|target| target.tls), tls, "{url}");
        }
    }

    #[test]
    fn a_url_is_taken_apart() {
        let target = target("postgresql://e%20stop@[::1]:6000/my%20docs").expect("it is good");
        assert_eq!((target.user.as_str(), target.database.as_str()), ("e stop", "my docs"));
        assert_eq!(target.place(), "[::1]:6000");
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for url in ["mysql://a@b/c", "postgres://db/docs", "postgres://estop@db", "postgres://estop@db/a%00b"] {
            assert_eq!(target(url), Err(SettingsError::Shape), "{url}");
        }
        assert_eq!(target("postgres://estop:s3cret@db/docs"), Err(SettingsError::PasswordInUrl));
    }
}
