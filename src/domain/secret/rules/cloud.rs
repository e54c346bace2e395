//! Identity providers, clouds, databases, and forms that many use.

use super::{
    super::{
        jwt, key,
        rule::{Edges, Rule, rule},
    },
    read,
};
use crate::domain::Confidence::{Length, Prefix, Shape};

const CANARY: &str = "may be a canary: using it rings an alarm";
const NEVER_EXCHANGE: &str = "a refresh token: using it makes new tokens and may end this one";
const VISIBLE: &str = "whoever sends to it posts a message that people see";

/// The rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("okta-ssws", "Okta API token", "okta", "00[A-Za-z0-9_-]{40}", Shape).near(&["okta", "ssws"])
        .edges(Edges::Opaque).caution("it acts with the rights that its maker has now"),
    rule("entra-secret", "Entra client secret", "entra",
        "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}", Length).read(read::entra)
        .caution("asking for a token with it is a sign-in that the tenant logs"),
    rule("entra-refresh", "Entra refresh token", "entra",
        r"[01]\.A[A-Za-z0-9_-]{50,}(?:\.[0-9])?\.Ag[A-Za-z0-9_-]{250,}", Length).caution(NEVER_EXCHANGE),
    rule("aws-key", "AWS access key id", "aws", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", Length)
        .caution(CANARY).read(read::aws_key),
    rule("aws-secret", "AWS secret access key", "aws", "[A-Za-z0-9+/]{40}", Shape)
        .near(&["akia", "asia", "aws_secret", "secretaccesskey", "secret_access_key"]).edges(Edges::Opaque)
        .caution(CANARY).read(read::mixed),
    rule("aws-session", "AWS session token", "aws", "[A-Za-z0-9+/]{100,}={0,2}", Shape)
        .near(&["asia", "session_token", "sessiontoken", "security-token"]).edges(Edges::Opaque)
        .caution(CANARY).read(read::mixed),
    rule("bedrock", "AWS Bedrock API key", "aws", "ABSK[A-Za-z0-9+/]{109,269}={0,2}", Length).caution(CANARY),
    rule("bedrock-short", "AWS Bedrock short-term API key", "aws",
        "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[A-Za-z0-9+/=_-]*", Prefix).caution(CANARY).read(read::bedrock),
    rule("gcp-sa", "Google service account key", "google", r#""type"[ \t\r\n]*:[ \t\r\n]*"service_account""#, Length)
        .edges(Edges::Any).caution("asking for a token with it is a sign-in that the project logs")
        .read(read::google_account),
    rule("gcp-api", "Google API key", "google", "AIza[A-Za-z0-9_-]{35}", Length),
    rule("gcp-oauth", "Google OAuth access token", "google", r"ya29\.[A-Za-z0-9_-]{16,}", Prefix),
    rule("gcp-refresh", "Google OAuth refresh token", "google", "1//[A-Za-z0-9_-]{30,}", Prefix)
        .edges(Edges::Opaque).caution(NEVER_EXCHANGE),
    rule("jwt", "JSON Web Token", "",
        r"(?:eyJ|ewo)[A-Za-z0-9_-]{12,}\.(?:eyJ|ewo)[A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{10,}", Length).read(jwt::read),
    rule("private-key", "private key", "", "-----BEGIN [A-Z ]*PRIVATE KEY-----", Length).edges(Edges::Any)
        .read(key::read),
    rule("keycloak-secret", "Keycloak client secret", "keycloak",
        "[A-Za-z0-9]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", Shape)
        .near(&["keycloak", "client_secret", "client-secret", "clientsecret", "\"credentials\"", "/realms/"])
        .or_alone().edges(Edges::Opaque).read(read::keycloak),
    rule("db-url", "database address with a password", "",
        r#"(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|sqlserver)://[^ \t\r\n"'<>]+"#, Length)
        .read(read::database),
    rule("db-words", "PostgreSQL connection words with a password", "postgres",
        r#"[a-z_]+=[^\r\n"<>]{0,512}password=[^\r\n"<>]+"#, Shape).near(&["host="]).read(read::libpq),
    rule("url-password", "address with a password", "", r#"https?://[^ \t\r\n"'<>@/]+:[^ \t\r\n"'<>@/]+@[^ \t\r\n"'<>]+"#,
        Length).read(read::database),
    rule("basic", "user and password of HTTP Basic", "", "(?i-u:basic) +[A-Za-z0-9+/_-]{4,}={0,2}", Length)
        .read(read::basic),
    rule("client-pair", "client id and secret", "",
        r#"(?i-u:client[_-]?secret)["']?[ \t\r\n]*[=:][ \t\r\n]*["']?[^ \t\r\n"'&,;{}<>]{8,}"#, Shape)
        .edges(Edges::Any).read(read::client_pair),
    rule("teams-hook", "Teams webhook", "teams",
        r"[a-z0-9.-]*webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/[A-Za-z0-9/_-]+", Length)
        .caution(VISIBLE).read(read::teams),
];
