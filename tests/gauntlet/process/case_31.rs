//! 31. Nobody reads the output: a closed pipe, a full device, a closed descriptor.

use std::{fs::File, process::Stdio};

use crate::harness::{
    Ran, Stage, each,
    stage::{ISOLATE, PATIENCE},
};

const ALL: [&[&str]; 8] = [
    &["list"],
    &["--json", "list"],
    &["show", "helpdesk"],
    &["plan", "helpdesk"],
    &["journal", "list"],
    &["completions", "bash"],
    &["--help"],
    &["--version"],
];

/// A pipe that nobody reads any more.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn run(stage: &Stage, arguments: &[&str], stdout: Option<Stdio>, stderr: Option<Stdio>) -> Ran {
    let mut command = stage.command(&[], arguments);
    if let Some(stdout) = stdout {
        command.stdout(stdout);
    }
    if let Some(stderr) = stderr {
        command.stderr(stderr);
    }
    quiet(stage.heard(stage.spawn(command, arguments).wait(PATIENCE)))
}

#[track_caller]
fn quiet(ran: Ran) -> Ran {
    assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("an error of estop's own"), "{ran}");
    assert_ne!(ran.code, Some(101), "{ran}");
    assert!(ran.code.is_some(), "a signal ended it: {ran}");
    ran
}

#[test]
#[ignore = "gauntlet"]
fn case_31_lost_output_is_an_error() {
    let stage = Stage::new();
    each(
        &ALL,
        |words| format!("{words:?}"),
        |words| {
            run(&stage, words, Some(unread()), None).expect(&[1]);
            run(&stage, words, Some(full()), None).expect(&[1]);
            run(&stage, words, Some(full()), Some(full())).expect(&[1]);
            // What goes to standard error is not what was asked for.
            run(&stage, words, None, Some(full())).expect(&[0]);
            run(&stage, words, None, Some(unread())).expect(&[0]);
        },
    );
}

/// The same by way of a shell: a reader that leaves early, descriptors that were never there. The runtime puts
/// `/dev/null` in the place of a closed descriptor: nothing is lost that anybody could have read.
#[test]
#[ignore = "gauntlet"]
fn case_31_by_way_of_a_shell() {
    let stage = Stage::new();
    for (script, codes) in [
        ("set -o pipefail; \"$0\" \"$@\" | head -1", &[0, 1][..]),
        ("exec \"$0\" \"$@\" >/dev/full", &[1]),
        ("exec \"$0\" \"$@\" >&-", &[0]),
        ("exec \"$0\" \"$@\" 2>&-", &[0]),
        ("exec \"$0\" \"$@\" <&- >&- 2>&-", &[0]),
    ] {
        let prefix = ["bash", "-c", script].map(str::to_owned);
        let ran = stage.heard(stage.start_under(&prefix, &["list"]).wait(PATIENCE));
        quiet(ran).expect(codes);
    }
}

/// An operation is not disturbed by it.
#[test]
#[ignore = "gauntlet"]
fn case_31_an_isolation_goes_on() {
    type Streams = fn() -> (Option<Stdio>, Option<Stdio>);
    let variants: [(&str, Streams, i32); 4] = [
        ("an unread pipe", || (Some(unread()), None), 1),
        ("a full device", || (Some(full()), Some(full())), 1),
        ("errors unread", || (None, Some(unread())), 0),
        ("nobody reads anything", || (Some(unread()), Some(unread())), 1),
    ];
    each(
        &variants,
        |(name, ..)| (*name).to_owned(),
        |(_, streams, code)| {
            let stage = Stage::new();
            let (stdout, stderr) = streams();
            let ran = run(&stage, &ISOLATE, stdout, stderr);
            ran.expect(&[*code]);
            assert_eq!(stage.alive(), [], "{ran}");
            stage.no_false_success(&ran);
            stage.intent_first();
            stage.converges(0);
        },
    );
}
