//! 17. One byte at a time: a deadline over the whole request ends it.

use std::time::Duration;

use super::{B, fails_alone};
use crate::harness::{Rule, Stage, Wire, each, wire::Part};

/// The deadline of one request, and a second.
const DEADLINE: Duration = Duration::from_secs(15 + 1);
/// Between two bytes.
const EVERY: Duration = Duration::from_millis(300);

#[test]
#[ignore = "gauntlet"]
fn case_17_a_reading_command_ends_at_the_deadline() {
    let places = [
        ("POST", "/token"),
        ("GET", "/clients"),
        ("GET", "/admin/"),
        ("GET", "/events"),
        ("GET", "/users/"),
        ("GET", "/user-sessions"),
    ];
    let variants: Vec<_> =
        [Part::Head, Part::Body].into_iter().flat_map(|part| places.map(|place| (part, place))).collect();
    each(
        &variants,
        |variant| format!("{variant:?}"),
        |(part, (method, path))| {
            let stage = Stage::new();
            stage.servers[B].fault(Rule::on(method, path, Wire::Drip(*part, EVERY)));
            let ran = stage.run(&["--json", "list"]);
            ran.expect(&[3]).within(DEADLINE);
            stage.honest(&ran);
            let complete = |name: &str| {
                let document = &ran.lines()[0];
                let providers = document["providers"].as_array().unwrap().clone();
                providers.iter().find(|one| one["name"] == name).unwrap()["complete"].as_bool().unwrap()
            };
            assert_eq!([complete("sso-a"), complete("sso-b"), complete("sso-c")], [true, false, true], "{ran}");
            stage.heal();
        },
    );
}

#[test]
#[ignore = "gauntlet"]
fn case_17_an_isolation_goes_on_beside_it() {
    each(
        &[Part::Head, Part::Body],
        |part| format!("{part:?}"),
        |part| {
            let stage = Stage::new();
            stage.servers[B].fault(Rule::reads(Wire::Drip(*part, EVERY)));
            let ran = stage.isolate();
            fails_alone(&stage, &ran, &[3, 4]);
            ran.within(Duration::from_mins(1));
            stage.converges(0);
        },
    );
}

/// The answer to the change drips: it was done, and nobody says so.
#[test]
#[ignore = "gauntlet"]
fn case_17_the_answer_to_a_change_drips() {
    let stage = Stage::new();
    stage.servers[B].fault(Rule::changes(Wire::Drip(Part::Head, EVERY)).first(1));
    let ran = stage.isolate();
    stage.holds(&ran);
    ran.expect(&[0]);
    stage.converges(0);
}
