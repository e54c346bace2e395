//! Each rule finds what it is for and nothing that is almost it. Samples are put together here, so that no text in this
//! repository looks like a secret.

use std::collections::BTreeSet;

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use regex::Regex;

use super::super::{ClaimKind as K, Confidence, MAX_TEXT, Recognised, checksum::tests as made, find, mask, recognise};

/// Random-looking, the same each time.
fn random(length: usize) -> String {
    "Ab1Cd2Ef3Gh4".chars().cycle().take(length).collect()
}

fn letters(length: usize) -> String {
    "AbCdEfGhIj".chars().cycle().take(length).collect()
}

fn digits(length: usize) -> String {
    "1234567890".chars().cycle().take(length).collect()
}

fn hex(length: usize) -> String {
    "0a1b2c3d4e5f".chars().cycle().take(length).collect()
}

fn uuid() -> String {
    format!("{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12))
}

fn jwt(claims: &serde_json::Value) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    format!("{header}.{}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()), random(40))
}

/// Rule, what it must find, what is almost it.
#[expect(clippy::too_many_lines, reason = "a table: two texts a rule")]
fn samples() -> Vec<(&'static str, String, String)> {
    let summed = |prefix: &str| {
        let token = made::github(prefix, &random(30));
        let near = token[..token.len() - 1].to_owned();
        (token, near)
    };
    let with = |prefix: &str, body: String| (format!("{prefix}{body}"), format!("{prefix}{}", &body[1..]));
    let around = |prefix: &str, length| {
        let marker = ["T3Blbk", "FJ"].concat();
        (
            format!("{prefix}{0}{marker}{0}", random(length)),
            format!("{prefix}{}{marker}{}", random(length), random(length - 1)),
        )
    };
    let near_word = |word: &str, body: String| (format!("{word} {body}"), format!("{word} {}", &body[1..]));
    let routable = made::gitlab("c:1\no:1\nu:39u");
    let local = BASE64_STANDARD_NO_PAD.encode("alice");
    let synapse = |prefix: &str| {
        let token = made::synapse(&format!("{prefix}{}", letters(20)));
        let near = token[..token.len() - 1].to_owned();
        (token, near)
    };
    let token = jwt(&serde_json::json!({"iss": "https://x.example", "sub": "bot-one", "azp": "bot"}));
    let basic = |text: &str| format!("{} {}", "Basic", BASE64_STANDARD.encode(text));
    let key_file = serde_json::json!({"type": "service_account", "client_email": "bot@p.iam.gserviceaccount.com"});
    let pairs: Vec<(&'static str, (String, String))> = vec![
        ("gh-pat", summed("ghp")),
        ("gh-fgpat", with("github_pat_", format!("{}_{}", random(22), random(59)))),
        ("gh-oauth", summed("gho")),
        ("gh-u2s", summed("ghu")),
        ("gh-s2s-old", summed("ghs")),
        ("gh-s2s-new", (format!("{}_4242_{token}", "ghs"), format!("{}_4242_{}", "ghs", random(20)))),
        ("gh-refresh", summed("ghr")),
        ("gl-pat", with("glpat-", random(20))),
        ("gl-pat-routable", (routable.clone(), routable[..routable.len() - 1].to_owned())),
        ("gl-deploy", with("gldt-", random(20))),
        ("gl-other-runner", with("glrt-", random(16))),
        ("gl-other-trigger", with("glptt-", hex(40))),
        ("gl-other-agent", with("glagent-", random(50))),
        ("gl-other-oauth", with("gloas-", random(64))),
        ("gl-other-job", with("glcbt-", random(16))),
        ("gl-other-scim", with("glsoat-", random(16))),
        ("gl-other-feed", with("glft-", random(16))),
        ("gl-other-mail", with("glimt-", random(16))),
        ("gl-other-flags", with("glffct-", random(16))),
        ("gl-other-workspace", with("glwt-", random(16))),
        ("gl-custom", with("gitlab: corp-", random(20))),
        ("sl-bot", with("xoxb-", format!("{}-{}-{}", digits(10), digits(11), random(24)))),
        ("sl-user", with("xoxp-", format!("{0}-{0}-{0}-{1}", digits(10), random(32)))),
        (
            "sl-app",
            (format!("xapp-1-A{}-{}-{}", digits(9), digits(12), hex(40)), format!("xapp-A{}-{}", digits(9), hex(40))),
        ),
        ("sl-cfg", with("xoxe.xoxp-1-", random(160))),
        ("sl-legacy", (format!("xoxs-1-2-3-{}", hex(20)), format!("xoxs-1-2-{}", hex(20)))),
        (
            "sl-hook",
            (
                format!("https://hooks.slack.com/services/T{0}/B{0}/{1}", random(8), random(24)),
                format!("https://hooks.slack.com/services/T{0}/B{0}/{1}", random(8), random(20)),
            ),
        ),
        ("oa-proj", around("sk-proj-", 74)),
        ("oa-svc", around("sk-svcacct-", 58)),
        ("oa-admin", around("sk-admin-", 58)),
        ("oa-legacy", around("sk-", 20)),
        ("an-api", with("sk-ant-api03-", format!("{}AA", random(93)))),
        ("an-admin", with("sk-ant-admin01-", format!("{}AA", random(93)))),
        ("an-oauth", (format!("sk-ant-oat01-{}", random(16)), format!("sk-ant-oat01-{}", random(12)))),
        ("at-token", (format!("ATATT3{}={}", random(186), random(8)), format!("ATATT3{}={}", random(186), random(7)))),
        (
            "at-org",
            (format!("ATCTT3xFfG{}={}", random(170), random(8)), format!("ATCTT3xFfG{}={}", random(170), random(7))),
        ),
        ("hf", with("hf_", letters(34))),
        ("ls", with("lsv2_pt_", format!("{}_{}", hex(32), hex(10)))),
        ("pc", (format!("pcsk_{}_{}", random(6), random(63)), format!("pcsk_{}_{}", random(6), random(62)))),
        ("sf-token", (format!("00D{}!{}", random(12), random(96)), format!("00D{}!{}", random(12), random(95)))),
        ("sf-consumer", with("3MVG9", random(80))),
        ("zd-oauth", near_word("zendesk", hex(64))),
        ("zd-api", near_word("zendesk", random(40))),
        ("vault", with("hvs.", random(24))),
        ("vault-old", with("s.", random(24))),
        ("vault-batch", with("hvb.", random(138))),
        ("vault-rec", with("hvr.", random(24))),
        ("vault-rec-old", with("vault: r.", random(24))),
        ("approle", near_word("secret_id", uuid())),
        ("syt", synapse(&format!("syt_{local}_"))),
        ("syr", synapse(&format!("syr_{local}_"))),
        ("syl", synapse("syl_")),
        ("mas", with("mat_", random(16))),
        ("npm", summed("npm")),
        ("npm-like", summed("corp")),
        ("stripe", with("sk_live_", random(16))),
        ("stripe-hook", with("whsec_", random(32))),
        ("okta-ssws", near_word("okta", format!("00{}", random(40)))),
        ("entra-secret", (format!("{}8Q~{}", random(3), random(34)), format!("{}8Q~{}", random(3), random(30)))),
        ("entra-refresh", with("1.A", format!("{}.Ag{}", random(50), random(250)))),
        ("aws-key", with("AKIA", "Q".repeat(16))),
        ("aws-secret", near_word("aws_secret_access_key =", random(40))),
        ("aws-session", near_word("aws_session_token =", random(100))),
        ("bedrock", with("ABSK", random(109))),
        (
            "bedrock-short",
            (
                format!("bedrock-api-key-{}", BASE64_STANDARD.encode("bedrock.amazonaws.com")),
                "bedrock-api-key-YmVk".to_owned(),
            ),
        ),
        ("gcp-sa", (key_file.to_string(), key_file.to_string().replace("service_account", "authorized_user"))),
        ("gcp-api", with("AIza", random(35))),
        ("gcp-oauth", with("ya29.", random(16))),
        ("gcp-refresh", with("1//", random(30))),
        ("jwt", (token.clone(), token.rsplit_once('.').unwrap().0.to_owned())),
        ("private-key", ("-----BEGIN PRIVATE KEY-----".to_owned(), "-----BEGIN PUBLIC KEY-----".to_owned())),
        ("keycloak-secret", (random(32), random(31))),
        (
            "db-url",
            (
                format!("{}://bot:{}@db.example:5433/shop", "postgres", random(9)),
                "postgres://bot@db.example/shop".to_owned(),
            ),
        ),
        (
            "db-words",
            (
                format!("host=db.example port=5433 user=bot dbname=shop {}={}", "password", random(9)),
                "host=db.example user=bot".to_owned(),
            ),
        ),
        ("url-password", (format!("https://bot:{}@git.example/x", random(9)), "https://bot@git.example/x".to_owned())),
        ("basic", (basic("bot:pw"), basic("nothing like it"))),
        (
            "client-pair",
            (format!("client_id=bot&client_secret={}", random(12)), "client_id=bot&client_secret=".to_owned()),
        ),
        (
            "teams-hook",
            (
                format!("https://corp.webhook.office.com/webhookb2/{0}@{0}/IncomingWebhook/{1}", uuid(), hex(32)),
                format!("https://corp.webhook.office.com/webhookb2/{}/x", uuid()),
            ),
        ),
    ];
    pairs.into_iter().map(|(id, (good, near))| (id, good, near)).collect()
}

/// By the rule itself or by one that names its issuer more closely.
fn by<'a>(answers: &'a [Recognised], id: &str) -> Option<&'a Recognised> {
    answers.iter().find(|answer| answer.rule == id)
}

