//! 35. Hostile names, on every way out: nothing of them but their visible form reaches a terminal.

use std::time::Duration;

use serde_json::Value;

use super::hostile;
use crate::{
    harness::{Ran, Reply, Rule, Stage, Wire, world::BOT},
    pty::{ended, hands::fleet_is_read, place, stream::strangers, terminal::Start},
};

/// The raw bytes of one run against the list of what may be there.
#[track_caller]
fn clean(ran: &Ran) {
    for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        assert_eq!(strangers(text.as_bytes()), Vec::<String>::new(), "{name} of {}", ran.command);
        // A line end is the table's, never a name's: nothing starts where a name's second half would.
        assert!(!text.contains('\r'), "{name} of {}", ran.command);
    }
}

#[track_caller]
fn run(stage: &Stage, words: &[&str], codes: &[i32]) -> Ran {
    let ran = stage.run(words);
    ran.expect(codes);
    clean(&ran);
    let mut json = vec!["--json"];
    json.extend(words);
    let document = stage.run(&json);
    document.expect(codes);
    assert!(document.stdout.is_ascii(), "JSON escapes: {}", document.command);
    assert!(document.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{document}");
    clean(&document);
    ran
}

/// Names, owners, environments and incidents of an attacker in every command's output.
#[test]
#[ignore = "gauntlet"]
fn case_35_every_command() {
    let stage = Stage::with(&hostile::realm());
    let word = hostile::word().replace('\0', "");
    stage.run(&["incident", "open", "--title", &word]).expect(&[0]);
    let list = run(&stage, &["list"], &[0, 3]);
    aligned(&list);
    assert!(list.stdout.contains("\\x1b") && list.stdout.contains("<U+202E>"), "not shown: {}", list.stdout);
    run(&stage, &["list", "--all"], &[0, 3]);
    let document = &stage.run(&["--json", "list"]).lines()[0];
    let bots: Vec<&str> = document["bots"].as_array().unwrap().iter().filter_map(|bot| bot["name"].as_str()).collect();
    let nasty: Vec<&&str> = bots.iter().filter(|name| name.starts_with('x')).collect();
    assert_eq!(nasty.len(), hostile::NASTY.len(), "the names are not there: {bots:?}");
    for bot in nasty.iter().filter(|bot| !bot.contains('\0')) {
        for command in ["show", "plan", "activity"] {
            run(&stage, &[command, bot], &[0, 3]);
        }
        // One that is not there, in an error's text.
        let wrong = format!("{bot}\u{1b}[2J");
        run(&stage, &["show", &wrong], &[2]);
    }
    let one = nasty.iter().find(|bot| bot.contains("52;c")).unwrap();
    let ran = stage.run(&["isolate", one, "--yes", "--reason", &word]);
    ran.expect(&[0, 3]);
    clean(&ran);
    for words in
        [&["status"][..], &["incident", "list"], &["incident", "show"], &["journal", "list"], &["journal", "show"]]
    {
        run(&stage, words, &[0, 3]);
    }
    clean(&stage.run(&["journal", "verify", &format!("/nowhere/{word}")]));
    clean(&stage.run(&["--theme", &word, "list"]));
    clean(&stage.run(&[&word]));
    stage.no_secrets();
    stage.intent_first();
}

/// The column of states is where it is, whatever stands left of it.
#[track_caller]
fn aligned(list: &Ran) {
    use unicode_width::UnicodeWidthStr as _;
    let columns: std::collections::BTreeSet<usize> =
        list.stdout.lines().filter_map(|line| line.find(" live ").map(|at| line[..at].width())).collect();
    assert_eq!(columns.len(), 1, "{columns:?}\n{}", list.stdout);
}

/// What a provider says in an error.
#[test]
#[ignore = "gauntlet"]
fn case_35_errors_of_a_provider() {
    let stage = Stage::new();
    let word = hostile::word();
    let body = serde_json::json!({ "error": word, "errorMessage": word, "error_description": word }).to_string();
    stage.servers[1].fault(Rule::changes(Wire::Answer(Reply::json(403, body.clone()))));
    stage.servers[2].fault(Rule::reads(Wire::Answer(Reply::json(500, body.clone()))));
    run(&stage, &["list"], &[3]);
    clean(&stage.run(&["check"]));
    let ran = stage.run(&["isolate", "helpdesk", "--yes"]);
    ran.expect(&[3, 4]);
    clean(&ran);
    clean(&stage.run(&["status"]));
    clean(&stage.run(&["journal", "show"]));
    stage.converges(0);
}

/// Every screen, over a fleet of such names.
#[test]
#[ignore = "gauntlet"]
fn case_35_every_screen() {
    let stage = Stage::with(&hostile::realm());
    assert!(stage.servers[0].keycloak.client_uuid(BOT).is_some());
    let place = place(&stage);
    let terminal = Start::at(&place).size(120, 40).open();
    fleet_is_read(&terminal);
    for _ in 0..hostile::NASTY.len() {
        terminal.keys("j");
        terminal.keys("\r");
        terminal.wait_for_text("FINDINGS");
        terminal.keys("\x1b");
        terminal.wait_for_text("X would isolate");
    }
    // One of them is cut off, then burned as far as the question.
    terminal.keys("g");
    terminal.keys("/");
    terminal.wait_for_text("Enter keep");
    terminal.keys("52;c");
    terminal.keys("\r");
    terminal.wait_for("its plan", |text| text.contains("52;c") && text.contains("X isolate"));
    terminal.keys("B");
    terminal.wait_for_text("cannot be undone");
    terminal.keys("\x1b");
    terminal.wait_for_text("nothing was sent");
    crate::pty::hands::isolate(&terminal);
    terminal.wait_for_text("time to dark");
    for (key, title) in [("J", "estop  Journal"), ("3", "estop  "), ("?", "estop  Help")] {
        terminal.keys(key);
        terminal.wait_for_text(title);
    }
    terminal.keys("q");
    let exit = terminal.exit(Duration::from_mins(1));
    // O7 is checked there: no title, no clipboard, no query but our own.
    ended(&stage, &exit);
    stage.no_secrets();
}
