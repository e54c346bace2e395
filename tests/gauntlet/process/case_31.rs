//! 31. Nobody reads the output: a closed pipe, a full device, a closed descriptor.

use std::{
    fs::File,
    io::{PipeReader, Read as _, Write as _},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::Signal,
};

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

/// A pipe that takes no byte more, and its reader, who does not read.
fn stuck() -> (PipeReader, Stdio) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'\n'; 512]).is_ok() {}
    while writer.write(b"\n").is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer.into())
}

/// A pager at its first page, a terminal that was told to wait: the isolation does not, and a signal still ends it.
#[test]
#[ignore = "gauntlet"]
fn case_31_a_reader_that_has_stopped_reading() {
    each(
        &[(true, false), (false, true), (true, true)],
        |streams| format!("{streams:?}"),
        |(out, err)| {
            let stage = Stage::new();
            let mut command = stage.command(&[], &ISOLATE);
            let mut readers = Vec::new();
            if *out {
                let (reader, writer) = stuck();
                readers.push(reader);
                command.stdout(writer);
            }
            if *err {
                let (reader, writer) = stuck();
                readers.push(reader);
                command.stderr(writer);
                // Something is said there.
                stage.servers[1].fault(crate::harness::Rule::changes(crate::harness::Wire::Reset));
            }
            let mut running = stage.spawn(command, &ISOLATE);
            let until = Instant::now() + PATIENCE;
            while stage.records_of("op.end").is_empty() {
                assert!(running.runs() && Instant::now() < until, "the isolation waits for its reader");
                std::thread::sleep(Duration::from_millis(50));
            }
            assert!(running.runs(), "what nobody has read was thrown away");
            running.signal(Signal::TERM);
            let ran = stage.heard(running.wait(Duration::from_secs(10)));
            if *out {
                ran.expect(&[1]);
            } else {
                ran.expect(&[3]);
            }
            stage.no_false_success(&ran);
            stage.intent_first();
            drop(readers);
            stage.converges(1);
        },
    );
}

/// A reader who comes back gets every line.
#[test]
#[ignore = "gauntlet"]
fn case_31_a_reader_that_comes_back() {
    let stage = Stage::new();
    let (mut reader, writer) = stuck();
    let mut command = stage.command(&[], &ISOLATE);
    command.stdout(writer);
    let running = stage.spawn(command, &ISOLATE);
    let until = Instant::now() + PATIENCE;
    while stage.records_of("op.end").is_empty() {
        assert!(Instant::now() < until, "the isolation waits for its reader");
        std::thread::sleep(Duration::from_millis(50));
    }
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    let ran = Ran { stdout: String::new(), ..stage.heard(running.wait(PATIENCE)) };
    let ran = stage.heard(Ran { stdout: reading.join().unwrap(), ..ran });
    stage.holds(&ran);
    ran.expect(&[0]);
    assert!(ran.outcome()["outcome"].as_str().unwrap().starts_with("dark"), "{ran}");
    let verified = ran.lines().iter().filter(|line| line["state"] == "verified").count();
    assert_eq!(
        verified,
        stage.claims().values().filter(|claim| claim.state == "verified").count(),
        "lines are missing"
    );
}
