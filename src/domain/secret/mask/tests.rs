use super::*;

fn any(length: usize) -> String {
    "Ab1Cd2Ef3Gh4".chars().cycle().take(length).collect()
}

#[test]
fn every_wide_pattern_compiles_and_has_its_anchor() {
    for wide in WIDE {
        assert!(Regex::new(wide.pattern).is_ok(), "{}", wide.pattern);
    }
    for (kind, pattern) in VALUES {
        assert!(Regex::new(pattern).is_ok(), "{kind}");
    }
}

/// Every pattern of the redaction table, with what stays readable.
#[test]
fn what_looks_like_a_secret_is_masked() {
    let token = any(20);
    for (text, expected) in [
        (format!("a ghp_{token} b"), "a <github-token:sha256:"),
        (format!("github_pat_{token}"), "<github-token:sha256:"),
        (format!("glpat-{token}."), "<gitlab-token:sha256:"),
        (format!("glnew-{token}"), "<gitlab-token:sha256:"),
        (format!("xoxb-{token}"), "<slack-token:sha256:"),
        (format!("xoxe.xoxp-{token}"), "<slack-token:sha256:"),
        (format!("xapp-{token}"), "<slack-token:sha256:"),
        (format!("https://hooks.slack.com/services/{token}"), "https://<slack-webhook:sha256:"),
        (format!("sk-proj-{token}"), "<secret-key:sha256:"),
        (format!("sk-{token}"), "<secret-key:sha256:"),
        (format!("ATATT3{token}"), "<atlassian-token:sha256:"),
        (format!("hf_{token}"), "<huggingface-token:sha256:"),
        (format!("lsv2_{token}"), "<langsmith-key:sha256:"),
        (format!("pcsk_{token}"), "<pinecone-key:sha256:"),
        (format!("hvs.{token}"), "<vault-token:sha256:"),
        (format!("syt_{token}"), "<matrix-token:sha256:"),
        (format!("AKIA{}", "Q".repeat(16)), "<aws-key-id:sha256:"),
        (format!("abc8Q~{token}"), "<entra-secret:sha256:"),
        (format!("eyJ{token}.{token}.{token}"), "<json-web-token:sha256:"),
        (format!("00D{}!{token}", any(12)), "<salesforce-token:sha256:"),
        (format!("-----BEGIN X-----\n{token}\n-----END X-----!"), "<pem-block:sha256:"),
        (format!("-----BEGIN X-----\n{token}\n cut off"), "<pem-block:sha256:"),
        (format!("Authorization: Bearer {token}"), "Authorization: Bearer <authorization>"),
        (format!("X-Vault-Token: {token}"), "X-Vault-Token: <api-token>"),
        (format!("PRIVATE-TOKEN: {token}"), "PRIVATE-TOKEN: <api-token>"),
        (format!("x-api-key:{token}"), "x-api-key:<api-token>"),
        (format!("password={token}&x=1"), "password=<password>&x=1"),
        (format!("client_secret={token}"), "client_secret=<client-secret>"),
        (format!("access_token={token}"), "access_token=<token>"),
        (format!(r#"{{"access_token" : "{token}"}}"#), r#"{"access_token" : "<token>"}"#),
        (format!("postgres://bot:{token}@db/x"), "postgres://bot:<password>@db/x"),
    ] {
        let masked = mask(&text);
        assert!(masked.starts_with(expected), "{text}: {masked}");
        assert!(!masked.contains(&token), "{masked}");
        assert_eq!(mask(&masked), masked, "{text}");
    }
}

/// Names of bots and estop's own sentences must stay as they are.
#[test]
fn words_stay() {
    for text in [
        "helpdesk-assistant-production",
        "sk-assistant-production",
        "global-support-assistant",
        "hf_inference_endpoint_bot",
        "base_url must be https: only a loopback address may be spoken to in clear",
        "url holds a password: take it out, such as password = { file = \"…\" }",
        "client_secret = { env = \"ESTOP_SECRET\" }",
        "https://sso.example.com:8443/realms/bots",
        "fetching estop's own access token: the server refuses client estop",
        "corp-sso:5e0c/client-secret/sha256%3Aab12cd34ef56",
    ] {
        assert!(matches!(mask(text), Cow::Borrowed(_)), "{text}: {}", mask(text));
    }
}

/// Two lines about the same secret can be told to be; a password's fingerprint could be guessed at.
#[test]
fn marks_of_tokens_have_the_secrets_fingerprint() {
    let token = format!("ghp_{}", any(36));
    let expected = format!("<github-token:{}>", Fingerprint::of(token.as_bytes()));
    assert_eq!(mask(&token), expected);
    assert_eq!(mask(&format!("{token}.")), format!("{expected}."));
}
