//! 39. Broken settings: nothing starts half configured, and nothing is asked of anybody.

use crate::harness::{
    Stage, each,
    stage::{HELPDESK, ISOLATE},
};

type Edit = fn(&str) -> String;

/// What is broken, how, and what the message must name beside the file.
const BROKEN: [(&str, Edit, &[&str]); 13] = [
    ("unknown key", |text| text.replacen("realm = ", "colour = \"red\"\nrealm = ", 1), &["colour"]),
    ("misspelt key", |text| text.replacen("realm = ", "relm = ", 1), &["relm", "realm"]),
    ("misspelt table", |text| text.replacen("[[bot]]", "[[bots]]", 1), &["bots", "bot"]),
    ("duplicate key", |text| text.replacen("kind = ", "kind = \"keycloak\"\nkind = ", 1), &["kind"]),
    ("wrong type", |text| text.replacen("realm = \"chatbots\"", "realm = 7", 1), &["realm"]),
    (
        "literal secret",
        |text| text.replacen("{ file = \"sso-a.secret\" }", "\"hunter2-hunter2\"", 1),
        &["client_secret"],
    ),
    ("two of one name", |text| text.replacen("\"sso-b\"", "\"sso-a\"", 1), &["sso-a"]),
    ("unknown kind", |text| text.replacen("\"keycloak\"", "\"keyclock\"", 1), &["kind", "keycloak"]),
    ("plain http", |text| text.replacen("http://127.0.0.1", "http://sso.example.com", 1), &["https"]),
    (
        "no provider of that name",
        |text| text.replacen("identities = [\"sso-a:", "identities = [\"sso-z:", 1),
        &["sso-z"],
    ),
    ("not TOML", |text| format!("{text}\n[[[\n"), &[]),
    ("10 MB", |text| format!("{text}\n# {}\n", "x".repeat(10_000_000)), &["1 MiB"]),
    ("not text", |text| format!("{text}\0"), &[]),
];

#[test]
#[ignore = "gauntlet"]
fn case_39_broken_settings() {
    each(
        &BROKEN,
        |(name, ..)| (*name).to_owned(),
        |(name, edit, words)| {
            let stage = Stage::new();
            let right = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
            let wrong = edit(&right);
            assert_ne!(right, wrong, "nothing was broken");
            stage.configure(&wrong);
            for command in [&["list"][..], &["show", HELPDESK], &ISOLATE, &["check"], &["status"]] {
                let ran = stage.run(command);
                ran.expect(&[2]);
                assert!(ran.stderr.contains("config.toml"), "no file: {ran}");
                assert!(words.iter().all(|word| ran.stderr.contains(word)), "not all of {words:?}: {ran}");
                let line = ran.stderr.split("config.toml:").nth(1).and_then(|rest| rest.chars().next());
                assert!(*name == "10 MB" || line.is_some_and(|digit| digit.is_ascii_digit()), "no line: {ran}");
                assert!(!ran.stderr.contains("hunter2"), "a secret is quoted: {ran}");
            }
            assert!(stage.servers.iter().all(|server| server.seen().is_empty()), "something was asked");
            assert!(stage.journals().is_empty());
            stage.configure(&right);
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[0]);
        },
    );
}

/// An empty file configures nothing: no provider, no bot, and never something simulated in their place.
#[test]
#[ignore = "gauntlet"]
fn case_39_an_empty_file() {
    let stage = Stage::new();
    stage.configure("");
    let ran = stage.isolate();
    ran.expect(&[2]);
    let ran = stage.run(&["--json", "list"]);
    assert!(ran.code != Some(0) || ran.stdout.contains("\"bots\":[]"), "{ran}");
    assert!(stage.servers.iter().all(|server| server.seen().is_empty()), "something was asked");
}

/// The file is named and is not there, or is no file.
#[test]
#[ignore = "gauntlet"]
fn case_39_no_file() {
    let stage = Stage::new();
    let path = stage.home().join("config.toml");
    std::fs::remove_file(&path).unwrap();
    stage.isolate().expect(&[2]).says(&["config.toml"]);
    std::fs::create_dir(&path).unwrap();
    stage.isolate().expect(&[2]).says(&["config.toml", "not a regular file"]);
    assert!(stage.servers.iter().all(|server| server.seen().is_empty()), "something was asked");
}
