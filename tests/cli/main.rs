//! The command line as scripts meet it: the real binary, its exit codes, its bytes.
//!
//! Everything runs on the embedded exercise or without any provider, in a state directory of its own.

mod place;
mod secrecy;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use place::Place;

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// One JSON value a line.
fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn without_a_configuration_nothing_runs_and_init_is_named() {
    let place = Place::new();
    for arguments in [
        &["list"][..],
        &["show", "x"],
        &["activity", "x"],
        &["plan", "x"],
        &["isolate", "x", "--yes"],
        &["identify"],
        &["recheck", "x"],
        &["restore", "x", "--mode", "rotate"],
        &["approve", "0123456789ab"],
        &["status"],
        &["resume"],
        &["incident", "list"],
        &["check"],
    ] {
        let output = place.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(text(&output.stderr).contains("estop init"), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_broken_configuration_falls_back_to_nothing_and_keeps_its_secret() {
    let place = Place::new();
    let file = place.path().join("broken.toml");
    std::fs::write(&file, "[[provider]]\nname = \"a\"\nkind = \"postgres\"\npassword = \"c4n4ry\"\nurl = 1\n").unwrap();
    let output = place.run(&["--config", file.to_str().unwrap(), "list"]);
    assert_eq!(code(&output), 2);
    let message = text(&output.stderr);
    assert!(message.contains("broken.toml:") && !message.contains("c4n4ry"), "{message}");
    let output = place.estop(&["list"]).env("ESTOP_CONFIG", place.path().join("missing.toml")).output().unwrap();
    assert_eq!(code(&output), 2, "a file that was named must be there");
}

/// A key that cannot be bound stops every command, with its place: what is broken is not found out at 3 a.m.
#[test]
fn keys_that_clash_are_told_with_file_and_line() {
    let place = Place::new();
    let file = place.path().join("keys.toml");
    for (keys, line, says) in [
        ("isolate = \"j\"", 2, "j would mean isolate and down on the screen Fleet"),
        ("\nisolat = \"x\"", 3, "no action is named isolat: did you mean isolate?"),
        ("burn = \"enter\"", 2, "burn cuts, and Enter is pressed by habit"),
        ("theme = \"hyper-t\"", 2, "hyper-t is no key"),
    ] {
        std::fs::write(&file, format!("[console.keys]\n{keys}\n")).unwrap();
        for arguments in [&["list"][..], &["--exercise", "embedded-fleet", "list"]] {
            let output = place.run(&[&["--config", file.to_str().unwrap()], arguments].concat());
            let said = text(&output.stderr);
            assert_eq!(code(&output), 2, "{said}");
            assert!(said.contains(&format!("keys.toml:{line}: ")) && said.contains(says), "{said}");
        }
    }
}

/// A provider that is away or whose secret is missing costs a 3 and a sentence; the secret itself shows nowhere.
#[test]
fn secrets_that_are_there_and_secrets_that_are_not() {
    let place = Place::new();
    let file = place.path().join("config.toml");
    let provider = |name: &str, variable: &str| {
        format!(
            "[[provider]]\nname = \"{name}\"\nkind = \"keycloak\"\nbase_url = \"http://127.0.0.1:1\"\nrealm = \"r\"\n\
             client_id = \"estop\"\nclient_secret = {{ env = \"{variable}\" }}\n"
        )
    };
    let text_of_file = provider("away", "ESTOP_TEST_CANARY") + &provider("unresolved", "ESTOP_TEST_UNSET");
    std::fs::write(&file, text_of_file).unwrap();
    for arguments in [&["list"][..], &["list", "--json"], &["check", "-v"], &["isolate", "away:x", "--yes"]] {
        let mut command = place.estop(&[&["--config", file.to_str().unwrap()], arguments].concat());
        let output = command.env("ESTOP_TEST_CANARY", "c4n4ry").output().unwrap();
        let expected = if arguments[0] == "isolate" { 2 } else { 3 };
        let everything = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(code(&output), expected, "{arguments:?}: {everything}");
        assert!(!everything.contains("c4n4ry") && !everything.contains("YzRuNHJ5"), "{everything}");
        assert!(everything.contains("away") && everything.contains("unresolved"), "{everything}");
        let names_it = everything.contains("ESTOP_TEST_UNSET") || arguments[0] == "isolate";
        assert!(names_it, "the variable is named: {everything}");
    }
}

/// Who may not approve, and what nobody can approve: refused, with the reason, and on record.
#[test]
fn an_approval_that_cannot_be_given_is_refused_and_recorded() {
    for (group, reason) in
        [("root", "no restore has the hash"), ("no-such-group", "this host has no group no-such-group")]
    {
        let place = Place::new();
        let file = place.path().join("config.toml");
        let text_of_file = format!(
            "[console]\napprover_group = \"{group}\"\n[[provider]]\nname = \"away\"\nkind = \"keycloak\"\n\
             base_url = \"http://127.0.0.1:1\"\nrealm = \"r\"\nclient_id = \"estop\"\nclient_secret = {{ env = \"X\" }}\n"
        );
        std::fs::write(&file, text_of_file).unwrap();
        let arguments = ["--config", file.to_str().unwrap(), "approve", "0123456789ab"];
        let output = place.run(&arguments);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 5, "{said}");
        // Who runs the tests may not be root.
        assert!(said.contains(reason) || said.contains("not a member of root"), "{said}");
        let host = std::fs::read_to_string(place.path().join("state/journal/host.jsonl")).unwrap();
        assert!(host.contains("\"approval.refused\""), "{host}");
    }
}

#[test]
fn the_console_wants_a_terminal() {
    let place = Place::new();
    let output = place.run(&[]);
    assert_eq!(code(&output), 2);
    assert_eq!(text(&output.stderr).lines().count(), 1);
    assert!(output.stdout.is_empty() && !output.stderr.contains(&0x1b));
}

#[test]
fn init_writes_once_and_what_it_writes_is_taken() {
    let place = Place::new();
    let output = place.run(&["init"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let file = place.path().join(".config/estop/config.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let output = place.run(&["init"]);
    assert_eq!(code(&output), 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    let output = place.run(&["list", "--json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let document = &lines(&output)[0];
    assert_eq!((&document["schema"], &document["exercise"]), (&Value::from("estop.list/1"), &Value::Null));
}

#[test]
fn completions_and_help_are_for_everybody() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = place.run(&["completions", shell]);
        assert!(code(&output) == 0 && text(&output.stdout).contains("isolate"), "{shell}");
    }
    let output = place.run(&["isolate", "--help"]);
    assert!(code(&output) == 0 && text(&output.stdout).contains("Example"));
    assert_eq!(code(&place.run(&["isolat"])), 2);
}

#[test]
fn documents_say_that_it_is_an_exercise() {
    let place = Place::new();
    for (arguments, schema) in [
        (&["list", "--all", "--json"][..], "estop.list/1"),
        (&["show", "helpdesk", "--json"], "estop.show/1"),
        (&["activity", "helpdesk", "--json"], "estop.activity/1"),
        (&["plan", "helpdesk", "--json"], "estop.plan/1"),
        (&["check", "--json"], "estop.check/1"),
        (&["status", "--json"], "estop.status/1"),
        (&["incident", "list", "--json"], "estop.incident/1"),
        (&["journal", "list", "--json"], "estop.journal-list/1"),
    ] {
        let output = place.exercise(arguments);
        let documents = lines(&output);
        assert_eq!(documents.len(), 1, "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(documents[0]["schema"], schema);
        assert_eq!(documents[0]["exercise"], "embedded-fleet", "{arguments:?}");
        assert!(output.stdout.is_ascii());
    }
    let output = place.exercise(&["show", "helpdsk"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("helpdesk"), "{}", text(&output.stderr));
    let output = place.run(&["--exercise", "nothing", "list"]);
    assert!(code(&output) == 2 && text(&output.stderr).contains("embedded-fleet"));
}

#[test]
fn guards_and_mistakes_send_nothing() {
    let place = Place::new();
    let wrong_plan = "0".repeat(64);
    for (arguments, expected) in [
        (&["isolate", "helpdesk"][..], 2),
        (&["isolate", "nobody", "--yes"], 2),
        (&["isolate", "helpdesk", "sales", "--yes"], 2),
        (&["isolate", "helpdesk", "sales", "--count", "3", "--yes"], 2),
        (&["isolate", "helpdesk", "--yes", "--plan", &wrong_plan], 5),
        (&["--read-only", "isolate", "helpdesk", "--yes"], 5),
        (&["restore", "helpdesk"], 2),
        (&["restore", "helpdesk", "--yes"], 2),
        (&["restore", "helpdesk", "--mode", "undo", "--yes"], 2),
        (&["restore", "nobody", "--mode", "rotate", "--yes"], 2),
        (&["restore", "helpdesk", "--mode", "rotate", "--yes"], 2),
        (&["--read-only", "restore", "helpdesk", "--mode", "rotate", "--yes"], 5),
        (&["approve", "0123456789ab"], 2),
        (&["--read-only", "approve", "0123456789ab"], 5),
        (&["--read-only", "resume"], 5),
        (&["--read-only", "incident", "open"], 5),
    ] {
        let output = place.exercise(arguments);
        assert_eq!(code(&output), expected, "{arguments:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
    let output = place.exercise(&["incident", "list", "--json"]);
    assert_eq!(lines(&output)[0]["incidents"], Value::Array(Vec::new()), "no operation was begun");
}

/// The outcome line and the journal say the same; the journal verifies; the incident can be closed.
#[test]
fn an_isolation_ends_dark_and_on_record() {
    let place = Place::new();
    let output = place.exercise(&["isolate", "helpdesk", "--yes", "--json", "--reason", "drill"]);
    let lines_of_run = lines(&output);
    let (last, steps) = lines_of_run.split_last().expect("an outcome");
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(last["schema"], "estop.outcome/1");
    assert!(last["outcome"] == "dark" || last["outcome"] == "dark-at", "{last}");
    assert!(steps.iter().all(|line| line["schema"] == "estop.step/1" && line["op"] == last["op"]));
    let verified: std::collections::BTreeSet<&str> =
        steps.iter().filter(|line| line["state"] == "verified").filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(last["counts"]["verified"].as_u64(), u64::try_from(verified.len()).ok());
    let path = last["journal"]["path"].as_str().expect("a file");
    let on_disk = std::fs::read_to_string(path).unwrap();
    assert_eq!(on_disk.lines().count() as u64, last["journal"]["lines"].as_u64().unwrap());
    assert!(on_disk.trim_end().ends_with(&format!("\"h\":{}}}", last["journal"]["head"])));
    assert_eq!(code(&place.run(&["journal", "verify", path])), 0, "without a configuration");
    let shown = lines(&place.exercise(&["journal", "show", "--json"]));
    assert_eq!(shown[0]["records"].as_array().unwrap().len() as u64, last["journal"]["lines"].as_u64().unwrap());
    // Each line names the record that holds it.
    let records = shown[0]["records"].as_array().unwrap();
    for line in steps.iter().filter(|line| line["state"] != "retrying") {
        let record = line["seq"].as_u64().and_then(|seq| records.iter().find(|record| record["seq"] == seq));
        let body = &record.unwrap_or_else(|| panic!("{line}"))["body"];
        assert_eq!(body["step"], line["step"], "{line}");
        // An attempt and a question of a person have no state of their own: what they are is one.
        let said = body["state"]["is"].as_str().unwrap_or(if body["key"].is_string() { "sent" } else { "manual" });
        assert_eq!(line["state"], said, "{line}: {body}");
    }
    let closed = lines(&place.exercise(&["incident", "close", "--json"]));
    assert!(closed[0]["incidents"][0]["closed_at"].is_string(), "{closed:?}");
    std::fs::write(path, on_disk.replacen("drill", "drull", 1)).unwrap();
    assert_eq!(code(&place.run(&["journal", "verify", path])), 4);
    std::fs::write(path, &on_disk[..on_disk.len() - 20]).unwrap();
    let note = Path::new(path).with_extension("checkpoint");
    let torn = place.run(&["journal", "verify", path]);
    assert!(text(&torn.stderr).contains("are missing"), "{}", text(&torn.stderr));
    assert_eq!(code(&torn), 4, "a line is gone that was signed");
    std::fs::remove_file(note).unwrap();
    assert_eq!(code(&place.run(&["journal", "verify", path])), 3, "nothing tells it from a crash");
    assert_eq!(code(&place.run(&["journal", "verify", "/nonexistent"])), 1);
}

/// Nobody reads: the isolation goes on, and the code says that output was lost.
#[test]
fn lost_output_is_no_panic_and_no_success() {
    let place = Place::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = place.estop(&["--exercise", "embedded-fleet", "list"]).stdout(full).output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(!text(&output.stderr).contains("panic"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let arguments = ["--exercise", "embedded-fleet", "isolate", "sales", "--yes", "--json"];
    let output = place.estop(&arguments).stdout(writer).output().unwrap();
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let status = lines(&place.exercise(&["status", "--json"]));
    let operation = &status[0]["incidents"][0]["operations"][0];
    assert_eq!((&operation["bot"], &operation["unfinished"]), (&"sales".into(), &false.into()), "{operation}");
}

/// Starts an isolation and waits until its first step was answered.
fn struck(place: &Place) -> (Child, BufReader<std::process::ChildStdout>) {
    let arguments = ["--exercise", "embedded-fleet", "isolate", "helpdesk", "--yes", "--json"];
    let mut child =
        place.estop(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("\"accepted\"") {
        line.clear();
        assert!(output.read_line(&mut line).expect("a line") > 0, "it ended before anything was answered");
    }
    (child, output)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("the process is there");
}

/// Whether whoever started the tests ignores a signal (`nohup`): then estop, rightly, does too.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0) >> (signal.as_raw() - 1) & 1 == 1
}

/// Polite signals in mid-strike: it finishes in bounded time, and the code is the outcome's.
#[test]
fn a_signal_in_mid_strike_lets_it_finish() {
    for number in [Signal::TERM, Signal::INT, Signal::HUP] {
        let place = Place::new();
        let (mut child, mut output) = struck(&place);
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap_or_default();
        let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap_or_default();
        assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "{limits}");
        signal(&child, number);
        let since = Instant::now();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let status = child.wait().unwrap();
        assert!(since.elapsed() < Duration::from_secs(10), "{number:?}");
        assert_eq!(status.code(), Some(0), "{number:?}: {rest}");
        assert!(rest.lines().last().unwrap_or_default().contains("estop.outcome/1"), "{rest}");
        let show = text(&place.exercise(&["journal", "show"]).stdout);
        let lost = number == Signal::HUP && !is_ignored(number);
        assert_eq!(show.contains("console.lost"), lost, "{number:?}: {show}");
    }
}