#[test]
fn each_rule_finds_its_own_and_not_what_is_almost_it() {
    let samples = samples();
    for (id, good, near) in &samples {
        let surrounded = format!("it was ({good}) in the log");
        for text in [good, &surrounded] {
            // Without a word near it, only a text that is nothing else is taken for it.
            if text == &surrounded && ["keycloak-secret", "vault-old"].contains(id) {
                continue;
            }
            let answers = recognise(text);
            let answer = by(&answers, id).unwrap_or_else(|| panic!("{id} misses {text}: {answers:?}"));
            let shown = format!("{:?}", answer.claims);
            assert!(*id == "aws-key" || !shown.contains(good.as_str()), "{id} tells the secret: {shown}");
        }
        assert!(by(&recognise(near), id).is_none(), "{id} takes {near}");
    }
    let tested: BTreeSet<&str> = samples.iter().map(|sample| sample.0).collect();
    let rules: BTreeSet<&str> = super::all().map(|rule| rule.id).collect();
    assert_eq!(tested, rules);
    assert_eq!(super::all().count(), rules.len(), "an id is there twice");
}

/// The kinds that must be known, whatever becomes of the table.
#[test]
fn no_kind_is_missing() {
    let wanted = "gh-pat gh-fgpat gh-oauth gh-u2s gh-s2s-old gh-s2s-new gh-refresh gl-pat gl-pat-routable gl-deploy \
                  gl-other gl-custom sl-bot sl-user sl-app sl-cfg sl-legacy sl-hook oa-proj oa-svc oa-admin oa-legacy \
                  an-api an-admin an-oauth at-token at-org hf ls pc sf-token sf-consumer zd-oauth zd-api vault \
                  vault-batch vault-rec approle syt syr syl mas npm-like okta-ssws entra-secret entra-refresh aws-key \
                  aws-secret bedrock gcp-sa gcp-api gcp-oauth gcp-refresh jwt private-key keycloak-secret db-url \
                  teams-hook";
    let rules: Vec<&str> = super::all().map(|rule| rule.id).collect();
    for id in wanted.split_whitespace() {
        assert!(rules.iter().any(|rule| *rule == id || rule.starts_with(&format!("{id}-"))), "{id}");
    }
}

