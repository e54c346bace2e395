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

/// Names in the settings that somebody else chose: shown, in the error and in JSON, and never sent to the terminal.
#[test]
#[ignore = "gauntlet"]
fn case_39_hostile_names() {
    use crate::{process::hostile, pty::stream::strangers};
    let word = hostile::quoted(&hostile::word());
    let stage = Stage::new();
    let right = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    let edits = [
        right.replacen("realm = ", &format!("{word} = 1\nrealm = "), 1),
        right.replacen("\"keycloak\"", &word, 1),
        right.replacen("\"sso-b\"", &word, 1),
        right.replacen("realm = \"chatbots\"", &format!("realm = {{ {word} = {word} }}"), 1),
        right.replacen("[[bot]]", &format!("[{word}]\n[[bot]]"), 1),
        right.replacen("identities = [\"sso-a:", &format!("identities = [{word}, \"sso-a:"), 1),
        right.replacen("name = \"helpdesk\"", &format!("name = {word}\nname = {word}"), 1),
        right.replacen("{ file = \"sso-a.secret\" }", &format!("{{ file = {word} }}"), 1),
        right.replacen("{ file = \"sso-a.secret\" }", "{ env = \"\\u001b[2J\" }", 1),
        right.replacen("{ file = \"sso-a.secret\" }", &format!("{{ command = [{word}] }}"), 1),
        format!("[console]\ntheme = {word}\n{right}"),
        format!("[select]\nnames = [{word}, \"[\"]\n{right}"),
        right.replacen("owner = \"support\"", &format!("owner = {word}"), 1),
        format!("{right}\n\u{1b}[2J = 1\n"),
    ];
    for edited in edits {
        assert_ne!(edited, right);
        stage.configure(&edited);
        for command in [&["list"][..], &["--json", "list"], &["check"], &["-v", "plan", HELPDESK]] {
            let ran = stage.run(command);
            assert!(matches!(ran.code, Some(0 | 2 | 3)), "{ran}");
            for text in [&ran.stdout, &ran.stderr] {
                assert_eq!(strangers(text.as_bytes()), Vec::<String>::new(), "{ran}\n{edited}");
            }
            assert!(command[0] != "--json" || ran.stdout.is_ascii(), "{ran}");
        }
    }
}
