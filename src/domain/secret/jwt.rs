//! JSON Web Tokens: whose, for whom, until when. Signatures are not checked, nothing that a token names is called.

use serde::Deserialize;
use serde_json::Value;

use super::{ClaimKind as K, Recognised, rule::Candidate, rules::ANY_URL};

/// A part that is longer is not decoded: bytes of base64.
const MAX_PART: usize = 32 * 1024;
/// Values of one claim that are told.
const MAX_VALUES: usize = 8;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Header {
    typ: Option<Value>,
    alg: Option<Value>,
}

/// The claims that say something of who and how long. Others are skipped unread; one that is there twice spoils all.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Claims {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    iat: Option<Value>,
    jti: Option<Value>,
    uti: Option<Value>,
    sid: Option<Value>,
    typ: Option<Value>,
    azp: Option<Value>,
    appid: Option<Value>,
    client_id: Option<Value>,
    cid: Option<Value>,
    #[serde(rename = "clientId")]
    client_id_old: Option<Value>,
    tid: Option<Value>,
    uid: Option<Value>,
    oid: Option<Value>,
    upn: Option<Value>,
    unique_name: Option<Value>,
    preferred_username: Option<Value>,
    email: Option<Value>,
    user_login: Option<Value>,
    actor: Option<Value>,
    scope: Option<Value>,
    scp: Option<Value>,
    roles: Option<Value>,
    permissions: Option<Value>,
    realm_access: Option<Value>,
    gty: Option<Value>,
    repository: Option<Value>,
    project_id: Option<Value>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<Kubernetes>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Kubernetes {
    namespace: Option<Value>,
    serviceaccount: Option<Value>,
}

/// Adds what a token says; `false` where it is no token.
pub(super) fn read(candidate: &Candidate<'_>, into: &mut Recognised) -> bool {
    let mut parts = candidate.token().split('.');
    let (header, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Some(header) = part::<Header>(header).filter(|header| header.alg.is_some()) else { return false };
    let Some(claims) = part::<Claims>(body) else { return false };
    name(&claims, &header, into);
    for (kind, values) in [
        (K::Issuer, [&claims.iss, &None]),
        (K::Subject, [&claims.sub, &None]),
        (K::Session, [&claims.sid, &None]),
        (K::KeyId, [&claims.jti, &claims.uti]),
        (K::ExpiresAt, [&claims.exp, &None]),
        (K::IssuedAt, [&claims.iat, &None]),
        (K::Audience, [&claims.aud, &None]),
        (K::Account, [&claims.tid, &None]),
        (K::TokenType, [&claims.typ, &header.typ]),
    ] {
        for text in values
            .into_iter()
            .find_map(|value| Some(texts(value.as_ref())).filter(|texts| !texts.is_empty()))
            .unwrap_or_default()
        {
            into.add(kind, text);
        }
    }
    into.add(K::Client, client(&claims));
    whose(&claims, into);
    true
}

fn part<T: for<'de> Deserialize<'de>>(encoded: &str) -> Option<T> {
    if encoded.len() > MAX_PART {
        return None;
    }
    // Its own parser stops at a depth of 128.
    serde_json::from_slice(&base64::Engine::decode(&ANY_URL, encoded).ok()?).ok()
}

/// Words and numbers, also of a list.
fn texts(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.as_i64().map_or_else(|| number.to_string(), |whole| whole.to_string())),
        _ => None,
    };
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(text).take(MAX_VALUES).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn first(value: Option<&Value>) -> String {
    texts(value).into_iter().next().unwrap_or_default()
}

/// To which client it was issued, by the first claim that says it.
fn client(claims: &Claims) -> String {
    let named = [&claims.azp, &claims.appid, &claims.client_id, &claims.cid, &claims.client_id_old];
    if let Some(client) = named.into_iter().map(|claim| first(claim.as_ref())).find(|text| !text.is_empty()) {
        return client;
    }
    let mut audience = texts(claims.aud.as_ref());
    if audience.len() == 1 { audience.remove(0) } else { first(claims.sub.as_ref()) }
}

fn whose(claims: &Claims, into: &mut Recognised) {
    let users = [
        &claims.preferred_username,
        &claims.upn,
        &claims.unique_name,
        &claims.email,
        &claims.user_login,
        &claims.actor,
        &claims.oid,
        &claims.uid,
    ];
    for user in users {
        into.add(K::User, first(user.as_ref()));
    }
    into.add(K::Container, first(claims.repository.as_ref()));
    into.add(K::Container, first(claims.project_id.as_ref()));
    if let Some(kubernetes) = &claims.kubernetes {
        into.add(K::Container, first(kubernetes.namespace.as_ref()));
        let account = kubernetes.serviceaccount.as_ref().and_then(|account| account.get("name"));
        into.add(K::User, first(account));
    }
    let realm = claims.realm_access.as_ref().and_then(|access| access.get("roles"));
    let own = [&claims.scope, &claims.scp, &claims.roles, &claims.permissions];
    for scope in own.into_iter().map(Option::as_ref).chain([realm]).flat_map(texts) {
        into.add(K::Scope, scope);
    }
}

/// Which kind of issuer made it: a guess by what it says, hence only a name.
fn name(claims: &Claims, header: &Header, into: &mut Recognised) {
    let (issuer, subject, kind) = (first(claims.iss.as_ref()), first(claims.sub.as_ref()), first(claims.typ.as_ref()));
    let known = [
        (
            claims.kubernetes.is_some() || subject.starts_with("system:serviceaccount:"),
            "jwt-kubernetes",
            "Kubernetes service account token",
            "kubernetes",
        ),
        (subject.starts_with("spiffe://"), "jwt-spiffe", "SPIFFE identity token", "spiffe"),
        (
            issuer.contains("token.actions.githubusercontent.com"),
            "jwt-github-actions",
            "GitHub Actions identity token",
            "github",
        ),
        (subject.starts_with("project_path:"), "jwt-gitlab-ci", "GitLab CI identity token", "gitlab"),
        (claims.tid.is_some() && (claims.oid.is_some() || claims.uti.is_some()), "jwt-entra", "Entra token", "entra"),
        (issuer.contains("accounts.google.com"), "jwt-google", "Google identity token", "google"),
        (
            issuer.contains("/realms/") && kind == "Offline",
            "jwt-keycloak",
            "Keycloak offline token: it does not end by itself",
            "keycloak",
        ),
        (issuer.contains("/realms/") && kind == "Refresh", "jwt-keycloak", "Keycloak refresh token", "keycloak"),
        (issuer.contains("/realms/") && kind == "ID", "jwt-keycloak", "Keycloak identity token", "keycloak"),
        (issuer.contains("/realms/"), "jwt-keycloak", "Keycloak access token", "keycloak"),
        (
            claims.cid.is_some() && issuer.contains("okta") || issuer.contains("/oauth2/"),
            "jwt-okta",
            "Okta access token",
            "okta",
        ),
        (claims.gty.is_some() || issuer.contains(".auth0.com"), "jwt-auth0", "Auth0 access token", "auth0"),
        (issuer.contains("salesforce.com"), "jwt-salesforce", "Salesforce access token", "salesforce"),
    ];
    if let Some((_, rule, name, provider)) = known.into_iter().find(|(holds, ..)| *holds) {
        (into.rule, into.name, into.provider) = (rule, name, Some(provider));
    } else if first(header.typ.as_ref()).to_ascii_lowercase().ends_with("at+jwt") {
        (into.rule, into.name) = ("jwt-access", "JSON Web Token for access");
    }
}
