use base64::{Engine as _, prelude::BASE64_STANDARD};
use proptest::prelude::*;

use super::*;
use crate::domain::LeakedSecret;

const SECRET: &str = "c4n4ry/with \"quotes\"+&=~";

fn knowing(secret: &str) -> Redactor {
    let mut redactor = Redactor::new();
    redactor.learn("own-secret", secret).unwrap();
    redactor
}

#[test]
fn each_form_of_a_known_secret_is_replaced() {
    let redactor = knowing(SECRET);
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    for form in [
        SECRET.to_owned(),
        hex::encode(SECRET),
        encoded.clone(),
        lower_hex(&encoded),
        utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
        serde_json::to_string(SECRET).unwrap().trim_matches('"').to_owned(),
        SECRET.replace('"', "\\\""),
    ] {
        let text = format!("before {form} after {form}");
        assert_eq!(redactor.redact(&text), "before <own-secret> after <own-secret>", "{form}");
    }
    assert!(matches!(redactor.redact("nothing of it: c4n4ry"), Cow::Borrowed(_)));
}

proptest! {
    /// Whatever stands around it in the same base64, nothing is left of it but bits at its ends.
    #[test]
    fn base64_is_found_at_every_alignment(before in "[a-z]{0,5}", after in "[a-z]{0,5}", secret in "[!-~]{12,30}") {
        let redactor = knowing(&format!("{secret}0"));
        for text in [BASE64_STANDARD.encode(format!("{before}{secret}0{after}")),
            BASE64_URL_SAFE_NO_PAD.encode(format!("{before}{secret}0{after}"))] {
            let redacted = redactor.redact(&text);
            prop_assert!(redacted.contains("<own-secret>"), "{}", redacted);
            let decoded = (before.len() + after.len()) * 4 / 3 + 8 + "<own-secret>".len();
            prop_assert!(redacted.len() <= decoded, "{}", redacted);
        }
    }

    #[test]
    fn no_text_is_trouble_and_a_known_secret_never_stays(text in any::<String>(), at in any::<proptest::sample::Index>()) {
        let redactor = knowing("S3cr3t-é-value");
        let characters: Vec<char> = text.chars().collect();
        let (before, after) = characters.split_at(at.index(characters.len() + 1));
        let text = format!("{}S3cr3t-é-value{}", before.iter().collect::<String>(), after.iter().collect::<String>());
        prop_assert!(!redactor.redact(&text).contains("S3cr3t-é-value"));
    }

    #[test]
    fn json_stays_json(said in any::<String>()) {
        let _leaked = LeakedSecret::new("c4n4ry \"in\" json".to_owned().into());
        let json = serde_json::json!({ "said": format!("{said}c4n4ry \"in\" json"), "n": 1 }).to_string();
        let redacted = redact_json(&json);
        let value: serde_json::Value = serde_json::from_str(&redacted).unwrap();
        prop_assert!(!redacted.contains("c4n4ry"));
        prop_assert_eq!(&value["n"], 1);
    }
}

#[test]
fn words_and_short_secrets_are_not_looked_for() {
    let mut redactor = Redactor::new();
    for secret in ["", "a", "12345", "postgres", "keycloak"] {
        assert_eq!(redactor.learn("own-secret", secret), None, "{secret}");
    }
    assert!(redactor.learn("own-secret", "correcthorsebattery").is_some());
    assert_eq!(redactor.redact("kind postgres"), "kind postgres");
}

#[test]
fn the_longest_wins_and_what_is_forgotten_is_shown_again() {
    let mut redactor = Redactor::new();
    let short = redactor.learn("own-secret", "S3cret-1").unwrap();
    redactor.learn("own-token", "S3cret-1-and-more").unwrap();
    assert_eq!(redactor.redact("S3cret-1 S3cret-1-and-more"), "<own-secret> <own-token>");
    redactor.forget(short);
    assert_eq!(redactor.redact("S3cret-1 S3cret-1-and-more"), "S3cret-1 <own-token>");
}

#[test]
fn old_tokens_give_way_and_a_leaked_secret_goes_with_its_owner() {
    let mut redactor = Redactor::new();
    for number in 0..20 {
        redactor.learn("own-token", &format!("t0ken-number-{number:02}")).unwrap();
        redactor.limit("own-token", 16);
    }
    assert_eq!(redactor.redact("t0ken-number-03 t0ken-number-04"), "t0ken-number-03 <own-token>");
    let leaked = LeakedSecret::new("  L34ked-for-a-while\n".to_owned().into());
    assert_eq!(redact("it is L34ked-for-a-while"), "it is <leaked-secret>");
    drop(leaked);
    assert_eq!(redact("it is L34ked-for-a-while"), "it is L34ked-for-a-while");
}
