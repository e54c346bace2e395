//! 36. Credential files: checked before anything is asked for with them, and never quoted.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use rustix::process::{Gid, Uid};

use crate::harness::{Rule, Stage, Wire, each, server::Server};

type Break = fn(&Stage, &Path);

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn owner(path: &Path, uid: Option<u32>, gid: Option<u32>) {
    rustix::fs::chown(path, uid.map(Uid::from_raw), gid.map(Gid::from_raw)).unwrap();
}

/// Puts the file into a folder of its own, which is then opened to others.
fn in_a_folder(stage: &Stage, path: &Path, open: u32) {
    let folder = stage.home().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::rename(path, folder.join("secret")).unwrap();
    mode(&folder, open);
    let text = std::fs::read_to_string(stage.home().join("config.toml")).unwrap();
    stage.configure(&text.replace("\"sso-b.secret\"", "\"folder/secret\""));
}

fn content(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// What is wrong, how, and what the message must say beside the path.
const REFUSED: [(&str, Break, &[&str]); 12] = [
    ("0644", |_, path| mode(path, 0o644), &["0644", "owner 0", "chmod"]),
    ("0640, foreign group", |_, path| (mode(path, 0o640), owner(path, None, Some(12345))).0, &["0640", "owner 0"]),
    ("0602", |_, path| mode(path, 0o602), &["0602", "owner 0"]),
    ("another user's", |_, path| owner(path, Some(12345), None), &["0600", "owner 12345"]),
    ("a folder for everybody", |stage, path| in_a_folder(stage, path, 0o777), &["0777", "owner 0", "chmod"]),
    ("a folder for the group", |stage, path| in_a_folder(stage, path, 0o770), &["0770", "owner 0"]),
    (
        "a symbolic link",
        |_, path| {
            let real = path.with_extension("real");
            std::fs::rename(path, &real).unwrap();
            std::os::unix::fs::symlink(real, path).unwrap();
        },
        &["symbolic link"],
    ),
    (
        "a directory",
        |_, path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
        &["not a regular file"],
    ),
    ("empty", |_, path| std::fs::write(path, "").unwrap(), &["empty"]),
    ("1 MiB", |_, path| std::fs::write(path, content(path).repeat(1 << 20)).unwrap(), &["64 KiB"]),
    ("not ASCII", |_, path| std::fs::write(path, format!("{}é", content(path))).unwrap(), &["ASCII"]),
    ("missing", |_, path| std::fs::remove_file(path).unwrap(), &["No such file"]),
];

#[test]
#[ignore = "gauntlet"]
fn case_36_what_is_refused() {
    each(
        &REFUSED,
        |(name, ..)| (*name).to_owned(),
        |(_, break_it, words)| {
            let stage = Stage::new();
            let path = stage.home().join("sso-b.secret");
            let config = content(&stage.home().join("config.toml"));
            let secret = content(&path);
            break_it(&stage, &path);
            let list = stage.run(&["list"]);
            list.expect(&[3]);
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[3]);
            for ran in [&list, &ran] {
                let said = format!("{}{}", ran.stdout, ran.stderr);
                assert!(said.contains("sso-b"), "{ran}");
                assert!(said.contains("sso-b.secret") || said.contains("folder"), "no path: {said}");
                for word in *words {
                    assert!(said.contains(word), "no {word}: {said}");
                }
                assert!(!said.contains(&secret), "the content is quoted");
            }
            assert!(stage.servers[1].seen().is_empty(), "it was asked all the same");
            // Mended, the rest is done.
            if path.is_dir() {
                std::fs::remove_dir(&path).unwrap();
            } else if std::fs::symlink_metadata(&path).is_ok() {
                std::fs::remove_file(&path).unwrap();
            }
            stage.write("sso-b.secret", &secret, 0o600);
            stage.configure(&config);
            stage.converges(0);
        },
    );
}

/// A line end or a byte order mark is no part of a secret.
#[test]
#[ignore = "gauntlet"]
fn case_36_what_is_trimmed() {
    each(
        &[("", "\n"), ("", "\r\n"), ("\u{feff}", ""), ("\u{feff}", "\r\n")],
        |edges| format!("{edges:?}"),
        |(before, after)| {
            let stage = Stage::new();
            for Server { name, .. } in &stage.servers {
                let secret = content(&stage.home().join(format!("{name}.secret")));
                stage.write(&format!("{name}.secret"), format!("{before}{secret}{after}"), 0o600);
            }
            let ran = stage.isolate();
            stage.holds(&ran);
            ran.expect(&[0]);
        },
    );
}

/// The whole secret comes back in an error of the server: it is not passed on.
#[test]
#[ignore = "gauntlet"]
fn case_36_a_server_that_quotes_it() {
    use crate::harness::Reply;
    let stage = Stage::new();
    let secret = content(&stage.home().join("sso-b.secret"));
    let body = serde_json::json!({ "error": secret, "error_description": format!("bad secret {secret}") }).to_string();
    stage.servers[1].fault(Rule::on("POST", "/token", Wire::Answer(Reply::json(401, body))));
    stage.run(&["list"]).expect(&[3]);
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[3]).says(&["sso-b"]);
    stage.converges(0);
}

/// From a variable: trimmed as a file is, named where it is missing or nothing, and never passed on to a command.
#[test]
#[ignore = "gauntlet"]
fn case_36_from_a_variable() {
    use crate::harness::stage::{ISOLATE, PATIENCE};
    let stage = Stage::new();
    let config = content(&stage.home().join("config.toml"));
    let secret = content(&stage.home().join("sso-a.secret"));
    let other = content(&stage.home().join("sso-b.secret"));
    let shown = stage.home().join("shown");
    let script = format!("env > '{}'; printf %s '{other}'", shown.display());
    stage.write("give", format!("#!/bin/sh\n{script}\n"), 0o700);
    let program = stage.home().join("give").display().to_string();
    stage.configure(
        &config
            .replace("{ file = \"sso-a.secret\" }", "{ env = \"ESTOP_A\" }")
            .replace("{ file = \"sso-b.secret\" }", &format!("{{ command = [\"{program}\"] }}")),
    );
    for value in [None, Some(""), Some("\n"), Some("caf\u{e9}"), Some("two words\nand lines")] {
        let mut command = stage.command(&[], &["list"]);
        command.envs(value.map(|value| ("ESTOP_A", value)));
        let ran = stage.heard(stage.spawn(command, &["list"]).wait(PATIENCE));
        ran.expect(&[3]);
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains("ESTOP_A"), "{value:?}: {ran}");
        assert!(!ran.stderr.contains("two words") && !ran.stdout.contains("two words"), "{ran}");
    }
    assert!(stage.servers[0].seen().is_empty(), "it was asked all the same");
    let mut command = stage.command(&[], &ISOLATE);
    command.env("ESTOP_A", format!("{secret}\r\n"));
    let ran = stage.heard(stage.spawn(command, &ISOLATE).wait(PATIENCE));
    let passed_on = content(&shown);
    assert!(!passed_on.contains("ESTOP_A") && !passed_on.contains(&secret), "a command has got it: {passed_on}");
    stage.holds(&ran);
    ran.expect(&[0]);
    assert_eq!(stage.alive(), [], "{ran}");
}