#[test]
fn a_checksum_makes_sure_and_a_wrong_one_is_said() {
    for (id, good, _) in samples() {
        let proved = recognise(&good).iter().any(|answer| answer.confidence == Confidence::Checksum);
        let expected = [
            "gh-pat",
            "gh-oauth",
            "gh-u2s",
            "gh-s2s-old",
            "gh-refresh",
            "gl-pat-routable",
            "syt",
            "syr",
            "syl",
            "npm",
            "npm-like",
        ];
        assert_eq!(proved, expected.contains(&id), "{id}");
    }
    let token = made::github("ghp", &random(30));
    let wrong = recognise(&token.replacen("Ab1", "Ab2", 1)).remove(0);
    assert_eq!(wrong.confidence, Confidence::Prefix);
    assert!(wrong.caution.unwrap().contains("checksum"));
}

#[test]
fn embedded_ids_are_told() {
    let claim = |text: &str, kind| {
        recognise(text).iter().find_map(|answer| answer.claim(kind).map(|value| value.raw().to_owned()))
    };
    let sample = |id: &str| samples().into_iter().find(|sample| sample.0 == id).unwrap().1;
    for (id, kind, value) in [
        ("gh-s2s-new", K::App, "4242"),
        ("gl-pat-routable", K::User, "4242"),
        ("gl-pat-routable", K::Container, "cell/1"),
        ("sl-bot", K::Account, "1234567890"),
        ("sl-app", K::App, "A123456789"),
        ("syt", K::User, "alice"),
        ("entra-secret", K::Hint, "Ab1"),
        ("zd-oauth", K::Hint, "0a1b2c3d4e"),
        ("gcp-sa", K::User, "bot@p.iam.gserviceaccount.com"),
        ("db-url", K::User, "bot"),
        ("db-url", K::Host, "db.example:5433"),
        ("db-url", K::Database, "shop"),
        ("db-words", K::Host, "db.example:5433"),
        ("db-words", K::Database, "shop"),
        ("basic", K::User, "bot"),
        ("client-pair", K::Client, "bot"),
        ("jwt", K::Client, "bot"),
    ] {
        assert_eq!(claim(&sample(id), kind).as_deref(), Some(value), "{id} {kind:?}");
    }
    let key = made::aws("AKIA", 123_456_789_012);
    assert_eq!(claim(&key, K::Account).as_deref(), Some("123456789012"));
    assert!(recognise(&key)[0].caution.unwrap().contains("canary"));
    let audited = BASE64_STANDARD.encode(<sha2::Sha256 as sha2::Digest>::digest(sample("gh-pat")));
    assert_eq!(claim(&sample("gh-pat"), K::Hash), Some(audited));
}

