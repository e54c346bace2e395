//! Secrets leave the real binary nowhere: not by what people type, not by what it prints, not by what is kept of it.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::{Child, Output, Stdio},
};

use crate::place::Place;

fn everything(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A responder pastes the token into the reason: it is on no screen and in no record, and yet it can be told which.
#[test]
fn a_secret_typed_as_a_reason_is_masked_on_its_way() {
    let place = Place::new();
    let token = format!("{}_{}", "ghp", "Zz9".repeat(12));
    let reason = format!("leaked {token} and {}={}", "password", "hunter2hunter2");
    for json in [&["--json"][..], &[]] {
        let arguments = ["--exercise", "embedded-fleet", "isolate", "helpdesk", "--yes", "--reason", &reason];
        let output = place.run(&[&arguments[..], json].concat());
        assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
        assert!(!everything(&output).contains(&token));
    }
    let mut recorded = String::new();
    for file in place.files() {
        let bytes = std::fs::read(&file).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&token) && !text.contains("hunter2"), "{}", file.display());
        recorded.push_str(&text);
    }
    assert!(recorded.contains("leaked <github-token:sha256:") && recorded.contains("password=<password>"));
    let show = place.run(&["--exercise", "embedded-fleet", "journal", "show"]);
    assert!(everything(&show).contains("leaked"), "{}", everything(&show));
    assert!(!everything(&show).contains(&token));
}

/// Mistakes are quoted, secrets in them are not.
#[test]
fn what_is_quoted_in_an_error_is_masked() {
    let place = Place::new();
    let token = format!("{}-{}", "glpat", "Zz9_".repeat(5));
    for arguments in [
        &["--exercise", "embedded-fleet", "show", &token][..],
        &["--exercise", "embedded-fleet", "isolate", &token, "--yes"],
        &["--exercise", &token, "list"],
        &["list", &token],
        &[token.as_str()],
    ] {
        let output = place.run(arguments);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!everything(&output).contains(&token), "{}", everything(&output));
        assert!(!everything(&output).is_empty());
    }
}

/// A configured secret that comes back in a server's error: found by its value, whatever it looks like.
#[test]
fn a_configured_secret_is_known_by_its_value() {
    let place = Place::new();
    let canary = ["C4n4ry", "of", "the", "realm"].join("-");
    let secret = place.path().join("secret");
    std::fs::write(&secret, &canary).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    // The provider's name is the secret: every sentence about it quotes it.
    let config = format!(
        "[[provider]]\nname = \"{canary}\"\nkind = \"keycloak\"\nbase_url = \"http://127.0.0.1:9\"\n\
         realm = \"bots\"\nclient_id = \"estop\"\nclient_secret = {{ file = \"{}\" }}\n",
        secret.display()
    );
    let path = place.path().join("estop.toml");
    std::fs::write(&path, config).unwrap();
    for command in [&["check"][..], &["check", "--json"], &["list"], &["list", "--json"]] {
        let output = place.run(&[&["--config", path.to_str().unwrap()], command].concat());
        let said = everything(&output);
        assert!(!said.contains("C4n4ry") && said.contains("<own-secret>"), "{command:?}: {said}");
    }
}

/// In mid-strike, when secrets are in memory.
fn struck(place: &Place) -> (Child, BufReader<std::process::ChildStdout>) {
    let arguments = ["--exercise", "embedded-fleet", "isolate", "helpdesk", "--yes", "--json"];
    let mut command = place.estop(&arguments);
    command.env("CANARY", "c4n4ry").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary runs");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    assert!(output.read_line(&mut line).expect("a line") > 0, "it ended at once");
    (child, output)
}

#[test]
fn neighbours_and_core_files_get_nothing() {
    let place = Place::new();
    let (mut child, _output) = struck(&place);
    let of = |what: &str| PathBuf::from(format!("/proc/{}/{what}", child.id()));
    let limits = std::fs::read_to_string(of("limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"], "{limits}");
    // Not dumpable: what the system shows of it belongs to root, whoever runs it.
    assert_eq!(std::fs::metadata(of("environ")).unwrap().uid(), 0);
    let status = std::fs::read_to_string(of("status")).unwrap();
    if !rustix::process::geteuid().is_root() {
        assert!(std::fs::read(of("environ")).is_err() && std::fs::File::open(of("mem")).is_err());
    }
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    assert_eq!(u32::from_str_radix(field("Umask:"), 8), Ok(0o077), "{status}");
    let mask = |name: &str| u64::from_str_radix(field(name), 16).unwrap_or(0);
    let size = rustix::process::Signal::XFSZ.as_raw() - 1;
    assert_eq!((mask("SigCgt:") | mask("SigIgn:")) >> size & 1, 1, "a file-size limit must not kill: {status}");
    for file in place.files() {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", file.display());
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::SEGV).unwrap();
    let ended = child.wait().unwrap();
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&ended), "{ended}");
}
