//! What single rules check and decode.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use percent_encoding::percent_decode_str;
use regex::Regex;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use url::Url;

use super::super::{ClaimKind as K, Confidence, Recognised, checksum, key, rule::Candidate};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
/// Decodes base64 with or without padding.
pub(in crate::domain::secret) const ANY_STANDARD: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
/// The same of the alphabet for addresses.
pub(in crate::domain::secret) const ANY_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

const WRONG_CHECKSUM: &str = "its checksum is wrong: mistyped, cut, or a placeholder";

/// The checksum decides between proved and merely looking like it.
fn summed(holds: bool, into: &mut Recognised) -> bool {
    if holds {
        into.confidence = Confidence::Checksum;
    } else {
        into.confidence = Confidence::Prefix;
        into.caution = Some(WRONG_CHECKSUM);
    }
    true
}

/// GitHub's audit log has the hash of each token in its place.
pub(super) fn hashed(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::Hash, BASE64_STANDARD.encode(Sha256::digest(candidate.token())));
    true
}

pub(super) fn github(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    hashed(candidate, into);
    summed(checksum::github_holds(candidate.token()), into)
}

/// `ghs_APPID_JWT`. The inside of the JWT is GitHub's own affair.
pub(super) fn github_app(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let token = candidate.token();
    let app = token.split('_').nth(1).filter(|app| app.bytes().all(|byte| byte.is_ascii_digit()));
    into.add(K::App, app.unwrap_or_default());
    hashed(candidate, into) && token.len() >= 40
}

pub(super) fn npm(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    summed(checksum::github_holds(candidate.token()), into)
}

/// Any prefix will do, if the checksum holds. Those with rules of their own have been found by them.
pub(super) fn like_npm(candidate: &Candidate<'_>, _: &mut Recognised) -> bool {
    let known = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"];
    let token = candidate.token();
    !known.iter().any(|prefix| token.starts_with(prefix)) && checksum::github_holds(token)
}

pub(super) fn gitlab(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let Some(routing) = checksum::gitlab_routing(candidate.token()) else { return summed(false, into) };
    if routing.sound {
        for (letter, number) in routing.parts {
            match letter {
                'o' => into.add(K::Account, number.to_string()),
                'u' => into.add(K::User, number.to_string()),
                'c' => into.add(K::Container, format!("cell/{number}")),
                'g' => into.add(K::Container, format!("group/{number}")),
                'p' => into.add(K::Container, format!("project/{number}")),
                't' => into.add(K::TokenType, number.to_string()),
                _ => {}
            }
        }
    }
    summed(routing.sound, into)
}

/// The numbers are a workspace's and a user's, in a numbering of their own.
pub(super) fn slack(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let mut fields = candidate.token().split('-').skip(1);
    into.add(K::Account, fields.next().unwrap_or_default());
    into.add(K::User, fields.next().unwrap_or_default());
    true
}

pub(super) fn slack_app(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::App, candidate.token().split('-').nth(2).unwrap_or_default());
    true
}

/// `hooks.slack.com/services/TEAM/BOT/SECRET`.
pub(super) fn slack_hook(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    for part in candidate.token().split('/').skip(2).take(2) {
        match part.as_bytes().first() {
            Some(b'T') => into.add(K::Account, part),
            Some(b'B') => into.add(K::App, part),
            _ => {}
        }
    }
    true
}

pub(super) fn langsmith(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let service = candidate.token().split('_').nth(1) == Some("sk");
    into.add(K::TokenType, if service { "service" } else { "personal" });
    true
}

pub(super) fn pinecone(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::KeyId, candidate.token().split('_').nth(1).unwrap_or_default());
    true
}

pub(super) fn salesforce(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::Account, candidate.token().split('!').next().unwrap_or_default());
    true
}

/// Its listing shows the first ten characters.
pub(super) fn zendesk(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::Hint, &candidate.token()[..10]);
    true
}

/// Its listing shows the first three characters.
pub(super) fn entra(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::Hint, &candidate.token()[..3]);
    true
}

pub(super) fn synapse(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let token = candidate.token();
    if !token.starts_with("syl_") {
        let local = token.split('_').nth(1).and_then(|part| ANY_STANDARD.decode(part).ok());
        into.add(K::User, local.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default());
    }
    summed(checksum::synapse_holds(token), into)
}