#[test]
fn tokens_say_whose_they_are() {
    let first = |claims: serde_json::Value| recognise(&jwt(&claims)).remove(0);
    let keycloak = first(serde_json::json!({
        "iss": "https://sso.example/realms/bots", "azp": "helpdesk", "sub": "u-1", "sid": "s-1", "jti": "t-1",
        "exp": 2_000_000_000, "iat": 1_999_999_700, "aud": ["account", "shop"], "typ": "Offline",
        "preferred_username": "service-account-helpdesk", "scope": "openid orders",
        "realm_access": { "roles": ["admin"] }, "nested": { "azp": "not me" },
    }));
    assert_eq!((keycloak.rule, keycloak.provider), ("jwt-keycloak", Some("keycloak")));
    assert!(keycloak.name.contains("offline"), "{}", keycloak.name);
    for (kind, value) in [
        (K::Issuer, "https://sso.example/realms/bots"),
        (K::Client, "helpdesk"),
        (K::Subject, "u-1"),
        (K::Session, "s-1"),
        (K::KeyId, "t-1"),
        (K::ExpiresAt, "2000000000"),
        (K::IssuedAt, "1999999700"),
        (K::Audience, "account"),
        (K::User, "service-account-helpdesk"),
        (K::TokenType, "Offline"),
    ] {
        assert_eq!(keycloak.claim(kind).map(crate::domain::Untrusted::raw), Some(value), "{kind:?}");
    }
    assert_eq!(keycloak.claims.iter().filter(|claim| claim.kind == K::Audience).count(), 2);
    for (claims, rule, client) in [
        (serde_json::json!({"iss": "https://login", "tid": "t", "oid": "o", "appid": "app"}), "jwt-entra", "app"),
        (serde_json::json!({"iss": "https://c.okta.com/oauth2/default", "cid": "c", "sub": "s"}), "jwt-okta", "c"),
        (serde_json::json!({"sub": "system:serviceaccount:ns:bot", "aud": "api"}), "jwt-kubernetes", "api"),
        (serde_json::json!({"sub": "spiffe://x/bot"}), "jwt-spiffe", "spiffe://x/bot"),
        (serde_json::json!({"sub": "plain", "aud": ["a", "b"], "x": "padding"}), "jwt", "plain"),
    ] {
        let answer = first(claims);
        assert_eq!((answer.rule, answer.claim(K::Client).unwrap().raw()), (rule, client));
    }
}

