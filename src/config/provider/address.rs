//! Addresses of servers, and whether they are this machine's own.

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::{
    ConfigError,
    section::{Located, Section},
};

/// An `http` or `https` url with a host and no user, password, query or fragment.
pub(super) fn http_url(section: &Section<'_>, key: &str, text: &Located<String>) -> Result<Url, ConfigError> {
    let url = parse_url(section, key, text)?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(section.error(&text.at, format!("{key} must be an https:// address")));
    }
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        return Err(section.error(&text.at, format!("{key} takes a server's address without user, ? or #")));
    }
    Ok(url)
}

pub(super) fn parse_url(section: &Section<'_>, key: &str, text: &Located<String>) -> Result<Url, ConfigError> {
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

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_loopback_name(name),
        None => false,
    }
}

pub(super) fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