/// A random string has letters of both cases and digits: paths and words have not.
pub(super) fn mixed(candidate: &Candidate<'_>, _: &mut Recognised) -> bool {
    let token = candidate.token().as_bytes();
    let has = |what: fn(&u8) -> bool| token.iter().any(what);
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// Made by Keycloak: letters and digits; by its older releases a UUID.
pub(super) fn keycloak(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let token = candidate.token().as_bytes();
    for name in client_of(candidate.text) {
        into.add(K::Client, name);
    }
    token.iter().any(u8::is_ascii_digit) && token.iter().any(u8::is_ascii_alphabetic)
}

pub(super) fn aws_key(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let id = candidate.token();
    let kind = match &id[..4] {
        "AKIA" => "long-term key",
        "ASIA" => "temporary key",
        "ABIA" => "bearer token",
        _ => "context-specific credential",
    };
    into.add(K::KeyId, id);
    into.add(K::Account, checksum::aws_account(id).unwrap_or_default());
    into.add(K::TokenType, kind);
    true
}

pub(super) fn bedrock(_: &Candidate<'_>, into: &mut Recognised) -> bool {
    into.add(K::Host, "bedrock.amazonaws.com");
    true
}

/// What Google's key file says.
#[derive(Deserialize)]
struct KeyFile<'a> {
    #[serde(borrow, default)]
    client_email: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    private_key_id: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    project_id: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    client_id: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    private_key: std::borrow::Cow<'a, str>,
}

pub(super) fn google_account(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let Some(start) = candidate.text[..candidate.range.start].rfind('{') else { return false };
    let mut values = serde_json::Deserializer::from_str(&candidate.text[start..]).into_iter::<KeyFile<'_>>();
    let Some(Ok(file)) = values.next() else { return false };
    into.add(K::User, file.client_email.as_ref());
    into.add(K::KeyId, file.private_key_id.as_ref());
    into.add(K::Account, file.project_id.as_ref());
    into.add(K::Client, file.client_id.as_ref());
    key::add_public(&file.private_key, into);
    !file.client_email.is_empty()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub(super) fn database(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let Ok(url) = Url::parse(candidate.token()) else { return false };
    let in_query = url.query_pairs().any(|(name, value)| name == "password" && !value.is_empty());
    if url.password().is_none_or(str::is_empty) && !in_query {
        return false;
    }
    let host = url.host_str().map(decoded).unwrap_or_default();
    into.add(K::User, decoded(url.username()));
    into.add(K::Host, url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")));
    if url.scheme().starts_with("postgres") {
        (into.provider, into.name) = (Some("postgres"), "PostgreSQL address with a password");
    }
    if !url.scheme().starts_with("http") {
        into.add(K::Database, decoded(url.path().trim_start_matches('/')));
    }
    true
}

/// `host=… user=… dbname=… password=…`.
pub(super) fn libpq(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let mut port = None;
    for (name, value) in candidate.token().split([' ', '\t']).filter_map(|word| word.split_once('=')) {
        match name {
            "user" => into.add(K::User, value),
            "host" => into.add(K::Host, value),
            "port" => port = Some(value),
            "dbname" => into.add(K::Database, value),
            _ => {}
        }
    }
    if let (Some(port), Some(host)) = (port, into.claims.iter_mut().find(|claim| claim.kind == K::Host)) {
        host.value = format!("{}:{port}", host.value.raw()).into();
    }
    into.claim(K::Host).is_some()
}

/// `Basic` and base64 of `USER:PASSWORD`.
pub(super) fn basic(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let encoded = candidate.token().rsplit(' ').next().unwrap_or_default();
    let bytes = ANY_STANDARD.decode(encoded).or_else(|_| ANY_URL.decode(encoded));
    let Some(text) = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let Some((user, _)) = text.split_once(':').filter(|(_, password)| !password.is_empty()) else { return false };
    into.add(K::User, user);
    !text.chars().any(char::is_control)
}

static CLIENT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i-u:client[_-]?id|"resource)["']?[ \t\r\n]*[=:][ \t\r\n]*["']?([A-Za-z0-9._~@:%/-]{1,200})"#;
    Regex::new(pattern).expect("a test compiles it")
});

/// The clients that a text names.
fn client_of(text: &str) -> impl Iterator<Item = &str> {
    CLIENT.captures_iter(text).filter_map(|found| found.get(1)).map(|name| name.as_str()).take(4)
}

pub(super) fn client_pair(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    for name in client_of(candidate.text) {
        into.add(K::Client, name);
    }
    true
}

/// `….webhook.office.com/webhookb2/GUID@TENANT/…`.
pub(super) fn teams(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let mut parts = candidate.token().split('/');
    into.add(K::Host, parts.next().unwrap_or_default());
    let (group, tenant) = parts.nth(1).and_then(|part| part.split_once('@')).unwrap_or_default();
    into.add(K::Container, group);
    into.add(K::Account, tenant);
    true
}
