//! 24. Bad data: an error of that provider, never a crash, never an empty list.

use std::{sync::Arc, time::Duration};

use super::{B, fails_alone};
use crate::harness::{Dice, Reply, Rule, Stage, Wire, each, wire::Body};

type Spoil = Arc<dyn Fn(Reply) -> Reply + Send + Sync>;

fn always(bytes: impl Into<Vec<u8>>) -> Spoil {
    let bytes = bytes.into();
    Arc::new(move |_| Reply::json(200, bytes.clone()))
}

fn change(by: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Spoil {
    Arc::new(move |reply| match reply.body.clone() {
        Body::Bytes(bytes) => reply.body(by(bytes)),
        _ => reply,
    })
}

fn spoils() -> Vec<(&'static str, Spoil)> {
    let items = format!("[{}]", vec!["{\"id\":7}"; 100_000].join(","));
    vec![
        ("nested 100,000 deep", always("[".repeat(100_000))),
        ("nested objects", always("{\"a\":".repeat(100_000))),
        ("cut short", change(|bytes| bytes[..bytes.len() / 2].to_vec())),
        ("cut by one byte", change(|bytes| bytes[..bytes.len().saturating_sub(1)].to_vec())),
        (
            "a login page",
            Arc::new(|_| {
                Reply::status(200).header("content-type", "text/html").body("<!doctype html><title>Log in</title>")
            }),
        ),
        ("nothing", always("")),
        ("null", always("null")),
        ("a number", always("7")),
        ("wrong types", always("[{\"id\":7,\"clientId\":[],\"enabled\":\"yes\"}]")),
        ("another object", always("{\"realm\":\"chatbots\"}")),
        ("100,000 items", always(items)),
        (
            "invalid UTF-8",
            change(|mut bytes| {
                let middle = bytes.len() / 2;
                bytes.insert(middle, 0xff);
                bytes
            }),
        ),
        ("a byte order mark", change(|bytes| [b"\xef\xbb\xbf".to_vec(), bytes].concat())),
        ("something behind it", change(|bytes| [bytes, b"]]}".to_vec()].concat())),
    ]
}

/// At every read of one provider.
#[test]
#[ignore = "gauntlet"]
fn case_24_every_read() {
    let drawn = Dice::of("case 24").some(spoils(), 8);
    each(
        &drawn,
        |spoil| spoil.0.to_owned(),
        |(_, spoil)| {
            let stage = Stage::new();
            stage.servers[B].fault(Rule::reads(Wire::Twist(spoil.clone())));
            let list = stage.run(&["--json", "list"]);
            list.expect(&[3]);
            stage.honest(&list);
            let providers = list.lines()[0]["providers"].clone();
            let b = providers.as_array().unwrap().iter().find(|one| one["name"] == "sso-b").unwrap().clone();
            assert!(b["complete"] == false && b["error"].is_string(), "shown as complete: {b}");
            let ran = stage.isolate();
            fails_alone(&stage, &ran, &[3, 4]);
            ran.within(Duration::from_mins(1));
            stage.converges(0);
        },
    );
}

/// At one kind of read: what it would have told is missing, and said to be.
#[test]
#[ignore = "gauntlet"]
fn case_24_one_kind_of_read() {
    let places = ["/user-sessions", "/offline-sessions", "/consents", "/role-mappings", "/service-account-user"];
    let table = places.iter().flat_map(|place| spoils().into_iter().map(move |spoil| (*place, spoil)));
    let drawn = Dice::of("case 24 by kind").some(table.collect(), 10);
    each(
        &drawn,
        |(place, spoil)| format!("{place}: {}", spoil.0),
        |(place, (_, spoil))| {
            let stage = Stage::new();
            stage.servers[B].fault(Rule::on("GET", place, Wire::Twist(spoil.clone())));
            let ran = stage.isolate();
            fails_alone(&stage, &ran, &[3, 4]);
            stage.converges(0);
        },
    );
}