/// What looks like a token and is none: nesting, duplicates, other types.
#[test]
fn hostile_claims_are_no_trouble() {
    let deep = format!(r#"{{"sub":{}1{}}}"#, r#"{"a":"#.repeat(200), "}".repeat(200));
    let twice = r#"{"sub":"one","sub":"two","iss":"x"}"#;
    for body in [deep.as_str(), twice, r#"["not","an","object"]"#, r#"{"kubernetes.io":7,"sub":"x"}"#] {
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let text = format!("{header}.{}.{}", BASE64_URL_SAFE_NO_PAD.encode(body), random(20));
        assert!(by(&recognise(&text), "jwt").is_none(), "{body}");
    }
    let odd = jwt(&serde_json::json!({"sub": {"a": 1}, "azp": [], "exp": "soon", "aud": [1, {}, "x"]}));
    assert_eq!(by(&recognise(&odd), "jwt").unwrap().claim(K::ExpiresAt).unwrap().raw(), "soon");
}

#[test]
fn prose_is_no_secret() {
    let prose = "The on-call engineer saw that helpdesk-assistant-production had asked Vault, Okta, GitLab and Zendesk \
                 for far too much; its client_secret was rotated, and the basic configuration was compared with \
                 https://wiki.example.com/runbooks/how-to-isolate-a-chatbot and the self-explanatory-documentation. \
                 Keycloak said: invalid_client. See RFC 7519, sk-learn, glossary-of-identity-providers, s.th. 1//2.";
    assert_eq!(recognise(prose), []);
    assert_eq!(mask(prose), prose);
}

#[test]
fn places_are_told_and_size_is_bounded() {
    let token = made::github("ghp", &random(30));
    let text = format!("first {token}, then AKIA{}", "Q".repeat(16));
    let found = find(&text);
    assert_eq!(&text[found[0].range.clone()], token, "the surest is first");
    assert_eq!(found.len(), 2);
    let long = format!("{}{token}", " ".repeat(MAX_TEXT));
    assert_eq!(recognise(&long), []);
    assert!(find(&format!("{token} ").repeat(1000)).len() <= 8);
}

/// Without look-around and with tables for nothing: every pattern compiles, and small.
#[test]
fn every_pattern_compiles() {
    for rule in super::all() {
        Regex::new(rule.pattern).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces: Vec<String> = samples().into_iter().flat_map(|sample| [sample.1, sample.2]).collect();
    let piece = prop_oneof![
        proptest::sample::select(pieces.clone()),
        (proptest::sample::select(pieces), any::<proptest::sample::Index>())
            .prop_map(|(text, at)| { text.chars().skip(at.index(text.len())).collect::<String>() }),
        ".{0,20}",
        "[\\\\ \n\"'<>=:@&.,_-]{0,3}",
        Just("password=".to_owned()),
        Just("Authorization: Bearer ".to_owned()),
        Just("-----BEGIN X-----".to_owned()),
        Just("-----END X-----".to_owned()),
        Just("<password>".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_panics_and_masking_is_final(text in hostile()) {
        let _ = recognise(&text);
        let masked = mask(&text).into_owned();
        prop_assert_eq!(&*mask(&masked), masked.as_str());
    }

    #[test]
    fn what_is_recognised_by_its_form_is_masked(which in any::<proptest::sample::Index>()) {
        let samples = samples();
        let (id, good, _) = &samples[which.index(samples.len())];
        // Without a prefix only the words around them tell; these are redacted by value.
        let by_value = ["gl-custom", "zd-oauth", "zd-api", "vault-old", "vault-rec-old", "approle", "okta-ssws",
            "aws-secret", "aws-session", "keycloak-secret", "gcp-sa", "private-key", "entra-refresh", "gcp-refresh",
            "mas", "npm-like", "sf-consumer", "stripe-hook", "basic", "bedrock-short"];
        prop_assume!(!by_value.contains(id));
        prop_assert_ne!(&*mask(good), good.as_str(), "{}", id);
    }
}
